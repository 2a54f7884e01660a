//! Builder of sessions.

use std::{sync::Arc, time::Duration};

use super::SessionsInner;
use crate::issuing::sessions::Sessions;
use crate::{
    defaults::{
        MAX_SESSION_LIFETIME, MAX_SESSIONS_PER_SUBJECT, REFRESH_GRACE, SESSION_IDLE,
        SESSION_LIFETIME, SESSIONS_PER_SUBJECT,
    },
    error::ConfigError,
    issuing::{
        TokenIssuer,
        refresh_store::{MemoryRefreshStore, RefreshStore},
    },
    revocation::RevocationStore,
    validation::TokenKind,
};

/// Settings of [`Sessions`].
#[derive(Debug)]
#[must_use]
pub struct SessionsBuilder {
    issuer: TokenIssuer,
    store: Option<Arc<dyn RefreshStore>>,
    revocation: Option<Arc<dyn RevocationStore>>,
    lifetime: Duration,
    idle: Duration,
    grace: Duration,
    sessions_per_subject: usize,
}

impl SessionsBuilder {
    pub(super) fn new(issuer: TokenIssuer) -> Self {
        // If keys are published for a shorter time, sessions are shorter as well.
        let lifetime = SESSION_LIFETIME.min(issuer.inner.longest_lifetime);
        Self {
            issuer,
            store: None,
            revocation: None,
            lifetime,
            idle: SESSION_IDLE.min(lifetime),
            grace: REFRESH_GRACE,
            sessions_per_subject: SESSIONS_PER_SUBJECT,
        }
    }

    /// Sets the store of sessions. Default: the memory of the process.
    pub fn store(mut self, store: impl RefreshStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Sets the store that records ended sessions, so that their access tokens are refused at once.
    /// Give the verifier the same one. Default: none; access tokens remain valid until they expire.
    pub fn revocation(mut self, store: impl RevocationStore) -> Self {
        self.revocation = Some(Arc::new(store));
        self
    }

    /// Sets the maximum lifetime of a session, however often it is refreshed. Default: 30 d.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Sets how long a session lasts without a refresh. Default: 7 d.
    pub fn idle_timeout(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// Sets how long after its use a refresh token may be reused without ending the session: it is
    /// refused either way. Default: 10 s; at most a minute.
    pub fn reuse_grace_period(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Limits the concurrent sessions of a subject. With one more the oldest session ends, and its
    /// access tokens with it. Default: 100; at most 1,000.
    ///
    /// It limits the cost of logins for the store, and the sessions that a thief of a password can
    /// create. A thief who logs in that often ends the owner's sessions, so limit the rate of
    /// logins as well.
    pub fn sessions_per_subject(mut self, most: usize) -> Self {
        self.sessions_per_subject = most;
        self
    }

    /// Checks the settings and builds the sessions.
    ///
    /// # Errors
    /// Lifetimes that are out of range, or longer than the issuer publishes its keys; no session
    /// for a subject, or more than 1,000.
    pub fn build(self) -> Result<Sessions, ConfigError> {
        let access = self.issuer.access_lifetime();
        if self.lifetime < access || self.lifetime > MAX_SESSION_LIFETIME {
            return Err(ConfigError::invalid(
                "lifetime",
                "must be at least that of access tokens, and at most a year",
            ));
        }
        if self.lifetime > self.issuer.inner.longest_lifetime {
            return Err(ConfigError::invalid(
                "lifetime",
                "is longer than the issuer's longest_lifetime, for which it keeps keys",
            ));
        }
        if self.idle < access || self.idle > self.lifetime {
            return Err(ConfigError::invalid(
                "idle_timeout",
                "must be at least the lifetime of access tokens, and at most that of a session",
            ));
        }
        if self.grace > Duration::from_secs(60) {
            return Err(ConfigError::invalid("reuse_grace_period", "must be at most one minute"));
        }
        if !(1..=MAX_SESSIONS_PER_SUBJECT).contains(&self.sessions_per_subject) {
            return Err(ConfigError::invalid(
                "sessions_per_subject",
                "must be between 1 and 1,000",
            ));
        }
        let store = self.store.unwrap_or_else(|| {
            Arc::new(MemoryRefreshStore::with_shared_clock(self.issuer.clock()))
        });
        Ok(Sessions {
            inner: Arc::new(SessionsInner {
                refresh_tokens: self.issuer.own_verifier(TokenKind::Refresh).build()?,
                issuer: self.issuer,
                store,
                revocation: self.revocation,
                lifetime: self.lifetime,
                idle: self.idle,
                grace: self.grace,
                sessions_per_subject: self.sessions_per_subject,
            }),
        })
    }
}
