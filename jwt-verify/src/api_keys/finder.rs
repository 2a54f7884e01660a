//! The look-up of a presented key: from its text to a caller.

use std::{fmt, sync::Arc, time::Duration};

use aws_lc_rs::constant_time::verify_slices_are_equal;

use super::{
    caller::caller_of,
    hash::ApiKeyHash,
    keys::{ApiKeys, KeySource},
    last_use::LastMinute,
    record::ApiKeyRecord,
    store::ApiKeyStore as _,
};
use crate::{
    claims::{ClaimsMapping, VerifiedToken},
    clock::Clock,
    defaults::{API_KEY_MISS_TTL, API_KEY_MISSES, STORE_RETRY},
    error::{AuthError, InvalidTokenReason, StoreUnavailable},
    lookup::Lookup,
    metrics,
    negative_cache::NegativeCache,
    revocation::RevocationKeys,
    token_cache::{Remembered, TokenCache},
};

/// The keys as one `JwtAuth` sees them: what a key becomes depends on its mapping, so that each has a
/// cache.
pub(crate) struct ApiKeyFinder {
    source: Arc<KeySource>,
    mapping: ClaimsMapping,
    clock: Arc<dyn Clock>,
    /// True if callers are checked against revocations too.
    is_revocable: bool,
    cache: Option<TokenCache<CachedKey>>,
    /// Keys that a remote store does not have.
    misses: NegativeCache,
}

/// A key that was found and has not expired. Its caller may have been revoked.
#[derive(Clone)]
pub(crate) struct FoundKey {
    pub(crate) token: Arc<VerifiedToken>,
    /// Keys under which the caller can be revoked, if there is a revocation store.
    pub(crate) revocation_keys: Option<Arc<RevocationKeys>>,
}

/// A found key, and the conditions under which it is accepted without the store.
#[derive(Clone)]
struct CachedKey {
    found: FoundKey,
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
        let FoundKey { token, revocation_keys } = &self.found;
        let found = FoundKey {
            token: Arc::new((**token).clone()),
            revocation_keys: revocation_keys.as_deref().cloned().map(Arc::new),
        };
        Self { found, ..self.clone() }
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
        is_revocable: bool,
    ) -> ApiKeyFinder {
        let others = || mapping.map(ClaimsMapping::with_default_claims).unwrap_or_default();
        let capacity = self.source.cache_capacity;
        ApiKeyFinder {
            source: self.source.clone(),
            mapping: self.mapping.clone().unwrap_or_else(others),
            clock: self.clock.as_ref().unwrap_or(clock).clone(),
            is_revocable,
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

    /// Finds the caller of a presented key.
    ///
    /// Only keys that were found are cached, so a cached one has the right form. That of all others is
    /// checked before anything is looked up.
    #[inline]
    pub(crate) fn find<'a>(&'a self, key: &'a [u8]) -> Lookup<'a, Result<FoundKey, AuthError>> {
        match self.cached(key) {
            Some(found) => Lookup::Ready(Ok(found)),
            None => self.find_uncached(key),
        }
    }

    #[inline]
    fn cached(&self, key: &[u8]) -> Option<FoundKey> {
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
            Some(cached.found.clone())
        });
        metrics::cache("api_key", found.is_some());
        found
    }

    #[inline(never)]
    fn find_uncached<'a>(&'a self, key: &'a [u8]) -> Lookup<'a, Result<FoundKey, AuthError>> {
        if !self.source.form.matches(key) {
            return Lookup::Ready(Err(InvalidTokenReason::ApiKeyForm.into()));
        }
        let generation = self.source.store.generation();
        let now = self.clock.monotonic();
        if generation.is_none() && self.misses.contains(key, now) {
            return Lookup::Ready(Err(InvalidTokenReason::UnknownApiKey.into()));
        }
        // Both are read before the store is asked: what changes meanwhile is not cached.
        let until = generation.map_or_else(
            || CachedUntil::Time(now.saturating_add(self.source.cache_ttl)),
            CachedUntil::Change,
        );
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

    /// Makes a caller of what the store has answered.
    fn accept(
        &self,
        key: &[u8],
        hash: ApiKeyHash,
        answer: Result<Option<Arc<ApiKeyRecord>>, StoreUnavailable>,
        until: CachedUntil,
    ) -> Result<FoundKey, AuthError> {
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
        let revocation_keys = self.is_revocable.then(|| Arc::new(RevocationKeys::of(&claims)));
        let grants = self.mapping.grants(&claims);
        let token = Arc::new(VerifiedToken::new(claims, grants));
        let found = FoundKey { token, revocation_keys };
        let last_use = LastMinute::default();
        if let Some(minute) = last_use.advance(now) {
            self.source.uses.note(hash, minute);
        }
        if let Some(cache) = &self.cache {
            let expires_at = record.expires_at().unwrap_or(Duration::MAX);
            cache.put(key, CachedKey { found: found.clone(), hash, until, expires_at, last_use });
        }
        Ok(found)
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
