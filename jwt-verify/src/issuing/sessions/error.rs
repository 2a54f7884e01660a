//! Errors of sessions.

use std::time::Duration;

use crate::error::StoreUnavailable;
use crate::{defaults::STORE_RETRY, issuing::IssuingError};

/// Reasons why a session was not created, continued or revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The refresh token is invalid, expired or used. The caller is not told why (RFC 6749 §5.2).
    #[error("the refresh token is not valid")]
    InvalidGrant,
    /// A store is unreachable; the token may be valid.
    #[error("sessions are temporarily unavailable")]
    Unavailable {
        /// Time after which another attempt makes sense.
        retry_after: Duration,
    },
    /// The application asked for a token that cannot be issued.
    #[error("no token could be issued: {0}")]
    Issuing(#[from] IssuingError),
}

impl From<StoreUnavailable> for SessionError {
    fn from(_: StoreUnavailable) -> Self {
        Self::Unavailable { retry_after: STORE_RETRY }
    }
}
