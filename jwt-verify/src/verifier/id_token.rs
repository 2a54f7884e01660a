//! ID tokens (OIDC Core §2, §3.1.3.7), which tell a client of the issuer who has logged in.

use std::{fmt, time::Duration};

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{SHA256, SHA384, SHA512, digest},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{TrustedIssuer, Verifier, VerifierBuilder};
use crate::{
    algorithm::Algorithm,
    claims::{Claims, VerifiedClaims},
    clock::Clock,
    error::{AuthError, ConfigError, InvalidTokenReason},
    json::Json,
    token::{CompactToken, Header},
    validation::TokenKind,
};

/// Verifies ID tokens, as a client does after a login. Do not use it to protect an API: APIs accept
/// access tokens only.
///
/// ```
/// # async fn example(id_token: &str, nonce: &str, access_token: &str) -> Result<(), Box<dyn std::error::Error>> {
/// use jwt_verify::oidc::{IdTokenChecks, IdTokenVerifier};
///
/// let verifier = IdTokenVerifier::builder("https://tenant.auth0.com/", "my-client-id").build()?;
/// let checks = IdTokenChecks::nonce(nonce).access_token(access_token);
/// let claims = verifier.verify(id_token, &checks).await?;
/// println!("hello {}", claims.subject().unwrap_or_default());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct IdTokenVerifier {
    verifier: Verifier,
    client_id: String,
    trusted_audiences: Vec<String>,
    trusted_parties: Vec<String>,
    leeway: Duration,
}

/// Settings of an [`IdTokenVerifier`]. Keys, algorithms and leeway are set on the [`TrustedIssuer`].
#[derive(Debug)]
#[must_use]
pub struct IdTokenVerifierBuilder {
    verifier: VerifierBuilder,
    client_id: String,
    trusted_audiences: Vec<String>,
    trusted_parties: Vec<String>,
    leeway: Duration,
}

impl IdTokenVerifierBuilder {
    /// Sets the clock; see [`VerifierBuilder::clock`]. Default: the system clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.verifier = self.verifier.clock(clock);
        self
    }

    /// Sets the maximum token size in bytes. Default: 16 KiB.
    pub fn max_token_bytes(mut self, most: usize) -> Self {
        self.verifier = self.verifier.max_token_bytes(most);
        self
    }

    /// Trusts an additional audience beside this client. Default: none; a token that names another
    /// audience is refused.
    pub fn trusted_audience(mut self, audience: impl Into<String>) -> Self {
        self.trusted_audiences.push(audience.into());
        self
    }

    /// Trusts ID tokens that this client has requested for yours: their authorized party (`azp`,
    /// OIDC Core §2) is this client, and their audience still yours. Google issues such tokens to
    /// apps on Android and iOS, for the client ID of their server. Call it once for each client.
    /// Default: none; a token with another `azp` than your client ID is refused.
    ///
    /// **Security:** that client can log its users in here. Name clients of your own alone.
    ///
    /// ```
    /// use jwt_verify::oidc::IdTokenVerifier;
    ///
    /// let verifier = IdTokenVerifier::builder("https://accounts.google.com", "the-server")
    ///     .trusted_party("the-android-app")
    ///     .trusted_party("the-ios-app")
    ///     .build()?;
    /// # Ok::<(), jwt_verify::ConfigError>(())
    /// ```
    #[doc(alias = "azp", alias = "authorized_parties")]
    pub fn trusted_party(mut self, client_id: impl Into<String>) -> Self {
        self.trusted_parties.push(client_id.into());
        self
    }

    /// Checks the settings and builds the verifier.
    ///
    /// # Errors
    /// Every setting that [`VerifierBuilder::build`] refuses, and an empty
    /// [`trusted_party`](Self::trusted_party).
    pub fn build(self) -> Result<IdTokenVerifier, ConfigError> {
        if self.trusted_parties.iter().any(String::is_empty) {
            return Err(ConfigError::Empty { setting: "trusted_party" });
        }
        Ok(IdTokenVerifier {
            verifier: self.verifier.build()?,
            client_id: self.client_id,
            trusted_audiences: self.trusted_audiences,
            trusted_parties: self.trusted_parties,
            leeway: self.leeway,
        })
    }
}

/// Expectations of an ID token, from the login request that it answers.
#[must_use]
pub struct IdTokenChecks<'a> {
    nonce: Option<&'a str>,
    access_token: Option<&'a str>,
    code: Option<&'a str>,
    max_age: Option<Duration>,
    from_front_channel: bool,
}

impl<'a> IdTokenChecks<'a> {
    /// Requires the nonce of the request, which ties the response to the browser that sent the
    /// request.
    pub const fn nonce(nonce: &'a str) -> Self {
        Self { nonce: Some(nonce), ..Self::without_nonce() }
    }

    /// Expects no nonce, for a request without one. A token that has one is refused: it answers
    /// another request.
    pub const fn without_nonce() -> Self {
        Self {
            nonce: None,
            access_token: None,
            code: None,
            max_age: None,
            from_front_channel: false,
        }
    }

    /// Checks the access token received with the ID token. Its `at_hash` must match, if it is
    /// present or the token came [from the front channel](Self::from_front_channel). No hash is
    /// defined for ML-DSA: a token of it that has the claim is refused.
    pub const fn access_token(mut self, token: &'a str) -> Self {
        self.access_token = Some(token);
        self
    }

    /// Checks the authorization code received with the ID token. Its `c_hash` must match, if it is
    /// present or the token came [from the front channel](Self::from_front_channel).
    pub const fn code(mut self, code: &'a str) -> Self {
        self.code = Some(code);
        self
    }

    /// Declares that the token came through the browser, in the authorization response (hybrid and
    /// implicit flow), and not from the token endpoint. A [`code`](Self::code) or an
    /// [`access_token`](Self::access_token) received with it could have been exchanged on the way,
    /// so the token must have the hash of each that is given here (OIDC Core §3.2.2.9, §3.3.2.11).
    /// Default: a hash is checked only if it is present, as for tokens from the token endpoint.
    pub const fn from_front_channel(mut self) -> Self {
        self.from_front_channel = true;
        self
    }

    /// Sets the maximum age of the login, if the request asked for one. The token must then contain
    /// the time of the login (`auth_time`); a time further in the future than the leeway is
    /// refused.
    pub const fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }
}

impl fmt::Debug for IdTokenChecks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdTokenChecks").field("max_age", &self.max_age).finish_non_exhaustive()
    }
}

impl IdTokenVerifier {
    /// Returns a builder for the ID tokens of an issuer for this client: short for
    /// [`for_issuer`](Self::for_issuer) with [`TrustedIssuer::new`].
    pub fn builder(
        issuer: impl Into<String>,
        client_id: impl Into<String>,
    ) -> IdTokenVerifierBuilder {
        Self::for_issuer(TrustedIssuer::new(issuer, client_id))
    }

    /// Returns a builder for the ID tokens of an issuer whose audience is the `client_id` of this
    /// client. A [`token_profile`](TrustedIssuer::token_profile) of the issuer has no effect here.
    ///
    /// ```
    /// use jwt_verify::{Algorithm, TrustedIssuer, oidc::IdTokenVerifier};
    ///
    /// let issuer = TrustedIssuer::new("https://issuer.example", "my-client-id")
    ///     .algorithms([Algorithm::ES256]);
    /// let verifier = IdTokenVerifier::for_issuer(issuer).build()?;
    /// # Ok::<(), jwt_verify::ConfigError>(())
    /// ```
    pub fn for_issuer(issuer: TrustedIssuer) -> IdTokenVerifierBuilder {
        IdTokenVerifierBuilder {
            client_id: issuer.client_id().to_owned(),
            leeway: issuer.rules.leeway,
            trusted_audiences: Vec::new(),
            trusted_parties: Vec::new(),
            verifier: Verifier::for_issuer(issuer.kind(TokenKind::Id)).token_cache_capacity(0),
        }
    }

    /// Verifies an ID token: signature, times, and that it is for this client and this login.
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`] or [`AuthError::ExpiredToken`]; [`AuthError::StepUp`] if the
    /// login was too long ago; [`AuthError::Unavailable`] or [`AuthError::KeyLookupLimited`] if no
    /// key is available.
    pub async fn verify(
        &self,
        token: impl AsRef<[u8]>,
        checks: &IdTokenChecks<'_>,
    ) -> Result<VerifiedClaims, AuthError> {
        let token = token.as_ref();
        let claims = self.verifier.verify(token).await?;
        self.check_audience(&claims)?;
        check_nonce(&claims, checks.nonce)?;
        let algorithm = algorithm_of(token)?;
        let is_required = checks.from_front_channel;
        check_hash(&claims, "at_hash", checks.access_token, is_required, algorithm)?;
        check_hash(&claims, "c_hash", checks.code, is_required, algorithm)?;
        self.check_age(&claims, checks.max_age)?;
        Ok(claims)
    }

    /// Every audience must be trusted, and the authorized party must be this client or a trusted
    /// one.
    fn check_audience(&self, claims: &Claims) -> Result<(), InvalidTokenReason> {
        let mut audiences = claims.audience().into_iter().flat_map(crate::claims::Audience::iter);
        let is_trusted = |name: &str| {
            name == self.client_id || self.trusted_audiences.iter().any(|trusted| trusted == name)
        };
        if !audiences.all(is_trusted) {
            return Err(InvalidTokenReason::Audience);
        }
        let several = claims.audience().is_some_and(|audience| audience.iter().count() > 1);
        match claims.find("azp") {
            Some(party) if party.is_text(&self.client_id) || self.trusts_party(party) => Ok(()),
            None if !several => Ok(()),
            _ => Err(InvalidTokenReason::ClientNotAllowed("azp")),
        }
    }

    fn trusts_party(&self, party: Json<'_>) -> bool {
        self.trusted_parties.iter().any(|trusted| party.is_text(trusted))
    }

    fn check_age(&self, claims: &Claims, max_age: Option<Duration>) -> Result<(), AuthError> {
        let Some(max_age) = max_age else { return Ok(()) };
        let logged_in_at = claims.find("auth_time").and_then(Json::as_f64);
        let logged_in_at = logged_in_at.ok_or(InvalidTokenReason::MissingClaim("auth_time"))?;
        let age = self.verifier.now().as_secs_f64() - logged_in_at;
        // Otherwise the login would seem recent until that time.
        if age < -self.leeway.as_secs_f64() {
            return Err(InvalidTokenReason::AuthTime.into());
        }
        if age <= max_age.saturating_add(self.leeway).as_secs_f64() {
            Ok(())
        } else {
            Err(AuthError::StepUp { max_age: Some(max_age), acr_values: None })
        }
    }
}

fn check_nonce(claims: &Claims, expected: Option<&str>) -> Result<(), InvalidTokenReason> {
    let is_right = match (claims.find("nonce"), expected) {
        (None, None) => true,
        (Some(nonce), Some(expected)) => nonce.as_str().is_some_and(|nonce| {
            verify_slices_are_equal(nonce.as_bytes(), expected.as_bytes()).is_ok()
        }),
        _ => false,
    };
    if is_right { Ok(()) } else { Err(InvalidTokenReason::Nonce) }
}

/// Compares the hash claim with the left half of the hash of the value (OIDC Core §3.1.3.6,
/// §3.3.2.11).
fn check_hash(
    claims: &Claims,
    name: &str,
    value: Option<&str>,
    is_required: bool,
    algorithm: Algorithm,
) -> Result<(), InvalidTokenReason> {
    let Some(value) = value else { return Ok(()) };
    let hash = match claims.find(name) {
        Some(hash) => hash,
        None if is_required => return Err(InvalidTokenReason::TokenHash),
        None => return Ok(()),
    };
    let algorithm = match algorithm {
        Algorithm::HS256
        | Algorithm::RS256
        | Algorithm::PS256
        | Algorithm::ES256
        | Algorithm::ES256K => &SHA256,
        Algorithm::HS384 | Algorithm::RS384 | Algorithm::PS384 | Algorithm::ES384 => &SHA384,
        Algorithm::HS512
        | Algorithm::RS512
        | Algorithm::PS512
        | Algorithm::ES512
        | Algorithm::EdDSA
        | Algorithm::Ed25519 => &SHA512,
        // OpenID Connect names no hash for it, so a value cannot be held against the claim.
        Algorithm::MlDsa44 | Algorithm::MlDsa65 | Algorithm::MlDsa87 => {
            return Err(InvalidTokenReason::TokenHash);
        }
    };
    let whole = digest(algorithm, value.as_bytes());
    let half = whole.as_ref().get(..whole.as_ref().len() / 2).unwrap_or_default();
    let is_right = hash.as_str() == Some(URL_SAFE_NO_PAD.encode(half).as_str());
    if is_right { Ok(()) } else { Err(InvalidTokenReason::TokenHash) }
}

/// Returns the algorithm of a verified token.
fn algorithm_of(token: &[u8]) -> Result<Algorithm, InvalidTokenReason> {
    let parts = CompactToken::parse(token, usize::MAX)?;
    Ok(Header::decode(parts.header)?.algorithm)
}
