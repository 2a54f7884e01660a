//! The thumbprint of a key (RFC 7638), or of the certificate of one (RFC 8705 §3.1).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    algorithm::Family,
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

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Computes it for an RSA key, from its numbers without leading zeros.
pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Sha256 {
    let (n, e) = (URL_SAFE_NO_PAD.encode(modulus), URL_SAFE_NO_PAD.encode(exponent));
    hash(&format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#))
}

/// Computes it for a key on a curve: an uncompressed point, or the 32 bytes of an Ed25519 key (RFC
/// 8037 §2).
pub(super) fn point(family: Family, public_key: &[u8]) -> Sha256 {
    let curve = match family {
        Family::EcP256 => "P-256",
        Family::EcP384 => "P-384",
        Family::Ed25519 | Family::Rsa | Family::Hmac => {
            let x = URL_SAFE_NO_PAD.encode(public_key);
            return hash(&format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#));
        }
    };
    let coordinates = public_key.get(1..).unwrap_or_default();
    let (x, y) = coordinates.split_at(coordinates.len() / 2);
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    hash(&format!(r#"{{"crv":"{curve}","kty":"EC","x":"{x}","y":"{y}"}}"#))
}

/// Hashes the required members in the order of their names, without white space (RFC 7638 §3).
fn hash(members: &str) -> Sha256 {
    sha256([members.as_bytes()])
}
