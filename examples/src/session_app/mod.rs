//! The `session-app` example: users with passwords, sessions with refresh tokens, for API clients and
//! for a page in a browser.

mod account;
mod database;
mod page;
mod password;
mod routes;
mod settings;
mod throttle;

use std::{error::Error, sync::Arc, time::Duration};

use actix_web::{HttpRequest, HttpResponse, ResponseError as _, web};
use jwt_verify::{
    Algorithm, AuthError, JwtAuth, KeySetRoute, MemoryRevocation, RedisCache, RedisRefreshStore,
    RedisRevocation, Secret, SessionCookies, SessionError, Sessions, SigningKey, TokenIssuer,
    Users,
};

pub use self::settings::Settings;
use self::{
    database::Database,
    password::Passwords,
    throttle::{Limit, Throttle},
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
}

/// How often somebody may try to log in.
struct Attempts {
    by_name: Throttle,
    /// Failures only: many people may come from one address.
    by_address: Throttle,
}

/// Names of the issuer and of the API; nobody but this application uses them.
const ISSUER: &str = "session-app";
const AUDIENCE: &str = "session-app-api";

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
                let secret = Secret::from(secret.as_str());
                let key = SigningKey::from_secret(Algorithm::HS256, &secret);
                (key.map_err(|error| format!("JWT_SECRET_KEY: {error}"))?, secret)
            }
            None => (SigningKey::generate(Algorithm::ES256)?, random_secret()?),
        };
        let issuer = TokenIssuer::builder(ISSUER, AUDIENCE, key)
            .access_lifetime(settings.access_lifetime)
            .build()?;
        let sessions = Sessions::builder(issuer).lifetime(settings.refresh_lifetime);
        let sessions =
            sessions.idle(settings.refresh_lifetime.min(Duration::from_secs(7 * 86_400)));
        let sessions = match &settings.redis_url {
            Some(url) => {
                let redis =
                    RedisCache::new(url).namespace("session-app").connections(16).build()?;
                sessions
                    .store(RedisRefreshStore::new(redis.clone()))
                    .revocation(RedisRevocation::new(redis))
            }
            None => sessions.revocation(MemoryRevocation::new()),
        };
        let sessions = sessions.build()?;
        let cookies = SessionCookies::builder(&csrf_secret).build()?;
        let auth = JwtAuth::for_sessions(&sessions)
            .cookies(&cookies)
            // Issuer and API are one, so their clocks differ by little.
            .leeway(Duration::from_secs(1))
            .error_response(refusal)
            .build()?;
        let attempts = Attempts {
            by_name: Throttle::new(Limit { at_once: 20, every: Duration::from_secs(3) }),
            by_address: Throttle::new(Limit { at_once: 50, every: Duration::from_secs(1) }),
        };
        if let Some((name, password)) = &settings.admin {
            if !routes::is_name(name) || !password::is_acceptable(password, name) {
                return Err("ADMIN_USERNAME or ADMIN_PASSWORD is not acceptable".into());
            }
            let hash = passwords.hash(password.clone()).await?;
            if !users.add_admin(name, &hash).await? {
                return Err("ADMIN_USERNAME is taken by somebody who is no administrator".into());
            }
        }
        let attempts = Arc::new(attempts);
        Ok(Self { users, passwords, sessions, cookies, auth, attempts })
    }

    /// Adds the routes to an application.
    pub fn configure(self) -> impl FnOnce(&mut web::ServiceConfig) {
        move |app| {
            let json = web::JsonConfig::default()
                .limit(MAX_BODY_BYTES)
                .error_handler(|error, _| routes::Problem::of_body(&error).into());
            app.app_data(json)
                .app_data(Users::new(self.users.clone()))
                .app_data(self.auth.clone())
                .service(KeySetRoute::new(self.sessions.issuer().clone()))
                .service((page::index, page::script, page::style))
                .configure(routes::configure)
                .configure(account::configure)
                .app_data(web::Data::new(self));
        }
    }
}

/// Room for a password that is far too long, so that it can be told.
const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;

/// A route for refresh tokens answers as a token endpoint does (RFC 6749 §5.2), all others as an API.
fn refusal(error: &AuthError, request: &HttpRequest) -> HttpResponse {
    match error {
        AuthError::InvalidToken(_) | AuthError::ExpiredToken
            if request.path() == routes::REFRESH_PATH =>
        {
            SessionError::InvalidGrant.error_response()
        }
        error => error.error_response(),
    }
}

fn random_secret() -> Result<Secret, Box<dyn Error>> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| "there are no random numbers")?;
    Ok(Secret::new(bytes))
}
