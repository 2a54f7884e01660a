//! API keys in the memory of one process.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    hash::ApiKeyHash,
    record::{ApiKeyRecord, InvalidApiKeyRecord},
    store::{ApiKeyStore, ApiKeyUse, ManageApiKeys, StoredApiKey},
};
use crate::{
    error::StoreUnavailable,
    lookup::{BoxFuture, Lookup},
};

/// An [`ApiKeyStore`] in the memory of the process. Clones share their content, which is lost when the
/// process ends.
///
/// For tests, and for keys that the configuration lists. A revoked key is refused at once. The number
/// of records is not limited: only the application adds them.
#[derive(Clone, Default)]
pub struct MemoryApiKeys {
    inner: Arc<MemoryApiKeysInner>,
}

#[derive(Default)]
struct MemoryApiKeysInner {
    content: RwLock<Content>,
    generation: AtomicU64,
}

#[derive(Default)]
struct Content {
    keys: HashMap<ApiKeyHash, StoredApiKey>,
    owners: HashMap<String, Vec<ApiKeyHash>>,
}

impl MemoryApiKeys {
    /// Creates an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a store with the records of a JSON array, such as the value of an environment
    /// variable. See [`ApiKeyRecord::list_from_json`].
    ///
    /// # Errors
    /// The first mistake in the array.
    pub fn from_json(json: &str) -> Result<Self, InvalidApiKeyRecord> {
        let store = Self::new();
        for record in ApiKeyRecord::list_from_json(json)? {
            store.insert_now(record);
        }
        Ok(store)
    }

    /// Adds a record at once. Returns `false` if there is one with this hash.
    pub fn insert_now(&self, record: ApiKeyRecord) -> bool {
        self.write().insert(record)
    }

    /// Returns the number of records, expired ones included.
    pub fn len(&self) -> usize {
        self.read().keys.len()
    }

    /// Returns `true` if there is no record.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn read(&self) -> RwLockReadGuard<'_, Content> {
        self.inner.content.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Content> {
        self.inner.content.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes cached keys be looked up again.
    fn changed(&self) {
        self.inner.generation.fetch_add(1, Ordering::Release);
    }
}

impl Content {
    fn insert(&mut self, record: ApiKeyRecord) -> bool {
        let (hash, owner) = (record.hash(), record.subject().to_owned());
        if self.keys.contains_key(&hash) {
            return false;
        }
        self.keys.insert(hash, StoredApiKey::new(Arc::new(record), None));
        self.owners.entry(owner).or_default().push(hash);
        true
    }

    fn rotate(&mut self, replaced: ApiKeyHash, next: &ApiKeyRecord, expires_at: Duration) -> bool {
        let is_taken = self.keys.contains_key(&next.hash());
        let Some(old) = self.keys.get_mut(&replaced) else { return false };
        if is_taken || old.record.subject() != next.subject() {
            return false;
        }
        old.record = Arc::new(old.record.expiring_at(expires_at));
        self.insert(next.clone())
    }

    fn remove(&mut self, hash: ApiKeyHash) -> bool {
        let Some(removed) = self.keys.remove(&hash) else { return false };
        let owner = removed.record.subject();
        if let Some(hashes) = self.owners.get_mut(owner) {
            hashes.retain(|known| *known != hash);
            if hashes.is_empty() {
                self.owners.remove(owner);
            }
        }
        true
    }
}

fn ready<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, Result<T, StoreUnavailable>> {
    Box::pin(std::future::ready(Ok(value)))
}

impl ApiKeyStore for MemoryApiKeys {
    fn find(
        &self,
        hash: ApiKeyHash,
    ) -> Lookup<'_, Result<Option<Arc<ApiKeyRecord>>, StoreUnavailable>> {
        Lookup::Ready(Ok(self.read().keys.get(&hash).map(|stored| stored.record.clone())))
    }

    fn generation(&self) -> Option<u64> {
        Some(self.inner.generation.load(Ordering::Acquire))
    }

    fn note_used<'a>(
        &'a self,
        uses: &'a [ApiKeyUse],
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        let mut content = self.write();
        for one in uses {
            if let Some(stored) = content.keys.get_mut(&one.hash) {
                stored.last_used = stored.last_used.max(Some(one.at));
            }
        }
        ready(())
    }
}

impl ManageApiKeys for MemoryApiKeys {
    fn insert<'a>(
        &'a self,
        record: &'a ApiKeyRecord,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>> {
        ready(self.insert_now(record.clone()))
    }

    fn list<'a>(
        &'a self,
        subject: &'a str,
    ) -> BoxFuture<'a, Result<Vec<StoredApiKey>, StoreUnavailable>> {
        let content = self.read();
        let hashes = content.owners.get(subject).into_iter().flatten();
        ready(hashes.filter_map(|hash| content.keys.get(hash).cloned()).collect())
    }

    fn rotate<'a>(
        &'a self,
        replaced: ApiKeyHash,
        successor: &'a ApiKeyRecord,
        expires_at: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>> {
        let rotated = self.write().rotate(replaced, successor, expires_at);
        self.changed();
        ready(rotated)
    }

    fn revoke(&self, hash: ApiKeyHash) -> BoxFuture<'_, Result<bool, StoreUnavailable>> {
        let removed = self.write().remove(hash);
        self.changed();
        ready(removed)
    }
}

impl fmt::Debug for MemoryApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryApiKeys").field("len", &self.len()).finish_non_exhaustive()
    }
}
