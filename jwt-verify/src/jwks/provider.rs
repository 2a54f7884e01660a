//! The key provider of a remote issuer: wires cache, scheduler, loader and store.

use std::sync::Arc;

use super::{
    accepted::AcceptedAlgorithms,
    endpoint::Endpoint,
    entry_codec::EntryCodec,
    fetch_error::Failure,
    fetch_thread,
    fetcher::{FetchSettings, JwksFetcher},
    http_client::HttpClient,
    http_hosts::HttpHosts,
    key_cache::{KeyCache, KeyCacheLimits},
    key_lookup::{wait_for_key, wait_until_ready},
    key_set_loader::KeySetLoader,
    refetch_budget::RefetchBudget,
    refresh::Refresher,
    refresh_scheduler::RefreshScheduler,
    settings::Settings,
    shared_store::{SharedKeyStore, SharedLimits},
};
use crate::{
    algorithm::Algorithm,
    defaults::KEY_SET_TTL_CEILING,
    key::{KeyHealth, KeyLookupError, KeyProvider, KeyQuery, VerificationKey},
    metrics,
};
use crate::{lookup::BoxFuture, lookup::Lookup};

/// Keys of a remote issuer, fetched over HTTPS and cached.
///
/// A [`KeyProvider`] that fetches a key set (RFC 7517 §5) and keeps it fresh. Clones share
/// everything. Nothing is fetched before the first token, or before
/// [`warm_up`](KeyProvider::warm_up), [`wait_until_ready`](KeyProvider::wait_until_ready) or a health route needs keys.
///
/// While there are usable keys, no request waits for a refresh. While there are none and none can
/// be fetched, the response is "try later" (503), never "unauthorized". An issuer that fails is
/// asked again after 1 to 60 s, and once a second as long as requests need keys: there are none,
/// they have expired, or the one that a token names is not among them. A key that may not be
/// requested from the issuer, because of the limit for unknown keys, is "ask later" (429).
#[doc(alias = "jwks", alias = "jwk set url")]
#[derive(Clone, Debug)]
pub struct JwksProvider {
    refresher: Arc<Refresher>,
}

impl JwksProvider {
    pub(super) fn start(
        settings: Settings,
        codec: EntryCodec,
        endpoint: Endpoint,
        client: HttpClient,
        http: HttpHosts,
    ) -> Self {
        let clock = settings.clock;
        let store = settings.store.map(|store| {
            let limits = SharedLimits {
                document_bytes: client.max_bytes,
                document_ttl: settings.cache_ttl.unwrap_or(KEY_SET_TTL_CEILING),
                negative_cache_ttl: settings.negative_cache_ttl,
                max_refetches: settings.max_refetches,
                refetch_window: settings.refetch_window,
            };
            Arc::new(SharedKeyStore::new(store, codec, clock.clone(), &endpoint, limits))
        });
        let fetch_settings = FetchSettings {
            ttl: settings.cache_ttl,
            max_keys: settings.max_keys,
            timeout: settings.fetch_timeout,
        };
        let fetcher = JwksFetcher::new(endpoint, client, http, clock.clone(), fetch_settings);
        let limits = KeyCacheLimits {
            stale_if_error: settings.stale_if_error,
            negative_cache_ttl: settings.negative_cache_ttl,
            missing_entries: settings.missing_entries,
            refetch_window: settings.refetch_window,
        };
        let refresher = Refresher {
            cache: KeyCache::new(limits, settings.initial_keys, clock.monotonic()),
            scheduler: RefreshScheduler::new(settings.fetch_timeout),
            budget: RefetchBudget::new(settings.max_refetches, settings.refetch_window),
            loader: KeySetLoader::new(fetcher, store, settings.fetch_timeout),
            thread: fetch_thread::shared(),
            clock,
            metrics_label: settings.metrics_label,
            accepted: AcceptedAlgorithms::default(),
        };
        Self { refresher: Arc::new(refresher) }
    }
}

impl KeyProvider for JwksProvider {
    fn find<'a>(
        &'a self,
        query: KeyQuery<'a>,
    ) -> Lookup<'a, Result<Arc<VerificationKey>, KeyLookupError>> {
        let now = self.refresher.monotonic();
        let wait = || Lookup::Pending(Box::pin(wait_for_key(self.refresher.clone(), query)));
        let Some(snapshot) = self.refresher.usable(now) else { return wait() };
        if let Some(key) = snapshot.select(&query) {
            metrics::cache("keys", true);
            return Lookup::Ready(Ok(key));
        }
        if self.refresher.cache.is_missing(&snapshot, &query, now) {
            metrics::cache("keys", false);
            return Lookup::Ready(Err(KeyLookupError::NotFound));
        }
        wait()
    }

    fn generation(&self) -> Option<u64> {
        let now = self.refresher.monotonic();
        self.refresher.read_usable(now, |snapshot| snapshot.generation)
    }

    fn warm_up(&self) {
        self.refresher.start_if_due(self.refresher.monotonic());
    }

    fn wait_until_ready(&self) -> BoxFuture<'_, Result<(), KeyLookupError>> {
        Box::pin(wait_until_ready(self.refresher.clone()))
    }

    #[cfg(feature = "testing")]
    fn fetch_now(&self) -> BoxFuture<'_, Result<(), KeyLookupError>> {
        Box::pin(super::key_lookup::fetch_now(self.refresher.clone()))
    }

    fn source(&self) -> String {
        self.refresher.loader.fetcher().source()
    }

    fn note_accepted(&self, algorithms: &[Algorithm]) {
        self.refresher.accepted.add(algorithms);
    }

    fn health(&self) -> KeyHealth {
        let now = self.refresher.monotonic();
        let backoff = self.refresher.scheduler.backoff();
        let snapshot = self.refresher.cache.load();
        let snapshot = snapshot.as_ref();
        let rejected = snapshot.map_or_else(
            // A set without usable keys is not published, and here is why.
            || self.refresher.loader.fetcher().skipped_keys().latest(),
            |snapshot| snapshot.set.rejections(),
        );
        KeyHealth {
            ready: snapshot.is_some_and(|snapshot| snapshot.is_usable(now)),
            keys: snapshot.map_or(0, |snapshot| snapshot.set.keys().len()),
            age: snapshot.map(|snapshot| snapshot.age(now)),
            rejected_keys: rejected.iter().map(|(_, count)| count).sum(),
            rejected,
            next_refresh: snapshot.map(|snapshot| {
                snapshot.refresh_at.max(backoff.scheduled_at()).saturating_sub(now)
            }),
            stale: snapshot.is_some_and(|snapshot| now >= snapshot.stale_at),
            last_error: backoff.last_failure().map(Failure::code),
        }
    }
}
