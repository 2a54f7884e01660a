//! A counter of changes that can be waited for.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::Notify;

/// Counts changes of something, and wakes what waits for one. Clones count together.
///
/// A [`RevocationStore`](crate::revocation::RevocationStore) of your own returns one in
/// [`changes`](crate::revocation::RevocationStore::changes), so that streams end at once, if it
/// [`is_immediate`](crate::revocation::RevocationStore::is_immediate).
#[derive(Debug, Clone, Default)]
pub struct Changes {
    inner: Arc<ChangesInner>,
}

#[derive(Debug, Default)]
struct ChangesInner {
    count: AtomicU64,
    noted: Notify,
}

impl Changes {
    /// Creates a counter without changes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a change. Call it after the change can be seen.
    pub fn note(&self) {
        self.inner.count.fetch_add(1, Ordering::SeqCst);
        self.inner.noted.notify_waiters();
    }

    /// Returns the number of changes so far.
    pub(crate) fn count(&self) -> u64 {
        self.inner.count.load(Ordering::SeqCst)
    }

    /// Waits until there are other changes than these.
    pub(crate) async fn after(&self, known: u64) {
        loop {
            // Takes part from here on, so that no change between the look and the wait is missed.
            let noted = self.inner.noted.notified();
            if self.count() != known {
                return;
            }
            noted.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_before_the_wait_ends_it_at_once_and_one_during_it_too() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let changes = Changes::new();
            let known = changes.count();
            changes.note();
            changes.after(known).await;
            let known = changes.count();
            let other = changes.clone();
            let waiting = async { changes.after(known).await };
            let noting = async { other.note() };
            tokio::join!(waiting, noting);
            assert_eq!(changes.count(), known + 1);
        });
    }
}
