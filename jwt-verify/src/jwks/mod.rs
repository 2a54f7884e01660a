//! Key sets of remote issuers: fetched over HTTPS, cached, refreshed ahead of time.
//!
//! A request reads a key from the current snapshot in the cache. Only when the key is not there, it
//! waits for a refresh, and however many requests wait, there is one refresh. It runs on a thread
//! of its own and belongs to no request.

mod accepted;
mod backoff;
mod builder;
mod cache_control;
mod connect;
mod connection;
mod connector;
mod deferred_queries;
mod discovered_url;
mod discovery;
mod endpoint;
mod entry_codec;
mod fetch_credential;
mod fetch_error;
mod fetch_thread;
mod fetcher;
#[cfg(test)]
mod fixtures;
mod form_endpoint;
mod http_client;
mod http_hosts;
#[cfg(feature = "security-events")]
mod json_client;
mod key_cache;
mod key_lookup;
mod key_query;
mod key_set_document;
mod key_set_loader;
mod key_snapshot;
#[cfg(feature = "cli")]
mod probe;
mod provider;
mod proxy;
mod refetch_budget;
mod refresh;
mod refresh_reason;
mod refresh_scheduler;
mod refresh_timer;
mod retry_after;
mod settings;
mod shared_store;
mod single_flight;
mod skipped_keys;
mod tls;

pub use builder::JwksProviderBuilder;
pub(crate) use connection::Connection;
pub(crate) use entry_codec::EntryCodec;
pub(crate) use form_endpoint::{EncodedForm, FormAnswer, FormEndpoint, FormFailure, FormPlace};
#[cfg(feature = "security-events")]
pub(crate) use json_client::{
    CheckedUrl, JsonAnswer, JsonClient, JsonFailure, JsonPlace, JsonQuestion, TransmitterEndpoint,
    thread_for_events,
};
#[cfg(feature = "cli")]
pub(crate) use probe::Visit;
pub use provider::JwksProvider;

/// Returns the URL of the key set in a metadata document, for [`test_hooks`](crate::test_hooks).
#[cfg(feature = "internals")]
pub(crate) fn key_set_url(document: &[u8], issuer: &str) -> Option<String> {
    let http = http_hosts::HttpHosts::default();
    let base = endpoint::SafeUrl::parse(issuer, &http).ok()?;
    let url = discovery::key_set_url(document, issuer, &base, &http).ok()?;
    Some(url.uri().to_string())
}
