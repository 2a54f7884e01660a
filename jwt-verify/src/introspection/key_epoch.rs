//! Changes of an issuer's keys.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the changes of an issuer's keys that have been seen. The first keys do not count, and
/// neither do keys that are out of reach for a while: without JWTs nothing fetches them.
#[derive(Debug)]
pub(super) struct KeyEpoch {
    generation: AtomicU64,
    epoch: AtomicU64,
}

/// No keys have been seen.
const UNKNOWN: u64 = u64::MAX;

impl KeyEpoch {
    pub(super) fn new() -> Self {
        Self { generation: AtomicU64::new(UNKNOWN), epoch: AtomicU64::new(0) }
    }

    /// Returns the number of changes, with that to this generation.
    #[inline]
    pub(super) fn at(&self, generation: Option<u64>) -> u64 {
        match generation {
            Some(generation) if generation != self.generation.load(Ordering::Acquire) => {
                self.change_to(generation)
            }
            _ => self.epoch.load(Ordering::Acquire),
        }
    }

    /// Counts first, so that no one who sees the new generation finds the old number. Two threads
    /// that come here at once count twice, which only empties the cache again.
    #[cold]
    fn change_to(&self, generation: u64) -> u64 {
        if self.generation.load(Ordering::Acquire) != UNKNOWN {
            self.epoch.fetch_add(1, Ordering::AcqRel);
        }
        self.generation.store(generation, Ordering::Release);
        self.epoch.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_known_keys_counts() {
        let keys = KeyEpoch::new();
        for (generation, epoch) in [
            (None, 0),
            (Some(0), 0),
            (Some(0), 0),
            (Some(7), 1),
            (None, 1),
            (Some(7), 1),
            (Some(0), 2),
            (None, 2),
            (Some(8), 3),
        ] {
            assert_eq!(keys.at(generation), epoch, "{generation:?}");
        }
    }
}
