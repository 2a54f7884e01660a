//! What an application does without this library: a server that decodes every token with
//! `jsonwebtoken`, to hold `resource-server` against. It is the issuer of both, and writes tokens to a
//! file for the load to use.
//!
//! Environment: `BIND_ADDR`, `TOKENS` (the file), `AUDIENCE`. Prints the issuer's URL.
#![allow(
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a tool for a script, which stops where it cannot go on"
)]

use std::{env, fmt::Write as _, fs, time::Duration};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use jwt_verify::testing::TestIssuer;
use serde_json::{Map, Value, json};

const TOKENS: usize = 2000;

#[derive(Clone)]
struct Protection {
    key: DecodingKey,
    validation: Validation,
}

async fn public() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "message": "public" }))
}

async fn protected(request: HttpRequest, protection: web::Data<Protection>) -> HttpResponse {
    let header = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let Some(token) = header.and_then(|value| value.strip_prefix("Bearer ")) else {
        return HttpResponse::Unauthorized().finish();
    };
    match decode::<Map<String, Value>>(token, &protection.key, &protection.validation) {
        Ok(decoded) => HttpResponse::Ok().json(json!({ "sub": decoded.claims.get("sub") })),
        Err(_) => HttpResponse::Unauthorized().finish(),
    }
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    // jsonwebtoken panics at its first use where no provider is set.
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let audience = env::var("AUDIENCE").unwrap();
    let issuer = TestIssuer::start();
    let mut tokens = String::new();
    for number in 0..TOKENS {
        let mut token = issuer.token().audience(&audience).lifetime(Duration::from_secs(86_400));
        for permission in ["read:posts", "write:posts", "read:comments", "write:comments"] {
            token = token.permission(permission);
        }
        let token = token.subject(format!("auth0|{number:024}")).role("editor").sign();
        writeln!(tokens, "{token}").unwrap();
    }
    fs::write(env::var("TOKENS").unwrap(), tokens)?;

    let key_set = issuer.key_set();
    let key = &key_set["keys"][0];
    let number = |name: &str| key[name].as_str().unwrap().to_owned();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[audience]);
    validation.set_issuer(&[issuer.url()]);
    let key = DecodingKey::from_rsa_components(&number("n"), &number("e")).unwrap();
    let protection = web::Data::new(Protection { key, validation });

    println!("{}", issuer.url());
    HttpServer::new(move || {
        App::new()
            .app_data(protection.clone())
            .route("/public", web::get().to(public))
            .route("/protected", web::get().to(protected))
    })
    .workers(1)
    .bind(env::var("BIND_ADDR").unwrap())?
    .run()
    .await
}
