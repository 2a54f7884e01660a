//! A trusted issuer and the settings for its tokens.

use std::{any::Any, fmt, sync::Arc, time::Duration};

use crate::{
    algorithm::{Algorithm, AlgorithmSet},
    claims::ClaimsMapping,
    clock::Clock,
    defaults::{LEEWAY, MAX_LEEWAY},
    error::ConfigError,
    key::{JwkSet, KeyProvider},
    validation::{ClaimsValidator, Rules, TokenKind, TokenProfile},
};

/// An issuer whose tokens are accepted, with its own audiences, algorithms, keys and rules.
///
/// It is given to [`JwtAuth::for_issuer`](crate::JwtAuth::for_issuer) or
/// [`Verifier::for_issuer`](crate::Verifier::for_issuer); more are added with
/// [`JwtAuthBuilder::issuer`](crate::JwtAuthBuilder::issuer) or
/// [`VerifierBuilder::issuer`](crate::VerifierBuilder::issuer), or found by an
/// [`IssuerResolver`](crate::IssuerResolver). Issuers share nothing: a token is checked
/// against the settings of the issuer that it names, and verified with that issuer's keys only
/// (RFC 8725 §3.8).
///
/// ```
/// use jwt_verify::{Algorithm, ClaimsMapping, TrustedIssuer, Verifier};
///
/// let staff = TrustedIssuer::new("https://login.example/realms/staff", "https://api.example")
///     .algorithms([Algorithm::ES256])
///     .claims_mapping(ClaimsMapping::default().roles_claim("realm_access.roles"));
/// let verifier = Verifier::builder("https://tenant.auth0.com/", "https://api.example")
///     .issuer(staff)
///     .build()?;
/// # Ok::<(), jwt_verify::ConfigError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct TrustedIssuer {
    pub(super) rules: Rules,
    algorithms: AlgorithmSet,
    keys: Option<Arc<dyn KeyProvider>>,
    /// Algorithms of a fixed key set.
    key_algorithms: AlgorithmSet,
    mapping: ClaimsMapping,
}

/// A trusted issuer with checked settings, ready for tokens.
#[derive(Debug)]
pub(crate) struct Issuer {
    pub(crate) algorithms: AlgorithmSet,
    pub(crate) rules: Rules,
    pub(crate) keys: Arc<dyn KeyProvider>,
    pub(crate) mapping: ClaimsMapping,
    /// True if the keys come from the default provider, which a renewal can take over.
    pub(super) has_default_keys: bool,
}

impl TrustedIssuer {
    /// Trusts an issuer for one audience. `issuer` is compared with the `iss` claim byte by byte,
    /// so write it exactly as the issuer does. `audience` is the identifier of this API, as the
    /// issuer puts it into `aud`.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            rules: Rules {
                issuer: issuer.into(),
                audiences: vec![audience.into()],
                clients: None,
                kind: TokenKind::Access(TokenProfile::default()),
                leeway: LEEWAY,
                max_lifetime: None,
                require_subject: false,
                numeric_subject: false,
                validators: Vec::new(),
            },
            algorithms: AlgorithmSet::of(Algorithm::RS256),
            keys: None,
            key_algorithms: AlgorithmSet::default(),
            mapping: ClaimsMapping::default(),
        }
    }

    /// Accepts tokens for one more audience.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.rules.audiences.push(audience.into());
        self
    }

    /// Sets the accepted algorithms. Default: `RS256` only.
    ///
    /// Name only those that the issuer uses. The `alg` header of a token is not trusted by itself:
    /// it must be on this list and fit the key (RFC 8725 §3.1).
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// Sets the key provider: a [`JwksProvider`](crate::JwksProvider), a [`JwkSet`](crate::JwkSet),
    /// or your own. Default, with feature `jwks`: discovery at the issuer, with the clock of the
    /// verifier.
    pub fn keys(mut self, keys: impl KeyProvider) -> Self {
        // Other providers learn their keys later.
        let fixed = (&keys as &dyn Any).downcast_ref::<JwkSet>();
        self.key_algorithms = fixed.map(JwkSet::algorithms).unwrap_or_default();
        self.keys = Some(Arc::new(keys));
        self
    }

    /// Sets the expected kind of token. Default: [`TokenProfile::Jwt`].
    pub fn token_profile(mut self, profile: TokenProfile) -> Self {
        self.rules.kind = TokenKind::Access(profile);
        self
    }

    /// Expects tokens of another kind than access tokens.
    pub(crate) fn kind(mut self, kind: TokenKind) -> Self {
        self.rules.kind = kind;
        self
    }

    /// Sets the tolerated clock difference for `exp`, `nbf` and `iat`. Default: 60 s; at most 10
    /// min. A token is accepted for this long after it has expired.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.rules.leeway = leeway;
        self
    }

    /// Sets the maximum time from `iat` (or `nbf`) to `exp`. Default: unlimited. Once it is set, a
    /// token without its time of issue is refused.
    pub fn max_lifetime(mut self, longest: Duration) -> Self {
        self.rules.max_lifetime = Some(longest);
        self
    }

    /// Refuses tokens without a subject. Default: accepted, since machine tokens may have none.
    pub fn require_subject(mut self) -> Self {
        self.rules.require_subject = true;
        self
    }

    /// Accepts a subject that is written as a number, as Python services do: a whole number without
    /// sign, fraction or exponent. Default: refused (RFC 7519 §4.1.2 demands a text).
    ///
    /// [`Claims::subject`](crate::Claims::subject) returns its digits as they are written. The
    /// number 42 and the text `"42"` are then one subject, so switch it on only for an issuer that
    /// does not give both to different users.
    pub fn numeric_subject(mut self) -> Self {
        self.rules.numeric_subject = true;
        self
    }

    /// Restricts the accepted clients (`azp`, `client_id`, or `appid` and `cid` as Entra and Okta
    /// name them). Default: any.
    pub fn allowed_clients<I, S>(mut self, clients: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        self.rules.clients = Some(clients.into_iter().map(Into::into).collect());
        self
    }

    /// Adds a custom rule, such as `|claims: &Claims| …`. It cannot loosen the standard rules.
    pub fn validator(mut self, validator: impl ClaimsValidator) -> Self {
        self.rules.validators.push(Arc::new(validator));
        self
    }

    /// Sets the claims that hold roles and permissions. Default: `roles`, `role` and `permissions`.
    pub fn claims_mapping(mut self, mapping: ClaimsMapping) -> Self {
        self.mapping = mapping;
        self
    }

    pub(super) fn name(&self) -> &str {
        &self.rules.issuer
    }

    /// Returns the audience that it was made with, which is the client for tokens of a login.
    pub(super) fn client_id(&self) -> &str {
        self.rules.audiences.first().map_or("", String::as_str)
    }

    /// Checks the settings, and makes the default key provider if none is set.
    pub(super) fn prepare(self, clock: &Arc<dyn Clock>) -> Result<Issuer, ConfigError> {
        self.prepare_with(|issuer| DefaultKeys::default().of_listed(issuer, clock))
    }

    /// Prepares the settings of a tenant. If they replace earlier ones, the earlier default key
    /// provider is kept.
    pub(super) fn prepare_tenant(
        self,
        before: Option<&Issuer>,
        default_keys: &DefaultKeys,
        clock: &Arc<dyn Clock>,
    ) -> Result<Issuer, ConfigError> {
        self.prepare_with(|issuer| match before.filter(|before| before.has_default_keys) {
            Some(before) => Ok(before.keys.clone()),
            None => default_keys.of_tenant(issuer, clock),
        })
    }

    fn prepare_with(
        self,
        default_keys: impl FnOnce(&str) -> Result<Arc<dyn KeyProvider>, ConfigError>,
    ) -> Result<Issuer, ConfigError> {
        let Self { rules, algorithms, keys, key_algorithms, mapping } = self;
        if rules.issuer.is_empty() {
            return Err(ConfigError::Empty { setting: "issuer" });
        }
        if rules.audiences.iter().any(String::is_empty) {
            return Err(ConfigError::Empty { setting: "audience" });
        }
        let names_nobody =
            |list: &Vec<String>| list.is_empty() || list.iter().any(String::is_empty);
        if rules.clients.as_ref().is_some_and(names_nobody) {
            return Err(ConfigError::Empty { setting: "allowed_clients" });
        }
        if rules.leeway > MAX_LEEWAY {
            return Err(ConfigError::invalid("leeway", "must be at most 10 minutes"));
        }
        if rules.max_lifetime.is_some_and(|longest| longest.is_zero()) {
            return Err(ConfigError::invalid("max_lifetime", "must not be zero"));
        }
        mapping.check()?;
        let needs_secret = check_algorithms(algorithms)?;
        if !key_algorithms.is_empty()
            && !key_algorithms.iter().any(|algorithm| algorithms.contains(algorithm))
        {
            return Err(ConfigError::Conflict {
                first: "keys",
                second: "algorithms",
                problem: "no key fits an accepted algorithm; name those of the keys with \
                          `.algorithms(…)` (default: RS256)",
            });
        }
        let has_default_keys = keys.is_none();
        let keys = match keys {
            Some(keys) => keys,
            None if needs_secret => {
                let problem = "a symmetric algorithm has no key set to fetch; give its secret";
                return Err(ConfigError::invalid("keys", problem));
            }
            None => default_keys(&rules.issuer)?,
        };
        Ok(Issuer { algorithms, rules, keys, mapping, has_default_keys })
    }
}

/// Checks that the algorithms can be combined. Returns `true` if they need a shared secret.
fn check_algorithms(algorithms: AlgorithmSet) -> Result<bool, ConfigError> {
    if algorithms.is_empty() {
        return Err(ConfigError::Empty { setting: "algorithms" });
    }
    let symmetric = algorithms.iter().filter(|algorithm| algorithm.is_symmetric()).count();
    if symmetric > 0 && symmetric < algorithms.iter().count() {
        return Err(ConfigError::Conflict {
            first: "symmetric algorithms",
            second: "asymmetric algorithms",
            problem: "a public key must never be taken for a shared secret (RFC 8725 §2.1)",
        });
    }
    Ok(symmetric > 0)
}

/// Makes the key provider of an issuer without one.
#[derive(Default)]
pub(super) struct DefaultKeys {
    #[cfg(feature = "jwks")]
    pub(super) configure: Option<Box<Configure>>,
}

/// Configures the builder of a provider.
#[cfg(feature = "jwks")]
pub(super) type Configure =
    dyn Fn(crate::jwks::JwksProviderBuilder) -> crate::jwks::JwksProviderBuilder + Send + Sync;

#[cfg(feature = "jwks")]
impl DefaultKeys {
    fn of_listed(
        &self,
        issuer: &str,
        clock: &Arc<dyn Clock>,
    ) -> Result<Arc<dyn KeyProvider>, ConfigError> {
        self.build(crate::jwks::JwksProvider::discover(issuer), clock)
    }

    fn of_tenant(
        &self,
        issuer: &str,
        clock: &Arc<dyn Clock>,
    ) -> Result<Arc<dyn KeyProvider>, ConfigError> {
        self.build(crate::jwks::JwksProvider::discover(issuer).tenant(), clock)
    }

    fn build(
        &self,
        provider: crate::jwks::JwksProviderBuilder,
        clock: &Arc<dyn Clock>,
    ) -> Result<Arc<dyn KeyProvider>, ConfigError> {
        let provider = provider.shared_clock(clock.clone());
        let provider = match &self.configure {
            Some(configure) => configure(provider),
            None => provider,
        };
        Ok(Arc::new(provider.build()?))
    }
}

#[cfg(not(feature = "jwks"))]
const NO_FETCHING: ConfigError = ConfigError::invalid(
    "keys",
    "this build fetches none; enable the feature `jwks`, or give keys",
);

#[cfg(not(feature = "jwks"))]
#[expect(clippy::unused_self, reason = "with feature `jwks` it is used")]
impl DefaultKeys {
    fn of_listed(&self, _: &str, _: &Arc<dyn Clock>) -> Result<Arc<dyn KeyProvider>, ConfigError> {
        Err(NO_FETCHING)
    }

    fn of_tenant(&self, _: &str, _: &Arc<dyn Clock>) -> Result<Arc<dyn KeyProvider>, ConfigError> {
        Err(NO_FETCHING)
    }
}

impl fmt::Debug for TrustedIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustedIssuer")
            .field("rules", &self.rules)
            .field("algorithms", &self.algorithms)
            .field("keys", &self.keys)
            .field("key_algorithms", &self.key_algorithms)
            .field("mapping", &self.mapping)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{key::VerificationKey, secret::Secret, verifier::Verifier};

    #[test]
    fn keys_that_fit_no_accepted_algorithm_are_refused() {
        let key = || VerificationKey::from_secret(Algorithm::HS256, &Secret::new([7; 32])).unwrap();
        let issuer = || TrustedIssuer::new("https://issuer.example", "api");
        let build = |issuer| Verifier::for_issuer(issuer).build();
        let error = build(issuer().keys(JwkSet::single(key()))).unwrap_err().to_string();
        assert!(error.contains("`.algorithms(…)`"), "{error}");
        let fitting = issuer().algorithms([Algorithm::HS256]).keys(JwkSet::single(key()));
        assert!(build(fitting).is_ok());
        // A set without a usable key cannot be checked against the algorithms; tokens are refused.
        assert!(build(issuer().keys(JwkSet::default())).is_ok());
    }

    #[test]
    fn a_symmetric_algorithm_needs_its_secret() {
        let issuer =
            TrustedIssuer::new("https://issuer.example", "api").algorithms([Algorithm::HS256]);
        let error = Verifier::for_issuer(issuer).build().unwrap_err().to_string();
        assert_eq!(error, "keys: a symmetric algorithm has no key set to fetch; give its secret");
    }
}
