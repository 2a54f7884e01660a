//! A guard in front of a server of the Model Context Protocol.

mod body;
mod credentials;
mod decisions;
mod guard;
mod origin;
mod refusal;
mod service;

pub use guard::{McpGuard, McpGuardBuilder};
