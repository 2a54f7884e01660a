//! Circuit breaker for a Redis server.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// A circuit breaker: once failures outnumber answers, all calls are refused for a while, then one
/// may try.
#[derive(Debug)]
pub(super) struct Breaker {
    pause: Duration,
    /// Tolerated surplus of failures over answers.
    most: u32,
    state: Mutex<BreakerState>,
}

#[derive(Debug, Clone, Copy)]
enum BreakerState {
    /// Current surplus of failures over answers.
    Closed(u32),
    OpenUntil(Instant),
    /// One attempt is in progress; it is given up at that moment.
    TriedUntil(Instant),
}

/// The permission to make a call. Dropping it without a result reports nothing.
pub(super) struct Passage {
    breaker: Arc<Breaker>,
    settled: bool,
}

impl Breaker {
    pub(super) fn new(pause: Duration, most: u32) -> Self {
        Self { pause, most, state: Mutex::new(BreakerState::Closed(0)) }
    }

    /// Permits a call, unless the breaker is open.
    pub(super) fn attempt(self: &Arc<Self>, now: Instant) -> Option<Passage> {
        let mut state = self.state();
        match *state {
            BreakerState::Closed(_) => {}
            BreakerState::OpenUntil(until) | BreakerState::TriedUntil(until) if now < until => {
                return None;
            }
            BreakerState::OpenUntil(_) | BreakerState::TriedUntil(_) => {
                *state = BreakerState::TriedUntil(now + self.pause);
            }
        }
        drop(state);
        Some(Passage { breaker: self.clone(), settled: false })
    }

    fn state(&self) -> MutexGuard<'_, BreakerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Passage {
    /// Reports an answer, whatever its content.
    pub(super) fn answered(mut self) {
        self.settled = true;
        let mut state = self.breaker.state();
        let is_back = !matches!(*state, BreakerState::Closed(_));
        *state = match *state {
            BreakerState::Closed(failures) => BreakerState::Closed(failures.saturating_sub(1)),
            BreakerState::OpenUntil(_) | BreakerState::TriedUntil(_) => BreakerState::Closed(0),
        };
        drop(state);
        if is_back {
            tracing::info!("Redis is back");
        }
    }

    /// Reports a failure.
    pub(super) fn failed(mut self) {
        self.settled = true;
        let open = BreakerState::OpenUntil(Instant::now() + self.breaker.pause);
        let mut state = self.breaker.state();
        let before = *state;
        *state = match before {
            BreakerState::Closed(failures) if failures + 1 < self.breaker.most => {
                BreakerState::Closed(failures + 1)
            }
            _ => open,
        };
        let is_lost =
            matches!((before, *state), (BreakerState::Closed(_), BreakerState::OpenUntil(_)));
        drop(state);
        if is_lost {
            tracing::warn!("Redis is out of reach");
        }
    }
}

impl Drop for Passage {
    /// The next call may try at once.
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        let mut state = self.breaker.state();
        if matches!(*state, BreakerState::TriedUntil(_)) {
            *state = BreakerState::OpenUntil(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(1);

    fn breaker() -> Arc<Breaker> {
        Arc::new(Breaker::new(PAUSE, 3))
    }

    fn attempt(breaker: &Arc<Breaker>) -> Passage {
        breaker.attempt(Instant::now()).unwrap()
    }

    fn opened() -> Arc<Breaker> {
        let breaker = breaker();
        for _ in 0..3 {
            attempt(&breaker).failed();
        }
        breaker
    }

    #[test]
    fn after_failures_one_at_a_time_may_try_after_a_pause() {
        let breaker = opened();
        assert!(breaker.attempt(Instant::now()).is_none());
        let later = Instant::now() + 2 * PAUSE;
        let trial = breaker.attempt(later).unwrap();
        assert!(breaker.attempt(later).is_none());
        trial.answered();
        assert!(breaker.attempt(later).is_some());
    }

    #[test]
    fn a_trial_that_fails_is_enough_for_another_pause() {
        let breaker = opened();
        let later = Instant::now() + 2 * PAUSE;
        breaker.attempt(later).unwrap().failed();
        assert!(breaker.attempt(Instant::now()).is_none());
    }

    /// failures have to outnumber answers.
    #[test]
    fn a_failure_among_answers_is_bad_luck() {
        let breaker = breaker();
        for _ in 0..100 {
            attempt(&breaker).failed();
            attempt(&breaker).answered();
        }
        for _ in 0..50 {
            let (one, other) = (attempt(&breaker), attempt(&breaker));
            one.failed();
            other.failed();
            attempt(&breaker).answered();
            attempt(&breaker).answered();
        }
        assert!(breaker.attempt(Instant::now()).is_some());
    }

    /// occasional answers do not make up for many failures.
    #[test]
    fn failures_that_outweigh_answers_do() {
        let breaker = breaker();
        let mut asked = 0;
        while let Some(attempt) = breaker.attempt(Instant::now()) {
            asked += 1;
            if asked % 3 == 0 { attempt.answered() } else { attempt.failed() }
        }
        assert!((3..20).contains(&asked), "{asked}");
    }

    #[test]
    fn a_trial_that_never_ends_does_not_block_the_next() {
        let breaker = opened();
        let later = Instant::now() + 2 * PAUSE;
        let stuck = breaker.attempt(later).unwrap();
        assert!(breaker.attempt(later + PAUSE).is_some());
        std::mem::forget(stuck);
    }

    #[test]
    fn losing_interest_says_nothing() {
        let breaker = breaker();
        for _ in 0..10 {
            drop(attempt(&breaker));
        }
        assert!(breaker.attempt(Instant::now()).is_some());
        let breaker = opened();
        let later = Instant::now() + 2 * PAUSE;
        drop(breaker.attempt(later).unwrap());
        assert!(breaker.attempt(later).is_some());
    }
}
