//! Cache store on a Redis server, shared by the instances of an application.

mod breaker;
mod builder;
mod pool;
#[cfg(feature = "cli")]
mod probe;

use std::{
    fmt,
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use deadpool_redis::redis::{self, Cmd, FromRedisValue, Value};
use tokio::sync::{Semaphore, oneshot};

pub use self::builder::RedisCacheBuilder;
#[cfg(feature = "cli")]
pub(crate) use self::probe::{RedisFailure, RedisVisit, probe};
use self::{breaker::Breaker, pool::Pool};
use super::CacheStore;
use crate::background::{BackgroundThread, SharedThread};
use crate::clock::millis;
use crate::{error::StoreUnavailable, lookup::BoxFuture};

/// A [`CacheStore`] on Redis (6 or newer, or a server that speaks its protocol): a single server, a
/// Sentinel set or a Cluster, with or without TLS.
///
/// As a cache it holds key sets and messages between instances, never a token, and may lose
/// everything at any time (this does not apply to [`RedisRevocation`](crate::revocation::RedisRevocation),
/// [`RedisReplay`](crate::dpop::RedisReplay) and `RedisRefreshStore`, which document their requirements):
/// every failure is a miss and costs at most its time limit
/// ([`timeout`](RedisCacheBuilder::timeout), 200 ms). Once failures outnumber answers by five, no
/// calls are made for a second, after which one call tries again. So the server may be down when
/// the application starts, and one slow answer does not count.
///
/// Connections run on a separate thread, `jwt-verify-redis`, which all caches of the process share:
/// a handler that blocks its worker delays only the answers to that worker. At most 4,096 calls are
/// pending at a time; further ones fail at once.
///
/// ```no_run
/// use jwt_verify::{JwksProvider, JwtAuth, TrustedIssuer, store::RedisCache};
///
/// # fn secret() -> String { String::new() }
/// let cache = RedisCache::builder("rediss://redis.internal:6379").build()?;
/// let keys = JwksProvider::discover("https://tenant.auth0.com/")
///     .cache(cache)
///     .cache_integrity_key(secret())
///     .build()?;
/// let issuer = TrustedIssuer::new("https://tenant.auth0.com/", "https://api.example.com").keys(keys);
/// let auth = JwtAuth::for_issuer(issuer).build()?;
/// # Ok::<(), jwt_verify::ConfigError>(())
/// ```
///
/// Keys have a prefix, so that applications can share a server
/// ([`namespace`](RedisCacheBuilder::namespace)). Protect the server with a password or an ACL, and
/// with TLS: without a [`cache_integrity_key`](crate::keys::JwksProviderBuilder::cache_integrity_key), an
/// attacker who can write to it can forge tokens.
#[derive(Clone)]
pub struct RedisCache {
    inner: Arc<RedisCacheInner>,
}

struct RedisCacheInner {
    pool: Pool,
    prefix: String,
    timeout: Duration,
    breaker: Arc<Breaker>,
    /// Remaining capacity for pending calls.
    places: Arc<Semaphore>,
    /// Thread of the connections.
    thread: Arc<BackgroundThread>,
}

static CONNECTIONS: SharedThread = SharedThread::new("jwt-verify-redis");

impl RedisCache {
    /// Returns a builder for a single server: `redis://[[user]:password@]host[:port][/database]`,
    /// `rediss://` for TLS, or `redis+unix://path`.
    pub fn builder(url: impl Into<String>) -> RedisCacheBuilder {
        RedisCacheBuilder::single(url.into())
    }

    /// Returns a builder for the master that the Sentinels at these URLs know under this name.
    pub fn sentinel<I, S>(sentinels: I, master: impl Into<String>) -> RedisCacheBuilder
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        let sentinels = sentinels.into_iter().map(Into::into).collect();
        RedisCacheBuilder::sentinel(sentinels, master.into())
    }

    /// Returns a builder for the Cluster whose nodes are at these URLs.
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

    /// Returns the prefix of all keys.
    pub(crate) fn namespace(&self) -> &str {
        self.inner.prefix.trim_end_matches(':')
    }

    /// Returns `true` if keys are on several nodes, so that no command can change all of them.
    pub(crate) fn is_cluster(&self) -> bool {
        self.inner.pool.is_cluster()
    }

    /// Returns an identifier that all clones share.
    pub(crate) fn identity(&self) -> usize {
        Arc::as_ptr(&self.inner).addr()
    }

    /// Makes one call with a time limit, unless the circuit breaker is open.
    ///
    /// The call runs on the connections' thread, which also reports its result to the circuit
    /// breaker: a caller that reads the answer late, or not at all, does not affect others.
    pub(crate) async fn ask<T: FromRedisValue>(&self, command: Cmd) -> Result<T, Problem> {
        let place =
            self.inner.places.clone().try_acquire_owned().map_err(|_| Problem::Unreachable)?;
        let attempt = self.inner.breaker.attempt(Instant::now()).ok_or(Problem::Unreachable)?;
        let inner = self.inner.clone();
        let answer = self.there(async move {
            let _place = place;
            let (begin, limit) = (Instant::now(), inner.timeout);
            match tokio::time::timeout(limit, inner.pool.run(&command)).await {
                // A server that refuses at once is reachable, so the breaker stays closed.
                Ok(answer @ (Ok(_) | Err(Problem::Refused(_)))) => {
                    attempt.answered();
                    answer
                }
                Ok(Err(Problem::Unreachable)) => {
                    attempt.failed();
                    Err(Problem::Unreachable)
                }
                Err(_) => {
                    // Far more than the time limit: this process was suspended, not the server.
                    if begin.elapsed() < 2 * limit {
                        attempt.failed();
                    }
                    Err(Problem::Unreachable)
                }
            }
        });
        read(answer.await?)
    }

    /// Makes a call without the usual time limit, for a task that makes one call after the other
    /// whatever the result. It does not affect the circuit breaker.
    pub(crate) async fn ask_patiently<T: FromRedisValue>(
        &self,
        command: Cmd,
        limit: Duration,
    ) -> Result<T, Problem> {
        let inner = self.inner.clone();
        let answer = self.there(async move {
            let answer = tokio::time::timeout(limit, inner.pool.run(&command)).await;
            answer.unwrap_or(Err(Problem::Unreachable))
        });
        read(answer.await?)
    }

    /// Runs a job on the connections' thread as long as that exists. Returns `false` if it cannot.
    pub(crate) fn spawn(&self, job: impl Future<Output = ()> + Send + 'static) -> bool {
        self.inner.thread.run(move || job)
    }

    async fn there(
        &self,
        question: impl Future<Output = Result<Value, Problem>> + Send + 'static,
    ) -> Result<Value, Problem> {
        let (sender, answer) = oneshot::channel();
        self.spawn(async move {
            let _ = sender.send(question.await);
        });
        answer.await.unwrap_or(Err(Problem::Unreachable))
    }
}

fn read<T: FromRedisValue>(value: Value) -> Result<T, Problem> {
    redis::from_redis_value(value).map_err(|_| Problem::Refused(Refusal::Other))
}

/// Reasons why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    #[error("the Redis server is out of reach")]
    Unreachable,
    #[error("the Redis server refused a command: {0}")]
    Refused(Refusal),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the value under the name is not a string")]
    WrongType,
    /// Out of memory, not allowed, loading, a replica, and so on.
    #[error("not possible now")]
    Other,
}

impl From<Problem> for StoreUnavailable {
    fn from(problem: Problem) -> Self {
        Self::caused_by(problem)
    }
}

impl CacheStore for RedisCache {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreUnavailable>> {
        Box::pin(async move {
            let mut command = redis::cmd("GET");
            command.arg(self.name(key));
            match self.ask(command).await {
                Err(Problem::Refused(Refusal::WrongType)) => Ok(None),
                answer => Ok(answer?),
            }
        })
    }

    fn set<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        Box::pin(async move {
            let mut command = redis::cmd("SET");
            command.arg(self.name(key)).arg(value).arg("PX").arg(ttl_millis(ttl));
            Ok(self.ask::<()>(command).await?)
        })
    }

    fn add<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        ttl: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>> {
        Box::pin(async move {
            let mut command = redis::cmd("SET");
            command.arg(self.name(key)).arg(value).arg("NX").arg("PX").arg(ttl_millis(ttl));
            Ok(self.ask::<Option<String>>(command).await?.is_some())
        })
    }

    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
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

/// Converts an expiry to milliseconds; Redis refuses zero.
pub(crate) fn ttl_millis(ttl: Duration) -> u64 {
    millis(ttl).clamp(1, MAX_TTL_MILLIS)
}

/// Redis rejects longer times as invalid.
const MAX_TTL_MILLIS: u64 = 10 * 365 * 24 * 3600 * 1000;

/// The longest expiry. What has to stay longer is written without one.
#[cfg(feature = "api-keys")]
pub(crate) const MAX_TTL: Duration = Duration::from_millis(MAX_TTL_MILLIS);
