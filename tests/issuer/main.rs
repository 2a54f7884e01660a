//! The issuer's side: what is fetched, when, how often, and what happens when it fails.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that fails should say where"
)]

mod credentials;
mod discovery;
mod faults;
mod fleet;
mod floods;
mod freshness;
mod key_sets;
mod limits;
mod multi_issuer;
mod observability;
mod recovery;
mod security_events;
mod shared;
mod single_flight;
mod tenant_floods;
mod tenants;
mod transport;

use std::time::Duration;

use actix_web::App;
use example_resource_server as resource_server;
use jwt_verify::{Algorithm, JwksProvider, JwtAuth, TrustedIssuer, keys::JwksProviderBuilder};
use jwt_verify_tests::{
    AUDIENCE, FakeIssuer, SigningKey, TestBed, TestClock, TestServer, Token, eventually,
};

/// ES256, since its keys are made in no time.
fn key(id: &str) -> SigningKey {
    SigningKey::new(Algorithm::ES256, id)
}

/// An issuer whose keys the test decides, a clock, and an API that trusts the issuer.
struct IssuerBed {
    issuer: FakeIssuer,
    clock: TestClock,
    api: TestServer,
}

impl IssuerBed {
    fn new(keys: &[&SigningKey]) -> Self {
        Self::with(FakeIssuer::start(keys), |provider| provider)
    }

    fn with(
        issuer: FakeIssuer,
        configure: impl FnOnce(JwksProviderBuilder) -> JwksProviderBuilder,
    ) -> Self {
        let clock = TestClock::new();
        let provider = JwksProvider::builder(issuer.jwks_uri()).clock(clock.clone());
        let api = serve(&issuer, &clock, configure(provider));
        Self { issuer, clock, api }
    }

    fn status(&self, key: &SigningKey) -> u16 {
        let token = Token::of(self.issuer.url())
            .claim("exp", jwt_verify_tests::START + 1_000_000)
            .sign(key);
        self.status_of(&token)
    }

    fn status_of(&self, token: &str) -> u16 {
        self.api.get("/protected").bearer(token).send().status
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

fn serve(issuer: &FakeIssuer, clock: &TestClock, provider: JwksProviderBuilder) -> TestServer {
    serve_with(issuer, clock, &provider.build().unwrap())
}

/// An API with keys from a provider whose health the test reads.
fn serve_with(issuer: &FakeIssuer, clock: &TestClock, provider: &JwksProvider) -> TestServer {
    let auth = JwtAuth::for_issuer(
        TrustedIssuer::new(issuer.url(), AUDIENCE)
            .algorithms([Algorithm::ES256, Algorithm::RS256])
            .keys(provider.clone()),
    )
    .clock(clock.clone())
    .build()
    .unwrap();
    TestServer::start(move || App::new().configure(resource_server::configure(&auth)))
}
