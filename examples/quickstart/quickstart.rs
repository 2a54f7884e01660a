//! A protected API to try, with the issuer of the test kit: an application names a real one, as
//! `readme.rs` does, and has `testing` in its `[dev-dependencies]` alone. Nothing has to be set up:
//! start it and paste the requests it prints.

use std::{env, error::Error, time::Duration};

use actix_web::{App, HttpServer, Responder, get, web};
use jwt_verify::{
    VerifiedClaims, require,
    testing::{TestIssuer, TestToken},
};
use serde_json::json;

#[require]
#[get("/profile")]
async fn profile(claims: VerifiedClaims) -> impl Responder {
    format!("hello {}\n", claims.subject().unwrap_or("stranger"))
}

#[require(permissions = "read:posts")]
#[get("/posts")]
async fn posts() -> impl Responder {
    web::Json(json!({ "posts": ["first", "second"] }))
}

#[require(roles = "admin")]
#[get("/admin")]
async fn admin(claims: VerifiedClaims) -> impl Responder {
    format!("welcome, {}\n", claims.subject().unwrap_or("stranger"))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let issuer = TestIssuer::start();
    // In an application: `JwtAuth::builder(issuer, audience)`, or `JwtAuth::from_env()`.
    let auth = issuer.auth().build()?;

    let address = env::var("BIND_ADDR").unwrap_or_else(|_| "127.0.0.1:0".into());
    let server = HttpServer::new(move || {
        App::new().wrap(auth.clone()).service(profile).service(posts).service(admin)
    })
    .workers(2)
    .bind(address)?;
    let api = server.addrs().first().copied().ok_or("the server has no address")?;

    print_requests(&issuer, &format!("http://{api}"));
    server.run().await?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the requests to try are what this example is for")]
fn print_requests(issuer: &TestIssuer, api: &str) {
    let token = || issuer.token().lifetime(Duration::from_secs(3600));
    let rita = || token().subject("rita").role("reader").permission("read:posts");
    let ada = token().subject("ada").role("admin");
    println!("A protected API listens on {api}. Its issuer is {}.\n", issuer.url());
    let print = |title: &str, path: &str, token: TestToken<'_>| {
        println!("# {title}\ncurl -i {api}{path} -H 'Authorization: Bearer {}'\n", token.sign());
    };
    print("a reader sees the posts (200)", "/posts", rita());
    print("a reader is no admin (403)", "/admin", rita());
    print("an admin is (200)", "/admin", ada);
    print("an expired token (401)", "/profile", rita().expired());
    println!("# no token at all (401)\ncurl -i {api}/profile\n\nCtrl-C ends it.");
}
