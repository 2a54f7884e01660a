//! The last question about a token: whether it is over before its time.

use std::sync::Arc;

use super::{Verifier, seen::Judged};
use crate::{
    AuthError, Claims, InvalidTokenReason, RevocationError, RevocationHealth, RevocationLookup,
    RevocationStore, claims::VerifiedToken, limits::STORE_RETRY, revocation::TokenMarks, telemetry,
};

/// Who is asked, and what it means that there is no answer.
#[derive(Debug)]
pub(super) struct Revocations {
    pub(super) store: Arc<dyn RevocationStore>,
    pub(super) fails_open: bool,
}

impl Revocations {
    fn conclude(
        &self,
        token: Arc<VerifiedToken>,
        answer: Result<bool, RevocationError>,
    ) -> Result<Arc<VerifiedToken>, AuthError> {
        match answer {
            Ok(false) => Ok(token),
            Ok(true) => Err(InvalidTokenReason::Revoked.into()),
            Err(RevocationError) => {
                telemetry::revocation_unknown();
                if self.fails_open {
                    return Ok(token);
                }
                Err(AuthError::Unavailable { retry_after: STORE_RETRY })
            }
        }
    }
}

impl Verifier {
    /// What a token could be revoked by, where somebody knows what is revoked. A token that cannot
    /// be named could never be revoked.
    pub(super) fn marks(&self, claims: &Claims) -> Result<Option<Arc<TokenMarks>>, AuthError> {
        if self.inner.revocation.is_none() {
            return Ok(None);
        }
        if claims.token_id().is_none_or(str::is_empty) {
            return Err(InvalidTokenReason::MissingClaim.into());
        }
        Ok(Some(Arc::new(TokenMarks::of(claims))))
    }

    /// Waits until it can be told what is revoked, where tokens are refused otherwise.
    pub(super) async fn revocation_ready(&self) -> Result<(), AuthError> {
        let Some(revocation) = self.inner.revocation.as_ref().filter(|known| !known.fails_open)
        else {
            return Ok(());
        };
        let ready = revocation.store.ready().await;
        ready.map_err(|RevocationError| AuthError::Unavailable { retry_after: STORE_RETRY })
    }

    /// Reports the state of the store of revocations, where there is one, without asking it anything.
    pub fn revocation_health(&self) -> Option<RevocationHealth> {
        self.inner.revocation.as_ref().map(|revocation| revocation.store.health())
    }

    /// Whether tokens are refused because it cannot be told what is revoked.
    pub(crate) fn lacks_revocations(&self) -> bool {
        let revocation = self.inner.revocation.as_ref();
        revocation.is_some_and(|known| !known.fails_open && !known.store.health().usable)
    }

    /// Whether every token has to wait for an answer about its revocation.
    pub(super) fn asks_elsewhere(&self) -> bool {
        self.inner.revocation.as_ref().is_some_and(|revocation| !revocation.store.is_local())
    }

    /// Refuses a good token that has been revoked.
    pub(super) async fn settle(
        &self,
        judged: Result<Judged, AuthError>,
    ) -> Result<Arc<VerifiedToken>, AuthError> {
        let Judged { token, marks } = judged?;
        let (Some(revocation), Some(marks)) = (&self.inner.revocation, marks) else {
            return Ok(token);
        };
        let answer = match revocation.store.check(&marks) {
            RevocationLookup::Ready(answer) => answer,
            RevocationLookup::Pending(answer) => answer.await,
        };
        revocation.conclude(token, answer)
    }

    /// The same without waiting; `None` if that cannot be.
    pub(super) fn settle_now(
        &self,
        judged: Result<Judged, AuthError>,
    ) -> Option<Result<Arc<VerifiedToken>, AuthError>> {
        let Judged { token, marks } = match judged {
            Ok(judged) => judged,
            Err(error) => return Some(Err(error)),
        };
        let (Some(revocation), Some(marks)) = (&self.inner.revocation, marks) else {
            return Some(Ok(token));
        };
        match revocation.store.check(&marks) {
            RevocationLookup::Ready(answer) => Some(revocation.conclude(token, answer)),
            RevocationLookup::Pending(_) => None,
        }
    }
}
