//! The state of one open stream.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    task::Waker,
    time::Duration,
};

use crate::http::streams::end_of_access::EndOfAccess;
use crate::{claims::VerifiedToken, clock::Clock};

/// An open stream, shared by its guard and by the table.
pub(crate) struct OpenStream {
    /// Number of the reason why it has ended; zero while it is open.
    end: AtomicU8,
    state: Mutex<StreamState>,
}

struct StreamState {
    access: StreamAccess,
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
}

impl StreamAccess {
    pub(crate) fn new(token: Arc<VerifiedToken>, clock: &dyn Clock) -> Self {
        let ends_at = token.claims().expires_at().map(crate::claims::NumericDate::since_epoch);
        let mut access = Self { token, ends_at, due: None };
        access.foresee(clock.now(), clock.monotonic());
        access
    }

    /// Foresees the end anew, after the wall clock was set. It only comes nearer.
    pub(crate) fn foresee(&mut self, wall: Duration, monotonic: Duration) {
        let Some(ends_at) = self.ends_at else { return };
        let due = monotonic.saturating_add(ends_at.saturating_sub(wall));
        self.due = Some(self.due.map_or(due, |known| known.min(due)));
    }

    fn has_expired(&self, clock: &dyn Clock) -> bool {
        self.ends_at.is_some_and(|end| clock.now() >= end)
            || self.due.is_some_and(|due| clock.monotonic() >= due)
    }
}

impl OpenStream {
    pub(crate) fn new(access: StreamAccess) -> Self {
        let state = StreamState { access, wakers: Vec::new(), last_waiter: 0 };
        Self { end: AtomicU8::new(0), state: Mutex::new(state) }
    }

    /// Returns the reason, if the access has ended. Looks at the clock itself, so that nothing
    /// passes after the end however late the sweeper is.
    pub(crate) fn end(&self, clock: &dyn Clock) -> Option<EndOfAccess> {
        let known = EndOfAccess::of_number(self.end.load(Ordering::Acquire));
        if known.is_none() && self.state().access.has_expired(clock) {
            return Some(self.finish(EndOfAccess::Expired));
        }
        known
    }

    /// Ends the stream, and wakes what waits for that. The first reason stays; returns it.
    pub(crate) fn finish(&self, end: EndOfAccess) -> EndOfAccess {
        let wakers = {
            let mut state = self.state();
            let first =
                self.end.compare_exchange(0, end.number(), Ordering::AcqRel, Ordering::Acquire);
            if let Err(first) = first {
                return EndOfAccess::of_number(first).unwrap_or(end);
            }
            std::mem::take(&mut state.wakers)
        };
        wakers.into_iter().for_each(|(_, waker)| waker.wake());
        end
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
        match state.wakers.iter_mut().find(|(number, _)| number == waiter) {
            Some((_, known)) => known.clone_from(waker),
            None => {
                if *waiter == 0 {
                    state.last_waiter += 1;
                    *waiter = state.last_waiter;
                }
                // Mostly one waits, so there is no room for more than that.
                state.wakers.reserve_exact(1);
                state.wakers.push((*waiter, waker.clone()));
            }
        }
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
