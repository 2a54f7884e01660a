//! Questions that could not be put when they came.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    time::Duration,
};

use dashmap::DashMap;

/// Remembers when questions for keys were put off, so that the next fetch answers them with "no" as
/// well as with keys.
///
/// A question is kept as a keyed hash, as in [`NegativeCache`](crate::negative::NegativeCache), and
/// not at all once the memory is full: its next token asks again then.
#[derive(Debug)]
pub(super) struct PutOff {
    came_at: DashMap<u64, Duration>,
    hasher: RandomState,
    most: usize,
}

impl PutOff {
    /// For at most this many questions.
    pub(super) fn new(most: usize) -> Self {
        Self { came_at: DashMap::new(), hasher: RandomState::new(), most }
    }

    pub(super) fn insert(&self, question: impl Hash, now: Duration) {
        let question = self.hasher.hash_one(question);
        if self.came_at.len() < self.most || self.came_at.contains_key(&question) {
            self.came_at.insert(question, now);
        }
    }

    /// Whether it came before then.
    pub(super) fn came_before(&self, question: impl Hash, time: Duration) -> bool {
        self.came_at.get(&self.hasher.hash_one(question)).is_some_and(|came_at| *came_at < time)
    }

    /// Forgets those that came before then.
    pub(super) fn forget_before(&self, time: Duration) {
        self.came_at.retain(|_, came_at| *came_at >= time);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn only_a_later_fetch_answers_a_question() {
        let put_off = PutOff::new(10);
        put_off.insert("a", SECOND);
        assert!(!put_off.came_before("a", SECOND));
        assert!(put_off.came_before("a", 2 * SECOND));
        assert!(!put_off.came_before("b", 2 * SECOND));
        put_off.insert("a", 2 * SECOND);
        assert!(!put_off.came_before("a", 2 * SECOND));
    }

    #[test]
    fn memory_is_bounded_and_old_questions_make_room() {
        let put_off = PutOff::new(10);
        for number in 0..100 {
            put_off.insert(number, SECOND);
        }
        assert_eq!(put_off.came_at.len(), 10);
        put_off.forget_before(2 * SECOND);
        put_off.insert("late", 2 * SECOND);
        assert!(put_off.came_before("late", 3 * SECOND));
    }
}
