//! Token revocation.

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

use std::{fmt, sync::Arc, time::Duration};

pub use crate::changes::Changes;
pub use memory::MemoryRevocation;
#[cfg(feature = "redis")]
pub use redis::RedisRevocation;
#[cfg(feature = "redis")]
pub use replica::RevocationReplica;
#[cfg(feature = "redis")]
pub use replica_builder::RevocationReplicaBuilder;

use crate::{
    claims::{Claims, NumericDate},
    detached::to_the_end,
    digest,
    error::StoreUnavailable,
    lookup::BoxFuture,
    lookup::Lookup,
};

/// Stores revocations and checks tokens against them.
///
/// A verifier with a store ([`VerifierBuilder::revocation`](crate::VerifierBuilder::revocation))
/// checks every otherwise valid token, including cached ones. It then accepts only tokens with a
/// `jti`, since others could not be revoked.
///
/// [`MemoryRevocation`] is for one process, `RedisRevocation` for several instances, each of which
/// may keep a copy (`RevocationReplica`). Implement it for other stores, such as a database table,
/// and test the implementation with `testing::revocation_store`.
///
/// Requests wait for the answer without a time limit: a store has to limit its own time.
///
/// An error means that the state is unknown, and the response is 503: see
/// [`VerifierBuilder::revocation_fails_open`](crate::VerifierBuilder::revocation_fails_open).
#[doc(alias = "revoke", alias = "blocklist", alias = "denylist")]
pub trait RevocationStore: fmt::Debug + Send + Sync + 'static {
    /// Returns `true` if any of these keys has been revoked.
    fn check<'a>(&'a self, keys: &'a RevocationKeys) -> Lookup<'a, Result<bool, StoreUnavailable>>;

    /// Revokes something until every token it applies to has expired: `until` is the latest `exp`
    /// of these tokens, as time since the epoch. A store keeps the entry ten minutes longer, the
    /// largest leeway with which a verifier accepts a token after its expiry.
    fn revoke<'a>(
        &'a self,
        what: &'a Revocation,
        until: Duration,
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>>;

    /// Revokes several things, each as by [`revoke`](Self::revoke): those that belong together,
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

    /// Returns the counter of changes, if the store has one: it calls [`Changes::note`] after each
    /// revocation that [`check`](Self::check) finds. Streams that are guarded by a
    /// [`StreamGuard`](crate::streams::StreamGuard) are then looked at at once. Default: none, and
    /// they are looked at twice a second. A store without [`is_immediate`](Self::is_immediate) is
    /// asked about streams every two seconds, with changes or without.
    fn changes(&self) -> Option<&Changes> {
        None
    }

    /// Waits until the store can answer, or until an attempt to connect has failed; see
    /// [`JwtAuth::wait_until_ready`](crate::JwtAuth::wait_until_ready). Default: returns at once.
    fn wait_until_ready(&self) -> BoxFuture<'_, Result<(), StoreUnavailable>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Returns whether the store can answer now, for readiness checks, without a remote call.
    /// Default: it can.
    fn health(&self) -> RevocationHealth {
        RevocationHealth { usable: true, ..RevocationHealth::default() }
    }
}

/// Revokes several things that an issuer reports, even if it does not wait for the response.
pub(crate) async fn revoke_to_the_end(
    store: Arc<dyn RevocationStore>,
    what: Vec<Revocation>,
    until: Duration,
) -> Result<(), StoreUnavailable> {
    let revoked = to_the_end(async move { store.revoke_all(&what, until).await }).await;
    revoked.unwrap_or_else(|| Err(StoreUnavailable::new()))
}

/// State of a [`RevocationStore`], known without a remote call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevocationHealth {
    /// True if revocations can be checked now. While it is false, every token is answered with 503.
    pub usable: bool,
    /// Number of revocations kept in memory, if they are.
    pub entries: Option<usize>,
    /// Age of a copy: the time since it was last equal to its original. `None` for a store that is
    /// not a copy, and before the first copy.
    pub age: Option<Duration>,
}

/// A thing that can be revoked, under a key of fixed length: the issuer's name for a token, session
/// or subject is hashed together with the name of the issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    key: RevocationKey,
    issued_until: Option<Duration>,
}

impl Revocation {
    /// Identifies one token, by its `jti`.
    pub fn token(issuer: &str, token_id: &str) -> Self {
        Self {
            key: RevocationKey::new(RevocationKind::Token, issuer, token_id),
            issued_until: None,
        }
    }

    /// Identifies all tokens of a session, by their `sid`.
    pub fn session(issuer: &str, session_id: &str) -> Self {
        Self {
            key: RevocationKey::new(RevocationKind::Session, issuer, session_id),
            issued_until: None,
        }
    }

    /// Identifies all tokens of a subject that were issued at or before this time since the epoch:
    /// "log out everywhere". A token without its time of issue counts as issued before. Dates in
    /// tokens are usually whole seconds, so a token of the same second is included.
    pub fn subject(issuer: &str, subject: &str, issued_until: Duration) -> Self {
        let key = RevocationKey::new(RevocationKind::Subject, issuer, subject);
        Self { key, issued_until: Some(issued_until) }
    }

    /// Identifies the tokens of a subject whose login was at or before this time since the epoch, and
    /// which need another one.
    #[cfg(feature = "security-events")]
    pub(crate) fn step_up(issuer: &str, subject: &str, logged_in_until: Duration) -> Self {
        let key = RevocationKey::new(RevocationKind::StepUp, issuer, subject);
        Self { key, issued_until: Some(logged_in_until) }
    }

    /// Returns the key to store it under: 43 characters of base64url.
    pub fn key(&self) -> &str {
        &self.key.0
    }

    /// Returns the time until which revoked tokens of a subject were issued.
    pub fn issued_until(&self) -> Option<Duration> {
        self.issued_until
    }
}

/// Keys under which a token could be revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationKeys {
    keys: [Option<RevocationKey>; 3],
    issued_at: Option<Duration>,
}

impl RevocationKeys {
    /// Takes the keys from the claims of a verified token. The verifier checks each token itself;
    /// this is for code that uses claims for longer than a request, such as a WebSocket.
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
            issued_at: claims.issued_at().map(NumericDate::since_epoch),
        }
    }

    /// Returns the key under which another login of a token's subject can be demanded; `None` for a
    /// token without a subject. The time of the login is `auth_time`, or that of issue in a token
    /// without it. A login cannot follow the token that it has led to: one that does, or that is not
    /// a date, counts as before every demand.
    #[cfg(feature = "security-events")]
    pub(crate) fn of_login(claims: &Claims) -> Option<Self> {
        let (issuer, subject) = (claims.issuer()?, claims.subject()?);
        let key = RevocationKey::new(RevocationKind::StepUp, issuer, subject);
        let issued_at = claims.issued_at().map(NumericDate::since_epoch);
        // Some issuers write every claim that they know.
        let login = match claims.find("auth_time").filter(|login| !login.is_null()) {
            None => issued_at,
            Some(_) => claims
                .get_as::<NumericDate>("auth_time")
                .map(NumericDate::since_epoch)
                .filter(|login| {
                    issued_at.is_none_or(|issued| {
                        *login <= issued.saturating_add(crate::defaults::MAX_LEEWAY)
                    })
                }),
        };
        Some(Self { keys: [Some(key), None, None], issued_at: login })
    }

    /// Returns the keys to look up, as made by [`Revocation::key`]: those of the token, its session
    /// and its subject, as far as it has them.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().flatten().map(|key| &*key.0)
    }

    /// Returns `true` if an entry stored under one of the keys, given its
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
    #[cfg(feature = "security-events")]
    StepUp,
}

impl RevocationKey {
    fn new(kind: RevocationKind, issuer: &str, value: &str) -> Self {
        Self(digest::name(&[kind as u8], &[issuer, value]).into())
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

    /// Names in the stores of running applications.
    #[test]
    fn a_name_stays() {
        for (what, name) in [
            (Revocation::token("ab", "c"), "7K-K6YDbbbQvQGlrj79gjziVuheL1Xtrz7inCYfWunY"),
            (Revocation::session("ab", "c"), "MvIM5JS62dQ5SbHnF4IRbgJJUO5EEJ10cgPAog-vGLk"),
            (
                Revocation::subject("ab", "c", Duration::ZERO),
                "iP713Hr9jp68408Aa610kv14YdXhY8ZN3UfkRgr3w2c",
            ),
        ] {
            assert_eq!(what.key(), name);
        }
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
