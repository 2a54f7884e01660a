//! What is revoked, in the order in which it became so, for those who keep a copy.
//!
//! On the server there are four keys, of one slot of a Cluster. `log` has the marks of all that is
//! revoked, each at the position at which it was written last; `entries` says what is known of each;
//! `ends` says when each is over; `steps` has the latest positions themselves. A position is the time of
//! the server's clock in microseconds, or one more than the last where that clock is not ahead of it.
//! So positions only grow. A mark that is revoked again moves to the end and takes both moments, the
//! later of each; one about which nothing new is said stays.
//!
//! # Why a reader misses nothing
//!
//! A reader asks for the entries behind a position, a page at a time, and goes on behind the last of
//! them. *Everything at or before the position it has reached has been read as it is now*: an entry
//! changes only by moving behind every position there is, and so behind the reader's. What is written
//! while pages are read is behind the reader as well, and comes in a later page. A page that is not full
//! is the end: the copy has then all that was revoked when that page was asked for. The next question
//! is the same one again. So there is no difference between the first copy and keeping it up to date,
//! and a question that failed is asked again from the same position, however late.
//!
//! This holds as long as the server only adds to what it has. A server that takes the place of another,
//! or comes back from a snapshot, may lack the end of what was there, and what it writes next may stand
//! before the position of a reader. So a reader shows the newest position that it was told of with every
//! question. What a server loses is always the end: if it knows that position (`steps`), it lacks nothing
//! from before it. If not, or if there were 10,000 others since, the reader begins anew.
//!
//! No command looks at more than a page, and what is over is removed a page at a time. So none keeps
//! others waiting, however much is revoked.

use std::time::Duration;

use deadpool_redis::redis::{self, Cmd};

use crate::error::StoreUnavailable;
use crate::{
    limits::{REPLICA_PAGE, REPLICA_STEPS, REPLICA_TIMEOUT, REVOCATION_KEPT},
    store::RedisCache,
};

/// The log of one application.
#[derive(Debug, Clone)]
pub(super) struct RevocationLog {
    redis: RedisCache,
}

/// How far a reader has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Position {
    /// All at or before it has been read.
    read: u64,
    /// The newest that the server has told of.
    seen: u64,
}

/// What came of a question.
pub(super) struct Page {
    pub(super) entries: Vec<LogEntry>,
    /// From where to go on.
    pub(super) next: Position,
    /// Whether there was no more when it was asked for.
    pub(super) is_last: bool,
    /// Whether the server did not know the position, so that this is the first page.
    pub(super) begins_anew: bool,
    /// Whether there is enough that is over to be worth removing.
    pub(super) has_waste: bool,
}

/// Something that was revoked somewhere.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LogEntry {
    pub(super) mark: String,
    pub(super) issued_until: Option<Duration>,
    pub(super) until: Duration,
}

/// What stands for a revocation that does not ask when a token was issued.
pub(super) const ALWAYS: &str = "-";

const KEYS: [&str; 4] = ["log", "entries", "ends", "steps"];

/// Writes entries, unless they say nothing new. Answers how many entries are over.
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

/// Removes a page of what is over.
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

    /// Writes marks with their values and until when they count, for those who keep a copy, in one step.
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
            // It is revoked all the same; the next one tries again.
            let _ = self.redis.ask::<()>(self.forgetting()).await;
        }
        Ok(())
    }

    /// The next page.
    pub(super) async fn read(&self, position: Position) -> Result<Page, StoreUnavailable> {
        type LogReply = (u64, u64, u8, usize, Vec<String>, Vec<Option<String>>);

        let mut command = self.command(READ);
        command.arg(position.read).arg(position.seen).arg(millis(REVOCATION_KEPT));
        command.arg(REPLICA_PAGE);
        let answer = self.redis.ask_patiently(command, REPLICA_TIMEOUT).await;
        let (read, seen, anew, over, marks, values): LogReply =
            answer.map_err(StoreUnavailable::caused_by)?;
        let is_last = marks.len() < REPLICA_PAGE;
        // An entry that cannot be read is not one of ours, and says nothing.
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

    /// Removes a page of what is over.
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

/// How many entries that are over are worth a command.
const WASTE: usize = 100;

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

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
