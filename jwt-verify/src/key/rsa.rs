//! Checks of RSA keys (RFC 7518 §3.3, RFC 8725 §3.5).

use crate::{
    defaults::{RSA_MAX_BITS, RSA_MIN_BITS},
    error::InvalidKeyError,
};

/// Longest public exponent that is accepted, in bytes. A long one makes every verification slow.
pub(super) const MAX_EXPONENT_BYTES: usize = 5;
/// Largest public exponent that is accepted.
const MAX_EXPONENT: u64 = (1 << 33) - 1;

/// Checks big-endian numbers without leading zeros: 2048 to 8192 bits, both odd, exponent from 3.
pub(super) fn check(modulus: &[u8], exponent: &[u8]) -> Result<(), InvalidKeyError> {
    let (Some(first), Some(last)) = (modulus.first(), modulus.last()) else {
        return Err(InvalidKeyError::Malformed);
    };
    if *first == 0 || exponent.first().is_none_or(|byte| *byte == 0) {
        return Err(InvalidKeyError::Malformed);
    }
    let bits = modulus.len() * 8 - first.leading_zeros() as usize;
    if bits > RSA_MAX_BITS || exponent.len() > MAX_EXPONENT_BYTES {
        return Err(InvalidKeyError::TooLarge);
    }
    let exponent = exponent.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    if bits < RSA_MIN_BITS || last % 2 == 0 || exponent % 2 == 0 || exponent < 3 {
        return Err(InvalidKeyError::Weak);
    }
    if exponent > MAX_EXPONENT {
        return Err(InvalidKeyError::TooLarge);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modulus(bits: usize) -> Vec<u8> {
        let mut bytes = vec![0xff; bits.div_ceil(8)];
        if !bits.is_multiple_of(8) {
            bytes[0] >>= 8 - bits % 8;
        }
        bytes
    }

    #[test]
    fn moduli_are_bounded_on_both_sides() {
        let e = [1, 0, 1];
        for bits in [2048, 3072, 8192] {
            assert_eq!(check(&modulus(bits), &e), Ok(()), "{bits}");
        }
        for bits in [1, 512, 1024, 2047] {
            assert_eq!(check(&modulus(bits), &e), Err(InvalidKeyError::Weak), "{bits}");
        }
        for bits in [8193, 16384] {
            assert_eq!(check(&modulus(bits), &e), Err(InvalidKeyError::TooLarge), "{bits}");
        }
        let mut even = modulus(2048);
        even[255] = 0xfe;
        assert_eq!(check(&even, &e), Err(InvalidKeyError::Weak));
        let mut zero_first = vec![0];
        zero_first.extend(modulus(2048));
        assert_eq!(check(&zero_first, &e), Err(InvalidKeyError::Malformed));
        assert_eq!(check(&[], &e), Err(InvalidKeyError::Malformed));
    }

    #[test]
    fn exponents_are_odd_and_neither_tiny_nor_huge() {
        let n = modulus(2048);
        for e in [&[3][..], &[17], &[1, 0, 1], &[1, 0xff, 0xff, 0xff, 0xff]] {
            assert_eq!(check(&n, e), Ok(()), "{e:?}");
        }
        for e in [&[1][..], &[2], &[1, 0]] {
            assert_eq!(check(&n, e), Err(InvalidKeyError::Weak), "{e:?}");
        }
        for e in [&[2, 0, 0, 0, 1][..], &[1; 6]] {
            assert_eq!(check(&n, e), Err(InvalidKeyError::TooLarge), "{e:?}");
        }
        for e in [&[][..], &[0], &[0, 1, 0, 1]] {
            assert_eq!(check(&n, e), Err(InvalidKeyError::Malformed), "{e:?}");
        }
    }
}
