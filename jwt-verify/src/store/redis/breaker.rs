//! Whether it is worth asking at all.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Keeps those who come later from paying again for what one has just found out: after a failure
/// everybody is turned away for a while, then one may try.
#[derive(Debug)]
pub(super) struct Breaker {
    pause: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Closed,
    OpenUntil(Instant),
    /// Somebody tries; given up on at that moment.
    TriedUntil(Instant),
}

/// The right to try. Who drops it without a word has lost interest, which says nothing.
pub(super) struct Attempt<'a> {
    breaker: &'a Breaker,
    settled: bool,
}

impl Breaker {
    pub(super) fn new(pause: Duration) -> Self {
        Self { pause, state: Mutex::new(State::Closed) }
    }

    /// Lets one pass, unless it is pointless.
    pub(super) fn attempt(&self, now: Instant) -> Option<Attempt<'_>> {
        let mut state = self.state();
        match *state {
            State::Closed => {}
            State::OpenUntil(until) | State::TriedUntil(until) if now < until => return None,
            State::OpenUntil(_) | State::TriedUntil(_) => {
                *state = State::TriedUntil(now + self.pause);
            }
        }
        drop(state);
        Some(Attempt { breaker: self, settled: false })
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt<'_> {
    /// There was an answer, whatever it says.
    pub(super) fn answered(mut self) {
        self.settled = true;
        let before = std::mem::replace(&mut *self.breaker.state(), State::Closed);
        if !matches!(before, State::Closed) {
            tracing::info!("Redis is back");
        }
    }

    /// There was none.
    pub(super) fn failed(mut self) {
        self.settled = true;
        let open = State::OpenUntil(Instant::now() + self.breaker.pause);
        let before = std::mem::replace(&mut *self.breaker.state(), open);
        if matches!(before, State::Closed) {
            tracing::warn!("Redis is out of reach");
        }
    }
}

impl Drop for Attempt<'_> {
    /// The next one may try at once.
    fn drop(&mut self) {
        let mut state = self.breaker.state();
        if !self.settled && matches!(*state, State::TriedUntil(_)) {
            *state = State::OpenUntil(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(1);

    #[test]
    fn after_a_failure_one_at_a_time_may_try_after_a_pause() {
        let breaker = Breaker::new(PAUSE);
        breaker.attempt(Instant::now()).unwrap().failed();
        assert!(breaker.attempt(Instant::now()).is_none());
        let later = Instant::now() + 2 * PAUSE;
        let attempt = breaker.attempt(later).unwrap();
        assert!(breaker.attempt(later).is_none());
        attempt.answered();
        assert!(breaker.attempt(later).is_some());
    }

    #[test]
    fn a_trial_that_never_ends_does_not_block_the_next() {
        let breaker = Breaker::new(PAUSE);
        breaker.attempt(Instant::now()).unwrap().failed();
        let later = Instant::now() + 2 * PAUSE;
        let stuck = breaker.attempt(later).unwrap();
        assert!(breaker.attempt(later + PAUSE).is_some());
        std::mem::forget(stuck);
    }

    #[test]
    fn losing_interest_says_nothing() {
        let breaker = Breaker::new(PAUSE);
        drop(breaker.attempt(Instant::now()).unwrap());
        assert!(breaker.attempt(Instant::now()).is_some());
        breaker.attempt(Instant::now()).unwrap().failed();
        let later = Instant::now() + 2 * PAUSE;
        drop(breaker.attempt(later).unwrap());
        assert!(breaker.attempt(later).is_some());
    }
}
