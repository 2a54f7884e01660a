//! Thread for fetches, shared by all providers, since the HTTP client cannot leave its thread.

use std::sync::Arc;

use crate::background::SharedThread;

pub(super) use crate::background::BackgroundThread as FetchThread;

static FETCHES: SharedThread = SharedThread::new("jwt-verify-keys");

/// Returns the thread of all providers, and starts it if necessary.
pub(super) fn shared() -> Arc<FetchThread> {
    FETCHES.get()
}
