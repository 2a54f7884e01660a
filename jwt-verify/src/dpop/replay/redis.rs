//! Used proofs that instances of an application share.

use std::{sync::Arc, time::Duration};

use super::{CLOCK_MARGIN, ProofId, ReplayError, ReplayFuture, ReplayStore};
use crate::{CacheStore as _, Clock, RedisCache, SystemClock};

/// A [`ReplayStore`] on Redis: a proof that was used at one instance is used at all of them.
///
/// It asks the server about every request with a proof. While the server is out of reach the answer is
/// 503; requests wait for it at most for the time limit of the connection, and not at all for a second
/// after that. The server must keep what it is given: set `maxmemory-policy noeviction`. What a failing
/// master has not yet copied to its replica is lost with it.
///
/// ```no_run
/// use jwt_verify::{Dpop, JwtAuth, RedisCache, RedisReplay};
///
/// let redis = RedisCache::new("rediss://redis.internal:6379").connections(32).build()?;
/// let auth = JwtAuth::builder("https://issuer.example", "https://api.example.com")
///     .dpop(Dpop::at("https://api.example.com").replay_store(RedisReplay::new(redis)))
///     .build()?;
/// # Ok::<(), jwt_verify::ConfigError>(())
/// ```
#[derive(Debug, Clone)]
pub struct RedisReplay {
    redis: RedisCache,
    clock: Arc<dyn Clock>,
}

impl RedisReplay {
    /// On this server, under the names of this application.
    pub fn new(redis: RedisCache) -> Self {
        Self::with_clock(redis, SystemClock::new())
    }

    /// The same with another clock than the system's.
    pub fn with_clock(redis: RedisCache, clock: impl Clock) -> Self {
        Self { redis, clock: Arc::new(clock) }
    }
}

impl ReplayStore for RedisReplay {
    fn first_use<'a>(&'a self, proof: &'a ProofId, until: Duration) -> ReplayFuture<'a> {
        Box::pin(async move {
            let ttl = until.saturating_sub(self.clock.now()).saturating_add(CLOCK_MARGIN);
            let name = format!("proof:{}", proof.text());
            self.redis.add(&name, b"", ttl).await.map_err(|_| ReplayError)
        })
    }

    fn identity(&self) -> Option<usize> {
        Some(self.redis.identity())
    }
}
