//! What the examples share with each other and with the tests.

pub mod documented;
mod issuer;
pub mod resource_server;
pub mod session_app;

pub use issuer::{EmbeddedIssuer, TokenRequest};
