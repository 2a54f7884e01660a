//! Sessions that instances of an application share.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use deadpool_redis::redis;

use super::{
    REPLACED, RefreshFuture, RefreshStore, RefreshStoreError, Rotation, RotationOutcome,
    SessionRecord,
};
use crate::{Clock, RedisCache, SystemClock, store::millis};

/// A [`RefreshStore`] on Redis. A rotation is one script that runs on the server, so of any number of
/// instances exactly one wins.
///
/// The server must keep what it is given: set `maxmemory-policy noeviction`. A session that is lost
/// means a new login; a *change* that is lost, by a master that fails before its replica has it or by
/// an old snapshot, makes an ended session or a used token good again. While it is out of reach nobody
/// can log in or refresh (503); a client whose answer was lost on the way has to log in again.
#[derive(Debug, Clone)]
pub struct RedisRefreshStore {
    redis: RedisCache,
    clock: Arc<dyn Clock>,
}

impl RedisRefreshStore {
    /// On this server, under the names of this application.
    pub fn new(redis: RedisCache) -> Self {
        Self::with_clock(redis, SystemClock::new())
    }

    /// The same with another clock than the system's.
    pub fn with_clock(redis: RedisCache, clock: impl Clock) -> Self {
        Self { redis, clock: Arc::new(clock) }
    }

    fn session(&self, session_id: &str) -> String {
        self.redis.name(&format!("session:{}", hash(session_id)))
    }

    fn sessions(&self, subject: &str) -> String {
        self.redis.name(&format!("sessions:{}", hash(subject)))
    }

    async fn run<T: redis::FromRedisValue>(
        &self,
        command: redis::Cmd,
    ) -> Result<T, RefreshStoreError> {
        self.redis.ask(command).await.map_err(|_| RefreshStoreError)
    }
}

/// Names of any length and content become names of one length.
fn hash(name: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, name.as_bytes()))
}

/// The times of one application's instances differ by less than its time of grace; the script goes
/// by the caller's, so that tests can move it.
const ROTATE: &str = r"
local current, subject = unpack(redis.call('HMGET', KEYS[1], 'current', 'subject'))
if not current or subject ~= ARGV[1] then return 'unknown' end
local presented, following = ARGV[2], ARGV[3]
local now, grace, ttl, most = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6], tonumber(ARGV[7])
local replaced = {}
for id, at in string.gmatch(redis.call('HGET', KEYS[1], 'replaced') or '', '(%S+) (%d+)') do
  if now < tonumber(at) + grace then table.insert(replaced, { id, at }) end
end
if current == presented then
  table.insert(replaced, { current, ARGV[4] })
  while #replaced > most do table.remove(replaced, 1) end
  for index, entry in ipairs(replaced) do replaced[index] = entry[1] .. ' ' .. entry[2] end
  redis.call('HSET', KEYS[1], 'current', following, 'replaced', table.concat(replaced, ' '))
  redis.call('PEXPIRE', KEYS[1], ttl)
  return 'rotated'
end
for _, entry in ipairs(replaced) do
  if entry[1] == presented then return 'repeated' end
end
redis.call('DEL', KEYS[1])
return 'reused'
";

const BEGIN: &str = r"
redis.call('HSET', KEYS[1], 'current', ARGV[1], 'subject', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
";

/// Lists a session under its subject until it is over; the list stays as long as the longest.
const LIST: &str = r"
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[4])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
local ttl = math.max(redis.call('PTTL', KEYS[1]), tonumber(ARGV[3]))
redis.call('PEXPIRE', KEYS[1], ttl)
return 1
";

/// The same for a session that goes on, if it is listed.
const PROLONG: &str = r"
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
  local ttl = math.max(redis.call('PTTL', KEYS[1]), tonumber(ARGV[3]))
  redis.call('PEXPIRE', KEYS[1], ttl)
end
return 1
";

const END: &str = r"
if redis.call('HGET', KEYS[1], 'subject') == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
";

impl RedisRefreshStore {
    async fn list(
        &self,
        script: &str,
        subject: &str,
        session_id: &str,
        now: Duration,
        until: Duration,
    ) -> Result<(), RefreshStoreError> {
        let mut command = redis::cmd("EVAL");
        command.arg(script).arg(1).arg(self.sessions(subject)).arg(session_id);
        let ttl = millis(until.saturating_sub(now));
        command.arg(millis_of(until)).arg(ttl).arg(millis_of(now));
        self.run(command).await
    }
}

impl RefreshStore for RedisRefreshStore {
    fn begin<'a>(&'a self, session: &'a SessionRecord) -> RefreshFuture<'a, ()> {
        Box::pin(async move {
            let (now, until) = (self.clock.now(), session.until);
            // Listed first: a session that nobody finds could not be ended.
            self.list(LIST, &session.subject, &session.session_id, now, until).await?;
            let ttl = until.saturating_sub(now);
            let mut command = redis::cmd("EVAL");
            command.arg(BEGIN).arg(1).arg(self.session(&session.session_id));
            command.arg(&session.current).arg(&session.subject).arg(millis(ttl));
            self.run(command).await
        })
    }

    fn rotate<'a>(&'a self, rotation: &'a Rotation<'a>) -> RefreshFuture<'a, RotationOutcome> {
        Box::pin(async move {
            let ttl = rotation.until.saturating_sub(rotation.now);
            // First: what is done after the rotation must not fail.
            let (now, until) = (rotation.now, rotation.until);
            self.list(PROLONG, rotation.subject, rotation.session_id, now, until).await?;
            let mut command = redis::cmd("EVAL");
            command.arg(ROTATE).arg(1).arg(self.session(rotation.session_id));
            command.arg(rotation.subject).arg(rotation.presented).arg(rotation.next);
            command.arg(millis_of(rotation.now)).arg(millis_of(rotation.grace));
            command.arg(millis(ttl)).arg(REPLACED);
            let outcome: String = self.run(command).await?;
            match outcome.as_str() {
                "rotated" => Ok(RotationOutcome::Rotated),
                "repeated" => Ok(RotationOutcome::Repeated),
                "reused" => Ok(RotationOutcome::Reused),
                "unknown" => Ok(RotationOutcome::Unknown),
                _ => Err(RefreshStoreError),
            }
        })
    }

    fn end<'a>(&'a self, subject: &'a str, session_id: &'a str) -> RefreshFuture<'a, ()> {
        Box::pin(async move {
            let mut command = redis::cmd("EVAL");
            command.arg(END).arg(1).arg(self.session(session_id)).arg(subject);
            self.run::<()>(command).await?;
            let mut command = redis::cmd("ZREM");
            command.arg(self.sessions(subject)).arg(session_id);
            self.run(command).await
        })
    }

    fn sessions_of<'a>(&'a self, subject: &'a str) -> RefreshFuture<'a, Vec<String>> {
        Box::pin(async move {
            let mut command = redis::cmd("ZRANGE");
            command.arg(self.sessions(subject)).arg(0).arg(-1);
            self.run(command).await
        })
    }
}

fn millis_of(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
