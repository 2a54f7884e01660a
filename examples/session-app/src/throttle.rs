//! How often something may be tried.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// So many places at once, and one more after each pause.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    pub(super) at_once: u32,
    pub(super) every: Duration,
}

/// Counts attempts. A place is taken before the work that it is for and may be given back afterwards, so
/// that however many come at once, no more of them get in.
pub(super) struct Throttle<K> {
    limit: Limit,
    /// When all places are free again, of those who have taken some.
    free_at: Mutex<HashMap<K, Instant>>,
}

/// How many are counted at a time. While there are more, those who are new have to wait.
const MOST: usize = 10_000;

impl<K: Eq + Hash> Throttle<K> {
    pub(super) fn new(limit: Limit) -> Self {
        Self { limit, free_at: Mutex::default() }
    }

    fn counted(&self) -> MutexGuard<'_, HashMap<K, Instant>> {
        self.free_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place.
    ///
    /// # Errors
    /// After how long to come back, if all are taken.
    pub(super) fn take(&self, who: K) -> Result<(), Duration> {
        let Limit { at_once, every } = self.limit;
        let now = Instant::now();
        let mut counted = self.counted();
        if counted.len() >= MOST && !counted.contains_key(&who) {
            counted.retain(|_, free_at| *free_at > now);
            if counted.len() >= MOST {
                return Err(every);
            }
        }
        let free_at = counted.entry(who).or_insert(now);
        let then = now.max(*free_at) + every;
        let wait = then.duration_since(now).saturating_sub(every * at_once);
        if wait.is_zero() {
            *free_at = then;
            return Ok(());
        }
        Err(wait)
    }

    /// Gives back a place, or as much of it as these quarters are.
    pub(super) fn give_back(&self, who: &K, quarters: u32) {
        if let Some(free_at) = self.counted().get_mut(who) {
            let part = self.limit.every * quarters / 4;
            *free_at = free_at.checked_sub(part).unwrap_or(*free_at);
        }
    }

    /// Gives back all places.
    pub(super) fn forget(&self, who: &K) {
        self.counted().remove(who);
    }
}
