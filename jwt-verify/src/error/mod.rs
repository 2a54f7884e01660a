//! Errors, grouped by whose fault they are: the caller's, an authority's that is out of reach, or
//! the configuration's. Texts are fixed: nothing of a token, a key or an upstream answer is in them.

mod auth;
mod config;
mod key;
mod store;

pub use auth::{
    AuthError, ForbiddenReason, InvalidProofReason, InvalidRequestReason, InvalidTokenReason,
};
pub use config::ConfigError;
pub use key::InvalidKeyError;
pub use store::StoreUnavailable;
