//! The library over HTTP: a real server, a fake issuer, a clock that the tests move.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails should say where"
)]

mod composition;
mod contract;
mod credentials;
mod cross_site;
mod extractors;
mod mutual_tls;
mod process;
mod providers;
mod refused_first;
mod remembered;
mod resource_metadata;
mod signatures;
mod testing_module;

use actix_web::App;
use example_resource_server as resource_server;
use jwt_verify::{Algorithm, JwtAuth, JwtAuthBuilder, TrustedIssuer};
use jwt_verify_tests::{AUDIENCE, FakeIssuer, SigningKey, TestClock, TestServer, Token};

/// An issuer with one RSA key, and a clock.
struct World {
    issuer: FakeIssuer,
    key: SigningKey,
    clock: TestClock,
}

impl World {
    fn new() -> Self {
        Self::with(Algorithm::RS256)
    }

    fn with(algorithm: Algorithm) -> Self {
        let key = SigningKey::new(algorithm, "key-1");
        let issuer = FakeIssuer::start(&[&key]);
        Self { issuer, key, clock: TestClock::new() }
    }

    /// Settings for this issuer and nothing else.
    fn trusted_issuer(&self) -> TrustedIssuer {
        TrustedIssuer::new(self.issuer.url(), AUDIENCE).algorithms([self.key.algorithm()])
    }

    /// The same, by this clock.
    fn auth(&self) -> JwtAuthBuilder {
        JwtAuth::for_issuer(self.trusted_issuer()).clock(self.clock.clone())
    }

    /// The routes of the `resource-server` example.
    fn api(&self) -> TestServer {
        serve(self.auth().build().unwrap())
    }

    /// A token that is good unless it is changed.
    fn token(&self) -> Token {
        Token::of(self.issuer.url())
    }

    /// The same, signed.
    fn good(&self) -> String {
        self.token().sign(&self.key)
    }
}

fn serve(auth: JwtAuth) -> TestServer {
    TestServer::start(move || App::new().configure(resource_server::configure(&auth)))
}

const INVALID: &str =
    r#"Bearer error="invalid_token", error_description="the access token is not valid""#;
