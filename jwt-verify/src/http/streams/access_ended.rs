//! The future of the end.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use crate::http::{
    auth::context::AuthContext,
    streams::{end_of_access::EndOfAccess, open_stream::OpenStream, recheck::check_revocation},
};

/// A stream in the table, for as long as something refers to it.
pub(super) struct Watched {
    pub(super) context: AuthContext,
    pub(super) number: u64,
    pub(super) stream: Arc<OpenStream>,
}

impl Watched {
    /// Returns the reason, if the access has ended. It looks at the clock, and at the revocations if
    /// there are new ones, so that nothing passes after the end however late the sweeper is.
    pub(super) fn end(&self) -> Option<EndOfAccess> {
        let verifier = self.context.verifier();
        let clock = &**verifier.clock();
        self.stream.end(clock).or_else(|| {
            let changes = verifier.revocation_changes()?.count();
            if self.stream.has_seen(changes) {
                return None;
            }
            check_revocation(verifier, &self.stream, Some(changes));
            self.stream.end(clock)
        })
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.context.streams().table.remove(self.number);
    }
}

/// Future that is ready at the end of the access; see
/// [`StreamGuard::ended`](crate::streams::StreamGuard::ended).
#[must_use = "a future does nothing unless it is awaited"]
pub struct AccessEnded {
    watched: Arc<Watched>,
    /// Number among those that wait; zero before the first poll.
    waiter: u64,
}

impl AccessEnded {
    pub(super) fn of(watched: Arc<Watched>) -> Self {
        Self { watched, waiter: 0 }
    }
}

impl Future for AccessEnded {
    type Output = EndOfAccess;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<EndOfAccess> {
        let Self { watched, waiter } = &mut *self;
        if let Some(end) = watched.end() {
            return Poll::Ready(end);
        }
        watched.stream.wake_at_end(waiter, context.waker());
        // It may have ended in between.
        watched.end().map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for AccessEnded {
    fn drop(&mut self) {
        self.watched.stream.forget_waker(self.waiter);
    }
}

impl fmt::Debug for AccessEnded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AccessEnded").field(&self.watched.end()).finish()
    }
}
