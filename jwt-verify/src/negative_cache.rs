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
///
/// With an answer there may be a reason of type `T`.
#[derive(Debug)]
pub(crate) struct NegativeCache<T = ()> {
    answers: DashMap<u64, (Duration, T)>,
    hasher: RandomState,
    most: usize,
}

impl<T: Clone> NegativeCache<T> {
    /// Creates a cache for at most this many entries.
    pub(crate) fn new(most: usize) -> Self {
        Self { answers: DashMap::new(), hasher: RandomState::new(), most }
    }

    /// Returns the reason if the answer was "no". Times are of the monotonic clock.
    pub(crate) fn reason(&self, question: impl Hash, now: Duration) -> Option<T> {
        let answer = self.answers.get(&self.hasher.hash_one(question))?;
        let (until, reason) = &*answer;
        (now < *until).then(|| reason.clone())
    }

    /// Caches "no" until then, unless the cache is full of valid entries.
    pub(crate) fn insert_for(
        &self,
        question: impl Hash,
        now: Duration,
        until: Duration,
        reason: T,
    ) {
        if self.answers.len() >= self.most {
            self.answers.retain(|_, (until, _)| now < *until);
        }
        if self.answers.len() < self.most {
            self.answers.insert(self.hasher.hash_one(question), (until, reason));
        }
    }

    /// Removes an answer that is known to be outdated.
    pub(crate) fn remove(&self, question: impl Hash) {
        self.answers.remove(&self.hasher.hash_one(question));
    }
}

impl NegativeCache {
    /// Returns `true` if the answer was "no".
    pub(crate) fn contains(&self, question: impl Hash, now: Duration) -> bool {
        self.reason(question, now).is_some()
    }

    /// Caches "no" until then, unless the cache is full of valid entries.
    pub(crate) fn insert(&self, question: impl Hash, now: Duration, until: Duration) {
        self.insert_for(question, now, until, ());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn an_answer_is_forgotten_after_its_time() {
        let negative = NegativeCache::<()>::new(10);
        negative.insert("a", Duration::ZERO, 30 * SECOND);
        assert!(negative.contains("a", 29 * SECOND));
        assert!(!negative.contains("a", 30 * SECOND));
        assert!(!negative.contains("b", Duration::ZERO));
        negative.remove("a");
        assert!(!negative.contains("a", Duration::ZERO));
    }

    #[test]
    fn memory_is_bounded_and_old_answers_make_room() {
        let negative = NegativeCache::<()>::new(10);
        for number in 0..100 {
            negative.insert(number, Duration::ZERO, 30 * SECOND);
        }
        assert_eq!(negative.answers.len(), 10);
        negative.insert("late", 30 * SECOND, 60 * SECOND);
        assert!(negative.contains("late", 30 * SECOND));
        assert_eq!(negative.answers.len(), 1);
    }
}
