//! Settings of token introspection.

use std::{sync::Arc, time::Duration};

use super::{
    answer_cache::AnswerCache,
    breaker::EndpointBreaker,
    client_authentication::{ClientAuthentication, ClientMethod},
    client_key::ClientKey,
    flights::Flights,
    introspector::{Inner, Introspector},
    question::Questions,
    shared_answers::SharedAnswers,
};
use crate::{
    defaults::{
        CONNECT_TIMEOUT, FETCH_TIMEOUT, INTROSPECTION_NEGATIVE_TTL, INTROSPECTION_QUESTIONS,
        INTROSPECTION_TTL, LOG_PAUSE, MAX_FETCH_TIMEOUT, MAX_INTROSPECTION_BYTES,
        MAX_INTROSPECTION_QUESTIONS, MAX_INTROSPECTION_TTL,
    },
    error::ConfigError,
    jwks::{Connection, FormEndpoint, FormPlace},
    log_limiter::LogLimiter,
    secret::Secret,
    store::CacheStore,
    verifier::Verifier,
};

/// Token introspection (RFC 7662): asks the issuer about tokens that are not JWTs, such as opaque
/// ones, and takes the answer for their claims. Default: off; every token has to be a JWT.
///
/// An answer is held against the rules of its [`TrustedIssuer`](crate::TrustedIssuer), as the claims
/// of a JWT are: issuer, audience, dates, clients, `cnf` and custom rules. It may leave out `iss`.
/// Without an audience it needs a `token_type`, and only `Bearer` and `DPoP` are access tokens. Only
/// `active: true` counts. An answer that is not what the RFC says is 503
/// ([`AuthError::Unavailable`](crate::AuthError::Unavailable)), and so are an endpoint that is out of
/// reach and a client credential that it refuses.
///
/// An answer is kept for a minute at most, so a revoked token may be accepted for that long; set
/// [`cache_for`](Self::cache_for) to change it.
///
/// ```
/// use jwt_verify::{JwtAuth, introspection::Introspection};
///
/// # fn example(secret: String) -> Result<(), jwt_verify::ConfigError> {
/// let introspection = Introspection::discover().client_secret_basic("orders-api", secret);
/// # let _ = introspection;
/// # Ok(())
/// # }
/// ```
#[doc(alias = "opaque token", alias = "rfc7662")]
#[derive(Debug, Clone)]
#[must_use]
pub struct Introspection {
    place: EndpointPlace,
    issuer: Option<String>,
    client: Option<ClientAuthentication>,
    has_several_credentials: bool,
    assertion_audience: Option<String>,
    takes_jwts: bool,
    only_signed_answers: bool,
    ttl: Duration,
    refused_ttl: Option<Duration>,
    most_questions: usize,
    timeout: Duration,
    connection: Connection,
    store: Option<Arc<dyn CacheStore>>,
    integrity_key: Option<Secret>,
}

#[derive(Clone)]
enum EndpointPlace {
    Url(String),
    Discovery,
}

/// Hides the URL, which may hold a secret and is not checked yet.
impl std::fmt::Debug for EndpointPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Url(_) => "Url(..)",
            Self::Discovery => "Discovery",
        })
    }
}

impl Introspection {
    /// Asks the endpoint at this URL.
    pub fn at(url: impl Into<String>) -> Self {
        Self::new(EndpointPlace::Url(url.into()))
    }

    /// Asks the endpoint that the metadata of the issuer name (`introspection_endpoint`, RFC 8414
    /// §2). The metadata are found as those for [`JwksProvider::discover`](crate::JwksProvider::discover)
    /// are, and must name exactly the issuer.
    pub fn discover() -> Self {
        Self::new(EndpointPlace::Discovery)
    }

    fn new(place: EndpointPlace) -> Self {
        Self {
            place,
            issuer: None,
            client: None,
            has_several_credentials: false,
            assertion_audience: None,
            takes_jwts: false,
            only_signed_answers: false,
            ttl: INTROSPECTION_TTL,
            refused_ttl: None,
            most_questions: INTROSPECTION_QUESTIONS,
            timeout: FETCH_TIMEOUT,
            connection: Connection::new(CONNECT_TIMEOUT, MAX_INTROSPECTION_BYTES),
            store: None,
            integrity_key: None,
        }
    }

    /// Authenticates this application with a secret in the `Authorization` header
    /// (`client_secret_basic`). Id and secret are encoded as RFC 6749 §2.3.1 demands.
    pub fn client_secret_basic(
        self,
        client_id: impl Into<String>,
        secret: impl Into<Secret>,
    ) -> Self {
        self.client(client_id.into(), ClientMethod::Basic(secret.into()))
    }

    /// Authenticates this application with a secret in the form (`client_secret_post`, RFC 6749
    /// §2.3.1), for an endpoint that does not support the header.
    pub fn client_secret_post(
        self,
        client_id: impl Into<String>,
        secret: impl Into<Secret>,
    ) -> Self {
        self.client(client_id.into(), ClientMethod::Post(secret.into()))
    }

    /// Authenticates this application with an assertion that its private key signs
    /// (`private_key_jwt`, RFC 7523 §2.2): a new one for each question, good for a minute. Its
    /// audience is the issuer; see [`assertion_audience`](Self::assertion_audience).
    pub fn private_key_jwt(self, client_id: impl Into<String>, key: ClientKey) -> Self {
        self.client(client_id.into(), ClientMethod::PrivateKey(key))
    }

    /// Authenticates this application with a certificate (`tls_client_auth` and
    /// `self_signed_tls_client_auth`, RFC 8705 §2): its chain and its private key, in PEM. With
    /// [`discover`](Self::discover) the endpoint is the alias for such clients, if the metadata name
    /// one (RFC 8705 §5).
    pub fn mutual_tls(
        self,
        client_id: impl Into<String>,
        certificates: impl Into<Vec<u8>>,
        key: impl Into<Secret>,
    ) -> Self {
        let (certificates, key) = (certificates.into(), key.into());
        self.client(client_id.into(), ClientMethod::Certificate { certificates, key })
    }

    fn client(mut self, client_id: String, method: ClientMethod) -> Self {
        self.has_several_credentials |= self.client.is_some();
        self.client = Some(ClientAuthentication { client_id, method });
        self
    }

    /// Sets the audience of the assertion of [`private_key_jwt`](Self::private_key_jwt), for an
    /// issuer that demands the URL of its endpoint. Default: the name of the issuer.
    pub fn assertion_audience(mut self, audience: impl Into<String>) -> Self {
        self.assertion_audience = Some(audience.into());
        self
    }

    /// Sets the issuer whose endpoint it is; it must be one of those that are listed. Default: the
    /// only one. With several issuers, or with an
    /// [`IssuerResolver`](crate::IssuerResolver), it must be set.
    pub fn issuer(mut self, name: impl Into<String>) -> Self {
        self.issuer = Some(name.into());
        self
    }

    /// Asks about JWTs of the issuer too, so that their revocation is noticed. Default: JWTs are
    /// verified here, without a question.
    ///
    /// Their signatures are then not checked here; what the endpoint tells counts alone. JWTs of
    /// other issuers are verified as before.
    pub fn all_tokens(mut self) -> Self {
        self.takes_jwts = true;
        self
    }

    /// Accepts signed answers alone (RFC 9701), for an endpoint behind others that could change
    /// them. Default: answers in JSON; one that is signed is verified nevertheless.
    ///
    /// The signature is verified with the keys of the issuer. `typ` must be
    /// `token-introspection+jwt`, `aud` the id of this client, and `iat` at most a minute ago.
    /// Encrypted answers cannot be read.
    pub fn signed_answers(mut self) -> Self {
        self.only_signed_answers = true;
        self
    }

    /// Sets for how long an answer about a valid token is used; its `exp` ends it earlier. Default:
    /// 60 s; at most an hour. With 0, every request is a question.
    ///
    /// **Security:** a token that is revoked at the issuer is accepted for up to this time.
    pub fn cache_for(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// Sets for how long a refusal is used. Default: 10 s, or the time of
    /// [`cache_for`](Self::cache_for) if that is shorter; at most an hour. At most 4096 of them are
    /// kept, apart from the good ones.
    pub fn negative_cache_for(mut self, ttl: Duration) -> Self {
        self.refused_ttl = Some(ttl);
        self
    }

    /// Sets a store through which the instances of an application share answers about valid tokens, so
    /// that one of them asks for all; it needs a [`cache_integrity_key`](Self::cache_integrity_key).
    /// Default: none; each instance asks for itself.
    ///
    /// The bound of [`cache_for`](Self::cache_for) counts from the question, whichever instance asked.
    /// An entry is held against the rules again where it is read. A store that is slow or unreachable
    /// is ignored. Tokens are not in it; claims of callers are, readable for its operator.
    pub fn cache(mut self, store: impl CacheStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Sets a secret of at least 32 bytes that the instances share and the store does not know.
    /// Entries carry an HMAC over name, content and expiry, and one without is ignored. Required with
    /// [`cache`](Self::cache): otherwise write access to the store would be enough to make any token
    /// active.
    pub fn cache_integrity_key(mut self, key: impl Into<Secret>) -> Self {
        self.integrity_key = Some(key.into());
        self
    }

    /// Limits the number of concurrent questions. Default: 256; at most 10,000. Beyond it, requests
    /// with a token that is not cached get a 503 at once.
    pub fn concurrency(mut self, most: usize) -> Self {
        self.most_questions = most;
        self
    }

    /// Sets the time limit of a question as a whole, including discovery. Default: 5 s; at most a
    /// minute.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the time limit of a connection. Default: 2 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connection.connect_timeout = timeout;
        self
    }

    /// Limits the size of an answer, in bytes. Default: 64 KiB.
    pub fn max_answer_bytes(mut self, most: usize) -> Self {
        self.connection.max_bytes = most;
        self
    }

    /// Adds trusted certificate authorities, in PEM; see
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

    /// Reaches the endpoint through this HTTP proxy; see
    /// [`JwksProviderBuilder::proxy`](crate::keys::JwksProviderBuilder::proxy). Default: none.
    pub fn proxy(mut self, url: impl Into<Secret>) -> Self {
        self.connection.proxy(url.into());
        self
    }

    /// Reaches the endpoint through the proxy that `HTTPS_PROXY` names, except for hosts in
    /// `NO_PROXY`.
    pub fn proxy_from_env(mut self) -> Self {
        self.connection.proxy_from_env();
        self
    }

    /// Allows plain http to this host, such as `keycloak` or `keycloak:8080`. Default: `http` is for
    /// loopback addresses.
    ///
    /// **Security:** a party on the way to the host reads the tokens and the credential of this
    /// application, and can make any token active. Name hosts of a network that you alone control.
    pub fn allow_http(mut self, host: impl Into<String>) -> Self {
        self.connection.allow_http(host.into());
        self
    }

    /// Checks the settings against the issuers of a verifier. Nothing is asked yet.
    pub(crate) fn prepare(mut self, verifier: &Verifier) -> Result<Introspector, ConfigError> {
        let issuer = verifier.introspected_issuer(self.issuer.as_deref())?;
        if self.has_several_credentials {
            let problem = "must be the only one: `client_secret_basic`, `client_secret_post`, \
                           `private_key_jwt` or `mutual_tls`";
            return Err(ConfigError::invalid("introspection.client", problem));
        }
        let client = self.client.take().ok_or(ConfigError::invalid(
            "introspection.client",
            "needs a credential: `client_secret_basic`, `client_secret_post`, `private_key_jwt` or \
             `mutual_tls` (RFC 7662 §2.1)",
        ))?;
        client.check()?;
        self.check_limits()?;
        let with_certificate = match &client.method {
            ClientMethod::Certificate { certificates, key } => {
                self.connection.identify(certificates.clone(), key.clone());
                true
            }
            _ => false,
        };
        let place = match &self.place {
            EndpointPlace::Url(url) => FormPlace::Url(url),
            EndpointPlace::Discovery => {
                FormPlace::Introspection { issuer: issuer.name(), with_certificate }
            }
        };
        let clock = issuer.clock().clone();
        let endpoint = FormEndpoint::new(place, &self.connection, self.timeout, clock)?;
        if with_certificate && !endpoint.is_https() {
            let problem = "needs an endpoint with https, where a certificate can be presented";
            return Err(ConfigError::invalid("introspection.mutual_tls", problem));
        }
        let shared = self.shared_answers(&[
            issuer.name(),
            &endpoint.to_string(),
            &client.client_id,
            if self.only_signed_answers { "signed" } else { "" },
        ])?;
        tracing::info!(
            issuer = issuer.name(),
            %endpoint,
            all_tokens = self.takes_jwts,
            "tokens are introspected"
        );
        let refused_ttl = self.refused_ttl.unwrap_or(INTROSPECTION_NEGATIVE_TTL.min(self.ttl));
        Ok(Introspector::new(Inner {
            cache: AnswerCache::new(self.ttl, refused_ttl),
            shared,
            flights: Flights::new(self.most_questions),
            breaker: EndpointBreaker::new(self.timeout.saturating_mul(2)),
            takes_jwts: self.takes_jwts,
            failures: LogLimiter::new(LOG_PAUSE),
            refusals: LogLimiter::new(LOG_PAUSE),
            questions: Questions {
                answers: issuer.answer_verifier(&client.client_id)?,
                audience: self.assertion_audience.unwrap_or_else(|| issuer.name().to_owned()),
                only_signed_answers: self.only_signed_answers,
                issuer,
                endpoint,
                client,
            },
        }))
    }

    fn shared_answers(&self, context: &[&str]) -> Result<Option<SharedAnswers>, ConfigError> {
        match (&self.store, &self.integrity_key) {
            (None, None) => Ok(None),
            (Some(_), None) => Err(ConfigError::invalid(
                "introspection.cache",
                "needs `cache_integrity_key`: otherwise write access to the store is enough to make \
                 any token active",
            )),
            (None, Some(_)) => {
                Err(ConfigError::invalid("introspection.cache_integrity_key", "needs `cache`"))
            }
            (Some(_), Some(_)) if self.ttl.is_zero() => Err(ConfigError::Conflict {
                first: "introspection.cache",
                second: "introspection.cache_for",
                problem: "nothing is cached for no time",
            }),
            (Some(store), Some(key)) => {
                let most = self.connection.max_bytes;
                SharedAnswers::new(store.clone(), key, context, self.ttl, most).map(Some)
            }
        }
    }

    fn check_limits(&self) -> Result<(), ConfigError> {
        for (setting, ttl) in [
            ("introspection.cache_for", self.ttl),
            ("introspection.negative_cache_for", self.refused_ttl.unwrap_or_default()),
        ] {
            if ttl > MAX_INTROSPECTION_TTL {
                return Err(ConfigError::invalid(setting, "must be at most 1 hour"));
            }
        }
        for (setting, timeout) in [
            ("introspection.timeout", self.timeout),
            ("introspection.connect_timeout", self.connection.connect_timeout),
        ] {
            if !(Duration::from_millis(1)..=MAX_FETCH_TIMEOUT).contains(&timeout) {
                let problem = "must be between 1 millisecond and 1 minute";
                return Err(ConfigError::invalid(setting, problem));
            }
        }
        if self.connection.max_bytes == 0 {
            let problem = "must not be zero";
            return Err(ConfigError::invalid("introspection.max_answer_bytes", problem));
        }
        if !(1..=MAX_INTROSPECTION_QUESTIONS).contains(&self.most_questions) {
            let problem = "must be between 1 and 10,000";
            return Err(ConfigError::invalid("introspection.concurrency", problem));
        }
        Ok(())
    }
}
