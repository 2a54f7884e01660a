//! Defaults and limits. Each is explained at its setter.

use std::time::Duration;

/// Default maximum size of a token.
pub(crate) const MAX_TOKEN_BYTES: usize = 16 * 1024;
/// Highest token size that can be configured; actix reads header blocks of at most 128 KiB.
pub(crate) const MAX_CONFIGURABLE_TOKEN_BYTES: usize = 128 * 1024;
pub(crate) const LEEWAY: Duration = Duration::from_secs(60);
/// Maximum leeway. A longer one would extend lifetimes rather than tolerate clock differences.
pub(crate) const MAX_LEEWAY: Duration = Duration::from_secs(600);
/// Last second of the year 9999; a later date in a claim is a mistake or an attack.
pub(crate) const MAX_NUMERIC_DATE: u64 = 253_402_300_799;

pub(crate) const TOKEN_CACHE_ENTRIES: usize = 10_000;
/// Mean weight assumed for an entry of the token cache: the token and its claims.
pub(crate) const TOKEN_CACHE_BYTES_PER_ENTRY: u64 = 4 * 1024;
/// Number of verified tokens of which a thread keeps its own copy.
pub(crate) const RECENT_TOKENS: usize = 64;
/// Maximum size of such a token.
pub(crate) const RECENT_TOKEN_BYTES: usize = 4 * 1024;

/// Maximum size of a DPoP proof: one with an RSA key of 8192 bits fits.
pub(crate) const MAX_PROOF_BYTES: usize = 8 * 1024;
/// Maximum size of a DPoP proof by ML-DSA, which is longer for its key and its signature.
pub(crate) const MAX_ML_DSA_PROOF_BYTES: usize = 16 * 1024;
/// Maximum length of a proof's `jti`.
pub(crate) const MAX_PROOF_ID_BYTES: usize = 256;
pub(crate) const PROOF_AGE: Duration = Duration::from_secs(60);
pub(crate) const PROOF_LEEWAY: Duration = Duration::from_secs(60);
/// Number of used proofs that a process stores.
pub(crate) const USED_PROOFS: usize = 500_000;
/// Number of used proofs that one key may have.
pub(crate) const PROOFS_PER_KEY: usize = 10_000;
/// Pause for a key that has reached its limit.
pub(crate) const PROOFS_RETRY: Duration = Duration::from_secs(5);
/// Time for which a nonce is issued; it is accepted for twice as long.
pub(crate) const NONCE_PERIOD: Duration = Duration::from_secs(300);

/// Maximum size of a header with a client's certificate.
pub(crate) const MAX_CERTIFICATE_BYTES: usize = 32 * 1024;

/// Number of keys that are tried for one token where its header leaves a choice.
pub(crate) const KEY_CANDIDATES: usize = 4;

pub(crate) const RSA_MIN_BITS: usize = 2048;
pub(crate) const RSA_MAX_BITS: usize = 8192;

/// Assumed lifetime of access tokens, if nothing is known about their issuer.
pub(crate) const LONGEST_ACCESS_TOKEN: Duration = Duration::from_secs(30 * 24 * 3600);
/// Maximum age of a logout token without `exp`.
pub(crate) const LOGOUT_TOKEN_AGE: Duration = Duration::from_secs(300);
/// Maximum age of a security event token.
#[cfg(feature = "security-events")]
pub(crate) const SECURITY_EVENT_AGE: Duration = Duration::from_secs(24 * 3600);
/// Number of events in an answer to a poll.
#[cfg(feature = "security-events")]
pub(crate) const POLL_EVENTS: usize = 50;
/// Time for which a poll waits for events.
#[cfg(feature = "security-events")]
pub(crate) const POLL_WAIT: Duration = Duration::from_secs(60);
/// First pause after a failed poll, and the longest.
#[cfg(feature = "security-events")]
pub(crate) const POLL_RETRY_FIRST: Duration = Duration::from_secs(1);
#[cfg(feature = "security-events")]
pub(crate) const POLL_RETRY_MOST: Duration = Duration::from_secs(60);
/// Maximum size of an answer to a poll: a hundred events of the largest size.
#[cfg(feature = "security-events")]
pub(crate) const POLL_BYTES: usize = 2 * 1024 * 1024;
/// Number of security event tokens whose `jti` a process keeps.
#[cfg(feature = "security-events")]
pub(crate) const SECURITY_EVENTS_SEEN: usize = 10_000;
/// Number of revocations that a process stores.
pub(crate) const REVOCATIONS: usize = 1_000_000;

/// Time after which the credential of a stream is checked again if nothing tells of changes: an API
/// key, one with a remote revocation store, and others.
pub(crate) const STREAM_KEY_RECHECK: Duration = Duration::from_secs(1);
pub(crate) const STREAM_REVOCATION_RECHECK: Duration = Duration::from_secs(2);
pub(crate) const STREAM_RECHECK: Duration = Duration::from_secs(10);
/// Time limit of one such check.
pub(crate) const STREAM_CHECK_TIMEOUT: Duration = Duration::from_secs(10);
/// Number of streams that are checked at the same time.
pub(crate) const STREAM_CHECKS: usize = 32;

/// Pause after a store of revocations or sessions did not answer.
pub(crate) const STORE_RETRY: Duration = Duration::from_secs(1);

/// Number of issuers named by a resolver that are kept.
pub(crate) const RESOLVED_ISSUERS: usize = 100;
/// Time for which a resolver's answer is used, and how much longer while it is unreachable.
pub(crate) const RESOLVED_ISSUER_TTL: Duration = Duration::from_secs(600);
pub(crate) const RESOLVED_ISSUER_STALE: Duration = Duration::from_secs(3600);
/// Pause after a resolver failed to renew its answer.
pub(crate) const RESOLVER_PATIENCE: Duration = Duration::from_secs(10);
pub(crate) const RESOLVER_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum number of concurrent calls of a resolver.
pub(crate) const MAX_RESOLVER_QUESTIONS: usize = 256;
pub(crate) const REFUSED_ISSUERS: usize = 1024;
pub(crate) const REFUSED_ISSUER_TTL: Duration = Duration::from_secs(30);
/// Maximum length of an issuer's name; a resolver is not asked about longer ones.
pub(crate) const MAX_ISSUER_BYTES: usize = 1024;
pub(crate) const RESOLVER_RETRY: Duration = Duration::from_secs(1);
/// Window in which the number of kept issuers may have keys fetched before a valid token arrives.
pub(crate) const NEWCOMER_INTERVAL: Duration = Duration::from_secs(30);

/// Minimum interval between log lines of a kind that callers can cause.
pub(crate) const LOG_PAUSE: Duration = Duration::from_secs(10);

/// Time limit of a shared store; after it the store counts as absent.
#[cfg(any(feature = "jwks", feature = "redis"))]
pub(crate) const STORE_TIMEOUT: Duration = Duration::from_millis(250);

#[cfg(feature = "api-keys")]
mod api_keys {
    use super::Duration;

    /// Time for which a key of a remote store is cached.
    pub(crate) const API_KEY_CACHE_TTL: Duration = Duration::from_secs(60);
    pub(crate) const MAX_API_KEY_CACHE_TTL: Duration = Duration::from_secs(3600);
    /// Number of keys that a remote store does not have, and time for which that is cached.
    pub(crate) const API_KEY_MISSES: usize = 10_000;
    pub(crate) const API_KEY_MISS_TTL: Duration = Duration::from_secs(10);
    /// Interval at which a file with keys is looked at.
    pub(crate) const API_KEY_FILE_INTERVAL: Duration = Duration::from_secs(1);
    /// Time for which the keys of a file that cannot be read any more are accepted.
    pub(crate) const API_KEY_FILE_STALE: Duration = Duration::from_secs(600);
    /// Maximum size of such a file.
    pub(crate) const MAX_API_KEY_FILE_BYTES: u64 = 256 * 1024 * 1024;
    /// Pause between two batches of last uses.
    pub(crate) const API_KEY_USE_PAUSE: Duration = Duration::from_secs(60);
}
#[cfg(feature = "api-keys")]
pub(crate) use api_keys::*;

#[cfg(feature = "issuing")]
mod issuing {
    use super::Duration;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    pub(crate) const ACCESS_LIFETIME: Duration = Duration::from_secs(15 * 60);
    pub(crate) const MAX_ACCESS_LIFETIME: Duration = DAY;
    pub(crate) const SESSION_LIFETIME: Duration = Duration::from_secs(30 * DAY.as_secs());
    pub(crate) const SESSION_IDLE: Duration = Duration::from_secs(7 * DAY.as_secs());
    pub(crate) const MAX_SESSION_LIFETIME: Duration = Duration::from_secs(366 * DAY.as_secs());
    /// Time after its use for which a refresh token may be reused without ending the session.
    pub(crate) const REFRESH_GRACE: Duration = Duration::from_secs(10);
    pub(crate) const SESSIONS_PER_SUBJECT: usize = 100;
    /// Maximum number of sessions of a subject. All of them are read with each login.
    pub(crate) const MAX_SESSIONS_PER_SUBJECT: usize = 1000;
}
#[cfg(feature = "issuing")]
pub(crate) use issuing::*;

/// Maximum number of names that an access matrix or an `OpenAPI` document says include a name.
pub(crate) const MOST_INCLUDING: usize = 64;

/// Maximum number of scope alternatives that an `OpenAPI` document lists for one operation.
#[cfg(feature = "utoipa")]
pub(crate) const MOST_ALTERNATIVES: usize = 256;

#[cfg(feature = "redis")]
mod redis {
    use super::Duration;

    pub(crate) const REDIS_TIMEOUT: Duration = Duration::from_millis(200);
    pub(crate) const REDIS_CONNECTIONS: usize = 16;
    /// Time limit of a connection attempt that no caller waits for.
    pub(crate) const REDIS_CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
    /// Maximum age of a copy of the revocations.
    pub(crate) const REPLICA_STALENESS: Duration = Duration::from_secs(2);
    /// Number of entries of the revocation log that are read at a time: about a millisecond of the
    /// server.
    pub(crate) const REPLICA_PAGE: usize = 250;
    /// Time limit of reading such a page.
    pub(crate) const REPLICA_TIMEOUT: Duration = Duration::from_secs(2);
    /// Number of later revocations after which a copy has to start over.
    pub(crate) const REPLICA_STEPS: usize = 10_000;
    /// Time for which expired entries stay in the log: longer than clocks differ, and than tokens
    /// are accepted.
    pub(crate) const REVOCATION_KEPT: Duration = Duration::from_secs(3600);
    /// Surplus of failures over answers at which the circuit breaker opens.
    pub(crate) const REDIS_FAILURES: u32 = 5;
    /// Time for which the circuit breaker stays open.
    pub(crate) const REDIS_PAUSE: Duration = Duration::from_secs(1);
    /// Maximum number of pending calls.
    pub(crate) const REDIS_QUESTIONS: usize = 4096;
}
#[cfg(feature = "redis")]
pub(crate) use redis::*;

#[cfg(feature = "jwks")]
mod jwks {
    use super::Duration;

    pub(crate) const KEY_SET_TTL: Duration = Duration::from_secs(600);
    pub(crate) const KEY_SET_TTL_FLOOR: Duration = Duration::from_secs(60);
    pub(crate) const KEY_SET_TTL_CEILING: Duration = Duration::from_secs(24 * 3600);
    pub(crate) const MISSING_TTL: Duration = Duration::from_secs(30);
    pub(crate) const MISSING_ENTRIES: usize = 1024;
    pub(crate) const REFETCHES: usize = 2;
    pub(crate) const REFETCH_INTERVAL: Duration = Duration::from_secs(30);
    pub(crate) const STALE_TTL: Duration = Duration::from_secs(3600);
    pub(crate) const RETRY_FIRST: Duration = Duration::from_secs(1);
    pub(crate) const RETRY_MOST: Duration = Duration::from_secs(60);
    pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
    pub(crate) const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
    pub(crate) const MAX_KEYS: usize = 64;
    /// Lifetime of the lease to fetch for all instances, after a heartbeat of its holder.
    pub(crate) const LEASE: Duration = Duration::from_secs(1);
    /// Interval at which instances that wait for another one's fetch check the store.
    pub(crate) const LEASE_POLL: Duration = Duration::from_millis(50);
    /// Total time limit of all store calls before a fetch.
    pub(crate) const STORE_BUDGET: Duration = Duration::from_millis(500);
    /// Minimum interval between shared-store lookups caused by unverified tokens.
    pub(crate) const STORE_REST: Duration = Duration::from_millis(500);
    /// Maximum difference between the clocks of instances.
    pub(crate) const MAX_CLOCK_SKEW: Duration = Duration::from_secs(60);
    /// Time for which an issuer's metadata is cached.
    pub(crate) const DISCOVERY_TTL: Duration = Duration::from_secs(3600);
    /// Maximum timeout of a fetch; more is a mistake of units.
    pub(crate) const MAX_FETCH_TIMEOUT: Duration = Duration::from_secs(60);
    pub(crate) const MAX_DOCUMENT_BYTES: usize = 256 * 1024;
    /// Bound of the time for which an answer of an introspection endpoint is used.
    pub(crate) const INTROSPECTION_TTL: Duration = Duration::from_secs(60);
    pub(crate) const MAX_INTROSPECTION_TTL: Duration = Duration::from_secs(3600);
    /// Time for which a refusal of an introspection endpoint is used.
    pub(crate) const INTROSPECTION_NEGATIVE_TTL: Duration = Duration::from_secs(10);
    pub(crate) const INTROSPECTION_NEGATIVE_ENTRIES: usize = 4096;
    /// Maximum number of concurrent questions to an introspection endpoint.
    pub(crate) const INTROSPECTION_QUESTIONS: usize = 256;
    pub(crate) const MAX_INTROSPECTION_QUESTIONS: usize = 10_000;
    /// Number of failures in a row after which an introspection endpoint gets a pause.
    pub(crate) const INTROSPECTION_FAILURES: u32 = 5;
    pub(crate) const MAX_INTROSPECTION_BYTES: usize = 64 * 1024;
    /// Maximum age of a signed answer without `exp`.
    pub(crate) const INTROSPECTION_ANSWER_AGE: Duration = Duration::from_secs(60);
    /// Lifetime of the assertion of `private_key_jwt`.
    pub(crate) const ASSERTION_LIFETIME: Duration = Duration::from_secs(60);
    /// Maximum of all durations of the provider; more is a mistake of units.
    pub(crate) const MAX_DURATION: Duration = Duration::from_secs(30 * 24 * 3600);
}
#[cfg(feature = "jwks")]
pub(crate) use jwks::*;
