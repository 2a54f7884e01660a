//! The task that ends the streams of a `JwtAuth`.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

use crate::http::{
    auth::context::{AuthContext, WeakContext},
    streams::{
        check_rounds::CheckRounds,
        end_of_access::EndOfAccess,
        recheck::Look,
        table::{StreamTable, StreamsOfAuth},
    },
};
use crate::{background::SharedThread, changes::Changes, error::AuthError};

/// Longest time between two looks while streams are open: a wall clock that is set is noticed by
/// then.
const TICK: Duration = Duration::from_millis(500);

/// Shortest time between two looks, which streams that end one after the other share.
const PAUSE: Duration = Duration::from_millis(10);

/// Pause of a caller whose stream could not be watched.
pub(super) const RETRY: Duration = Duration::from_secs(1);

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
        let mut earliest = Instant::now();
        let mut last_changes = None;
        // A look because of revocations, and one without.
        let (mut early_look, mut next_look) = (earliest, earliest);
        let mut rounds = CheckRounds::default();
        loop {
            sleep_until(earliest).await;
            let Some(context) = self.context.upgrade() else { return };
            let verifier = context.verifier().clone();
            let clock = verifier.clock();
            let moves = clock.moves().map(|moves| (moves, moves.count()));
            let changes = verifier.revocation_changes().map(|changes| (changes, changes.count()));
            let start = Instant::now();
            let next = self.table.end_expired(&**clock);
            let is_news = changes.map(|(_, count)| count) != last_changes;
            let look_at = if is_news { early_look.min(next_look) } else { next_look };
            if next.is_some() && start >= look_at {
                last_changes = changes.map(|(_, count)| count);
                let look = Look::now(&verifier);
                let streams = self.table.all();
                let to_check = streams.into_iter().filter(|stream| look.at(&verifier, stream));
                rounds.start(&context, to_check.collect());
                // However many streams and revocations there are, most of the time of the thread is free.
                next_look = start + TICK.max(start.elapsed() * 4);
                if is_news {
                    early_look = start + start.elapsed() * 10;
                }
            }
            drop(context);
            earliest = start + PAUSE;
            let is_news = changes.map(|(_, count)| count) != last_changes;
            let look_at = if is_news { early_look.min(next_look) } else { next_look };
            let time_passed = async {
                match next {
                    Some(next) => sleep_until(look_at.min(start + next.min(TICK))).await,
                    // Without streams there is nothing to look at.
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = time_passed => {}
                () = after(moves), if next.is_some() => {}
                () = after(changes), if next.is_some() => {}
                () = self.table.news.notified() => {}
                () = rounds.finished() => {}
            }
        }
    }
}

/// Waits for another change than these.
async fn after(known: Option<(&Changes, u64)>) {
    match known {
        Some((changes, known)) => changes.after(known).await,
        None => std::future::pending().await,
    }
}

/// Streams that are no longer watched end.
impl Drop for Sweeper {
    fn drop(&mut self) {
        self.table.is_swept.store(false, Ordering::Release);
        self.table.end_all(EndOfAccess::Unavailable);
    }
}
