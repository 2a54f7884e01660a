//! What an application does without this library: a server that decodes every token with
//! `jsonwebtoken`, to hold `resource-server` against; and the least that any server could do, which is
//! to look at the signature with a prepared key and at nothing else. It is the issuer of all, tells
//! about opaque tokens, and writes tokens and API keys to files for the load to use.
//!
//! Environment: `BIND_ADDR`, `TOKENS`, `OPAQUE_TOKENS`, `KEYS` and `API_KEYS_FILE` (the files),
//! `API_KEY_SECRET`, `STORED_KEYS` (how many keys the file has), `AUDIENCE`. Prints the issuer's URL.
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
use jwt_verify::{
    Secret,
    api_keys::{ApiKeys, MemoryApiKeys},
    testing::TestIssuer,
};
use serde::Deserialize;
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

#[derive(Deserialize)]
struct Question {
    token: String,
}

/// Tells about opaque tokens what the JWTs say.
async fn introspect(question: web::Form<Question>, told: web::Data<Told>) -> HttpResponse {
    let Some(number) = question.token.strip_prefix(OPAQUE) else {
        return HttpResponse::Ok().json(json!({ "active": false }));
    };
    HttpResponse::Ok().json(json!({
        "active": true,
        "token_type": "Bearer",
        "iss": told.issuer,
        "aud": told.audience,
        "sub": format!("auth0|{number}"),
        "iat": 1_700_000_000,
        "exp": 4_000_000_000_u64,
        "permissions": PERMISSIONS,
        "roles": ["editor"],
    }))
}

struct Told {
    issuer: String,
    audience: String,
}

const OPAQUE: &str = "opaque-token-of-the-load-";
const PERMISSIONS: [&str; 4] = ["read:posts", "write:posts", "read:comments", "write:comments"];

/// Writes keys, and the file that has them among others.
fn write_keys() -> std::io::Result<()> {
    let secret = Secret::from(env::var("API_KEY_SECRET").unwrap());
    let keys = ApiKeys::builder(secret, MemoryApiKeys::new()).build().unwrap();
    let stored: usize = env::var("STORED_KEYS").unwrap().parse().unwrap();
    let (mut shown, mut records) = (String::new(), String::from("["));
    for number in 0..stored {
        let key = keys.generate().unwrap();
        let record = keys.record(&key, format!("auth0|{number:024}"));
        let record = record.roles(["editor"]).permissions(PERMISSIONS).build().unwrap();
        if number > 0 {
            records.push(',');
        }
        records += &record.to_json();
        if number < TOKENS {
            writeln!(shown, "{}", key.expose()).unwrap();
        }
    }
    fs::write(env::var("KEYS").unwrap(), shown)?;
    fs::write(env::var("API_KEYS_FILE").unwrap(), records + "]")
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    // jsonwebtoken panics at its first use where no provider is set.
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let audience = env::var("AUDIENCE").unwrap();
    let issuer = TestIssuer::start();
    let (mut tokens, mut opaque) = (String::new(), String::new());
    for number in 0..TOKENS {
        let mut token = issuer.token().audience(&audience).lifetime(Duration::from_secs(86_400));
        for permission in PERMISSIONS {
            token = token.permission(permission);
        }
        let token = token.subject(format!("auth0|{number:024}")).role("editor").sign();
        writeln!(tokens, "{token}").unwrap();
        writeln!(opaque, "{OPAQUE}{number:024}").unwrap();
    }
    fs::write(env::var("TOKENS").unwrap(), tokens)?;
    fs::write(env::var("OPAQUE_TOKENS").unwrap(), opaque)?;
    write_keys()?;

    let key_set = issuer.key_set();
    let key = &key_set["keys"][0];
    let number = |name: &str| key[name].as_str().unwrap().to_owned();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[&audience]);
    let told = web::Data::new(Told { issuer: issuer.url().to_owned(), audience });
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
            .app_data(told.clone())
            .route("/introspect", web::post().to(introspect))
            .route("/public", web::get().to(public))
            .route("/protected", web::get().to(protected))
            .route("/signature", web::get().to(signature))
    })
    .workers(1)
    .bind(env::var("BIND_ADDR").unwrap())?
    .run()
    .await
}
