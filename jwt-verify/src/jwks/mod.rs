//! Key sets of remote issuers: fetched over HTTPS, cached, refreshed ahead of time.
//!
//! A request that needs a key looks at the current snapshot and almost always finds it there. Only
//! when it does not, it waits for a fetch, and however many requests wait, there is one fetch. The
//! fetch runs on a thread of its own and belongs to no request.

mod backoff;
mod builder;
mod cache_control;
mod connect;
mod connector;
mod digest;
mod discovery;
mod endpoint;
mod entry_codec;
mod fetch_error;
mod flight;
mod http_client;
mod key_query;
mod lookup;
mod provider;
mod proxy;
mod put_off;
mod shared_store;
mod snapshot;
mod source;
mod thread;
mod tls;
mod upkeep;

pub use builder::JwksProviderBuilder;
pub use provider::JwksProvider;

/// Returns the URL of the key set in a metadata document, for [`internals`](crate::internals).
#[cfg(feature = "internals")]
pub(crate) fn key_set_url(document: &[u8], issuer: &str) -> Option<String> {
    let base = endpoint::SafeUrl::parse(issuer).ok()?;
    let url = discovery::key_set_url(document, issuer, &base).ok()?;
    Some(url.uri().to_string())
}
