//! Settings of a verifier.

use std::{fmt, sync::Arc};

use super::{
    Verifier, VerifierInner,
    issuer::{DefaultKeys, Issuer, TrustedIssuer},
    resolved_issuers::ResolvedIssuers,
    resolver::IssuerResolver,
    revocation::Revocations,
};
use crate::{
    clock::{Clock, SystemClock},
    error::ConfigError,
    limits::{
        MAX_CONFIGURABLE_TOKEN_BYTES, MAX_TOKEN_BYTES, RESOLVED_ISSUERS, TOKEN_CACHE_ENTRIES,
    },
    revocation::RevocationStore,
    token::KnownHeaders,
    token_cache::TokenCache,
};

/// Settings of a [`Verifier`] as a whole. Every one has a default.
///
/// What holds for the tokens of one issuer, such as keys, algorithms and leeway, is set on its
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

    /// Trusts one more issuer, with settings of its own. A token is held against the settings of
    /// the issuer that its `iss` names exactly, and verified with that issuer's keys only.
    pub fn issuer(mut self, issuer: TrustedIssuer) -> Self {
        self.issuers.push(issuer);
        self
    }

    /// Who knows the issuers that are not listed; see [`IssuerResolver`].
    pub fn issuer_resolver(mut self, resolver: impl IssuerResolver) -> Self {
        self.resolver = Some(Box::new(resolver));
        self
    }

    /// How many issuers that the [`IssuerResolver`] has named are kept with their keys. Default:
    /// 100. Set it above the number of tenants.
    ///
    /// So many that have shown a good token are kept, and as many that were merely named, by tokens
    /// that are not signed. Those make room first. Within 30 s as many of them may have keys looked
    /// up; tokens of others are answered with [`AuthError::KeyLookupLimited`](crate::AuthError::KeyLookupLimited) (429).
    /// That bounds what unsigned tokens which name one tenant after another can cause. An issuer that
    /// has to make room although the resolver's word still counts is reported once, at `WARN`.
    pub fn max_resolved_issuers(mut self, most: usize) -> Self {
        self.max_resolved_issuers = most;
        self
    }

    /// How the keys of issuers that the [`IssuerResolver`] names are fetched, where its settings say
    /// nothing about keys: through a shared cache, for example, or a proxy.
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

    /// The longest token that is looked at, in bytes. Default: 16 KiB.
    pub fn max_token_bytes(mut self, most: usize) -> Self {
        self.max_token_bytes = most;
        self
    }

    /// How many verified tokens are remembered, so that they need not be verified again. Default:
    /// 10,000, in at most 40 MB. 0 switches it off.
    ///
    /// A token is forgotten when it expires and when a key of its issuer is withdrawn or replaced. Each
    /// thread keeps up to 64 of the tokens that it meets most, of at most 4 KiB, once more for itself; a
    /// thread that has ended leaves them to the one that comes after it.
    pub fn token_cache_capacity(mut self, entries: usize) -> Self {
        self.token_cache = entries;
        self
    }

    /// Who knows which tokens have been revoked; asked about every request, also about tokens that
    /// are remembered. Default: nobody, and tokens are good until they expire.
    ///
    /// A token must have a `jti` then. While the store is out of reach the answer is 503.
    pub fn revocation(mut self, store: impl RevocationStore) -> Self {
        self.revocation = Some(Arc::new(store));
        self
    }

    /// Accepts tokens while the revocation store is out of reach, those that have been revoked
    /// included. Default: no.
    ///
    /// Whoever can disturb the store can use a revoked token then. Watch the metric
    /// `jwt_verify_revocation_unknown_total`.
    pub fn revocation_fails_open(mut self) -> Self {
        self.revocation_fails_open = true;
        self
    }

    /// Takes the time from another clock, also for the keys that are fetched by default. Default: the
    /// system's. A key provider that is set keeps the clock that it was made with.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    #[cfg(feature = "issuing")]
    pub(crate) fn shared_revocation(mut self, store: Arc<dyn RevocationStore>) -> Self {
        self.revocation = Some(store);
        self
    }

    #[cfg(feature = "issuing")]
    pub(crate) fn shared_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// For every issuer: an empty issuer, audience, client or list of clients; no algorithm, or
    /// symmetric and asymmetric ones together; symmetric ones without keys; a key set that fits none
    /// of them; a leeway above 10 min; and what the default key provider refuses. Besides: no
    /// issuer at all, or one that is named twice, and limits that make no sense.
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

/// The suites are run with the cache switched off and with room for one token, too: what they find
/// must be the same. A size that a test sets itself stays.
#[cfg(feature = "internals")]
fn usual_token_cache() -> usize {
    let size = std::env::var("JWT_VERIFY_SUITES_TOKEN_CACHE").ok();
    size.and_then(|size| size.parse().ok()).unwrap_or(TOKEN_CACHE_ENTRIES)
}
