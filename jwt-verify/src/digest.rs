//! SHA-256, and names made with it.
//!
//! Stores contain these names: a change of them makes the entries of running applications unfindable.

use aws_lc_rs::digest::{Context, SHA256};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// A SHA-256 hash.
pub(crate) type Sha256 = [u8; 32];

/// Hashes the concatenation of these parts.
pub(crate) fn sha256<const N: usize>(parts: [&[u8]; N]) -> Sha256 {
    let mut hash = Context::new(&SHA256);
    for part in parts {
        hash.update(part);
    }
    leading_32(hash.finish().as_ref())
}

/// Hashes one text into 43 characters of base64url.
pub(crate) fn sha256_text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(sha256([bytes]))
}

/// Hashes texts of a kind into one name of 43 characters of base64url. Each text is hashed with its
/// length, so that none can pass for a part of another. The kind has one length for all names of a
/// store; it is empty where the first text says it.
pub(crate) fn name(kind: &[u8], parts: &[&str]) -> String {
    let mut hash = Context::new(&SHA256);
    hash.update(kind);
    for part in parts {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    URL_SAFE_NO_PAD.encode(hash.finish())
}

/// Returns the first 32 bytes of a hash or tag that is at least as long.
pub(crate) fn leading_32(hash: &[u8]) -> [u8; 32] {
    hash.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_can_pass_for_another() {
        let of = |parts: &[&str]| name(b"", parts);
        assert_eq!(of(&["a", "b"]), of(&["a", "b"]));
        for other in [&["ab"][..], &["ab", ""], &["", "ab"], &["b", "a"], &["a"]] {
            assert_ne!(of(&["a", "b"]), of(other), "{other:?}");
        }
        assert_ne!(name(&[0], &["a"]), name(&[1], &["a"]));
    }

    /// Names in the stores of running applications.
    #[test]
    fn a_name_stays() {
        assert_eq!(name(b"", &["a", "b"]), "PJ1ZEEW8iHb50Dmbv7BcakEglukG9zJ4-YQGzV3Kht8");
    }

    #[test]
    fn parts_are_hashed_as_one_text() {
        assert_eq!(sha256([b"ab", b"", b"c"]), sha256([b"abc"]));
        // FIPS 180-4, "abc".
        assert_eq!(sha256_text(b"abc"), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
    }

    #[test]
    fn a_longer_hash_is_cut() {
        assert_eq!(leading_32(&[7; 64]), [7; 32]);
    }
}
