//! Tokens for tests.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::{
    ProofKey, TestIssuer,
    claim_set::{ClaimSet, LIFETIME},
};
use crate::{issuing::SigningKey, key::ClientCertificate};

/// A token of a [`TestIssuer`]: by default for [`AUDIENCE`](crate::testing::AUDIENCE), valid for ten minutes, of the subject
/// `test-user`. Values are not checked, so that it can be invalid in any way.
///
/// ```
/// use jwt_verify::testing::TestIssuer;
///
/// let issuer = TestIssuer::start();
/// let token = issuer.token().subject("ada").role("admin").claim("tenant", "acme").sign();
/// assert_eq!(token.split('.').count(), 3);
/// ```
#[must_use = "a token comes to be when it is signed"]
pub struct TestToken<'i> {
    issuer: &'i TestIssuer,
    header: Map<String, Value>,
    claims: ClaimSet,
    is_signed_by_unknown_key: bool,
}

/// Beyond any leeway.
const LONG: u64 = 3600;

impl<'i> TestToken<'i> {
    pub(super) fn new(issuer: &'i TestIssuer) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(1);

        let mut header = Map::new();
        header.insert("typ".into(), "at+jwt".into());
        let mut claims = ClaimSet::new(issuer.url(), issuer.now());
        claims.set("jti", format!("test-{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
        Self { issuer, header, claims, is_signed_by_unknown_key: false }
    }

    /// Sets `sub`.
    pub fn subject(self, subject: impl Into<String>) -> Self {
        self.claim("sub", subject.into())
    }

    /// Sets `aud`.
    pub fn audience(self, audience: impl Into<String>) -> Self {
        self.claim("aud", audience.into())
    }

    /// Adds a role, in the claim `roles`.
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.claims.add("roles", role);
        self
    }

    /// Adds a permission, in the claim `permissions`.
    pub fn permission(mut self, permission: impl Into<String>) -> Self {
        self.claims.add("permissions", permission);
        self
    }

    /// Sets `scope`: names separated by spaces.
    pub fn scope(self, scope: impl Into<String>) -> Self {
        self.claim("scope", scope.into())
    }

    /// Binds the token to the key of a client (RFC 9449 §6.1).
    pub fn bound_to(self, key: &ProofKey) -> Self {
        self.claim("cnf", json!({ "jkt": key.thumbprint() }))
    }

    /// Binds the token to the certificate of a client (RFC 8705 §3.1).
    pub fn bound_to_certificate(self, certificate: &ClientCertificate) -> Self {
        self.claim("cnf", json!({ "x5t#S256": certificate.thumbprint() }))
    }

    /// Sets any claim.
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.set(name, value);
        self
    }

    /// Removes a claim.
    pub fn without(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// Sets a header parameter. Default of `alg` and `kid`: those of the key.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.header.insert(name.into(), value.into());
        self
    }

    /// Sets the lifetime.
    pub fn lifetime(self, lifetime: Duration) -> Self {
        let end = self.issuer.now().saturating_add(lifetime.as_secs());
        self.claim("exp", end)
    }

    /// Sets the expiry to an hour ago.
    pub fn expired(self) -> Self {
        let now = self.issuer.now();
        self.claim("iat", now - LONG - LIFETIME).claim("exp", now - LONG)
    }

    /// Sets the start of validity to an hour from now.
    pub fn not_yet_valid(self) -> Self {
        let now = self.issuer.now();
        self.claim("nbf", now + LONG).claim("exp", now + LONG + LIFETIME)
    }

    /// Signs with a key of the same name that the issuer does not have.
    pub fn signed_by_unknown_key(mut self) -> Self {
        self.is_signed_by_unknown_key = true;
        self
    }

    /// Signs the token.
    ///
    /// # Panics
    /// If the key cannot sign.
    #[expect(clippy::expect_used, reason = "there is always a key that signs")]
    pub fn sign(mut self) -> String {
        let key = if self.is_signed_by_unknown_key {
            self.issuer.unknown_key()
        } else {
            self.issuer.signing_key().expect("there is always a key that signs")
        };
        self.header.entry("alg").or_insert_with(|| key.algorithm().name().into());
        self.header.entry("kid").or_insert_with(|| key.id().into());
        compact(&key, self.header, self.claims.into_members())
    }
}

/// Signs header and claims as given.
#[expect(clippy::expect_used, reason = "a test cannot go on without its token")]
pub(super) fn compact(
    key: &SigningKey,
    header: Map<String, Value>,
    claims: Map<String, Value>,
) -> String {
    let segment = |part| URL_SAFE_NO_PAD.encode(Value::Object(part).to_string());
    let message = format!("{}.{}", segment(header), segment(claims));
    let signature = key.sign_message(message.as_bytes()).expect("the key signs");
    format!("{message}.{signature}")
}

/// Contains the names of the claims, not the values.
impl fmt::Debug for TestToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestToken").field("claims", &self.claims).finish_non_exhaustive()
    }
}
