//! A guard in front of a server of the Model Context Protocol.

mod answer;
mod body;
mod credentials;
mod decisions;
mod guard;
mod guarded_body;
mod listing;
mod origin;
mod refusal;
mod service;
mod sessions;

pub use guard::{McpGuard, McpGuardBuilder};
