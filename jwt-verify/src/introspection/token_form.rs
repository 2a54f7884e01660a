//! The form of a token: a JWT or another text.

use memchr::memchr_iter;

use crate::{
    claims::Claims,
    error::InvalidTokenReason,
    token::{decode_exact, decode_into},
};

/// Returns `true` for a JWT in compact form: two dots, and before the first one the base64url of a
/// text that begins with `{`.
pub(super) fn is_jwt(token: &[u8]) -> bool {
    let mut dots = memchr_iter(b'.', token);
    let (Some(first), Some(_), None) = (dots.next(), dots.next(), dots.next()) else {
        return false;
    };
    let header = token.get(..first).unwrap_or_default();
    decode_into(header, &mut [0; 512]).is_some_and(|header| header.first() == Some(&b'{'))
}

/// Returns `true` if the payload of a JWT names this issuer. Nothing of it is verified.
pub(super) fn names_issuer(token: &[u8], issuer: &str) -> bool {
    let payload = token.split(|byte| *byte == b'.').nth(1).and_then(decode_exact);
    let payload = payload.and_then(|payload| String::from_utf8(payload).ok());
    let claims = payload.and_then(|payload| Claims::parse(payload).ok());
    claims.is_some_and(|claims| claims.issuer() == Some(issuer))
}

/// Refuses a token that no issuer has made: one that is too long, or has other characters than
/// RFC 6750 §2.1 allows.
pub(super) fn check(token: &[u8], most: usize) -> Result<(), InvalidTokenReason> {
    if token.len() > most {
        return Err(InvalidTokenReason::TooLarge);
    }
    let end = token.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(byte);
    match token.get(..end) {
        Some(text) if !text.is_empty() && text.iter().all(is_allowed) => Ok(()),
        _ => Err(InvalidTokenReason::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;

    #[test]
    fn a_jwt_has_two_dots_and_a_header() {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#);
        let long = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{}"}}"#, "x".repeat(2000)));
        for jwt in [format!("{header}.e30.c2ln"), format!("{header}.."), format!("{long}.a.b")] {
            assert!(is_jwt(jwt.as_bytes()), "{jwt}");
        }
        let text = URL_SAFE_NO_PAD.encode("[1]");
        for other in [
            "opaque".to_owned(),
            String::new(),
            "..".to_owned(),
            "a.b.c".to_owned(),
            header.clone(),
            format!("{header}.e30"),
            format!("{header}.e30.a.b"),
            format!("{header}.k.iv.text.tag"),
            format!("{text}.e30.a"),
            format!("{header}=.e30.a"),
            format!("{header}~.e30.a"),
            format!(" {header}.e30.a"),
        ] {
            assert!(!is_jwt(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn the_issuer_of_a_jwt_is_read_strictly() {
        let jwt = |payload: &str| format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload));
        assert!(names_issuer(jwt(r#"{"iss":"https://i"}"#).as_bytes(), "https://i"));
        for payload in
            ["{}", r#"{"iss":"https://i/"}"#, r#"{"iss":"x","iss":"https://i"}"#, "[]", ""]
        {
            assert!(!names_issuer(jwt(payload).as_bytes(), "https://i"), "{payload}");
        }
        assert!(!names_issuer(b"opaque", "https://i"));
    }

    #[test]
    fn tokens_have_the_characters_of_tokens() {
        for good in ["a", "2YotnFZFEjr1zCsicMWpAA", "a-._~+/b==", "a.b.c"] {
            assert_eq!(check(good.as_bytes(), 100), Ok(()), "{good}");
        }
        for bad in ["", "=", "a=b", "a b", "a\n", "a&token=b", "a%20", "\u{e4}", "a,b", "a\0"] {
            let refused = Err(InvalidTokenReason::Malformed);
            assert_eq!(check(bad.as_bytes(), 100), refused, "{bad:?}");
        }
        assert_eq!(check(b"abc", 3), Ok(()));
        assert_eq!(check(b"abcd", 3), Err(InvalidTokenReason::TooLarge));
    }
}
