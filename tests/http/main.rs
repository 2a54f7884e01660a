//! The library over HTTP: a real server, a fake issuer, a clock that the tests move.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails should say where"
)]

mod api_keys;
mod authenticators;
mod checks;
mod claim_shapes;
mod command;
mod composition;
mod contract;
mod credentials;
mod cross_site;
mod events;
mod explanation;
mod extractors;
mod introspection;
mod issuer_settings;
mod monitoring;
mod mutual_tls;
mod process;
mod providers;
mod proxy_header;
mod refused_first;
mod remembered;
mod resource_metadata;
mod security_events;
mod signatures;
mod start_events;
mod testing_module;

use actix_web::App;
use example_resource_server as resource_server;
use jwt_verify::{Algorithm, JwtAuth, JwtAuthBuilder};
use jwt_verify_tests::{AUDIENCE, FakeIssuer, SigningKey, TestBed, TestServer, Token};

/// Serves the routes of the `resource-server` example.
fn api_of(bed: &TestBed) -> TestServer {
    serve(bed.auth().build().unwrap())
}

fn serve(auth: JwtAuth) -> TestServer {
    TestServer::start(move || App::new().configure(resource_server::configure(&auth)))
}

const INVALID: &str =
    r#"Bearer error="invalid_token", error_description="the access token is not valid""#;
