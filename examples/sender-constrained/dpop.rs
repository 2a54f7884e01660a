//! An API whose tokens are worth nothing without their client's key (DPoP, RFC 9449), with the issuer
//! of the test kit and a client: an application names a real issuer. Start it and paste the requests it
//! prints, within ten minutes.

use std::{env, error::Error, net::TcpListener, time::Duration};

use actix_web::{App, HttpServer, Responder, get};
use jwt_verify::{
    VerifiedClaims,
    dpop::Dpop,
    require,
    testing::{ProofKey, TestIssuer},
};

#[require]
#[get("/orders")]
async fn orders(claims: VerifiedClaims) -> impl Responder {
    format!("orders of {}\n", claims.subject().unwrap_or("stranger"))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let issuer = TestIssuer::start();
    // What proofs have to name is where clients reach the API, so it has to be known first.
    let address = env::var("BIND_ADDR").unwrap_or_else(|_| "127.0.0.1:0".into());
    let listener = TcpListener::bind(address)?;
    let api = format!("http://{}", listener.local_addr()?);
    // A proof is made for one request, at once. These wait for somebody to paste them.
    let dpop = Dpop::new(&api).max_age(Duration::from_secs(600));
    let auth = issuer.auth().dpop(dpop).build()?;

    let server = HttpServer::new(move || App::new().wrap(auth.clone()).service(orders))
        .workers(2)
        .listen(listener)?;
    print_requests(&issuer, &api);
    server.run().await?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the requests to try are what this example is for")]
fn print_requests(issuer: &TestIssuer, api: &str) {
    let (client, thief) = (ProofKey::new(), ProofKey::new());
    let token = issuer.token().bound_to(&client).subject("ada").sign();
    let url = format!("{api}/orders");
    let proof = |method: &str, url: &str| client.proof(method, url, &token).sign();
    let print = |title: &str, scheme: &str, proof: &str| {
        println!(
            "# {title}\ncurl -i {url} -H 'Authorization: {scheme} {token}' -H 'DPoP: {proof}'\n"
        );
    };
    println!("An API with tokens that are bound to a key listens on {api}.\n");
    let good = proof("GET", &url);
    print("the client (200)", "DPoP", &good);
    print("the same proof once more (401)", "DPoP", &good);
    print("a proof for another request (401)", "DPoP", &proof("POST", &url));
    print(
        "a thief, with a key of their own (401)",
        "DPoP",
        &thief.proof("GET", &url, &token).sign(),
    );
    print("as if it were a bearer token (401)", "Bearer", &proof("GET", &url));
    println!("Ctrl-C ends it.");
}
