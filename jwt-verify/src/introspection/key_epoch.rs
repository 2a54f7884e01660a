//! Changes of an issuer's keys.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::atomic_time::AtomicTime;

/// Counts the changes of an issuer's keys that have been seen. The first keys do not count, and
/// neither do keys that are out of reach for a while: without JWTs nothing fetches them.
#[derive(Debug)]
pub(super) struct KeyEpoch {
    generation: AtomicU64,
    epoch: AtomicU64,
    /// Time of the last change on the wall clock; zero if there was none.
    changed_at: AtomicTime,
}

/// No keys have been seen.
const UNKNOWN: u64 = u64::MAX;

impl KeyEpoch {
    pub(super) fn new() -> Self {
        Self {
            generation: AtomicU64::new(UNKNOWN),
            epoch: AtomicU64::new(0),
            changed_at: AtomicTime::default(),
        }
    }

    /// Returns the time of the last change on the wall clock; zero if there was none.
    pub(super) fn changed_at(&self) -> Duration {
        self.changed_at.load()
    }

    /// Returns the number of changes, with that to this generation. `now` is the wall clock.
    #[inline]
    pub(super) fn at(&self, generation: Option<u64>, now: impl FnOnce() -> Duration) -> u64 {
        match generation {
            Some(generation) if generation != self.generation.load(Ordering::Acquire) => {
                self.change_to(generation, now())
            }
            _ => self.epoch.load(Ordering::Acquire),
        }
    }

    /// Counts first, so that no one who sees the new generation finds the old number. Two threads
    /// that come here at once count twice, which only empties the cache again.
    #[cold]
    fn change_to(&self, generation: u64, now: Duration) -> u64 {
        if self.generation.load(Ordering::Acquire) != UNKNOWN {
            self.changed_at.store(now);
            self.epoch.fetch_add(1, Ordering::AcqRel);
        }
        self.generation.store(generation, Ordering::Release);
        self.epoch.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(9);

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
            assert_eq!(keys.at(generation, || NOW), epoch, "{generation:?}");
            assert_eq!(keys.changed_at(), if epoch > 0 { NOW } else { Duration::ZERO });
        }
    }
}
