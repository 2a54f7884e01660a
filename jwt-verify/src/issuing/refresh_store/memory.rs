//! Refresh store in the memory of one process.

use std::{collections::VecDeque, fmt, sync::Arc, time::Duration};

use dashmap::{DashMap, Entry};

use super::REPLACED;
use crate::issuing::refresh_store::{RefreshStore, Rotation, RotationOutcome, SessionRecord};
use crate::{
    clock::{Clock, SystemClock},
    expiry::Agenda,
};
use crate::{error::StoreUnavailable, lookup::BoxFuture};

/// A [`RefreshStore`] in the memory of the process. Clones share their content, which is lost when
/// the process ends: all users have to log in again then.
///
/// Expired sessions are removed when others are created, those of at most eight subjects at a time.
/// There are as many entries as subjects with a session, and as many sessions of each as
/// [`SessionsBuilder::sessions_per_subject`](crate::sessions::SessionsBuilder::sessions_per_subject) allows.
#[derive(Clone)]
pub struct MemoryRefreshStore {
    inner: Arc<MemoryRefreshStoreInner>,
}

struct MemoryRefreshStoreInner {
    /// All operations on the sessions of a subject lock its entry, so each is one step. An entry
    /// without sessions stays until its next check.
    subjects: DashMap<Arc<str>, Vec<Session>>,
    /// One check for each entry.
    agenda: Agenda<Arc<str>>,
    clock: Arc<dyn Clock>,
}

struct Session {
    id: String,
    begun_at: Duration,
    current: String,
    /// Previous tokens, newest last, with the time at which each was replaced.
    replaced: VecDeque<(String, Duration)>,
    until: Duration,
}

impl Default for MemoryRefreshStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryRefreshStore {
    /// Creates an empty store.
    pub fn new() -> Self {
        Self::with_clock(SystemClock::new())
    }

    /// Creates an empty store with another clock than the system clock.
    pub fn with_clock(clock: impl Clock) -> Self {
        Self::with_shared_clock(Arc::new(clock))
    }

    pub(in crate::issuing) fn with_shared_clock(clock: Arc<dyn Clock>) -> Self {
        let inner =
            MemoryRefreshStoreInner { subjects: DashMap::new(), agenda: Agenda::new(), clock };
        Self { inner: Arc::new(inner) }
    }

    /// Returns the number of stored sessions, some of which may have expired. It counts one by one,
    /// so do not call it often.
    pub fn len(&self) -> usize {
        self.inner.subjects.iter().map(|sessions| sessions.len()).sum()
    }

    /// Returns `true` if there is no session.
    pub fn is_empty(&self) -> bool {
        self.inner.subjects.iter().all(|sessions| sessions.is_empty())
    }

    fn begin_now(&self, record: &SessionRecord) -> Vec<String> {
        let now = self.inner.clock.now();
        self.forget_some(now);
        let SessionRecord { session_id, subject, current, begun_at, until, most } = record.clone();
        let (id, replaced) = (session_id, VecDeque::new());
        let session = Session { id, begun_at, current, replaced, until };
        match self.inner.subjects.entry(subject.into()) {
            Entry::Occupied(mut entry) => {
                let sessions = entry.get_mut();
                sessions.retain(|known| now < known.until && known.id != session.id);
                let mut ended = Vec::new();
                while sessions.len() >= most.max(1) {
                    ended.extend(remove_oldest(sessions));
                }
                sessions.push(session);
                ended
            }
            Entry::Vacant(entry) => {
                self.inner.agenda.plan(until, entry.key().clone());
                entry.insert(vec![session]);
                Vec::new()
            }
        }
    }

    fn forget_some(&self, now: Duration) {
        for subject in self.inner.agenda.due(now) {
            if let Entry::Occupied(mut entry) = self.inner.subjects.entry(subject) {
                entry.get_mut().retain(|session| now < session.until);
                match entry.get().iter().map(|session| session.until).min() {
                    Some(next) => self.inner.agenda.plan(next, entry.key().clone()),
                    None => drop(entry.remove()),
                }
            }
        }
    }

    fn rotate_now(&self, rotation: &Rotation<'_>) -> RotationOutcome {
        let Some(mut sessions) = self.inner.subjects.get_mut(rotation.subject) else {
            return RotationOutcome::Unknown;
        };
        let is_it = |session: &Session| session.id == rotation.session_id;
        let Some(session) = sessions.iter_mut().find(|session| is_it(session)) else {
            return RotationOutcome::Unknown;
        };
        if session.until <= rotation.now {
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
        sessions.retain(|session| !is_it(session));
        RotationOutcome::Reused
    }

    /// Ends the selected sessions, and returns those of them that had not expired.
    fn end_now(&self, subject: &str, is_meant: impl Fn(&Session) -> bool) -> Vec<String> {
        let now = self.inner.clock.now();
        let Some(mut sessions) = self.inner.subjects.get_mut(subject) else { return Vec::new() };
        let mut ended = Vec::new();
        sessions.retain(|session| {
            let stays = now < session.until && !is_meant(session);
            if !stays && now < session.until {
                ended.push(session.id.clone());
            }
            stays
        });
        ended
    }
}

/// Ends the oldest session.
fn remove_oldest(sessions: &mut Vec<Session>) -> Option<String> {
    let (place, _) = sessions.iter().enumerate().min_by_key(|(_, session)| session.begun_at)?;
    Some(sessions.remove(place).id)
}

fn ready<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, Result<T, StoreUnavailable>> {
    Box::pin(std::future::ready(Ok(value)))
}

impl RefreshStore for MemoryRefreshStore {
    fn begin<'a>(
        &'a self,
        session: &'a SessionRecord,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreUnavailable>> {
        ready(self.begin_now(session))
    }

    fn rotate<'a>(
        &'a self,
        rotation: &'a Rotation<'a>,
    ) -> BoxFuture<'a, Result<RotationOutcome, StoreUnavailable>> {
        ready(self.rotate_now(rotation))
    }

    fn end<'a>(
        &'a self,
        subject: &'a str,
        session_id: &'a str,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>> {
        ready(!self.end_now(subject, |session| session.id == session_id).is_empty())
    }

    fn end_all<'a>(
        &'a self,
        subject: &'a str,
        except: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreUnavailable>> {
        ready(self.end_now(subject, |session| except != Some(session.id.as_str())))
    }

    fn sessions_of<'a>(
        &'a self,
        subject: &'a str,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreUnavailable>> {
        let now = self.inner.clock.now();
        let sessions = self.inner.subjects.get(subject);
        let alive = sessions.iter().flat_map(|sessions| sessions.iter());
        let alive = alive.filter(|session| now < session.until);
        ready(alive.map(|session| session.id.clone()).collect())
    }
}

impl fmt::Debug for MemoryRefreshStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryRefreshStore").finish_non_exhaustive()
    }
}
