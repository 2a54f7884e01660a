//! The scheme of the `Authorization` header.

use actix_web::{HttpRequest, http::header::AUTHORIZATION};

/// Scheme under which a token is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Scheme {
    #[default]
    Bearer,
    Dpop,
}

impl Scheme {
    /// Returns the scheme that a request has used, or tried to.
    pub(crate) fn of(request: &HttpRequest) -> Self {
        let is_dpop = |value: &[u8]| {
            value
                .split(|byte| *byte == b' ')
                .next()
                .unwrap_or_default()
                .eq_ignore_ascii_case(b"dpop")
        };
        let mut fields = request.headers().get_all(AUTHORIZATION);
        if fields.any(|field| is_dpop(field.as_bytes())) { Self::Dpop } else { Self::Bearer }
    }
}
