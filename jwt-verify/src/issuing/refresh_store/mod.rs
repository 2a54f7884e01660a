//! Storage of sessions, so that a refresh token works once.

mod memory;
#[cfg(feature = "redis")]
mod redis;

use std::{fmt, time::Duration};

use crate::digest::sha256_text;
use crate::{error::StoreUnavailable, lookup::BoxFuture};

pub use memory::MemoryRefreshStore;
#[cfg(feature = "redis")]
pub use redis::RedisRefreshStore;

/// Stores the sessions of each subject, and the current refresh token of each session.
///
/// A session begins with a login; its refresh tokens follow each other, and only the newest is
/// current. No token is stored: the store receives hashes and random names.
///
/// [`MemoryRefreshStore`] is for one process, [`RedisRefreshStore`] for several instances.
/// Implement it for other stores that can change all sessions of a subject in one step, such as a
/// database table in a transaction that locks the subject's rows, and test the implementation with
/// `testing::refresh_store`.
///
/// A session ID is valid only together with its subject: a store never reads or changes a session
/// of another subject, whatever ID it is given.
pub trait RefreshStore: fmt::Debug + Send + Sync + 'static {
    /// Creates a session. If the subject has [`SessionRecord::most`] already, the oldest end, **in
    /// the same step**, so that there are never more; the result contains their names. Expired
    /// sessions do not count.
    fn begin<'a>(
        &'a self,
        session: &'a SessionRecord,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreUnavailable>>;

    /// Replaces the presented token of a session with the next one, if it is current: **in one
    /// step**, so that of any number of concurrent calls with the same token exactly one gets
    /// [`RotationOutcome::Rotated`].
    ///
    /// A former token that was replaced less than [`Rotation::grace`] ago is
    /// [`RotationOutcome::Repeated`]. Any other ends the session, in the same step:
    /// [`RotationOutcome::Reused`].
    fn rotate<'a>(
        &'a self,
        rotation: &'a Rotation<'a>,
    ) -> BoxFuture<'a, Result<RotationOutcome, StoreUnavailable>>;

    /// Ends a session of the subject, and returns `true` if there was one. If there is none of this
    /// name, or it belongs to another subject, nothing happens.
    fn end<'a>(
        &'a self,
        subject: &'a str,
        session_id: &'a str,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>>;

    /// Ends all sessions of a subject but the one named, **in one step**: none of them rotates
    /// after it, and none that began before it is left. Returns the names of those that ended.
    fn end_all<'a>(
        &'a self,
        subject: &'a str,
        except: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreUnavailable>>;

    /// Returns the names of the subject's sessions that have not expired.
    fn sessions_of<'a>(
        &'a self,
        subject: &'a str,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreUnavailable>>;
}

/// A new session.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SessionRecord {
    /// Session ID (`sid`).
    pub session_id: String,
    /// Subject of the session.
    pub subject: String,
    /// Hash of its first refresh token's `jti`.
    pub current: String,
    /// Start of the session, as time since the epoch.
    pub begun_at: Duration,
    /// Time until which it is kept without a refresh, since the epoch.
    pub until: Duration,
    /// Maximum number of sessions of the subject, including this one: at least one.
    pub most: usize,
}

/// A presented refresh token, and its replacement.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Rotation<'a> {
    /// Session ID.
    pub session_id: &'a str,
    /// Subject of the session.
    pub subject: &'a str,
    /// Hash of the presented token's `jti`.
    pub presented: &'a str,
    /// Hash of the next token's `jti`.
    pub next: &'a str,
    /// Current time, since the epoch.
    pub now: Duration,
    /// Time until which the session is kept without another refresh, since the epoch.
    pub until: Duration,
    /// Time for which a replaced token may be reused without ending the session.
    pub grace: Duration,
}

/// Result of a [`Rotation`].
///
/// The list is closed: a store returns one of these four, and each of them has a consequence for the
/// session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotationOutcome {
    /// The next token is now the current one.
    Rotated,
    /// The token has just been replaced. The session continues.
    Repeated,
    /// The token was replaced before. The session has been ended.
    Reused,
    /// There is no such session.
    Unknown,
}

/// Hashes the `jti` of a refresh token, for storage.
pub(super) fn hashed(token_id: &str) -> String {
    sha256_text(token_id.as_bytes())
}

/// Maximum number of replaced tokens that are recognized within the grace period.
const REPLACED: usize = 16;
