//! Tokens that are over before they expire.

#[cfg(feature = "redis")]
mod copy;
#[cfg(feature = "redis")]
mod log;
mod memory;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "redis")]
mod replica;
#[cfg(feature = "redis")]
mod replica_builder;

use std::{fmt, time::Duration};

use aws_lc_rs::digest::{Context, SHA256};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

pub use memory::MemoryRevocation;
#[cfg(feature = "redis")]
pub use redis::RedisRevocation;
#[cfg(feature = "redis")]
pub use replica::RevocationReplica;
#[cfg(feature = "redis")]
pub use replica_builder::RevocationReplicaBuilder;

use crate::claims::Claims;
use crate::{
    error::StoreUnavailable,
    lookup::{BoxFuture, Lookup},
};

/// Knows which tokens have been revoked.
///
/// A verifier that has one ([`VerifierBuilder::revocation`](crate::VerifierBuilder::revocation))
/// asks it about every token that is good otherwise, tokens that were verified before included. It
/// accepts only tokens with a `jti` then: one without could not be revoked.
///
/// [`MemoryRevocation`] is for one process, `RedisRevocation` for several instances, of which each may
/// keep a copy (`RevocationReplica`); implement it for anything else, such as a table of a database,
/// and hold it against `testing::revocation_store`.
///
/// Requests wait for the answer, however long it takes: a store bounds its own time.
///
/// An error means that nobody knows, and the caller gets 503: see
/// [`VerifierBuilder::revocation_fails_open`](crate::VerifierBuilder::revocation_fails_open).
#[doc(alias = "revoke", alias = "blocklist", alias = "denylist")]
pub trait RevocationStore: fmt::Debug + Send + Sync + 'static {
    /// Whether any of these has been revoked.
    fn check<'a>(&'a self, keys: &'a RevocationKeys) -> Lookup<'a, Result<bool, StoreUnavailable>>;

    /// Revokes something until every token that it is about has expired: `until` is the latest of
    /// their `exp`, in time since the epoch. A store remembers it ten minutes longer, the largest
    /// leeway with which a verifier accepts a token after that.
    fn revoke<'a>(
        &'a self,
        what: &'a Revocation,
        until: Duration,
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>>;

    /// Revokes several things, as [`revoke`](Self::revoke) does one: those that belong together,
    /// such as the sessions of a user. After an error some of them may have been revoked, and the
    /// call can be repeated. Default: one after the other; a store that can does it in one step.
    fn revoke_all<'a>(
        &'a self,
        what: &'a [Revocation],
        until: Duration,
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        Box::pin(async move {
            for one in what {
                self.revoke(one, until).await?;
            }
            Ok(())
        })
    }

    /// Returns `true` if [`check`](Self::check) is always [`Lookup::Ready`]: a cached token is then
    /// accepted without a future on the heap. Default: `false`.
    fn is_immediate(&self) -> bool {
        false
    }

    /// Waits until the store can answer, or until an attempt to make it so has failed; see
    /// [`JwtAuth::wait_until_ready`](crate::JwtAuth::wait_until_ready). The default does not wait.
    fn wait_until_ready(&self) -> BoxFuture<'_, Result<(), StoreUnavailable>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Says whether the store can answer now, for readiness checks, without asking anything elsewhere.
    /// The default says that it can.
    fn health(&self) -> RevocationHealth {
        RevocationHealth { usable: true, ..RevocationHealth::default() }
    }
}

/// The state of a [`RevocationStore`], as far as the store knows it without asking.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevocationHealth {
    /// Whether it can be told now what is revoked. While it cannot, the answer to every token is 503.
    pub usable: bool,
    /// How many revocations are at hand, where they are kept in memory.
    pub entries: Option<usize>,
    /// Time since what is at hand was the same as its original, where it is a copy: `None` as well
    /// before the first copy.
    pub age: Option<Duration>,
}

/// Something that can be revoked, under a name of fixed length: what an issuer calls its tokens,
/// sessions and subjects is hashed, together with the issuer's own name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    key: RevocationKey,
    issued_until: Option<Duration>,
}

impl Revocation {
    /// One token, by its `jti`.
    pub fn token(issuer: &str, token_id: &str) -> Self {
        Self {
            key: RevocationKey::new(RevocationKind::Token, issuer, token_id),
            issued_until: None,
        }
    }

    /// All tokens of a session, by their `sid`.
    pub fn session(issuer: &str, session_id: &str) -> Self {
        Self {
            key: RevocationKey::new(RevocationKind::Session, issuer, session_id),
            issued_until: None,
        }
    }

    /// All tokens of a subject that were issued then or before, in time since the epoch: "log out
    /// everywhere". A token that does not say when it was issued counts as issued before. The dates
    /// of tokens are usually whole seconds, so a token of the same second counts as well.
    pub fn subject(issuer: &str, subject: &str, issued_until: Duration) -> Self {
        let key = RevocationKey::new(RevocationKind::Subject, issuer, subject);
        Self { key, issued_until: Some(issued_until) }
    }

    /// The name under which to remember it: 43 characters of base64url.
    pub fn key(&self) -> &str {
        &self.key.0
    }

    /// For a subject, until when its revoked tokens were issued.
    pub fn issued_until(&self) -> Option<Duration> {
        self.issued_until
    }
}

/// What a token could be revoked by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationKeys {
    keys: [Option<RevocationKey>; 3],
    issued_at: Option<Duration>,
}

impl RevocationKeys {
    /// What the claims of a verified token name. The verifier asks for each token by itself; this is
    /// for whoever holds on to claims for longer than a request, such as a WebSocket.
    pub fn of(claims: &Claims) -> Self {
        let issuer = claims.issuer().unwrap_or_default();
        let session = claims.find_text("sid");
        let key =
            |kind, value: Option<&str>| value.map(|value| RevocationKey::new(kind, issuer, value));
        Self {
            keys: [
                key(RevocationKind::Token, claims.token_id()),
                key(RevocationKind::Session, session),
                key(RevocationKind::Subject, claims.subject()),
            ],
            issued_at: claims.issued_at().map(crate::claims::NumericDate::since_epoch),
        }
    }

    /// The names to look for, as [`Revocation::key`] has them: of the token, its session and its
    /// subject, as far as it has them.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().flatten().map(|key| &*key.0)
    }

    /// Whether what is remembered under one of the names, that is its
    /// [`issued_until`](Revocation::issued_until), revokes the token.
    pub fn is_revoked_by(&self, issued_until: Option<Duration>) -> bool {
        match (issued_until, self.issued_at) {
            (Some(until), Some(issued)) => issued <= until,
            (Some(_) | None, _) => true,
        }
    }
}

#[derive(Clone, PartialEq, Eq)]
struct RevocationKey(Box<str>);

#[derive(Clone, Copy)]
enum RevocationKind {
    Token,
    Session,
    Subject,
}

impl RevocationKey {
    /// Lengths are hashed as well, so that no two pairs of names run together.
    fn new(kind: RevocationKind, issuer: &str, value: &str) -> Self {
        let mut hash = Context::new(&SHA256);
        hash.update(&[kind as u8]);
        for part in [issuer, value] {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self(URL_SAFE_NO_PAD.encode(hash.finish()).into())
    }
}

impl fmt::Debug for RevocationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RevocationKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_do_not_run_together() {
        let keys = [
            Revocation::token("ab", "c"),
            Revocation::token("a", "bc"),
            Revocation::token("abc", ""),
            Revocation::session("ab", "c"),
            Revocation::subject("ab", "c", Duration::ZERO),
        ];
        let names: HashSet<&str> = keys.iter().map(Revocation::key).collect();
        assert_eq!(names.len(), keys.len());
        assert!(names.iter().all(|name| name.len() == 43));
    }

    #[test]
    fn a_subject_is_revoked_up_to_a_moment() {
        let keys = |iat: &str| {
            let claims = serde_json::from_str(&format!(r#"{{"iss":"i","sub":"s"{iat}}}"#)).unwrap();
            RevocationKeys::of(&claims)
        };
        let until = Some(Duration::from_secs(100));
        assert!(keys(r#","iat":99"#).is_revoked_by(until));
        assert!(keys(r#","iat":100"#).is_revoked_by(until));
        assert!(!keys(r#","iat":101"#).is_revoked_by(until));
        assert!(keys("").is_revoked_by(until));
    }
}
