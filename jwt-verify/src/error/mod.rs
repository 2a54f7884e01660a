//! Errors, grouped by their origin: the caller, an unreachable dependency, or the configuration.
//! Texts are fixed: they contain nothing of a token, a key or an upstream response.

mod auth;
pub(crate) mod codes;
mod config;
mod key;
mod missing_grants;
mod store;

pub use auth::{
    AuthError, ForbiddenReason, InvalidProofReason, InvalidRequestReason, InvalidTokenReason,
};
pub use config::ConfigError;
pub use key::{InvalidKeyError, SecretLength};
pub use missing_grants::MissingGrants;
pub(crate) use missing_grants::MissingNames;
pub use store::StoreUnavailable;
