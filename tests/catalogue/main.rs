//! Attacks, table by table, over HTTP against a real server. Each row has the id under which
//! `docs/security/coverage.md` lists it.
//!
//! A row is a request that must be refused. The whole answer is asserted: status, challenge, body,
//! `Cache-Control`; that the handler did not run; that nobody was called; that nothing of the token
//! is in the response or in the log at TRACE; and that a good token is still accepted afterwards.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::format_push_string,
    reason = "a test that fails should say where"
)]

mod algorithms;
mod attack_bench;
mod audit;
mod claims;
mod coverage;
mod dpop;
mod dpop_setup;
mod encoding;
mod event_bed;
mod extraction;
mod headers;
mod json;
mod key_confusion;
mod key_quality;
mod leakage;
mod log;
mod mcp_answers;
mod mcp_bench;
mod mcp_messages;
mod mcp_requests;
mod policies;
mod proofs;
mod security_events;
mod signatures;

use attack_bench::{AttackBench, Expected, Row};
use jwt_verify_tests::Request;
