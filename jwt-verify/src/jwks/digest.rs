//! Names of entries in the shared store.

use aws_lc_rs::digest::SHA256;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Hashes texts into one name. Each is hashed with its length, so that none can pass for a part of
/// another.
pub(super) fn digest(parts: &[&str]) -> String {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&SHA256, &bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_can_pass_for_another() {
        assert_eq!(digest(&["a", "b"]), digest(&["a", "b"]));
        for other in [&["ab"][..], &["ab", ""], &["", "ab"], &["b", "a"], &["a"]] {
            assert_ne!(digest(&["a", "b"]), digest(other), "{other:?}");
        }
    }
}
