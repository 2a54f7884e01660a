//! Bodies of requests, which are read as a whole before a message is handed on.

use std::{future::poll_fn, pin::Pin};

use actix_web::{
    dev::Payload,
    http::header::{
        CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    },
    web::{Bytes, BytesMut},
};
use futures_core::Stream as _;

use crate::http::mcp::refusal::RequestProblem;

/// Checks that a body is JSON as it stands.
pub(super) fn check_type(headers: &HeaderMap) -> Result<(), RequestProblem> {
    let is_json = one(headers, &CONTENT_TYPE)
        .ok()
        .flatten()
        .and_then(|value| value.to_str().ok())
        .is_some_and(is_json);
    if !is_json {
        return Err(RequestProblem::ContentType);
    }
    match one(headers, &CONTENT_ENCODING) {
        Ok(None) => Ok(()),
        Ok(Some(value)) if value.as_bytes().eq_ignore_ascii_case(b"identity") => Ok(()),
        _ => Err(RequestProblem::ContentEncoding),
    }
}

/// Returns `true` for `application/json`, in UTF-8 if it says so.
fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case(JSON));
    let is_utf_8 = |parameter: &str| {
        parameter.split_once('=').is_some_and(|(name, value)| {
            name.eq_ignore_ascii_case("charset")
                && value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
    };
    is_json && parts.all(is_utf_8)
}

const JSON: &str = "application/json";

/// Returns the only field of a name, if there is one.
pub(super) fn one<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'h HeaderValue>, ()> {
    let mut fields = headers.get_all(name);
    match (fields.next(), fields.next()) {
        (field, None) => Ok(field),
        _ => Err(()),
    }
}

/// Reads a body of at most so many bytes.
pub(super) async fn read(
    headers: &HeaderMap,
    payload: &mut Payload,
    limit: usize,
) -> Result<Bytes, RequestProblem> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if announced.is_some_and(|length| length.parse().is_ok_and(|length: u64| length > limit as u64))
    {
        return Err(RequestProblem::TooLarge);
    }
    let mut read = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(chunk) = poll_fn(|context| Pin::new(&mut *payload).poll_next(context)).await {
        let chunk = chunk.map_err(|_| RequestProblem::Unreadable)?;
        if chunk.len() > limit - read.len() - joined.len() {
            return Err(RequestProblem::TooLarge);
        }
        // Most bodies come in one piece.
        if read.is_empty() && joined.is_empty() {
            read = chunk;
        } else {
            joined.extend_from_slice(&std::mem::take(&mut read));
            joined.extend_from_slice(&chunk);
        }
    }
    Ok(if joined.is_empty() { read } else { joined.freeze() })
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn check(fields: &[(&str, &str)]) -> Result<(), RequestProblem> {
        let request = fields.iter().fold(TestRequest::post(), |request, (name, value)| {
            request.append_header((*name, *value))
        });
        check_type(request.to_http_request().headers())
    }

    #[test]
    fn only_json_as_it_stands_is_read() {
        for accepted in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
        ] {
            assert_eq!(check(&[("content-type", accepted)]), Ok(()), "{accepted}");
        }
        for refused in [
            "",
            "text/plain",
            "application/json; charset=utf-16",
            "application/json; boundary=x",
            "application/jsonp",
            "application/x-www-form-urlencoded",
            "application/json, text/plain",
            "application/json-rpc",
        ] {
            let outcome = check(&[("content-type", refused)]);
            assert_eq!(outcome, Err(RequestProblem::ContentType), "{refused}");
        }
        assert_eq!(check(&[]), Err(RequestProblem::ContentType));
        let json = ("content-type", "application/json");
        assert_eq!(check(&[json, json]), Err(RequestProblem::ContentType));
        assert_eq!(check(&[json, ("content-encoding", "identity")]), Ok(()));
        for encoding in ["gzip", "identity, gzip", ""] {
            let outcome = check(&[json, ("content-encoding", encoding)]);
            assert_eq!(outcome, Err(RequestProblem::ContentEncoding), "{encoding}");
        }
    }
}
