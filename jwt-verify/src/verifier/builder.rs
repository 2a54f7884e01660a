//! Settings of a verifier.

use std::{fmt, sync::Arc, time::Duration};

use super::{Inner, TrustedIssuer, Verifier};
use crate::{
    Algorithm, ClaimsMapping, ClaimsValidator, Clock, ConfigError, KeyProvider, SystemClock,
    TokenProfile,
    algorithm::AlgorithmSet,
    limits::{
        LEEWAY, MAX_CONFIGURABLE_TOKEN_BYTES, MAX_LEEWAY, MAX_TOKEN_BYTES, TOKEN_CACHE_ENTRIES,
    },
    token_cache::TokenCache,
    validation::Rules,
};

/// Settings of a [`Verifier`]. Nothing but issuer and audience is needed.
#[must_use]
pub struct VerifierBuilder {
    rules: Rules,
    algorithms: AlgorithmSet,
    keys: Option<Arc<dyn KeyProvider>>,
    mapping: ClaimsMapping,
    max_token_bytes: usize,
    token_cache: usize,
    clock: Arc<dyn Clock>,
}

impl VerifierBuilder {
    pub(super) fn new(issuer: String, audience: String) -> Self {
        Self {
            rules: Rules {
                issuer,
                audiences: vec![audience],
                clients: None,
                profile: TokenProfile::default(),
                leeway: LEEWAY,
                max_lifetime: None,
                require_subject: false,
                validators: Vec::new(),
            },
            algorithms: AlgorithmSet::of(Algorithm::RS256),
            keys: None,
            mapping: ClaimsMapping::default(),
            max_token_bytes: MAX_TOKEN_BYTES,
            token_cache: TOKEN_CACHE_ENTRIES,
            clock: Arc::new(SystemClock::new()),
        }
    }

    /// Accepts tokens for one more audience.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.rules.audiences.push(audience.into());
        self
    }

    /// The algorithms that are accepted. Default: `RS256` alone.
    ///
    /// Name only what the issuer uses. The `alg` header of a token never decides by itself: it must
    /// be on this list and fit the key (RFC 8725 §3.1).
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// Where keys come from: a [`JwksProvider`](crate::JwksProvider), a [`JwkSet`](crate::JwkSet),
    /// or a provider of your own. Default, with feature `jwks`: discovery at the issuer.
    pub fn keys(mut self, keys: impl KeyProvider) -> Self {
        self.keys = Some(Arc::new(keys));
        self
    }

    /// What kind of token is expected. Default: [`TokenProfile::Jwt`].
    pub fn token_profile(mut self, profile: TokenProfile) -> Self {
        self.rules.profile = profile;
        self
    }

    /// By how much clocks may differ when `exp`, `nbf` and `iat` are judged. Default: 60 s, at most
    /// 10 min. A token is accepted this much longer than it says.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.rules.leeway = leeway;
        self
    }

    /// The longest time from `iat` (or `nbf`) to `exp` that is accepted. Default: any. A token that
    /// does not say when it was issued is refused once this is set.
    pub fn max_lifetime(mut self, longest: Duration) -> Self {
        self.rules.max_lifetime = Some(longest);
        self
    }

    /// Refuses tokens without a subject. Default: accepted; tokens of machines may have none.
    pub fn require_subject(mut self) -> Self {
        self.rules.require_subject = true;
        self
    }

    /// Accepts only tokens issued to one of these clients (`azp`, `client_id`, or what
    /// Entra and Okta call them, `appid` and `cid`). Default: any.
    pub fn allowed_clients<I, S>(mut self, clients: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        self.rules.clients = Some(clients.into_iter().map(Into::into).collect());
        self
    }

    /// Adds a rule of your own, such as `|claims: &Claims| …`. It cannot loosen the standard ones.
    pub fn validator(mut self, validator: impl ClaimsValidator) -> Self {
        self.rules.validators.push(Arc::new(validator));
        self
    }

    /// Where the issuer puts roles and permissions. Default: `roles`, `role` and `permissions`.
    pub fn claims_mapping(mut self, mapping: ClaimsMapping) -> Self {
        self.mapping = mapping;
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
    /// A token is forgotten when it expires and when a key of its issuer is withdrawn or replaced.
    pub fn token_cache(mut self, entries: usize) -> Self {
        self.token_cache = entries;
        self
    }

    /// Takes the time from another clock. Default: the system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// An empty issuer, audience, client or list of clients; no algorithm, or symmetric and
    /// asymmetric ones together; symmetric ones without keys; a leeway above 10 min; limits that make no sense; and
    /// what the default key provider refuses.
    pub fn build(self) -> Result<Verifier, ConfigError> {
        let rules = self.rules;
        if rules.issuer.is_empty() {
            return Err(ConfigError::Missing { setting: "issuer" });
        }
        if rules.audiences.iter().any(String::is_empty) {
            return Err(ConfigError::Missing { setting: "audience" });
        }
        let names_nobody =
            |list: &Vec<String>| list.is_empty() || list.iter().any(String::is_empty);
        if rules.clients.as_ref().is_some_and(names_nobody) {
            return Err(ConfigError::Missing { setting: "allowed_clients" });
        }
        if rules.leeway > MAX_LEEWAY {
            return Err(ConfigError::invalid("leeway", "must be at most 10 minutes"));
        }
        if rules.max_lifetime.is_some_and(|longest| longest.is_zero()) {
            return Err(ConfigError::invalid("max_lifetime", "must not be zero"));
        }
        if !(1..=MAX_CONFIGURABLE_TOKEN_BYTES).contains(&self.max_token_bytes) {
            return Err(ConfigError::invalid("max_token_bytes", "must be between 1 and 128 KiB"));
        }
        if self.token_cache > MAX_TOKEN_CACHE {
            return Err(ConfigError::invalid("token_cache", "must be at most 10 million entries"));
        }
        let keys = keys_for(&rules.issuer, self.algorithms, self.keys, &self.clock)?;
        Ok(Verifier {
            inner: Arc::new(Inner {
                issuers: vec![TrustedIssuer {
                    algorithms: self.algorithms,
                    rules,
                    keys,
                    mapping: self.mapping,
                }],
                max_token_bytes: self.max_token_bytes,
                clock: self.clock,
                cache: (self.token_cache > 0).then(|| TokenCache::new(self.token_cache)),
            }),
        })
    }
}

const MAX_TOKEN_CACHE: usize = 10_000_000;

/// Checks that the algorithms can go together and with the keys, and makes the default provider.
fn keys_for(
    issuer: &str,
    algorithms: AlgorithmSet,
    keys: Option<Arc<dyn KeyProvider>>,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn KeyProvider>, ConfigError> {
    if algorithms.is_empty() {
        return Err(ConfigError::Missing { setting: "algorithms" });
    }
    let symmetric = algorithms.iter().filter(|algorithm| algorithm.is_symmetric()).count();
    if symmetric > 0 && symmetric < algorithms.iter().count() {
        return Err(ConfigError::Conflict {
            first: "symmetric algorithms",
            second: "asymmetric algorithms",
            problem: "a public key must never be taken for a shared secret (RFC 8725 §2.1)",
        });
    }
    match keys {
        Some(keys) => Ok(keys),
        None if symmetric > 0 => Err(ConfigError::Missing { setting: "keys" }),
        None => default_keys(issuer, clock),
    }
}

#[cfg(feature = "jwks")]
fn default_keys(issuer: &str, clock: &Arc<dyn Clock>) -> Result<Arc<dyn KeyProvider>, ConfigError> {
    let provider = crate::JwksProvider::discover(issuer).shared_clock(clock.clone()).build()?;
    Ok(Arc::new(provider))
}

#[cfg(not(feature = "jwks"))]
fn default_keys(_: &str, _: &Arc<dyn Clock>) -> Result<Arc<dyn KeyProvider>, ConfigError> {
    Err(ConfigError::Missing { setting: "keys" })
}

impl fmt::Debug for VerifierBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifierBuilder")
            .field("rules", &self.rules)
            .field("algorithms", &self.algorithms)
            .field("keys", &self.keys)
            .field("mapping", &self.mapping)
            .finish_non_exhaustive()
    }
}
