//! The `session-app` example: users with passwords, sessions with refresh tokens, for API clients and
//! for a page in a browser.

mod account;
mod attempts;
mod body;
mod database;
mod hasher;
mod page;
mod password;
mod routes;
mod settings;
mod throttle;

use std::{error::Error, sync::Arc, time::Duration};

use actix_web::{HttpRequest, HttpResponse, ResponseError as _, web};
use aws_lc_rs::hkdf;
use jwt_verify::{
    Algorithm, AuthError, JwtAuth, Secret,
    endpoints::JwksEndpoint,
    extract::UserLoaderData,
    issuing::{SigningKey, TokenIssuer},
    revocation::{MemoryRevocation, RedisRevocation},
    sessions::{RedisRefreshStore, SessionCookies, SessionError, Sessions},
    store::RedisCache,
};

pub use self::settings::Settings;
use self::{
    attempts::Attempts,
    body::{Body, Limits},
    database::Database,
    password::Passwords,
};

/// Everything that the routes share.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "it holds connections and secrets")]
pub struct SessionApp {
    users: Database,
    passwords: Passwords,
    sessions: Sessions,
    cookies: SessionCookies,
    auth: JwtAuth,
    attempts: Arc<Attempts>,
    limits: Limits,
}

/// Names of the issuer and of the API; nobody but this application uses them.
const ISSUER: &str = "session-app";
const AUDIENCE: &str = "session-app-api";
const ACCESS_COOKIE: &str = "__Host-access";

impl SessionApp {
    /// Opens the database, makes the keys, and creates the first administrator.
    ///
    /// # Errors
    /// Settings that cannot work, and a database that cannot be opened.
    pub async fn start(settings: Settings) -> Result<Self, Box<dyn Error>> {
        let users = Database::open(&settings.database_url).await?;
        let passwords = Passwords::new()?;
        let (key, csrf_secret) = match &settings.secret {
            Some(secret) => {
                let csrf_secret = derived(secret)?;
                let key = SigningKey::from_secret(Algorithm::HS256, &secret.as_str().into());
                (key.map_err(|error| format!("JWT_SECRET_KEY: {error}"))?, csrf_secret)
            }
            None => (SigningKey::generate(Algorithm::ES256)?, random_secret()?),
        };
        let issuer = TokenIssuer::builder(ISSUER, AUDIENCE, key)
            .access_lifetime(settings.access_lifetime)
            .build()?;
        let sessions = Sessions::builder(issuer).lifetime(settings.refresh_lifetime);
        let sessions =
            sessions.idle_timeout(settings.refresh_lifetime.min(Duration::from_secs(7 * 86_400)));
        let sessions = match &settings.redis_url {
            Some(url) => {
                let redis =
                    RedisCache::builder(url).namespace("session-app").connections(16).build()?;
                sessions
                    .store(RedisRefreshStore::new(redis.clone()))
                    .revocation(RedisRevocation::new(redis))
            }
            None => sessions.revocation(MemoryRevocation::new()),
        };
        let sessions = sessions.build()?;
        let cookies = SessionCookies::builder(&csrf_secret).access_name(ACCESS_COOKIE).build()?;
        // Issuer and API are one, so their clocks differ by little.
        let leeway = Duration::from_secs(1);
        let auth = JwtAuth::for_sessions_with(&sessions, |issuer| issuer.leeway(leeway))
            .cookies(&cookies)
            .token_cache_capacity(settings.token_cache)
            .error_response(refusal)
            .build()?;
        if let Some((name, password)) = &settings.admin {
            if !routes::is_name(name) || !password::is_acceptable(password, name) {
                return Err("ADMIN_USERNAME or ADMIN_PASSWORD is not acceptable".into());
            }
            let hash = passwords.hash(password.clone()).await?;
            if !users.add_admin(name, &hash).await? {
                return Err("ADMIN_USERNAME is taken by somebody who is no administrator".into());
            }
        }
        let attempts = Arc::new(Attempts::new());
        let limits = Limits { bytes: MAX_BODY_BYTES, time: settings.body_deadline };
        Ok(Self { users, passwords, sessions, cookies, auth, attempts, limits })
    }

    /// Adds the routes to an application.
    pub fn configure(self) -> impl FnOnce(&mut web::ServiceConfig) {
        move |app| {
            app.configure(Body::configure(self.limits))
                .app_data(UserLoaderData::new(self.users.clone()))
                .app_data(self.auth.clone())
                .service(JwksEndpoint::new(self.sessions.issuer().clone()))
                .service((page::index, page::script, page::style))
                .configure(routes::configure)
                .configure(account::configure)
                .app_data(web::Data::new(self));
        }
    }
}

/// Room for the longest password, with all of its characters escaped.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// A route for refresh tokens answers as a token endpoint does (RFC 6749 §5.2), all others as an API.
fn refusal(error: &AuthError, request: &HttpRequest) -> HttpResponse {
    match error {
        AuthError::InvalidToken(_) | AuthError::ExpiredToken
            // By the route, since a path can be written in several ways.
            if request.match_pattern().as_deref() == Some(routes::REFRESH_PATH) =>
        {
            SessionError::InvalidGrant.error_response()
        }
        error => error.error_response(),
    }
}

/// A secret for CSRF tokens, which knows nothing of the key that it comes from: each is for one thing.
fn derived(key: &str) -> Result<Secret, Box<dyn Error>> {
    let mut bytes = [0; 32];
    let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]);
    let made = salt
        .extract(key.as_bytes())
        .expand(&[b"session-app: CSRF tokens"], hkdf::HKDF_SHA256)
        .and_then(|derived| derived.fill(&mut bytes));
    made.map_err(|_| "no secret can be derived from JWT_SECRET_KEY")?;
    Ok(Secret::new(bytes))
}

fn random_secret() -> Result<Secret, Box<dyn Error>> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| "there are no random numbers")?;
    Ok(Secret::new(bytes))
}
