//! Revocations that instances of an application share.

use std::{sync::Arc, time::Duration};

use deadpool_redis::redis;

use super::{
    Revocation, RevocationError, RevocationFuture, RevocationLookup, RevocationStore, TokenMarks,
};
use crate::{Clock, RedisCache, SystemClock, limits::MAX_LEEWAY};

/// A [`RevocationStore`] on Redis: what one instance revokes, all others refuse with the next
/// request.
///
/// It asks the server about every request. While the server is out of reach the answer is 503;
/// requests wait for it at most for the time limit of the connection, and not at all for a second
/// after that.
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
    clock: Arc<dyn Clock>,
}

impl RedisRevocation {
    /// On this server, under the names of this application.
    pub fn new(redis: RedisCache) -> Self {
        Self::with_clock(redis, SystemClock::new())
    }

    /// The same with another clock than the system's.
    pub fn with_clock(redis: RedisCache, clock: impl Clock) -> Self {
        Self { redis, clock: Arc::new(clock) }
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

/// What stands for a revocation that does not ask when a token was issued.
const ALWAYS: &str = "-";

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
            command.arg(&value).arg(crate::store::millis(ttl));
            self.redis.ask::<()>(command).await.map_err(|_| RevocationError)?;
            let entry = format!("{} {value} {}", what.mark(), until.as_millis());
            let mut command = redis::cmd("EVAL");
            command.arg(LOG).arg(2).arg(self.all()).arg(self.recent());
            command.arg(entry).arg(until.as_millis().to_string());
            self.redis.ask::<()>(command).await.map_err(|_| RevocationError)
        })
    }
}

/// Two lists for those who keep a copy: of all that is revoked, by when it is over, and of what was
/// revoked lately, by when that was. The server's clock alone says what is late.
const LOG: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('ZADD', KEYS[2], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 3600000)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - 600000)
return 1
";

/// What has been revoked since a time of the server's clock, or, if that is too long ago, everything;
/// and the time to ask from next.
const READ: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local since = tonumber(ARGV[1])
local entries
if since > now - 540000 and since <= now then
  entries = redis.call('ZRANGEBYSCORE', KEYS[2], since - 1000, '+inf')
else
  entries = redis.call('ZRANGE', KEYS[1], 0, -1)
end
return { tostring(now), entries }
";

/// Something that was revoked somewhere.
pub(super) struct Noted {
    pub(super) mark: String,
    pub(super) issued_until: Option<Duration>,
    pub(super) until: Duration,
}

impl RedisRevocation {
    /// Both lists have to be in one place of a Cluster.
    fn all(&self) -> String {
        self.redis.name("{revocations}:all")
    }

    fn recent(&self) -> String {
        self.redis.name("{revocations}:recent")
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// What has been revoked since then, and from when to ask next.
    pub(super) async fn noted(&self, since: u64) -> Result<(u64, Vec<Noted>), RevocationError> {
        let mut command = redis::cmd("EVAL");
        command.arg(READ).arg(2).arg(self.all()).arg(self.recent()).arg(since);
        let (now, entries): (String, Vec<String>) =
            self.redis.ask(command).await.map_err(|_| RevocationError)?;
        let now = now.parse().map_err(|_| RevocationError)?;
        // An entry that cannot be read was written by somebody else, and says nothing.
        Ok((now, entries.iter().filter_map(|entry| Noted::parse(entry)).collect()))
    }
}

impl Noted {
    fn parse(entry: &str) -> Option<Self> {
        let mut parts = entry.split(' ');
        let (mark, value, until) = (parts.next()?, parts.next()?, parts.next()?);
        let millis = |text: &str| text.parse().ok().map(Duration::from_millis);
        let issued_until = if value == ALWAYS { None } else { Some(millis(value)?) };
        Some(Self { mark: mark.to_owned(), issued_until, until: millis(until)? })
    }
}
