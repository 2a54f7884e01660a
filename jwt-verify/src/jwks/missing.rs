//! Questions that a fetch has just answered with "no".

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use dashmap::DashMap;

use crate::KeyQuery;

/// Remembers for a while which keys the issuer does not have, so that asking again causes no fetch.
///
/// A `kid` is kept as a keyed hash: it may be long, and it may be hostile. Two that collide, which
/// nobody can arrange, delay a new key by the time of an entry.
#[derive(Debug)]
pub(super) struct MissingKeys {
    until: DashMap<u64, Duration>,
    hasher: RandomState,
    ttl: Duration,
    most: usize,
}

impl MissingKeys {
    pub(super) fn new(ttl: Duration, most: usize) -> Self {
        Self { until: DashMap::new(), hasher: RandomState::new(), ttl, most }
    }

    pub(super) fn contains(&self, wanted: &KeyQuery<'_>, now: Duration) -> bool {
        self.until.get(&self.hash(wanted)).is_some_and(|until| now < *until)
    }

    /// Remembers, unless the memory is full of entries that still count.
    pub(super) fn insert(&self, wanted: &KeyQuery<'_>, now: Duration) {
        if self.until.len() >= self.most {
            self.until.retain(|_, until| now < *until);
        }
        if self.until.len() < self.most {
            self.until.insert(self.hash(wanted), now.saturating_add(self.ttl));
        }
    }

    /// A key that is there but failed is another question than a key that is not there.
    fn hash(&self, wanted: &KeyQuery<'_>) -> u64 {
        self.hasher.hash_one((wanted.key_id, wanted.algorithm, wanted.failed.is_some()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Algorithm;

    fn query(key_id: &str) -> KeyQuery<'_> {
        KeyQuery { key_id: Some(key_id), algorithm: Algorithm::RS256, failed: None }
    }

    #[test]
    fn an_answer_is_forgotten_after_its_time() {
        let missing = MissingKeys::new(Duration::from_secs(30), 10);
        missing.insert(&query("a"), Duration::ZERO);
        assert!(missing.contains(&query("a"), Duration::from_secs(29)));
        assert!(!missing.contains(&query("a"), Duration::from_secs(30)));
        assert!(!missing.contains(&query("b"), Duration::ZERO));
        assert!(!missing.contains(&KeyQuery { key_id: None, ..query("a") }, Duration::ZERO));
    }

    #[test]
    fn memory_is_bounded_and_old_answers_make_room() {
        let missing = MissingKeys::new(Duration::from_secs(30), 10);
        let names: Vec<String> = (0..100).map(|number| number.to_string()).collect();
        for name in &names {
            missing.insert(&query(name), Duration::ZERO);
        }
        assert_eq!(missing.until.len(), 10);
        missing.insert(&query("late"), Duration::from_secs(30));
        assert!(missing.contains(&query("late"), Duration::from_secs(30)));
        assert_eq!(missing.until.len(), 1);
    }
}
