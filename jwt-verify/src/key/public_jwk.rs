//! A public key as a JSON Web Key in its shortest form: the required members in the order of their
//! names, without white space. It is published, and its hash is the thumbprint (RFC 7638 §3).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::algorithm::Family;

/// Writes an RSA key, from its numbers without leading zeros (RFC 7518 §6.3.1).
pub(crate) fn rsa(modulus: &[u8], exponent: &[u8]) -> String {
    let (n, e) = (URL_SAFE_NO_PAD.encode(modulus), URL_SAFE_NO_PAD.encode(exponent));
    format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#)
}

/// Writes a key on a curve: an uncompressed point (RFC 7518 §6.2.1, RFC 8812 §3.1), or the 32 bytes of an Ed25519
/// key (RFC 8037 §2).
pub(crate) fn point(family: Family, public_key: &[u8]) -> String {
    let curve = match family {
        Family::EcP256 => "P-256",
        Family::EcP384 => "P-384",
        Family::EcP521 => "P-521",
        Family::Secp256k1 => "secp256k1",
        Family::Ed25519 | Family::Rsa | Family::Hmac => {
            let x = URL_SAFE_NO_PAD.encode(public_key);
            return format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
        }
    };
    let coordinates = public_key.get(1..).unwrap_or_default();
    let (x, y) = coordinates.split_at(coordinates.len() / 2);
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    format!(r#"{{"crv":"{curve}","kty":"EC","x":"{x}","y":"{y}"}}"#)
}
