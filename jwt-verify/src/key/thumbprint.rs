//! The thumbprint of a key (RFC 7638), or of the certificate of one (RFC 8705 §3.1).

use crate::{
    digest::{Sha256, sha256},
    token::decode_exact,
};

/// Identifies a public key, independent of its name, or a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Thumbprint(pub(super) Sha256);

impl Thumbprint {
    /// Reads one from a claim: base64url of 32 bytes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        decode_exact(text.as_bytes())?.try_into().ok().map(Self)
    }

    /// Creates one that no key has, derived from this text.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn invented(text: &str) -> Self {
        Self(sha256([text.as_bytes()]))
    }

    /// Computes that of a key from its [`public_jwk`](super::public_jwk).
    pub(super) fn of(public_jwk: &str) -> Self {
        Self(sha256([public_jwk.as_bytes()]))
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}
