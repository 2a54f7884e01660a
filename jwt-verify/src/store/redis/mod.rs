//! A store on a Redis server, shared by the instances of an application.

mod breaker;
mod builder;
mod pool;

use std::{
    fmt,
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use deadpool_redis::redis::{self, Cmd, FromRedisValue, Value};
use tokio::sync::{Semaphore, oneshot};

pub use self::builder::RedisCacheBuilder;
use self::{breaker::Breaker, pool::Pool};
use super::CacheStore;
use crate::background::{BackgroundThread, SharedThread};
use crate::{error::StoreUnavailable, lookup::BoxFuture};

/// A [`CacheStore`] on Redis (6 or newer, or a server that speaks its protocol): a single server, a
/// Sentinel set or a Cluster, with or without TLS.
///
/// As a cache it holds key sets and what instances tell each other, never a token, and may lose
/// everything at any time (not so under a [`RedisRevocation`](crate::revocation::RedisRevocation), a
/// [`RedisReplay`](crate::dpop::RedisReplay) or a `RedisRefreshStore`, which say what they need): whatever goes wrong is a miss and costs at most its time limit
/// ([`timeout`](RedisCacheBuilder::timeout), 200 ms). Once failures outnumber answers by five, nothing
/// is asked for a second, after which one question tries again. So the server may be down when the
/// application starts, and one slow answer does not count.
///
/// Connections live on a thread of their own, `jwt-verify-redis`, that all caches of the process share:
/// a handler that blocks its worker delays the answers to that worker alone. At most 4,096 questions
/// wait for answers at a time; what is asked beyond that fails at once.
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
/// Entries have a prefix, so that applications can share a server
/// ([`namespace`](RedisCacheBuilder::namespace)). Give the server a password or an ACL and TLS:
/// without a [`cache_integrity_key`](crate::keys::JwksProviderBuilder::cache_integrity_key), whoever can
/// write to it can make tokens.
#[derive(Clone)]
pub struct RedisCache {
    inner: Arc<RedisCacheInner>,
}

struct RedisCacheInner {
    pool: Pool,
    prefix: String,
    timeout: Duration,
    breaker: Arc<Breaker>,
    /// How many more questions may wait.
    places: Arc<Semaphore>,
    /// Where the connections live.
    thread: Arc<BackgroundThread>,
}

static CONNECTIONS: SharedThread = SharedThread::new("jwt-verify-redis");

impl RedisCache {
    /// Starts a builder for a single server: `redis://[[user]:password@]host[:port][/database]`,
    /// `rediss://` for TLS, or `redis+unix://path`.
    pub fn builder(url: impl Into<String>) -> RedisCacheBuilder {
        RedisCacheBuilder::single(url.into())
    }

    /// Starts a builder for the master that Sentinels at these URLs know under this name.
    pub fn sentinel<I, S>(sentinels: I, master: impl Into<String>) -> RedisCacheBuilder
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        let sentinels = sentinels.into_iter().map(Into::into).collect();
        RedisCacheBuilder::sentinel(sentinels, master.into())
    }

    /// Starts a builder for the Cluster of which nodes are at these URLs.
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

    /// What the names of all entries begin with.
    pub(crate) fn namespace(&self) -> &str {
        self.inner.prefix.trim_end_matches(':')
    }

    /// Whether names are on several nodes, so that no command can change all of them.
    pub(crate) fn is_cluster(&self) -> bool {
        self.inner.pool.is_cluster()
    }

    /// What its clones have in common.
    pub(crate) fn identity(&self) -> usize {
        Arc::as_ptr(&self.inner).addr()
    }

    /// One question, bounded in time. Nothing is asked where it is pointless.
    ///
    /// It belongs to the connections' thread from here on, and so does the judgement of what came of
    /// it: an asker that does not look for the answer in time, or at all, changes nothing for others.
    pub(crate) async fn ask<T: FromRedisValue>(&self, command: Cmd) -> Result<T, Problem> {
        let place =
            self.inner.places.clone().try_acquire_owned().map_err(|_| Problem::Unreachable)?;
        let attempt = self.inner.breaker.attempt(Instant::now()).ok_or(Problem::Unreachable)?;
        let inner = self.inner.clone();
        let answer = self.there(async move {
            let _place = place;
            let (begin, limit) = (Instant::now(), inner.timeout);
            match tokio::time::timeout(limit, inner.pool.run(&command)).await {
                // What says no, at once, is there: no reason to keep others from asking.
                Ok(answer @ (Ok(_) | Err(Problem::Refused(_)))) => {
                    attempt.answered();
                    answer
                }
                Ok(Err(Problem::Unreachable)) => {
                    attempt.failed();
                    Err(Problem::Unreachable)
                }
                Err(_) => {
                    // Far more time than was to be waited: this process stood still, not the server.
                    if begin.elapsed() < 2 * limit {
                        attempt.failed();
                    }
                    Err(Problem::Unreachable)
                }
            }
        });
        read(answer.await?)
    }

    /// A question that may take its time, of one who asks one after the other whatever comes of it. It
    /// says nothing about the server to others.
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

    /// Runs something on the thread of the connections as long as there are any. Says whether it can.
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

/// Why there is no answer.
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
            command.arg(self.name(key)).arg(value).arg("PX").arg(millis(ttl));
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
            command.arg(self.name(key)).arg(value).arg("NX").arg("PX").arg(millis(ttl));
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

/// Redis refuses an expiry of zero.
pub(crate) fn millis(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).clamp(1, MAX_TTL_MILLIS)
}

/// Beyond this Redis says that the time is invalid.
const MAX_TTL_MILLIS: u64 = 10 * 365 * 24 * 3600 * 1000;
