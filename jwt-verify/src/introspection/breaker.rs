//! Circuit breaker for an introspection endpoint.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::defaults::INTROSPECTION_FAILURES;

/// Refuses questions for a while once several in a row have failed; then one may try.
#[derive(Debug)]
pub(super) struct EndpointBreaker {
    state: Mutex<EndpointState>,
    /// Time after which an attempt that reports nothing is given up.
    patience: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EndpointState {
    Closed {
        failures: u32,
    },
    OpenUntil(Duration),
    /// One question is under way; it is given up at that time.
    TriedUntil(Duration),
}

impl EndpointBreaker {
    pub(super) fn new(patience: Duration) -> Self {
        Self { state: Mutex::new(EndpointState::Closed { failures: 0 }), patience }
    }

    /// Admits a question, or returns the time after which the next may be admitted. Times are of
    /// the monotonic clock.
    pub(super) fn admit(&self, now: Duration) -> Result<(), Duration> {
        let mut state = self.state();
        match *state {
            EndpointState::Closed { .. } => Ok(()),
            EndpointState::OpenUntil(until) if now < until => Err(until.saturating_sub(now)),
            // How long the attempt takes is not known.
            EndpointState::TriedUntil(until) if now < until => Err(Duration::from_secs(1)),
            EndpointState::OpenUntil(_) | EndpointState::TriedUntil(_) => {
                *state = EndpointState::TriedUntil(now.saturating_add(self.patience));
                Ok(())
            }
        }
    }

    /// Records that the endpoint has answered.
    pub(super) fn answered(&self) {
        *self.state() = EndpointState::Closed { failures: 0 };
    }

    /// Records an answer of no use, which may be because of the question. An attempt has ended with it, and
    /// the next failure counts. It excuses no earlier ones: callers can cause such answers.
    pub(super) fn answered_oddly(&self) {
        let mut state = self.state();
        if let EndpointState::TriedUntil(_) = *state {
            *state = EndpointState::Closed { failures: INTROSPECTION_FAILURES - 1 };
        }
    }

    /// Records a failure, and the pause after it. Returns `true` if the endpoint counts as out of
    /// reach from now on.
    pub(super) fn failed(&self, now: Duration, pause: Duration) -> bool {
        let mut state = self.state();
        let before = *state;
        *state = match before {
            EndpointState::Closed { failures } if failures + 1 < INTROSPECTION_FAILURES => {
                EndpointState::Closed { failures: failures + 1 }
            }
            _ => EndpointState::OpenUntil(now.saturating_add(pause)),
        };
        matches!((before, *state), (EndpointState::Closed { .. }, EndpointState::OpenUntil(_)))
    }

    fn state(&self) -> MutexGuard<'_, EndpointState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn open() -> EndpointBreaker {
        let breaker = EndpointBreaker::new(10 * SECOND);
        for count in 1..=INTROSPECTION_FAILURES {
            assert_eq!(breaker.admit(SECOND), Ok(()));
            assert_eq!(breaker.failed(SECOND, 3 * SECOND), count == INTROSPECTION_FAILURES);
        }
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_for_their_pause() {
        let breaker = open();
        assert_eq!(breaker.admit(2 * SECOND), Err(2 * SECOND));
        assert_eq!(breaker.admit(4 * SECOND), Ok(()));
        assert_eq!(breaker.admit(4 * SECOND), Err(SECOND), "one may try");
        assert!(!breaker.failed(5 * SECOND, SECOND));
        assert_eq!(breaker.admit(5 * SECOND), Err(SECOND));
        assert_eq!(breaker.admit(6 * SECOND), Ok(()));
        breaker.answered();
        assert!(breaker.admit(6 * SECOND).is_ok() && breaker.admit(6 * SECOND).is_ok());
    }

    #[test]
    fn an_answer_between_failures_counts() {
        let breaker = EndpointBreaker::new(10 * SECOND);
        for _ in 0..10 {
            for _ in 1..INTROSPECTION_FAILURES {
                assert!(!breaker.failed(SECOND, SECOND));
            }
            breaker.answered();
        }
        assert_eq!(breaker.admit(SECOND), Ok(()));
    }

    #[test]
    fn an_odd_answer_ends_an_attempt_and_excuses_nothing() {
        let breaker = open();
        assert_eq!(breaker.admit(4 * SECOND), Ok(()));
        breaker.answered_oddly();
        assert!(breaker.admit(4 * SECOND).is_ok() && breaker.admit(4 * SECOND).is_ok());
        breaker.answered_oddly();
        assert!(breaker.failed(5 * SECOND, SECOND), "the first failure after an outage");
        breaker.answered_oddly();
        assert_eq!(breaker.admit(5 * SECOND), Err(SECOND));
    }

    #[test]
    fn an_attempt_that_reports_nothing_is_given_up() {
        let breaker = open();
        assert_eq!(breaker.admit(4 * SECOND), Ok(()));
        assert!(breaker.admit(13 * SECOND).is_err());
        assert_eq!(breaker.admit(14 * SECOND), Ok(()));
    }
}
