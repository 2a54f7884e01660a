//! What an application does without this library: a server that decodes every token with
//! `jsonwebtoken`, to hold `resource-server` against; and the least that any server could do, which is
//! to look at the signature with a prepared key and at nothing else. It is the issuer of all, and
//! writes tokens to a file for the load to use.
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
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use jwt_verify::testing::TestIssuer;
use serde_json::{Map, Value, json};

const TOKENS: usize = 2000;

struct Protection {
    key: DecodingKey,
    validation: Validation,
    prepared: ParsedPublicKey,
}

async fn public() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "message": "public" }))
}

fn bearer(request: &HttpRequest) -> Option<&str> {
    let header = request.headers().get("authorization")?.to_str().ok()?;
    header.strip_prefix("Bearer ")
}

/// Whether the issuer signed it; what it says is not even read.
fn is_signed(token: &str, key: &ParsedPublicKey) -> Option<bool> {
    let (input, signature) = token.rsplit_once('.')?;
    let mut buffer = [0; 260];
    let length = URL_SAFE_NO_PAD.decode_slice(signature, &mut buffer).ok()?;
    Some(key.verify_sig(input.as_bytes(), buffer.get(..length)?).is_ok())
}

async fn signature(request: HttpRequest, protection: web::Data<Protection>) -> HttpResponse {
    match bearer(&request).and_then(|token| is_signed(token, &protection.prepared)) {
        Some(true) => HttpResponse::Ok().json(json!({ "sub": "auth0|000000000000000000000000" })),
        _ => HttpResponse::Unauthorized().finish(),
    }
}

async fn protected(request: HttpRequest, protection: web::Data<Protection>) -> HttpResponse {
    let Some(token) = bearer(&request) else {
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
    let decoded = |name: &str| URL_SAFE_NO_PAD.decode(number(name)).unwrap();
    let prepared = RsaPublicKeyComponents { n: decoded("n"), e: decoded("e") }
        .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
        .unwrap();
    let key = DecodingKey::from_rsa_components(&number("n"), &number("e")).unwrap();
    let protection = web::Data::new(Protection { key, validation, prepared });

    println!("{}", issuer.url());
    HttpServer::new(move || {
        App::new()
            .app_data(protection.clone())
            .route("/public", web::get().to(public))
            .route("/protected", web::get().to(protected))
            .route("/signature", web::get().to(signature))
    })
    .workers(1)
    .bind(env::var("BIND_ADDR").unwrap())?
    .run()
    .await
}
