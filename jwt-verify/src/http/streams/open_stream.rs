//! The state of one open stream.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    task::Waker,
    time::Duration,
};

use crate::http::streams::{
    credential::StreamCredential, end_of_access::EndOfAccess, last_check::LastCheck,
};
use crate::{
    claims::VerifiedToken, clock::Clock, metrics, revocation::RevocationKeys, verifier::Verifier,
};

/// An open stream, shared by its guard and by the table.
pub(crate) struct OpenStream {
    /// Number of the reason why it has ended; zero while it is open.
    end: AtomicU8,
    /// Number of revocations that it was last looked up after.
    changes: AtomicU64,
    state: Mutex<StreamState>,
}

struct StreamState {
    access: StreamAccess,
    /// `None` before the credential was checked once more.
    last_check: Option<LastCheck>,
    wakers: Vec<(u64, Waker)>,
    last_waiter: u64,
}

/// The access that a stream is open by.
#[derive(Clone)]
pub(crate) struct StreamAccess {
    pub(crate) token: Arc<VerifiedToken>,
    /// `exp`, on the wall clock.
    pub(crate) ends_at: Option<Duration>,
    /// That moment on the monotonic clock, as it was foreseen: a wall clock that is set back does not
    /// prolong the access.
    pub(crate) due: Option<Duration>,
    /// Keys under which it can be revoked, if there is a revocation store.
    revocation_keys: Option<Arc<RevocationKeys>>,
    /// Keys under which another login can be demanded, if events may demand one.
    login_keys: Option<Arc<RevocationKeys>>,
    /// The credential, if it can be checked again.
    pub(crate) credential: Option<StreamCredential>,
}

/// No number of revocations.
const NEVER: u64 = u64::MAX;

impl StreamAccess {
    pub(crate) fn new(
        token: Arc<VerifiedToken>,
        credential: Option<StreamCredential>,
        login_keys: Option<Arc<RevocationKeys>>,
        verifier: &Verifier,
    ) -> Self {
        let (clock, claims) = (verifier.clock(), token.claims());
        let revocation_keys = verifier.stream_keys(claims);
        let ends_at = claims.expires_at().map(crate::claims::NumericDate::since_epoch);
        let due = None;
        let mut access = Self { token, ends_at, due, revocation_keys, login_keys, credential };
        access.foresee(clock.now(), clock.monotonic());
        access
    }

    /// Foresees the end anew, after the wall clock was set. It only comes nearer.
    pub(crate) fn foresee(&mut self, wall: Duration, monotonic: Duration) {
        let Some(ends_at) = self.ends_at else { return };
        let due = monotonic.saturating_add(ends_at.saturating_sub(wall));
        self.due = Some(self.due.map_or(due, |known| known.min(due)));
    }

    /// Returns what to look up in the revocation store, and the reason of the end if it is found.
    pub(crate) fn lookups(&self) -> impl Iterator<Item = (&RevocationKeys, EndOfAccess)> {
        let revoked = self.revocation_keys.as_deref().map(|keys| (keys, EndOfAccess::Revoked));
        let login = self.login_keys.as_deref().map(|keys| (keys, EndOfAccess::LoginRequired));
        revoked.into_iter().chain(login)
    }

    fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.token, &other.token)
    }

    fn has_expired(&self, clock: &dyn Clock) -> bool {
        self.ends_at.is_some_and(|end| clock.now() >= end)
            || self.due.is_some_and(|due| clock.monotonic() >= due)
    }
}

impl OpenStream {
    pub(crate) fn new(access: StreamAccess) -> Self {
        let state = StreamState { access, last_check: None, wakers: Vec::new(), last_waiter: 0 };
        Self { end: AtomicU8::new(0), changes: AtomicU64::new(NEVER), state: Mutex::new(state) }
    }

    /// Returns the reason, if the access has ended. Looks at the clock itself, so that nothing
    /// passes after the end however late the sweeper is.
    pub(crate) fn end(&self, clock: &dyn Clock) -> Option<EndOfAccess> {
        let known = EndOfAccess::of_number(self.end.load(Ordering::Acquire));
        known.or_else(|| self.finish_expired(clock))
    }

    /// Ends the stream, if its access has expired.
    pub(super) fn finish_expired(&self, clock: &dyn Clock) -> Option<EndOfAccess> {
        self.finish_if(EndOfAccess::Expired, |access| access.has_expired(clock))
    }

    /// Ends the stream.
    pub(super) fn finish(&self, end: EndOfAccess) {
        self.finish_if(end, |_| true);
    }

    /// Ends the stream, unless another access has replaced the one that has ended.
    pub(super) fn finish_access(&self, access: &StreamAccess, end: EndOfAccess) {
        self.finish_if(end, |current| current.is_same(access));
    }

    /// Ends the stream if its access is what has ended, and wakes what waits for that. The first
    /// reason stays. Returns the reason if the stream has ended.
    fn finish_if(
        &self,
        end: EndOfAccess,
        is_over: impl FnOnce(&StreamAccess) -> bool,
    ) -> Option<EndOfAccess> {
        let wakers = {
            let mut state = self.state();
            let first = EndOfAccess::of_number(self.end.load(Ordering::Acquire));
            if first.is_some() {
                return first;
            }
            if !is_over(&state.access) {
                return None;
            }
            self.end.store(end.number(), Ordering::Release);
            std::mem::take(&mut state.wakers)
        };
        metrics::stream_ended(end.as_str());
        for (_, waker) in wakers {
            waker.wake();
        }
        Some(end)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.end.load(Ordering::Acquire) != 0
    }

    /// Returns `true` if the stream was looked up after this number of revocations.
    pub(super) fn has_seen(&self, changes: u64) -> bool {
        self.changes.load(Ordering::Acquire) == changes
    }

    /// Notes that it was looked up after this number of revocations.
    pub(super) fn note_changes(&self, access: &StreamAccess, changes: u64) {
        let state = self.state();
        if state.access.is_same(access) {
            self.changes.store(changes, Ordering::Release);
        }
    }

    /// Reads the access, and the last check of its credential.
    pub(super) fn with_access<T>(
        &self,
        read: impl FnOnce(&StreamAccess, Option<&LastCheck>) -> T,
    ) -> T {
        let state = self.state();
        read(&state.access, state.last_check.as_ref())
    }

    /// Notes that the credential was accepted once more, unless another has replaced it.
    pub(super) fn note_check(&self, access: &StreamAccess, last: LastCheck) {
        let mut state = self.state();
        if state.access.is_same(access) {
            state.last_check = Some(last);
        }
    }

    /// Replaces the access, unless it has ended. Returns the one before.
    pub(super) fn replace(&self, access: StreamAccess) -> Option<StreamAccess> {
        let mut state = self.state();
        if self.has_ended() {
            return None;
        }
        state.last_check = None;
        self.changes.store(NEVER, Ordering::Release);
        Some(std::mem::replace(&mut state.access, access))
    }

    /// Returns the access that the stream is open by.
    pub(crate) fn access(&self) -> StreamAccess {
        self.state().access.clone()
    }

    /// Foresees the end anew. Returns it on the monotonic clock.
    pub(super) fn foresee(&self, wall: Duration, monotonic: Duration) -> Option<Duration> {
        let mut state = self.state();
        state.access.foresee(wall, monotonic);
        state.access.due
    }

    /// Has a waker woken at the end. `waiter` is zero at first, and then the number of the waiter.
    pub(super) fn wake_at_end(&self, waiter: &mut u64, waker: &Waker) {
        let mut state = self.state();
        if let Some((_, known)) = state.wakers.iter_mut().find(|(number, _)| number == waiter) {
            known.clone_from(waker);
            return;
        }
        if *waiter == 0 {
            state.last_waiter += 1;
            *waiter = state.last_waiter;
        }
        // Mostly one waits, so there is no room for more than that.
        state.wakers.reserve_exact(1);
        state.wakers.push((*waiter, waker.clone()));
    }

    /// Forgets the waker of a waiter.
    pub(super) fn forget_waker(&self, waiter: u64) {
        if waiter != 0 {
            self.state().wakers.retain(|(number, _)| *number != waiter);
        }
    }

    fn state(&self) -> MutexGuard<'_, StreamState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
