//! Token issuer.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    AccessTokenBuilder, IssuedToken, IssuingError, SigningKey, TokenIssuerBuilder, TokenIssuerKeys,
    key_ring::KeyRing,
};
use crate::{
    algorithm::AlgorithmSet,
    clock::Clock,
    defaults::MAX_LEEWAY,
    error::ConfigError,
    validation::TokenKind,
    verifier::{TrustedIssuer, Verifier, VerifierBuilder},
};

/// Mints access tokens in the form of RFC 9068: `typ` is `at+jwt`, and each has an unpredictable
/// `jti`. Clones share keys and settings.
///
/// ```
/// use jwt_verify::{Algorithm, issuing::{SigningKey, TokenIssuer}};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = SigningKey::generate(Algorithm::ES256)?;
/// let issuer = TokenIssuer::builder("https://app.example", "https://api.example", key).build()?;
/// let token = issuer.access_token(&42).roles(["editor"]).claim("theme", "dark").sign()?;
///
/// // Without HTTP, in the same process:
/// let verifier = issuer.verifier().build()?;
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let claims = verifier.verify(token.as_str()).await?;
/// assert_eq!(claims.subject(), Some("42"));
/// assert!(claims.has_role("editor"));
/// # Ok::<(), jwt_verify::AuthError>(())
/// # })?;
/// # Ok(())
/// # }
/// ```
///
/// For tokens that can be refreshed and revoked see [`Sessions`](crate::sessions::Sessions).
#[doc(alias = "sign", alias = "encode")]
#[derive(Debug, Clone)]
pub struct TokenIssuer {
    pub(super) inner: Arc<TokenIssuerInner>,
}

#[derive(Debug)]
pub(super) struct TokenIssuerInner {
    pub(super) issuer: String,
    pub(super) audiences: Vec<String>,
    pub(super) client_id: Option<String>,
    pub(super) access_lifetime: Duration,
    /// Maximum lifetime of tokens of any kind: keys are published for this long after their last
    /// signature.
    pub(super) longest_lifetime: Duration,
    pub(super) ring: Arc<KeyRing>,
    /// Algorithms that its keys may have.
    pub(super) accepted: AlgorithmSet,
    pub(super) clock: Arc<dyn Clock>,
}

impl TokenIssuer {
    /// Returns a builder for an issuer with this name (`iss`), an API of this name (`aud`), and a
    /// signing key.
    pub fn builder(
        issuer: impl Into<String>,
        audience: impl Into<String>,
        key: SigningKey,
    ) -> TokenIssuerBuilder {
        TokenIssuerBuilder::new(issuer.into(), audience.into(), key)
    }

    /// Starts an access token for this user: a string or a whole number, which becomes a string.
    pub fn access_token(&self, subject: &impl Serialize) -> AccessTokenBuilder<'_> {
        AccessTokenBuilder::new(self, subject)
    }

    /// Returns the name of the issuer.
    pub fn name(&self) -> &str {
        &self.inner.issuer
    }

    /// Returns the verification keys, for a verifier in the same process.
    pub fn keys(&self) -> TokenIssuerKeys {
        TokenIssuerKeys::new(self.inner.ring.clone())
    }

    /// Returns the settings with which its access tokens are verified: issuer, audiences, keys,
    /// and the algorithms that its keys may have. A subject is required.
    pub fn trusted_issuer(&self) -> TrustedIssuer {
        let mut audiences = self.inner.audiences.iter();
        let first = audiences.next().map_or("", String::as_str);
        audiences.fold(self.trusted_for(first), TrustedIssuer::audience).require_subject()
    }

    /// Returns a builder of a verifier of its access tokens, with its
    /// [`trusted_issuer`](Self::trusted_issuer) and its clock.
    pub fn verifier(&self) -> VerifierBuilder {
        self.verifier_with(|issuer| issuer)
    }

    pub(super) fn verifier_with(
        &self,
        change: impl FnOnce(TrustedIssuer) -> TrustedIssuer,
    ) -> VerifierBuilder {
        let issuer = change(self.trusted_issuer());
        Verifier::for_issuer(issuer).shared_clock(self.inner.clock.clone())
    }

    /// Returns a verifier of tokens of another kind, whose audience is the issuer itself.
    pub(super) fn own_verifier(&self, kind: TokenKind) -> VerifierBuilder {
        let issuer = self.trusted_for(self.name()).kind(kind).leeway(Duration::ZERO);
        Verifier::for_issuer(issuer).shared_clock(self.inner.clock.clone()).token_cache_capacity(0)
    }

    fn trusted_for(&self, audience: &str) -> TrustedIssuer {
        TrustedIssuer::new(self.name(), audience)
            .algorithms(self.inner.accepted.iter())
            .keys(self.keys())
    }

    /// Returns the public keys as a JSON Web Key Set, for `/.well-known/jwks.json`. It never
    /// contains a secret.
    pub fn key_set(&self) -> Value {
        self.inner.ring.published()
    }

    /// Publishes a key that will sign later, so that every verifier has loaded it by then. Wait for
    /// the time that verifiers cache a key set, usually ten minutes, before
    /// [`rotate`](Self::rotate).
    ///
    /// The key is for the algorithm of the first key. An issuer with private keys may also go on to
    /// ML-DSA and back, one of Ed25519 to the other name of it, and each to its
    /// [`next_algorithms`](TokenIssuerBuilder::next_algorithms): its own verifiers accept all of them,
    /// those elsewhere need to name both before.
    ///
    /// # Errors
    /// A key for another algorithm, or an existing key ID with another key.
    pub fn announce(&self, key: SigningKey) -> Result<(), ConfigError> {
        self.inner.ring.announce(key)
    }

    /// Signs with this key from now on. The previous key stays published until the last of its
    /// tokens has expired.
    ///
    /// # Errors
    /// As for [`announce`](Self::announce).
    pub fn rotate(&self, key: SigningKey) -> Result<(), ConfigError> {
        let until =
            self.now().saturating_add(self.inner.longest_lifetime).saturating_add(MAX_LEEWAY);
        self.inner.ring.rotate(key, until)
    }

    /// Withdraws a key that no longer signs, because it has been compromised: all tokens signed
    /// with it are refused from now on, by remote verifiers as soon as they fetch the key set
    /// again.
    ///
    /// # Errors
    /// The active signing key, or an unknown key ID.
    pub fn withdraw(&self, key_id: &str) -> Result<(), ConfigError> {
        self.inner.ring.withdraw(key_id)
    }

    /// Returns the lifetime of its access tokens.
    pub fn access_lifetime(&self) -> Duration {
        self.inner.access_lifetime
    }

    /// Returns the number of bytes in the signatures of the key that signs at present.
    pub(crate) fn signature_length(&self) -> usize {
        self.inner.ring.signing().verification().signature_length()
    }

    pub(super) fn client_id(&self) -> Option<&str> {
        self.inner.client_id.as_deref()
    }

    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        self.inner.clock.clone()
    }

    pub(super) fn now(&self) -> Duration {
        self.inner.clock.now()
    }

    pub(super) fn audience_claim(&self) -> Value {
        match &*self.inner.audiences {
            [one] => one.as_str().into(),
            several => several.into(),
        }
    }

    pub(super) fn sign(
        &self,
        token_type: &str,
        mut claims: Map<String, Value>,
        audience: Value,
        id: String,
        lifetime: Duration,
    ) -> Result<IssuedToken, IssuingError> {
        let issued_at = self.now().as_secs();
        let seconds = lifetime.as_secs();
        if seconds == 0 {
            return Err(IssuingError::Lifetime);
        }
        let expires_at = issued_at.saturating_add(seconds);
        for (name, value) in [
            ("iss", self.name().into()),
            ("aud", audience),
            ("iat", issued_at.into()),
            ("exp", expires_at.into()),
            ("jti", id.as_str().into()),
        ] {
            claims.insert(name.to_owned(), value);
        }
        let token = self.inner.ring.signing().sign(token_type, &Value::Object(claims))?;
        let (expires_at, lifetime) =
            (Duration::from_secs(expires_at), Duration::from_secs(seconds));
        Ok(IssuedToken { token, id, expires_at, lifetime })
    }
}
