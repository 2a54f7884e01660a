//! Parts that the suites share: keys made at run time, tokens of any shape, an issuer that misbehaves
//! on request, a server and a client that show the exact bytes, and a bed that holds the usual ones.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::format_push_string,
    missing_debug_implementations,
    clippy::indexing_slicing,
    reason = "a suite that cannot be set up should stop at once and say where"
)]

mod browser;
mod client;
mod explained;
mod internet;
mod introspection;
mod issuer;
mod keys;
mod listen;
mod log;
mod process;
mod redis;
mod server;
pub mod setting;
mod test_bed;
mod tls_front;
mod token;

pub use browser::{drive, pictures};
pub use client::{OpenRequest, Request, Response};
pub use explained::explained;
pub use internet::Internet;
pub use introspection::{IntrospectionEndpoint, Question};
pub use issuer::{Answer, FakeIssuer};
pub use jwt_verify::testing::{AUDIENCE, TestClock};
pub use keys::SigningKey;
pub use log::CapturedLog;
pub use process::{Process, resource_server};
pub use redis::{RedisServer, eventually, free_port};
pub use server::TestServer;
pub use test_bed::TestBed;
pub use tls_front::{Authority, ConnectProxy, Identity, TlsFront};
pub use token::{Token, base64url, compact, sign};

/// Where tests begin in time: an arbitrary moment, the same in every run.
pub const START: u64 = TestClock::START;
