//! A protected API with an issuer of its own. Nothing has to be set up: start it and paste the
//! requests it prints.

use std::{env, error::Error};

use actix_web::{App, HttpServer, Responder, get, web};
use jwt_verify::{JwtAuth, VerifiedClaims, require};
use jwt_verify_examples::{EmbeddedIssuer, TokenRequest};
use serde_json::json;

const AUDIENCE: &str = "https://api.example.com";

#[get("/profile")]
#[require]
async fn profile(claims: VerifiedClaims) -> impl Responder {
    format!("hello {}\n", claims.subject().unwrap_or("stranger"))
}

#[get("/posts")]
#[require(permissions = "read:posts")]
async fn posts() -> impl Responder {
    web::Json(json!({ "posts": ["first", "second"] }))
}

#[get("/admin")]
#[require(roles = "admin")]
async fn admin(claims: VerifiedClaims) -> impl Responder {
    format!("welcome, {}\n", claims.subject().unwrap_or("stranger"))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let issuer = EmbeddedIssuer::new()?;
    let auth = JwtAuth::builder(issuer.url(), AUDIENCE).build()?;

    let address = env::var("BIND_ADDR").unwrap_or_else(|_| "127.0.0.1:0".into());
    let server = HttpServer::new(move || {
        App::new().wrap(auth.clone()).service(profile).service(posts).service(admin)
    })
    .workers(2)
    .bind(address)?;
    let api = server.addrs().first().copied().ok_or("the server has no address")?;

    print_requests(&issuer, &format!("http://{api}"))?;
    actix_web::rt::spawn(issuer.serve()?);
    server.run().await?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the requests to try are what this example is for")]
fn print_requests(issuer: &EmbeddedIssuer, api: &str) -> Result<(), Box<dyn Error>> {
    let reader = TokenRequest {
        subject: "rita",
        audience: AUDIENCE,
        roles: &["reader"],
        permissions: &["read:posts"],
        lifetime: 3600,
    };
    let ada = TokenRequest { subject: "ada", roles: &["admin"], ..reader.clone() };
    let expired = TokenRequest { lifetime: -3600, ..reader.clone() };
    println!("A protected API listens on {api}. Its issuer is {}.\n", issuer.url());
    for (title, request, path) in [
        ("a reader sees the posts (200)", Some(&reader), "/posts"),
        ("a reader is no admin (403)", Some(&reader), "/admin"),
        ("an admin is (200)", Some(&ada), "/admin"),
        ("an expired token (401)", Some(&expired), "/profile"),
        ("no token at all (401)", None, "/profile"),
    ] {
        println!("# {title}");
        match request {
            Some(request) => {
                let token = issuer.token(request)?;
                println!("curl -i {api}{path} -H 'Authorization: Bearer {token}'\n");
            }
            None => println!("curl -i {api}{path}\n"),
        }
    }
    println!("Ctrl-C ends it.");
    Ok(())
}
