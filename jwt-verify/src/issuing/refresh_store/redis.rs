//! Refresh store on Redis, shared by the instances of an application.

use std::sync::Arc;

use deadpool_redis::redis;

use super::REPLACED;
use crate::issuing::refresh_store::{RefreshStore, Rotation, RotationOutcome, SessionRecord};
use crate::{
    clock::{Clock, SystemClock, millis},
    digest::sha256_text,
    store::{RedisCache, ttl_millis},
};
use crate::{error::StoreUnavailable, lookup::BoxFuture};

/// A [`RefreshStore`] on Redis. A rotation is one script that runs on the server, so of any number of
/// instances exactly one wins.
///
/// The server must not evict data: set `maxmemory-policy noeviction`. A lost session means a new
/// login; a lost *change*, because a master fails before its replica has it or an old snapshot is
/// restored, makes an ended session or a used token valid again. While the server is unreachable no
/// user can log in or refresh (503); a client whose response was lost on the way has to log in
/// again.
#[derive(Debug, Clone)]
pub struct RedisRefreshStore {
    redis: RedisCache,
    clock: Arc<dyn Clock>,
}

impl RedisRefreshStore {
    /// Creates a store on this server, with the key prefix of this application.
    pub fn new(redis: RedisCache) -> Self {
        Self::with_clock(redis, SystemClock::new())
    }

    /// Creates a store with another clock than the system clock.
    pub fn with_clock(redis: RedisCache, clock: impl Clock) -> Self {
        Self { redis, clock: Arc::new(clock) }
    }

    /// Returns the key of all sessions of a subject: one entry, so that each script is one step in
    /// a Cluster too. Names of any length and content become keys of one length.
    fn sessions(&self, subject: &str) -> String {
        let hash = sha256_text(subject.as_bytes());
        self.redis.name(&format!("sessions:{hash}"))
    }

    /// Starts the call of a script about the sessions of a subject.
    fn script(&self, script: &str, subject: &str) -> redis::Cmd {
        let mut command = redis::cmd("EVAL");
        command.arg(script).arg(1).arg(self.sessions(subject));
        command
    }

    async fn run<T: redis::FromRedisValue>(
        &self,
        command: redis::Cmd,
    ) -> Result<T, StoreUnavailable> {
        self.redis.ask(command).await.map_err(StoreUnavailable::caused_by)
    }
}

/// The beginning of every script. A session is a hash field, `begun until current`, followed by the
/// former tokens with the time at which each was replaced. `alive` contains the sessions that have
/// not expired, the oldest first, and the others are removed.
macro_rules! script {
    ($body:literal) => {
        concat!(
            r"
local entry = '^(%d+) (%d+) (%S+)(.*)$'
local function alive(now)
  local all, known = redis.call('HGETALL', KEYS[1]), {}
  for index = 1, #all, 2 do
    local begun, last = string.match(all[index + 1], entry)
    if last and tonumber(last) > tonumber(now) then
      table.insert(known, { all[index], tonumber(begun) })
    else
      redis.call('HDEL', KEYS[1], all[index])
    end
  end
  table.sort(known, function(one, other) return one[2] < other[2] end)
  for index, session in ipairs(known) do known[index] = session[1] end
  return known
end
local function keep(id, session, ttl)
  redis.call('HSET', KEYS[1], id, session)
  redis.call('PEXPIRE', KEYS[1], math.max(redis.call('PTTL', KEYS[1]), tonumber(ttl)))
end
",
            $body
        )
    };
}

const BEGIN: &str = script!(
    r"
local id, begun, last, current, now, most, ttl = unpack(ARGV)
redis.call('HDEL', KEYS[1], id)
local known, ended = alive(now), {}
for index = 1, #known + 1 - tonumber(most) do
  redis.call('HDEL', KEYS[1], known[index])
  table.insert(ended, known[index])
end
keep(id, table.concat({ begun, last, current }, ' '), ttl)
return ended
"
);

/// The clocks of one application's instances must differ by less than its grace period; the script
/// uses the caller's time, so that tests can move it.
const ROTATE: &str = script!(
    r"
local id, presented, following, now, grace, last, ttl, most = unpack(ARGV)
local begun, until_now, current, before = string.match(redis.call('HGET', KEYS[1], id) or '', entry)
if not begun or tonumber(until_now) <= tonumber(now) then return 'unknown' end
local replaced = {}
for one, at in string.gmatch(before, '(%S+) (%d+)') do
  if tonumber(now) < tonumber(at) + tonumber(grace) then table.insert(replaced, { one, at }) end
end
if current == presented then
  table.insert(replaced, { current, now })
  while #replaced > tonumber(most) do table.remove(replaced, 1) end
  local session = { begun, last, following }
  for _, one in ipairs(replaced) do
    table.insert(session, one[1])
    table.insert(session, one[2])
  end
  keep(id, table.concat(session, ' '), ttl)
  return 'rotated'
end
for _, one in ipairs(replaced) do
  if one[1] == presented then return 'repeated' end
end
redis.call('HDEL', KEYS[1], id)
return 'reused'
"
);

const END: &str = script!(
    r"
alive(ARGV[1])
return redis.call('HDEL', KEYS[1], ARGV[2])
"
);

/// Without a second argument none is left.
const END_ALL: &str = script!(
    r"
local ended = {}
for _, id in ipairs(alive(ARGV[1])) do
  if id ~= ARGV[2] then
    redis.call('HDEL', KEYS[1], id)
    table.insert(ended, id)
  end
end
return ended
"
);

const LIST: &str = script!("return alive(ARGV[1])");

impl RefreshStore for RedisRefreshStore {
    fn begin<'a>(
        &'a self,
        session: &'a SessionRecord,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreUnavailable>> {
        Box::pin(async move {
            let SessionRecord { session_id, subject, current, begun_at, until, most } = session;
            let now = self.clock.now();
            let mut command = self.script(BEGIN, subject);
            command.arg(session_id).arg(millis(*begun_at)).arg(millis(*until)).arg(current);
            command.arg(millis(now)).arg((*most).max(1)).arg(ttl_millis(until.saturating_sub(now)));
            self.run(command).await
        })
    }

    fn rotate<'a>(
        &'a self,
        rotation: &'a Rotation<'a>,
    ) -> BoxFuture<'a, Result<RotationOutcome, StoreUnavailable>> {
        Box::pin(async move {
            let ttl = rotation.until.saturating_sub(rotation.now);
            let mut command = self.script(ROTATE, rotation.subject);
            command.arg(rotation.session_id).arg(rotation.presented).arg(rotation.next);
            command.arg(millis(rotation.now)).arg(millis(rotation.grace));
            command.arg(millis(rotation.until)).arg(ttl_millis(ttl)).arg(REPLACED);
            let outcome: String = self.run(command).await?;
            match outcome.as_str() {
                "rotated" => Ok(RotationOutcome::Rotated),
                "repeated" => Ok(RotationOutcome::Repeated),
                "reused" => Ok(RotationOutcome::Reused),
                "unknown" => Ok(RotationOutcome::Unknown),
                _ => Err(StoreUnavailable::new()),
            }
        })
    }

    fn end<'a>(
        &'a self,
        subject: &'a str,
        session_id: &'a str,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>> {
        Box::pin(async move {
            let mut command = self.script(END, subject);
            command.arg(millis(self.clock.now())).arg(session_id);
            self.run(command).await
        })
    }

    fn end_all<'a>(
        &'a self,
        subject: &'a str,
        except: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreUnavailable>> {
        Box::pin(async move {
            let mut command = self.script(END_ALL, subject);
            command.arg(millis(self.clock.now())).arg(except);
            self.run(command).await
        })
    }

    fn sessions_of<'a>(
        &'a self,
        subject: &'a str,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreUnavailable>> {
        Box::pin(async move {
            let mut command = self.script(LIST, subject);
            command.arg(millis(self.clock.now()));
            self.run(command).await
        })
    }
}
