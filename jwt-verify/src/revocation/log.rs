//! Log of revocations in order, from which replicas are kept.
//!
//! The server has four keys, in one slot of a Cluster. `log` has all revocation keys, each at the
//! position of its latest write; `entries` has their values; `ends` has the time at which each
//! expires; `steps` has the latest positions. A position is the time of the server's clock in
//! microseconds, or one more than the last position if that clock is not ahead of it. So positions
//! only grow. An entry that is revoked again moves to the end and keeps the later of each of its
//! two moments; an entry without news stays.
//!
//! # Why a reader misses nothing
//!
//! A reader requests the entries behind a position, page by page, and continues behind the last of
//! them. *Everything at or before its position has been read in its current state*: an entry
//! changes only by moving behind every existing position, and so behind the reader's. What is
//! written while pages are read is also behind the reader, and comes in a later page. A page that
//! is not full is the end: the copy then has everything that was revoked when that page was
//! requested. The next request is the same again. So the first copy and later updates do not
//! differ, and a failed request is repeated from the same position, however late.
//!
//! This holds as long as the server only adds data. A server that replaces another, or restarts
//! from a snapshot, may lack the latest writes, and its next write may get a position before the
//! reader's. So a reader sends the newest position that it knows with every request. A server
//! always loses the latest writes: if it knows that position (`steps`), nothing before it is lost.
//! If it does not, or if there were 10,000 others since, the reader starts over.
//!
//! No command processes more than a page, and expired entries are removed a page at a time. So no
//! command blocks others, however much is revoked.

use std::time::Duration;

use deadpool_redis::redis::{self, Cmd};

use crate::error::StoreUnavailable;
use crate::{
    clock::millis,
    defaults::{REPLICA_PAGE, REPLICA_STEPS, REPLICA_TIMEOUT, REVOCATION_KEPT},
    store::RedisCache,
};

/// The log of one application.
#[derive(Debug, Clone)]
pub(super) struct RevocationLog {
    redis: RedisCache,
}

/// The position of a reader.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Position {
    /// Everything at or before it has been read.
    read: u64,
    /// Newest position that the server has reported.
    seen: u64,
}

/// Result of a request.
pub(super) struct Page {
    pub(super) entries: Vec<LogEntry>,
    /// Position of the next request.
    pub(super) next: Position,
    /// True if there was no more when it was requested.
    pub(super) is_last: bool,
    /// True if the server did not know the position, so that this is the first page.
    pub(super) begins_anew: bool,
    /// True if there are enough expired entries to be worth removing.
    pub(super) has_waste: bool,
}

/// A revocation made by any instance.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LogEntry {
    pub(super) mark: String,
    pub(super) issued_until: Option<Duration>,
    pub(super) until: Duration,
}

/// Stands for a revocation regardless of the time of issue.
pub(super) const ALWAYS: &str = "-";

const KEYS: [&str; 4] = ["log", "entries", "ends", "steps"];

/// Writes entries, unless they contain nothing new. Returns the number of expired entries.
const WRITE: &str = r"
local log, entries, ends, steps = unpack(KEYS)
local kept, most = tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local longest = 0
for index = 4, #ARGV, 2 do
  local mark, value, till = ARGV[index], ARGV[index + 1], tonumber(ARGV[1])
  local known = redis.call('HGET', entries, mark)
  if known then
    local before, ending = string.match(known, '^(%S+) (%d+)$')
    local moment = tonumber(before)
    if before == '-' or (value ~= '-' and moment and moment > tonumber(value)) then value = before end
    till = math.max(till, tonumber(ending) or 0)
  end
  local entry = value .. ' ' .. string.format('%.0f', till)
  if entry ~= known then
    local last = tonumber(redis.call('ZRANGE', steps, -1, -1)[1] or 0)
    local position = string.format('%.0f', math.max(now, last + 1))
    redis.call('HSET', entries, mark, entry)
    redis.call('ZADD', ends, string.format('%.0f', till), mark)
    redis.call('ZADD', log, position, mark)
    redis.call('ZADD', steps, position, position)
    longest = math.max(longest, till)
  end
end
if longest > 0 then
  redis.call('ZREMRANGEBYRANK', steps, 0, -1 - most)
  local ttl = math.max(longest - now / 1000, 0) + 2 * kept
  for _, key in ipairs(KEYS) do
    if redis.call('PTTL', key) < ttl then redis.call('PEXPIRE', key, string.format('%.0f', ttl)) end
  end
end
return redis.call('ZCOUNT', ends, '-inf', string.format('%.0f', now / 1000 - kept))
";

/// Reads a page behind a position.
const READ: &str = r"
local log, entries, ends, steps = unpack(KEYS)
local from, seen, kept, most = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local time = redis.call('TIME')
local anew = 0
if not redis.call('ZSCORE', steps, seen) then from, anew = '0', 1 end
local newest = redis.call('ZRANGE', steps, -1, -1)[1] or '0'
local found = redis.call('ZRANGEBYSCORE', log, '(' .. from, '+inf', 'WITHSCORES', 'LIMIT', 0, most)
local marks = {}
for index = 1, #found, 2 do marks[#marks + 1], from = found[index], found[index + 1] end
local values = {}
if #marks > 0 then values = redis.call('HMGET', entries, unpack(marks)) end
local over = string.format('%.0f', time[1] * 1000 - kept)
return { from, newest, anew, redis.call('ZCOUNT', ends, '-inf', over), marks, values }
";

/// Removes a page of expired entries.
const FORGET: &str = r"
local log, entries, ends = unpack(KEYS)
local time = redis.call('TIME')
local over = string.format('%.0f', time[1] * 1000 - tonumber(ARGV[1]))
local marks = redis.call('ZRANGEBYSCORE', ends, '-inf', over, 'LIMIT', 0, ARGV[2])
if #marks > 0 then
  redis.call('ZREM', log, unpack(marks))
  redis.call('ZREM', ends, unpack(marks))
  redis.call('HDEL', entries, unpack(marks))
end
return #marks
";

impl RevocationLog {
    pub(super) fn new(redis: RedisCache) -> Self {
        Self { redis }
    }

    pub(super) fn redis(&self) -> &RedisCache {
        &self.redis
    }

    /// Writes keys with their values and expiry for replicas, in one step.
    pub(super) async fn write<'a>(
        &self,
        marks: impl Iterator<Item = (&'a str, &'a str)>,
        until: Duration,
    ) -> Result<(), StoreUnavailable> {
        let mut command = self.command(WRITE);
        command.arg(millis(until)).arg(millis(REVOCATION_KEPT)).arg(REPLICA_STEPS);
        for (mark, value) in marks {
            command.arg(mark).arg(value);
        }
        let over: usize = self.redis.ask(command).await.map_err(StoreUnavailable::caused_by)?;
        if over >= WASTE {
            // It is revoked all the same; the next call tries again.
            let _ = self.redis.ask::<()>(self.forgetting()).await;
        }
        Ok(())
    }

    /// Reads the next page.
    pub(super) async fn read(&self, position: Position) -> Result<Page, StoreUnavailable> {
        type LogReply = (u64, u64, u8, usize, Vec<String>, Vec<Option<String>>);

        let mut command = self.command(READ);
        command.arg(position.read).arg(position.seen).arg(millis(REVOCATION_KEPT));
        command.arg(REPLICA_PAGE);
        let answer = self.redis.ask_patiently(command, REPLICA_TIMEOUT).await;
        let (read, seen, anew, over, marks, values): LogReply =
            answer.map_err(StoreUnavailable::caused_by)?;
        let is_last = marks.len() < REPLICA_PAGE;
        // An entry that cannot be read was not written by this library, and is ignored.
        let entries = marks.into_iter().zip(values);
        let entries = entries.filter_map(|(mark, value)| LogEntry::parse(mark, &value?)).collect();
        Ok(Page {
            entries,
            next: Position { read, seen },
            is_last,
            begins_anew: anew == 1,
            has_waste: over >= WASTE,
        })
    }

    /// Removes a page of expired entries.
    pub(super) async fn forget(&self) -> Result<(), StoreUnavailable> {
        let answer = self.redis.ask_patiently::<()>(self.forgetting(), REPLICA_TIMEOUT).await;
        answer.map_err(StoreUnavailable::caused_by)
    }

    fn forgetting(&self) -> Cmd {
        let mut command = self.command(FORGET);
        command.arg(millis(REVOCATION_KEPT)).arg(REPLICA_PAGE);
        command
    }

    fn command(&self, script: &str) -> Cmd {
        let mut command = redis::cmd("EVAL");
        command.arg(script).arg(KEYS.len());
        for key in KEYS {
            command.arg(self.redis.name(&format!("{{revocations}}:{key}")));
        }
        command
    }
}

/// Number of expired entries that are worth a command.
const WASTE: usize = 100;

impl LogEntry {
    fn parse(mark: String, entry: &str) -> Option<Self> {
        let (value, until) = entry.split_once(' ')?;
        let millis = |text: &str| text.parse().ok().map(Duration::from_millis);
        let issued_until = if value == ALWAYS { None } else { Some(millis(value)?) };
        Some(Self { mark, issued_until, until: millis(until)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_as_they_are_written_and_no_other_way() {
        let parse = |entry: &str| LogEntry::parse("mark".into(), entry);
        let until = Duration::from_millis(1500);
        let noted = |issued_until| Some(LogEntry { mark: "mark".into(), issued_until, until });
        assert_eq!(parse("- 1500"), noted(None));
        assert_eq!(parse("17 1500"), noted(Some(Duration::from_millis(17))));
        for odd in ["", "-", "- ", "-1500", "x 1500", "17 x", "17 1500 3", " 1500"] {
            assert_eq!(parse(odd), None, "{odd}");
        }
    }
}
