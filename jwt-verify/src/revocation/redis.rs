//! Revocation store on Redis, shared by the instances of an application.

use std::{sync::Arc, time::Duration};

use deadpool_redis::redis;

use super::{
    Revocation, RevocationKeys, RevocationStore,
    log::{ALWAYS, RevocationLog},
};
use crate::{
    clock::{Clock, SystemClock},
    defaults::MAX_LEEWAY,
    store::{RedisCache, ttl_millis},
};
use crate::{error::StoreUnavailable, lookup::BoxFuture, lookup::Lookup};

/// A [`RevocationStore`] on Redis: a token revoked by one instance is refused by all others from
/// the next request on.
///
/// Every request causes a call to the server. While the server is unreachable the answer is 503;
/// requests wait for it for the time limit of the connection at most, and not at all for a second
/// after that.
///
/// Revocations are written twice: under a key of their own, which requests look up, and into a log
/// from which a [`RevocationReplica`](crate::revocation::RevocationReplica) reads.
///
/// The server must not evict data: set `maxmemory-policy noeviction`, and enable persistence if a
/// restart must not make revoked tokens valid again. Writes that a failing master has not yet
/// copied to its replica are lost with it.
///
/// ```no_run
/// use jwt_verify::{JwtAuth, revocation::RedisRevocation, store::RedisCache};
///
/// let redis = RedisCache::builder("rediss://redis.internal:6379").connections(32).build()?;
/// let auth = JwtAuth::builder("https://tenant.auth0.com/", "https://api.example.com")
///     .revocation(RedisRevocation::new(redis))
///     .build()?;
/// # Ok::<(), jwt_verify::ConfigError>(())
/// ```
#[derive(Debug, Clone)]
pub struct RedisRevocation {
    redis: RedisCache,
    log: RevocationLog,
    clock: Arc<dyn Clock>,
}

impl RedisRevocation {
    /// Creates a store on this server, with the key prefix of this application.
    pub fn new(redis: RedisCache) -> Self {
        Self::with_clock(redis, SystemClock::new())
    }

    /// Creates a store with another clock than the system clock.
    pub fn with_clock(redis: RedisCache, clock: impl Clock) -> Self {
        let log = RevocationLog::new(redis.clone());
        Self { redis, log, clock: Arc::new(clock) }
    }

    fn name(&self, key: &str) -> String {
        self.redis.name(&format!("revoked:{key}"))
    }

    async fn ask(&self, keys: &RevocationKeys) -> Result<bool, StoreUnavailable> {
        let names: Vec<String> = keys.keys().map(|key| self.name(key)).collect();
        if names.is_empty() {
            return Ok(false);
        }
        let mut command = redis::cmd("MGET");
        command.arg(names);
        let found: Vec<Option<String>> =
            self.redis.ask(command).await.map_err(StoreUnavailable::caused_by)?;
        let revokes = |entry: String| match entry.as_str() {
            ALWAYS => true,
            // Any other value was meant to revoke something.
            moment => moment
                .parse()
                .map_or(true, |millis| keys.is_revoked_by(Some(Duration::from_millis(millis)))),
        };
        Ok(found.into_iter().flatten().any(revokes))
    }
}

/// Writes the later of two moments for each key, and keeps it for the longer of two times.
const WRITE: &str = r"
for index, name in ipairs(KEYS) do
  local known = redis.call('GET', name)
  local value = ARGV[index + 1]
  if known and (known == '-' or (value ~= '-' and tonumber(known) > tonumber(value))) then
    value = known
  end
  local ttl = math.max(redis.call('PTTL', name), tonumber(ARGV[1]))
  redis.call('SET', name, value, 'PX', ttl)
end
return 1
";

/// Maximum number of revocations in one step: enough for all sessions of a subject, in a few
/// milliseconds.
const STEP: usize = 1000;

impl RevocationStore for RedisRevocation {
    fn check<'a>(&'a self, keys: &'a RevocationKeys) -> Lookup<'a, Result<bool, StoreUnavailable>> {
        Lookup::Pending(Box::pin(self.ask(keys)))
    }

    fn revoke<'a>(
        &'a self,
        what: &'a Revocation,
        until: Duration,
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        Box::pin(self.write(std::slice::from_ref(what), until))
    }

    /// Revokes up to 1,000 in one step; on a Cluster, where keys are on several nodes, one after
    /// the other.
    fn revoke_all<'a>(
        &'a self,
        what: &'a [Revocation],
        until: Duration,
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        let step = if self.redis.is_cluster() { 1 } else { STEP };
        Box::pin(async move {
            for some in what.chunks(step) {
                self.write(some, until).await?;
            }
            Ok(())
        })
    }
}

impl RedisRevocation {
    async fn write(&self, what: &[Revocation], until: Duration) -> Result<(), StoreUnavailable> {
        // Tokens are accepted for a while after they have expired.
        let ttl = until.saturating_add(MAX_LEEWAY).saturating_sub(self.clock.now());
        if ttl.is_zero() || what.is_empty() {
            return Ok(());
        }
        let value = |moment: Duration| moment.as_millis().to_string();
        let values: Vec<String> = what
            .iter()
            .map(|one| one.issued_until().map_or_else(|| ALWAYS.to_owned(), value))
            .collect();
        let mut command = redis::cmd("EVAL");
        command.arg(WRITE).arg(what.len());
        for one in what {
            command.arg(self.name(one.key()));
        }
        command.arg(ttl_millis(ttl)).arg(&values);
        self.redis.ask::<()>(command).await.map_err(StoreUnavailable::caused_by)?;
        // Redis accepts no expiry more than a few years ahead.
        let longest = Duration::from_millis(ttl_millis(until));
        let until = until.min(self.clock.now().saturating_add(longest));
        let keys = what.iter().map(Revocation::key).zip(values.iter().map(String::as_str));
        self.log.write(keys, until).await
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Returns the log for replicas.
    pub(super) fn log(&self) -> &RevocationLog {
        &self.log
    }
}
