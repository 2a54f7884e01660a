//! Published vectors.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails should say where"
)]

mod primitives;
mod rfc;
mod rfc9964;
mod wycheproof_jws;
