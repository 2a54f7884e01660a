//! The transmitter of events, and how its keys are found.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    algorithm::Algorithm,
    clock::Clock,
    defaults::{CONNECT_TIMEOUT, FETCH_TIMEOUT, MAX_DOCUMENT_BYTES},
    error::ConfigError,
    jwks::{Connection, JwksProvider},
    key::KeyProvider,
    secret::Secret,
    validation::TokenKind,
    verifier::{TrustedIssuer, Verifier},
};

/// The transmitter of security events, whose tokens alone are accepted.
///
/// Defaults: `RS256` alone; keys from its metadata; it may speak about the subjects that it has issued
/// itself. The metadata are at `/.well-known/ssf-configuration`, with the path of the name at the end
/// (SSF 1.0 §7.2), or else in front of it. A name that is such a URL is fetched itself.
#[derive(Clone)]
#[must_use]
pub struct Transmitter {
    name: String,
    trusted: TrustedIssuer,
    has_keys: bool,
    jwks_uri: Option<String>,
    algorithms: Vec<Algorithm>,
    audiences: Vec<String>,
    subjects: Vec<String>,
    management_hosts: Vec<String>,
    connection: Connection,
}

impl Transmitter {
    /// Names the transmitter as its tokens do (`iss`, compared byte by byte), and this receiver as
    /// the stream has it (`aud`).
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        let (name, audience) = (issuer.into(), audience.into());
        Self {
            trusted: TrustedIssuer::new(name.clone(), audience.clone()),
            audiences: vec![audience],
            name,
            has_keys: false,
            jwks_uri: None,
            algorithms: vec![Algorithm::RS256],
            subjects: Vec::new(),
            management_hosts: Vec::new(),
            connection: Connection::new(CONNECT_TIMEOUT, MAX_DOCUMENT_BYTES),
        }
    }

    /// Accepts tokens for one more audience.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        let audience = audience.into();
        self.audiences.push(audience.clone());
        self.trusted = self.trusted.audience(audience);
        self
    }

    /// Sets the accepted algorithms. Default: `RS256`. A symmetric one does not build: the secret of
    /// a receiver could make events.
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// Sets the URL of the key set, instead of the one in the metadata.
    pub fn jwks_uri(mut self, url: impl Into<String>) -> Self {
        self.jwks_uri = Some(url.into());
        self
    }

    /// Sets the keys, such as a [`JwkSet`](crate::JwkSet) or a [`JwksProvider`], instead of those
    /// of the metadata.
    pub fn keys(mut self, keys: impl KeyProvider) -> Self {
        self.trusted = self.trusted.keys(keys);
        self.has_keys = true;
        self
    }

    /// Adds an issuer whose users, sessions and tokens the events are about, as the `iss` of its
    /// access tokens. Default, if none is added: the transmitter itself.
    ///
    /// **Security:** the transmitter can end access of all users of these issuers, and of no others.
    /// An event that names another issuer is acknowledged and changes nothing, unless a
    /// [`SubjectResolver`](super::SubjectResolver) finds the user.
    pub fn subjects_of(mut self, issuer: impl Into<String>) -> Self {
        self.subjects.push(issuer.into());
        self
    }

    /// Lets [`EventStreams`](super::EventStreams) send its access token to this host too, such as
    /// `signals.example` or `signals.example:8443`, if the metadata name it. Default: to the host and
    /// port of the transmitter's name alone.
    pub fn management_host(mut self, host: impl Into<String>) -> Self {
        self.management_hosts.push(host.into());
        self
    }

    /// Sets the tolerated clock difference. Default: 60 s; at most 10 min.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.trusted = self.trusted.leeway(leeway);
        self
    }

    /// Adds trusted certificate authorities, in PEM, for every connection to the transmitter; see
    /// [`JwksProviderBuilder::root_certificates`](crate::keys::JwksProviderBuilder::root_certificates).
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.connection.add_roots(pem.into());
        self
    }

    /// Trusts the [`root_certificates`](Self::root_certificates) alone. Default: these and the
    /// authorities of the Mozilla programme.
    pub fn without_builtin_roots(mut self) -> Self {
        self.connection.without_builtin_roots();
        self
    }

    /// Trusts the authorities of the operating system instead of the built-in ones.
    #[cfg(feature = "native-roots")]
    pub fn native_roots(mut self) -> Self {
        self.connection.native_roots();
        self
    }

    /// Reaches the transmitter through this HTTP proxy; see
    /// [`JwksProviderBuilder::proxy`](crate::keys::JwksProviderBuilder::proxy). Default: none.
    pub fn proxy(mut self, url: impl Into<Secret>) -> Self {
        self.connection.proxy(url.into());
        self
    }

    /// Reaches the transmitter through the proxy that `HTTPS_PROXY` names, except for hosts in
    /// `NO_PROXY`.
    pub fn proxy_from_env(mut self) -> Self {
        self.connection.proxy_from_env();
        self
    }

    /// Allows plain http to this host, such as `keycloak` or `keycloak:8080`. Default: `http` is for
    /// loopback addresses.
    ///
    /// **Security:** a party on the way to the host can make events, and end access of every user.
    /// Name hosts of a network that you alone control.
    pub fn allow_http(mut self, host: impl Into<String>) -> Self {
        self.connection.allow_http(host.into());
        self
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn audiences(&self) -> &[String] {
        &self.audiences
    }

    pub(super) fn management_hosts(&self) -> &[String] {
        &self.management_hosts
    }

    /// Returns the issuers that the transmitter may speak about.
    pub(super) fn subjects(&self) -> Vec<String> {
        if self.subjects.is_empty() { vec![self.name.clone()] } else { self.subjects.clone() }
    }

    /// Checks the settings. Returns the verifier of its tokens, which are accepted for this time
    /// after their `iat`. Nothing is fetched yet.
    pub(super) fn verifier(
        self,
        max_age: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Verifier, ConfigError> {
        if self.algorithms.iter().any(|algorithm| algorithm.is_symmetric()) {
            let problem = "must be asymmetric: the secret of a receiver could make events";
            return Err(ConfigError::invalid("transmitter.algorithms", problem));
        }
        if self.subjects.iter().any(String::is_empty) {
            return Err(ConfigError::Empty { setting: "transmitter.subjects_of" });
        }
        if self.has_keys && self.jwks_uri.is_some() {
            return Err(ConfigError::Conflict {
                first: "transmitter.keys",
                second: "transmitter.jwks_uri",
                problem: "the keys come from one place",
            });
        }
        let mut trusted = self.trusted;
        if !self.has_keys {
            let keys = match self.jwks_uri {
                Some(url) => JwksProvider::builder(url),
                None => JwksProvider::of_transmitter(self.name),
            };
            let keys = keys.shared_clock(clock.clone()).connection(self.connection);
            trusted = trusted.keys(keys.fetch_timeout(FETCH_TIMEOUT).build()?);
        }
        let kind = TokenKind::SecurityEvent { max_age };
        let trusted = trusted.algorithms(self.algorithms).kind(kind);
        Verifier::for_issuer(trusted).token_cache_capacity(0).shared_clock(clock).build()
    }
}

/// Hides URLs, which may hold a secret and are not checked yet.
impl fmt::Debug for Transmitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transmitter")
            .field("name", &self.name)
            .field("algorithms", &self.algorithms)
            .field("subjects", &self.subjects)
            .finish_non_exhaustive()
    }
}
