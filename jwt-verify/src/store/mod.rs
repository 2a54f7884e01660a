//! Shared cache of bytes, for key sets and for messages between instances of an application.

mod memory;
#[cfg(feature = "redis")]
mod redis;

use crate::{error::StoreUnavailable, lookup::BoxFuture};
use std::{fmt, time::Duration};

pub use memory::MemoryCache;
#[cfg(all(feature = "api-keys", feature = "redis"))]
pub(crate) use redis::MAX_TTL;
#[cfg(feature = "redis")]
pub(crate) use redis::ttl_millis;
#[cfg(feature = "redis")]
pub use redis::{RedisCache, RedisCacheBuilder};
#[cfg(feature = "cli")]
pub(crate) use redis::{RedisFailure, RedisVisit, probe};

/// A key-value store whose entries expire.
///
/// A [`JwksProvider`](crate::JwksProvider) reads it before it fetches a key set and writes to it
/// after; never once per request. Its content is public (verification keys), but an attacker who
/// can write to it can forge tokens: protect it like the issuer.
///
/// An error means "unreachable", and the provider continues without the cache; so does an answer
/// that takes longer than 250 ms. The futures must not block the thread: all fetches share it.
pub trait CacheStore: fmt::Debug + Send + Sync + 'static {
    /// Returns the value of a key, unless it is absent or expired.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreUnavailable>>;

    /// Writes a value that expires after `ttl`.
    fn set<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>>;

    /// Writes a value only if there is none, in one step, and returns `true` if it did.
    fn add<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        ttl: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>>;

    /// Removes a value if it exists.
    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), StoreUnavailable>>;
}
