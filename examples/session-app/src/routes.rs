//! Signing up, logging in, and out.

use std::{fmt, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse, ResponseError, Result,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    web,
};
use jwt_verify::{
    AuthError, CurrentUser, VerifiedClaims,
    extract::{BearerExtractor, CookieExtractor, TokenExtractor as _},
    require,
    sessions::TokenPair,
};
use serde::Deserialize;
use serde_json::json;

use crate::{
    ACCESS_COOKIE, SessionApp,
    attempts::network,
    body::Body,
    database::{Login as Known, User},
    password,
};

/// The path that takes refresh tokens, as the cookies have it.
pub(super) const REFRESH_PATH: &str = "/auth/refresh";

#[derive(Deserialize)]
struct Signup {
    username: String,
    password: String,
}

#[derive(Deserialize)]
struct Login {
    username: String,
    password: String,
    #[serde(default)]
    cookies: bool,
}

/// Why a request of this example is refused, beyond what the library refuses.
#[derive(Debug)]
pub(super) enum Problem {
    Malformed,
    TooLarge,
    TooSlow,
    MediaType,
    WeakPassword,
    BadName,
    NameTaken,
    WrongCredentials,
    WrongPassword,
    TooMany(Duration),
    Unavailable,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the body is not the JSON that is expected",
            Self::TooLarge => "the body is too large",
            Self::TooSlow => "the body has not come in time",
            Self::MediaType => "the body must be of type application/json",
            Self::WeakPassword => password::WEAK,
            Self::BadName => "a name has 1 to 64 letters, digits, and any of . _ - @",
            Self::NameTaken => "the name is taken",
            Self::WrongCredentials => "name or password is wrong",
            Self::WrongPassword => "the current password is wrong",
            Self::TooMany(_) => "too many attempts",
            Self::Unavailable => "the request cannot be served at the moment",
        })
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::WeakPassword | Self::BadName => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NameTaken => StatusCode::CONFLICT,
            Self::WrongCredentials => StatusCode::UNAUTHORIZED,
            Self::WrongPassword => StatusCode::FORBIDDEN,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let code = match self {
            Self::Malformed | Self::TooLarge | Self::TooSlow | Self::MediaType => "invalid_request",
            Self::WeakPassword => "weak_password",
            Self::BadName => "bad_name",
            Self::NameTaken => "name_taken",
            Self::WrongCredentials => "wrong_credentials",
            Self::WrongPassword => "wrong_password",
            Self::TooMany(_) => "too_many_attempts",
            Self::Unavailable => "temporarily_unavailable",
        };
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((CACHE_CONTROL, "no-store"));
        match self {
            Self::TooMany(wait) => {
                response.insert_header((RETRY_AFTER, wait.as_secs() + 1));
            }
            Self::Unavailable => {
                response.insert_header((RETRY_AFTER, 1));
            }
            Self::WrongCredentials => {
                response.insert_header((WWW_AUTHENTICATE, "Bearer"));
            }
            // What is left of the body is not waited for.
            Self::TooSlow => {
                response.force_close();
            }
            _ => {}
        }
        let text = self.to_string();
        response.json(json!({ "error": code, "error_description": text, "code": code }))
    }
}

/// Keeps what went wrong for the log, and from the caller.
pub(super) fn unavailable(error: impl fmt::Display) -> Problem {
    tracing::error!(%error, "a request could not be served");
    Problem::Unavailable
}

/// Letters and digits of ASCII only, so that no two names look alike.
pub(super) fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(allowed)
}

impl SessionApp {
    /// Tokens for whoever asked: in the body, or in cookies.
    fn answer(&self, tokens: &TokenPair, in_cookies: bool) -> Result<HttpResponse> {
        if !in_cookies {
            let mut response = HttpResponse::Ok();
            return Ok(response.insert_header((CACHE_CONTROL, "no-store")).json(tokens));
        }
        // The value is known only when the cookies are set.
        let mut cookies = HttpResponse::Ok().finish();
        let csrf_token = self.cookies.set(&mut cookies, tokens)?;
        let mut response = HttpResponse::Ok().json(json!({ "csrf_token": csrf_token }));
        for (name, value) in cookies.headers() {
            response.headers_mut().append(name.clone(), value.clone());
        }
        Ok(response)
    }

    /// Ends the session that a browser is in: its cookies are about to be replaced, and a copy of them
    /// must not outlive that.
    async fn end_session_of(&self, request: &HttpRequest) -> Result<()> {
        let cookie = CookieExtractor::new(ACCESS_COOKIE).extract(request);
        let Ok(Some(cookie)) = cookie else { return Ok(()) };
        match self.auth.verifier().verify(cookie.as_bytes()).await {
            Ok(claims) => Ok(self.sessions.revoke(&claims).await?),
            Err(error @ AuthError::Unavailable { .. }) => Err(error.into()),
            // It is over already.
            Err(_) => Ok(()),
        }
    }

    fn goodbye(&self) -> HttpResponse {
        let mut response = HttpResponse::NoContent().finish();
        self.cookies.unset(&mut response);
        response
    }
}

/// What belongs to one caller alone.
pub(super) fn private(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Adds the routes; other methods than theirs are answered with 405.
pub(super) fn configure(app: &mut web::ServiceConfig) {
    app.service(web::resource("/auth/signup").route(web::post().to(signup)))
        .service(web::resource("/auth/login").route(web::post().to(login)))
        .service(web::resource(REFRESH_PATH).route(web::post().to(refresh)))
        .service(web::resource("/auth/logout").route(web::post().to(logout)))
        .service(web::resource("/auth/logout-all").route(web::post().to(logout_all)));
}

async fn signup(
    app: web::Data<SessionApp>,
    body: Body,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let Signup { username, password } = body.fields()?;
    if !is_name(&username) {
        return Err(Problem::BadName);
    }
    if !password::is_acceptable(&password, &username) {
        return Err(Problem::WeakPassword);
    }
    app.attempts.sign_up(network(&request)).map_err(Problem::TooMany)?;
    let hash = app.passwords.hash_first(password).await.map_err(unavailable)?;
    let user = app.users.add(&username, &hash).await.map_err(unavailable)?;
    let created = |user| private(HttpResponse::Created().json(user));
    user.map(created).ok_or(Problem::NameTaken)
}

async fn login(
    app: web::Data<SessionApp>,
    body: Body,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let Login { username, password, cookies } = body.fields()?;
    // A name that nobody can have is counted as one name.
    let counted = if is_name(&username) { username.as_str() } else { "" };
    let attempt = app.attempts.login(counted, network(&request)).map_err(Problem::TooMany)?;
    let known = app.users.login(&username).await.map_err(unavailable)?;
    let hash = known.as_ref().map(|known| known.password_hash.as_str());
    let fits = app.passwords.verify(password, hash).await.map_err(unavailable)?;
    let Some(known) = known.filter(|_| fits) else { return Err(Problem::WrongCredentials.into()) };
    attempt.succeeded();
    if cookies {
        app.end_session_of(&request).await?;
    }
    let Known { user, password_hash } = known;
    let tokens = app.sessions.create(&user.id, |token| token.roles([user.role])).await?;
    // A password that was changed meanwhile has ended all sessions but this one.
    let now = app.users.login_by_id(user.id).await.map_err(unavailable)?;
    if now.is_none_or(|now| now.password_hash != password_hash) {
        app.sessions.revoke_by_id(&user.id, &tokens.session_id).await?;
        return Err(Problem::WrongCredentials.into());
    }
    app.answer(&tokens, cookies)
}

#[require(refresh)]
async fn refresh(
    app: web::Data<SessionApp>,
    claims: VerifiedClaims,
    user: CurrentUser<User>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    // A token goes back to where it came from: out of a cookie into no script's hands.
    let in_cookies = matches!(BearerExtractor.extract(&request), Ok(None));
    let role = user.role.clone();
    let tokens = app.sessions.redeem_claims(claims)?.issue(|token| token.roles([role])).await?;
    app.answer(&tokens, in_cookies)
}

#[require]
async fn logout(app: web::Data<SessionApp>, claims: VerifiedClaims) -> Result<HttpResponse> {
    app.sessions.revoke(&claims).await?;
    Ok(app.goodbye())
}

#[require]
async fn logout_all(app: web::Data<SessionApp>, claims: VerifiedClaims) -> Result<HttpResponse> {
    app.sessions.revoke_all(claims.subject().unwrap_or_default()).await?;
    // Also if it is not listed any more.
    app.sessions.revoke(&claims).await?;
    Ok(app.goodbye())
}
