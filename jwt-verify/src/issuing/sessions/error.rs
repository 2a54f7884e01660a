//! Why a session does not begin, go on or end.

use std::time::Duration;

use crate::error::StoreUnavailable;
use crate::{issuing::IssuingError, limits::STORE_RETRY};

/// Why a session did not begin, go on or end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The refresh token is not good, or not any more. The caller is not told why (RFC 6749 §5.2).
    #[error("the refresh token is not valid")]
    InvalidGrant,
    /// A store is out of reach; nothing is wrong with the token as far as is known.
    #[error("sessions are temporarily unavailable")]
    Unavailable {
        /// When another attempt makes sense.
        retry_after: Duration,
    },
    /// The application asked for something that cannot be issued.
    #[error("no token could be issued: {0}")]
    Issuing(#[from] IssuingError),
}

impl From<StoreUnavailable> for SessionError {
    fn from(_: StoreUnavailable) -> Self {
        Self::Unavailable { retry_after: STORE_RETRY }
    }
}
