//! Outcome of an authenticator for a request.

use std::{fmt, future::Future, pin::Pin};

use crate::error::AuthError;

use super::Authenticated;

/// Outcome of an [`Authenticator`](crate::extract::Authenticator) for a request.
pub struct Attempt<'r> {
    pub(crate) outcome: AttemptOutcome<'r>,
    pub(super) is_by_token: bool,
}

pub(crate) type Authenticating<'r> =
    Pin<Box<dyn Future<Output = Result<Authenticated, AuthError>> + 'r>>;

pub(crate) enum AttemptOutcome<'r> {
    NotMine,
    Ready(Result<Authenticated, AuthError>),
    Pending(Authenticating<'r>),
}

impl<'r> Attempt<'r> {
    /// Returns the outcome for a request without a credential of this kind.
    pub fn not_mine() -> Self {
        Self { outcome: AttemptOutcome::NotMine, is_by_token: false }
    }

    /// Returns the outcome for a credential that could be checked at once: claims, or the refusal of the
    /// request.
    pub fn ready(outcome: Result<Authenticated, AuthError>) -> Self {
        Self { outcome: AttemptOutcome::Ready(outcome), is_by_token: false }
    }

    /// Returns the outcome for a credential that has to be waited for. The future must do nothing
    /// before it is first polled.
    pub fn pending(future: impl Future<Output = Result<Authenticated, AuthError>> + 'r) -> Self {
        Self { outcome: AttemptOutcome::Pending(Box::pin(future)), is_by_token: false }
    }

    /// Marks the credential as the one that [`Presented::token`](crate::extract::Presented::token)
    /// returns. The verifier does not get this token then. Without the mark the request has two
    /// credentials, and is refused.
    #[must_use]
    pub fn by_token(mut self) -> Self {
        self.is_by_token = true;
        self
    }
}

impl fmt::Debug for Attempt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match &self.outcome {
            AttemptOutcome::NotMine => "not mine",
            AttemptOutcome::Ready(Ok(_)) => "authenticated",
            AttemptOutcome::Ready(Err(_)) => "refused",
            AttemptOutcome::Pending(_) => "pending",
        };
        f.debug_struct("Attempt")
            .field("outcome", &outcome)
            .field("by_token", &self.is_by_token)
            .finish()
    }
}
