//! Decides whether a token is good. The order of the stages is here; the rules are elsewhere.

mod builder;

use std::{borrow::Cow, sync::Arc, time::Duration};

pub use builder::VerifierBuilder;

use crate::{
    Algorithm, AuthError, Claims, ClaimsMapping, Clock, InvalidTokenReason, KeyError, KeyHealth,
    KeyLookup, KeyProvider, KeyQuery, VerificationKey, VerifiedClaims,
    algorithm::AlgorithmSet,
    claims::VerifiedToken,
    token::{CompactToken, Decoded, Header, decode_exact},
    token_cache::{Seen, TokenCache},
    validation::Rules,
};

/// Verifies tokens: their form, their signature and their claims.
///
/// Clones share everything and are cheap. It knows nothing of HTTP; [`JwtAuth`](crate::JwtAuth)
/// puts it in front of an Actix application.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use jwt_verify::{Algorithm, JwkSet, Secret, VerificationKey, Verifier};
///
/// let secret = Secret::from("a secret of at least thirty-two bytes");
/// let key = VerificationKey::from_secret(Algorithm::HS256, &secret)?;
/// let verifier = Verifier::builder("https://issuer.example/", "https://api.example/")
///     .algorithms([Algorithm::HS256])
///     .keys(JwkSet::single(key))
///     .build()?;
/// assert!(verifier.verify("not.a.token").await.is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Verifier {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    issuers: Vec<TrustedIssuer>,
    max_token_bytes: usize,
    clock: Arc<dyn Clock>,
    cache: Option<TokenCache>,
}

/// An issuer with everything that its tokens are held against.
#[derive(Debug)]
struct TrustedIssuer {
    algorithms: AlgorithmSet,
    rules: Rules,
    keys: Arc<dyn KeyProvider>,
    mapping: ClaimsMapping,
}

/// A token that has been taken apart. Nothing in it is verified.
struct Unverified<'a> {
    parts: CompactToken<'a>,
    algorithm: Algorithm,
    key_id: Option<String>,
    claims: Claims,
    payload: String,
    /// Which of the trusted issuers the token claims to be from.
    issuer: usize,
    /// The generation of that issuer's keys before any of them was looked at.
    generation: Option<u64>,
    now: Duration,
}

impl Verifier {
    /// A verifier for one issuer's tokens for this API.
    ///
    /// `issuer` is compared with the `iss` claim byte by byte, so it must be written as the issuer
    /// writes it. `audience` is the identifier of this API, as the issuer puts it into `aud`.
    pub fn builder(issuer: impl Into<String>, audience: impl Into<String>) -> VerifierBuilder {
        VerifierBuilder::new(issuer.into(), audience.into())
    }

    /// Verifies a token in compact form.
    ///
    /// Waits only if the key has to be fetched. A token that was verified before is recognised
    /// without looking at its signature again.
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`], [`AuthError::ExpiredToken`], or, if no key can be had at the
    /// moment, [`AuthError::Unavailable`].
    pub async fn verify(&self, token: impl AsRef<[u8]>) -> Result<VerifiedClaims, AuthError> {
        self.verify_token(token.as_ref()).await.map(VerifiedClaims::new)
    }

    /// Begins to fetch keys, so that the first request need not wait. Returns at once.
    pub fn warm_up(&self) {
        self.inner.issuers.iter().for_each(|issuer| issuer.keys.warm_up());
    }

    /// The state of each issuer's keys, with the issuer's name.
    pub fn health(&self) -> Vec<(String, KeyHealth)> {
        let issuers = self.inner.issuers.iter();
        issuers.map(|issuer| (issuer.rules.issuer.clone(), issuer.keys.health())).collect()
    }

    pub(crate) async fn verify_token(&self, token: &[u8]) -> Result<Arc<VerifiedToken>, AuthError> {
        if let Some(seen) = self.seen(token) {
            return Ok(seen);
        }
        let unverified = self.take_apart(token)?;
        let issuer = self.issuer(&unverified)?;
        let key = match issuer.keys.find(unverified.key_query(None)) {
            KeyLookup::Ready(key) => key,
            // Nothing is fetched for a token that no key could make good.
            KeyLookup::Pending(_) if !unverified.could_be_good(issuer) => Err(KeyError::NotFound),
            KeyLookup::Pending(key) => key.await,
        }?;
        if unverified.is_signed_by(&key) {
            return self.accept(token, unverified);
        }
        // The issuer may have put another key in the place of this one.
        let replaced = match issuer.keys.find(unverified.key_query(Some(&key))) {
            KeyLookup::Ready(key) => key,
            KeyLookup::Pending(_) if !unverified.could_be_good(issuer) => Err(KeyError::NotFound),
            KeyLookup::Pending(key) => key.await,
        };
        match replaced {
            Ok(key) if unverified.is_signed_by(&key) => self.accept(token, unverified),
            _ => Err(InvalidTokenReason::Signature.into()),
        }
    }

    /// The same as far as it can be done without waiting: `None` means that it cannot.
    pub(crate) fn verify_now(&self, token: &[u8]) -> Option<Result<Arc<VerifiedToken>, AuthError>> {
        if let Some(seen) = self.seen(token) {
            return Some(Ok(seen));
        }
        let unverified = match self.take_apart(token) {
            Ok(unverified) => unverified,
            Err(error) => return Some(Err(error)),
        };
        let issuer = self.inner.issuers.get(unverified.issuer)?;
        let key = match issuer.keys.find(unverified.key_query(None)) {
            KeyLookup::Ready(Ok(key)) => key,
            KeyLookup::Ready(Err(error)) => return Some(Err(error.into())),
            KeyLookup::Pending(_) => return None,
        };
        if unverified.is_signed_by(&key) {
            return Some(self.accept(token, unverified));
        }
        let replaced = match issuer.keys.find(unverified.key_query(Some(&key))) {
            KeyLookup::Ready(key) => key,
            KeyLookup::Pending(_) => return None,
        };
        Some(match replaced {
            Ok(key) if unverified.is_signed_by(&key) => self.accept(token, unverified),
            _ => Err(InvalidTokenReason::Signature.into()),
        })
    }

    /// A token that was verified before and is still good.
    fn seen(&self, token: &[u8]) -> Option<Arc<VerifiedToken>> {
        let cache = self.inner.cache.as_ref()?;
        let seen = cache.get(token)?;
        let generation = self.inner.issuers.get(seen.issuer)?.keys.generation()?;
        let now = self.inner.clock.now();
        if seen.generation == generation && seen.from <= now && now < seen.until {
            return Some(seen.token);
        }
        cache.forget(token);
        None
    }

    /// Form, header, and what the header must say; claims, and whose they are.
    fn take_apart<'a>(&self, token: &'a [u8]) -> Result<Unverified<'a>, AuthError> {
        let parts = CompactToken::parse(token, self.inner.max_token_bytes)?;
        let decoded =
            Decoded::<HEADER_BYTES>::decode(parts.header).ok_or(InvalidTokenReason::Form)?;
        let header = Header::parse(decoded.bytes())?;
        let payload = decode_exact(parts.payload).ok_or(InvalidTokenReason::Form)?;
        let payload = String::from_utf8(payload).map_err(|_| InvalidTokenReason::Payload)?;
        let claims: Claims =
            serde_json::from_str(&payload).map_err(|_| InvalidTokenReason::Payload)?;
        let mut issuers = self.inner.issuers.iter().enumerate();
        let (index, issuer) = issuers
            .find(|(_, issuer)| issuer.rules.is_issuer_of(&claims))
            .ok_or(InvalidTokenReason::Issuer)?;
        if !issuer.algorithms.contains(header.algorithm) {
            return Err(InvalidTokenReason::Algorithm.into());
        }
        issuer.rules.check_header(&header)?;
        Ok(Unverified {
            parts,
            algorithm: header.algorithm,
            key_id: header.key_id.map(Cow::into_owned),
            claims,
            payload,
            issuer: index,
            generation: issuer.keys.generation(),
            now: self.inner.clock.now(),
        })
    }

    fn issuer(&self, unverified: &Unverified<'_>) -> Result<&TrustedIssuer, AuthError> {
        self.inner.issuers.get(unverified.issuer).ok_or(AuthError::Misconfigured)
    }

    /// Holds the claims of a genuine token against the rules, and remembers it.
    fn accept(
        &self,
        token: &[u8],
        unverified: Unverified<'_>,
    ) -> Result<Arc<VerifiedToken>, AuthError> {
        let issuer = self.issuer(&unverified)?;
        let Unverified { claims, payload, generation, now, issuer: index, .. } = unverified;
        issuer.rules.check_claims(&claims, now)?;
        issuer.rules.check_custom(&claims)?;
        let validity = issuer.rules.validity(&claims);
        let grants = issuer.mapping.grants(&claims);
        let verified = Arc::new(VerifiedToken::new(claims, payload, grants));
        if let (Some(cache), Some(generation)) = (&self.inner.cache, generation) {
            let seen = Seen {
                token: verified.clone(),
                issuer: index,
                generation,
                from: validity.start,
                until: validity.end,
            };
            cache.put(token, seen);
        }
        Ok(verified)
    }
}

impl Unverified<'_> {
    fn key_query<'a>(&'a self, failed: Option<&'a Arc<VerificationKey>>) -> KeyQuery<'a> {
        KeyQuery { key_id: self.key_id.as_deref(), algorithm: self.algorithm, failed }
    }

    /// Whether the claims would be accepted if the signature turned out to be right. Why not is
    /// nobody's business: what is not verified is not talked about.
    fn could_be_good(&self, issuer: &TrustedIssuer) -> bool {
        issuer.rules.check_claims(&self.claims, self.now).is_ok()
    }

    fn is_signed_by(&self, key: &VerificationKey) -> bool {
        key.supports(self.algorithm)
            && Decoded::<SIGNATURE_BYTES>::decode(self.parts.signature).is_some_and(|signature| {
                key.verifies(self.algorithm, self.parts.signing_input, signature.bytes())
            })
    }
}

impl From<KeyError> for AuthError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::NotFound => InvalidTokenReason::UnknownKey.into(),
            KeyError::Unavailable { retry_after } => Self::Unavailable { retry_after },
        }
    }
}

/// Enough for the usual header without a detour over the heap.
const HEADER_BYTES: usize = 512;
/// Enough for a signature by an RSA key of 4096 bits, with what the decoder reserves.
const SIGNATURE_BYTES: usize = 520;
