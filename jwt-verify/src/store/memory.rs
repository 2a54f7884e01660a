//! Cache store in the memory of one process.

use std::{fmt, future::ready, sync::Arc, time::Duration};

use dashmap::{DashMap, Entry};

use super::CacheStore;
use crate::clock::{Clock, SystemClock};
use crate::{error::StoreUnavailable, lookup::BoxFuture};

/// A [`CacheStore`] in the memory of the process, shared by all of its clones.
///
/// It holds at most a fixed number of entries (default 1,024). When it is full, expired entries are
/// evicted; if there are none, an arbitrary one.
#[derive(Clone)]
pub struct MemoryCache {
    entries: Arc<DashMap<String, Stored>>,
    most: usize,
    clock: Arc<dyn Clock>,
}

#[derive(Clone)]
struct Stored {
    value: Vec<u8>,
    until: Duration,
}

impl MemoryCache {
    /// Creates an empty store for 1,024 entries.
    pub fn new() -> Self {
        Self::with_capacity(1024)
    }

    /// Creates an empty store for this many entries, at least one.
    pub fn with_capacity(most: usize) -> Self {
        Self { entries: Arc::default(), most: most.max(1), clock: Arc::new(SystemClock::new()) }
    }

    /// Sets another clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    fn stored(&self, value: &[u8], ttl: Duration) -> Stored {
        Stored { value: value.to_vec(), until: self.clock.monotonic().saturating_add(ttl) }
    }

    /// Makes room for a new key.
    fn make_room(&self, key: &str) {
        if self.entries.len() < self.most || self.entries.contains_key(key) {
            return;
        }
        let now = self.clock.monotonic();
        self.entries.retain(|_, stored| now < stored.until);
        if self.entries.len() >= self.most {
            let victim = self.entries.iter().next().map(|entry| entry.key().clone());
            if let Some(victim) = victim {
                self.entries.remove(&victim);
            }
        }
    }
}

impl Default for MemoryCache {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCache").field("most", &self.most).finish_non_exhaustive()
    }
}

fn done<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, Result<T, StoreUnavailable>> {
    Box::pin(ready(Ok(value)))
}

impl CacheStore for MemoryCache {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreUnavailable>> {
        let now = self.clock.monotonic();
        let value = self
            .entries
            .get(key)
            .filter(|stored| now < stored.until)
            .map(|stored| stored.value.clone());
        done(value)
    }

    fn set<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        self.make_room(key);
        self.entries.insert(key.to_owned(), self.stored(value, ttl));
        done(())
    }

    fn add<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        ttl: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>> {
        self.make_room(key);
        let now = self.clock.monotonic();
        let added = match self.entries.entry(key.to_owned()) {
            Entry::Occupied(entry) if now < entry.get().until => false,
            entry => {
                entry.insert(self.stored(value, ttl));
                true
            }
        };
        done(added)
    }

    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        self.entries.remove(key);
        done(())
    }
}
