//! Against a real OpenID Provider: npm's `oidc-provider`, started as a process of its own.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that fails should say where"
)]

mod conformance;
mod everything;
mod introspection;
mod mcp;
mod process;

use std::time::Duration;

use actix_web::App;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use example_resource_server as resource_server;
use jwt_verify::{
    Algorithm, Clock, JwtAuth, SystemClock, TrustedIssuer, dpop::Dpop, mtls::MutualTls,
    testing::ProofKey,
};
use jwt_verify_tests::{AUDIENCE, Identity, TestServer};
use process::Provider;
use serde_json::json;

const ALGORITHMS: [Algorithm; 4] =
    [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];

fn api(provider: &Provider) -> TestServer {
    let auth =
        JwtAuth::for_issuer(TrustedIssuer::new(provider.issuer(), AUDIENCE).algorithms(ALGORITHMS))
            .build()
            .unwrap();
    serve(auth)
}

fn serve(auth: JwtAuth) -> TestServer {
    TestServer::start(move || App::new().configure(resource_server::configure(&auth)))
}

/// The system's clock, an hour ahead.
#[derive(Debug)]
struct InAnHour(SystemClock);

impl Clock for InAnHour {
    fn now(&self) -> Duration {
        self.0.now() + Duration::from_secs(3600)
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }
}

#[test]
#[ignore = "needs Node.js and oidc-provider: ./tests/run.sh"]
fn tokens_of_every_algorithm_open_the_routes_they_should() {
    let provider = Provider::start();
    let api = api(&provider);
    for algorithm in ALGORITHMS {
        let token = provider.token(algorithm, AUDIENCE, "read:posts");
        let response = api.get("/protected").bearer(&token).send();
        assert_eq!((response.status, response.json()), (200, json!({"sub": algorithm.name()})));
        assert_eq!(api.get("/posts").bearer(&token).send().status, 200, "{algorithm}");
        let write = api.request("POST", "/posts").bearer(&token).json(r#"{"title":"t"}"#).send();
        assert_eq!(write.status, 403, "{algorithm}");

        let editor = provider.token(algorithm, AUDIENCE, "read:posts write:posts");
        let edit = api.request("PUT", "/posts/1").bearer(&editor).json(r#"{"title":"t"}"#).send();
        assert_eq!(edit.status, 200, "{algorithm}");
        assert_eq!(api.get("/admin").bearer(&editor).send().status, 403, "{algorithm}");
    }
}

#[test]
#[ignore = "needs Node.js and oidc-provider: ./tests/run.sh"]
fn a_token_for_another_audience_is_refused() {
    let provider = Provider::start();
    let api = api(&provider);
    let token = provider.token(Algorithm::RS256, "https://other.example.com", "read:posts");
    let response = api.get("/protected").bearer(&token).send();
    assert_eq!(response.status, 401);
    assert!(response.challenge().unwrap().contains("invalid_token"));
}

#[test]
#[ignore = "needs Node.js and oidc-provider: ./tests/run.sh"]
fn an_expired_token_is_refused() {
    let provider = Provider::start();
    let token = provider.token(Algorithm::ES256, AUDIENCE, "read:posts");
    let late =
        JwtAuth::for_issuer(TrustedIssuer::new(provider.issuer(), AUDIENCE).algorithms(ALGORITHMS))
            .clock(InAnHour(SystemClock::new()))
            .build()
            .unwrap();
    // Whether a token has expired is said only of one whose signature can be verified.
    late.warm_up();
    while !late.health().iter().all(|(_, keys)| keys.ready) {
        std::thread::yield_now();
    }
    let response = serve(late).get("/protected").bearer(&token).send();
    assert_eq!((response.status, response.json()["code"].clone()), (401, json!("token_expired")));
    assert_eq!(api(&provider).get("/protected").bearer(&token).send().status, 200);
}

#[test]
#[ignore = "needs Node.js and oidc-provider: ./tests/run.sh"]
fn a_rotated_key_is_picked_up_by_the_first_request() {
    let mut provider = Provider::start();
    let api = api(&provider);
    for algorithm in [Algorithm::RS256, Algorithm::EdDSA] {
        let old = provider.token(algorithm, AUDIENCE, "read:posts");
        assert_eq!(api.get("/protected").bearer(&old).send().status, 200);

        // New keys beside the old ones, as a careful provider does it. One command for each
        // algorithm, since each costs a refetch and only two are allowed within 30 s.
        provider.command(if algorithm == Algorithm::RS256 { "add" } else { "rotate" });
        let new = provider.token(algorithm, AUDIENCE, "read:posts");
        assert_eq!(api.get("/protected").bearer(&new).send().status, 200);
        let still = api.get("/protected").bearer(&old).send().status;
        assert_eq!(still, if algorithm == Algorithm::RS256 { 200 } else { 401 });
    }
}

/// What a real provider binds to a client's key is good with that client's proofs, and with nobody else's.
#[test]
#[ignore = "needs Node.js and oidc-provider: ./tests/run.sh"]
fn a_token_that_the_provider_bound_is_good_with_its_key() {
    let provider = Provider::start();
    let auth =
        JwtAuth::for_issuer(TrustedIssuer::new(provider.issuer(), AUDIENCE).algorithms(ALGORITHMS))
            .dpop(Dpop::new("https://api.example.com"))
            .build()
            .unwrap();
    let api = serve(auth);
    for algorithm in [Algorithm::ES256, Algorithm::EdDSA] {
        let key = ProofKey::with_clock(algorithm, SystemClock::new());
        let token = provider.bound_token(Algorithm::RS256, &key);
        let ask = |proof: String| {
            let request = api.get("/protected").header("authorization", format!("DPoP {token}"));
            request.header("dpop", proof).send()
        };
        let url = "https://api.example.com/protected";
        let response = ask(key.proof("GET", url, &token).sign());
        assert_eq!(response.status, 200, "{}", response.everything());
        assert_eq!(api.get("/protected").bearer(&token).send().status, 401);
        let thief = ProofKey::new();
        assert_eq!(ask(thief.proof("GET", url, &token).sign()).status, 401);
    }
    let free = provider.token(Algorithm::RS256, AUDIENCE, "read:posts");
    assert_eq!(api.get("/protected").bearer(&free).send().status, 200);
}

/// What it binds to a client's certificate is good for who shows that one, and for nobody else.
#[test]
#[ignore = "needs Node.js and oidc-provider: ./tests/run.sh"]
fn a_token_that_the_provider_bound_is_good_with_its_certificate() {
    let provider = Provider::start();
    let auth =
        JwtAuth::for_issuer(TrustedIssuer::new(provider.issuer(), AUDIENCE).algorithms(ALGORITHMS))
            .mutual_tls(MutualTls::behind_proxies(["127.0.0.1"]))
            .build()
            .unwrap();
    let api = serve(auth);
    let [client, thief] = ["client.example", "thief.example"].map(Identity::self_signed);
    let request = api.get("/protected").bearer(provider.certified_token(&client));
    let shown = |identity: &Identity| {
        let field = format!(":{}:", STANDARD.encode(identity.der()));
        request.clone().header("client-cert", field).send()
    };
    assert_eq!(shown(&client).status, 200, "{}", shown(&client).everything());
    assert_eq!(shown(&thief).status, 401);
    assert_eq!(request.send().status, 401);
}
