//! The verification of a token, stage by stage. The rules of each stage are in other modules.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use super::{
    SenderUnchecked, Verifier,
    cache::Verified,
    candidate::{Candidate, SelectedIssuer, Unverified},
};
use crate::lookup::Lookup;
use crate::{
    claims::Claims,
    defaults::{KEY_CANDIDATES, MAX_LEEWAY},
    error::{AuthError, InvalidTokenReason},
    key::{KeyLookupError, VerificationKey},
    metrics::VerificationTimer,
};

/// Result of a verification without waiting.
pub(crate) enum Progress {
    Done(Result<SenderUnchecked, AuthError>),
    /// [`Verifier::finish`], which may wait, has to do the rest. `None` for a token that is not
    /// cached.
    Unfinished(Option<Verified>),
}

/// Tells a stage whether it may wait. With `No` the pipeline never suspends: what would have to wait
/// ends it.
#[derive(Clone, Copy)]
pub(super) enum Wait {
    No,
    Yes,
}

/// The reason why a pipeline has ended early.
pub(super) enum Stop {
    WouldWait,
    Refused(AuthError),
}

impl<E: Into<AuthError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Refused(error.into())
    }
}

impl Stop {
    /// Returns the error of a pipeline that may wait.
    pub(super) fn into_error(self) -> AuthError {
        match self {
            Self::Refused(error) => error,
            // Nothing ends so where it may wait.
            Self::WouldWait => AuthError::Misconfigured,
        }
    }
}

impl Verifier {
    /// Verifies a token, without checking its sender constraint.
    pub(crate) async fn verify_token(&self, token: &[u8]) -> Result<SenderUnchecked, AuthError> {
        match self.start(token) {
            Progress::Done(outcome) => outcome,
            Progress::Unfinished(cached) => Box::pin(self.finish(token, cached.as_ref())).await,
        }
    }

    /// Verifies a token as far as that needs no waiting, and no future on the heap.
    #[inline]
    pub(crate) fn start(&self, token: &[u8]) -> Progress {
        let timer = VerificationTimer::start();
        let cached = self.cached(token);
        if self.checks_revocation_elsewhere() {
            return Progress::Unfinished(cached);
        }
        if let Some(verified) = &cached {
            // What every request after the first one costs. It has no rules of its own.
            if let Lookup::Ready(outcome) = self.revocation(verified) {
                timer.cached();
                return Progress::Done(outcome.map(|()| SenderUnchecked(verified.token.clone())));
            }
            return Progress::Unfinished(cached);
        }
        self.start_uncached(token, timer)
    }

    #[inline(never)]
    fn start_uncached(&self, token: &[u8], timer: VerificationTimer) -> Progress {
        let done = match now(self.stages(token, None, Wait::No)) {
            Some(Ok(verified)) => Progress::Done(Ok(verified)),
            Some(Err(Stop::Refused(error))) => Progress::Done(Err(error)),
            Some(Err(Stop::WouldWait)) | None => return Progress::Unfinished(None),
        };
        timer.uncached();
        done
    }

    /// Completes the verification that [`start`](Self::start) left unfinished.
    pub(crate) async fn finish(
        &self,
        token: &[u8],
        cached: Option<&Verified>,
    ) -> Result<SenderUnchecked, AuthError> {
        let timer = VerificationTimer::start();
        let outcome = self.stages(token, cached, Wait::Yes).await;
        timer.waited();
        outcome.map_err(Stop::into_error)
    }

    /// All stages of a token.
    async fn stages(
        &self,
        token: &[u8],
        cached: Option<&Verified>,
        wait: Wait,
    ) -> Result<SenderUnchecked, Stop> {
        let verified = match cached {
            Some(verified) => verified.clone(),
            None => self.verify_uncached(token, wait).await?,
        };
        wait.on(self.revocation(&verified))?.await?;
        Ok(SenderUnchecked(verified.token))
    }

    async fn verify_uncached(&self, token: &[u8], wait: Wait) -> Result<Verified, Stop> {
        let unverified = Unverified::read(token, self.inner.max_token_bytes, &self.inner.headers)?;
        let issuer = wait.on(self.select_issuer(&unverified.claims))?.await?;
        let candidate = Candidate::check_header(issuer, unverified, self.now())?;
        let key = wait.on(self.find_key(&candidate, &[]))?.await?;
        if !candidate.is_signed_by(&key) {
            self.try_other_keys(&candidate, key, wait).await?;
        }
        let accepted = candidate.check_claims(self.inner.tenants.as_ref())?;
        Ok(self.cache_token(token, accepted)?)
    }

    /// Tries the other keys that may have signed a token. The source of keys is asked once for
    /// what it does not have in memory: the issuer may have replaced the key under the same ID.
    #[cold]
    pub(super) async fn try_other_keys(
        &self,
        candidate: &Candidate<'_, '_>,
        first: Arc<VerificationKey>,
        wait: Wait,
    ) -> Result<(), Stop> {
        let mut failed = vec![first];
        let (mut has_waited, mut most) = (false, KEY_CANDIDATES);
        loop {
            let other = self.find_key(candidate, &failed);
            if matches!(other, Lookup::Pending(_)) && !has_waited {
                has_waited = true;
                most = failed.len() + KEY_CANDIDATES;
            } else if matches!(other, Lookup::Pending(_)) || failed.len() >= most {
                return Err(InvalidTokenReason::Signature.into());
            }
            let key = match wait.on(other)?.await {
                Ok(key) => key,
                Err(error) => return Err(candidate.no_other_key(&failed, error).into()),
            };
            if failed.iter().any(|failed| failed.is_same_material(&key)) {
                return Err(InvalidTokenReason::Signature.into());
            }
            if candidate.is_signed_by(&key) {
                return Ok(());
            }
            failed.push(key);
        }
    }

    /// Returns the issuer that the claims name, if it is trusted.
    #[inline]
    pub(super) fn select_issuer<'v: 'c, 'c>(
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

    /// Finds the key for a token, other than those that failed to verify it.
    #[inline]
    pub(super) fn find_key<'a>(
        &'a self,
        candidate: &'a Candidate<'_, '_>,
        exclude: &'a [Arc<VerificationKey>],
    ) -> Lookup<'a, Result<Arc<VerificationKey>, KeyLookupError>> {
        let pending = match candidate.find_key(exclude) {
            Lookup::Pending(pending) => pending,
            ready @ Lookup::Ready(_) => return ready,
        };
        // Nothing is fetched for a token that would be invalid with any key.
        if !candidate.claims_acceptable() {
            return Lookup::Ready(Err(KeyLookupError::NotFound));
        }
        match (&self.inner.tenants, candidate.issuer()) {
            // There may be too many issuers that are no more than a name so far.
            (Some(tenants), SelectedIssuer::Resolved(tenant)) => {
                Lookup::Pending(Box::pin(async move {
                    tenants.admit(tenant)?;
                    pending.await
                }))
            }
            _ => Lookup::Pending(pending),
        }
    }
}

impl Wait {
    /// The answer to wait for, unless it would have to be waited for and may not.
    #[inline]
    fn on<T>(self, lookup: Lookup<'_, T>) -> Result<Lookup<'_, T>, Stop> {
        match (self, lookup) {
            (Self::No, Lookup::Pending(_)) => Err(Stop::WouldWait),
            (_, lookup) => Ok(lookup),
        }
    }
}

/// The output of a future that does not have to wait.
#[inline]
pub(super) fn now<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
