//! Last uses of keys: kept to the minute, and handed to the store in batches.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    hash::ApiKeyHash,
    store::{ApiKeyStore, ApiKeyUse},
    thread::THREAD,
};
use crate::background::BackgroundThread;

/// The minute of a key's last use, in every cached copy of it.
#[derive(Debug, Clone, Default)]
pub(super) struct LastMinute(Arc<AtomicU64>);

impl LastMinute {
    /// Returns the start of the minute, if no use within it was seen before.
    #[inline]
    pub(super) fn advance(&self, now: Duration) -> Option<Duration> {
        let minute = now.as_secs() / MINUTE;
        if self.0.load(Ordering::Relaxed) == minute {
            return None;
        }
        self.0.store(minute, Ordering::Relaxed);
        Some(Duration::from_secs(minute * MINUTE))
    }
}

/// Uses that the store does not know yet.
pub(super) struct LastUses {
    store: Arc<dyn ApiKeyStore>,
    pending: Mutex<PendingUses>,
    /// Pause between two batches.
    pause: Duration,
    thread: Arc<BackgroundThread>,
}

#[derive(Default)]
struct PendingUses {
    uses: HashMap<ApiKeyHash, Duration>,
    /// True while a batch is to be written.
    is_planned: bool,
}

impl LastUses {
    pub(super) fn new(store: Arc<dyn ApiKeyStore>, pause: Duration) -> Self {
        Self { store, pending: Mutex::default(), pause, thread: THREAD.get() }
    }

    /// Notes a use. The store is told after the pause.
    #[cold]
    pub(super) fn note(self: &Arc<Self>, hash: ApiKeyHash, at: Duration) {
        let mut pending = self.pending();
        if pending.uses.len() < MOST || pending.uses.contains_key(&hash) {
            pending.uses.insert(hash, at);
        }
        let is_first = !std::mem::replace(&mut pending.is_planned, true);
        drop(pending);
        if is_first {
            let (weak, pause) = (Arc::downgrade(self), self.pause);
            let is_planned = self.thread.run(move || async move {
                tokio::time::sleep(pause).await;
                if let Some(uses) = weak.upgrade() {
                    uses.hand_over().await;
                }
            });
            // The next use tries again.
            if !is_planned {
                self.pending().is_planned = false;
            }
        }
    }

    fn pending(&self) -> MutexGuard<'_, PendingUses> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn noted(&self) -> Vec<(ApiKeyHash, Duration)> {
        self.pending().uses.iter().map(|(hash, at)| (*hash, *at)).collect()
    }

    async fn hand_over(&self) {
        let batch: Vec<ApiKeyUse> = {
            let mut pending = self.pending();
            pending.is_planned = false;
            pending.uses.drain().map(|(hash, at)| ApiKeyUse::new(hash, at)).collect()
        };
        if self.store.note_used(&batch).await.is_err() {
            tracing::warn!(keys = batch.len(), "the last uses of API keys could not be stored");
            let mut pending = self.pending();
            for ApiKeyUse { hash, at } in batch {
                if pending.uses.len() < MOST {
                    pending.uses.entry(hash).or_insert(at);
                }
            }
        }
    }
}

impl fmt::Debug for LastUses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LastUses").field("store", &self.store).finish_non_exhaustive()
    }
}

const MINUTE: u64 = 60;
/// Number of keys in a batch; the uses of further ones are not noted.
const MOST: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api_keys::{ApiKeyRecord, ManageApiKeys as _, MemoryApiKeys},
        error::StoreUnavailable,
        lookup::{BoxFuture, Lookup},
    };

    /// Fails once.
    #[derive(Debug)]
    struct Failing(AtomicU64, MemoryApiKeys);

    impl ApiKeyStore for Failing {
        fn find(
            &self,
            hash: ApiKeyHash,
        ) -> Lookup<'_, Result<Option<Arc<ApiKeyRecord>>, StoreUnavailable>> {
            self.1.find(hash)
        }

        fn note_used<'a>(
            &'a self,
            uses: &'a [ApiKeyUse],
        ) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
            if self.0.fetch_add(1, Ordering::SeqCst) == 0 {
                return Box::pin(std::future::ready(Err(StoreUnavailable::new())));
            }
            self.1.note_used(uses)
        }
    }

    #[test]
    fn a_minute_counts_once() {
        let last = LastMinute::default();
        assert_eq!(last.advance(Duration::from_secs(125)), Some(Duration::from_secs(120)));
        assert_eq!(last.clone().advance(Duration::from_secs(179)), None);
        assert_eq!(last.advance(Duration::from_secs(180)), Some(Duration::from_secs(180)));
    }

    #[tokio::test]
    async fn uses_are_handed_over_together_and_again_after_a_failure() {
        let memory = MemoryApiKeys::new();
        let hashes = [1, 2].map(|byte| ApiKeyHash::from_bytes([byte; 32]));
        for hash in hashes {
            memory.insert_now(ApiKeyRecord::builder(hash, "s").build().unwrap());
        }
        let store = Arc::new(Failing(AtomicU64::new(0), memory.clone()));
        let uses = Arc::new(LastUses::new(store.clone(), Duration::from_secs(3600)));
        let at = Duration::from_secs;
        uses.note(hashes[0], at(60));
        uses.note(hashes[0], at(120));
        uses.note(hashes[1], at(60));
        uses.hand_over().await;
        uses.note(hashes[1], at(180));
        uses.hand_over().await;
        let mut times: Vec<_> =
            memory.list("s").await.unwrap().into_iter().map(|key| key.last_used).collect();
        times.sort();
        assert_eq!(times, [Some(at(120)), Some(at(180))]);
        assert_eq!(store.0.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn the_first_use_plans_the_batch() {
        let memory = MemoryApiKeys::new();
        let hash = ApiKeyHash::from_bytes([1; 32]);
        memory.insert_now(ApiKeyRecord::builder(hash, "s").build().unwrap());
        let uses = Arc::new(LastUses::new(Arc::new(memory.clone()), Duration::from_millis(1)));
        uses.note(hash, Duration::from_secs(60));
        for _ in 0..500 {
            if memory.list("s").await.unwrap()[0].last_used.is_some() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the use was never handed over");
    }
}
