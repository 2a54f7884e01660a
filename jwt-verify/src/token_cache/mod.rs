//! Cache of verified tokens.
//!
//! The key is the whole token, compared byte by byte. Only its last 32 bytes are hashed: they
//! belong to the signature, which an attacker cannot choose for a token that verifies, and the hash
//! is keyed at random, so neither a bucket nor a comparison can be targeted.
//!
//! Shared data costs all threads: two threads that change the reference count of one token wait for
//! each other. So each thread also keeps its own copy of its most frequent tokens.

mod thread_local_cache;

use std::{
    cell::RefCell,
    fmt,
    hash::{Hash, Hasher, RandomState},
    marker::PhantomData,
};

use quick_cache::{Equivalent, Weighter, sync::Cache};
use thread_local::ThreadLocal;

use self::thread_local_cache::ThreadLocalCache;
use crate::defaults::{RECENT_TOKEN_BYTES, TOKEN_CACHE_BYTES_PER_ENTRY};

/// Verified tokens, bounded in number and in bytes. `E` is the data cached for one.
pub(crate) struct TokenCache<E: Remembered> {
    tokens: Cache<TokenKey, E, ByBytes, RandomState>,
    recent: ThreadLocal<RefCell<ThreadLocalCache<E>>>,
    entries: usize,
}

/// The data cached for a token.
pub(crate) trait Remembered: Clone + Send {
    /// Returns a copy with separate reference counts.
    fn unshared(&self) -> Self;

    /// Returns the length of the claims that are cached besides the token, in bytes. Default: 0; a JWT
    /// holds its own.
    #[inline]
    fn bytes_besides(&self) -> usize {
        0
    }

    /// Compares a presented token with a cached one. Default: byte by byte, since a token with a
    /// signature cannot be guessed one byte after the other. A secret that is only looked up has to
    /// be compared in constant time.
    #[inline]
    fn is_same(presented: &[u8], cached: &[u8]) -> bool {
        *presented == *cached
    }
}

impl<E: Remembered> TokenCache<E> {
    /// Creates a cache for at most this many tokens, which together take at most 4 KiB for each. A
    /// thread keeps copies of at most 64 of them.
    pub(crate) fn new(entries: usize) -> Self {
        let weight = entries as u64 * TOKEN_CACHE_BYTES_PER_ENTRY;
        let lifecycle = quick_cache::sync::DefaultLifecycle::default();
        let tokens = Cache::with(entries, weight, ByBytes, RandomState::new(), lifecycle);
        Self { tokens, recent: ThreadLocal::new(), entries }
    }

    /// Returns the result of `judge` for a cached token. If that is `None`, the token is removed.
    pub(crate) fn get<T>(&self, token: &[u8], judge: impl Fn(&E) -> Option<T>) -> Option<T> {
        let recent = self.recent.get_or(|| RefCell::new(ThreadLocalCache::new(self.entries)));
        // Taken only if `judge` led here again, for example by a clock that verifies tokens.
        let Ok(mut recent) = recent.try_borrow_mut() else {
            return self.get_shared(token, &judge).map(|(_, judged)| judged);
        };
        if let Some(judged) = recent.get(token, E::is_same, &judge) {
            return Some(judged);
        }
        let (entry, judged) = self.get_shared(token, &judge)?;
        if entry.bytes_besides() <= RECENT_TOKEN_BYTES {
            recent.record_miss(token, || entry.unshared());
        }
        Some(judged)
    }

    fn get_shared<T>(&self, token: &[u8], judge: impl Fn(&E) -> Option<T>) -> Option<(E, T)> {
        let entry = self.tokens.get(&TokenRef::<E>::new(token))?;
        let judged = judge(&entry);
        if judged.is_none() {
            self.tokens.remove(&TokenRef::<E>::new(token));
        }
        Some((entry, judged?))
    }

    pub(crate) fn put(&self, token: &[u8], entry: E) {
        self.tokens.insert(TokenKey(token.into()), entry);
    }
}

impl<E: Remembered> fmt::Debug for TokenCache<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").field("len", &self.tokens.len()).finish_non_exhaustive()
    }
}

#[derive(PartialEq, Eq)]
struct TokenKey(Box<[u8]>);

/// A token that is looked up, with the way to compare it.
struct TokenRef<'a, E>(&'a [u8], PhantomData<fn() -> E>);

impl<'a, E> TokenRef<'a, E> {
    #[inline]
    fn new(token: &'a [u8]) -> Self {
        Self(token, PhantomData)
    }
}

impl<E> Hash for TokenRef<'_, E> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_token(self.0, state);
    }
}

impl Hash for TokenKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_token(&self.0, state);
    }
}

fn hash_token(token: &[u8], state: &mut impl Hasher) {
    state.write(token.last_chunk::<32>().map_or(token, |tail| tail));
}

impl<E: Remembered> Equivalent<TokenKey> for TokenRef<'_, E> {
    fn equivalent(&self, key: &TokenKey) -> bool {
        E::is_same(self.0, &key.0)
    }
}

#[derive(Clone)]
struct ByBytes;

impl<E: Remembered> Weighter<TokenKey, E> for ByBytes {
    /// The token, and its payload three times: as text, as positions or values, and with their
    /// overhead. Small tokens count as the mean, which bounds the number of entries.
    fn weight(&self, key: &TokenKey, entry: &E) -> u64 {
        ((key.0.len() + entry.bytes_besides()) as u64 * 4).max(TOKEN_CACHE_BYTES_PER_ENTRY)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    impl Remembered for Arc<str> {
        fn unshared(&self) -> Self {
            (**self).into()
        }
    }

    fn get(cache: &TokenCache<Arc<str>>, token: &str) -> Option<Arc<str>> {
        cache.get(token.as_bytes(), |entry| Some(entry.clone()))
    }

    #[test]
    fn the_whole_token_is_compared() {
        let cache = TokenCache::new(100);
        let tail = "x".repeat(32);
        for name in ["a", "b"] {
            cache.put(format!("{name}{tail}").as_bytes(), name.into());
        }
        // Found in the shared cache, and then in the thread's copies.
        for _ in 0..4 {
            for name in ["a", "a", "a", "b", "b", "b"] {
                assert_eq!(get(&cache, &format!("{name}{tail}")).as_deref(), Some(name));
            }
            assert!(get(&cache, &format!("c{tail}")).is_none());
            assert!(get(&cache, &tail).is_none());
        }
    }

    #[test]
    fn what_is_not_good_any_more_is_forgotten() {
        let cache = TokenCache::new(100);
        for times in [0, 1, 2, 5] {
            cache.put(b"some token", "entry".into());
            for _ in 0..times {
                assert!(get(&cache, "some token").is_some());
            }
            assert_eq!(cache.get(b"some token", |_| None::<()>), None);
            assert!(get(&cache, "some token").is_none(), "after {times}");
        }
    }

    /// The copy of a thread may be older than the shared entry.
    #[test]
    fn what_was_replaced_does_not_hide_what_replaced_it() {
        let cache = TokenCache::new(100);
        cache.put(b"some token", "old".into());
        for _ in 0..3 {
            assert!(get(&cache, "some token").is_some());
        }
        cache.put(b"some token", "new".into());
        let only_new = |entry: &Arc<str>| (**entry == *"new").then(|| entry.clone());
        for _ in 0..4 {
            assert_eq!(cache.get(b"some token", only_new).as_deref(), Some("new"));
        }
    }

    #[test]
    fn a_token_that_is_met_again_has_counters_of_its_thread() {
        let cache = TokenCache::new(100);
        let entry: Arc<str> = "entry".into();
        cache.put(b"some token", entry.clone());
        let is_shared = || Arc::ptr_eq(&get(&cache, "some token").unwrap(), &entry);
        assert!(is_shared() && is_shared(), "the first two find what is shared");
        assert!(!is_shared());
        let own = get(&cache, "some token").unwrap();
        let others = std::thread::scope(|scope| {
            let again = || (0..4).map(|_| get(&cache, "some token").unwrap()).last().unwrap();
            scope.spawn(again).join().unwrap()
        });
        assert!(!Arc::ptr_eq(&own, &others) && !Arc::ptr_eq(&others, &entry));
    }

    #[test]
    fn judging_may_look_up_a_token_itself() {
        let cache = TokenCache::new(100);
        cache.put(b"some token", "entry".into());
        for _ in 0..4 {
            assert!(cache.get(b"some token", |_| get(&cache, "some token")).is_some());
        }
    }

    #[test]
    fn entries_and_bytes_are_bounded() {
        let cache = TokenCache::<Arc<str>>::new(50);
        for number in 0..1000 {
            cache.put(format!("{number:0>64}").as_bytes(), "entry".into());
        }
        assert!(cache.tokens.len() <= 50, "{}", cache.tokens.len());
        let large = TokenCache::<Arc<str>>::new(50);
        for number in 0..100 {
            large.put(format!("{number:0>16000}").as_bytes(), "entry".into());
        }
        assert!(large.tokens.weight() <= 50 * TOKEN_CACHE_BYTES_PER_ENTRY);
    }

    /// Claims that came with a short token.
    #[derive(Clone)]
    struct LongClaims(Arc<str>);

    impl Remembered for LongClaims {
        fn unshared(&self) -> Self {
            Self((*self.0).into())
        }

        fn bytes_besides(&self) -> usize {
            self.0.len()
        }
    }

    #[test]
    fn claims_that_are_not_in_the_token_count() {
        let cache = TokenCache::new(50);
        let claims = LongClaims("x".repeat(16_000).into());
        for number in 0..100 {
            cache.put(format!("{number:0>64}").as_bytes(), claims.clone());
        }
        assert!(cache.tokens.len() <= 3, "{}", cache.tokens.len());
        let last = || cache.get(format!("{:0>64}", 99).as_bytes(), |known| Some(known.0.clone()));
        for _ in 0..4 {
            assert!(last().is_none_or(|known| Arc::ptr_eq(&known, &claims.0)), "not copied");
        }
    }

    #[test]
    fn an_entry_weighs_four_times_its_token_and_never_less_than_the_mean() {
        let entry: Arc<str> = "entry".into();
        let weight = |length: usize| ByBytes.weight(&TokenKey(vec![b'x'; length].into()), &entry);
        assert_eq!(weight(10), TOKEN_CACHE_BYTES_PER_ENTRY);
        assert_eq!(weight(5000), 20_000);
    }
}
