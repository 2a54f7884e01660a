//! Checks of Ed25519 keys (RFC 8032 §5.1.3, §8).

use crate::error::InvalidKeyError;

/// Encodings of the points of small order, with the sign bit cleared and little-endian. With such a
/// key, signatures verify for messages that were never signed.
const SMALL_ORDER: [[u8; 32]; 5] = [
    // 0: order 4
    [0; 32],
    // 1: the neutral element
    [
        1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0,
    ],
    // order 8
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    // order 8
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
    // p - 1: order 2
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0x7f,
    ],
];

/// Checks the length, that the number is below the field's prime, and that its order is large.
pub(super) fn check(public_key: &[u8]) -> Result<(), InvalidKeyError> {
    let mut y: [u8; 32] = public_key.try_into().map_err(|_| InvalidKeyError::Malformed)?;
    let [first, middle @ .., last] = &mut y;
    *last &= 0x7f;
    // The prime is 2^255 - 19, so only numbers that begin 0x7fff…ff can reach it.
    if *last == 0x7f && middle.iter().all(|byte| *byte == 0xff) && *first >= 0xed {
        return Err(InvalidKeyError::Malformed);
    }
    if SMALL_ORDER.contains(&y) {
        return Err(InvalidKeyError::Weak);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_order_points_are_weak_whatever_their_sign() {
        for point in SMALL_ORDER {
            assert_eq!(check(&point), Err(InvalidKeyError::Weak));
            let mut negative = point;
            negative[31] |= 0x80;
            assert_eq!(check(&negative), Err(InvalidKeyError::Weak));
        }
    }

    #[test]
    fn other_lengths_and_numbers_from_the_prime_on_are_malformed() {
        for length in [0, 5, 31, 33, 64] {
            assert_eq!(check(&vec![9; length]), Err(InvalidKeyError::Malformed), "{length}");
        }
        for first in [0xed, 0xee, 0xff] {
            let mut y = [0xff; 32];
            y[0] = first;
            assert_eq!(check(&y), Err(InvalidKeyError::Malformed), "{first}");
        }
        assert_eq!(check(&[9; 32]), Ok(()));
    }
}
