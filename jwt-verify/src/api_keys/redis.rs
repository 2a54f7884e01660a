//! API keys on Redis, shared by the instances of an application.

use std::{sync::Arc, time::Duration};

use deadpool_redis::redis;

use super::{
    hash::ApiKeyHash,
    record::ApiKeyRecord,
    store::{ApiKeyStore, ApiKeyUse, ManageApiKeys, StoredApiKey},
};
use crate::{
    clock::{Clock, SystemClock},
    digest::sha256_text,
    error::StoreUnavailable,
    lookup::{BoxFuture, Lookup},
    store::{MAX_TTL, RedisCache, ttl_millis},
};

/// An [`ApiKeyStore`] on Redis. A rotation is one step on the server.
///
/// A key that was found is cached for [`cache_ttl`](super::ApiKeysBuilder::cache_ttl), so that a revoked
/// one is accepted for at most that time by instances that have seen it. All records have one hash tag,
/// and are on one node of a Cluster. A record is removed a day after its key has expired.
///
/// The server must not evict data: set `maxmemory-policy noeviction`, and enable persistence. A revocation
/// that a failing master has not yet copied to its replica is lost with it.
///
/// **Security:** a reader of the server cannot use what is in it, and a writer cannot add a key without
/// the secret of the hashes; but a writer who has a key can give it other grants. Protect the server with
/// an ACL and TLS.
#[derive(Debug, Clone)]
pub struct RedisApiKeys {
    redis: RedisCache,
    clock: Arc<dyn Clock>,
}

impl RedisApiKeys {
    /// Creates a store on this server, with the key prefix of this application.
    pub fn new(redis: RedisCache) -> Self {
        Self::with_clock(redis, SystemClock::new())
    }

    /// Creates a store with another clock than the system clock.
    pub fn with_clock(redis: RedisCache, clock: impl Clock) -> Self {
        Self { redis, clock: Arc::new(clock) }
    }

    fn record_name(&self, hash: impl std::fmt::Display) -> String {
        self.redis.name(&format!("{{api-keys}}:{hash}"))
    }

    fn use_name(&self, hash: impl std::fmt::Display) -> String {
        self.redis.name(&format!("{{api-keys}}:used:{hash}"))
    }

    /// Returns the name of the set of an owner's hashes. It may have some that have no record any more.
    fn owner_name(&self, subject: &str) -> String {
        self.redis.name(&format!("{{api-keys}}:of:{}", sha256_text(subject.as_bytes())))
    }

    /// Returns the time for which a record is kept: zero for always.
    fn ttl(&self, record: &ApiKeyRecord) -> u64 {
        let Some(expires_at) = record.expires_at() else { return 0 };
        let ttl = expires_at.saturating_add(DAY).saturating_sub(self.clock.now());
        if ttl >= MAX_TTL { 0 } else { ttl_millis(ttl) }
    }

    async fn run<T: redis::FromRedisValue>(
        &self,
        command: redis::Cmd,
    ) -> Result<T, StoreUnavailable> {
        self.redis.ask(command).await.map_err(StoreUnavailable::caused_by)
    }

    async fn read(&self, hash: ApiKeyHash) -> Result<Option<String>, StoreUnavailable> {
        let mut command = redis::cmd("GET");
        command.arg(self.record_name(hash));
        self.run(command).await
    }

    async fn list_of(&self, subject: &str) -> Result<Vec<StoredApiKey>, StoreUnavailable> {
        let mut command = redis::cmd("SMEMBERS");
        command.arg(self.owner_name(subject));
        let hashes: Vec<String> = self.run(command).await?;
        let (mut found, mut gone) = (Vec::new(), Vec::new());
        for some in hashes.chunks(STEP) {
            let mut command = redis::cmd("MGET");
            for hash in some {
                command.arg(self.record_name(hash)).arg(self.use_name(hash));
            }
            let values: Vec<Option<String>> = self.run(command).await?;
            for (hash, values) in some.iter().zip(values.chunks(2)) {
                let [Some(json), last_used] = values else {
                    gone.push(hash);
                    continue;
                };
                let last_used = last_used.as_ref().and_then(|seconds| seconds.parse().ok());
                let record = Arc::new(record_of(json)?);
                found.push(StoredApiKey::new(record, last_used.map(Duration::from_secs)));
            }
        }
        if !gone.is_empty() {
            let mut command = redis::cmd("SREM");
            command.arg(self.owner_name(subject)).arg(gone);
            self.run::<()>(command).await?;
        }
        Ok(found)
    }
}

/// Reads a record. One that cannot be read was not written by this library: nothing is known of its key.
fn record_of(json: &str) -> Result<ApiKeyRecord, StoreUnavailable> {
    ApiKeyRecord::from_json(json).map_err(StoreUnavailable::caused_by)
}

impl ApiKeyStore for RedisApiKeys {
    fn find(
        &self,
        hash: ApiKeyHash,
    ) -> Lookup<'_, Result<Option<Arc<ApiKeyRecord>>, StoreUnavailable>> {
        Lookup::Pending(Box::pin(async move {
            let json = self.read(hash).await?;
            json.map(|json| record_of(&json).map(Arc::new)).transpose()
        }))
    }

    fn note_used<'a>(
        &'a self,
        uses: &'a [ApiKeyUse],
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        Box::pin(async move {
            for some in uses.chunks(STEP) {
                let mut command = redis::cmd("EVAL");
                command.arg(NOTE).arg(some.len());
                for one in some {
                    command.arg(self.use_name(one.hash));
                }
                command.arg(ttl_millis(USES_KEPT));
                for one in some {
                    command.arg(one.at.as_secs());
                }
                self.run::<()>(command).await?;
            }
            Ok(())
        })
    }
}

impl ManageApiKeys for RedisApiKeys {
    fn insert<'a>(
        &'a self,
        record: &'a ApiKeyRecord,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>> {
        Box::pin(async move {
            let mut command = redis::cmd("EVAL");
            command.arg(INSERT).arg(2);
            command.arg(self.record_name(record.hash())).arg(self.owner_name(record.subject()));
            command.arg(record.to_json()).arg(record.hash().to_string()).arg(self.ttl(record));
            self.run(command).await
        })
    }

    fn list<'a>(
        &'a self,
        subject: &'a str,
    ) -> BoxFuture<'a, Result<Vec<StoredApiKey>, StoreUnavailable>> {
        Box::pin(self.list_of(subject))
    }

    fn rotate<'a>(
        &'a self,
        replaced: ApiKeyHash,
        successor: &'a ApiKeyRecord,
        expires_at: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>> {
        Box::pin(async move {
            for _ in 0..ATTEMPTS {
                let Some(before) = self.read(replaced).await? else { return Ok(false) };
                let old = record_of(&before)?;
                if old.subject() != successor.subject() {
                    return Ok(false);
                }
                let old = old.expiring_at(expires_at);
                let mut command = redis::cmd("EVAL");
                command.arg(ROTATE).arg(3);
                command.arg(self.record_name(replaced)).arg(self.record_name(successor.hash()));
                command.arg(self.owner_name(successor.subject()));
                command.arg(before).arg(old.to_json()).arg(self.ttl(&old));
                command.arg(successor.to_json()).arg(successor.hash().to_string());
                command.arg(self.ttl(successor));
                match self.run::<i64>(command).await? {
                    1 => return Ok(true),
                    0 => return Ok(false),
                    // Another call has changed the record meanwhile.
                    _ => {}
                }
            }
            Err(StoreUnavailable::new())
        })
    }

    fn revoke(&self, hash: ApiKeyHash) -> BoxFuture<'_, Result<bool, StoreUnavailable>> {
        Box::pin(async move {
            let mut command = redis::cmd("EVAL");
            command.arg(REVOKE).arg(2).arg(self.record_name(hash)).arg(self.use_name(hash));
            self.run(command).await
        })
    }
}

/// The beginning of scripts that write records.
macro_rules! script {
    ($body:literal) => {
        concat!(
            r"
local function put(name, record, ttl)
  if ttl == '0' then redis.call('SET', name, record) else redis.call('SET', name, record, 'PX', ttl) end
end
",
            $body
        )
    };
}

const INSERT: &str = script!(
    r"
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
put(KEYS[1], ARGV[1], ARGV[3])
redis.call('SADD', KEYS[2], ARGV[2])
return 1
"
);

const ROTATE: &str = script!(
    r"
local before, old, old_ttl, new, hash, ttl = unpack(ARGV)
if redis.call('GET', KEYS[1]) ~= before then return -1 end
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
put(KEYS[1], old, old_ttl)
put(KEYS[2], new, ttl)
redis.call('SADD', KEYS[3], hash)
return 1
"
);

const REVOKE: &str = r"
redis.call('DEL', KEYS[2])
return redis.call('DEL', KEYS[1])
";

/// Writes the later of two times.
const NOTE: &str = r"
for index, name in ipairs(KEYS) do
  local at = ARGV[index + 1]
  local known = redis.call('GET', name)
  if not known or tonumber(known) < tonumber(at) then redis.call('SET', name, at, 'PX', ARGV[1]) end
end
return 1
";

/// Time for which an expired record is kept, so that its key is refused as expired.
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Time for which a last use is kept.
const USES_KEPT: Duration = Duration::from_secs(400 * 24 * 3600);
/// Number of keys in one step, which takes the server about a millisecond.
const STEP: usize = 500;
/// Number of attempts to change a record that other calls change too.
const ATTEMPTS: usize = 8;
