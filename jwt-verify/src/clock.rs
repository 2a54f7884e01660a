//! Clocks.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::changes::Changes;

/// Source of the time. Replace it in tests to move time by hand.
///
/// It has two clocks for different uses: claims are checked by the wall clock, ages and cache
/// lifetimes by a clock that never jumps.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Returns the time since the Unix epoch. It may jump in both directions when the system clock
    /// is set.
    fn now(&self) -> Duration;

    /// Returns the time since some fixed point in the past. Never goes backwards.
    fn monotonic(&self) -> Duration;

    /// For clocks that are moved by hand: returns the counter of their moves, so that what waits
    /// for a time looks again at once. Default: none.
    #[doc(hidden)]
    fn moves(&self) -> Option<&Changes> {
        None
    }
}

/// The clocks of the operating system; the default.
///
/// On Linux and Android the monotonic clock includes the time in which the machine was suspended,
/// so that keys do not look younger afterwards than they are. Elsewhere it may stand still
/// meanwhile.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl SystemClock {
    /// Creates the clock.
    pub const fn new() -> Self {
        Self
    }
}

impl Clock for SystemClock {
    /// A clock set before 1970 is unusable, so it reads as the end of time, at which every token
    /// has expired.
    fn now(&self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::MAX)
    }

    fn monotonic(&self) -> Duration {
        since_boot()
    }
}

/// A shared clock.
impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Duration {
        C::now(self)
    }

    fn monotonic(&self) -> Duration {
        C::monotonic(self)
    }

    fn moves(&self) -> Option<&Changes> {
        C::moves(self)
    }
}

/// Converts to whole milliseconds.
pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn since_boot() -> Duration {
    use rustix::time::{ClockId, clock_gettime};

    let time = clock_gettime(ClockId::Boottime);
    let (seconds, nanos) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or_default(), nanos.unwrap_or_default())
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn since_boot() -> Duration {
    use std::{sync::LazyLock, time::Instant};

    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_monotonic_clock_never_goes_back() {
        let clock = SystemClock::new();
        let mut last = clock.monotonic();
        for _ in 0..1000 {
            let now = clock.monotonic();
            assert!(now >= last);
            last = now;
        }
    }

    /// The kernel's uptime includes the time in which the machine was suspended.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_monotonic_clock_counts_what_was_slept_through() {
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
        let uptime: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
        let clock = SystemClock::new().monotonic().as_secs_f64();
        assert!((clock - uptime).abs() < 1.0, "{clock} {uptime}");
    }
}
