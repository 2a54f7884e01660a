//! A store on a Redis server, shared by the instances of an application.

mod breaker;
mod builder;
mod pool;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use deadpool_redis::redis::{self, Cmd, FromRedisValue};

pub use self::builder::RedisCacheBuilder;
use self::{breaker::Breaker, pool::Pool};
use super::{CacheError, CacheFuture, CacheStore};

/// A [`CacheStore`] on Redis (6 or newer, or a server that speaks its protocol): a single server, a
/// Sentinel set or a Cluster, with or without TLS.
///
/// As a cache it holds key sets and what instances tell each other, never a token, and may lose
/// everything at any time (not so under a [`RedisRevocation`](crate::RedisRevocation), a
/// [`RedisReplay`](crate::RedisReplay) or a `RedisRefreshStore`, which say what they need): whatever goes wrong is a miss, costs at most its time limit
/// ([`timeout`](RedisCacheBuilder::timeout), 200 ms) once, and then nothing for a second, after
/// which one question tries again. So the server may be down when the application starts.
///
/// ```no_run
/// use jwt_verify::{JwksProvider, JwtAuth, RedisCache};
///
/// # fn secret() -> String { String::new() }
/// let cache = RedisCache::new("rediss://redis.internal:6379").build()?;
/// let keys = JwksProvider::discover("https://tenant.auth0.com/")
///     .cache(cache)
///     .cache_integrity_key(secret())
///     .build()?;
/// let auth = JwtAuth::builder("https://tenant.auth0.com/", "https://api.example.com")
///     .keys(keys)
///     .build()?;
/// # Ok::<(), jwt_verify::ConfigError>(())
/// ```
///
/// Entries have a prefix, so that applications can share a server
/// ([`namespace`](RedisCacheBuilder::namespace)). Give the server a password or an ACL and TLS:
/// without a [`cache_integrity_key`](crate::JwksProviderBuilder::cache_integrity_key), whoever can
/// write to it can make tokens.
#[derive(Clone)]
pub struct RedisCache {
    inner: Arc<Inner>,
}

struct Inner {
    pool: Pool,
    prefix: String,
    timeout: Duration,
    breaker: Breaker,
}

impl RedisCache {
    /// A single server: `redis://[[user]:password@]host[:port][/database]`, `rediss://` for TLS, or
    /// `redis+unix://path`.
    #[expect(clippy::new_ret_no_self, reason = "every way to get a cache goes through its builder")]
    pub fn new(url: impl Into<String>) -> RedisCacheBuilder {
        RedisCacheBuilder::single(url.into())
    }

    /// The master that Sentinels at these URLs know under this name.
    pub fn sentinel<I, S>(sentinels: I, master: impl Into<String>) -> RedisCacheBuilder
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        let sentinels = sentinels.into_iter().map(Into::into).collect();
        RedisCacheBuilder::sentinel(sentinels, master.into())
    }

    /// The Cluster of which nodes are at these URLs.
    pub fn cluster<I, S>(nodes: I) -> RedisCacheBuilder
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        RedisCacheBuilder::cluster(nodes.into_iter().map(Into::into).collect())
    }

    pub(crate) fn name(&self, key: &str) -> String {
        format!("{}{key}", self.inner.prefix)
    }

    /// What its clones have in common.
    pub(crate) fn identity(&self) -> usize {
        Arc::as_ptr(&self.inner).addr()
    }

    /// One question, bounded in time.
    pub(crate) async fn ask<T: FromRedisValue>(&self, command: Cmd) -> Result<T, Problem> {
        let attempt = self.inner.breaker.attempt(Instant::now()).ok_or(Problem::Unreachable)?;
        let asked = tokio::time::timeout(self.inner.timeout, self.inner.pool.run(&command)).await;
        let value = match asked {
            Ok(Ok(value)) => value,
            // Something is there and says no, at once: no reason to keep others from asking.
            Ok(Err(Problem::Refused(reason))) => {
                attempt.answered();
                return Err(Problem::Refused(reason));
            }
            Ok(Err(Problem::Unreachable)) | Err(_) => {
                attempt.failed();
                return Err(Problem::Unreachable);
            }
        };
        attempt.answered();
        redis::from_redis_value(value).map_err(|_| Problem::Refused(Refusal::Other))
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    Unreachable,
    Refused(Refusal),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// What is kept under the name is not a text.
    WrongType,
    /// Out of memory, not allowed, loading, a replica, and so on.
    Other,
}

impl From<Problem> for CacheError {
    fn from(_: Problem) -> Self {
        Self
    }
}

impl CacheStore for RedisCache {
    fn get<'a>(&'a self, key: &'a str) -> CacheFuture<'a, Option<Vec<u8>>> {
        Box::pin(async move {
            let mut command = redis::cmd("GET");
            command.arg(self.name(key));
            match self.ask(command).await {
                Err(Problem::Refused(Refusal::WrongType)) => Ok(None),
                answer => Ok(answer?),
            }
        })
    }

    fn set<'a>(&'a self, key: &'a str, value: &'a [u8], ttl: Duration) -> CacheFuture<'a, ()> {
        Box::pin(async move {
            let mut command = redis::cmd("SET");
            command.arg(self.name(key)).arg(value).arg("PX").arg(millis(ttl));
            Ok(self.ask::<()>(command).await?)
        })
    }

    fn add<'a>(&'a self, key: &'a str, value: &'a [u8], ttl: Duration) -> CacheFuture<'a, bool> {
        Box::pin(async move {
            let mut command = redis::cmd("SET");
            command.arg(self.name(key)).arg(value).arg("NX").arg("PX").arg(millis(ttl));
            Ok(self.ask::<Option<String>>(command).await?.is_some())
        })
    }

    fn remove<'a>(&'a self, key: &'a str) -> CacheFuture<'a, ()> {
        Box::pin(async move {
            let mut command = redis::cmd("DEL");
            command.arg(self.name(key));
            Ok(self.ask::<()>(command).await?)
        })
    }
}

impl fmt::Debug for RedisCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisCache").field("prefix", &self.inner.prefix).finish_non_exhaustive()
    }
}

/// Redis refuses an expiry of zero.
pub(crate) fn millis(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).clamp(1, MAX_TTL_MILLIS)
}

/// Beyond this Redis says that the time is invalid.
const MAX_TTL_MILLIS: u64 = 10 * 365 * 24 * 3600 * 1000;
