//! Signing up, logging in, and out.

use std::{fmt, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse, ResponseError, Result,
    http::{
        StatusCode,
        header::{AUTHORIZATION, CACHE_CONTROL, RETRY_AFTER},
    },
    post, web,
};
use jwt_verify::{CurrentUser, TokenPair, VerifiedClaims, require};
use serde::Deserialize;
use serde_json::json;

use super::{SessionApp, database::User, password};

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
    WeakPassword,
    BadName,
    NameTaken,
    WrongCredentials,
    WrongPassword,
    TooMany(Duration),
    Internal,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the body is not the JSON that is expected",
            Self::WeakPassword => password::WEAK,
            Self::BadName => "a name has 1 to 64 letters, digits, and any of . _ - @",
            Self::NameTaken => "the name is taken",
            Self::WrongCredentials => "name or password is wrong",
            Self::WrongPassword => "the current password is wrong",
            Self::TooMany(_) => "too many attempts",
            Self::Internal => "the request could not be served",
        })
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::WeakPassword | Self::BadName => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NameTaken => StatusCode::CONFLICT,
            Self::WrongCredentials => StatusCode::UNAUTHORIZED,
            Self::WrongPassword => StatusCode::FORBIDDEN,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let code = match self {
            Self::Malformed => "invalid_request",
            Self::WeakPassword => "weak_password",
            Self::BadName => "bad_name",
            Self::NameTaken => "name_taken",
            Self::WrongCredentials => "wrong_credentials",
            Self::WrongPassword => "wrong_password",
            Self::TooMany(_) => "too_many_attempts",
            Self::Internal => "server_error",
        };
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((CACHE_CONTROL, "no-store"));
        if let Self::TooMany(wait) = self {
            response.insert_header((RETRY_AFTER, wait.as_secs() + 1));
        }
        response.json(json!({ "error": code, "error_description": self.to_string() }))
    }
}

/// Keeps what went wrong for the log, and from the caller.
pub(super) fn internal(error: impl fmt::Display) -> Problem {
    tracing::error!(%error, "a request could not be served");
    Problem::Internal
}

/// Letters and digits of ASCII only, so that no two names look alike.
fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(allowed)
}

/// Where a request comes from. Behind a proxy this is the proxy: take the address from where it puts
/// it then.
fn address(request: &HttpRequest) -> String {
    request.peer_addr().map(|address| address.ip().to_string()).unwrap_or_default()
}

impl SessionApp {
    /// Counts an attempt to give a password.
    pub(super) fn count_attempt(&self, name: &str, request: &HttpRequest) -> Result<(), Problem> {
        self.attempts.by_address.admit(&address(request)).map_err(Problem::TooMany)?;
        self.attempts.by_name.attempt(&name.to_ascii_lowercase()).map_err(Problem::TooMany)
    }

    /// Notes how an attempt ended.
    pub(super) fn conclude_attempt(&self, name: &str, request: &HttpRequest, fits: bool) {
        if fits {
            self.attempts.by_name.forgive(&name.to_ascii_lowercase());
        } else {
            self.attempts.by_address.failed(&address(request));
        }
    }

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

    fn goodbye(&self) -> HttpResponse {
        let mut response = HttpResponse::NoContent().finish();
        self.cookies.unset(&mut response);
        response
    }
}

#[post("/auth/signup")]
pub(super) async fn signup(
    app: web::Data<SessionApp>,
    new: web::Json<Signup>,
) -> Result<HttpResponse, Problem> {
    let Signup { username, password } = new.into_inner();
    if !is_name(&username) {
        return Err(Problem::BadName);
    }
    if !password::is_acceptable(&password, &username) {
        return Err(Problem::WeakPassword);
    }
    let hash = app.passwords.hash(password).await.map_err(internal)?;
    let user = app.users.add(&username, &hash).await.map_err(internal)?;
    user.map(|user| HttpResponse::Created().json(user)).ok_or(Problem::NameTaken)
}

#[post("/auth/login")]
pub(super) async fn login(
    app: web::Data<SessionApp>,
    login: web::Json<Login>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let Login { username, password, cookies } = login.into_inner();
    // A name that nobody can have is counted as one name.
    app.count_attempt(if is_name(&username) { &username } else { "" }, &request)?;
    let known = app.users.login(&username).await.map_err(internal)?;
    let hash = known.as_ref().map(|known| known.password_hash.as_str());
    let fits = app.passwords.verify(password, hash).await.map_err(internal)?;
    app.conclude_attempt(&username, &request, fits);
    let Some(known) = known.filter(|_| fits) else { return Err(Problem::WrongCredentials.into()) };
    let role = known.user.role;
    let tokens = app.sessions.begin(&known.user.id, |token| token.roles([role])).await?;
    app.answer(&tokens, cookies)
}

#[post("/auth/refresh")]
#[require(refresh)]
pub(super) async fn refresh(
    app: web::Data<SessionApp>,
    claims: VerifiedClaims,
    user: CurrentUser<User>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let in_cookies = !request.headers().contains_key(AUTHORIZATION);
    let role = user.role.clone();
    let tokens = app.sessions.renewal(claims)?.issue(|token| token.roles([role])).await?;
    app.answer(&tokens, in_cookies)
}

#[post("/auth/logout")]
#[require]
pub(super) async fn logout(
    app: web::Data<SessionApp>,
    claims: VerifiedClaims,
) -> Result<HttpResponse> {
    app.sessions.end(&claims).await?;
    Ok(app.goodbye())
}

#[post("/auth/logout-all")]
#[require]
pub(super) async fn logout_all(
    app: web::Data<SessionApp>,
    claims: VerifiedClaims,
) -> Result<HttpResponse> {
    app.sessions.end_all(claims.subject().unwrap_or_default()).await?;
    Ok(app.goodbye())
}
