//! Used proofs of one process.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use dashmap::{DashMap, Entry};

use super::{CLOCK_MARGIN, ProofId, ReplayError, ReplayFuture, ReplayStore};
use crate::{Clock, SystemClock, limits::USED_PROOFS};

/// A [`ReplayStore`] in the memory of the process. Clones share their content.
///
/// It remembers a proof for a minute longer than its date is good, and not longer than the process runs.
/// There is room for 500,000 proofs, in about 30 MB; while all of them are remembered, the answer to
/// others is 503. With the defaults of [`Dpop`](crate::Dpop) that takes nearly 3,000 new proofs a second,
/// from clients with good tokens, and with longer times less.
#[derive(Clone)]
pub struct MemoryReplay {
    inner: Arc<Inner>,
}

struct Inner {
    /// Until when each is remembered, in seconds. Half of a name is enough: whoever finds two proofs
    /// that share one has found two of his own.
    used: DashMap<[u8; 16], u64>,
    /// As many as there are, without asking every part of the map.
    count: AtomicUsize,
    most: usize,
    /// When those that are over were looked for last, in seconds.
    swept_at: AtomicU64,
    clock: Arc<dyn Clock>,
}

/// How often those that are over are looked for, in seconds.
const SWEEP: u64 = 30;
/// The same while there is no room.
const SWEEP_FULL: u64 = 1;

impl Default for MemoryReplay {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryReplay {
    /// An empty store.
    pub fn new() -> Self {
        Self::with_clock(SystemClock::new())
    }

    /// The same with another clock than the system's.
    pub fn with_clock(clock: impl Clock) -> Self {
        Self::with_shared_clock(Arc::new(clock))
    }

    pub(crate) fn with_shared_clock(clock: Arc<dyn Clock>) -> Self {
        Self::holding(USED_PROOFS, clock)
    }

    fn holding(most: usize, clock: Arc<dyn Clock>) -> Self {
        let (used, count, swept_at) = (DashMap::new(), AtomicUsize::new(0), AtomicU64::new(0));
        Self { inner: Arc::new(Inner { used, count, most, swept_at, clock }) }
    }

    /// How many proofs are remembered.
    pub fn len(&self) -> usize {
        self.inner.used.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.inner.used.is_empty()
    }

    fn note(&self, proof: &ProofId, until: Duration) -> Result<bool, ReplayError> {
        let Inner { used, count, .. } = &*self.inner;
        let now = self.inner.clock.now();
        self.sweep(now);
        let is_full = count.load(Ordering::Relaxed) >= self.inner.most;
        let name = proof.as_bytes().first_chunk().copied().unwrap_or_default();
        // Whole seconds, rounded up: remembered for a moment too long rather than too short.
        let until = until.saturating_add(CLOCK_MARGIN).as_secs().saturating_add(1);
        match used.entry(name) {
            Entry::Occupied(mut known) if is_over(*known.get(), now) => {
                known.insert(until);
                Ok(true)
            }
            Entry::Occupied(_) => Ok(false),
            Entry::Vacant(_) if is_full => Err(ReplayError),
            Entry::Vacant(free) => {
                free.insert(until);
                count.fetch_add(1, Ordering::Relaxed);
                Ok(true)
            }
        }
    }

    /// Forgets what is over, every now and then, and sooner where there is no room.
    fn sweep(&self, now: Duration) {
        let Inner { used, count, most, swept_at, .. } = &*self.inner;
        let is_full = count.load(Ordering::Relaxed) >= *most;
        let last = swept_at.load(Ordering::Relaxed);
        let due = last.saturating_add(if is_full { SWEEP_FULL } else { SWEEP });
        // A clock that was set back must not put it off for ever.
        let is_due = now.as_secs() >= due || now.as_secs() < last;
        let begin = || {
            let (order, otherwise) = (Ordering::Relaxed, Ordering::Relaxed);
            swept_at.compare_exchange(last, now.as_secs(), order, otherwise).is_ok()
        };
        if is_due && begin() {
            used.retain(|_, until| {
                let stays = !is_over(*until, now);
                if !stays {
                    count.fetch_sub(1, Ordering::Relaxed);
                }
                stays
            });
        }
    }
}

fn is_over(until: u64, now: Duration) -> bool {
    Duration::from_secs(until) < now
}

impl ReplayStore for MemoryReplay {
    fn first_use<'a>(&'a self, proof: &'a ProofId, until: Duration) -> ReplayFuture<'a> {
        Box::pin(std::future::ready(self.note(proof, until)))
    }

    fn identity(&self) -> Option<usize> {
        Some(Arc::as_ptr(&self.inner).addr())
    }
}

impl fmt::Debug for MemoryReplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryReplay").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Thumbprint;

    #[derive(Debug, Clone, Default)]
    struct Set(Arc<AtomicU64>);

    impl Set {
        fn to(&self, seconds: u64) {
            self.0.store(seconds, Ordering::Relaxed);
        }
    }

    impl Clock for Set {
        fn now(&self) -> Duration {
            Duration::from_secs(self.0.load(Ordering::Relaxed))
        }

        fn monotonic(&self) -> Duration {
            self.now()
        }
    }

    fn store(most: usize) -> (MemoryReplay, Set) {
        let clock = Set::default();
        clock.to(1000);
        (MemoryReplay::holding(most, Arc::new(clock.clone())), clock)
    }

    fn note(store: &MemoryReplay, name: &str, until: u64) -> Result<bool, ReplayError> {
        let key = Thumbprint::parse("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I").unwrap();
        let proof = ProofId::new(key, "https://api.example/", name);
        store.note(&proof, Duration::from_secs(until))
    }

    #[test]
    fn a_proof_is_new_once_up_to_the_last_moment_and_a_minute_longer() {
        let (store, clock) = store(10);
        assert_eq!(note(&store, "a", 1000), Ok(true));
        assert_eq!(note(&store, "b", 2000), Ok(true));
        assert_eq!((store.len(), store.is_empty()), (2, false));
        for seconds in [1000, 1001, 1029, 1030, 1059, 1060, 1061] {
            clock.to(seconds);
            assert_eq!(note(&store, "a", 1000), Ok(false), "{seconds}");
        }
        // Of one whose time is over nothing is left to fear.
        clock.to(1062);
        assert_eq!(note(&store, "a", 1000), Ok(true));
        assert_eq!(note(&store, "b", 2000), Ok(false));
    }

    #[test]
    fn a_full_store_forgets_nothing_that_counts_and_all_else_at_once() {
        let (store, clock) = store(2);
        assert_eq!(note(&store, "a", 1010), Ok(true));
        assert_eq!(note(&store, "b", 2000), Ok(true));
        assert_eq!(note(&store, "c", 2000), Err(ReplayError));
        assert_eq!(note(&store, "a", 1010), Ok(false));
        clock.to(1071);
        assert_eq!(note(&store, "c", 2000), Err(ReplayError));
        clock.to(1072);
        assert_eq!(note(&store, "c", 2000), Ok(true));
        assert_eq!(note(&store, "b", 2000), Ok(false));
        assert_eq!(note(&store, "d", 2000), Err(ReplayError));
        assert_eq!(store.len(), 2);
    }

    #[test]
    fn what_is_over_is_forgotten_also_where_there_is_room() {
        let (store, clock) = store(1000);
        for number in 0..100 {
            assert_eq!(note(&store, &number.to_string(), 1000 + number % 2 * 500), Ok(true));
        }
        clock.to(1100);
        assert_eq!(note(&store, "one more", 2000), Ok(true));
        assert_eq!(store.len(), 51);
        // And if the clock was set back in between.
        clock.to(900);
        assert_eq!(note(&store, "another", 2000), Ok(true));
        clock.to(1700);
        assert_eq!(note(&store, "the last", 2000), Ok(true));
        assert_eq!(store.len(), 3);
    }
}
