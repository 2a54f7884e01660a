//! Acceptance suite for cache stores.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;

use crate::store::CacheStore;

/// Tests that a store meets the contract of [`CacheStore`].
///
/// `wait` lets time pass for the store: by sleeping, or by moving the clock that the store reads.
/// The store may be in use otherwise; the suite uses its own keys. It needs a Tokio runtime.
///
/// ```
/// use jwt_verify::{store::MemoryCache, testing};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// testing::cache_store(MemoryCache::new(), tokio::time::sleep).await;
/// # });
/// ```
///
/// # Panics
/// If the store violates the contract; the message describes how.
#[expect(clippy::panic, clippy::expect_used, reason = "this is what a test suite does")]
pub async fn cache_store<W: Future<Output = ()>>(
    store: impl CacheStore,
    mut wait: impl FnMut(Duration) -> W,
) {
    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(300);
    let suite = CacheSuite { store: Arc::new(store) };
    suite.clear().await;

    assert_eq!(suite.get("a").await, None, "`get` of a name that nothing was written under");
    for value in [&b"value"[..], b"", b"\0\xff\r\n", &vec![7; 300_000]] {
        suite.set("a", value, LONG).await;
        assert!(suite.get("a").await.as_deref() == Some(value), "`get` returns what `set` wrote");
    }
    suite.set("a", b"other", LONG).await;
    assert_eq!(suite.get("a").await.as_deref(), Some(&b"other"[..]), "`set` overwrites");
    assert_eq!(suite.get("b").await, None, "names are kept apart");

    for name in ["", " ", "a:b", "a*?[x]", "line\r\nbreak", "\u{e9}\u{1f980}"] {
        suite.set(name, name.as_bytes(), LONG).await;
    }
    for name in ["", " ", "a:b", "a*?[x]", "line\r\nbreak", "\u{e9}\u{1f980}"] {
        let value = suite.get(name).await;
        assert_eq!(value.as_deref(), Some(name.as_bytes()), "any text is a name: {name:?}");
        suite.remove(name).await;
    }

    suite.remove("a").await;
    assert_eq!(suite.get("a").await, None, "`remove` removes");
    suite.remove("a").await;

    assert!(suite.add("a", b"first", LONG).await, "`add` writes what is not there");
    assert!(!suite.add("a", b"second", LONG).await, "`add` says that something is there");
    assert_eq!(suite.get("a").await.as_deref(), Some(&b"first"[..]), "`add` leaves it as it was");
    suite.remove("a").await;
    assert!(suite.add("a", b"third", LONG).await, "`add` writes what was removed");

    suite.set("a", b"short", SHORT).await;
    assert!(suite.add("b", b"short", SHORT).await, "`add` writes what is not there");
    suite.set("c", b"renewed", SHORT).await;
    suite.set("c", b"renewed", LONG).await;
    wait(SHORT * 2).await;
    assert_eq!(suite.get("a").await, None, "what `set` wrote is gone after its time");
    assert_eq!(suite.get("b").await, None, "what `add` wrote is gone after its time");
    assert!(suite.add("b", b"again", LONG).await, "`add` writes where something has expired");
    assert!(suite.get("c").await.is_some(), "`set` replaces the time as well");

    suite.remove("a").await;
    let mut winners = 0;
    let mut racers = JoinSet::new();
    for racer in 0..50_u8 {
        let store = suite.store.clone();
        racers.spawn(async move { store.add("suite:a", &[racer], LONG).await });
    }
    while let Some(outcome) = racers.join_next().await {
        let outcome = outcome.unwrap_or_else(|error| panic!("`add` must not panic: {error}"));
        winners += u32::from(outcome.expect("`add` must not fail under load"));
    }
    assert_eq!(winners, 1, "of many who `add` at once, exactly one does");
    suite.clear().await;
}

struct CacheSuite<S> {
    store: Arc<S>,
}

#[expect(clippy::expect_used, reason = "this is what a test suite does")]
impl<S: CacheStore> CacheSuite<S> {
    async fn clear(&self) {
        for name in ["a", "b", "c"] {
            self.remove(name).await;
        }
    }

    async fn get(&self, name: &str) -> Option<Vec<u8>> {
        self.store.get(&named(name)).await.expect("`get` must not fail")
    }

    async fn set(&self, name: &str, value: &[u8], ttl: Duration) {
        self.store.set(&named(name), value, ttl).await.expect("`set` must not fail");
    }

    async fn add(&self, name: &str, value: &[u8], ttl: Duration) -> bool {
        self.store.add(&named(name), value, ttl).await.expect("`add` must not fail")
    }

    async fn remove(&self, name: &str) {
        self.store.remove(&named(name)).await.expect("`remove` must not fail");
    }
}

fn named(name: &str) -> String {
    format!("suite:{name}")
}
