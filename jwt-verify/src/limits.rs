//! Defaults and bounds. Each is explained where it can be set.

use std::time::Duration;

/// Largest token that is looked at.
pub(crate) const MAX_TOKEN_BYTES: usize = 16 * 1024;
/// Largest token size that can be configured; actix reads header blocks of at most 128 KiB.
pub(crate) const MAX_CONFIGURABLE_TOKEN_BYTES: usize = 128 * 1024;
pub(crate) const LEEWAY: Duration = Duration::from_secs(60);
/// Beyond this a leeway no longer makes up for clocks that differ; it extends lifetimes.
pub(crate) const MAX_LEEWAY: Duration = Duration::from_secs(600);
/// Last second of the year 9999; a later date in a claim is a mistake or an attack.
pub(crate) const MAX_NUMERIC_DATE: u64 = 253_402_300_799;

pub(crate) const TOKEN_CACHE_ENTRIES: usize = 10_000;
/// Mean weight assumed for an entry of the token cache: the token and its claims.
pub(crate) const TOKEN_CACHE_BYTES_PER_ENTRY: u64 = 4 * 1024;
/// How many of the tokens that were verified a thread keeps for itself as well.
pub(crate) const RECENT_TOKENS: usize = 64;
/// Longer tokens it does not keep.
pub(crate) const RECENT_TOKEN_BYTES: usize = 4 * 1024;

/// Largest DPoP proof that is looked at: one with an RSA key of 8192 bits fits.
pub(crate) const MAX_PROOF_BYTES: usize = 8 * 1024;
/// Longest name of a proof.
pub(crate) const MAX_PROOF_ID_BYTES: usize = 256;
pub(crate) const PROOF_AGE: Duration = Duration::from_secs(60);
pub(crate) const PROOF_LEEWAY: Duration = Duration::from_secs(60);
/// How many used proofs a process remembers.
pub(crate) const USED_PROOFS: usize = 500_000;
/// Places that one key may take.
pub(crate) const PROOFS_PER_KEY: usize = 10_000;
/// Pause for a key that has used up its share.
pub(crate) const PROOFS_RETRY: Duration = Duration::from_secs(5);
/// How long a nonce is given out; it is accepted for twice as long.
pub(crate) const NONCE_PERIOD: Duration = Duration::from_secs(300);

/// Largest field with a client's certificate that is looked at.
pub(crate) const MAX_CERTIFICATE_BYTES: usize = 32 * 1024;

pub(crate) const RSA_MIN_BITS: usize = 2048;
pub(crate) const RSA_MAX_BITS: usize = 8192;

/// How long access tokens of an issuer are taken to live that nothing is known about.
pub(crate) const LONGEST_ACCESS_TOKEN: Duration = Duration::from_secs(30 * 24 * 3600);
/// How many revocations a process remembers.
pub(crate) const REVOCATIONS: usize = 1_000_000;

/// When to ask again after a store of revocations or sessions did not answer.
pub(crate) const STORE_RETRY: Duration = Duration::from_secs(1);

/// How many issuers that a resolver vouched for are kept.
pub(crate) const RESOLVED_ISSUERS: usize = 100;
/// How long a resolver's word counts, and how much longer while it is out of reach.
pub(crate) const RESOLVED_ISSUER_TTL: Duration = Duration::from_secs(600);
pub(crate) const RESOLVED_ISSUER_STALE: Duration = Duration::from_secs(3600);
/// How long a resolver that fails to renew its word is left alone about it.
pub(crate) const RESOLVER_PATIENCE: Duration = Duration::from_secs(10);
pub(crate) const RESOLVER_TIMEOUT: Duration = Duration::from_secs(5);
/// How many questions a resolver is asked at a time.
pub(crate) const MAX_RESOLVER_QUESTIONS: usize = 256;
pub(crate) const REFUSED_ISSUERS: usize = 1024;
pub(crate) const REFUSED_ISSUER_TTL: Duration = Duration::from_secs(30);
/// An issuer whose name is longer is nobody's; a resolver is not asked.
pub(crate) const MAX_ISSUER_BYTES: usize = 1024;
pub(crate) const RESOLVER_RETRY: Duration = Duration::from_secs(1);
/// The span in which as many issuers as are kept may have keys fetched before a good token was seen.
pub(crate) const NEWCOMER_INTERVAL: Duration = Duration::from_secs(30);

/// How long no line of a kind that callers can cause follows another in the log.
pub(crate) const LOG_PAUSE: Duration = Duration::from_secs(10);

/// How long a shared store may take; after that it is as good as none.
#[cfg(any(feature = "jwks", feature = "redis"))]
pub(crate) const STORE_TIMEOUT: Duration = Duration::from_millis(250);

#[cfg(feature = "issuing")]
mod issuing {
    use super::Duration;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    pub(crate) const ACCESS_LIFETIME: Duration = Duration::from_secs(15 * 60);
    pub(crate) const MAX_ACCESS_LIFETIME: Duration = DAY;
    pub(crate) const SESSION_LIFETIME: Duration = Duration::from_secs(30 * DAY.as_secs());
    pub(crate) const SESSION_IDLE: Duration = Duration::from_secs(7 * DAY.as_secs());
    pub(crate) const MAX_SESSION_LIFETIME: Duration = Duration::from_secs(366 * DAY.as_secs());
    /// How long after its use a refresh token may come again without ending the session.
    pub(crate) const REFRESH_GRACE: Duration = Duration::from_secs(10);
    pub(crate) const SESSIONS_PER_SUBJECT: usize = 100;
    /// All sessions of a subject are read with each login.
    pub(crate) const MAX_SESSIONS_PER_SUBJECT: usize = 1000;
}
#[cfg(feature = "issuing")]
pub(crate) use issuing::*;

/// How many alternatives of scopes an `OpenAPI` document lists for one operation.
#[cfg(feature = "utoipa")]
pub(crate) const MOST_ALTERNATIVES: usize = 256;

#[cfg(feature = "redis")]
mod redis {
    use super::Duration;

    pub(crate) const REDIS_TIMEOUT: Duration = Duration::from_millis(200);
    pub(crate) const REDIS_CONNECTIONS: usize = 16;
    /// How long making a connection may take when nobody waits for it.
    pub(crate) const REDIS_CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
    /// How old a copy of what is revoked may be.
    pub(crate) const REPLICA_STALENESS: Duration = Duration::from_secs(2);
    /// How many entries of what is revoked are read at a time: about a millisecond of the server.
    pub(crate) const REPLICA_PAGE: usize = 250;
    /// How long that may take.
    pub(crate) const REPLICA_TIMEOUT: Duration = Duration::from_secs(2);
    /// How many revocations later a copy may ask from where it was.
    pub(crate) const REPLICA_STEPS: usize = 10_000;
    /// How long what is over stays in the log: longer than clocks differ, and than tokens are accepted.
    pub(crate) const REVOCATION_KEPT: Duration = Duration::from_secs(3600);
    /// By how much failures have to outnumber answers before a server is left alone.
    pub(crate) const REDIS_FAILURES: u32 = 5;
    /// How long a server that was out of reach is left alone.
    pub(crate) const REDIS_PAUSE: Duration = Duration::from_secs(1);
    /// How many questions may wait for answers at a time.
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
    /// How long the right to fetch for all instances lasts after a sign of life of its holder.
    pub(crate) const LEASE: Duration = Duration::from_secs(1);
    /// How often those who wait for another instance's fetch look whether it is there.
    pub(crate) const LEASE_POLL: Duration = Duration::from_millis(50);
    /// How long all that is asked of a store on the way to a fetch may take together.
    pub(crate) const STORE_BUDGET: Duration = Duration::from_millis(500);
    /// How long strangers who have caused a look into the store cause no other.
    pub(crate) const STORE_REST: Duration = Duration::from_millis(500);
    /// By how much the clocks of instances may differ.
    pub(crate) const MAX_CLOCK_SKEW: Duration = Duration::from_secs(60);
    /// How long an issuer's metadata is believed.
    pub(crate) const DISCOVERY_TTL: Duration = Duration::from_secs(3600);
    /// A fetch that takes longer than this is a mistake of units.
    pub(crate) const MAX_FETCH_TIMEOUT: Duration = Duration::from_secs(60);
    pub(crate) const MAX_DOCUMENT_BYTES: usize = 256 * 1024;
    /// No duration of the provider may exceed this; more is a mistake of units.
    pub(crate) const MAX_DURATION: Duration = Duration::from_secs(30 * 24 * 3600);
}
#[cfg(feature = "jwks")]
pub(crate) use jwks::*;
