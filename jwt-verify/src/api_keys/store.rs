//! Stores of keys.

use std::{fmt, sync::Arc, time::Duration};

use super::{hash::ApiKeyHash, record::ApiKeyRecord};
use crate::{
    error::StoreUnavailable,
    lookup::{BoxFuture, Lookup},
};

/// Finds the records of API keys by their hashes.
///
/// A request with a key that is not cached causes one call of [`find`](Self::find), and none if the
/// form of the key is wrong. A store with a [`generation`](Self::generation) may be called more often:
/// its answer is expected to be ready. [`MemoryApiKeys`](super::MemoryApiKeys) is for one process,
/// [`FileApiKeys`](super::FileApiKeys) reads a file, `RedisApiKeys` is for several instances.
/// Implement it for other stores, such as a database table, and test the implementation with
/// `testing::api_key_store`.
///
/// Any caller can make up keys of the right form, each of which causes a call: limit how many are
/// pending. Requests wait for the answer without a time limit: a store has to limit its own time. An
/// error means that the state is unknown, and the response is 503.
pub trait ApiKeyStore: fmt::Debug + Send + Sync + 'static {
    /// Returns the record with this hash. An expired one may be returned, and refused, or forgotten.
    fn find(
        &self,
        hash: ApiKeyHash,
    ) -> Lookup<'_, Result<Option<Arc<ApiKeyRecord>>, StoreUnavailable>>;

    /// Returns a number that changes with every record that is changed or removed, if the store
    /// knows of all such changes at once, without a remote call. Called on every request.
    ///
    /// A cached key is accepted as long as the number stays, so a revocation counts for the next
    /// request. Default: `None`; a cached key is accepted for the time that
    /// [`ApiKeysBuilder::cache_ttl`](super::ApiKeysBuilder::cache_ttl) sets.
    fn generation(&self) -> Option<u64> {
        None
    }

    /// Notes when keys were used last. Called at most once a minute, in the background, with each
    /// key at most once; never by a request. Default: does nothing.
    ///
    /// After an error the same uses are handed over again, together with later ones.
    fn note_used<'a>(
        &'a self,
        uses: &'a [ApiKeyUse],
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        let _ = uses;
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Changes the records of API keys: to create, list, rotate and revoke them.
///
/// The owner's name protects nothing by itself: before a call, check that the caller may manage the
/// keys of that owner.
pub trait ManageApiKeys: ApiKeyStore {
    /// Adds a record, and returns `true`, unless there is one with this hash already.
    fn insert<'a>(
        &'a self,
        record: &'a ApiKeyRecord,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>>;

    /// Returns the keys of an owner, expired ones included as long as the store has them.
    fn list<'a>(
        &'a self,
        subject: &'a str,
    ) -> BoxFuture<'a, Result<Vec<StoredApiKey>, StoreUnavailable>>;

    /// Adds a successor of a key, and lets the key itself expire at this time since the epoch, unless
    /// it expires before: both are accepted until then. **In one step**: if the key is not there, has
    /// another owner than its successor, or if the successor's hash is taken, nothing changes and
    /// the result is `false`.
    fn rotate<'a>(
        &'a self,
        replaced: ApiKeyHash,
        successor: &'a ApiKeyRecord,
        expires_at: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>>;

    /// Removes a key, and returns `true` if it was there. Once it returns, no instance finds the key;
    /// for cached keys see [`generation`](ApiKeyStore::generation).
    fn revoke(&self, hash: ApiKeyHash) -> BoxFuture<'_, Result<bool, StoreUnavailable>>;
}

/// The last use of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiKeyUse {
    /// Hash of the key.
    pub hash: ApiKeyHash,
    /// Time of the use since the epoch, in whole minutes.
    pub at: Duration,
}

impl ApiKeyUse {
    /// Makes a use, for the test of a store.
    pub const fn new(hash: ApiKeyHash, at: Duration) -> Self {
        Self { hash, at }
    }
}

/// A key in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredApiKey {
    /// The record.
    pub record: Arc<ApiKeyRecord>,
    /// Time of its last use since the epoch, to the minute. `None` if it has not been used or the
    /// store does not note it.
    pub last_used: Option<Duration>,
}

impl StoredApiKey {
    /// Makes an entry of a list, for a store of your own.
    pub const fn new(record: Arc<ApiKeyRecord>, last_used: Option<Duration>) -> Self {
        Self { record, last_used }
    }
}
