//! When to try again after a failure.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    fetch_error::{Failure, FetchError},
    flight::nanos,
};
use crate::{
    jitter::random_fraction,
    limits::{RETRY_FIRST, RETRY_MOST},
};

/// How the last attempts went, and when the next may be made.
///
/// A timer makes the next one after a pause that grows. While requests need
/// keys that cannot be had, one of them may have it made earlier, once a second, so that an issuer
/// that is back is noticed at once, however long it was away.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    state: Mutex<State>,
    /// When the timer makes the next one, in nanoseconds of the monotonic clock.
    planned_at: AtomicU64,
    /// From when on a request may have it made; 0 as long as there was no failure.
    wanted_at: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    last_failure: Option<Failure>,
    /// When the last one failed, on the wall clock.
    failed_at: Duration,
}

impl Attempts {
    /// Whether the last attempt failed.
    pub(super) fn are_failing(&self) -> bool {
        self.wanted_at.load(Ordering::Acquire) > 0
    }

    /// When the timer makes the next one; zero if it need not wait.
    pub(super) fn planned_at(&self) -> Duration {
        Duration::from_nanos(self.planned_at.load(Ordering::Acquire))
    }

    /// From when on a request that needs keys may have one made.
    pub(super) fn wanted_at(&self) -> Duration {
        Duration::from_nanos(self.wanted_at.load(Ordering::Acquire))
    }

    pub(super) fn last_failure(&self) -> Option<Failure> {
        self.state().last_failure
    }

    /// Notes that the issuer is well.
    pub(super) fn succeeded(&self) {
        *self.state() = State::default();
        self.planned_at.store(0, Ordering::Release);
        self.wanted_at.store(0, Ordering::Release);
    }

    /// Notes that another instance got keys from the issuer at this time of the wall clock. That the
    /// issuer is well follows only if this instance has not failed since.
    pub(super) fn another_succeeded(&self, at: Duration) {
        if self.state().failed_at < at {
            self.succeeded();
        } else {
            self.planned_at.store(0, Ordering::Release);
        }
    }

    /// Notes a failure at this time of both clocks; returns the pause before the attempt that
    /// the timer makes.
    pub(super) fn failed(&self, now: Duration, wall: Duration, error: &FetchError) -> Duration {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        state.last_failure = Some(error.failure);
        state.failed_at = wall;
        let pause = pause(state.failures, error.retry_after);
        self.planned_at.store(nanos(now.saturating_add(pause)), Ordering::Release);
        let wanted_at = now.saturating_add(rest(error.retry_after));
        self.wanted_at.store(nanos(wanted_at).max(1), Ordering::Release);
        pause
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time for which the issuer is left alone after a failure, even if its keys are needed: a second,
/// or what it
/// asks for with `Retry-After` up to the longest span.
pub(super) fn rest(retry_after: Option<Duration>) -> Duration {
    retry_after.unwrap_or_default().clamp(RETRY_FIRST, RETRY_MOST)
}

/// The pause after the n-th failure in a row: a second, and a random part of a span that doubles
/// from 1 s until both are 60 s, so that instances do not knock together. What the issuer asks for
/// counts up to the longest span.
fn pause(failures: u32, retry_after: Option<Duration>) -> Duration {
    let doubled = RETRY_FIRST
        .saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
    let span = doubled.min(RETRY_MOST.saturating_sub(RETRY_FIRST));
    (RETRY_FIRST + span.mul_f64(random_fraction())).max(rest(retry_after))
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
        assert_eq!(rest(Some(7 * SECOND)), 7 * SECOND);
        assert_eq!(rest(Some(Duration::ZERO)), RETRY_FIRST);
        assert_eq!(rest(Some(3600 * SECOND)), RETRY_MOST);
    }

    /// OUT-01: a request that needs keys waits a second, however many failures there were.
    #[test]
    fn requests_need_not_wait_for_the_timer() {
        let attempts = Attempts::default();
        assert!(!attempts.are_failing());
        let mut longest = Duration::ZERO;
        for _ in 0..30 {
            longest =
                longest.max(attempts.failed(9 * SECOND, 99 * SECOND, &Failure::Status.into()));
            assert!(attempts.are_failing());
            assert_eq!(attempts.wanted_at(), 10 * SECOND);
        }
        assert!(longest > 10 * SECOND && attempts.planned_at() > 9 * SECOND);
        // A key set from before the failure says nothing about the time after it.
        attempts.another_succeeded(98 * SECOND);
        assert!(attempts.are_failing());
        attempts.another_succeeded(100 * SECOND);
        assert!(!attempts.are_failing());
        assert_eq!((attempts.planned_at(), attempts.wanted_at()), (Duration::ZERO, Duration::ZERO));
        assert_eq!(attempts.last_failure(), None);
    }
}
