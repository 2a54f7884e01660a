//! Encoding of forms (`application/x-www-form-urlencoded`, RFC 6749 appendix B).

/// Adds a pair to a form.
pub(super) fn push_pair(form: &mut String, name: &str, value: &[u8]) {
    if !form.is_empty() {
        form.push('&');
    }
    push_encoded(form, name.as_bytes());
    form.push('=');
    push_encoded(form, value);
}

/// Adds an encoded value: a space becomes `+`, and all but letters, digits, `-`, `.` and `_` an
/// escape.
pub(super) fn push_encoded(text: &mut String, value: &[u8]) {
    let digit =
        |nibble: u8| char::from_digit(u32::from(nibble), 16).map(|it| it.to_ascii_uppercase());
    for byte in value {
        match byte {
            b' ' => text.push('+'),
            b'-' | b'.' | b'_' => text.push(char::from(*byte)),
            _ if byte.is_ascii_alphanumeric() => text.push(char::from(*byte)),
            _ => text.extend([Some('%'), digit(byte >> 4), digit(byte & 15)].into_iter().flatten()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 6749 appendix B.
    #[test]
    fn values_are_encoded() {
        let mut text = String::new();
        push_encoded(&mut text, " %&+£€".as_bytes());
        assert_eq!(text, "+%25%26%2B%C2%A3%E2%82%AC");
    }

    #[test]
    fn pairs_are_joined() {
        let mut form = String::new();
        push_pair(&mut form, "token", b"a.b-c_d~+/=");
        push_pair(&mut form, "a b", &[0xff, b':', b'\n']);
        assert_eq!(form, "token=a.b-c_d%7E%2B%2F%3D&a+b=%FF%3A%0A");
    }
}
