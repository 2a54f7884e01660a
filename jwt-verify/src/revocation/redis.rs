//! Revocations that instances of an application share.

use std::{sync::Arc, time::Duration};

use deadpool_redis::redis;

use super::{
    Revocation, RevocationError, RevocationFuture, RevocationLookup, RevocationStore, TokenMarks,
    log::{ALWAYS, RevocationLog},
};
use crate::{Clock, RedisCache, SystemClock, limits::MAX_LEEWAY, store::millis};

/// A [`RevocationStore`] on Redis: what one instance revokes, all others refuse with the next
/// request.
///
/// It asks the server about every request. While the server is out of reach the answer is 503;
/// requests wait for it at most for the time limit of the connection, and not at all for a second
/// after that.
///
/// What is revoked is written twice: under a name of its own, which is what requests look for, and into
/// a log from which a [`RevocationReplica`](crate::RevocationReplica) reads.
///
/// The server must keep what it is given: set `maxmemory-policy noeviction`, and persistence if a
/// restart must not bring revoked tokens back. What a failing master has not yet copied to its
/// replica is lost with it.
///
/// ```no_run
/// use jwt_verify::{JwtAuth, RedisCache, RedisRevocation};
///
/// let redis = RedisCache::new("rediss://redis.internal:6379").connections(32).build()?;
/// let auth = JwtAuth::builder("https://tenant.auth0.com/", "https://api.example.com")
///     .verifier(|verifier| verifier.revocation(RedisRevocation::new(redis)))
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
    /// On this server, under the names of this application.
    pub fn new(redis: RedisCache) -> Self {
        Self::with_clock(redis, SystemClock::new())
    }

    /// The same with another clock than the system's.
    pub fn with_clock(redis: RedisCache, clock: impl Clock) -> Self {
        let log = RevocationLog::new(redis.clone());
        Self { redis, log, clock: Arc::new(clock) }
    }

    fn name(&self, mark: &str) -> String {
        self.redis.name(&format!("revoked:{mark}"))
    }

    async fn ask(&self, marks: &TokenMarks) -> Result<bool, RevocationError> {
        let names: Vec<String> = marks.names().map(|mark| self.name(mark)).collect();
        if names.is_empty() {
            return Ok(false);
        }
        let mut command = redis::cmd("MGET");
        command.arg(names);
        let found: Vec<Option<String>> =
            self.redis.ask(command).await.map_err(|_| RevocationError)?;
        let revokes = |entry: String| match entry.as_str() {
            ALWAYS => true,
            // Whatever else stands there was meant to revoke something.
            moment => moment
                .parse()
                .map_or(true, |millis| marks.is_revoked_by(Some(Duration::from_millis(millis)))),
        };
        Ok(found.into_iter().flatten().any(revokes))
    }
}

/// Writes the later of two moments, and keeps it for the longer of two times.
const WRITE: &str = r"
local known = redis.call('GET', KEYS[1])
local value = ARGV[1]
if known and (known == '-' or (value ~= '-' and tonumber(known) > tonumber(value))) then
  value = known
end
local ttl = math.max(redis.call('PTTL', KEYS[1]), tonumber(ARGV[2]))
redis.call('SET', KEYS[1], value, 'PX', ttl)
return 1
";

impl RevocationStore for RedisRevocation {
    fn check<'a>(&'a self, marks: &'a TokenMarks) -> RevocationLookup<'a> {
        RevocationLookup::Pending(Box::pin(self.ask(marks)))
    }

    fn revoke<'a>(&'a self, what: &'a Revocation, until: Duration) -> RevocationFuture<'a, ()> {
        Box::pin(async move {
            // Tokens are accepted for a while after they have expired.
            let ttl = until.saturating_add(MAX_LEEWAY).saturating_sub(self.clock.now());
            if ttl.is_zero() {
                return Ok(());
            }
            let value = match what.issued_until() {
                Some(moment) => moment.as_millis().to_string(),
                None => ALWAYS.to_owned(),
            };
            let mut command = redis::cmd("EVAL");
            command.arg(WRITE).arg(1).arg(self.name(what.mark()));
            command.arg(&value).arg(millis(ttl));
            self.redis.ask::<()>(command).await.map_err(|_| RevocationError)?;
            // Redis knows no time that is farther away than a few years.
            let longest = Duration::from_millis(millis(until));
            let until = until.min(self.clock.now().saturating_add(longest));
            self.log.write(what.mark(), &value, until).await
        })
    }
}

impl RedisRevocation {
    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// What is revoked, for those who keep a copy.
    pub(super) fn log(&self) -> &RevocationLog {
        &self.log
    }
}
