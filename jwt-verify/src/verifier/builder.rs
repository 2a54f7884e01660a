//! Builder of a [`Verifier`](super::Verifier).

use std::{fmt, sync::Arc, time::Duration};

use super::{
    Verifier, VerifierInner,
    issuer::{DefaultKeys, Issuer, TrustedIssuer},
    resolved_issuers::ResolvedIssuers,
    resolver::IssuerResolver,
    revocation::Revocations,
};
use crate::{
    algorithm::Algorithm,
    claims::ClaimsMapping,
    clock::{Clock, SystemClock},
    defaults::{
        MAX_CONFIGURABLE_TOKEN_BYTES, MAX_TOKEN_BYTES, RESOLVED_ISSUERS, TOKEN_CACHE_ENTRIES,
    },
    error::ConfigError,
    key::KeyProvider,
    revocation::RevocationStore,
    token::KnownHeaders,
    token_cache::TokenCache,
    validation::{ClaimsValidator, TokenKind, TokenProfile},
};

/// Settings of a [`Verifier`]. Only issuer and audience are required.
///
/// Token settings apply to the issuer that the builder was made with; an issuer added with
/// [`issuer`](Self::issuer) brings its own.
#[must_use]
pub struct VerifierBuilder {
    first: Option<TrustedIssuer>,
    others: Vec<TrustedIssuer>,
    resolver: Option<Box<dyn IssuerResolver>>,
    max_resolved_issuers: usize,
    resolved_jwks: DefaultKeys,
    /// Setting of an issuer that was called on a builder without one.
    misplaced: Option<&'static str>,
    /// Kind of token of all issuers; `None` if each issuer has its own.
    kind: Option<TokenKind>,
    max_token_bytes: usize,
    token_cache: usize,
    revocation: Option<Arc<dyn RevocationStore>>,
    revocation_fails_open: bool,
    clock: Arc<dyn Clock>,
}

impl VerifierBuilder {
    pub(super) fn new(first: Option<TrustedIssuer>) -> Self {
        Self {
            first,
            others: Vec::new(),
            resolver: None,
            max_resolved_issuers: RESOLVED_ISSUERS,
            resolved_jwks: DefaultKeys::default(),
            misplaced: None,
            kind: None,
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
        self.others.push(issuer);
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

    /// Changes the settings of the issuer that the builder was made with.
    fn first(
        mut self,
        setting: &'static str,
        change: impl FnOnce(TrustedIssuer) -> TrustedIssuer,
    ) -> Self {
        match self.first.take() {
            Some(issuer) => self.first = Some(change(issuer)),
            None => self.misplaced = Some(setting),
        }
        self
    }

    /// Accepts tokens for one more audience.
    pub fn audience(self, audience: impl Into<String>) -> Self {
        self.first("audience", |issuer| issuer.audience(audience))
    }

    /// Sets the accepted algorithms; see [`TrustedIssuer::algorithms`]. Default: `RS256` only.
    pub fn algorithms(self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.first("algorithms", |issuer| issuer.algorithms(algorithms))
    }

    /// Sets the key provider; see [`TrustedIssuer::keys`]. Default: discovery at the issuer.
    pub fn keys(self, keys: impl KeyProvider) -> Self {
        self.first("keys", |issuer| issuer.keys(keys))
    }

    /// Sets the expected kind of token. Default: [`TokenProfile::Jwt`].
    pub fn token_profile(self, profile: TokenProfile) -> Self {
        self.first("token_profile", |issuer| issuer.token_profile(profile))
    }

    /// Expects tokens of another kind than access tokens.
    pub(crate) fn kind(mut self, kind: TokenKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Sets the tolerated clock difference; see [`TrustedIssuer::leeway`]. Default: 60 s.
    pub fn leeway(self, leeway: Duration) -> Self {
        self.first("leeway", |issuer| issuer.leeway(leeway))
    }

    /// Sets the maximum token lifetime; see [`TrustedIssuer::max_lifetime`]. Default: unlimited.
    pub fn max_lifetime(self, longest: Duration) -> Self {
        self.first("max_lifetime", |issuer| issuer.max_lifetime(longest))
    }

    /// Refuses tokens without a subject. Default: accepted.
    pub fn require_subject(self) -> Self {
        self.first("require_subject", TrustedIssuer::require_subject)
    }

    /// Restricts the clients whose tokens are accepted; see [`TrustedIssuer::allowed_clients`].
    /// Default: any.
    pub fn allowed_clients<I, S>(self, clients: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        self.first("allowed_clients", |issuer| issuer.allowed_clients(clients))
    }

    /// Adds a custom rule; see [`TrustedIssuer::validator`].
    pub fn validator(self, validator: impl ClaimsValidator) -> Self {
        self.first("validator", |issuer| issuer.validator(validator))
    }

    /// Sets the claims that hold roles and permissions; see [`ClaimsMapping`].
    pub fn claims_mapping(self, mapping: ClaimsMapping) -> Self {
        self.first("claims_mapping", |issuer| issuer.claims_mapping(mapping))
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

    /// Accepts tokens while the revocation store is unreachable, revoked ones included. Default:
    /// refused.
    ///
    /// An attacker who can disturb the store can then use a revoked token. Watch the metric
    /// `jwt_verify_revocation_unknown_total`.
    pub fn revocation_fails_open(mut self) -> Self {
        self.revocation_fails_open = true;
        self
    }

    /// Sets the clock. Default: the system clock.
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

    /// Checks the settings and builds the verifier.
    ///
    /// # Errors
    /// For every issuer: an empty issuer, audience, client or list of clients; no algorithm, or
    /// symmetric and asymmetric ones together; symmetric ones without keys; a key set that fits
    /// none of them; a leeway above 10 min; and everything that the default key provider refuses.
    /// For the verifier: no issuer at all, an issuer that is named twice, and limits out of range.
    pub fn build(self) -> Result<Verifier, ConfigError> {
        if let Some(setting) = self.misplaced {
            return Err(ConfigError::invalid(setting, "needs an issuer; set it on TrustedIssuer"));
        }
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
        if self.kind.is_some() && self.resolver.is_some() {
            return Err(ConfigError::invalid(
                "issuer_resolver",
                "only finds issuers of access tokens",
            ));
        }
        for issuer in self.first.into_iter().chain(self.others) {
            let issuer = match self.kind {
                Some(kind) => issuer.kind(kind),
                None => issuer,
            };
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
        f.debug_struct("VerifierBuilder")
            .field("first", &self.first)
            .field("others", &self.others)
            .finish_non_exhaustive()
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
