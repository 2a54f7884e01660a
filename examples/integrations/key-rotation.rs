//! A new signing key without a single refused request.
//!
//! The next key is announced first: published, and not used. When every verifier has fetched the key
//! set since, it begins to sign. The old one stays published until its last token has expired, which
//! the issuer sees to by itself. A key that is lost is withdrawn, and its tokens end: here at once,
//! elsewhere as soon as verifiers look at the key set again.

use std::error::Error;

use actix_web::{
    App, HttpResponse, HttpServer, Responder, get, post,
    web::{self, Data, Json, Path},
};
use example_support::demo::{announce, bind_address};
use jwt_verify::{
    Algorithm, AuthError, JwtAuth, VerifiedClaims,
    endpoints::JwksEndpoint,
    issuing::{SigningKey, TokenIssuer},
    public, require,
};
use serde_json::json;

/// Where the issuer is found in the end.
const ISSUER: &str = "https://auth.example.com";
const API: &str = "https://api.example.com";

/// A token for whoever asks: what a login would give. The operator is called `operator`; a login would
/// know who that is.
#[public]
#[post("/token/{subject}")]
async fn token(
    subject: Path<String>,
    issuer: Data<TokenIssuer>,
) -> Result<impl Responder, AuthError> {
    let role = if *subject == "operator" { "operator" } else { "user" };
    let token = issuer.access_token(&*subject).roles([role]).sign();
    let token = token.map_err(|_| AuthError::Misconfigured)?;
    Ok(Json(json!({ "access_token": token.as_str(), "token_type": "Bearer" })))
}

#[require]
#[get("/profile")]
async fn profile(claims: VerifiedClaims) -> impl Responder {
    Json(json!({ "sub": claims.subject() }))
}

/// Publishes the next key, and says what it is called.
#[require(roles = "operator")]
#[post("/keys/announce")]
async fn announce_key(
    issuer: Data<TokenIssuer>,
    next: Data<Next>,
) -> Result<impl Responder, AuthError> {
    let mut next = next.lock();
    if next.is_some() {
        return Ok(HttpResponse::Conflict().body("a key is announced already"));
    }
    let key = SigningKey::generate(Algorithm::ES256).map_err(|_| AuthError::Misconfigured)?;
    issuer.announce(key.clone()).map_err(|_| AuthError::Misconfigured)?;
    let answer = HttpResponse::Ok().json(json!({ "announced": key.id() }));
    *next = Some(key);
    Ok(answer)
}

/// Signs with the key that was announced.
#[require(roles = "operator")]
#[post("/keys/rotate")]
async fn rotate(issuer: Data<TokenIssuer>, next: Data<Next>) -> Result<impl Responder, AuthError> {
    let Some(key) = next.lock().take() else {
        return Ok(HttpResponse::Conflict().body("announce a key first"));
    };
    issuer.rotate(key).map_err(|_| AuthError::Misconfigured)?;
    Ok(HttpResponse::NoContent().finish())
}

/// Takes a key back: its tokens are no longer good.
#[require(roles = "operator")]
#[post("/keys/withdraw/{id}")]
async fn withdraw(issuer: Data<TokenIssuer>, id: Path<String>) -> impl Responder {
    match issuer.withdraw(&id) {
        Ok(()) => HttpResponse::NoContent().finish(),
        Err(_) => {
            HttpResponse::Conflict().body("there is no such key, or it is the one that signs")
        }
    }
}

/// The key that was announced and does not sign yet.
#[derive(Default)]
struct Next(std::sync::Mutex<Option<SigningKey>>);

impl Next {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<SigningKey>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let key = SigningKey::generate(Algorithm::ES256)?;
    let issuer = TokenIssuer::builder(ISSUER, API, key).build()?;
    let auth = JwtAuth::new(issuer.verifier().build()?);
    let (shared, next) = (Data::new(issuer.clone()), Data::new(Next::default()));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(shared.clone())
            .app_data(next.clone())
            .service((JwksEndpoint::new(issuer.clone()), token))
            .service(web::scope("").wrap(auth.clone()).service((
                profile,
                announce_key,
                rotate,
                withdraw,
            )))
    })
    .workers(2)
    .bind(bind_address())?;
    announce(&server.addrs())?;
    Ok(server.run().await?)
}
