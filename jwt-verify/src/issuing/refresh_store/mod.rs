//! What is remembered of sessions, so that a refresh token works once.

mod memory;
#[cfg(feature = "redis")]
mod redis;

use std::{fmt, time::Duration};

use crate::{error::StoreUnavailable, lookup::BoxFuture};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

pub use memory::MemoryRefreshStore;
#[cfg(feature = "redis")]
pub use redis::RedisRefreshStore;

/// Remembers the sessions of each subject, and which refresh token of each session is the current
/// one.
///
/// A session is what begins with a login; the refresh tokens of a session follow each other, and
/// only the newest one counts. No token is stored: what the store sees are hashes and random names.
///
/// [`MemoryRefreshStore`] is for one process, [`RedisRefreshStore`] for several instances; implement
/// it for anything else that can change all sessions of a subject in one step, such as a table of a
/// database in a transaction that locks the subject's rows, and hold it against
/// `testing::refresh_store`.
///
/// A name of a session means nothing without its subject: a store never reads or changes a session
/// of another subject, whatever name it is given.
pub trait RefreshStore: fmt::Debug + Send + Sync + 'static {
    /// Begins a session. If the subject has [`SessionRecord::most`] already, those that began first
    /// end, **in the same step**, so that there are never more; their names are the answer. What is
    /// over does not count.
    fn begin<'a>(
        &'a self,
        session: &'a SessionRecord,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreUnavailable>>;

    /// Puts the next token of a session in the place of the one that was presented, if that is the
    /// current one: **in one step**, so that of any number of concurrent calls with the same token
    /// exactly one gets [`RotationOutcome::Rotated`].
    ///
    /// A token that was current before and was replaced less than [`Rotation::grace`] ago is
    /// [`RotationOutcome::Repeated`]. Any other ends the session, in the same step:
    /// [`RotationOutcome::Reused`].
    fn rotate<'a>(
        &'a self,
        rotation: &'a Rotation<'a>,
    ) -> BoxFuture<'a, Result<RotationOutcome, StoreUnavailable>>;

    /// Ends a session of the subject, and says whether there was one. If there is none of this
    /// name, or it is another subject's, nothing happens.
    fn end<'a>(
        &'a self,
        subject: &'a str,
        session_id: &'a str,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>>;

    /// Ends all sessions of a subject but the one named, **in one step**: none of them rotates
    /// after it, and none that has begun before it is left. The names of those that ended are the
    /// answer.
    fn end_all<'a>(
        &'a self,
        subject: &'a str,
        except: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreUnavailable>>;

    /// The names of the sessions of a subject, without those that are over.
    fn sessions_of<'a>(
        &'a self,
        subject: &'a str,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreUnavailable>>;
}

/// A session that begins.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SessionRecord {
    /// Its name (`sid`).
    pub session_id: String,
    /// Whose it is.
    pub subject: String,
    /// The hash of its first refresh token's `jti`.
    pub current: String,
    /// Time at which it begins, since the epoch.
    pub begun_at: Duration,
    /// Until when it is kept unless it is refreshed, since the epoch.
    pub until: Duration,
    /// Bound of the sessions of the subject, with this one: at least one.
    pub most: usize,
}

/// A refresh token that is presented, and the one that is to follow it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Rotation<'a> {
    /// The session.
    pub session_id: &'a str,
    /// Whose it is.
    pub subject: &'a str,
    /// The hash of the presented token's `jti`.
    pub presented: &'a str,
    /// The hash of the next token's `jti`.
    pub next: &'a str,
    /// The time, since the epoch.
    pub now: Duration,
    /// Until when the session is kept unless it is refreshed again, since the epoch.
    pub until: Duration,
    /// How long a token that was replaced may come again without harm.
    pub grace: Duration,
}

/// Outcome of a [`Rotation`].
///
/// The list is closed: a store returns one of these four, and each of them has a consequence for the
/// session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotationOutcome {
    /// The next token is the current one now.
    Rotated,
    /// The token has just been replaced. The session goes on.
    Repeated,
    /// The token was replaced before. The session has been ended.
    Reused,
    /// There is no such session.
    Unknown,
}

/// The form in which a `jti` of a refresh token is kept.
pub(super) fn hashed(token_id: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, token_id.as_bytes()))
}

/// How many replaced tokens are told from those that never were, within the time of grace.
const REPLACED: usize = 16;
