//! Time, as the rest of the library sees it.

use std::{
    fmt,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Where the library reads the time. Replace it in tests to move time by hand.
///
/// Two clocks, because they answer different questions: claims are judged by the wall clock, ages
/// and cache lifetimes by a clock that never jumps.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Time since the Unix epoch. May jump in both directions when the system's clock is set.
    fn now(&self) -> Duration;

    /// Time since some fixed point in the past. Never goes backwards.
    fn monotonic(&self) -> Duration;
}

/// The clocks of the operating system; the default.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// The system's clocks.
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    /// A clock set before 1970 cannot judge anything, so it reads as the end of time, at which every
    /// token has expired.
    fn now(&self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::MAX)
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}
