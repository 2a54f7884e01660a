//! Points in time that threads share without a lock.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// A time of the monotonic clock, in nanoseconds. Zero by default, which many owners read as
/// "never". A time beyond 584 years counts as that.
#[derive(Debug, Default)]
pub(crate) struct AtomicTime(AtomicU64);

impl AtomicTime {
    pub(crate) fn new(time: Duration) -> Self {
        Self(AtomicU64::new(nanos(time)))
    }

    pub(crate) fn load(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Acquire))
    }

    pub(crate) fn store(&self, time: Duration) {
        self.0.store(nanos(time), Ordering::Release);
    }

    /// Returns the time and leaves zero, so that of several callers one gets it.
    pub(crate) fn take(&self) -> Duration {
        Duration::from_nanos(self.0.swap(0, Ordering::AcqRel))
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
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
        assert_eq!(AtomicTime::new(Duration::from_secs(1)).load(), Duration::from_secs(1));
    }

    #[test]
    fn a_time_is_taken_once() {
        let time = AtomicTime::new(Duration::from_secs(1));
        assert_eq!(time.take(), Duration::from_secs(1));
        assert_eq!(time.take(), Duration::ZERO);
    }
}
