//! The thread for work on API keys that no request waits for.

use crate::background::SharedThread;

pub(super) static THREAD: SharedThread = SharedThread::new("jwt-verify-api-keys");
