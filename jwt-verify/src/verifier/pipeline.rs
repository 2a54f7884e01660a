//! The verification of a token, stage by stage. The rules of each stage are in other modules.

use std::sync::Arc;

use super::{
    SenderUnchecked, Verifier,
    cache::Verified,
    candidate::{Candidate, SelectedIssuer, Unverified},
};
use crate::lookup::Lookup;
use crate::{
    claims::Claims,
    error::{AuthError, InvalidTokenReason},
    key::{KeyLookupError, VerificationKey},
    limits::MAX_LEEWAY,
};

/// Result of a verification without waiting.
pub(crate) enum Progress {
    Done(Result<SenderUnchecked, AuthError>),
    /// [`Verifier::finish`], which may wait, has to do the rest. `None` for a token that is not
    /// cached.
    Unfinished(Option<Verified>),
}

impl Verifier {
    /// Verifies a token, without checking its sender constraint.
    pub(crate) async fn verify_token(&self, token: &[u8]) -> Result<SenderUnchecked, AuthError> {
        match self.start(token) {
            Progress::Done(outcome) => outcome,
            // On the heap, so that the future of a cached token stays small.
            Progress::Unfinished(cached) => Box::pin(self.finish(token, cached)).await,
        }
    }

    /// Verifies a cached token, unless a remote store has to be asked about its revocation. Every
    /// request but the first takes this path. It has no rules of its own.
    #[inline]
    pub(crate) fn start(&self, token: &[u8]) -> Progress {
        let cached = self.cached(token);
        if let Some(verified) = &cached
            && !self.checks_revocation_elsewhere()
            && let Lookup::Ready(outcome) = self.revocation(verified)
        {
            return Progress::Done(outcome.map(|()| SenderUnchecked(verified.token.clone())));
        }
        Progress::Unfinished(cached)
    }

    /// Completes the verification that [`start`](Self::start) left unfinished.
    pub(crate) async fn finish(
        &self,
        token: &[u8],
        cached: Option<Verified>,
    ) -> Result<SenderUnchecked, AuthError> {
        let verified = match cached {
            Some(verified) => verified,
            None => self.verify_uncached(token).await?,
        };
        self.revocation(&verified).await?;
        Ok(SenderUnchecked(verified.token))
    }

    async fn verify_uncached(&self, token: &[u8]) -> Result<Verified, AuthError> {
        let unverified = Unverified::read(token, self.inner.max_token_bytes, &self.inner.headers)?;
        let issuer = self.select_issuer(&unverified.claims).await?;
        let candidate = Candidate::check_header(issuer, unverified, self.now())?;
        let key = self.find_key(&candidate, None).await?;
        if !candidate.is_signed_by(&key) {
            // The issuer may have replaced the key under the same ID.
            let replaced = self.find_key(&candidate, Some(&key)).await;
            candidate.check_replaced_key(replaced)?;
        }
        let accepted = candidate.check_claims(self.inner.tenants.as_ref())?;
        self.cache_token(token, accepted)
    }

    /// Returns the issuer that the claims name, if it is trusted.
    #[inline]
    fn select_issuer<'v: 'c, 'c>(
        &'v self,
        claims: &'c Claims,
    ) -> Lookup<'c, Result<SelectedIssuer<'v>, AuthError>> {
        let mut listed = self.inner.issuers.iter().enumerate();
        if let Some((index, issuer)) = listed.find(|(_, issuer)| issuer.rules.is_issuer_of(claims))
        {
            return Lookup::Ready(Ok(SelectedIssuer::Listed(index, issuer)));
        }
        let unknown = || Lookup::Ready(Err(InvalidTokenReason::Issuer.into()));
        let (Some(tenants), Some(name)) = (&self.inner.tenants, claims.issuer()) else {
            return unknown();
        };
        match tenants.find(name) {
            Some(tenant) => Lookup::Ready(tenant.map(SelectedIssuer::Resolved)),
            // The resolver is not asked about a token that would be invalid with any settings.
            None if !self.is_in_time(claims) => unknown(),
            None => Lookup::Pending(Box::pin(async move {
                tenants.resolve(name).await.map(SelectedIssuer::Resolved)
            })),
        }
    }

    /// Returns `true` if the token has not expired, with the maximum leeway.
    fn is_in_time(&self, claims: &Claims) -> bool {
        let now = self.now();
        claims.expires_at().is_some_and(|end| now < end.since_epoch().saturating_add(MAX_LEEWAY))
    }

    /// Finds the key for a token, other than the one that failed to verify it.
    #[inline]
    fn find_key<'a>(
        &'a self,
        candidate: &'a Candidate<'_, '_>,
        exclude: Option<&'a Arc<VerificationKey>>,
    ) -> Lookup<'a, Result<Arc<VerificationKey>, KeyLookupError>> {
        let pending = match candidate.find_key(exclude) {
            Lookup::Pending(pending) => pending,
            ready @ Lookup::Ready(_) => return ready,
        };
        // Nothing is fetched for a token that would be invalid with any key.
        if !candidate.claims_acceptable() {
            return Lookup::Ready(Err(KeyLookupError::NotFound));
        }
        if let (Some(tenants), SelectedIssuer::Resolved(tenant)) =
            (&self.inner.tenants, candidate.issuer())
            // Too many issuers without a valid token may be waiting already.
            && let Err(limited) = tenants.admit(tenant)
        {
            return Lookup::Ready(Err(limited));
        }
        Lookup::Pending(pending)
    }
}
