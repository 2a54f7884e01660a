//! Replay store on Redis, shared by the instances of an application.

use std::{sync::Arc, time::Duration};

use deadpool_redis::redis;

use super::{CLOCK_MARGIN, ProofId, ReplayError, ReplayStore};
use crate::lookup::BoxFuture;
use crate::{
    clock::{Clock, SystemClock},
    defaults::PROOFS_PER_KEY,
    digest::sha256_text,
    store::{RedisCache, ttl_millis},
};

/// A [`ReplayStore`] on Redis: a proof used at one instance is refused by all others.
///
/// Every request with a proof causes a call to the server. While the server is unreachable the
/// answer is 503; requests wait for it for the time limit of the connection at most, and not at all
/// for a second after that. The server must not evict data: set `maxmemory-policy noeviction`.
/// Writes that a failing master has not yet copied to its replica are lost with it.
///
/// The proofs of one key are one entry, which the server removes when the last of them expires. It
/// holds at most 10,000 of them ([`proofs_per_key`](Self::proofs_per_key)), in about 1.5 MB.
///
/// ```no_run
/// use jwt_verify::{JwtAuth, dpop::{Dpop, RedisReplay}, store::RedisCache};
///
/// let redis = RedisCache::builder("rediss://redis.internal:6379").connections(32).build()?;
/// let auth = JwtAuth::builder("https://issuer.example", "https://api.example.com")
///     .dpop(Dpop::new("https://api.example.com").replay_store(RedisReplay::new(redis)))
///     .build()?;
/// # Ok::<(), jwt_verify::ConfigError>(())
/// ```
#[derive(Debug, Clone)]
pub struct RedisReplay {
    redis: RedisCache,
    clock: Arc<dyn Clock>,
    per_key: usize,
}

impl RedisReplay {
    /// Creates a store on this server, with the key prefix of this application.
    pub fn new(redis: RedisCache) -> Self {
        Self::with_clock(redis, SystemClock::new())
    }

    /// Creates a store with another clock than the system clock.
    pub fn with_clock(redis: RedisCache, clock: impl Clock) -> Self {
        Self { redis, clock: Arc::new(clock), per_key: PROOFS_PER_KEY }
    }

    /// Sets the maximum number of proofs of one key, for all instances together; beyond it the key
    /// gets 429. The busiest client determines the value: see
    /// [`MemoryReplay::proofs_per_key`](crate::dpop::MemoryReplay::proofs_per_key). Default: 10,000; zero
    /// counts as one.
    #[must_use]
    pub fn proofs_per_key(mut self, proofs: usize) -> Self {
        self.per_key = proofs.max(1);
        self
    }
}

/// Adds a proof to those of its key, if it is new and below the limit. It uses the clock of the
/// server, and removes a limited number of expired proofs.
const NOTE: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ttl = tonumber(ARGV[2])
local known = redis.call('ZSCORE', KEYS[1], ARGV[1])
if known and tonumber(known) >= now then
  return 0
end
local over = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. now, 'LIMIT', 0, 64)
if #over > 0 then
  redis.call('ZREM', KEYS[1], unpack(over))
end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then
  return -1
end
redis.call('ZADD', KEYS[1], now + ttl, ARGV[1])
if redis.call('PTTL', KEYS[1]) < ttl then
  redis.call('PEXPIRE', KEYS[1], ttl)
end
return 1
";

impl ReplayStore for RedisReplay {
    fn insert_if_absent<'a>(
        &'a self,
        proof: &'a ProofId,
        until: Duration,
    ) -> BoxFuture<'a, Result<bool, ReplayError>> {
        Box::pin(async move {
            let ttl = until.saturating_sub(self.clock.now()).saturating_add(CLOCK_MARGIN);
            // Does not reveal the key.
            let key = sha256_text(proof.key());
            let mut command = redis::cmd("EVAL");
            command.arg(NOTE).arg(1).arg(self.redis.name(&format!("proofs:{key}")));
            command.arg(proof.text()).arg(ttl_millis(ttl)).arg(self.per_key);
            match self.redis.ask::<i64>(command).await {
                Ok(1) => Ok(true),
                Ok(0) => Ok(false),
                Ok(-1) => Err(ReplayError::ShareUsedUp),
                _ => Err(ReplayError::Unavailable),
            }
        })
    }

    fn instance_id(&self) -> Option<usize> {
        Some(self.redis.identity())
    }
}
