//! Sessions of an application's own: minting, refreshing, revoking, cookies, and the example that
//! shows it all.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that fails should say where"
)]

mod abuse;
mod algorithms;
mod app;
mod browser;
mod browser_cookies;
mod current_user;
mod demo;
mod ending;
mod freshness;
mod id_tokens;
mod interop;
mod logout_tokens;
mod minting;
mod refreshing;
mod revoking;
mod session_bed;
mod stores;
mod with_redis;

use std::{future::Future, sync::LazyLock};

use jwt_verify::{
    Algorithm, Secret,
    issuing::{SigningKey, TokenIssuer, TokenIssuerBuilder},
};
use jwt_verify_tests::TestClock;

const ISSUER: &str = "https://app.example";
const AUDIENCE: &str = "https://api.example";

/// An issuer at a clock that the test moves.
fn issuer(clock: &TestClock) -> TokenIssuer {
    builder(Algorithm::ES256).clock(clock.clone()).build().unwrap()
}

fn builder(algorithm: Algorithm) -> TokenIssuerBuilder {
    TokenIssuer::builder(ISSUER, AUDIENCE, key(algorithm))
}

fn key(algorithm: Algorithm) -> SigningKey {
    if algorithm.is_symmetric() {
        SigningKey::from_secret(algorithm, &Secret::from("s".repeat(64))).unwrap()
    } else {
        SigningKey::generate(algorithm).unwrap()
    }
}

/// Waits, on threads that outlive the call: what is made in it may go on.
fn wait<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap()
    });
    RUNTIME.block_on(future)
}
