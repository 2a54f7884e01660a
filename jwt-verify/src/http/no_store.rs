//! Responses that no cache may keep (RFC 9111 §5.2.2.5).

use actix_web::http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue};

/// Header for the builder of such a response.
pub(crate) const NO_STORE: (HeaderName, &str) = (CACHE_CONTROL, "no-store");

/// Sets the header on a response.
pub(crate) fn forbid_storing(headers: &mut HeaderMap) {
    let (name, value) = NO_STORE;
    headers.insert(name, HeaderValue::from_static(value));
}
