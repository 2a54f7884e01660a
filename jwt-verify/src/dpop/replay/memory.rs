//! Replay store in the memory of one process.

use std::{
    fmt,
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::{
    CLOCK_MARGIN, ProofId, ReplayError, ReplayStore,
    part::{Insertion, ReplayPart, Room},
};
use crate::lookup::BoxFuture;
use crate::{
    clock::{Clock, SystemClock},
    defaults::{PROOFS_PER_KEY, USED_PROOFS},
};

/// A [`ReplayStore`] in the memory of the process. Clones share their content.
///
/// A proof is kept for a minute longer than it is valid, and at most until the process ends. The
/// limit is 500,000 proofs, in about 60 MB; while it is reached, other requests get 503. With the
/// defaults of [`Dpop`](crate::dpop::Dpop) that is nearly 3,000 new proofs a second, and less with longer
/// times. One key can have 10,000 proofs ([`proofs_per_key`](Self::proofs_per_key)), beyond which
/// only that key gets 429: so it takes fifty valid tokens, each bound to another key, to fill the
/// memory.
///
/// Each request removes some expired proofs. None scans all of them.
#[derive(Clone)]
pub struct MemoryReplay {
    inner: Arc<MemoryReplayInner>,
    per_key: usize,
}

struct MemoryReplayInner {
    parts: Box<[Mutex<ReplayPart>]>,
    /// Selects the shard of a key, in a way that a client cannot predict.
    by: RandomState,
    /// Total number of proofs, so that shards need not be counted.
    count: AtomicUsize,
    most: usize,
    /// Shard to be cleaned next.
    next: AtomicUsize,
    clock: Arc<dyn Clock>,
}

/// Large enough that workers seldom wait for each other.
const PARTS: usize = 64;

impl Default for MemoryReplay {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryReplay {
    /// Creates an empty store.
    pub fn new() -> Self {
        Self::with_clock(SystemClock::new())
    }

    /// Creates an empty store with another clock than the system clock.
    pub fn with_clock(clock: impl Clock) -> Self {
        Self::with_shared_clock(Arc::new(clock))
    }

    pub(crate) fn with_shared_clock(clock: Arc<dyn Clock>) -> Self {
        Self::holding(USED_PROOFS, clock)
    }

    fn holding(most: usize, clock: Arc<dyn Clock>) -> Self {
        let parts = (0..PARTS).map(|_| Mutex::default()).collect();
        let (count, next) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let inner = MemoryReplayInner { parts, by: RandomState::new(), count, most, next, clock };
        Self { inner: Arc::new(inner), per_key: PROOFS_PER_KEY }
    }

    /// Sets the maximum number of proofs of one key; beyond it only that key gets 429 with
    /// `Retry-After`. Default: 10,000, a fiftieth of the total; zero counts as one.
    ///
    /// A proof is kept for two to three minutes with the defaults of [`Dpop`](crate::dpop::Dpop), so the
    /// default is enough for about 80 requests a second of one key. Raise it if one client, such as
    /// another service, sends more.
    ///
    /// **Security:** the larger this limit, the fewer clients can fill the memory.
    #[must_use]
    pub fn proofs_per_key(mut self, proofs: usize) -> Self {
        self.per_key = proofs.max(1);
        self
    }

    /// Returns the number of stored proofs.
    pub fn len(&self) -> usize {
        (0..PARTS).filter_map(|index| self.inner.part(index)).map(|part| part.len()).sum()
    }

    /// Returns `true` if no proof is stored.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn note(&self, proof: &ProofId, until: Duration) -> Result<bool, ReplayError> {
        let inner = &*self.inner;
        let now = inner.clock.now().as_secs();
        // Whole seconds, rounded up: kept for a moment too long rather than too short.
        let until = until.saturating_add(CLOCK_MARGIN).as_secs().saturating_add(1);
        let index = inner.index(proof);
        inner.tidy(index, now);
        inner.tidy(inner.next.fetch_add(1, Ordering::Relaxed), now);
        let has_place = inner.take_place() || inner.make_room(now);
        let room = Room { has_place, per_key: self.per_key };
        let noted = match inner.part(index) {
            Some(mut part) => part.note(proof, now, until, &room),
            None => Err(ReplayError::Unavailable),
        };
        if has_place && noted != Ok(Insertion::New) {
            inner.count.fetch_sub(1, Ordering::Relaxed);
        }
        Ok(noted? != Insertion::Used)
    }
}

impl MemoryReplayInner {
    fn index(&self, proof: &ProofId) -> usize {
        usize::try_from(self.by.hash_one(proof.key()) % PARTS as u64).unwrap_or_default()
    }

    fn part(&self, index: usize) -> Option<MutexGuard<'_, ReplayPart>> {
        let part = self.parts.get(index % PARTS)?;
        Some(part.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Removes some expired proofs of a shard.
    fn tidy(&self, index: usize, now: u64) -> usize {
        let forgotten = self.part(index).map_or(0, |mut part| part.forget(now));
        self.count.fetch_sub(forgotten, Ordering::Relaxed);
        forgotten
    }

    fn take_place(&self) -> bool {
        let one_more = |count| (count < self.most).then_some(count + 1);
        self.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok()
    }

    /// Removes an expired proof from any shard. A look at each shard takes a few microseconds.
    fn make_room(&self, now: u64) -> bool {
        (0..PARTS).any(|index| self.tidy(index, now) > 0) && self.take_place()
    }
}

impl ReplayStore for MemoryReplay {
    fn insert_if_absent<'a>(
        &'a self,
        proof: &'a ProofId,
        until: Duration,
    ) -> BoxFuture<'a, Result<bool, ReplayError>> {
        Box::pin(std::future::ready(self.note(proof, until)))
    }

    fn instance_id(&self) -> Option<usize> {
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
    use std::sync::atomic::AtomicU64;

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

    fn note_of(
        store: &MemoryReplay,
        key: &str,
        name: &str,
        until: u64,
    ) -> Result<bool, ReplayError> {
        let proof = ProofId::new(Thumbprint::invented(key), "https://api.example/", name);
        store.note(&proof, Duration::from_secs(until))
    }

    fn note(store: &MemoryReplay, name: &str, until: u64) -> Result<bool, ReplayError> {
        note_of(store, "one key", name, until)
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
        // A proof that has expired cannot be replayed.
        clock.to(1062);
        assert_eq!(note(&store, "a", 1000), Ok(true));
        assert_eq!(note(&store, "b", 2000), Ok(false));
    }

    #[test]
    fn a_full_store_forgets_nothing_that_counts_and_all_else_at_once() {
        let (store, clock) = store(2);
        assert_eq!(note(&store, "a", 1010), Ok(true));
        assert_eq!(note(&store, "b", 2000), Ok(true));
        assert_eq!(note_of(&store, "another", "c", 2000), Err(ReplayError::Unavailable));
        assert_eq!(note(&store, "a", 1010), Ok(false));
        clock.to(1071);
        assert_eq!(note_of(&store, "another", "c", 2000), Err(ReplayError::Unavailable));
        // Expired proofs are found in any shard.
        clock.to(1072);
        assert_eq!(note_of(&store, "another", "c", 2000), Ok(true));
        assert_eq!(note(&store, "b", 2000), Ok(false));
        assert_eq!(note(&store, "d", 2000), Err(ReplayError::Unavailable));
        assert_eq!(store.len(), 2);
    }

    #[test]
    fn what_is_over_is_forgotten_also_where_there_is_room() {
        let (store, clock) = store(1000);
        for number in 0..100 {
            assert_eq!(note(&store, &number.to_string(), 1000 + number % 2 * 500), Ok(true));
        }
        clock.to(1100);
        for number in 0..4 {
            assert_eq!(note(&store, &format!("one more {number}"), 2000), Ok(true));
        }
        assert_eq!(store.len(), 54);
        // Also if the clock was set back in between.
        clock.to(900);
        assert_eq!(note(&store, "another", 2000), Ok(true));
        clock.to(1700);
        for number in 0..4 {
            assert_eq!(note(&store, &format!("the last {number}"), 2000), Ok(true));
        }
        assert_eq!(store.len(), 9);
    }

    /// The work of one request is bounded, however many proofs have expired.
    #[test]
    fn no_request_walks_through_all_of_it() {
        let (store, clock) = store(10_000);
        for number in 0..1000 {
            assert_eq!(note(&store, &number.to_string(), 1000), Ok(true));
        }
        clock.to(1100);
        let mut before = store.len();
        let mut requests = 0;
        while before > 1 {
            assert_eq!(note(&store, "the same", 3000), Ok(requests == 0));
            let after = store.len();
            assert!(before - after < 40, "{before} {after}");
            (before, requests) = (after, requests + 1);
        }
        assert!(requests > 20, "{requests}");
    }

    #[test]
    fn a_key_that_has_used_up_its_share_is_refused_alone() {
        let (store, clock) = store(100);
        let store = store.proofs_per_key(3);
        for name in ["a", "b", "c"] {
            assert_eq!(note(&store, name, 1000), Ok(true));
        }
        assert_eq!(note(&store, "d", 1000), Err(ReplayError::ShareUsedUp));
        // A used proof stays used, and other keys have capacity of their own.
        assert_eq!(note(&store, "a", 1000), Ok(false));
        assert_eq!(note_of(&store, "another", "a", 1000), Ok(true));
        assert_eq!(store.len(), 4);
        clock.to(1062);
        assert_eq!(note(&store, "d", 2000), Ok(true));
        assert_eq!(note(&store, "e", 2000), Ok(true));
        assert_eq!(note(&store, "f", 2000), Ok(true));
        assert_eq!(note(&store, "g", 2000), Err(ReplayError::ShareUsedUp));
        // Keys without proofs leave nothing behind.
        clock.to(3000);
        assert_eq!(note_of(&store, "another", "b", 4000), Ok(true));
        for _ in 0..PARTS {
            assert_eq!(note_of(&store, "another", "b", 4000), Ok(false));
        }
        assert_eq!(store.len(), 1);
        let keys = |index| store.inner.part(index).map_or(0, |part| part.keys());
        assert_eq!((0..PARTS).map(keys).sum::<usize>(), 1);
        assert_eq!(note_of(&store.clone().proofs_per_key(0), "third", "a", 4000), Ok(true));
    }

    #[test]
    fn of_many_at_the_same_time_no_more_than_there_are_places_get_one() {
        let (store, _) = store(50);
        let good = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (store, good) = (&store, &good);
                scope.spawn(move || {
                    for number in 0..50 {
                        let key = format!("{thread} {number}");
                        if note_of(store, &key, "a", 2000) == Ok(true) {
                            good.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!((store.len(), good.load(Ordering::Relaxed)), (50, 50));
        assert_eq!(store.inner.count.load(Ordering::Relaxed), 50);
    }
}
