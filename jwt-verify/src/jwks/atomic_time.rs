//! Points in time that threads share without a lock.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// A time of the monotonic clock, in nanoseconds. Zero by default.
#[derive(Debug, Default)]
pub(super) struct AtomicTime(AtomicU64);

impl AtomicTime {
    pub(super) fn load(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Acquire))
    }

    /// Stores a time; one beyond 584 years counts as that.
    pub(super) fn store(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.0.store(nanos, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_it_was_stored() {
        let time = AtomicTime::default();
        assert_eq!(time.load(), Duration::ZERO);
        time.store(Duration::from_nanos(1));
        assert_eq!(time.load(), Duration::from_nanos(1));
        time.store(Duration::MAX);
        assert_eq!(time.load(), Duration::from_nanos(u64::MAX));
    }
}
