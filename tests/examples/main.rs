//! Every example, started as a user would start it, and asked for what it is there to show.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that fails should say where"
)]

mod graphql_ws;
mod hanging_up;
mod integrations;
mod login;
mod mcp;
mod starting;
mod web_socket;
mod website;

use std::sync::LazyLock;

use jwt_verify::testing::{AUDIENCE, TestIssuer, TestToken};
use jwt_verify_tests::{Process, Request};

/// One issuer for all: making its key takes longer than most of what it is needed for.
static ISSUER: LazyLock<TestIssuer> = LazyLock::new(TestIssuer::start);

/// An example that trusts the issuer.
fn start(example: &str) -> Process {
    Process::start_with(example, &[("JWT_ISSUER", ISSUER.url()), ("JWT_AUDIENCE", AUDIENCE)])
}

fn token(subject: &str) -> TestToken<'static> {
    ISSUER.token().subject(subject)
}

fn get(example: &Process, path: &str, token: TestToken<'_>) -> Request {
    example.request("GET", path).bearer(token.sign())
}
