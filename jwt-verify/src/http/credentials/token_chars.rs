//! The `token` of RFC 9110 §5.6.2: names of schemes, cookies and headers.

/// Returns `true` if a byte is a `tchar`.
pub(crate) fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Returns `true` if a text is a `token`, as the name of a cookie has to be (RFC 6265 §4.1.1).
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| is_tchar(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_visible_and_without_delimiters() {
        for byte in 0..=u8::MAX {
            let is_delimiter = b"\"(),/:;<=>?@[\\]{}".contains(&byte);
            assert_eq!(is_tchar(byte), byte.is_ascii_graphic() && !is_delimiter, "{byte}");
        }
        for token in ["a", "__Host-access", "Bearer", "x.y~z"] {
            assert!(is_token(token.as_bytes()), "{token}");
        }
        for text in ["", "a b", "a=b", "a;", "ü", "a\n"] {
            assert!(!is_token(text.as_bytes()), "{text}");
        }
    }
}
