//! Questions that have just been answered with "no".

use std::{
    hash::{BuildHasher, Hash, RandomState},
    time::Duration,
};

use dashmap::DashMap;

/// Remembers for a while which questions were answered with "no", so that nobody is asked again.
///
/// A question is kept as a keyed hash: it may be long, and it may be hostile. Two that collide,
/// which nobody can arrange, delay a new answer by the time of an entry.
#[derive(Debug)]
pub(crate) struct NegativeCache {
    until: DashMap<u64, Duration>,
    hasher: RandomState,
    most: usize,
}

impl NegativeCache {
    /// For at most this many answers at a time.
    pub(crate) fn new(most: usize) -> Self {
        Self { until: DashMap::new(), hasher: RandomState::new(), most }
    }

    /// Whether the answer was "no". Times are of a clock that never goes backwards.
    pub(crate) fn contains(&self, question: impl Hash, now: Duration) -> bool {
        self.until.get(&self.hasher.hash_one(question)).is_some_and(|until| now < *until)
    }

    /// Remembers until then, unless the memory is full of entries that still count.
    pub(crate) fn insert(&self, question: impl Hash, now: Duration, until: Duration) {
        if self.until.len() >= self.most {
            self.until.retain(|_, until| now < *until);
        }
        if self.until.len() < self.most {
            self.until.insert(self.hasher.hash_one(question), until);
        }
    }

    /// Forgets an answer, because somebody knows better.
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
