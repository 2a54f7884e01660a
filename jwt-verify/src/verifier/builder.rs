//! Builder of a [`Verifier`](crate::Verifier).

use std::{fmt, sync::Arc};

use super::{
    Verifier, VerifierInner, default_keys::DefaultKeys, issuer::TrustedIssuer,
    prepared_issuer::Issuer, resolved_issuers::ResolvedIssuers, resolver::IssuerResolver,
    revocation::Revocations,
};
use crate::{
    clock::{Clock, SystemClock},
    defaults::{
        MAX_CONFIGURABLE_TOKEN_BYTES, MAX_TOKEN_BYTES, RESOLVED_ISSUERS, TOKEN_CACHE_ENTRIES,
    },
    error::ConfigError,
    revocation::RevocationStore,
    token::KnownHeaders,
    token_cache::TokenCache,
};

/// Settings of a [`Verifier`] as a whole. Every one has a default.
///
/// Keys, algorithms, leeway and all other rules for the tokens of one issuer are set on its
/// [`TrustedIssuer`].
#[must_use]
pub struct VerifierBuilder {
    issuers: Vec<TrustedIssuer>,
    resolver: Option<Box<dyn IssuerResolver>>,
    max_resolved_issuers: usize,
    resolved_jwks: DefaultKeys,
    max_token_bytes: usize,
    token_cache: usize,
    revocation: Option<Arc<dyn RevocationStore>>,
    revocation_fails_open: bool,
    clock: Arc<dyn Clock>,
}

impl VerifierBuilder {
    pub(super) fn new() -> Self {
        Self {
            issuers: Vec::new(),
            resolver: None,
            max_resolved_issuers: RESOLVED_ISSUERS,
            resolved_jwks: DefaultKeys::default(),
            max_token_bytes: MAX_TOKEN_BYTES,
            token_cache: usual_token_cache(),
            revocation: None,
            revocation_fails_open: false,
            clock: Arc::new(SystemClock::new()),
        }
    }

    /// Adds a trusted issuer with settings of its own. A token is checked against the settings of
    /// the issuer that its `iss` names exactly, and verified with that issuer's keys only.
    pub fn issuer(mut self, issuer: TrustedIssuer) -> Self {
        self.issuers.push(issuer);
        self
    }

    /// Sets the resolver of issuers that are not listed; see [`IssuerResolver`].
    pub fn issuer_resolver(mut self, resolver: impl IssuerResolver) -> Self {
        self.resolver = Some(Box::new(resolver));
        self
    }

    /// Sets the number of issuers named by the [`IssuerResolver`] that are kept with their keys.
    /// Default: 100. Set it above the number of tenants.
    ///
    /// That many issuers with a valid token are kept, and as many that were only named by
    /// unverified tokens. Those are evicted first. Within 30 s the same number of them may have
    /// keys looked up; tokens of further ones are answered with
    /// [`AuthError::KeyLookupLimited`](crate::AuthError::KeyLookupLimited) (429). This bounds the
    /// work that unsigned tokens naming one tenant after another can cause. If an issuer is evicted
    /// while the resolver's answer is still valid, one event is logged at `WARN`.
    pub fn max_resolved_issuers(mut self, most: usize) -> Self {
        self.max_resolved_issuers = most;
        self
    }

    /// Configures how keys of issuers named by the [`IssuerResolver`] are fetched, unless their
    /// settings set a key provider: through a shared cache or a proxy, for example.
    ///
    /// ```
    /// # use jwt_verify::{TrustedIssuer, Verifier, store::MemoryCache};
    /// let cache = MemoryCache::new();
    /// let verifier = Verifier::with_resolver(|_: &str| None::<TrustedIssuer>)
    ///     .resolved_jwks(move |keys| keys.cache(cache.clone()))
    ///     .build()?;
    /// # Ok::<(), jwt_verify::ConfigError>(())
    /// ```
    #[cfg(feature = "jwks")]
    pub fn resolved_jwks<F>(mut self, configure: F) -> Self
    where
        F: Fn(crate::jwks::JwksProviderBuilder) -> crate::jwks::JwksProviderBuilder
            + Send
            + Sync
            + 'static,
    {
        self.resolved_jwks.configure = Some(Box::new(configure));
        self
    }

    /// Sets the maximum token size in bytes. Longer tokens are rejected before parsing. Default: 16
    /// KiB.
    pub fn max_token_bytes(mut self, most: usize) -> Self {
        self.max_token_bytes = most;
        self
    }

    /// Sets the capacity of the cache of verified tokens. Default: 10,000 tokens, in at most 40 MB.
    /// 0 switches it off.
    ///
    /// A token leaves the cache when it expires and when a key of its issuer is withdrawn or
    /// replaced. Each thread also keeps its own copy of up to 64 frequent tokens of at most 4 KiB;
    /// when a thread ends, its copy passes to the next thread.
    pub fn token_cache_capacity(mut self, entries: usize) -> Self {
        self.token_cache = entries;
        self
    }

    /// Sets the revocation store, consulted on every request, including for cached tokens. Default:
    /// none; tokens remain valid until they expire.
    ///
    /// Tokens must then have a `jti`. While the store is unreachable the answer is 503.
    pub fn revocation(mut self, store: impl RevocationStore) -> Self {
        self.revocation = Some(Arc::new(store));
        self
    }

    /// Returns `true` if there is a revocation store.
    #[cfg(feature = "security-events")]
    pub(crate) fn has_revocation(&self) -> bool {
        self.revocation.is_some()
    }

    /// Accepts tokens while the revocation store is unreachable, revoked ones included. Default:
    /// refused.
    ///
    /// An attacker who can disturb the store can then use a revoked token. Watch the metric
    /// `jwt_verify_revocation_unknown_total`.
    pub fn revocation_fails_open(mut self) -> Self {
        self.revocation_fails_open = true;
        self
    }

    /// Sets the clock, also that of the default key provider. Default: the system clock. A key provider
    /// that is set keeps its own clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    #[cfg(any(feature = "issuing", feature = "security-events"))]
    pub(crate) fn shared_revocation(mut self, store: Arc<dyn RevocationStore>) -> Self {
        self.revocation = Some(store);
        self
    }

    #[cfg(any(feature = "issuing", feature = "jwks"))]
    pub(crate) fn shared_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Checks the settings and builds the verifier.
    ///
    /// # Errors
    /// For every issuer: an empty issuer, audience, client or list of clients; no algorithm, or
    /// symmetric and asymmetric ones together; symmetric ones without keys; a key set that fits
    /// none of them; a leeway above 10 min; and everything that the default key provider refuses.
    /// For the verifier: no issuer at all, an issuer that is named twice, and limits out of range.
    pub fn build(self) -> Result<Verifier, ConfigError> {
        if !(1..=MAX_CONFIGURABLE_TOKEN_BYTES).contains(&self.max_token_bytes) {
            return Err(ConfigError::invalid("max_token_bytes", "must be between 1 and 128 KiB"));
        }
        if self.token_cache > MAX_TOKEN_CACHE {
            return Err(ConfigError::invalid(
                "token_cache_capacity",
                "must be at most 10 million entries",
            ));
        }
        if self.max_resolved_issuers == 0 {
            return Err(ConfigError::invalid("max_resolved_issuers", "must not be zero"));
        }
        let fails_open = self.revocation_fails_open;
        if fails_open && self.revocation.is_none() {
            return Err(ConfigError::invalid(
                "revocation_fails_open",
                "needs a store; set revocation",
            ));
        }
        let clock = self.clock;
        let mut issuers = Vec::new();
        for issuer in self.issuers {
            let issuer = issuer.prepare(&clock)?;
            if issuers.iter().any(|other: &Issuer| other.rules.issuer == issuer.rules.issuer) {
                return Err(ConfigError::invalid("issuer", "the same issuer is named twice"));
            }
            issuers.push(issuer);
        }
        if issuers.is_empty() && self.resolver.is_none() {
            return Err(ConfigError::Empty { setting: "issuer" });
        }
        let (keys, most) = (self.resolved_jwks, self.max_resolved_issuers);
        let tenants =
            self.resolver.map(|resolver| ResolvedIssuers::new(resolver, keys, most, clock.clone()));
        Ok(Verifier {
            inner: Arc::new(VerifierInner {
                issuers,
                tenants,
                max_token_bytes: self.max_token_bytes,
                headers: KnownHeaders::default(),
                clock,
                cache: (self.token_cache > 0).then(|| TokenCache::new(self.token_cache)),
                revocation: self.revocation.map(|store| Revocations { store, fails_open }),
            }),
        })
    }
}

const MAX_TOKEN_CACHE: usize = 10_000_000;

impl fmt::Debug for VerifierBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifierBuilder").field("issuers", &self.issuers).finish_non_exhaustive()
    }
}

#[cfg(not(feature = "internals"))]
const fn usual_token_cache() -> usize {
    TOKEN_CACHE_ENTRIES
}

/// The suites also run with the cache switched off and with room for one token: their results must
/// not differ. A size that a test sets itself is kept.
#[cfg(feature = "internals")]
fn usual_token_cache() -> usize {
    let size = std::env::var("JWT_VERIFY_SUITES_TOKEN_CACHE").ok();
    size.and_then(|size| size.parse().ok()).unwrap_or(TOKEN_CACHE_ENTRIES)
}
