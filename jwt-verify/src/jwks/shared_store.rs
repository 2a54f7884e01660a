//! State that the instances of an application share through a [`CacheStore`]: the key set document,
//! the lease of the instance that fetches it, the number of refetches for unknown keys, unknown
//! keys, and a pause after the issuer failed.

use std::{sync::Arc, time::Duration};

use tokio::sync::oneshot;

use super::{
    endpoint::Endpoint,
    entry_codec::{EntryCodec, EntryError},
    key_query::QueryDigest,
    key_set_document::KeySetDocument,
};
use crate::error::StoreUnavailable;
use crate::{
    clock::Clock,
    defaults::{LEASE, MAX_CLOCK_SKEW, RETRY_MOST, STORE_TIMEOUT},
    digest,
    store::CacheStore,
};

/// The entries of one issuer in a shared store.
///
/// Every operation is bounded in time. An entry that is malformed, expired or forged is ignored and
/// overwritten.
#[derive(Debug)]
pub(super) struct SharedKeyStore {
    store: Arc<dyn CacheStore>,
    codec: EntryCodec,
    clock: Arc<dyn Clock>,
    /// Digest of the issuer, used in the names of entries, so that no issuer can choose a name.
    issuer: String,
    limits: SharedLimits,
}

/// Bounds for entries, since others may be able to write to the store, and limits that all
/// instances share.
#[derive(Debug, Clone, Copy)]
pub(super) struct SharedLimits {
    pub(super) document_bytes: usize,
    pub(super) document_ttl: Duration,
    pub(super) negative_cache_ttl: Duration,
    pub(super) max_refetches: usize,
    pub(super) refetch_window: Duration,
}

/// Result of an attempt to take the lease.
#[derive(Debug)]
pub(super) enum LeaseAttempt {
    Acquired(Lease),
    /// Another instance holds it; this is the latest heartbeat.
    Held(Vec<u8>),
}

/// The right to fetch for all instances, released on drop.
#[derive(Debug)]
pub(super) struct Lease {
    _end: oneshot::Sender<()>,
}

impl SharedKeyStore {
    pub(super) fn new(
        store: Arc<dyn CacheStore>,
        codec: EntryCodec,
        clock: Arc<dyn Clock>,
        endpoint: &Endpoint,
        limits: SharedLimits,
    ) -> Self {
        Self { store, codec, clock, issuer: digest::name(b"", &[&endpoint.identity()]), limits }
    }

    /// Returns the document if there is one that is still fresh.
    pub(super) async fn document(&self) -> Result<Option<KeySetDocument>, StoreUnavailable> {
        let name = self.name("keys");
        // The document is kept as a JSON string, in which a byte takes up to six.
        let most = self.limits.document_bytes.saturating_mul(6).saturating_add(256);
        let longest = self.limits.document_ttl;
        let Some((content, _)) = self.read(&name, most, longest).await? else { return Ok(None) };
        let Ok(document) = serde_json::from_slice::<KeySetDocument>(&content) else {
            return Ok(None);
        };
        let now = self.clock.now();
        let ttl = document.ttl.min(longest.as_secs());
        let is_from_the_future =
            Duration::from_millis(document.fetched) > now.saturating_add(MAX_CLOCK_SKEW);
        let is_fresh = !is_from_the_future && document.age(now) < Duration::from_secs(ttl);
        Ok(is_fresh.then_some(KeySetDocument { ttl, ..document }))
    }

    /// Writes a document for the other instances. A failure is ignored: they fetch for themselves.
    pub(super) async fn put_document(&self, document: &KeySetDocument) {
        if let Ok(content) = serde_json::to_vec(document) {
            let ttl = Duration::from_secs(document.ttl);
            let until = Duration::from_millis(document.fetched).saturating_add(ttl);
            let _ = self.write(&self.name("keys"), &content, until, ttl).await;
        }
    }

    /// Tries to take the lease. A lease whose heartbeat is still `expired`, the one that the caller
    /// has seen for too long, is taken over; no clock has to be right for that.
    pub(super) async fn acquire_lease(
        self: &Arc<Self>,
        expired: Option<&[u8]>,
    ) -> Result<LeaseAttempt, StoreUnavailable> {
        let name = self.name("lease");
        let entry = self.lease_entry(&name);
        for _ in 0..2 {
            if within(self.store.add(&name, &entry, LEASE)).await? {
                return Ok(LeaseAttempt::Acquired(self.hold_lease()));
            }
            // It was released in between: try again.
            let Some(found) = within(self.store.get(&name)).await? else { continue };
            let longest = LEASE + MAX_CLOCK_SKEW;
            let earlier = self.clock.now().saturating_sub(MAX_CLOCK_SKEW);
            let is_genuine = self.codec.decode(&name, &found, earlier, longest).is_ok();
            if is_genuine && expired != Some(&*found) {
                return Ok(LeaseAttempt::Held(found));
            }
            within(self.store.set(&name, &entry, LEASE)).await?;
            return Ok(LeaseAttempt::Acquired(self.hold_lease()));
        }
        Ok(LeaseAttempt::Held(Vec::new()))
    }

    /// Renews the lease as long as it is held, and then releases it.
    fn hold_lease(self: &Arc<Self>) -> Lease {
        let (end, mut ended) = oneshot::channel();
        let shared = self.clone();
        tokio::task::spawn_local(async move {
            let name = shared.name("lease");
            loop {
                tokio::select! {
                    _ = &mut ended => break,
                    () = tokio::time::sleep(LEASE / 3) => {}
                }
                let entry = shared.lease_entry(&name);
                // A store that is unreachable must not delay the release.
                let _ = within(shared.store.set(&name, &entry, LEASE)).await;
            }
            let _ = within(shared.store.remove(&name)).await;
        });
        Lease { _end: end }
    }

    /// Contains a nonce, so that every renewal can be seen.
    fn lease_entry(&self, name: &str) -> Vec<u8> {
        let mut nonce = [0; 8];
        let _ = aws_lc_rs::rand::fill(&mut nonce);
        self.codec.encode(name, self.clock.now().saturating_add(LEASE), &nonce)
    }

    /// Counts a refetch against the limit of all instances together, if it allows one more. The
    /// error is the time until it does.
    pub(super) async fn allow_refetch(&self) -> Result<Result<(), Duration>, StoreUnavailable> {
        let interval = self.limits.refetch_window;
        let mut opens_in = interval;
        for place in 0..self.limits.max_refetches {
            let name = format!("{}:{place}", self.name("gate"));
            match self.reserve(&name, interval).await? {
                None => return Ok(Ok(())),
                Some(until) => opens_in = opens_in.min(until.saturating_sub(self.clock.now())),
            }
        }
        Ok(Err(opens_in))
    }

    /// Returns how long the issuer is not asked, after it failed to answer another instance.
    pub(super) async fn issuer_paused_for(&self) -> Result<Option<Duration>, StoreUnavailable> {
        let found = self.read(&self.name("rest"), 256, RETRY_MOST).await?;
        let now = self.clock.now();
        Ok(found.map(|(_, until)| until.saturating_sub(now)))
    }

    /// Makes all instances pause their requests to the issuer.
    pub(super) async fn pause_issuer(&self, time: Duration) {
        let until = self.clock.now().saturating_add(time);
        let _ = self.write(&self.name("rest"), b"", until, time).await;
    }

    /// Returns how long a key counts as unknown, because another instance was told so by the
    /// issuer.
    pub(super) async fn missing_for(
        &self,
        query: &QueryDigest,
    ) -> Result<Option<Duration>, StoreUnavailable> {
        let longest = self.limits.negative_cache_ttl;
        let found = self.read(&self.missing(query), 256, longest).await?;
        let now = self.clock.now();
        Ok(found.map(|(_, until)| until.saturating_sub(now).min(longest)))
    }

    /// Tells the other instances that the issuer does not have a key.
    pub(super) async fn put_missing(&self, query: &QueryDigest) {
        let ttl = self.limits.negative_cache_ttl;
        let until = self.clock.now().saturating_add(ttl);
        let _ = self.write(&self.missing(query), b"", until, ttl).await;
    }

    fn missing(&self, query: &QueryDigest) -> String {
        format!("{}:{}", self.name("missing"), query.as_str())
    }

    fn name(&self, kind: &str) -> String {
        format!("1:{kind}:{}", self.issuer)
    }

    /// Writes an entry unless there is a valid one, whose expiry is returned.
    async fn reserve(
        &self,
        name: &str,
        ttl: Duration,
    ) -> Result<Option<Duration>, StoreUnavailable> {
        let until = self.clock.now().saturating_add(ttl);
        let entry = self.codec.encode(name, until, b"");
        if within(self.store.add(name, &entry, ttl)).await? {
            return Ok(None);
        }
        if let Some((_, until)) = self.read(name, 256, ttl).await? {
            return Ok(Some(until));
        }
        within(self.store.set(name, &entry, ttl)).await?;
        Ok(None)
    }

    async fn read(
        &self,
        name: &str,
        most: usize,
        longest: Duration,
    ) -> Result<Option<(Vec<u8>, Duration)>, StoreUnavailable> {
        let Some(entry) = within(self.store.get(name)).await? else { return Ok(None) };
        if entry.len() > most {
            return Ok(None);
        }
        match self.codec.decode(name, &entry, self.clock.now(), longest) {
            Ok((content, until)) => Ok(Some((content.to_vec(), until))),
            Err(EntryError::Outdated) => Ok(None),
            Err(problem) => {
                let problem = problem.code();
                tracing::warn!(problem, "ignored an invalid shared cache entry");
                Ok(None)
            }
        }
    }

    async fn write(
        &self,
        name: &str,
        content: &[u8],
        until: Duration,
        ttl: Duration,
    ) -> Result<(), StoreUnavailable> {
        let entry = self.codec.encode(name, until, content);
        within(self.store.set(name, &entry, ttl)).await
    }
}

async fn within<T>(
    answer: impl Future<Output = Result<T, StoreUnavailable>>,
) -> Result<T, StoreUnavailable> {
    tokio::time::timeout(STORE_TIMEOUT, answer)
        .await
        .unwrap_or_else(|elapsed| Err(StoreUnavailable::caused_by(elapsed)))
}

#[cfg(test)]
mod tests {
    use super::{
        super::fixtures::{INTEGRITY_KEY, SECOND, block_on, document, shared_store},
        *,
    };
    use crate::{algorithm::Algorithm, key::KeyQuery, store::MemoryCache};

    /// Two instances that share a store.
    fn pair() -> [Arc<SharedKeyStore>; 2] {
        let memory = MemoryCache::new();
        [shared_store(&memory, INTEGRITY_KEY), shared_store(&memory, INTEGRITY_KEY)]
    }

    #[test]
    fn a_document_is_shared_while_it_is_fresh() {
        let [one, other] = pair();
        block_on(async {
            assert!(other.document().await.unwrap().is_none());
            one.put_document(&document(90)).await;
            // No longer than this instance would keep it.
            assert_eq!(other.document().await.unwrap().map(|document| document.ttl), Some(60));
            for ttl in [0, 3600] {
                one.put_document(&document(ttl)).await;
                assert!(other.document().await.unwrap().is_none(), "{ttl}");
            }
        });
    }

    #[test]
    fn an_entry_of_another_key_is_ignored_and_overwritten() {
        let memory = MemoryCache::new();
        let one = shared_store(&memory, INTEGRITY_KEY);
        let forger = shared_store(&memory, "another key of thirty-two bytes!");
        block_on(async {
            forger.put_document(&document(60)).await;
            forger.pause_issuer(SECOND).await;
            assert!(one.document().await.unwrap().is_none());
            assert_eq!(one.issuer_paused_for().await, Ok(None));
            one.put_document(&document(60)).await;
            assert!(one.document().await.unwrap().is_some());
        });
    }

    #[test]
    fn the_lease_has_one_holder_and_is_released_on_drop() {
        let [one, other] = pair();
        block_on(async {
            let LeaseAttempt::Acquired(lease) = one.acquire_lease(None).await.unwrap() else {
                panic!("it is free")
            };
            let LeaseAttempt::Held(heartbeat) = other.acquire_lease(None).await.unwrap() else {
                panic!("it is held")
            };
            let taken_over = other.acquire_lease(Some(&heartbeat)).await.unwrap();
            assert!(matches!(taken_over, LeaseAttempt::Acquired(_)));
            drop((lease, taken_over));
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            assert!(matches!(one.acquire_lease(None).await, Ok(LeaseAttempt::Acquired(_))));
        });
    }

    #[test]
    fn refetches_are_counted_together() {
        let [one, other] = pair();
        block_on(async {
            assert_eq!(one.allow_refetch().await, Ok(Ok(())));
            assert_eq!(other.allow_refetch().await, Ok(Ok(())));
            let opens_in = one.allow_refetch().await.unwrap().unwrap_err();
            assert!(opens_in > 25 * SECOND && opens_in <= 30 * SECOND, "{opens_in:?}");
        });
    }

    #[test]
    fn unknown_keys_and_pauses_are_known_to_all() {
        let [one, other] = pair();
        let query = |key_id| {
            let query = KeyQuery::new(Some(key_id), Algorithm::ES256);
            QueryDigest::new(&query)
        };
        block_on(async {
            one.put_missing(&query("a")).await;
            let time = other.missing_for(&query("a")).await.unwrap().unwrap();
            assert!(time > 25 * SECOND && time <= 30 * SECOND, "{time:?}");
            assert_eq!(other.missing_for(&query("b")).await, Ok(None));
            one.pause_issuer(20 * SECOND).await;
            let time = other.issuer_paused_for().await.unwrap().unwrap();
            assert!(time > 15 * SECOND && time <= 20 * SECOND, "{time:?}");
        });
    }
}
