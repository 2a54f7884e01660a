//! A trusted issuer and the settings for its tokens.

use std::{any::Any, fmt, sync::Arc, time::Duration};

use crate::{
    algorithm::{Algorithm, AlgorithmSet, Family},
    claims::{ClaimsMapping, ScopeHierarchy},
    defaults::LEEWAY,
    key::{JwkSet, KeyProvider, VerificationKey},
    validation::{ClaimRules, ClaimsValidator, TokenKind, TokenProfile},
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
    pub(super) rules: ClaimRules,
    pub(super) algorithms: AlgorithmSet,
    pub(super) keys: Option<Arc<dyn KeyProvider>>,
    /// True for keys of the configuration, which are never fetched.
    pub(super) has_fixed_keys: bool,
    /// Algorithms of a fixed key set.
    pub(super) key_algorithms: AlgorithmSet,
    pub(super) further_keys: Vec<FurtherKeys>,
    pub(super) further_types: Vec<String>,
    pub(super) mapping: ClaimsMapping,
    /// True if the subject names a trust domain, to which the keys belong, and no issuer.
    pub(super) names_trust_domain: bool,
}

/// A further source of keys, with the algorithms that it alone serves.
#[derive(Clone)]
pub(super) struct FurtherKeys {
    pub(super) algorithms: AlgorithmSet,
    pub(super) provider: Arc<dyn KeyProvider>,
    /// True for keys of the configuration, which are never fetched.
    pub(super) is_fixed: bool,
    /// Algorithms of a fixed key set.
    pub(super) key_algorithms: AlgorithmSet,
}

impl TrustedIssuer {
    /// Trusts an issuer for one audience. `issuer` is compared with the `iss` claim byte by byte,
    /// so write it exactly as the issuer does. `audience` is the identifier of this API, as the
    /// issuer puts it into `aud`.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self::with(Some(issuer.into()), vec![audience.into()])
    }

    /// Trusts the tokens of an issuer that name no audience, such as the access tokens of Amazon
    /// Cognito and Clerk. A token with an `aud` that is not an empty list is refused.
    ///
    /// **Security:** without an audience, a token for one API of the issuer is a token for all. So
    /// the accepted clients must be named with [`allowed_clients`](Self::allowed_clients), unless
    /// the keys are a [`JwkSet`] of your own configuration; it does not build otherwise. Prefer an
    /// audience wherever the issuer can write one (RFC 8725 §3.9).
    ///
    /// ```
    /// use jwt_verify::{TrustedIssuer, Verifier};
    ///
    /// let pool = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Example";
    /// let issuer = TrustedIssuer::without_audience(pool).allowed_clients(["1example23456789"]);
    /// let verifier = Verifier::for_issuer(issuer).build()?;
    /// # Ok::<(), jwt_verify::ConfigError>(())
    /// ```
    pub fn without_audience(issuer: impl Into<String>) -> Self {
        Self::with(Some(issuer.into()), Vec::new())
    }

    /// Trusts the tokens of one configured key, which name neither issuer nor audience, such as
    /// those of Flask-JWT-Extended and Django `SimpleJWT`. Accepted algorithm: that of the key,
    /// for Ed25519 under both of its names; `RS256` for an RSA key that fits several, unless
    /// [`algorithms`](Self::algorithms) names others.
    ///
    /// A token with an `iss` is refused; so is one with an `aud` that is not an empty list, unless
    /// [`audience`](Self::audience) names it, which every token must then have. Tokens that declare
    /// another kind than access tokens in `type` or `token_type`, such as refresh tokens, are
    /// refused.
    ///
    /// **Security:** every token of this key is good here, whatever it was made for. Use a key for
    /// this purpose alone. Once the issuer can write `iss` and `aud`, use [`new`](Self::new).
    ///
    /// ```
    /// use jwt_verify::{Algorithm, Secret, TrustedIssuer, VerificationKey, Verifier};
    ///
    /// # let secret = Secret::new([7; 32]);
    /// let key = VerificationKey::from_secret(Algorithm::HS256, &secret)?;
    /// let verifier = Verifier::for_issuer(TrustedIssuer::of_key(key)).build()?;
    /// # Ok::<(), jwt_verify::ConfigError>(())
    /// ```
    pub fn of_key(key: VerificationKey) -> Self {
        let algorithms: Vec<Algorithm> = key.algorithms().iter().collect();
        // A key of RSA without `alg` would fit six.
        let is_rsa = algorithms.iter().all(|one| one.family() == Family::Rsa);
        let algorithms =
            if is_rsa && algorithms.len() != 1 { vec![Algorithm::RS256] } else { algorithms };
        Self::with(None, Vec::new()).algorithms(algorithms).keys(JwkSet::single(key))
    }

    /// Trusts tokens without `iss` and `aud`. The keys have to be set.
    #[cfg(feature = "jwks")]
    pub(crate) fn without_issuer() -> Self {
        Self::with(None, Vec::new())
    }

    pub(super) fn with(issuer: Option<String>, audiences: Vec<String>) -> Self {
        Self {
            rules: ClaimRules {
                issuer,
                audiences,
                clients: None,
                kind: TokenKind::Access(TokenProfile::default()),
                further_types: Vec::new(),
                accept_id_tokens: false,
                leeway: LEEWAY,
                max_lifetime: None,
                require_subject: false,
                numeric_subject: false,
                validators: Vec::new(),
            },
            algorithms: AlgorithmSet::of(Algorithm::RS256),
            keys: None,
            has_fixed_keys: false,
            key_algorithms: AlgorithmSet::default(),
            further_keys: Vec::new(),
            further_types: Vec::new(),
            mapping: ClaimsMapping::default(),
            names_trust_domain: false,
        }
    }

    /// Accepts tokens for one more audience. With one or more, every token must name one of them.
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
        self.has_fixed_keys = fixed.is_some();
        self.key_algorithms = fixed.map(JwkSet::algorithms).unwrap_or_default();
        self.keys = Some(Arc::new(keys));
        self
    }

    /// Adds a source of keys for further algorithms, which are accepted in addition: for an issuer
    /// that moves from a shared secret to a key pair, such as Supabase. Default: none.
    ///
    /// The algorithm of a token selects the source, so no key is ever used for the algorithms of
    /// another source. Sources with an algorithm in common do not build.
    ///
    /// ```
    /// use jwt_verify::{Algorithm, JwkSet, Secret, TrustedIssuer, VerificationKey};
    ///
    /// # let secret = Secret::new([7; 32]);
    /// let old = VerificationKey::from_secret(Algorithm::HS256, &secret)?;
    /// let issuer = TrustedIssuer::new("https://ref.supabase.co/auth/v1", "authenticated")
    ///     .algorithms([Algorithm::ES256])
    ///     .and_keys([Algorithm::HS256], JwkSet::single(old));
    /// # Ok::<(), jwt_verify::ConfigError>(())
    /// ```
    pub fn and_keys(
        mut self,
        algorithms: impl IntoIterator<Item = Algorithm>,
        keys: impl KeyProvider,
    ) -> Self {
        let fixed = (&keys as &dyn Any).downcast_ref::<JwkSet>();
        self.further_keys.push(FurtherKeys {
            algorithms: algorithms.into_iter().collect(),
            is_fixed: fixed.is_some(),
            key_algorithms: fixed.map(JwkSet::algorithms).unwrap_or_default(),
            provider: Arc::new(keys),
        });
        self
    }

    /// Accepts ID tokens of this issuer as bearer tokens, and access tokens that look like them
    /// (a `nonce` without `scope`, `at_hash`). Default: refused (RFC 8725 §3.12).
    ///
    /// It is right where the audience is a client that is this API, and the issuer has no other
    /// tokens for it: Dex, Firebase, Google's identity tokens, oauth2-proxy. **Security:** an ID
    /// token tells a client who has logged in; it says nothing about what the client may do, and a
    /// client that passes it on to one API has given it the identity of the user. Logout tokens,
    /// refresh tokens and other kinds stay refused. It cannot be combined with
    /// [`TokenProfile::AccessToken`].
    pub fn accept_id_tokens(mut self) -> Self {
        self.rules.accept_id_tokens = true;
        self
    }

    /// Accepts one more value of the `typ` header parameter, compared as a media type (RFC 7515
    /// §4.1.9). Default: absent, `JWT`, `JOSE` and `at+jwt`.
    ///
    /// Types of other kinds of token, such as `logout+jwt`, `dpop+jwt` and `secevent+jwt`, do not
    /// build. It cannot be combined with [`TokenProfile::AccessToken`].
    pub fn token_type(mut self, name: impl Into<String>) -> Self {
        self.further_types.push(name.into());
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

    /// Sets which scopes and permissions include others, in the claims mapping that it has: that of
    /// [`claims_mapping`](Self::claims_mapping) or of the environment. Default: none includes another.
    pub fn scope_hierarchy(mut self, hierarchy: ScopeHierarchy) -> Self {
        self.mapping = self.mapping.scope_hierarchy(hierarchy);
        self
    }

    /// Changes the claims mapping, which is told the issuer's name.
    #[cfg(feature = "cli")]
    pub(crate) fn map_claims(
        mut self,
        change: impl FnOnce(ClaimsMapping, &str) -> ClaimsMapping,
    ) -> Self {
        self.mapping = change(self.mapping, self.rules.label());
        self
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.rules.issuer.as_deref()
    }

    /// Returns the audience that it was made with, which is the client for tokens of a login.
    pub(super) fn client_id(&self) -> &str {
        self.rules.audiences.first().map_or("", String::as_str)
    }
}

impl fmt::Debug for TrustedIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustedIssuer")
            .field("rules", &self.rules)
            .field("algorithms", &self.algorithms)
            .field("keys", &self.keys)
            .field("further_keys", &self.further_keys.len())
            .field("further_types", &self.further_types)
            .field("mapping", &self.mapping)
            .finish_non_exhaustive()
    }
}
