//! The set-up of the README, as it stands there.

use actix_web::{App, HttpServer, Responder, get};
use jwt_verify::{JwtAuth, VerifiedClaims, require};

#[require(roles = "analyst")]
#[get("/reports")]
async fn reports(claims: VerifiedClaims) -> impl Responder {
    format!("reports for {}", claims.subject().unwrap_or("a machine"))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let auth = JwtAuth::builder("https://tenant.auth0.com/", "https://api.example.com").build()?;
    HttpServer::new(move || App::new().wrap(auth.clone()).service(reports))
        .bind(("127.0.0.1", 8080))?
        .run()
        .await?;
    Ok(())
}
