//! A token in `Authorization` without a scheme before it, a common mistake.

use actix_web::{HttpRequest, http::header::AUTHORIZATION};

/// Returns `true` if the only `Authorization` header has the form of a compact JWS (RFC 7515 §7.1)
/// and no scheme. Nothing of it is decoded.
pub(crate) fn lacks_scheme(request: &HttpRequest) -> bool {
    let mut fields = request.headers().get_all(AUTHORIZATION);
    match (fields.next(), fields.next()) {
        (Some(field), None) => is_compact(field.as_bytes()),
        _ => false,
    }
}

/// Returns `true` for three segments of base64url characters, the first of which begins like a
/// JSON object with a member.
fn is_compact(value: &[u8]) -> bool {
    let is_segment = |segment: &[u8]| {
        !segment.is_empty()
            && segment.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
    };
    let mut segments = value.splitn(4, |byte| *byte == b'.');
    value.starts_with(b"eyJ")
        && segments.by_ref().take(3).filter(|segment| is_segment(segment)).count() == 3
        && segments.next().is_none()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn three_segments_without_a_scheme_are_a_token() {
        assert!(is_compact(b"eyJhbGciOiJub25lIn0.eyJ9.c2ln-_"));
        for other in [
            "",
            "eyJ",
            "eyJ.b",
            "eyJ.b.",
            "eyJ..c",
            "eyJ.b.c.d",
            "eyJ.b.c.",
            "abc.b.c",
            "Bearer eyJ.b.c",
            "eyJ.b.c d",
            "eyJ.b.c,eyJ.b.c",
            "eyJ.b.c=",
            "Basic eyJ.b.c",
        ] {
            assert!(!is_compact(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn one_header_is_looked_at() {
        let with = |count: usize| {
            let mut request = TestRequest::default();
            for _ in 0..count {
                request = request.append_header((AUTHORIZATION, "eyJ.b.c"));
            }
            lacks_scheme(&request.to_http_request())
        };
        assert_eq!([with(0), with(1), with(2)], [false, true, false]);
    }
}
