//! Revocations of one process.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use dashmap::DashMap;

use super::{Revocation, RevocationFuture, RevocationLookup, RevocationStore, TokenMarks};
use crate::{Clock, SystemClock, limits::MAX_LEEWAY};

/// A [`RevocationStore`] in the memory of the process. Clones share their content.
///
/// It forgets what it is told to forget at its time, and everything when the process ends: tokens
/// that were revoked are good again then, until they expire. Use it with one instance and tokens
/// that live for minutes.
#[derive(Clone)]
pub struct MemoryRevocation {
    inner: Arc<Inner>,
}

struct Inner {
    entries: DashMap<Box<str>, Entry>,
    written: AtomicUsize,
    clock: Arc<dyn Clock>,
}

#[derive(Clone, Copy)]
struct Entry {
    issued_until: Option<Duration>,
    /// On the wall clock, as the tokens' own dates are.
    until: Duration,
}

impl Default for MemoryRevocation {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryRevocation {
    /// An empty store.
    pub fn new() -> Self {
        Self::with_clock(SystemClock::new())
    }

    /// The same with another clock than the system's.
    pub fn with_clock(clock: impl Clock) -> Self {
        Self::with_shared_clock(Arc::new(clock))
    }

    pub(super) fn with_shared_clock(clock: Arc<dyn Clock>) -> Self {
        let (entries, written) = (DashMap::new(), AtomicUsize::new(0));
        Self { inner: Arc::new(Inner { entries, written, clock }) }
    }

    /// How many revocations are remembered.
    pub fn len(&self) -> usize {
        self.inner.entries.len()
    }

    /// Whether nothing is revoked.
    pub fn is_empty(&self) -> bool {
        self.inner.entries.is_empty()
    }
}

/// After how many revocations those that are over are looked for.
const SWEEP: usize = 1024;

impl RevocationStore for MemoryRevocation {
    fn check<'a>(&'a self, marks: &'a TokenMarks) -> RevocationLookup<'a> {
        let now = self.inner.clock.now();
        let is_revoked = marks.names().any(|name| {
            let entry = self.inner.entries.get(name).map(|entry| *entry);
            entry.is_some_and(|entry| now < entry.until && marks.is_revoked_by(entry.issued_until))
        });
        RevocationLookup::Ready(Ok(is_revoked))
    }

    fn revoke<'a>(&'a self, what: &'a Revocation, until: Duration) -> RevocationFuture<'a, ()> {
        self.note(what.mark(), what.issued_until(), until);
        Box::pin(std::future::ready(Ok(())))
    }

    fn is_local(&self) -> bool {
        true
    }
}

impl MemoryRevocation {
    /// Remembers what is kept under a name.
    pub(super) fn note(&self, mark: &str, issued_until: Option<Duration>, until: Duration) {
        let now = self.inner.clock.now();
        if self.inner.written.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            self.inner.entries.retain(|_, entry| now < entry.until);
        }
        // Tokens are accepted for a while after they have expired.
        let new = Entry { issued_until, until: until.saturating_add(MAX_LEEWAY) };
        // What is revoked already does not come back: the later of two moments counts, and no moment
        // at all is later than any.
        self.inner
            .entries
            .entry(mark.into())
            .and_modify(|entry| {
                let both = entry.issued_until.zip(new.issued_until);
                entry.issued_until = both.map(|(one, other)| one.max(other));
                entry.until = entry.until.max(new.until);
            })
            .or_insert(new);
    }
}

impl fmt::Debug for MemoryRevocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryRevocation").field("len", &self.len()).finish_non_exhaustive()
    }
}
