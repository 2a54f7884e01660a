//! Decides which instance fetches, and loads the key set from the shared store or from the issuer.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::timeout_at;

use super::{
    backoff::min_pause,
    fetch_error::{Failure, FetchError},
    fetcher::JwksFetcher,
    key_query::{OwnedKeyQuery, QueryDigest},
    key_set_document::KeySetDocument,
    refresh_reason::RefreshReason,
    shared_store::{Lease, LeaseAttempt, SharedKeyStore},
};
use crate::error::StoreUnavailable;
use crate::{
    defaults::{LEASE, LEASE_POLL, STORE_BUDGET},
    key::JwkSet,
    metrics,
};

/// Loads key sets: from the shared store, if another instance has put a newer one there, or from
/// the issuer.
#[derive(Debug)]
pub(super) struct KeySetLoader {
    fetcher: JwksFetcher,
    store: Option<Arc<SharedKeyStore>>,
    /// Time for loading as a whole.
    timeout: Duration,
}

/// Result of a load that did not fail.
pub(super) enum Loaded {
    /// Fetched from the issuer. With a lease, other instances wait for [`KeySetLoader::share`].
    Fetched { set: JwkSet, document: KeySetDocument, lease: Option<Lease> },
    /// Fetched by another instance.
    Shared { set: JwkSet, document: KeySetDocument },
    /// Nothing newer than the current set.
    Unchanged,
    /// Not fetched: the limit of all instances for unknown keys is reached for this time.
    RefetchLimited { opens_in: Duration },
    /// Not fetched: another instance was told that the key does not exist, for this time.
    KnownMissing(Duration),
    /// Not fetched: the issuer failed to answer another instance, and is not asked for this time.
    IssuerPaused(Duration),
}

/// A fetch that failed. With a lease, other instances wait for [`KeySetLoader::share_failure`].
pub(super) struct LoadError {
    pub(super) error: FetchError,
    pub(super) lease: Option<Lease>,
}

/// The instance that fetches.
enum Leader {
    /// This one, for all. The others wait for what it puts into the store.
    ThisForAll(Lease),
    /// This one, for itself: there are no others, or the store is unreachable.
    ThisAlone,
    /// None, because there is a result already.
    None(Loaded),
}

impl KeySetLoader {
    pub(super) fn new(
        fetcher: JwksFetcher,
        store: Option<Arc<SharedKeyStore>>,
        timeout: Duration,
    ) -> Self {
        Self { fetcher, store, timeout }
    }

    pub(super) fn fetcher(&self) -> &JwksFetcher {
        &self.fetcher
    }

    /// Returns true if there is a store that other instances may have put keys into.
    pub(super) fn has_store(&self) -> bool {
        self.store.is_some()
    }

    /// Loads a key set that is newer than the current one, within the time for a fetch as a whole.
    /// `current` gives the time of the current document, in wall-clock milliseconds.
    pub(super) async fn load(
        &self,
        reason: &RefreshReason,
        current: impl Fn() -> u64,
    ) -> Result<Loaded, LoadError> {
        let end = tokio::time::Instant::now() + self.timeout;
        let lease = match &self.store {
            None => None,
            Some(store) => {
                match timeout_at(end, self.elect_leader(store, reason, &current)).await {
                    Ok(Ok(Leader::None(loaded))) => return Ok(loaded),
                    Ok(Ok(Leader::ThisForAll(lease))) => Some(lease),
                    Ok(Ok(Leader::ThisAlone) | Err(_)) => None,
                    Err(_) => {
                        return Err(LoadError { error: Failure::Timeout.into(), lease: None });
                    }
                }
            }
        };
        match timeout_at(end, self.fetcher.fetch(current())).await {
            Ok(Ok((set, document))) => Ok(Loaded::Fetched { set, document, lease }),
            Ok(Err(error)) => Err(LoadError { error, lease }),
            Err(_) => Err(LoadError { error: Failure::Timeout.into(), lease }),
        }
    }

    /// Puts a fetched document into the store for the other instances, with the key that it lacks,
    /// and releases the lease.
    pub(super) async fn share(
        &self,
        document: &KeySetDocument,
        missing: Option<&OwnedKeyQuery>,
        lease: Option<Lease>,
    ) {
        if let Some(store) = &self.store {
            store.put_document(document).await;
            if let Some(query) = missing {
                store.put_missing(&QueryDigest::new(&query.as_query())).await;
            }
            drop(lease);
        }
    }

    /// Tells the other instances that the issuer failed, and releases the lease. A missing
    /// credential is a failure of this instance alone.
    pub(super) async fn share_failure(&self, failed: LoadError) {
        if let Some(store) = &self.store {
            if failed.error.failure != Failure::Credential {
                store.pause_issuer(min_pause(failed.error.retry_after)).await;
            }
            drop(failed.lease);
        }
    }

    /// Agrees with the other instances on the one that fetches, and waits for a while if that is
    /// another. A store that is slow counts as none.
    async fn elect_leader(
        &self,
        store: &Arc<SharedKeyStore>,
        reason: &RefreshReason,
        current: &impl Fn() -> u64,
    ) -> Result<Leader, StoreUnavailable> {
        if matches!(reason, RefreshReason::StoreOnly) {
            let loaded = self.load_shared(store, current).await.unwrap_or(Loaded::Unchanged);
            return Ok(Leader::None(loaded));
        }
        let wait_until = Instant::now() + self.timeout / 2;
        let mut heartbeat = (Vec::new(), Instant::now());
        let (lease, began) = loop {
            let began = Instant::now();
            if let Some(loaded) = self.newer_document(store, current).await? {
                return Ok(Leader::None(loaded));
            }
            let expired = (heartbeat.1.elapsed() > LEASE).then_some(&*heartbeat.0);
            match store.acquire_lease(expired).await? {
                LeaseAttempt::Acquired(lease) => break (lease, began),
                LeaseAttempt::Held(latest) if latest != heartbeat.0 => {
                    heartbeat = (latest, Instant::now());
                }
                LeaseAttempt::Held(_) => {}
            }
            if began.elapsed() > STORE_BUDGET || Instant::now() >= wait_until {
                return Ok(Leader::ThisAlone);
            }
            tokio::time::sleep(LEASE_POLL).await;
        };
        // The last holder may have put a document there while this one was asking for the lease.
        if let Some(loaded) = self.newer_document(store, current).await? {
            return Ok(Leader::None(loaded));
        }
        if let Some(time) = store.issuer_paused_for().await? {
            return Ok(Leader::None(Loaded::IssuerPaused(time)));
        }
        if began.elapsed() > STORE_BUDGET {
            return Ok(Leader::ThisAlone);
        }
        if let RefreshReason::UnknownKey { query, .. } = reason
            && let Some(time) = store.missing_for(&QueryDigest::new(&query.as_query())).await?
        {
            return Ok(Leader::None(Loaded::KnownMissing(time)));
        }
        if !reason.is_counted() {
            return Ok(Leader::ThisForAll(lease));
        }
        Ok(match store.allow_refetch().await? {
            Ok(()) => Leader::ThisForAll(lease),
            Err(opens_in) => Leader::None(Loaded::RefetchLimited { opens_in }),
        })
    }

    /// Loads from the store alone: a newer document, or the news that the issuer does not answer.
    async fn load_shared(
        &self,
        store: &SharedKeyStore,
        current: &impl Fn() -> u64,
    ) -> Result<Loaded, StoreUnavailable> {
        if let Some(loaded) = self.newer_document(store, current).await? {
            return Ok(loaded);
        }
        Ok(store.issuer_paused_for().await?.map_or(Loaded::Unchanged, Loaded::IssuerPaused))
    }

    /// Reads the document in the store, if it is newer than the current one.
    async fn newer_document(
        &self,
        store: &SharedKeyStore,
        current: &impl Fn() -> u64,
    ) -> Result<Option<Loaded>, StoreUnavailable> {
        let current = current();
        let found = store.document().await?;
        metrics::cache("store", found.is_some());
        let Some(document) = found.filter(|document| document.fetched > current) else {
            return Ok(None);
        };
        let set = self.fetcher.parse(&document);
        Ok(set.map(|set| Loaded::Shared { set, document }))
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::fixtures::{
            INTEGRITY_KEY, SECOND, block_on, document, fetcher, nowhere, shared_store,
        },
        *,
    };
    use crate::{algorithm::Algorithm, key::KeyQuery, store::MemoryCache};

    /// A loader whose issuer refuses connections, and the store that it shares with others.
    fn loader() -> (KeySetLoader, Arc<SharedKeyStore>) {
        let memory = MemoryCache::new();
        let fetcher = fetcher(nowhere(), None);
        let store = shared_store(&memory, INTEGRITY_KEY);
        (KeySetLoader::new(fetcher, Some(store), 2 * SECOND), shared_store(&memory, INTEGRITY_KEY))
    }

    fn unknown_key() -> OwnedKeyQuery {
        let query = KeyQuery::new(Some("x"), Algorithm::ES256);
        OwnedKeyQuery::new(&query)
    }

    #[test]
    fn a_newer_document_of_another_instance_is_taken() {
        let (loader, others) = loader();
        block_on(async {
            for reason in [RefreshReason::KeySet, RefreshReason::StoreOnly] {
                let document = document(60);
                others.put_document(&document).await;
                let older = loader.load(&reason, || document.fetched - 1).await;
                assert!(matches!(older, Ok(Loaded::Shared { .. })), "{reason:?}");
            }
            let current = loader.load(&RefreshReason::StoreOnly, || u64::MAX).await;
            assert!(matches!(current, Ok(Loaded::Unchanged)));
            assert!(loader.has_store());
        });
    }

    #[test]
    fn the_issuer_is_not_asked_for_what_others_know() {
        let (loader, others) = loader();
        let reason = RefreshReason::UnknownKey { query: unknown_key(), is_counted: true };
        block_on(async {
            others.put_missing(&QueryDigest::new(&unknown_key().as_query())).await;
            let result = loader.load(&reason, || 0).await;
            assert!(matches!(result, Ok(Loaded::KnownMissing(time)) if time > 25 * SECOND));
            while others.allow_refetch().await == Ok(Ok(())) {}
            let result = loader.load(&RefreshReason::DeferredQueries, || 0).await;
            assert!(
                matches!(result, Ok(Loaded::RefetchLimited { opens_in }) if opens_in > 25 * SECOND)
            );
        });
    }

    #[test]
    fn a_failure_pauses_all_instances() {
        let (loader, others) = loader();
        block_on(async {
            let Err(failed) = loader.load(&RefreshReason::KeySet, || 0).await else {
                panic!("no server has that port")
            };
            assert_eq!(failed.error.failure, Failure::Connect);
            assert!(failed.lease.is_some());
            let error = Failure::Credential.into();
            loader.share_failure(LoadError { error, lease: None }).await;
            assert_eq!(others.issuer_paused_for().await, Ok(None));
            let failed = LoadError {
                error: FetchError { retry_after: Some(20 * SECOND), ..failed.error },
                ..failed
            };
            loader.share_failure(failed).await;
            assert!(others.issuer_paused_for().await.unwrap().unwrap() > 15 * SECOND);
            // The lease is released by a task.
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            let result = loader.load(&RefreshReason::KeySet, || 0).await;
            assert!(matches!(result, Ok(Loaded::IssuerPaused(_))));
        });
    }

    #[test]
    fn a_fetched_document_is_put_there_for_all() {
        let (loader, others) = loader();
        block_on(async {
            loader.share(&document(60), Some(&unknown_key()), None).await;
            assert!(others.document().await.unwrap().is_some());
            let digest = QueryDigest::new(&unknown_key().as_query());
            assert!(others.missing_for(&digest).await.unwrap().is_some());
        });
    }
}
