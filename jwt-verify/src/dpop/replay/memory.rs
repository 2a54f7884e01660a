//! Used proofs of one process.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use dashmap::{DashMap, Entry};

use super::{ProofId, ReplayError, ReplayFuture, ReplayStore};
use crate::{Clock, SystemClock, limits::USED_PROOFS};

/// A [`ReplayStore`] in the memory of the process. Clones share their content.
///
/// It remembers a proof for as long as its date is good, and no longer than the process runs. There is
/// room for 500,000 proofs, in about 30 MB; while all of them could still be used again, the answer to
/// others is 503. That is 4,000 new proofs a second with the defaults, from clients with good tokens.
#[derive(Clone)]
pub struct MemoryReplay {
    inner: Arc<Inner>,
}

struct Inner {
    /// Half of a name is enough: whoever finds two proofs that share one has found two of his own.
    used: DashMap<[u8; 16], u64>,
    most: usize,
    noted: AtomicUsize,
    clock: Arc<dyn Clock>,
}

/// After how many proofs those that are over are looked for.
const SWEEP: usize = 4096;

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
        let (used, noted) = (DashMap::new(), AtomicUsize::new(0));
        Self { inner: Arc::new(Inner { used, most, noted, clock }) }
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
        let Inner { used, most, noted, clock } = &*self.inner;
        let now = clock.now();
        // Whole seconds, rounded up: remembered for a moment too long rather than too short.
        let is_over = |until: u64| Duration::from_secs(until) < now;
        if noted.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            used.retain(|_, until| !is_over(*until));
        }
        let is_full = used.len() >= *most;
        let name = proof.as_bytes().first_chunk().copied().unwrap_or_default();
        let until = until.as_secs().saturating_add(1);
        match used.entry(name) {
            Entry::Occupied(mut known) if is_over(*known.get()) => {
                known.insert(until);
                Ok(true)
            }
            Entry::Occupied(_) => Ok(false),
            Entry::Vacant(_) if is_full => Err(ReplayError),
            Entry::Vacant(free) => {
                free.insert(until);
                Ok(true)
            }
        }
    }
}

impl ReplayStore for MemoryReplay {
    fn first_use<'a>(&'a self, proof: &'a ProofId, until: Duration) -> ReplayFuture<'a> {
        Box::pin(std::future::ready(self.note(proof, until)))
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

    #[derive(Debug)]
    struct Still(Duration);

    impl Clock for Still {
        fn now(&self) -> Duration {
            self.0
        }

        fn monotonic(&self) -> Duration {
            self.0
        }
    }

    fn proof(name: &str) -> ProofId {
        let key = Thumbprint::parse("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I").unwrap();
        ProofId::new(key, "https://api.example/", name)
    }

    fn store(most: usize, now: u64) -> MemoryReplay {
        MemoryReplay::holding(most, Arc::new(Still(Duration::from_secs(now))))
    }

    #[test]
    fn a_proof_is_new_once_up_to_the_last_moment() {
        let store = store(10, 1000);
        let at = Duration::from_secs;
        assert_eq!(store.note(&proof("a"), at(1000)), Ok(true));
        assert_eq!(store.note(&proof("a"), at(1000)), Ok(false));
        assert_eq!(store.note(&proof("b"), at(2000)), Ok(true));
        assert_eq!((store.len(), store.is_empty()), (2, false));
        // Of one whose time is over nothing is left to fear.
        assert_eq!(store.note(&proof("c"), at(998)), Ok(true));
        assert_eq!(store.note(&proof("c"), at(998)), Ok(true));
    }

    #[test]
    fn a_full_store_forgets_nothing_that_counts() {
        let store = store(2, 1000);
        let at = Duration::from_secs;
        assert_eq!(store.note(&proof("a"), at(2000)), Ok(true));
        assert_eq!(store.note(&proof("b"), at(2000)), Ok(true));
        assert_eq!(store.note(&proof("c"), at(2000)), Err(ReplayError));
        assert_eq!(store.note(&proof("a"), at(2000)), Ok(false));
    }

    #[test]
    fn what_is_over_makes_room() {
        let store = store(SWEEP, 1000);
        for number in 0..SWEEP - 1 {
            let until = Duration::from_secs(if number < 10 { 2000 } else { 900 });
            assert_eq!(store.note(&proof(&number.to_string()), until), Ok(true));
        }
        assert_eq!(store.note(&proof("one more"), Duration::from_secs(2000)), Ok(true));
        assert_eq!(store.len(), 11);
    }
}
