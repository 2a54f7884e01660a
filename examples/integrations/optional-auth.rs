//! A page for everybody that knows those who have logged in.
//!
//! No token is a guest. A bad token is not: it is refused, so that a client learns that its token has
//! expired instead of being treated as a stranger.

use std::error::Error;

use actix_web::{App, HttpServer, Responder, get, web};
use example_support::demo::{Demo, announce, bind_address};
use jwt_verify::{OptionalClaims, VerifiedClaims, public, require};
use serde_json::json;

#[public]
#[get("/content")]
async fn content(OptionalClaims(claims): OptionalClaims) -> impl Responder {
    let name = claims.as_ref().and_then(|claims| claims.get("name")?.as_str());
    web::Json(match (&claims, name) {
        (None, _) => json!({ "message": "welcome, guest" }),
        (Some(_), None) => json!({ "message": "welcome back" }),
        (Some(_), Some(name)) => json!({ "message": format!("welcome back, {name}") }),
    })
}

/// Under an optional middleware too, a requirement is a requirement.
#[require]
#[get("/settings")]
async fn settings(claims: VerifiedClaims) -> impl Responder {
    web::Json(json!({ "of": claims.subject() }))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let demo = Demo::start();
    let auth = demo.auth().build()?;
    demo.print_token("alice", |token| token.subject("alice").claim("name", "Alice"));
    let server = HttpServer::new(move || {
        App::new().service(content).service(settings).wrap(auth.optional())
    })
    .workers(2)
    .bind(bind_address())?;
    announce(&server.addrs())?;
    Ok(server.run().await?)
}
