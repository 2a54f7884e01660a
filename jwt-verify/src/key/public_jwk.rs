//! A public key as a JSON Web Key in its shortest form: the required members in the order of their
//! names, without white space. It is published, and its hash is the thumbprint (RFC 7638 §3).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::algorithm::{Algorithm, Family};

/// Writes an RSA key, from its numbers without leading zeros (RFC 7518 §6.3.1).
pub(crate) fn rsa(modulus: &[u8], exponent: &[u8]) -> String {
    let (n, e) = (URL_SAFE_NO_PAD.encode(modulus), URL_SAFE_NO_PAD.encode(exponent));
    format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#)
}

/// Writes a key whose numbers are one string of bytes: an uncompressed point (RFC 7518 §6.2.1, RFC 8812 §3.1), or the 32 bytes of an Ed25519
/// key (RFC 8037 §2), or a key of ML-DSA (RFC 9964), whose `alg` is one of its required members.
pub(crate) fn of_bytes(family: Family, public_key: &[u8]) -> String {
    let algorithm_key = |algorithm: Algorithm| {
        let (alg, pub_) = (algorithm.name(), URL_SAFE_NO_PAD.encode(public_key));
        format!(r#"{{"alg":"{alg}","kty":"AKP","pub":"{pub_}"}}"#)
    };
    let curve = match family {
        Family::MlDsa44 => return algorithm_key(Algorithm::MlDsa44),
        Family::MlDsa65 => return algorithm_key(Algorithm::MlDsa65),
        Family::MlDsa87 => return algorithm_key(Algorithm::MlDsa87),
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
