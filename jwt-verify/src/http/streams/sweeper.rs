//! The task that ends the streams of a `JwtAuth`.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::sleep;

use crate::http::{
    auth::context::{AuthContext, WeakContext},
    streams::{
        end_of_access::EndOfAccess,
        table::{StreamTable, StreamsOfAuth},
    },
};
use crate::{background::SharedThread, clock::Clock, error::AuthError};

/// Longest time between two looks while streams are open: a wall clock that is set is noticed by
/// then.
const TICK: Duration = Duration::from_millis(500);

/// Shortest time between two looks, which streams that end one after the other share.
const PAUSE: Duration = Duration::from_millis(10);

/// Pause of a caller whose stream could not be watched.
const RETRY: Duration = Duration::from_secs(1);

static THREAD: SharedThread = SharedThread::new("jwt-streams");

/// Starts the sweeper of a `JwtAuth`, unless it runs.
///
/// # Errors
/// [`AuthError::Unavailable`] if there is no thread for it: a stream that is not watched is not
/// opened.
pub(super) fn start(context: &AuthContext) -> Result<(), AuthError> {
    let StreamsOfAuth { table, thread } = context.streams();
    if table.is_swept.swap(true, Ordering::AcqRel) {
        return Ok(());
    }
    let sweeper = Sweeper { context: context.downgrade(), table: table.clone() };
    if thread.get_or_init(|| THREAD.get()).run(move || sweeper.run()) {
        Ok(())
    } else {
        Err(AuthError::Unavailable { retry_after: RETRY })
    }
}

struct Sweeper {
    context: WeakContext,
    table: Arc<StreamTable>,
}

impl Sweeper {
    async fn run(self) {
        while let Some(clock) = self.clock() {
            let moves = clock.moves().map(|moves| (moves, moves.count()));
            let next = self.table.end_expired(&*clock);
            let clock_moved = async {
                match moves {
                    Some((moves, known)) => moves.after(known).await,
                    None => std::future::pending().await,
                }
            };
            let time_passed = async {
                match next {
                    Some(next) => sleep(next.clamp(PAUSE, TICK)).await,
                    // Without streams there is nothing to look at.
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = time_passed => {}
                () = clock_moved, if next.is_some() => {}
                () = self.table.news.notified() => {}
            }
        }
    }

    fn clock(&self) -> Option<Arc<dyn Clock>> {
        self.context.verifier().map(|verifier| verifier.clock().clone())
    }
}

/// Streams that are no longer watched end.
impl Drop for Sweeper {
    fn drop(&mut self) {
        self.table.is_swept.store(false, Ordering::Release);
        self.table.end_all(EndOfAccess::Unavailable);
    }
}
