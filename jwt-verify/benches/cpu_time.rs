//! The clock of the benchmarks.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The CPU time of this thread, which what else the machine does changes little.
pub(crate) fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
}
