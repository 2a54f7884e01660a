//! Pauses between attempts to reach an issuer that fails.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::fetch_error::{Failure, FetchError};
use crate::{
    atomic_time::AtomicTime,
    defaults::{RETRY_FIRST, RETRY_MOST},
    jitter::random_fraction,
};

/// Result of the last attempts, and the time of the next.
///
/// The timer makes the next attempt after a pause that grows. While requests need keys that are not
/// available, one of them may cause an earlier attempt, once a second: so the end of an outage is
/// noticed at once, however long it was.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    state: Mutex<BackoffState>,
    /// Time of the attempt that the timer makes; zero if there was no failure.
    scheduled_at: AtomicTime,
    /// Time from which a request may cause an attempt; zero if there was no failure.
    on_demand_at: AtomicTime,
}

#[derive(Debug, Default)]
struct BackoffState {
    failures: u32,
    last_failure: Option<Failure>,
    /// Time of the last failure on the wall clock.
    failed_at: Duration,
}

impl Backoff {
    /// Returns true if the last attempt failed.
    pub(super) fn is_failing(&self) -> bool {
        self.on_demand_at.load() > Duration::ZERO
    }

    /// Time of the attempt that the timer makes; zero if it need not wait.
    pub(super) fn scheduled_at(&self) -> Duration {
        self.scheduled_at.load()
    }

    /// Time from which a request that needs keys may cause an attempt.
    pub(super) fn on_demand_at(&self) -> Duration {
        self.on_demand_at.load()
    }

    pub(super) fn last_failure(&self) -> Option<Failure> {
        self.state().last_failure
    }

    /// Records that the issuer answered.
    pub(super) fn succeeded(&self) {
        *self.state() = BackoffState::default();
        self.scheduled_at.store(Duration::ZERO);
        self.on_demand_at.store(Duration::ZERO);
    }

    /// Records that the issuer answered another instance at this time of the wall clock. It counts
    /// as available only if this instance has not failed since.
    pub(super) fn another_succeeded(&self, at: Duration) {
        if self.state().failed_at < at {
            self.succeeded();
        } else {
            self.scheduled_at.store(Duration::ZERO);
        }
    }

    /// Records a failure at this time of both clocks. Returns the pause before the attempt that the
    /// timer makes.
    pub(super) fn failed(&self, now: Duration, wall: Duration, error: &FetchError) -> Duration {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        state.last_failure = Some(error.failure);
        state.failed_at = wall;
        let pause = pause(state.failures, error.retry_after);
        self.scheduled_at.store(now.saturating_add(pause));
        let on_demand_at = now.saturating_add(min_pause(error.retry_after));
        self.on_demand_at.store(on_demand_at);
        pause
    }

    fn state(&self) -> MutexGuard<'_, BackoffState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Pause after a failure during which not even requests that need keys cause an attempt: a second,
/// or what the issuer asks for with `Retry-After`, up to a minute.
pub(super) fn min_pause(retry_after: Option<Duration>) -> Duration {
    retry_after.unwrap_or_default().clamp(RETRY_FIRST, RETRY_MOST)
}

/// Pause after the n-th failure in a row: a second, plus a random part of a span that doubles from
/// 1 s until both together are 60 s. The jitter spreads the attempts of several instances. What the
/// issuer asks for counts up to a minute.
fn pause(failures: u32, retry_after: Option<Duration>) -> Duration {
    let doubled = RETRY_FIRST
        .saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
    let span = doubled.min(RETRY_MOST.saturating_sub(RETRY_FIRST));
    (RETRY_FIRST + span.mul_f64(random_fraction())).max(min_pause(retry_after))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn pauses_grow_to_a_bound_and_are_never_below_a_second() {
        for failures in [1, 2, 5, 20, 40, u32::MAX] {
            for _ in 0..100 {
                let pause = pause(failures, None);
                assert!(pause >= RETRY_FIRST && pause <= RETRY_MOST, "{failures}: {pause:?}");
                assert!(failures > 1 || pause <= 2 * RETRY_FIRST, "{pause:?}");
            }
        }
    }

    #[test]
    fn the_issuers_wish_counts_up_to_the_bound() {
        assert!(pause(1, Some(7 * SECOND)) >= 7 * SECOND);
        assert_eq!(pause(1, Some(3600 * SECOND)), RETRY_MOST);
        assert_eq!(min_pause(Some(7 * SECOND)), 7 * SECOND);
        assert_eq!(min_pause(Some(Duration::ZERO)), RETRY_FIRST);
        assert_eq!(min_pause(Some(3600 * SECOND)), RETRY_MOST);
    }

    /// OUT-01: a request that needs keys waits a second, however many failures there were.
    #[test]
    fn requests_need_not_wait_for_the_timer() {
        let backoff = Backoff::default();
        assert!(!backoff.is_failing());
        let mut longest = Duration::ZERO;
        for _ in 0..30 {
            longest = longest.max(backoff.failed(9 * SECOND, 99 * SECOND, &Failure::Status.into()));
            assert!(backoff.is_failing());
            assert_eq!(backoff.on_demand_at(), 10 * SECOND);
        }
        assert!(longest > 10 * SECOND && backoff.scheduled_at() > 9 * SECOND);
        // A key set from before the failure says nothing about the time after it.
        backoff.another_succeeded(98 * SECOND);
        assert!(backoff.is_failing());
        backoff.another_succeeded(100 * SECOND);
        assert!(!backoff.is_failing());
        assert_eq!(
            (backoff.scheduled_at(), backoff.on_demand_at()),
            (Duration::ZERO, Duration::ZERO)
        );
        assert_eq!(backoff.last_failure(), None);
    }
}
