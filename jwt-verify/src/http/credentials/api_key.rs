//! `X-Api-Key: …` and `Authorization: ApiKey …`.

use actix_web::{
    HttpRequest,
    http::header::{AUTHORIZATION, HeaderName},
};

use super::authorization::{has_separator, token_of};
use crate::error::InvalidRequestReason;

pub(crate) static X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Returns the API key of a request, from either header. Two of them are refused, and so is anything
/// that cannot be read as one.
///
/// A bearer token in `Authorization` is one if `is_key` says so; a token that the extractor has read there
/// is left to the caller, and `has_bearer` is true.
#[inline]
pub(crate) fn api_key(
    request: &HttpRequest,
    has_bearer: bool,
    is_key: impl Fn(&[u8]) -> bool,
) -> Result<Option<&[u8]>, InvalidRequestReason> {
    // One header has one scheme.
    let in_scheme = if has_bearer { None } else { in_authorization(request, is_key)? };
    let mut fields = request.headers().get_all(&X_API_KEY);
    let Some(field) = fields.next() else { return Ok(in_scheme) };
    if in_scheme.is_some() || fields.next().is_some() {
        return Err(InvalidRequestReason::Ambiguous);
    }
    let key = field.as_bytes();
    if key.is_empty() || has_separator(key) {
        return Err(InvalidRequestReason::Malformed);
    }
    Ok(Some(key))
}

#[inline]
fn in_authorization(
    request: &HttpRequest,
    is_key: impl Fn(&[u8]) -> bool,
) -> Result<Option<&[u8]>, InvalidRequestReason> {
    let mut fields = request.headers().get_all(AUTHORIZATION);
    let Some(field) = fields.next() else { return Ok(None) };
    if fields.next().is_some() {
        return Err(InvalidRequestReason::Ambiguous);
    }
    let value = field.as_bytes();
    if let Some(key) = token_of(value, b"apikey")? {
        return Ok(Some(key));
    }
    // Where the extractor reads another place, this one may hold what is no credential.
    Ok(token_of(value, b"bearer").ok().flatten().filter(|token| is_key(token)))
}

/// Returns `true` if a token that was found in a request is the bearer token of its only
/// `Authorization` header, and not of a cookie, the URL or another header.
#[inline]
pub(crate) fn is_bearer(request: &HttpRequest, token: &[u8]) -> bool {
    let mut fields = request.headers().get_all(AUTHORIZATION);
    let (Some(field), None) = (fields.next(), fields.next()) else { return false };
    let value = field.as_bytes();
    let scheme = value.first_chunk::<7>();
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "))
        && value.as_ptr_range().contains(&token.as_ptr())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn found(fields: &[(&str, &str)]) -> Result<Option<Vec<u8>>, InvalidRequestReason> {
        let request = fields
            .iter()
            .fold(TestRequest::default(), |request, field| request.append_header(*field));
        let is_key = |token: &[u8]| token.starts_with(b"ak_");
        api_key(&request.to_http_request(), false, is_key).map(|key| key.map(<[u8]>::to_vec))
    }

    #[test]
    fn a_key_is_in_its_header_or_under_its_scheme() {
        let key = Ok(Some(b"ak_x".to_vec()));
        for fields in [
            ("X-Api-Key", "ak_x"),
            ("x-api-key", "ak_x"),
            ("Authorization", "ApiKey ak_x"),
            ("Authorization", "apikey   ak_x"),
            ("Authorization", "Bearer ak_x"),
        ] {
            assert_eq!(found(&[fields]), key, "{fields:?}");
        }
        for fields in [("Authorization", "Bearer x"), ("Authorization", "ApiKeys x"), ("a", "b")] {
            assert_eq!(found(&[fields]), Ok(None), "{fields:?}");
        }
        let with_another_scheme = [("X-Api-Key", "ak_x"), ("Authorization", "Basic eA==")];
        assert_eq!(found(&with_another_scheme), key);
    }

    #[test]
    fn what_is_not_one_key_is_refused() {
        for fields in [
            &[("X-Api-Key", "a"), ("X-Api-Key", "a")][..],
            &[("X-Api-Key", "a"), ("Authorization", "ApiKey a")],
            &[("X-Api-Key", "a"), ("Authorization", "Bearer ak_a")],
            &[("Authorization", "ApiKey a"), ("Authorization", "ApiKey a")],
        ] {
            assert_eq!(found(fields), Err(InvalidRequestReason::Ambiguous), "{fields:?}");
        }
        for field in [
            ("X-Api-Key", ""),
            ("X-Api-Key", "a b"),
            ("X-Api-Key", "a,b"),
            ("X-Api-Key", "ü"),
            ("Authorization", "ApiKey"),
            ("Authorization", "ApiKey a b"),
        ] {
            assert_eq!(found(&[field]), Err(InvalidRequestReason::Malformed), "{field:?}");
        }
    }

    #[test]
    fn a_bearer_token_is_that_of_its_header() {
        let request =
            TestRequest::with_uri("/?t=ak_x").insert_header(("authorization", "bEarer  ak_x"));
        let request = request.to_http_request();
        let value = request.headers().get("authorization").unwrap().as_bytes();
        assert!(is_bearer(&request, &value[8..]));
        assert!(!is_bearer(&request, b"ak_x"), "the same text of another place");
        for other in ["DPoP ak_x", "Bearerak_x", "Bearer"] {
            let request = TestRequest::default().insert_header(("authorization", other));
            let request = request.to_http_request();
            let value = request.headers().get("authorization").unwrap().as_bytes();
            assert!(!is_bearer(&request, value), "{other}");
        }
        let two = TestRequest::default().append_header(("authorization", "Bearer a"));
        let two = two.append_header(("authorization", "Bearer a")).to_http_request();
        let value = two.headers().get("authorization").unwrap().as_bytes();
        assert!(!is_bearer(&two, &value[7..]));
    }
}
