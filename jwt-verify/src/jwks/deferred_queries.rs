//! Key queries that have to wait for the next refetch.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    time::Duration,
};

use dashmap::DashMap;

/// Records when key queries were deferred, so that the next fetch also answers those for unknown
/// keys.
///
/// A query is kept as a keyed hash, as in [`NegativeCache`](crate::negative_cache::NegativeCache), and is
/// dropped when the capacity is reached: the next token with that key is deferred again.
#[derive(Debug)]
pub(super) struct DeferredQueries {
    deferred_at: DashMap<u64, Duration>,
    hasher: RandomState,
    capacity: usize,
}

impl DeferredQueries {
    pub(super) fn new(capacity: usize) -> Self {
        Self { deferred_at: DashMap::new(), hasher: RandomState::new(), capacity }
    }

    pub(super) fn insert(&self, query: impl Hash, now: Duration) {
        let query = self.hasher.hash_one(query);
        if self.deferred_at.len() < self.capacity || self.deferred_at.contains_key(&query) {
            self.deferred_at.insert(query, now);
        }
    }

    /// Returns true if the query was deferred before `time`.
    pub(super) fn is_from_before(&self, query: impl Hash, time: Duration) -> bool {
        self.deferred_at
            .get(&self.hasher.hash_one(query))
            .is_some_and(|deferred_at| *deferred_at < time)
    }

    /// Forgets queries that were deferred before `time`.
    pub(super) fn forget_before(&self, time: Duration) {
        self.deferred_at.retain(|_, deferred_at| *deferred_at >= time);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn only_a_later_fetch_answers_a_query() {
        let deferred = DeferredQueries::new(10);
        deferred.insert("a", SECOND);
        assert!(!deferred.is_from_before("a", SECOND));
        assert!(deferred.is_from_before("a", 2 * SECOND));
        assert!(!deferred.is_from_before("b", 2 * SECOND));
        deferred.insert("a", 2 * SECOND);
        assert!(!deferred.is_from_before("a", 2 * SECOND));
    }

    #[test]
    fn memory_is_bounded_and_old_queries_make_room() {
        let deferred = DeferredQueries::new(10);
        for number in 0..100 {
            deferred.insert(number, SECOND);
        }
        assert_eq!(deferred.deferred_at.len(), 10);
        deferred.forget_before(2 * SECOND);
        deferred.insert("late", 2 * SECOND);
        assert!(deferred.is_from_before("late", 3 * SECOND));
    }
}
