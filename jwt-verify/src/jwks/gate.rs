//! How often strangers can cause a fetch.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Lets at most a number of refetches pass within an interval.
///
/// Anybody can send a token with an unknown `kid`, so what such a token causes must be bounded. The
/// periodic refresh does not pass through the gate: a flood can neither cause fetches without end
/// nor keep a rotated key from being noticed.
#[derive(Debug)]
pub struct RefreshGate {
    most: usize,
    interval: Duration,
    passed: Mutex<VecDeque<Duration>>,
}

impl RefreshGate {
    /// A gate that lets `most` pass within any `interval`.
    pub fn new(most: usize, interval: Duration) -> Self {
        Self { most, interval, passed: Mutex::default() }
    }

    /// Passes, and counts it, unless the number for the interval that ends now is used up. `now` is
    /// the time of a clock that never goes backwards.
    pub fn try_pass(&self, now: Duration) -> bool {
        let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        while passed.front().is_some_and(|earlier| now.saturating_sub(*earlier) >= self.interval) {
            passed.pop_front();
        }
        let open = passed.len() < self.most;
        if open {
            passed.push_back(now);
        }
        open
    }

    /// Takes back the last pass, because no refetch came of it.
    pub(crate) fn give_back(&self) {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner).pop_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_interval_lets_only_so_many_pass() {
        let gate = RefreshGate::new(2, Duration::from_secs(30));
        let at = |seconds| gate.try_pass(Duration::from_secs(seconds));
        assert!(at(0) && at(10));
        assert!(!at(10) && !at(29));
        assert!(at(30));
        assert!(!at(39));
        assert!(at(40));
    }

    #[test]
    fn refusals_do_not_count() {
        let gate = RefreshGate::new(1, Duration::from_secs(10));
        assert!(gate.try_pass(Duration::ZERO));
        for second in 1..10 {
            assert!(!gate.try_pass(Duration::from_secs(second)));
        }
        assert!(gate.try_pass(Duration::from_secs(10)));
    }
}
