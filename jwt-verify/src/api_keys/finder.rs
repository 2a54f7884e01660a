//! The look-up of a presented key: from its text to a caller.

use std::{fmt, sync::Arc, time::Duration};

use aws_lc_rs::constant_time::verify_slices_are_equal;

use super::{
    caller::caller_of,
    hash::ApiKeyHash,
    keys::{ApiKeys, KeySource},
    last_use::LastMinute,
    record::ApiKeyRecord,
};
use crate::{
    claims::{ClaimsMapping, CredentialKind, VerifiedToken},
    clock::Clock,
    defaults::{API_KEY_MISS_TTL, API_KEY_MISSES, STORE_RETRY},
    error::{AuthError, InvalidTokenReason, StoreUnavailable},
    lookup::Lookup,
    metrics,
    negative_cache::NegativeCache,
    token_cache::{Remembered, TokenCache},
};

/// The keys as one `JwtAuth` sees them: what a key becomes depends on its mapping, so that each has a
/// cache.
pub(crate) struct ApiKeyFinder {
    source: Arc<KeySource>,
    mapping: ClaimsMapping,
    clock: Arc<dyn Clock>,
    cache: Option<TokenCache<CachedKey>>,
    /// Keys that a remote store does not have.
    misses: NegativeCache,
}

/// A found key, and the conditions under which it is accepted without the store.
#[derive(Clone)]
struct CachedKey {
    caller: Arc<VerifiedToken>,
    hash: ApiKeyHash,
    until: CachedUntil,
    /// On the wall clock.
    expires_at: Duration,
    last_use: LastMinute,
}

#[derive(Clone, Copy)]
enum CachedUntil {
    /// Any change in the store.
    Change(u64),
    /// This time of the monotonic clock.
    Time(Duration),
}

impl Remembered for CachedKey {
    fn unshared(&self) -> Self {
        Self { caller: Arc::new((*self.caller).clone()), ..self.clone() }
    }

    #[inline]
    fn bytes_besides(&self) -> usize {
        self.caller.claims().payload().len()
    }

    #[inline]
    fn is_same(presented: &[u8], cached: &[u8]) -> bool {
        verify_slices_are_equal(presented, cached).is_ok()
    }
}

impl ApiKeys {
    /// Returns the keys as a `JwtAuth` with this mapping and clock sees them.
    pub(crate) fn finder(
        &self,
        mapping: Option<&ClaimsMapping>,
        clock: &Arc<dyn Clock>,
    ) -> ApiKeyFinder {
        let others = || mapping.map(ClaimsMapping::with_default_claims).unwrap_or_default();
        let capacity = self.source.cache_capacity;
        ApiKeyFinder {
            source: self.source.clone(),
            mapping: self.mapping.clone().unwrap_or_else(others),
            clock: self.clock.as_ref().unwrap_or(clock).clone(),
            cache: (capacity > 0).then(|| TokenCache::new(capacity)),
            misses: NegativeCache::new(API_KEY_MISSES),
        }
    }
}

impl ApiKeyFinder {
    /// Returns `true` for a bearer token that claims to be a key.
    #[inline]
    pub(crate) fn claims(&self, token: &[u8]) -> bool {
        self.source.form.claims(token)
    }

    /// Returns `true` for a text with the whole form of a key.
    #[inline]
    pub(crate) fn has_form(&self, text: &[u8]) -> bool {
        self.source.form.matches(text)
    }

    /// Finds the caller of a presented key, who may have been revoked.
    ///
    /// Only keys that were found are cached, so a cached one has the right form. That of all others is
    /// checked before anything is looked up.
    #[inline]
    pub(crate) fn find<'a>(
        &'a self,
        key: &'a [u8],
    ) -> Lookup<'a, Result<Arc<VerifiedToken>, AuthError>> {
        match self.cached(key) {
            Some(found) => Lookup::Ready(Ok(found)),
            None => self.find_uncached(key),
        }
    }

    #[inline]
    fn cached(&self, key: &[u8]) -> Option<Arc<VerifiedToken>> {
        let found = self.cache.as_ref()?.get(key, |cached| {
            let now = self.clock.now();
            let is_fresh = match cached.until {
                CachedUntil::Change(generation) => {
                    self.source.store.generation() == Some(generation)
                }
                CachedUntil::Time(until) => self.clock.monotonic() < until,
            };
            if !is_fresh || now >= cached.expires_at {
                return None;
            }
            if let Some(minute) = cached.last_use.advance(now) {
                self.source.uses.note(cached.hash, minute);
            }
            Some(cached.caller.clone())
        });
        metrics::cache("api_key", found.is_some());
        found
    }

    #[inline(never)]
    fn find_uncached<'a>(
        &'a self,
        key: &'a [u8],
    ) -> Lookup<'a, Result<Arc<VerifiedToken>, AuthError>> {
        if !self.source.form.matches(key) {
            return Lookup::Ready(Err(InvalidTokenReason::ApiKeyForm.into()));
        }
        // Read before the store is asked: what changes meanwhile is not cached.
        let Some(generation) = self.source.store.generation() else {
            return self.find_elsewhere(key);
        };
        let until = CachedUntil::Change(generation);
        let hash = ApiKeyHash::of(&self.source.secret, key);
        match self.source.store.find(hash) {
            Lookup::Ready(answer) => Lookup::Ready(self.accept(key, hash, answer, until)),
            Lookup::Pending(answer) => {
                Lookup::Pending(Box::pin(
                    async move { self.accept(key, hash, answer.await, until) },
                ))
            }
        }
    }

    /// Finds a key in a store that may be remote. It is called only once the outcome is waited for: a
    /// request looks for its credential more often than that.
    fn find_elsewhere<'a>(
        &'a self,
        key: &'a [u8],
    ) -> Lookup<'a, Result<Arc<VerifiedToken>, AuthError>> {
        if self.misses.contains(key, self.clock.monotonic()) {
            return Lookup::Ready(Err(InvalidTokenReason::UnknownApiKey.into()));
        }
        Lookup::Pending(Box::pin(async move {
            let now = self.clock.monotonic();
            let until = CachedUntil::Time(now.saturating_add(self.source.cache_ttl));
            let hash = ApiKeyHash::of(&self.source.secret, key);
            let answer = self.source.store.find(hash).await;
            self.accept(key, hash, answer, until)
        }))
    }

    /// Makes a caller of what the store has answered.
    fn accept(
        &self,
        key: &[u8],
        hash: ApiKeyHash,
        answer: Result<Option<Arc<ApiKeyRecord>>, StoreUnavailable>,
        until: CachedUntil,
    ) -> Result<Arc<VerifiedToken>, AuthError> {
        let record = answer.map_err(|_| AuthError::Unavailable { retry_after: STORE_RETRY })?;
        // A store that answers with another key's record lets its caller in for no one.
        let Some(record) = record.filter(|record| record.hash() == hash) else {
            if matches!(until, CachedUntil::Time(_)) {
                let now = self.clock.monotonic();
                let ttl = API_KEY_MISS_TTL.min(self.source.cache_ttl);
                self.misses.insert(key, now, now.saturating_add(ttl));
            }
            return Err(InvalidTokenReason::UnknownApiKey.into());
        };
        let now = self.clock.now();
        if record.has_expired(now) {
            return Err(AuthError::ExpiredToken);
        }
        let claims = caller_of(&record)?;
        let grants = self.mapping.grants(&claims);
        let caller = VerifiedToken::new(claims, grants).of_kind(CredentialKind::ApiKey);
        let caller = Arc::new(caller.by_clock(Some(self.clock.clone())));
        let last_use = LastMinute::default();
        if let Some(minute) = last_use.advance(now) {
            self.source.uses.note(hash, minute);
        }
        if let Some(cache) = &self.cache {
            let expires_at = record.expires_at().unwrap_or(Duration::MAX);
            cache.put(key, CachedKey { caller: caller.clone(), hash, until, expires_at, last_use });
        }
        Ok(caller)
    }
}

impl fmt::Debug for ApiKeyFinder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyFinder").field("store", &self.source.store).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
