//! Names of scopes, as requests and challenges write them.

/// Returns `true` for a scope that can be requested: printable ASCII without spaces, quotes and
/// backslashes (RFC 6749 §3.3).
pub(crate) fn is_scope_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

#[cfg(test)]
mod tests {
    use super::is_scope_token;

    #[test]
    fn a_scope_is_one_printable_word() {
        for good in ["read", "read:posts", "https://api.example/.default", "!", "~", "a,b"] {
            assert!(is_scope_token(good), "{good}");
        }
        for bad in ["", "a b", "a\"b", "a\\b", "a\tb", "ü", "\u{7f}"] {
            assert!(!is_scope_token(bad), "{bad}");
        }
    }
}
