//! A clock that a test moves.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{
    changes::Changes,
    clock::{Clock, millis},
};

/// A [`Clock`] that stands still until a test moves it. Clones move together.
///
/// ```
/// use std::time::Duration;
/// use jwt_verify::{Clock, testing::TestClock};
///
/// let clock = TestClock::new();
/// let before = clock.now();
/// clock.clone().advance(Duration::from_secs(3600));
/// assert_eq!(clock.now() - before, Duration::from_secs(3600));
/// ```
#[derive(Debug, Clone)]
pub struct TestClock {
    wall: Arc<AtomicU64>,
    monotonic: Arc<AtomicU64>,
    moves: Changes,
}

impl TestClock {
    /// Initial time of the clock, in seconds since the epoch: a moment in January 2027, equal in
    /// every run.
    pub const START: u64 = 1_800_000_000;

    /// Creates a clock that stands at [`START`](Self::START).
    pub fn new() -> Self {
        Self {
            wall: Arc::new(AtomicU64::new(Self::START * 1000)),
            monotonic: Arc::default(),
            moves: Changes::default(),
        }
    }

    /// Lets time pass, in whole milliseconds.
    pub fn advance(&self, by: Duration) {
        let by = millis(by);
        self.wall.fetch_add(by, Ordering::SeqCst);
        self.monotonic.fetch_add(by, Ordering::SeqCst);
        self.moves.note();
    }

    /// Sets the wall clock to a second since the epoch, as an administrator would. No time passes.
    pub fn set_wall(&self, seconds: u64) {
        self.wall.store(seconds * 1000, Ordering::SeqCst);
        self.moves.note();
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TestClock {
    fn now(&self) -> Duration {
        Duration::from_millis(self.wall.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.monotonic.load(Ordering::SeqCst))
    }

    fn moves(&self) -> Option<&Changes> {
        Some(&self.moves)
    }
}
