//! Use of the cache of verified tokens.

use std::{sync::Arc, time::Duration};

use super::{
    Verifier,
    candidate::{Accepted, IssuerRef, SelectedIssuer},
};
use crate::{
    claims::{Claims, VerifiedToken},
    error::AuthError,
    lookup::Lookup,
    metrics,
    mix::mix,
    revocation::RevocationKeys,
    token_cache::Remembered,
};

/// A verified token. It may have been revoked.
#[derive(Clone)]
pub(crate) struct Verified {
    pub(super) token: Arc<VerifiedToken>,
    /// Keys under which it can be revoked, if there is a revocation store.
    pub(super) revocation_keys: Option<Arc<RevocationKeys>>,
}

/// A verified token, and the conditions under which it stays valid.
#[derive(Debug, Clone)]
pub(super) struct CachedToken {
    token: Arc<VerifiedToken>,
    revocation_keys: Option<Arc<RevocationKeys>>,
    issuer: IssuerRef,
    /// Generation of the issuer's keys, read before the verification began.
    generation: u64,
    /// Start and end of its validity, on the wall clock.
    from: Duration,
    until: Duration,
}

impl Remembered for CachedToken {
    fn unshared(&self) -> Self {
        Self {
            token: Arc::new((*self.token).clone()),
            revocation_keys: self.revocation_keys.as_deref().cloned().map(Arc::new),
            ..self.clone()
        }
    }
}

impl Verifier {
    /// Returns a cached token that is still valid.
    #[inline]
    pub(super) fn cached(&self, token: &[u8]) -> Option<Verified> {
        let cached = self.inner.cache.as_ref()?.get(token, |cached| {
            let now = self.inner.clock.now();
            let is_valid = self.generation(&cached.issuer) == Some(cached.generation)
                && cached.from <= now
                && now < cached.until;
            is_valid.then(|| Verified {
                token: cached.token.clone(),
                revocation_keys: cached.revocation_keys.clone(),
            })
        });
        metrics::cache("token", cached.is_some());
        cached
    }

    /// Returns the generation of an issuer's keys, if the issuer is still trusted.
    #[inline]
    fn generation(&self, issuer: &IssuerRef) -> Option<u64> {
        match issuer {
            IssuerRef::Listed(index) => self.inner.issuers.get(*index)?.keys.generation(),
            IssuerRef::Resolved(tenant) => {
                let tenant = tenant.upgrade()?;
                let now = self.inner.clock.monotonic();
                if !tenant.is_fresh(now) {
                    return None;
                }
                tenant.note_good(now);
                tenant.issuer.keys.generation()
            }
        }
    }

    /// Returns a number that changes when a token with these claims may be accepted or refused in another way,
    /// because of its issuer or of the issuer's keys; `None` if that is unknown.
    pub(crate) fn issuer_state(&self, claims: &Claims) -> Option<u64> {
        match self.select_issuer(claims) {
            Lookup::Ready(Ok(SelectedIssuer::Listed(_, issuer))) => issuer.keys.generation(),
            Lookup::Ready(Ok(SelectedIssuer::Resolved(tenant))) => {
                let generation = tenant.issuer.keys.generation()?;
                Some(tenant.stamp() ^ mix(generation))
            }
            _ => None,
        }
    }

    #[inline]
    pub(super) fn cache_token(
        &self,
        token: &[u8],
        accepted: Accepted<'_>,
    ) -> Result<Verified, AuthError> {
        let Accepted { claims, grants, validity, issuer, generation, header } = accepted;
        if let Some((segment, header)) = header {
            self.inner.headers.insert(segment, header);
        }
        let revocation_keys = self.revocation_keys(&claims)?;
        let verified = VerifiedToken::new(claims, grants).by_clock(self.own_clock());
        let verified = Arc::new(verified);
        if let (Some(cache), Some(generation)) = (&self.inner.cache, generation) {
            let (from, until) = (validity.start, validity.end);
            let (cached, revocation_keys) = (verified.clone(), revocation_keys.clone());
            let cached =
                CachedToken { token: cached, revocation_keys, issuer, generation, from, until };
            cache.put(token, cached);
        }
        Ok(Verified { token: verified, revocation_keys })
    }
}
