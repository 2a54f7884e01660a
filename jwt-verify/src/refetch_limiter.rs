//! Rate limit for work caused by unverified tokens.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Permits a limited number of refetches within an interval.
///
/// Any client can send a token with an unknown `kid`, so the work that such a token causes must be
/// bounded. The periodic refresh does not pass through the limiter: a flood can neither cause fetches
/// without end nor keep a rotated key from being noticed.
#[derive(Debug)]
pub(crate) struct RefetchLimiter {
    most: usize,
    interval: Duration,
    passed: Mutex<VecDeque<Duration>>,
}

impl RefetchLimiter {
    /// Creates a limiter that permits `most` refetches within any `interval`.
    pub(crate) fn new(most: usize, interval: Duration) -> Self {
        Self { most, interval, passed: Mutex::default() }
    }

    /// Takes a permit, unless all permits of the interval that ends now are used. `now` is the time
    /// of the monotonic clock.
    pub(crate) fn try_pass(&self, now: Duration) -> bool {
        let mut passed = self.passed_until(now);
        let open = passed.len() < self.most;
        if open {
            passed.push_back(now);
        }
        open
    }

    /// Returns the time until the next permit; zero if there is one now.
    pub(crate) fn opens_in(&self, now: Duration) -> Duration {
        let passed = self.passed_until(now);
        match passed.len().checked_sub(self.most).and_then(|surplus| passed.get(surplus)) {
            Some(earlier) => self.interval.saturating_sub(now.saturating_sub(*earlier)),
            None => Duration::ZERO,
        }
    }

    /// Returns the permit of that time, because it need not have been counted.
    pub(crate) fn take_back(&self, passed_at: Duration) {
        let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(place) = passed.binary_search(&passed_at) {
            passed.remove(place);
        }
    }

    /// Returns the last permit, because it led to no refetch.
    #[cfg(feature = "jwks")]
    pub(crate) fn give_back(&self) {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner).pop_back();
    }

    /// Returns the permits that count now.
    fn passed_until(&self, now: Duration) -> MutexGuard<'_, VecDeque<Duration>> {
        let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        while passed.front().is_some_and(|earlier| now.saturating_sub(*earlier) >= self.interval) {
            passed.pop_front();
        }
        passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_interval_lets_only_so_many_pass() {
        let limiter = RefetchLimiter::new(2, Duration::from_secs(30));
        let at = |seconds| limiter.try_pass(Duration::from_secs(seconds));
        assert!(at(0) && at(10));
        assert!(!at(10) && !at(29));
        assert!(at(30));
        assert!(!at(39));
        assert!(at(40));
    }

    #[test]
    fn it_knows_when_it_opens() {
        let limiter = RefetchLimiter::new(2, Duration::from_secs(30));
        let opens_in = |seconds| limiter.opens_in(Duration::from_secs(seconds)).as_secs();
        assert_eq!(opens_in(0), 0);
        assert!(limiter.try_pass(Duration::ZERO));
        assert_eq!(opens_in(0), 0);
        assert!(limiter.try_pass(Duration::from_secs(10)));
        assert_eq!((opens_in(10), opens_in(29), opens_in(30)), (20, 1, 0));
        assert!(limiter.try_pass(Duration::from_secs(30)));
        assert_eq!(opens_in(30), 10);
        limiter.take_back(Duration::from_secs(20));
        assert_eq!(opens_in(30), 10);
        limiter.take_back(Duration::from_secs(10));
        assert_eq!(opens_in(30), 0);
    }

    #[test]
    fn refusals_do_not_count() {
        let limiter = RefetchLimiter::new(1, Duration::from_secs(10));
        assert!(limiter.try_pass(Duration::ZERO));
        for second in 1..10 {
            assert!(!limiter.try_pass(Duration::from_secs(second)));
        }
        assert!(limiter.try_pass(Duration::from_secs(10)));
    }
}
