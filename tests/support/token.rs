//! Tokens of any shape.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{AUDIENCE, START, SigningKey, setting};

/// Base64url without padding.
pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes base64url without padding.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Joins three decoded parts into a compact token.
pub fn compact(header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>, signature: &[u8]) -> String {
    format!("{}.{}.{}", base64url(header), base64url(payload), base64url(signature))
}

/// Signs any header and payload as they stand.
pub fn sign(key: &SigningKey, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    let input = format!("{}.{}", base64url(header), base64url(payload));
    let signature = key.sign(input.as_bytes());
    format!("{input}.{}", base64url(signature))
}

/// A token that is good unless it is changed.
#[derive(Debug, Clone)]
pub struct Token {
    header: Value,
    claims: Value,
    names_key: bool,
}

impl Token {
    /// Good for the issuer's clock at [`START`] and ten minutes on.
    pub fn of(issuer: &str) -> Self {
        let mut claims = json!({
            "iss": issuer,
            "aud": AUDIENCE,
            "sub": "alice",
            "iat": START,
            "exp": START + 600,
        });
        setting::change_claims(&mut claims);
        Self { header: json!({"typ": "JWT"}), claims, names_key: true }
    }

    /// Good now, by the system's clock, for ten minutes.
    pub fn now(issuer: &str) -> Self {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        Self::of(issuer).claim("iat", now).claim("exp", now + 600)
    }

    /// Sets a claim.
    #[must_use]
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims[name] = value.into();
        self
    }

    /// Takes a claim out.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.claims.as_object_mut().unwrap().remove(name);
        self
    }

    /// Sets a header parameter; `alg` and `kid` are set by the key unless they are set here.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header[name] = value.into();
        self
    }

    /// Leaves out the `kid`.
    #[must_use]
    pub fn without_kid(mut self) -> Self {
        self.names_key = false;
        self
    }

    /// Sets the roles.
    #[must_use]
    pub fn roles(self, roles: &[&str]) -> Self {
        self.claim("roles", json!(roles))
    }

    /// Sets the permissions.
    #[must_use]
    pub fn permissions(self, permissions: &[&str]) -> Self {
        self.claim("permissions", json!(permissions))
    }

    /// The claims as JSON.
    pub fn payload(&self) -> String {
        self.claims.to_string()
    }

    /// The header as JSON, as the key would have it.
    pub fn header_for(&self, key: &SigningKey) -> String {
        let mut header = self.header.clone();
        let object = header.as_object_mut().unwrap();
        object.entry("alg").or_insert_with(|| json!(key.algorithm().name()));
        if self.names_key {
            object.entry("kid").or_insert_with(|| json!(key.id()));
        }
        header.to_string()
    }

    /// Signs it.
    pub fn sign(&self, key: &SigningKey) -> String {
        sign(key, self.header_for(key), self.payload())
    }
}
