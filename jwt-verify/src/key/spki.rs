//! The numbers in a `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7).

use crate::{algorithm::Family, error::InvalidKeyError};

/// The numbers of a public key, by its type.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Numbers<'a> {
    Rsa {
        modulus: &'a [u8],
        exponent: &'a [u8],
    },
    /// An uncompressed point, or the bytes of an Ed25519 or ML-DSA key.
    Bytes(&'a [u8]),
}

/// Reads a key of the given type. Anything but exactly its DER is malformed.
pub(super) fn read(family: Family, der: &[u8]) -> Result<Numbers<'_>, InvalidKeyError> {
    let numbers = match family {
        Family::Rsa => rsa(der),
        Family::EcP256 => der.strip_prefix(P256).map(Numbers::Bytes),
        Family::EcP384 => der.strip_prefix(P384).map(Numbers::Bytes),
        Family::EcP521 => der.strip_prefix(P521).map(Numbers::Bytes),
        Family::Secp256k1 => der.strip_prefix(SECP256K1).map(Numbers::Bytes),
        Family::Ed25519 => der.strip_prefix(ED25519).map(Numbers::Bytes),
        Family::MlDsa44 => der.strip_prefix(ML_DSA_44).map(Numbers::Bytes),
        Family::MlDsa65 => der.strip_prefix(ML_DSA_65).map(Numbers::Bytes),
        Family::MlDsa87 => der.strip_prefix(ML_DSA_87).map(Numbers::Bytes),
        Family::Hmac => return Err(InvalidKeyError::AlgorithmMismatch),
    };
    numbers.ok_or(InvalidKeyError::Malformed)
}

/// Bytes before the point of a key on P-256, P-384, P-521 (RFC 5480 §2) and secp256k1 (SEC 2 §A.2), and
/// before the bytes of an Ed25519 key (RFC 8410 §4) or an ML-DSA key (RFC 9881 §4). All of them are fixed, including the length of
/// the rest, which is checked with the point.
const P256: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const P384: &[u8] = &[
    0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
    0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00,
];
const P521: &[u8] = &[
    0x30, 0x81, 0x9b, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05,
    0x2b, 0x81, 0x04, 0x00, 0x23, 0x03, 0x81, 0x86, 0x00,
];
const SECP256K1: &[u8] = &[
    0x30, 0x56, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
    0x81, 0x04, 0x00, 0x0a, 0x03, 0x42, 0x00,
];
const ED25519: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

const ML_DSA_44: &[u8] = &[
    0x30, 0x82, 0x05, 0x32, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03,
    0x11, 0x03, 0x82, 0x05, 0x21, 0x00,
];
const ML_DSA_65: &[u8] = &[
    0x30, 0x82, 0x07, 0xb2, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03,
    0x12, 0x03, 0x82, 0x07, 0xa1, 0x00,
];
const ML_DSA_87: &[u8] = &[
    0x30, 0x82, 0x0a, 0x32, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03,
    0x13, 0x03, 0x82, 0x0a, 0x21, 0x00,
];

/// `rsaEncryption` with a NULL (RFC 3279 §2.3.1), in DER.
const RSA: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;

fn rsa(der: &[u8]) -> Option<Numbers<'_>> {
    let content = whole(SEQUENCE, der)?.strip_prefix(RSA)?;
    let key = whole(BIT_STRING, content)?.strip_prefix(&[0])?;
    let (modulus, rest) = element(INTEGER, whole(SEQUENCE, key)?)?;
    let exponent = whole(INTEGER, rest)?;
    Some(Numbers::Rsa { modulus: unsigned(modulus)?, exponent: unsigned(exponent)? })
}

/// Returns a positive INTEGER without its leading zero byte.
fn unsigned(integer: &[u8]) -> Option<&[u8]> {
    match integer {
        [0, rest @ ..] => rest.first().is_some_and(|first| *first >= 0x80).then_some(rest),
        [first, ..] => (*first < 0x80).then_some(integer),
        [] => None,
    }
}

/// Returns the content of the only element.
fn whole(tag: u8, der: &[u8]) -> Option<&[u8]> {
    element(tag, der).filter(|(_, rest)| rest.is_empty()).map(|(content, _)| content)
}

/// Returns the content of the first element, and the rest. Lengths are in their shortest form (DER,
/// X.690 §10.1) and below 64 KiB.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    if *found != tag {
        return None;
    }
    let (length, rest) = match rest {
        [length, rest @ ..] if *length < 0x80 => (usize::from(*length), rest),
        [0x81, length, rest @ ..] if *length >= 0x80 => (usize::from(*length), rest),
        [0x82, high, low, rest @ ..] if *high > 0 => {
            (usize::from(u16::from_be_bytes([*high, *low])), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len();
        let mut der = vec![tag];
        match u8::try_from(length) {
            Ok(short) if short < 0x80 => der.push(short),
            Ok(long) => der.extend([0x81, long]),
            Err(_) => {
                der.push(0x82);
                der.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
        }
        der.extend_from_slice(content);
        der
    }

    fn spki(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
        let key = [tlv(INTEGER, modulus), tlv(INTEGER, exponent)].concat();
        let bits = [&[0][..], &tlv(SEQUENCE, &key)].concat();
        tlv(SEQUENCE, &[RSA, &tlv(BIT_STRING, &bits)].concat())
    }

    #[test]
    fn the_numbers_of_an_rsa_key_are_read() {
        for length in [1, 100, 127, 128, 200, 255, 256, 1024] {
            let modulus = vec![0x7f; length];
            let der = spki(&modulus, &[1, 0, 1]);
            let numbers = Numbers::Rsa { modulus: &modulus, exponent: &[1, 0, 1] };
            assert_eq!(read(Family::Rsa, &der), Ok(numbers), "{length}");
        }
        let der = spki(&[0, 0x80, 1], &[3]);
        let numbers = Numbers::Rsa { modulus: &[0x80, 1], exponent: &[3] };
        assert_eq!(read(Family::Rsa, &der), Ok(numbers));
    }

    #[test]
    fn anything_but_the_der_of_one_key_is_refused() {
        let good = spki(&[0x7f; 200], &[1, 0, 1]);
        for length in 0..good.len() {
            assert!(read(Family::Rsa, &good[..length]).is_err(), "{length}");
        }
        assert!(read(Family::Rsa, &[&good[..], &[0]].concat()).is_err());
        for (modulus, exponent) in
            [(&[][..], &[3][..]), (&[0], &[3]), (&[0, 1], &[3]), (&[0x80], &[3]), (&[1], &[])]
        {
            assert!(read(Family::Rsa, &spki(modulus, exponent)).is_err(), "{modulus:?}");
        }
        // Lengths in a longer form than needed.
        for der in [&[0x81, 0x05][..], &[0x82, 0x00, 0x85], &[0x80], &[0x83, 0, 0, 1]] {
            assert!(element(SEQUENCE, &[&[SEQUENCE], der, &[0; 200]].concat()).is_none());
        }
        assert_eq!(read(Family::Hmac, &good), Err(InvalidKeyError::AlgorithmMismatch));
    }
}
