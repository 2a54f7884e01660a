//! Negative cache.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    time::Duration,
};

use dashmap::DashMap;

/// Caches queries that were answered with "no" for a while, so that they are not repeated.
///
/// A query is kept as a keyed hash: it may be long, and it may be hostile. A collision, which an
/// attacker cannot cause on purpose, delays a new answer by the lifetime of an entry.
#[derive(Debug)]
pub(crate) struct NegativeCache {
    until: DashMap<u64, Duration>,
    hasher: RandomState,
    most: usize,
}

impl NegativeCache {
    /// Creates a cache for at most this many entries.
    pub(crate) fn new(most: usize) -> Self {
        Self { until: DashMap::new(), hasher: RandomState::new(), most }
    }

    /// Returns `true` if the answer was "no". Times are of the monotonic clock.
    pub(crate) fn contains(&self, question: impl Hash, now: Duration) -> bool {
        self.until.get(&self.hasher.hash_one(question)).is_some_and(|until| now < *until)
    }

    /// Caches "no" until then, unless the cache is full of valid entries.
    pub(crate) fn insert(&self, question: impl Hash, now: Duration, until: Duration) {
        if self.until.len() >= self.most {
            self.until.retain(|_, until| now < *until);
        }
        if self.until.len() < self.most {
            self.until.insert(self.hasher.hash_one(question), until);
        }
    }

    /// Removes an answer that is known to be outdated.
    pub(crate) fn remove(&self, question: impl Hash) {
        self.until.remove(&self.hasher.hash_one(question));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn an_answer_is_forgotten_after_its_time() {
        let negative = NegativeCache::new(10);
        negative.insert("a", Duration::ZERO, 30 * SECOND);
        assert!(negative.contains("a", 29 * SECOND));
        assert!(!negative.contains("a", 30 * SECOND));
        assert!(!negative.contains("b", Duration::ZERO));
        negative.remove("a");
        assert!(!negative.contains("a", Duration::ZERO));
    }

    #[test]
    fn memory_is_bounded_and_old_answers_make_room() {
        let negative = NegativeCache::new(10);
        for number in 0..100 {
            negative.insert(number, Duration::ZERO, 30 * SECOND);
        }
        assert_eq!(negative.until.len(), 10);
        negative.insert("late", 30 * SECOND, 60 * SECOND);
        assert!(negative.contains("late", 30 * SECOND));
        assert_eq!(negative.until.len(), 1);
    }
}
