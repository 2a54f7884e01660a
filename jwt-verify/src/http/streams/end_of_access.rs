//! Reasons why a stream ends.

use std::fmt;

use crate::error::{AuthError, InvalidTokenReason};

/// The reason why the access that a stream was opened with has ended.
///
/// | reason | text | close code |
/// | --- | --- | --- |
/// | [`Expired`](Self::Expired) | `expired` | 4401 |
/// | [`Revoked`](Self::Revoked) | `revoked` | 4401 |
/// | [`KeyWithdrawn`](Self::KeyWithdrawn) | `key_withdrawn` | 4401 |
/// | [`LoginRequired`](Self::LoginRequired) | `login_required` | 4401 |
/// | [`Refused`](Self::Refused) | `refused` | 4401 |
/// | [`Unavailable`](Self::Unavailable) | `unavailable` | 1013 |
///
/// 4401 is a private code of RFC 6455 §7.4.2, with the meaning that it has in the protocol
/// `graphql-transport-ws`: the client may come back with another token. 1013 is "try again later":
/// the token may be valid, and the client keeps it. The text is the description of the close frame,
/// and the reason in the last of the server-sent events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndOfAccess {
    /// The `exp` of the token has passed.
    Expired,
    /// The token, its session or its subject has been revoked, an API key removed, or the issuer says
    /// that an opaque token is not active.
    Revoked,
    /// The issuer no longer publishes the key that the token was signed with.
    KeyWithdrawn,
    /// A security event has demanded another login of the user. A request would be answered with 401
    /// `insufficient_user_authentication` (RFC 9470).
    LoginRequired,
    /// The credential is no longer accepted for another reason, for example because its issuer is no
    /// longer trusted.
    Refused,
    /// It is unknown if the access continues: something is out of reach, has not answered within 10 s,
    /// refuses further look-ups, or a rule of the application has panicked. A request would be answered
    /// with 503 or 429.
    Unavailable,
}

impl EndOfAccess {
    /// Returns the stable text of the reason, for the client, logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::KeyWithdrawn => "key_withdrawn",
            Self::LoginRequired => "login_required",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
        }
    }

    /// Returns the code to close a WebSocket with (RFC 6455 §7.4).
    pub const fn close_code(self) -> u16 {
        match self {
            Self::Expired
            | Self::Revoked
            | Self::KeyWithdrawn
            | Self::LoginRequired
            | Self::Refused => 4401,
            Self::Unavailable => 1013,
        }
    }

    /// Returns the reason of a credential that is refused now.
    pub(super) fn of_refusal(error: &AuthError) -> Self {
        match error {
            AuthError::ExpiredToken => Self::Expired,
            AuthError::InvalidToken(
                InvalidTokenReason::Revoked
                | InvalidTokenReason::Inactive
                | InvalidTokenReason::UnknownApiKey,
            ) => Self::Revoked,
            AuthError::InvalidToken(
                InvalidTokenReason::UnknownKey | InvalidTokenReason::Signature,
            ) => Self::KeyWithdrawn,
            AuthError::StepUp { .. } => Self::LoginRequired,
            error if error.is_failure() => Self::Unavailable,
            _ => Self::Refused,
        }
    }

    /// Returns the number of the reason; zero stands for none.
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Expired => 1,
            Self::Revoked => 2,
            Self::KeyWithdrawn => 3,
            Self::Refused => 4,
            Self::Unavailable => 5,
            Self::LoginRequired => 6,
        }
    }

    /// Returns the reason of a number.
    pub(super) const fn of_number(number: u8) -> Option<Self> {
        match number {
            0 => None,
            1 => Some(Self::Expired),
            2 => Some(Self::Revoked),
            3 => Some(Self::KeyWithdrawn),
            4 => Some(Self::Refused),
            6 => Some(Self::LoginRequired),
            _ => Some(Self::Unavailable),
        }
    }
}

/// Returns the code to close a WebSocket with after a message that did not authenticate its sender.
///
/// | refusal | code |
/// | --- | --- |
/// | no token, an invalid or expired one, or one of a login that is not enough | 4401, as in `graphql-transport-ws` |
/// | another caller than before, or one who may not do this | 4403, as in `graphql-transport-ws` |
/// | something is out of reach, or asked too often | 1013, "try again later" |
/// | a missing setting | 1011, "internal error" |
pub const fn close_code(refusal: &AuthError) -> u16 {
    match refusal {
        AuthError::Misconfigured => 1011,
        AuthError::Forbidden(_) | AuthError::InvalidToken(InvalidTokenReason::Subject) => 4403,
        refusal if refusal.is_failure() => 1013,
        _ => 4401,
    }
}

impl fmt::Display for EndOfAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_number_and_its_text() {
        assert_eq!(EndOfAccess::of_number(0), None);
        let all: Vec<_> = (1..=6).filter_map(EndOfAccess::of_number).collect();
        let texts: std::collections::HashSet<_> = all.iter().map(|end| end.as_str()).collect();
        assert_eq!(texts.len(), 6);
        for end in all {
            assert_eq!(EndOfAccess::of_number(end.number()), Some(end));
            assert!(end.as_str().len() < 100, "{end}");
        }
    }
}
