//! An API that documents itself: Swagger UI shows which permissions each route takes, as its
//! `#[require]` says. Start it, open the page it prints, and authorize with one of the tokens.

use std::{env, error::Error, time::Duration};

use actix_web::{App, HttpServer};
use example_openapi::configure;
use jwt_verify::testing::TestIssuer;

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let issuer = TestIssuer::start();
    let auth = issuer.auth().build()?;

    let address = env::var("BIND_ADDR").unwrap_or_else(|_| "127.0.0.1:0".into());
    let server =
        HttpServer::new(move || App::new().configure(configure(&auth))).workers(2).bind(address)?;
    let api = server.addrs().first().copied().ok_or("the server has no address")?;

    print_tokens(&issuer, &format!("http://{api}"));
    server.run().await?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "where to look is what this example is for")]
fn print_tokens(issuer: &TestIssuer, api: &str) {
    let token = || issuer.token().lifetime(Duration::from_secs(3600));
    let rita = token().subject("rita").permission("read:posts").permission("write:posts").sign();
    let ada = token().subject("ada").role("admin").sign();
    println!(
        "Swagger UI is at {api}/docs/\n\nWho may do what:\n\n{}",
        example_openapi::api().access_matrix()
    );
    println!("rita, who may change her own post 2:\n{rita}\n");
    println!("ada, an admin:\n{ada}\n\nCtrl-C ends it.");
}
