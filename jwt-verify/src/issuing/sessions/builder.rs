//! How sessions are set up.

use std::{sync::Arc, time::Duration};

use super::SessionsInner;
use crate::issuing::sessions::Sessions;
use crate::{
    error::ConfigError,
    issuing::{
        TokenIssuer,
        refresh_store::{MemoryRefreshStore, RefreshStore},
    },
    limits::{
        MAX_SESSION_LIFETIME, MAX_SESSIONS_PER_SUBJECT, REFRESH_GRACE, SESSION_IDLE,
        SESSION_LIFETIME, SESSIONS_PER_SUBJECT,
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
        // Where keys are kept for a shorter time, a session is shorter as well.
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

    /// Where sessions are kept. Default: in the memory of the process.
    pub fn store(mut self, store: impl RefreshStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Where ended sessions are noted, so that their access tokens are refused at once. Give the
    /// verifier the same one. Default: nowhere, and access tokens are good until they expire.
    pub fn revocation(mut self, store: impl RevocationStore) -> Self {
        self.revocation = Some(Arc::new(store));
        self
    }

    /// How long a session lasts at most, however often it is refreshed. Default: 30 d.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// How long a session lasts without a refresh. Default: 7 d.
    pub fn idle_timeout(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// How long after its use a refresh token may come again without ending the session: it is
    /// refused either way. Default: 10 s; at most a minute.
    pub fn reuse_grace_period(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Bounds the sessions that a subject has at a time. With one more the session that began first
    /// ends, and its access tokens with it. Default: 100; at most 1,000.
    ///
    /// It bounds what a login costs the store, and what a thief of a password can leave behind. A
    /// thief who logs in as often on purpose ends the owner's sessions, so limit logins as well.
    pub fn sessions_per_subject(mut self, most: usize) -> Self {
        self.sessions_per_subject = most;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// Lifetimes that make no sense, or are longer than the issuer keeps its keys; no session for a
    /// subject, or more than 1,000.
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
