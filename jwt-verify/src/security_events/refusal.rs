//! Refusals of security event tokens, with the codes that RFC 8935 §2.4 registers.

use crate::error::{AuthError, InvalidTokenReason};

/// Reason why a security event token was not acted on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EventRefusal {
    /// It cannot be read, is too old, or is not what its type demands.
    InvalidRequest,
    /// Its key or algorithm is not acceptable, or its signature is wrong.
    InvalidKey,
    InvalidIssuer,
    InvalidAudience,
    /// The transmitter has not shown its credential.
    AuthenticationFailed,
    /// Not decided now, and to be sent again; the response has the time for it.
    Later(AuthError),
}

impl EventRefusal {
    /// The code of the body; `None` if it is to be sent again.
    pub(crate) const fn code(&self) -> Option<&'static str> {
        match self {
            Self::InvalidRequest => Some("invalid_request"),
            Self::InvalidKey => Some("invalid_key"),
            Self::InvalidIssuer => Some("invalid_issuer"),
            Self::InvalidAudience => Some("invalid_audience"),
            Self::AuthenticationFailed => Some("authentication_failed"),
            Self::Later(_) => None,
        }
    }

    /// The text of the body.
    pub(crate) const fn description(&self) -> &'static str {
        match self {
            Self::InvalidRequest => "the request is not a security event token that is valid now",
            Self::InvalidKey => "the key or the signature of the token is not acceptable",
            Self::InvalidIssuer => "the issuer of the token is not the transmitter of this stream",
            Self::InvalidAudience => "the token is not for this receiver",
            Self::AuthenticationFailed => "the credential of the transmitter is missing or wrong",
            Self::Later(_) => "the token could not be judged now",
        }
    }
}

impl From<AuthError> for EventRefusal {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::InvalidToken(reason) => match reason {
                InvalidTokenReason::Issuer => Self::InvalidIssuer,
                InvalidTokenReason::Audience => Self::InvalidAudience,
                InvalidTokenReason::UnknownKey
                | InvalidTokenReason::Signature
                | InvalidTokenReason::Algorithm
                | InvalidTokenReason::AlgorithmNotAccepted(_) => Self::InvalidKey,
                _ => Self::InvalidRequest,
            },
            error if error.is_failure() => Self::Later(error),
            _ => Self::InvalidRequest,
        }
    }
}
