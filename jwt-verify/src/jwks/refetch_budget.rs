//! Limits for the refetches that unknown keys may cause.

use std::time::Duration;

use crate::{atomic_time::AtomicTime, defaults::STORE_REST, refetch_limiter::RefetchLimiter};

/// Number of refetches that unknown keys may cause, by this instance and by all that share a store.
///
/// Anyone can send a token with an unknown `kid`, so that what it causes must be bounded.
#[derive(Debug)]
pub(super) struct RefetchBudget {
    limiter: RefetchLimiter,
    /// Time from which the instances together allow a refetch again.
    shared_opens_at: AtomicTime,
    /// End of the pause in lookups in the shared store.
    store_paused_until: AtomicTime,
}

impl RefetchBudget {
    /// Allows `max_refetches` within any `interval`.
    pub(super) fn new(refetches: usize, interval: Duration) -> Self {
        Self {
            limiter: RefetchLimiter::new(refetches, interval),
            shared_opens_at: AtomicTime::default(),
            store_paused_until: AtomicTime::default(),
        }
    }

    /// Counts a refetch, if one more is allowed.
    pub(super) fn try_spend(&self, now: Duration) -> bool {
        self.limiter.try_pass(now)
    }

    /// Takes back the last refetch, because the issuer was not asked.
    pub(super) fn refund(&self) {
        self.limiter.give_back();
    }

    /// Records that the instances together allow the next refetch after `time`.
    pub(super) fn close_for(&self, now: Duration, time: Duration) {
        self.shared_opens_at.store(now.saturating_add(time));
        self.pause_store(now);
    }

    /// Time until the next refetch is allowed.
    pub(super) fn opens_in(&self, now: Duration) -> Duration {
        self.limiter.opens_in(now).max(self.shared_opens_at.load().saturating_sub(now))
    }

    /// Returns true while unknown keys cause no lookup in the shared store.
    pub(super) fn store_is_paused(&self, now: Duration) -> bool {
        now < self.store_paused_until.load()
    }

    /// Keeps unknown keys from causing another lookup in the shared store at once.
    pub(super) fn pause_store(&self, now: Duration) {
        self.store_paused_until.store(now.saturating_add(STORE_REST));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_is_refunded_can_be_spent_again() {
        let budget = RefetchBudget::new(1, 30 * SECOND);
        assert!(budget.try_spend(SECOND) && !budget.try_spend(SECOND));
        assert_eq!(budget.opens_in(11 * SECOND), 20 * SECOND);
        budget.refund();
        assert_eq!(budget.opens_in(11 * SECOND), Duration::ZERO);
        assert!(budget.try_spend(11 * SECOND));
    }

    #[test]
    fn the_limit_of_all_instances_counts_as_well() {
        let budget = RefetchBudget::new(1, 30 * SECOND);
        assert!(!budget.store_is_paused(SECOND));
        budget.close_for(SECOND, 5 * SECOND);
        assert_eq!(budget.opens_in(2 * SECOND), 4 * SECOND);
        assert!(budget.store_is_paused(SECOND) && !budget.store_is_paused(SECOND + STORE_REST));
    }
}
