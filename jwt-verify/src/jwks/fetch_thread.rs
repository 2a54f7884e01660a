//! Threads for requests to issuers, since the HTTP client cannot leave its thread.

use std::sync::Arc;

use crate::background::SharedThread;

pub(super) use crate::background::BackgroundThread as FetchThread;

static FETCHES: SharedThread = SharedThread::new("jwt-verify-keys");
static QUESTIONS: SharedThread = SharedThread::new("jwt-verify-ask");

/// Returns the thread of all providers, and starts it if necessary.
pub(super) fn shared() -> Arc<FetchThread> {
    FETCHES.get()
}

/// Returns the thread for questions about tokens, which callers can cause: however many there are,
/// fetches of keys do not wait for them.
pub(super) fn for_questions() -> Arc<FetchThread> {
    QUESTIONS.get()
}
