//! An API that documents itself: Swagger UI shows which permissions each route takes, as its
//! `#[require]` says. Start it, open the page it prints, and authorize with one of the tokens.

use std::{env, error::Error};

use actix_web::{App, HttpServer};
use jwt_verify::JwtAuth;
use jwt_verify_examples::{EmbeddedIssuer, TokenRequest, documented};

const AUDIENCE: &str = "https://api.example.com";

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let issuer = EmbeddedIssuer::new()?;
    let auth = JwtAuth::builder(issuer.url(), AUDIENCE).build()?;

    let address = env::var("BIND_ADDR").unwrap_or_else(|_| "127.0.0.1:0".into());
    let server = HttpServer::new(move || App::new().configure(documented::configure(&auth)))
        .workers(2)
        .bind(address)?;
    let api = server.addrs().first().copied().ok_or("the server has no address")?;

    print_tokens(&issuer, &format!("http://{api}"))?;
    actix_web::rt::spawn(issuer.serve()?);
    server.run().await?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "where to look is what this example is for")]
fn print_tokens(issuer: &EmbeddedIssuer, api: &str) -> Result<(), Box<dyn Error>> {
    let rita = TokenRequest {
        subject: "rita",
        audience: AUDIENCE,
        roles: &["reader"],
        permissions: &["read:posts", "write:posts"],
        lifetime: 3600,
    };
    let ada = TokenRequest { subject: "ada", roles: &["admin"], ..rita.clone() };
    println!(
        "Swagger UI is at {api}/docs/\n\nWho may do what:\n\n{}",
        documented::api().access_matrix()
    );
    println!("rita, who may change her own post 2:\n{}\n", issuer.token(&rita)?);
    println!("ada, an admin:\n{}\n\nCtrl-C ends it.", issuer.token(&ada)?);
    Ok(())
}
