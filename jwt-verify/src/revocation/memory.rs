//! Revocation store in the memory of one process.

use std::{fmt, sync::Arc, time::Duration};

use dashmap::{DashMap, mapref::entry::Entry as MapEntry};

use super::{Revocation, RevocationKeys, RevocationStore};
use crate::{
    changes::Changes,
    clock::{Clock, SystemClock},
    defaults::{MAX_LEEWAY, REVOCATIONS},
    expiry::Agenda,
};
use crate::{error::StoreUnavailable, lookup::BoxFuture, lookup::Lookup};

/// A [`RevocationStore`] in the memory of the process. Clones share their content.
///
/// Entries are removed when they expire, and all are lost when the process ends: revoked tokens are
/// then accepted again until they expire. Use it with one instance and tokens that live for
/// minutes.
///
/// Expired entries are removed by later revocations, at most eight with each call. The limit is
/// 1,000,000 entries, in about 200 MB. While all of them are needed nothing else can be revoked:
/// that is an error (503 from `Sessions`) and an event, and earlier revocations are kept.
#[derive(Clone)]
pub struct MemoryRevocation {
    inner: Arc<MemoryRevocationInner>,
}

struct MemoryRevocationInner {
    entries: DashMap<Arc<str>, MemoryEntry>,
    /// One check for each entry.
    agenda: Agenda<Arc<str>>,
    most: usize,
    clock: Arc<dyn Clock>,
    changes: Changes,
}

#[derive(Clone, Copy)]
struct MemoryEntry {
    issued_until: Option<Duration>,
    /// On the wall clock, like the dates of tokens.
    until: Duration,
}

impl Default for MemoryRevocation {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryRevocation {
    /// Creates an empty store.
    pub fn new() -> Self {
        Self::with_clock(SystemClock::new())
    }

    /// Creates an empty store with another clock than the system clock.
    pub fn with_clock(clock: impl Clock) -> Self {
        Self::holding(REVOCATIONS, Arc::new(clock))
    }

    fn holding(most: usize, clock: Arc<dyn Clock>) -> Self {
        let (entries, agenda) = (DashMap::new(), Agenda::new());
        let changes = Changes::new();
        Self { inner: Arc::new(MemoryRevocationInner { entries, agenda, most, clock, changes }) }
    }

    /// Returns the number of stored revocations.
    pub fn len(&self) -> usize {
        self.inner.entries.len()
    }

    /// Returns `true` if nothing is revoked.
    pub fn is_empty(&self) -> bool {
        self.inner.entries.is_empty()
    }

    fn write(&self, key: &str, issued_until: Option<Duration>, until: Duration) {
        // Tokens are accepted for a while after they have expired.
        let new = MemoryEntry { issued_until, until: until.saturating_add(MAX_LEEWAY) };
        match self.inner.entries.entry(key.into()) {
            // A revocation is never undone: the later of two moments wins, and an entry without one
            // is later than any.
            MapEntry::Occupied(mut known) => {
                let entry = known.get_mut();
                let both = entry.issued_until.zip(new.issued_until);
                entry.issued_until = both.map(|(one, other)| one.max(other));
                entry.until = entry.until.max(new.until);
            }
            MapEntry::Vacant(free) => {
                self.inner.agenda.plan(new.until, free.key().clone());
                free.insert(new);
            }
        }
    }

    fn forget_some(&self) {
        let now = self.inner.clock.now();
        for key in self.inner.agenda.due(now) {
            if let MapEntry::Occupied(known) = self.inner.entries.entry(key) {
                let until = known.get().until;
                if until <= now {
                    known.remove();
                } else {
                    self.inner.agenda.plan(until, known.key().clone());
                }
            }
        }
    }

    fn has_room_for(&self, key: &str) -> bool {
        self.inner.agenda.len() < self.inner.most || self.inner.entries.contains_key(key)
    }
}

impl RevocationStore for MemoryRevocation {
    fn check<'a>(&'a self, keys: &'a RevocationKeys) -> Lookup<'a, Result<bool, StoreUnavailable>> {
        let now = self.inner.clock.now();
        let is_revoked = keys.keys().any(|name| {
            let entry = self.inner.entries.get(name).map(|entry| *entry);
            entry.is_some_and(|entry| now < entry.until && keys.is_revoked_by(entry.issued_until))
        });
        Lookup::Ready(Ok(is_revoked))
    }

    fn revoke<'a>(
        &'a self,
        what: &'a Revocation,
        until: Duration,
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        self.forget_some();
        let answer = if self.has_room_for(what.key()) {
            self.write(what.key(), what.issued_until(), until);
            self.inner.changes.note();
            Ok(())
        } else {
            tracing::warn!("nothing more can be revoked: the memory for it is full");
            Err(StoreUnavailable::new())
        };
        Box::pin(std::future::ready(answer))
    }

    fn is_immediate(&self) -> bool {
        true
    }

    fn changes(&self) -> Option<&Changes> {
        Some(&self.inner.changes)
    }
}

impl fmt::Debug for MemoryRevocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryRevocation").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock that stands still.
    #[derive(Debug)]
    struct Still(std::sync::atomic::AtomicU64);

    impl Clock for Still {
        fn now(&self) -> Duration {
            Duration::from_secs(self.0.load(std::sync::atomic::Ordering::Relaxed))
        }

        fn monotonic(&self) -> Duration {
            self.now()
        }
    }

    fn revoke(store: &MemoryRevocation, name: &str, until: u64) -> Result<(), StoreUnavailable> {
        let what = Revocation::token("i", name);
        let mut asked = store.revoke(&what, Duration::from_secs(until));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match asked.as_mut().poll(&mut context) {
            std::task::Poll::Ready(answer) => answer,
            std::task::Poll::Pending => panic!("it is local"),
        }
    }

    #[test]
    fn it_is_full_at_some_point_and_has_room_again() {
        let clock = Arc::new(Still(1000.into()));
        let store = MemoryRevocation::holding(3, clock.clone());
        for name in ["a", "b", "c"] {
            assert_eq!(revoke(&store, name, 2000), Ok(()));
        }
        assert_eq!(revoke(&store, "d", 2000), Err(StoreUnavailable::new()));
        assert_eq!(revoke(&store, "a", 3000), Ok(()), "it is there already");
        clock.0.store(2600, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(revoke(&store, "d", 3000), Ok(()));
        assert_eq!(store.len(), 2, "the one whose time was prolonged is still there");
    }

    #[test]
    fn each_call_forgets_a_few() {
        let clock = Arc::new(Still(1000.into()));
        let store = MemoryRevocation::holding(usize::MAX, clock.clone());
        for number in 0..100 {
            assert_eq!(revoke(&store, &number.to_string(), 1000), Ok(()));
        }
        clock.0.store(5000, std::sync::atomic::Ordering::Relaxed);
        for number in 0..10 {
            let before = store.len();
            assert_eq!(revoke(&store, &format!("new {number}"), 9000), Ok(()));
            assert_eq!(store.len(), before + 1 - crate::expiry::LOOKS);
        }
    }
}
