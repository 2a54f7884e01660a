//! Where fetches run: on a thread that all providers share, since the HTTP client stays on one.

use std::sync::Arc;

pub(super) use crate::background::BackgroundThread as FetchThread;
use crate::background::SharedThread;

static FETCHES: SharedThread = SharedThread::new("jwt-verify-keys");

/// The thread of all providers.
pub(super) fn shared() -> Arc<FetchThread> {
    FETCHES.get()
}
