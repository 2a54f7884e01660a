//! Rate limit for log lines that callers can cause.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Logs one of many events of a kind: the first at once, the next after a pause, with the number of
/// those that were left out.
pub(crate) struct LogLimiter {
    pause: Duration,
    state: Mutex<LogLimiterState>,
}

#[derive(Default)]
struct LogLimiterState {
    quiet_until: Duration,
    left_out: u64,
}

impl LogLimiter {
    pub(crate) fn new(pause: Duration) -> Self {
        Self { pause, state: Mutex::default() }
    }

    /// Counts an event, by the monotonic clock. Returns the number of events left out before it, if
    /// it is to be logged.
    pub(crate) fn turn(&self, now: Duration) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if now < state.quiet_until {
            state.left_out = state.left_out.saturating_add(1);
            return None;
        }
        state.quiet_until = now.saturating_add(self.pause);
        Some(std::mem::take(&mut state.left_out))
    }
}

impl fmt::Debug for LogLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogLimiter")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(10);

    #[test]
    fn one_of_many_is_logged_with_the_number_of_the_others() {
        let limiter = LogLimiter::new(PAUSE);
        assert_eq!(limiter.turn(Duration::ZERO), Some(0));
        for _ in 0..7 {
            assert_eq!(limiter.turn(PAUSE / 2), None);
        }
        assert_eq!(limiter.turn(PAUSE), Some(7));
        assert_eq!(limiter.turn(PAUSE), None);
        assert_eq!(limiter.turn(3 * PAUSE), Some(1));
    }
}
