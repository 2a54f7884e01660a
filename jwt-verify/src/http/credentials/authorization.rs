//! The `Authorization` header (RFC 9110 §11.6.2): one token under one scheme.

use actix_web::{HttpRequest, http::header::AUTHORIZATION};

use super::token_chars::{is_tchar, is_token};
use crate::error::InvalidRequestReason;

/// Returns the token of a request under a scheme, which is given in lower case.
#[inline]
pub(super) fn token<'r>(
    request: &'r HttpRequest,
    scheme: &[u8],
) -> Result<Option<&'r [u8]>, InvalidRequestReason> {
    let mut fields = request.headers().get_all(AUTHORIZATION);
    let Some(field) = fields.next() else { return Ok(None) };
    if fields.next().is_some() {
        return Err(InvalidRequestReason::Ambiguous);
    }
    token_of(field.as_bytes(), scheme)
}

/// Returns the token of a header value. It works on bytes: most of a token need not be text.
#[inline]
pub(super) fn token_of<'v>(
    value: &'v [u8],
    wanted: &[u8],
) -> Result<Option<&'v [u8]>, InvalidRequestReason> {
    let is_wanted = |scheme: &[u8]| scheme.eq_ignore_ascii_case(wanted);
    match value.split_at_checked(wanted.len()) {
        Some((scheme, b"")) if is_wanted(scheme) => Err(InvalidRequestReason::Malformed),
        Some((scheme, [b' ', rest @ ..])) if is_wanted(scheme) => one_token(rest).map(Some),
        // The scheme must end where a token (RFC 9110 §5.6.2) ends, and a space must follow.
        Some((scheme, [next, ..])) if is_wanted(scheme) && !is_tchar(*next) => {
            Err(InvalidRequestReason::Malformed)
        }
        _ => other_scheme(value, wanted),
    }
}

/// Parses the part after the scheme and one space; further spaces are allowed (RFC 9110 §11.4).
///
/// White space, commas and bytes outside of ASCII mean that the header is not one credential. Other
/// characters that a token cannot have are left to the verifier: then the header is well-formed and
/// the token is not.
fn one_token(rest: &[u8]) -> Result<&[u8], InvalidRequestReason> {
    let token = rest.trim_ascii_start();
    if token.is_empty() || has_separator(token) {
        return Err(InvalidRequestReason::Malformed);
    }
    Ok(token)
}

/// Returns `true` if a byte is not a visible ASCII character, or is a comma. It checks all of them,
/// so that sixteen and more are checked together: this runs for every request.
pub(super) fn has_separator(token: &[u8]) -> bool {
    // For invisible bytes the first value wraps around and is large; for commas the second is zero.
    let widen = |(most, least): (u8, u8), byte: &u8| {
        (most.max(byte.wrapping_sub(b'!')), least.min(byte ^ b','))
    };
    let (most, least) = token.iter().fold((0, u8::MAX), widen);
    most > b'~' - b'!' || least == 0
}

/// Ignores another scheme, unless a list hides a credential of the wanted scheme behind it.
fn other_scheme<'v>(
    value: &'v [u8],
    wanted: &[u8],
) -> Result<Option<&'v [u8]>, InvalidRequestReason> {
    let scheme = value.split(|byte| *byte == b' ').next().unwrap_or_default();
    if !is_token(scheme) {
        return Err(InvalidRequestReason::Malformed);
    }
    let hides_ours = value.split(|byte| *byte == b',').skip(1).any(|item| {
        item.trim_ascii_start()
            .split_at_checked(wanted.len())
            .is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case(wanted))
    });
    if hides_ours { Err(InvalidRequestReason::Ambiguous) } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(value: &[u8]) -> Result<Option<&[u8]>, InvalidRequestReason> {
        token_of(value, b"bearer")
    }

    #[test]
    fn the_scheme_has_no_case_and_may_be_followed_by_spaces() {
        for value in
            ["Bearer a.b.c", "bearer a.b.c", "BEARER a.b.c", "bEaReR a.b.c", "Bearer   a.b.c"]
        {
            assert_eq!(token(value.as_bytes()), Ok(Some(&b"a.b.c"[..])), "{value}");
        }
    }

    #[test]
    fn other_schemes_are_no_credential() {
        for value in [
            "Basic dXNlcjpwYXNz",
            "Digest username=\"a\", realm=\"b\"",
            "Negotiate",
            "Token x",
            "BearerX",
            "Bearer-x y",
            "DPoP x",
        ] {
            assert_eq!(token(value.as_bytes()), Ok(None), "{value}");
        }
    }

    #[test]
    fn each_scheme_is_found_by_its_own_name() {
        for value in ["DPoP a.b.c", "dpop a.b.c", "DPOP  a.b.c"] {
            assert_eq!(token_of(value.as_bytes(), b"dpop"), Ok(Some(&b"a.b.c"[..])), "{value}");
        }
        for value in ["Bearer a", "DPoPX a", "Basic x"] {
            assert_eq!(token_of(value.as_bytes(), b"dpop"), Ok(None), "{value}");
        }
        for value in ["DPoP", "DPoP ", "DPoP a, b", "DPoP a b", "Bearer a, DPoP b", "DPoP\ta"] {
            assert!(token_of(value.as_bytes(), b"dpop").is_err(), "{value:?}");
        }
    }

    #[test]
    fn what_is_not_one_credential_is_refused() {
        for value in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer    ",
            "Bearer\ta",
            "Bearer,a",
            "Bearer a b",
            "Bearer a,b",
            "Bearer a, Bearer b",
            "Bearer a; x=y",
            "Basic x, Bearer y",
            "Bearer a\u{a0}b",
            "Bearer ü",
            "(x) y",
        ] {
            assert!(token(value.as_bytes()).is_err(), "{value:?}");
        }
    }

    #[test]
    fn every_byte_is_looked_at_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            let separates = !byte.is_ascii_graphic() || byte == b',';
            for place in [0, 1, 15, 16, 17, 31, 32, 63, 64, 70, 99] {
                let mut token = [b'x'; 100];
                token[place] = byte;
                assert_eq!(has_separator(&token), separates, "{byte} at {place}");
            }
        }
    }

    #[test]
    fn odd_characters_in_the_token_are_left_to_the_verifier() {
        for value in ["a.b.c=", "a?b", "a%2Eb", "{\"a\":1}", "a;b", "a+/b"] {
            assert_eq!(token(format!("Bearer {value}").as_bytes()), Ok(Some(value.as_bytes())));
        }
    }
}
