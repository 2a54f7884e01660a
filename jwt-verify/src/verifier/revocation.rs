//! Revocation, the last check of a token (RFC 7009; OIDC Back-Channel Logout).

use std::sync::Arc;

use super::{SenderUnchecked, Verifier, cache::Verified};
use crate::{
    changes::Changes,
    claims::{Claims, VerifiedToken},
    defaults::STORE_RETRY,
    error::{AuthError, InvalidTokenReason},
    metrics,
    revocation::{RevocationHealth, RevocationKeys, RevocationStore},
};
use crate::{error::StoreUnavailable, lookup::Lookup};

/// The revocation store, and how to answer while it is unreachable.
#[derive(Debug)]
pub(super) struct Revocations {
    pub(super) store: Arc<dyn RevocationStore>,
    pub(super) fails_open: bool,
}

impl Revocations {
    fn outcome(&self, answer: &Result<bool, StoreUnavailable>) -> Result<(), AuthError> {
        match answer {
            Ok(false) => Ok(()),
            Ok(true) => Err(InvalidTokenReason::Revoked.into()),
            Err(_) => {
                metrics::revocation_unknown();
                if self.fails_open {
                    return Ok(());
                }
                Err(AuthError::Unavailable { retry_after: STORE_RETRY })
            }
        }
    }
}

impl Verifier {
    /// Returns the keys under which a token can be revoked, if there is a revocation store. A token
    /// without a `jti` is refused, as it could not be revoked.
    #[inline]
    pub(super) fn revocation_keys(
        &self,
        claims: &Claims,
    ) -> Result<Option<Arc<RevocationKeys>>, AuthError> {
        if self.inner.revocation.is_none() {
            return Ok(None);
        }
        if claims.token_id().is_none_or(str::is_empty) {
            return Err(InvalidTokenReason::MissingClaim("jti").into());
        }
        Ok(Some(Arc::new(RevocationKeys::of(claims))))
    }

    /// Waits until the store can answer, unless the verifier fails open.
    pub(super) async fn revocation_ready(&self) -> Result<(), AuthError> {
        let Some(revocation) = self.inner.revocation.as_ref().filter(|known| !known.fails_open)
        else {
            return Ok(());
        };
        let ready = revocation.store.wait_until_ready().await;
        ready.map_err(|_| AuthError::Unavailable { retry_after: STORE_RETRY })
    }

    /// Returns the state of the revocation store, if there is one, without a call to it.
    pub fn revocation_health(&self) -> Option<RevocationHealth> {
        self.inner.revocation.as_ref().map(|revocation| revocation.store.health())
    }

    /// Returns `true` if tokens are refused because the store cannot answer.
    pub(crate) fn lacks_revocations(&self) -> bool {
        let revocation = self.inner.revocation.as_ref();
        revocation.is_some_and(|known| !known.fails_open && !known.store.health().usable)
    }

    /// Returns `true` if tokens are accepted while the store cannot answer.
    #[cfg(feature = "security-events")]
    pub(crate) fn revocation_fails_open(&self) -> bool {
        self.inner.revocation.as_ref().is_some_and(|known| known.fails_open)
    }

    /// Returns `true` if every token has to wait for the store.
    #[inline]
    pub(crate) fn checks_revocation_elsewhere(&self) -> bool {
        self.inner.revocation.as_ref().is_some_and(|revocation| !revocation.store.is_immediate())
    }

    /// Returns the keys under which the caller of a stream can be revoked, if there is a revocation
    /// store.
    pub(crate) fn stream_keys(&self, claims: &Claims) -> Option<Arc<RevocationKeys>> {
        self.inner.revocation.as_ref().map(|_| Arc::new(RevocationKeys::of(claims)))
    }

    /// Refuses a caller who has been revoked, by the keys of the caller.
    pub(crate) fn check_stream<'a>(
        &'a self,
        keys: &'a RevocationKeys,
    ) -> Lookup<'a, Result<(), AuthError>> {
        let Some(revocation) = &self.inner.revocation else { return Lookup::Ready(Ok(())) };
        match revocation.store.check(keys) {
            Lookup::Ready(answer) => Lookup::Ready(revocation.outcome(&answer)),
            Lookup::Pending(answer) => {
                Lookup::Pending(Box::pin(async move { revocation.outcome(&answer.await) }))
            }
        }
    }

    /// Returns the counter of revocations, if the store has one.
    pub(crate) fn revocation_changes(&self) -> Option<&Changes> {
        self.inner.revocation.as_ref()?.store.changes()
    }

    /// Refuses another credential than a token of this verifier if it has been revoked: by its `jti`,
    /// its `sid` or its subject, as far as it has them.
    pub(crate) fn check_other(
        &self,
        token: Arc<VerifiedToken>,
    ) -> Lookup<'_, Result<SenderUnchecked, AuthError>> {
        let Some(revocation) = &self.inner.revocation else {
            return Lookup::Ready(Ok(SenderUnchecked(token)));
        };
        let keys = RevocationKeys::of(token.claims());
        if revocation.store.is_immediate()
            && let Lookup::Ready(answer) = revocation.store.check(&keys)
        {
            return Lookup::Ready(revocation.outcome(&answer).map(|()| SenderUnchecked(token)));
        }
        Lookup::Pending(Box::pin(async move {
            let answer = revocation.store.check(&keys).await;
            revocation.outcome(&answer).map(|()| SenderUnchecked(token))
        }))
    }

    /// Refuses a verified token that has been revoked.
    #[inline]
    pub(super) fn revocation<'a>(
        &'a self,
        verified: &'a Verified,
    ) -> Lookup<'a, Result<(), AuthError>> {
        let (Some(revocation), Some(revocation_keys)) =
            (&self.inner.revocation, &verified.revocation_keys)
        else {
            return Lookup::Ready(Ok(()));
        };
        match revocation.store.check(revocation_keys) {
            Lookup::Ready(answer) => Lookup::Ready(revocation.outcome(&answer)),
            Lookup::Pending(answer) => {
                Lookup::Pending(Box::pin(async move { revocation.outcome(&answer.await) }))
            }
        }
    }
}
