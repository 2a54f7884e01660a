//! Builder of a token issuer.

use std::{sync::Arc, time::Duration};

use super::{
    SigningKey, TokenIssuer,
    issuer::TokenIssuerInner,
    key_ring::{KeyRing, successors},
};
use crate::{
    algorithm::{Algorithm, AlgorithmSet},
    clock::{Clock, SystemClock},
    defaults::{ACCESS_LIFETIME, MAX_ACCESS_LIFETIME, SESSION_LIFETIME},
    error::ConfigError,
};

/// Settings of a [`TokenIssuer`].
#[derive(Debug)]
#[must_use]
pub struct TokenIssuerBuilder {
    issuer: String,
    audiences: Vec<String>,
    client_id: Option<String>,
    key: SigningKey,
    access_lifetime: Duration,
    longest_lifetime: Duration,
    next_algorithms: AlgorithmSet,
    clock: Arc<dyn Clock>,
}

impl TokenIssuerBuilder {
    pub(super) fn new(issuer: String, audience: String, key: SigningKey) -> Self {
        Self {
            issuer,
            audiences: vec![audience],
            client_id: None,
            key,
            access_lifetime: ACCESS_LIFETIME,
            longest_lifetime: SESSION_LIFETIME,
            next_algorithms: AlgorithmSet::default(),
            clock: Arc::new(SystemClock::new()),
        }
    }

    /// Adds an API to the audience of access tokens.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Sets the client that tokens are issued to (`client_id`), which the strict profile of RFC
    /// 9068 requires. Default: none.
    pub fn client_id(mut self, client_id: impl Into<String>) -> Self {
        self.client_id = Some(client_id.into());
        self
    }

    /// Sets the lifetime of access tokens. Default: 15 min; at most a day. Without a revocation
    /// store they cannot be invalidated earlier.
    pub fn access_lifetime(mut self, lifetime: Duration) -> Self {
        self.access_lifetime = lifetime;
        self
    }

    /// Sets the maximum lifetime of tokens of any kind, refresh tokens included: a key is published
    /// for this long after its rotation. Default: 30 d.
    pub fn longest_lifetime(mut self, lifetime: Duration) -> Self {
        self.longest_lifetime = lifetime;
        self
    }

    /// Adds algorithms that later keys may be for, so that [`announce`](TokenIssuer::announce) accepts
    /// them and the issuer's own verifiers know them from the start. Default: that of the first key; after
    /// a private key also ML-DSA, and both names of Ed25519.
    ///
    /// Each key serves its own algorithm alone (RFC 8725 §3.1). Verifiers elsewhere have to name the
    /// algorithms themselves.
    pub fn next_algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.next_algorithms = self.next_algorithms.union(algorithms.into_iter().collect());
        self
    }

    /// Sets the clock. Default: the system clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Checks the settings and builds the issuer.
    ///
    /// # Errors
    /// An empty issuer, audience or client, an audience that is the issuer's own name, lifetimes out
    /// of range, and next algorithms of secrets beside those of private keys.
    pub fn build(self) -> Result<TokenIssuer, ConfigError> {
        if self.issuer.is_empty() {
            return Err(ConfigError::Empty { setting: "issuer" });
        }
        if self.audiences.iter().any(String::is_empty) {
            return Err(ConfigError::Empty { setting: "audience" });
        }
        if self.audiences.contains(&self.issuer) {
            return Err(ConfigError::invalid(
                "audience",
                "must differ from the issuer's name, which is the audience of refresh tokens",
            ));
        }
        if self.client_id.as_ref().is_some_and(String::is_empty) {
            return Err(ConfigError::Empty { setting: "client_id" });
        }
        let second = Duration::from_secs(1);
        if self.access_lifetime < second || self.access_lifetime > MAX_ACCESS_LIFETIME {
            return Err(ConfigError::invalid("access_lifetime", "must be between 1 s and 1 day"));
        }
        if self.longest_lifetime < self.access_lifetime {
            return Err(ConfigError::invalid(
                "longest_lifetime",
                "must not be shorter than that of access tokens",
            ));
        }
        let algorithm = self.key.algorithm();
        if self.next_algorithms.iter().any(|next| next.is_symmetric() != algorithm.is_symmetric()) {
            return Err(ConfigError::invalid(
                "next_algorithms",
                "must all be for private keys, or all for secrets, as the first key is",
            ));
        }
        let accepted = successors(algorithm).union(self.next_algorithms);
        let ring = KeyRing::new(self.key, accepted, self.clock.clone());
        Ok(TokenIssuer {
            inner: Arc::new(TokenIssuerInner {
                issuer: self.issuer,
                audiences: self.audiences,
                client_id: self.client_id,
                access_lifetime: self.access_lifetime,
                longest_lifetime: self.longest_lifetime,
                ring,
                accepted,
                clock: self.clock,
            }),
        })
    }
}
