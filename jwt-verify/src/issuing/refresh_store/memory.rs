//! Sessions of one process.

use std::{
    collections::{HashSet, VecDeque},
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use dashmap::{DashMap, Entry};

use super::{REPLACED, RefreshFuture, RefreshStore, Rotation, RotationOutcome, SessionRecord};
use crate::{Clock, SystemClock};

/// A [`RefreshStore`] in the memory of the process. Clones share their content, which is gone with
/// the process: everybody logs in again then.
#[derive(Clone)]
pub struct MemoryRefreshStore {
    inner: Arc<Inner>,
}

struct Inner {
    sessions: DashMap<String, Session>,
    of_subject: DashMap<String, HashSet<String>>,
    begun: AtomicUsize,
    clock: Arc<dyn Clock>,
}

struct Session {
    subject: String,
    current: String,
    /// What was current before, newest last, with the time at which it was replaced.
    replaced: VecDeque<(String, Duration)>,
    until: Duration,
}

impl Default for MemoryRefreshStore {
    fn default() -> Self {
        Self::new()
    }
}

/// After how many sessions those that are over are looked for.
const SWEEP: usize = 1024;

impl MemoryRefreshStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::with_clock(SystemClock::new())
    }

    /// The same with another clock than the system's.
    pub fn with_clock(clock: impl Clock) -> Self {
        Self::with_shared_clock(Arc::new(clock))
    }

    pub(in crate::issuing) fn with_shared_clock(clock: Arc<dyn Clock>) -> Self {
        let inner = Inner {
            sessions: DashMap::new(),
            of_subject: DashMap::new(),
            begun: AtomicUsize::new(0),
            clock,
        };
        Self { inner: Arc::new(inner) }
    }

    /// How many sessions are kept, some of which may be over.
    pub fn len(&self) -> usize {
        self.inner.sessions.len()
    }

    /// Whether there is no session.
    pub fn is_empty(&self) -> bool {
        self.inner.sessions.is_empty()
    }

    fn forget(&self, subject: &str, session_id: &str) {
        if let Entry::Occupied(mut sessions) = self.inner.of_subject.entry(subject.to_owned()) {
            sessions.get_mut().remove(session_id);
            if sessions.get().is_empty() {
                sessions.remove();
            }
        }
    }

    fn sweep(&self) {
        let now = self.inner.clock.now();
        let mut over = Vec::new();
        self.inner.sessions.retain(|id, session| {
            let is_over = session.until <= now;
            if is_over {
                over.push((session.subject.clone(), id.clone()));
            }
            !is_over
        });
        for (subject, id) in over {
            self.forget(&subject, &id);
        }
    }

    fn rotate_now(&self, rotation: &Rotation<'_>) -> RotationOutcome {
        let Entry::Occupied(mut entry) = self.inner.sessions.entry(rotation.session_id.to_owned())
        else {
            return RotationOutcome::Unknown;
        };
        let session = entry.get_mut();
        if session.until <= rotation.now || session.subject != rotation.subject {
            return RotationOutcome::Unknown;
        }
        let in_grace = |at: &Duration| rotation.now < at.saturating_add(rotation.grace);
        if session.current == rotation.presented {
            let before = std::mem::replace(&mut session.current, rotation.next.to_owned());
            session.replaced.retain(|(_, at)| in_grace(at));
            if session.replaced.len() == REPLACED {
                session.replaced.pop_front();
            }
            session.replaced.push_back((before, rotation.now));
            session.until = rotation.until;
            return RotationOutcome::Rotated;
        }
        if session.replaced.iter().any(|(id, at)| id == rotation.presented && in_grace(at)) {
            return RotationOutcome::Repeated;
        }
        entry.remove();
        self.forget(rotation.subject, rotation.session_id);
        RotationOutcome::Reused
    }
}

impl RefreshStore for MemoryRefreshStore {
    fn begin<'a>(&'a self, session: &'a SessionRecord) -> RefreshFuture<'a, ()> {
        if self.inner.begun.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            self.sweep();
        }
        let SessionRecord { session_id, subject, current, until } = session.clone();
        self.inner.of_subject.entry(subject.clone()).or_default().insert(session_id.clone());
        let session = Session { subject, current, replaced: VecDeque::new(), until };
        self.inner.sessions.insert(session_id, session);
        Box::pin(std::future::ready(Ok(())))
    }

    fn rotate<'a>(&'a self, rotation: &'a Rotation<'a>) -> RefreshFuture<'a, RotationOutcome> {
        Box::pin(std::future::ready(Ok(self.rotate_now(rotation))))
    }

    fn end<'a>(&'a self, subject: &'a str, session_id: &'a str) -> RefreshFuture<'a, ()> {
        self.inner.sessions.remove_if(session_id, |_, session| session.subject == subject);
        self.forget(subject, session_id);
        Box::pin(std::future::ready(Ok(())))
    }

    fn sessions_of<'a>(&'a self, subject: &'a str) -> RefreshFuture<'a, Vec<String>> {
        let sessions = self.inner.of_subject.get(subject);
        let sessions = sessions.map(|ids| ids.iter().cloned().collect()).unwrap_or_default();
        Box::pin(std::future::ready(Ok(sessions)))
    }
}

impl fmt::Debug for MemoryRefreshStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryRefreshStore").field("len", &self.len()).finish_non_exhaustive()
    }
}
