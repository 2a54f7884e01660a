//! Settings of a provider.

use std::{fmt, sync::Arc, time::Duration};

use super::{
    dial::Dialer,
    fetch::Transport,
    location::Location,
    provider::JwksProvider,
    proxy::Proxy,
    seal::Seal,
    thread,
    tls::{self, Base, Roots},
};
use crate::{
    CacheStore, Clock, ConfigError, JwkSet, Secret, SystemClock,
    limits::{
        CONNECT_TIMEOUT, FETCH_TIMEOUT, MAX_DOCUMENT_BYTES, MAX_DURATION, MAX_FETCH_TIMEOUT,
        MAX_KEYS, MISSING_ENTRIES, MISSING_TTL, REFETCH_INTERVAL, REFETCHES, STALE_TTL,
    },
};

/// Settings of a [`JwksProvider`]. Every one has a safe default.
#[derive(Debug)]
#[must_use]
pub struct JwksProviderBuilder {
    place: Place,
    is_tenant: bool,
    settings: Settings,
    connect_timeout: Duration,
    max_bytes: usize,
    roots: Roots,
    proxy: Option<ProxySetting>,
}

#[derive(Debug)]
enum ProxySetting {
    Url(Secret),
    Environment,
}

enum Place {
    KeySet(String),
    Issuer(String),
}

/// A URL may hold a secret, and is not checked yet.
impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KeySet(_) => "KeySet(..)",
            Self::Issuer(_) => "Issuer(..)",
        })
    }
}

/// What the provider needs to know at run time.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) ttl: Option<Duration>,
    pub(super) stale_ttl: Duration,
    pub(super) missing_ttl: Duration,
    pub(super) missing_entries: usize,
    pub(super) refetches: usize,
    pub(super) refetch_interval: Duration,
    pub(super) fetch_timeout: Duration,
    pub(super) max_keys: usize,
    pub(super) store: Option<Arc<dyn CacheStore>>,
    pub(super) integrity_key: Option<Secret>,
    pub(super) seed: Option<JwkSet>,
    pub(super) clock: Arc<dyn Clock>,
    /// The issuer's name in metrics; none for one of many tenants.
    pub(super) metrics_label: Option<String>,
}

impl JwksProviderBuilder {
    pub(super) fn key_set(url: String) -> Self {
        Self::at(Place::KeySet(url))
    }

    pub(super) fn discovery(issuer: String) -> Self {
        Self::at(Place::Issuer(issuer))
    }

    fn at(place: Place) -> Self {
        Self {
            settings: Settings {
                ttl: None,
                stale_ttl: STALE_TTL,
                missing_ttl: MISSING_TTL,
                missing_entries: MISSING_ENTRIES,
                refetches: REFETCHES,
                refetch_interval: REFETCH_INTERVAL,
                fetch_timeout: FETCH_TIMEOUT,
                max_keys: MAX_KEYS,
                store: None,
                integrity_key: None,
                seed: None,
                clock: Arc::new(SystemClock::new()),
                metrics_label: None,
            },
            is_tenant: false,
            place,
            connect_timeout: CONNECT_TIMEOUT,
            max_bytes: MAX_DOCUMENT_BYTES,
            roots: Roots::default(),
            proxy: None,
        }
    }

    /// How long a key set is fresh; a refresh starts in the background after four fifths of it.
    ///
    /// Default: the `max-age` of the answer within 60 s and 24 h, or else 600 s. A value set here
    /// overrides what the answer says. It bounds how long a withdrawn key stays trusted.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.settings.ttl = Some(ttl);
        self
    }

    /// How long a key set that has outlived its time is used while the issuer cannot be reached.
    /// Default: 1 h. After that requests are answered with 503.
    ///
    /// A longer time survives longer outages and trusts a withdrawn key for longer during one.
    pub fn stale_ttl(mut self, ttl: Duration) -> Self {
        self.settings.stale_ttl = ttl;
        self
    }

    /// How long the issuer's answer that it does not have a key is believed. Default: 30 s.
    pub fn missing_ttl(mut self, ttl: Duration) -> Self {
        self.settings.missing_ttl = ttl;
        self
    }

    /// How many refetches unknown keys and bad signatures may cause within any
    /// [`refetch_interval`](Self::refetch_interval); see [`RefreshGate`](crate::RefreshGate).
    /// Default: 2. The periodic refresh does not count, and neither does an issuer that fails, which
    /// is asked once a second at most.
    ///
    /// Beyond it a token with an unknown key is answered with
    /// [`AuthError::KeyLookupLimited`](crate::AuthError::KeyLookupLimited) (429), and the issuer is asked as soon as that
    /// is allowed again.
    pub fn refetches(mut self, most: usize) -> Self {
        self.settings.refetches = most;
        self
    }

    /// The span to which [`refetches`](Self::refetches) applies. Default: 30 s.
    pub fn refetch_interval(mut self, interval: Duration) -> Self {
        self.settings.refetch_interval = interval;
        self
    }

    /// The longest a fetch may take as a whole, discovery included. Default: 5 s.
    pub fn fetch_timeout(mut self, timeout: Duration) -> Self {
        self.settings.fetch_timeout = timeout;
        self
    }

    /// The longest a connection may take to be made. Default: 2 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// The largest document that is read, in bytes. Default: 256 KiB.
    pub fn max_document_bytes(mut self, most: usize) -> Self {
        self.max_bytes = most;
        self
    }

    /// The most keys a key set may have. Default: 64.
    pub fn max_keys(mut self, most: usize) -> Self {
        self.settings.max_keys = most;
        self
    }

    /// A store through which the instances of an application share the key set, so that one of
    /// them fetches for all, and count together how often strangers may cause a fetch. Default:
    /// none; each instance fetches for itself.
    ///
    /// A store that is slow or out of reach is as good as none. Whoever can write to it can make
    /// tokens, unless there is a [`cache_integrity_key`](Self::cache_integrity_key).
    pub fn cache(mut self, store: impl CacheStore) -> Self {
        self.settings.store = Some(Arc::new(store));
        self
    }

    /// A secret that the instances share and the store does not know, of at least 32 bytes.
    /// Default: none.
    ///
    /// Entries then carry an HMAC over issuer, content and expiry, and an entry without the right
    /// one is as good as none: write access to the store is no longer the power to make tokens. An
    /// old entry that is put back is believed until its own time is over.
    pub fn cache_integrity_key(mut self, key: impl Into<Secret>) -> Self {
        self.settings.integrity_key = Some(key.into());
        self
    }

    /// Certificates, in PEM, of authorities that may vouch for the issuer besides the built-in ones,
    /// such as that of a company. May be called more than once.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots.own.push(pem.into());
        self
    }

    /// Trusts nobody but the [`root_certificates`](Self::root_certificates). Default: the
    /// authorities of the Mozilla programme, as they were when the library was built.
    pub fn without_builtin_roots(mut self) -> Self {
        self.roots.base = Base::Nothing;
        self
    }

    /// Trusts the authorities that the operating system trusts instead of the built-in ones. On
    /// Linux `SSL_CERT_FILE` and `SSL_CERT_DIR` say where they are.
    #[cfg(feature = "native-roots")]
    pub fn native_roots(mut self) -> Self {
        self.roots.base = Base::System;
        self
    }

    /// Reaches the issuer through this HTTP proxy, `http://[user:password@]host[:port]`, which makes
    /// a tunnel (`CONNECT`) for every fetch over https. Default: none, whatever the environment says.
    pub fn proxy(mut self, url: impl Into<Secret>) -> Self {
        self.proxy = Some(ProxySetting::Url(url.into()));
        self
    }

    /// Reaches the issuer through the proxy that `HTTPS_PROXY` names, except for hosts in
    /// `NO_PROXY`. Without these variables there is no proxy.
    pub fn proxy_from_env(mut self) -> Self {
        self.proxy = Some(ProxySetting::Environment);
        self
    }

    /// Keys to start from, while the issuer has not been reached yet: from the last deployment, or
    /// from a file. A fetch begins with the first question, and what it brings replaces them. They
    /// are used for at most [`stale_ttl`](Self::stale_ttl).
    pub fn seed(mut self, keys: JwkSet) -> Self {
        self.settings.seed = Some(keys);
        self
    }

    /// Takes the time from another clock. Default: the system's.
    pub fn clock(self, clock: impl Clock) -> Self {
        self.shared_clock(Arc::new(clock))
    }

    /// One of any number of issuers, each too small for metrics of its own.
    pub(crate) fn tenant(mut self) -> Self {
        self.is_tenant = true;
        self
    }

    pub(crate) fn shared_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.settings.clock = clock;
        self
    }

    /// Checks the settings. Nothing is fetched yet.
    ///
    /// # Errors
    /// URLs other than `https` (or `http` to this machine), with a user name, or with a fragment;
    /// durations of zero or beyond 30 days; timeouts beyond a minute; limits of zero; an integrity
    /// key that is too short; certificates or a proxy that cannot be read; an empty seed.
    pub fn build(mut self) -> Result<JwksProvider, ConfigError> {
        let location = match &self.place {
            Place::KeySet(url) => Location::key_set(url)?,
            Place::Issuer(issuer) => Location::discovery(issuer)?,
        };
        let settings = &self.settings;
        let second = Duration::from_secs(1);
        for (setting, value, least) in [
            ("ttl", settings.ttl.unwrap_or(second), second),
            ("stale_ttl", settings.stale_ttl, Duration::ZERO),
            ("missing_ttl", settings.missing_ttl, second),
            ("refetch_interval", settings.refetch_interval, second),
            ("fetch_timeout", settings.fetch_timeout, Duration::from_millis(1)),
            ("connect_timeout", self.connect_timeout, Duration::from_millis(1)),
        ] {
            let (most, problem) = match setting {
                "stale_ttl" => (MAX_DURATION, "must be at most 30 days"),
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
            ("refetches", settings.refetches),
            ("max_document_bytes", self.max_bytes),
            ("max_keys", settings.max_keys),
        ] {
            if value == 0 {
                return Err(ConfigError::invalid(setting, "must not be zero"));
            }
        }
        let seal = Seal::new(settings.integrity_key.as_ref())?;
        if settings.seed.as_ref().is_some_and(JwkSet::is_empty) {
            return Err(ConfigError::Missing { setting: "seed" });
        }
        let proxy = match &self.proxy {
            None => None,
            Some(ProxySetting::Environment) => Proxy::from_env(|name| std::env::var(name).ok())?,
            Some(ProxySetting::Url(url)) => {
                let url = std::str::from_utf8(url.expose())
                    .map_err(|_| ConfigError::invalid("proxy", "is not a URL"))?;
                Some(Proxy::parse(url, Vec::new())?)
            }
        };
        let transport = Transport {
            dialer: Dialer { proxy: proxy.map(Arc::new) },
            tls: tls::config(&self.roots)?,
            connect_timeout: self.connect_timeout,
            max_bytes: self.max_bytes,
        };
        self.settings.metrics_label = (!self.is_tenant).then(|| location.label());
        Ok(JwksProvider::start(self.settings, seal, location, transport, thread::shared()))
    }
}
