//! Parts of a provider for unit tests.

use std::{sync::Arc, time::Duration};

use super::{
    connector::IssuerConnector,
    endpoint::Endpoint,
    entry_codec::EntryCodec,
    fetcher::{FetchSettings, JwksFetcher},
    http_client::HttpClient,
    http_hosts::HttpHosts,
    key_set_document::KeySetDocument,
    shared_store::{SharedKeyStore, SharedLimits},
    tls::{self, Roots},
};
use crate::{
    clock::{Clock as _, SystemClock, millis},
    secret::Secret,
    store::MemoryCache,
};

pub(super) const SECOND: Duration = Duration::from_secs(1);
/// A secret for the entries of a shared store.
pub(super) const INTEGRITY_KEY: &str = "0123456789abcdef0123456789abcdef";
/// A key set with the key of RFC 8037 §A.2.
pub(super) const KEY_SET: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

pub(super) fn fetcher(endpoint: Endpoint, ttl: Option<Duration>) -> JwksFetcher {
    let clock = Arc::new(SystemClock::new());
    let client = HttpClient {
        connector: IssuerConnector { proxy: None },
        tls: tls::config(&Roots::default(), None).unwrap(),
        credential: None,
        connect_timeout: 5 * SECOND,
        max_bytes: 1000,
        clock: clock.clone(),
    };
    let settings = FetchSettings { ttl, max_keys: 2, timeout: 10 * SECOND };
    JwksFetcher::new(endpoint, client, HttpHosts::default(), clock, settings)
}

/// An issuer that refuses connections.
pub(super) fn nowhere() -> Endpoint {
    Endpoint::key_set("http://127.0.0.1:1", &HttpHosts::default()).unwrap()
}

pub(super) fn shared_store(memory: &MemoryCache, key: &str) -> Arc<SharedKeyStore> {
    let limits = SharedLimits {
        document_bytes: 1000,
        document_ttl: 60 * SECOND,
        negative_cache_ttl: 30 * SECOND,
        max_refetches: 2,
        refetch_window: 30 * SECOND,
    };
    let codec = EntryCodec::new(Some(&Secret::from(key))).unwrap();
    let endpoint = Endpoint::discovery("https://issuer.example", &HttpHosts::default()).unwrap();
    let clock = Arc::new(SystemClock::new());
    Arc::new(SharedKeyStore::new(Arc::new(memory.clone()), codec, clock, &endpoint, limits))
}

/// A key set document that was fetched now.
pub(super) fn document(ttl: u64) -> KeySetDocument {
    KeySetDocument { fetched: millis(SystemClock::new().now()), ttl, body: KEY_SET.into() }
}

/// Runs a future that spawns tasks on its own thread.
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, future)
}
