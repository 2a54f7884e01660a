//! An API for a page on another origin.
//!
//! `Cors` is registered last, so that it is outermost: it answers preflights, which never carry a
//! token, and puts its header fields on refusals too. Without them a browser shows the page nothing
//! but "CORS error" where it should show 401.

use std::error::Error;

use actix_cors::Cors;
use actix_web::{
    App, HttpServer, Responder, get,
    http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    web,
};
use example_support::demo::{Demo, announce, bind_address};
use jwt_verify::{VerifiedClaims, require};
use serde_json::json;

const PAGE: &str = "https://app.example.com";

#[require]
#[get("/api/data")]
async fn data(claims: VerifiedClaims) -> impl Responder {
    web::Json(json!({ "for": claims.subject() }))
}

fn cors() -> Cors {
    Cors::default()
        .allowed_origin(PAGE)
        .allowed_methods(["GET", "POST", "PUT", "DELETE"])
        .allowed_headers([AUTHORIZATION, CONTENT_TYPE])
        // A page may read only what is named here.
        .expose_headers([WWW_AUTHENTICATE, RETRY_AFTER])
        .max_age(3600)
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let demo = Demo::start();
    let auth = demo.auth().build()?;
    demo.print_token("alice", |token| token.subject("alice"));
    let server = HttpServer::new(move || App::new().service(data).wrap(auth.clone()).wrap(cors()))
        .workers(2)
        .bind(bind_address())?;
    announce(&server.addrs())?;
    Ok(server.run().await?)
}
