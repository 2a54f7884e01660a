//! Proofs of possession for tests (RFC 9449).

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::{Map, Value, json};

use super::token::compact;
use crate::{
    algorithm::Algorithm,
    clock::{Clock, SystemClock},
    digest::sha256_text,
    issuing::SigningKey,
};

/// The key of a client, to which tokens can be [bound](crate::testing::TestToken::bound_to), and its proofs.
///
/// ```
/// use actix_web::{App, get, test};
/// use jwt_verify::{VerifiedClaims, dpop::Dpop, require, testing::{ProofKey, TestIssuer}};
///
/// #[require]
/// #[get("/profile")]
/// async fn profile(claims: VerifiedClaims) -> String {
///     claims.subject().unwrap_or_default().to_owned()
/// }
///
/// # actix_web::rt::System::new().block_on(async {
/// let (issuer, key) = (TestIssuer::start(), ProofKey::new());
/// let auth = issuer.auth().dpop(Dpop::new("https://api.example.com")).build().unwrap();
/// let app = test::init_service(App::new().wrap(auth).service(profile)).await;
///
/// let token = issuer.token().bound_to(&key).subject("ada").sign();
/// let proof = key.proof("GET", "https://api.example.com/profile", &token).sign();
/// let request = test::TestRequest::with_uri("/profile")
///     .insert_header(("authorization", format!("DPoP {token}")))
///     .insert_header(("dpop", proof))
///     .to_request();
/// assert_eq!(test::call_and_read_body(&app, request).await, "ada");
/// # });
/// ```
pub struct ProofKey {
    key: SigningKey,
    jwk: Value,
    thumbprint: String,
    clock: Arc<dyn Clock>,
}

impl ProofKey {
    /// Creates a key for ES256, as most clients have it.
    ///
    /// # Panics
    /// If no key can be made.
    #[expect(clippy::new_without_default, reason = "a key is made by chance, which is no default")]
    pub fn new() -> Self {
        Self::with_clock(Algorithm::ES256, SystemClock::new())
    }

    /// Creates a key for another asymmetric algorithm, with a clock of the test for the dates of
    /// proofs, such as a [`TestClock`](crate::testing::TestClock).
    ///
    /// # Panics
    /// If no key can be made, and for an algorithm that needs a shared secret.
    #[expect(clippy::expect_used, reason = "a test cannot go on without its key")]
    pub fn with_clock(algorithm: Algorithm, clock: impl Clock) -> Self {
        let key =
            SigningKey::generate(algorithm).expect("an asymmetric algorithm, and random numbers");
        let mut jwk = key.public_jwk().cloned().unwrap_or_default();
        if let Some(members) = jwk.as_object_mut() {
            members.retain(|name, _| match &**name {
                "kty" | "crv" | "x" | "y" | "n" | "e" | "pub" => true,
                // A required member of such a key, and of no other.
                "alg" => algorithm.is_ml_dsa(),
                _ => false,
            });
        }
        // The name of a generated key is its thumbprint.
        let thumbprint = key.id().to_owned();
        Self { key, jwk, thumbprint, clock: Arc::new(clock) }
    }

    /// Returns the thumbprint of its public key (RFC 7638), as in the `cnf.jkt` of a token that is
    /// bound to it.
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// Returns the public key as a JSON Web Key.
    pub fn jwk(&self) -> &Value {
        &self.jwk
    }

    /// Starts a proof for a request with this token, by default valid.
    pub fn proof(&self, method: &str, url: &str, token: &str) -> TestProof<'_> {
        static NUMBER: AtomicU64 = AtomicU64::new(1);

        let id = NUMBER.fetch_add(1, Ordering::Relaxed);
        let members = |value: Value| value.as_object().cloned().unwrap_or_default();
        TestProof {
            key: self,
            header: members(json!({
                "typ": "dpop+jwt",
                "alg": self.key.algorithm().name(),
                "jwk": self.jwk,
            })),
            claims: members(json!({
                "jti": format!("proof-{id}"),
                "htm": method,
                "htu": url,
                "iat": self.clock.now().as_secs(),
                "ath": sha256_text(token.as_bytes()),
            })),
        }
    }
}

/// Contains the algorithm.
impl fmt::Debug for ProofKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProofKey").field("algorithm", &self.key.algorithm()).finish_non_exhaustive()
    }
}

/// A proof of a [`ProofKey`]. Values are not checked, so that it can be invalid in any way.
#[must_use = "a proof comes to be when it is signed"]
#[derive(Clone)]
pub struct TestProof<'k> {
    key: &'k ProofKey,
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl TestProof<'_> {
    /// Sets a nonce of the server.
    pub fn nonce(self, nonce: impl Into<String>) -> Self {
        self.claim("nonce", nonce.into())
    }

    /// Sets any claim.
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// Removes a claim.
    pub fn without(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// Sets a header parameter.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.header.insert(name.into(), value.into());
        self
    }

    /// Removes a header parameter.
    pub fn without_header(mut self, name: &str) -> Self {
        self.header.remove(name);
        self
    }

    /// Signs the proof.
    ///
    /// # Panics
    /// If the key cannot sign.
    pub fn sign(self) -> String {
        compact(&self.key.key, self.header, self.claims)
    }
}

/// Contains the names of the claims, not the values.
impl fmt::Debug for TestProof<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.claims.keys().collect();
        f.debug_struct("TestProof").field("claims", &names).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::VerificationKey;

    #[test]
    fn the_key_of_a_proof_has_its_required_members_alone() {
        for algorithm in Algorithm::ALL.into_iter().filter(|one| !one.is_symmetric()) {
            let key = ProofKey::with_clock(algorithm, SystemClock::new());
            let read = VerificationKey::from_proof(algorithm, &key.jwk().to_string()).unwrap();
            assert_eq!(read.thumbprint().as_deref(), Some(key.thumbprint()), "{algorithm}");
            assert_eq!(key.jwk().get("alg").is_some(), algorithm.is_ml_dsa(), "{algorithm}");
            assert_eq!((key.jwk().get("kid"), key.jwk().get("use")), (None, None));
        }
    }
}
