//! Builder of a provider.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

#[cfg(feature = "cli")]
use super::probe::Prober;
use super::{
    connection::Connection,
    endpoint::Endpoint,
    entry_codec::EntryCodec,
    fetch_credential::{FetchCredential, FetchCredentialSetting},
    provider::JwksProvider,
    settings::Settings,
};
use crate::{
    clock::{Clock, SystemClock},
    defaults::{
        CONNECT_TIMEOUT, FETCH_TIMEOUT, MAX_DOCUMENT_BYTES, MAX_DURATION, MAX_FETCH_TIMEOUT,
        MAX_KEYS, MISSING_ENTRIES, MISSING_TTL, REFETCH_INTERVAL, REFETCHES, STALE_TTL,
    },
    error::ConfigError,
    key::JwkSet,
    secret::Secret,
    store::CacheStore,
};

// The constructors are here, since every way to get a provider goes through its builder.
impl JwksProvider {
    /// Returns a builder for the key set at this URL.
    pub fn builder(jwks_uri: impl Into<String>) -> JwksProviderBuilder {
        JwksProviderBuilder::key_set(jwks_uri.into())
    }

    /// Returns a builder for the key set that the metadata of this issuer names: OpenID Connect
    /// Discovery, or, where that is not found, RFC 8414, or OpenID Connect with the path of the issuer
    /// at its end (RFC 8414 §5). The metadata must name exactly this issuer.
    pub fn discover(issuer: impl Into<String>) -> JwksProviderBuilder {
        JwksProviderBuilder::discovery(issuer.into())
    }

    /// Returns a builder for the key set that the metadata of this transmitter of security events name
    /// (SSF 1.0 §7).
    #[cfg(feature = "security-events")]
    pub(crate) fn of_transmitter(issuer: impl Into<String>) -> JwksProviderBuilder {
        JwksProviderBuilder::new(Target::Transmitter(issuer.into()))
    }

    /// Returns a builder for an Auth0 tenant or custom domain, such as `tenant.eu.auth0.com`. The
    /// issuer of its tokens is `https://tenant.eu.auth0.com/`, with the slash.
    pub fn auth0(domain: impl AsRef<str>) -> JwksProviderBuilder {
        let domain = domain.as_ref().trim_end_matches('/');
        JwksProviderBuilder::key_set(format!("https://{domain}/.well-known/jwks.json"))
    }
}

/// Settings of a [`JwksProvider`]. Every one has a safe default.
#[derive(Debug, Clone)]
#[must_use]
pub struct JwksProviderBuilder {
    target: Target,
    is_tenant: bool,
    settings: Settings,
    connection: Connection,
    credentials: Vec<FetchCredentialSetting>,
}

/// Issuer, as it was configured.
#[derive(Clone)]
enum Target {
    KeySet(String),
    Issuer(String),
    #[cfg(feature = "security-events")]
    Transmitter(String),
}

/// Hides the URL, which may hold a secret and is not checked yet.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KeySet(_) => "KeySet(..)",
            Self::Issuer(_) => "Issuer(..)",
            #[cfg(feature = "security-events")]
            Self::Transmitter(_) => "Transmitter(..)",
        })
    }
}

impl JwksProviderBuilder {
    pub(super) fn key_set(url: String) -> Self {
        Self::new(Target::KeySet(url))
    }

    pub(super) fn discovery(issuer: String) -> Self {
        Self::new(Target::Issuer(issuer))
    }

    fn new(target: Target) -> Self {
        Self {
            settings: Settings {
                cache_ttl: None,
                stale_if_error: STALE_TTL,
                negative_cache_ttl: MISSING_TTL,
                missing_entries: MISSING_ENTRIES,
                max_refetches: REFETCHES,
                refetch_window: REFETCH_INTERVAL,
                fetch_timeout: FETCH_TIMEOUT,
                max_keys: MAX_KEYS,
                store: None,
                integrity_key: None,
                initial_keys: None,
                clock: Arc::new(SystemClock::new()),
                metrics_label: None,
            },
            is_tenant: false,
            target,
            connection: Connection::new(CONNECT_TIMEOUT, MAX_DOCUMENT_BYTES),
            credentials: Vec::new(),
        }
    }

    /// Sets the freshness lifetime of a key set; a refresh starts in the background after four
    /// fifths of it.
    ///
    /// Default: the `max-age` of the response within 60 s and 24 h, or else 600 s. A value set here
    /// overrides the response. It bounds how long a withdrawn key stays trusted.
    pub fn cache_ttl(mut self, ttl: Duration) -> Self {
        self.settings.cache_ttl = Some(ttl);
        self
    }

    /// Sets how long an expired key set is still used while the issuer is unreachable
    /// (stale-if-error, RFC 5861 §4). Default: 1 h. After that, requests get a 503.
    ///
    /// A longer time survives longer outages and trusts a withdrawn key for longer during one.
    pub fn stale_if_error(mut self, ttl: Duration) -> Self {
        self.settings.stale_if_error = ttl;
        self
    }

    /// Sets how long an unknown `kid` stays in the negative cache. Default: 30 s.
    pub fn negative_cache_ttl(mut self, ttl: Duration) -> Self {
        self.settings.negative_cache_ttl = ttl;
        self
    }

    /// Limits the refetches that unknown keys and bad signatures may cause within any
    /// [`refetch_window`](Self::refetch_window).
    /// Default: 2. The periodic refresh does not count. Neither do attempts to reach an issuer that
    /// fails, of which there is one a second at most.
    ///
    /// Beyond the limit, a token with an unknown key gets
    /// [`AuthError::KeyLookupLimited`](crate::AuthError::KeyLookupLimited) (429), and the issuer is
    /// asked as soon as the limit allows it again.
    pub fn max_refetches(mut self, most: usize) -> Self {
        self.settings.max_refetches = most;
        self
    }

    /// Sets the interval of [`max_refetches`](Self::max_refetches). Default: 30 s.
    pub fn refetch_window(mut self, interval: Duration) -> Self {
        self.settings.refetch_window = interval;
        self
    }

    /// Sets the timeout for a fetch as a whole, including discovery. Default: 5 s.
    pub fn fetch_timeout(mut self, timeout: Duration) -> Self {
        self.settings.fetch_timeout = timeout;
        self
    }

    /// Sets the timeout for a connection. Default: 2 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connection.connect_timeout = timeout;
        self
    }

    /// Limits the size of a document, in bytes. Default: 256 KiB.
    pub fn max_document_bytes(mut self, most: usize) -> Self {
        self.connection.max_bytes = most;
        self
    }

    /// Limits the number of keys in a key set. Default: 64.
    pub fn max_keys(mut self, most: usize) -> Self {
        self.settings.max_keys = most;
        self
    }

    /// Sets a store through which the instances of an application share the key set, so that one of
    /// them fetches for all, and share the limit for unknown keys. Default: none; each instance
    /// fetches for itself.
    ///
    /// A store that is slow or unreachable is ignored. Write access to the store is enough to forge
    /// tokens, unless there is a [`cache_integrity_key`](Self::cache_integrity_key).
    pub fn cache(mut self, store: impl CacheStore) -> Self {
        self.settings.store = Some(Arc::new(store));
        self
    }

    /// Sets a secret of at least 32 bytes that the instances share and the store does not know.
    /// Default: none.
    ///
    /// Entries then carry an HMAC over issuer, content and expiry, and an entry without a valid one
    /// is ignored: write access to the store is no longer enough to forge tokens. An old entry that
    /// is replayed is used until it expires.
    pub fn cache_integrity_key(mut self, key: impl Into<Secret>) -> Self {
        self.settings.integrity_key = Some(key.into());
        self
    }

    /// Adds trusted certificate authorities, in PEM, to the built-in ones, such as that of your
    /// company. May be called more than once.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.connection.add_roots(pem.into());
        self
    }

    /// Trusts the [`root_certificates`](Self::root_certificates) alone. Default: these and the
    /// authorities of the Mozilla programme, as of the build of the library.
    pub fn without_builtin_roots(mut self) -> Self {
        self.connection.without_builtin_roots();
        self
    }

    /// Trusts the authorities of the operating system instead of the built-in ones. On Linux,
    /// `SSL_CERT_FILE` and `SSL_CERT_DIR` name other places for them.
    #[cfg(feature = "native-roots")]
    pub fn native_roots(mut self) -> Self {
        self.connection.native_roots();
        self
    }

    /// Reaches the issuer through this HTTP proxy, `http://[user:password@]host[:port]`, with a
    /// tunnel (`CONNECT`) for every fetch over https. Default: none, regardless of the environment.
    /// Proxies of other kinds, such as `https://` and `socks5://`, do not build.
    pub fn proxy(mut self, url: impl Into<Secret>) -> Self {
        self.connection.proxy(url.into());
        self
    }

    /// Reaches the issuer through the proxy that `HTTPS_PROXY` names, except for hosts in
    /// `NO_PROXY`: names with all below them, addresses, and networks such as `10.0.0.0/8`, which
    /// count for addresses in URLs. Without these variables there is no proxy.
    pub fn proxy_from_env(mut self) -> Self {
        self.connection.proxy_from_env();
        self
    }

    /// Presents this token (`Authorization: Bearer`, RFC 6750 §2.1) in fetches, for an issuer whose
    /// metadata and key set are not public. Default: none.
    ///
    /// It is sent to scheme, host and port of the issuer or key set URL that you have configured,
    /// and to no other: not to a `jwks_uri` elsewhere, nor to a proxy. A second credential, of any
    /// kind, does not build.
    pub fn bearer_token(self, token: impl Into<Secret>) -> Self {
        self.credential(FetchCredentialSetting::BearerToken(token.into()))
    }

    /// Presents the token in this file, as [`bearer_token`](Self::bearer_token) does. The file is
    /// read again for each request, since it may be replaced, such as the token of a Kubernetes
    /// service account. White space around the token is ignored.
    ///
    /// A file that is missing or larger than 16 KiB, or that holds no token, makes the fetch fail
    /// with `credential`; the issuer is not asked.
    pub fn bearer_token_file(self, path: impl Into<PathBuf>) -> Self {
        self.credential(FetchCredentialSetting::BearerTokenFile(path.into()))
    }

    /// Adds a header to fetches, such as an API key, for an issuer whose metadata and key set are
    /// not public. Default: none. The value is treated as a secret, and sent to where
    /// [`bearer_token`](Self::bearer_token) is.
    ///
    /// `Host`, `User-Agent`, and headers of the connection, of content negotiation, of conditional
    /// requests and of proxies do not build.
    pub fn request_header(self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.credential(FetchCredentialSetting::Header(name.into(), value.into()))
    }

    fn credential(mut self, credential: FetchCredentialSetting) -> Self {
        self.credentials.push(credential);
        self
    }

    /// Allows plain http to this host, such as `keycloak`, or `keycloak:8080` for that port alone.
    /// May be called more than once. Default: `http` is for loopback addresses.
    ///
    /// It is for issuer, key set URL, and a `jwks_uri` in metadata. The name is compared as a whole:
    /// wildcards and URLs do not build. Such a host is reached without a proxy. There is a warning in the
    /// log when the provider is built.
    ///
    /// **Security:** a party on the way to the host can replace the keys, and then make any token. It
    /// also reads a credential for fetches. Name hosts of a network that you alone control.
    pub fn allow_http(mut self, host: impl Into<String>) -> Self {
        self.connection.allow_http(host.into());
        self
    }

    /// Sets keys to start with until the issuer has been reached: from the last deployment, or from
    /// a file. A fetch starts with the first lookup, and its result replaces them. They are used
    /// for at most [`stale_if_error`](Self::stale_if_error).
    pub fn initial_keys(mut self, keys: JwkSet) -> Self {
        self.settings.initial_keys = Some(keys);
        self
    }

    /// Sets the clock. Default: the system clock.
    pub fn clock(self, clock: impl Clock) -> Self {
        self.shared_clock(Arc::new(clock))
    }

    /// Marks the issuer as one of many tenants, without metrics of its own.
    pub(crate) fn tenant(mut self) -> Self {
        self.is_tenant = true;
        self
    }

    /// Sets how connections are made.
    #[cfg(feature = "security-events")]
    pub(crate) fn connection(mut self, connection: Connection) -> Self {
        self.connection = connection;
        self
    }

    pub(crate) fn shared_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.settings.clock = clock;
        self
    }

    /// Checks the settings. Nothing is fetched yet.
    ///
    /// # Errors
    /// URLs other than `https` (or `http` to a loopback address or a host of
    /// [`allow_http`](Self::allow_http)), with a user name, or with a fragment; durations of zero or
    /// beyond 30 days; timeouts beyond a minute; limits of zero; an integrity key that is too short;
    /// certificates or a proxy that cannot be read; a credential that is malformed, or a second one;
    /// an empty set of initial keys.
    pub fn build(mut self) -> Result<JwksProvider, ConfigError> {
        let http = self.connection.hosts()?;
        let endpoint = match &self.target {
            Target::KeySet(url) => Endpoint::key_set(url, &http)?,
            Target::Issuer(issuer) => Endpoint::discovery(issuer, &http)?,
            #[cfg(feature = "security-events")]
            Target::Transmitter(issuer) => Endpoint::transmitter(issuer, &http)?,
        };
        let credential =
            FetchCredential::new(std::mem::take(&mut self.credentials), endpoint.url())?;
        let settings = &self.settings;
        let second = Duration::from_secs(1);
        for (setting, value, least) in [
            ("cache_ttl", settings.cache_ttl.unwrap_or(second), second),
            ("stale_if_error", settings.stale_if_error, Duration::ZERO),
            ("negative_cache_ttl", settings.negative_cache_ttl, second),
            ("refetch_window", settings.refetch_window, second),
            ("fetch_timeout", settings.fetch_timeout, Duration::from_millis(1)),
            ("connect_timeout", self.connection.connect_timeout, Duration::from_millis(1)),
        ] {
            let (most, problem) = match setting {
                "stale_if_error" => (MAX_DURATION, "must be at most 30 days"),
                "fetch_timeout" | "connect_timeout" => {
                    (MAX_FETCH_TIMEOUT, "must be between 1 millisecond and 1 minute")
                }
                _ => (MAX_DURATION, "must be between 1 second and 30 days"),
            };
            if !(least..=most).contains(&value) {
                return Err(ConfigError::invalid(setting, problem));
            }
        }
        for (setting, value) in [
            ("max_refetches", settings.max_refetches),
            ("max_document_bytes", self.connection.max_bytes),
            ("max_keys", settings.max_keys),
        ] {
            if value == 0 {
                return Err(ConfigError::invalid(setting, "must not be zero"));
            }
        }
        let codec = EntryCodec::new(settings.integrity_key.as_ref())?;
        if settings.initial_keys.as_ref().is_some_and(JwkSet::is_empty) {
            return Err(ConfigError::Empty { setting: "initial_keys" });
        }
        let client = self.connection.client(credential, settings.clock.clone())?;
        if !http.is_empty() {
            let hosts = self.connection.host_names();
            tracing::warn!(%hosts, "keys may come from these hosts by plain http");
        }
        self.settings.metrics_label = (!self.is_tenant).then(|| endpoint.label());
        Ok(JwksProvider::start(self.settings, codec, endpoint, client, http))
    }

    /// Returns what asks the issuer the same questions as the provider.
    #[cfg(feature = "cli")]
    pub(crate) fn prober(mut self) -> Result<Prober, ConfigError> {
        let hosts = self.connection.hosts()?;
        let endpoint = match &self.target {
            Target::KeySet(url) => Endpoint::key_set(url, &hosts)?,
            Target::Issuer(issuer) => Endpoint::discovery(issuer, &hosts)?,
            #[cfg(feature = "security-events")]
            Target::Transmitter(issuer) => Endpoint::transmitter(issuer, &hosts)?,
        };
        let credentials = std::mem::take(&mut self.credentials);
        let credential = FetchCredential::new(credentials, endpoint.url())?;
        let client = self.connection.client(credential, self.settings.clock.clone())?;
        Ok(Prober { endpoint, hosts, client })
    }
}
