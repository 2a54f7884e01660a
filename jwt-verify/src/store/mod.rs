//! A shared cache of bytes, for key sets and for what instances of an application tell each other.

mod memory;
#[cfg(feature = "redis")]
mod redis;

use crate::{error::StoreUnavailable, lookup::BoxFuture};
use std::{fmt, time::Duration};

pub use memory::MemoryCache;
#[cfg(feature = "redis")]
pub(crate) use redis::millis;
#[cfg(feature = "redis")]
pub use redis::{RedisCache, RedisCacheBuilder};

/// A key-value store whose entries expire.
///
/// A [`JwksProvider`](crate::JwksProvider) asks it before it fetches a key set and writes to it
/// after; never once per request. What is in it is public (verification keys), but whoever can
/// write to it can make tokens: protect it like the issuer.
///
/// An error means "out of reach" and makes the provider go on as if there were no cache; so does an
/// answer that takes longer than 250 ms. The futures must not block the thread: all fetches share
/// it.
pub trait CacheStore: fmt::Debug + Send + Sync + 'static {
    /// The value under a key, unless it is absent or its time is over.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreUnavailable>>;

    /// Writes a value that is gone after `ttl`.
    fn set<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>>;

    /// Writes a value only if there is none, in one step, and says whether it did.
    fn add<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        ttl: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>>;

    /// Removes a value if it is there.
    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), StoreUnavailable>>;
}
