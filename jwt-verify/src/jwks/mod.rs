//! Key sets of remote issuers: fetched over HTTPS, cached, refreshed ahead of time.
//!
//! A request that needs a key looks at the current snapshot and almost always finds it there. Only
//! when it does not, it waits for a fetch, and however many requests wait, there is one fetch. The
//! fetch runs on a thread of its own and belongs to no request.

mod backoff;
mod builder;
mod connect;
mod connector;
mod discovery;
mod fetch;
mod flight;
mod freshness;
mod location;
mod lookup;
mod provider;
mod proxy;
mod put_off;
mod seal;
mod shared;
mod snapshot;
mod source;
mod thread;
mod tls;
mod upkeep;
mod wanted;

pub use builder::JwksProviderBuilder;
pub use provider::JwksProvider;

/// For [`internals`](crate::internals).
#[cfg(feature = "internals")]
pub(crate) fn key_set_address(document: &[u8], issuer: &str) -> Option<String> {
    let base = location::SafeUrl::parse(issuer).ok()?;
    let url = discovery::key_set_address(document, issuer, &base).ok()?;
    Some(url.uri().to_string())
}
