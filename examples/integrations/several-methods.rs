//! One API for programs and for pages: a token in `Authorization`, or in a cookie.
//!
//! A browser attaches the cookie to whatever any site makes it send, so requests that change
//! something and come with it have to show that the application's own page has sent them. Whoever sends
//! a header and a cookie is refused: nobody could tell which of them counts.

use std::error::Error;

use actix_web::{
    App, HttpResponse, HttpServer, Responder,
    cookie::{Cookie, SameSite, time::Duration},
    get, post, web,
};
use example_support::demo::{Demo, announce, bind_address};
use jwt_verify::{
    AuthError, Secret, VerifiedClaims,
    extract::{BearerExtractor, CookieExtractor, CsrfProtection, FirstOf, TokenExtractor as _},
    require,
};
use serde_json::json;

/// With `__Host-` a browser takes it over https alone (and from this machine), and from no other host.
const COOKIE: &str = "__Host-access_token";

#[require]
#[get("/api/data")]
async fn read(claims: VerifiedClaims) -> impl Responder {
    web::Json(json!({ "for": claims.subject() }))
}

#[require]
#[post("/api/data")]
async fn change() -> impl Responder {
    HttpResponse::NoContent()
}

/// A page that has got a token, by a login elsewhere, puts it where scripts cannot read it. What becomes
/// the cookie is the very token that was verified: the one in `Authorization`, read as the library reads
/// it.
#[require]
#[post("/session")]
async fn keep(
    claims: VerifiedClaims,
    request: actix_web::HttpRequest,
    csrf: web::Data<CsrfProtection>,
) -> Result<impl Responder, AuthError> {
    let credential = BearerExtractor.extract(&request)?.ok_or(AuthError::MissingToken)?;
    let token = std::str::from_utf8(credential.as_bytes()).map_err(|_| AuthError::MissingToken)?;
    let session = claims.get("sid").and_then(|sid| sid.as_str()).or(claims.token_id());
    let Some(session) = session else {
        return Ok(HttpResponse::UnprocessableEntity().body("the token has neither sid nor jti"));
    };
    let proof = csrf.token(session)?;
    let cookie = |name: &str, value: &str, http_only| {
        Cookie::build(name.to_owned(), value.to_owned())
            .path("/")
            .secure(true)
            .http_only(http_only)
            .same_site(SameSite::Strict)
            .max_age(Duration::hours(1))
            .finish()
    };
    Ok(HttpResponse::NoContent()
        .cookie(cookie(COOKIE, token, true))
        .cookie(cookie(csrf.cookie(), &proof, false))
        .finish())
}

/// Takes the cookies away. Whoever has kept a copy of the token can still use it until it expires; a
/// revocation store would end that.
#[require]
#[post("/logout")]
async fn logout(csrf: web::Data<CsrfProtection>) -> impl Responder {
    let gone = |name: &str| {
        let mut cookie = Cookie::build(name.to_owned(), "").path("/").secure(true).finish();
        cookie.make_removal();
        cookie
    };
    HttpResponse::NoContent().cookie(gone(COOKIE)).cookie(gone(csrf.cookie())).finish()
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let demo = Demo::start();
    // New at each start here; the same in every instance elsewhere.
    let mut secret = [0; 32];
    aws_lc_rs::rand::fill(&mut secret).map_err(|_| "there are no random numbers")?;
    let csrf = CsrfProtection::new(&Secret::from(secret.to_vec()))?;
    let auth = demo
        .auth()
        .extractor(FirstOf::bearer().or(CookieExtractor::new(COOKIE)).exclusive())
        .csrf(csrf.clone())
        .build()?;
    demo.print_token("alice", |token| token.subject("alice"));
    let csrf = web::Data::new(csrf);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(csrf.clone())
            .service(read)
            .service(change)
            .service(keep)
            .service(logout)
            .wrap(auth.clone())
    })
    .workers(2)
    .bind(bind_address())?;
    announce(&server.addrs())?;
    Ok(server.run().await?)
}
