//! Tokens that were verified before.
//!
//! The key is the whole token, compared byte by byte. Only its last 32 bytes are hashed: they
//! belong to the signature, which nobody can choose for a token that verifies, and the hash is
//! keyed at random, so neither a bucket nor a comparison can be aimed at.

use std::{
    fmt,
    hash::{Hash, Hasher, RandomState},
    sync::Arc,
    time::Duration,
};

use quick_cache::{Equivalent, Weighter, sync::Cache};

use crate::{claims::VerifiedToken, limits::TOKEN_CACHE_BYTES_PER_ENTRY};

/// Verified tokens, bounded in number and in bytes. `I` says which issuer vouches for one.
pub(crate) struct TokenCache<I> {
    tokens: Cache<TokenKey, Seen<I>, ByBytes, RandomState>,
}

/// A token that was verified, and under what it stays so.
#[derive(Clone)]
pub(crate) struct Seen<I> {
    pub(crate) token: Arc<VerifiedToken>,
    /// Which of the verifier's issuers vouches for it.
    pub(crate) issuer: I,
    /// The generation of that issuer's keys, read before the verification began.
    pub(crate) generation: u64,
    /// From when and until when, on the wall clock.
    pub(crate) from: Duration,
    pub(crate) until: Duration,
}

impl<I: Clone> TokenCache<I> {
    /// A cache for at most this many tokens, which together take at most 4 KiB for each.
    pub(crate) fn new(entries: usize) -> Self {
        let weight = entries as u64 * TOKEN_CACHE_BYTES_PER_ENTRY;
        Self {
            tokens: Cache::with(
                entries,
                weight,
                ByBytes,
                RandomState::new(),
                quick_cache::sync::DefaultLifecycle::default(),
            ),
        }
    }

    pub(crate) fn get(&self, token: &[u8]) -> Option<Seen<I>> {
        self.tokens.get(&TokenRef(token))
    }

    pub(crate) fn put(&self, token: &[u8], seen: Seen<I>) {
        self.tokens.insert(TokenKey(token.into()), seen);
    }

    pub(crate) fn forget(&self, token: &[u8]) {
        self.tokens.remove(&TokenRef(token));
    }
}

impl<I: Clone> fmt::Debug for TokenCache<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").field("len", &self.tokens.len()).finish_non_exhaustive()
    }
}

#[derive(PartialEq, Eq)]
struct TokenKey(Box<[u8]>);

struct TokenRef<'a>(&'a [u8]);

impl Hash for TokenRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.0.last_chunk::<32>().map_or(self.0, |tail| tail));
    }
}

impl Hash for TokenKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        TokenRef(&self.0).hash(state);
    }
}

impl Equivalent<TokenKey> for TokenRef<'_> {
    fn equivalent(&self, key: &TokenKey) -> bool {
        *self.0 == *key.0
    }
}

#[derive(Clone)]
struct ByBytes;

impl<I> Weighter<TokenKey, Seen<I>> for ByBytes {
    /// The token, and its payload three times over: as text, as claims, and as what they need
    /// around them. Small tokens weigh as much as the mean, which bounds the number of entries.
    fn weight(&self, key: &TokenKey, _: &Seen<I>) -> u64 {
        (key.0.len() as u64 * 4).max(TOKEN_CACHE_BYTES_PER_ENTRY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Claims, ClaimsMapping};

    fn seen(text: &str) -> Seen<usize> {
        let claims: Claims = serde_json::from_str(text).unwrap();
        let grants = ClaimsMapping::default().grants(&claims);
        Seen {
            token: Arc::new(VerifiedToken::new(claims, grants)),
            issuer: 0,
            generation: 0,
            from: Duration::ZERO,
            until: Duration::MAX,
        }
    }

    #[test]
    fn the_whole_token_is_compared() {
        let cache = TokenCache::new(100);
        let tail = "x".repeat(32);
        for name in ["a", "b"] {
            cache.put(format!("{name}{tail}").as_bytes(), seen(&format!(r#"{{"sub":"{name}"}}"#)));
        }
        for name in ["a", "b"] {
            let found = cache.get(format!("{name}{tail}").as_bytes()).unwrap();
            assert_eq!(found.token.claims().subject(), Some(name));
        }
        assert!(cache.get(format!("c{tail}").as_bytes()).is_none());
        assert!(cache.get(tail.as_bytes()).is_none());
        cache.forget(format!("a{tail}").as_bytes());
        assert!(cache.get(format!("a{tail}").as_bytes()).is_none());
    }

    #[test]
    fn entries_and_bytes_are_bounded() {
        let cache = TokenCache::new(50);
        for number in 0..1000 {
            cache.put(format!("{number:0>64}").as_bytes(), seen("{}"));
        }
        assert!(cache.tokens.len() <= 50, "{}", cache.tokens.len());
        let large = TokenCache::new(50);
        for number in 0..100 {
            large.put(format!("{number:0>16000}").as_bytes(), seen("{}"));
        }
        assert!(large.tokens.weight() <= 50 * TOKEN_CACHE_BYTES_PER_ENTRY);
    }

    #[test]
    fn an_entry_weighs_four_times_its_token_and_never_less_than_the_mean() {
        let weight =
            |length: usize| ByBytes.weight(&TokenKey(vec![b'x'; length].into()), &seen("{}"));
        assert_eq!(weight(10), TOKEN_CACHE_BYTES_PER_ENTRY);
        assert_eq!(weight(5000), 20_000);
    }
}
