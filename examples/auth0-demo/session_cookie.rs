//! The session's cookie, which only this website may set.

use actix_web::{
    Error, ResponseError as _,
    body::{BoxBody, MessageBody},
    cookie::Cookie,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{COOKIE, HeaderMap},
    middleware::Next,
};

use crate::pages::Problem;

/// With the prefix `__Host-`, which browsers let only this host set, and only over TLS.
pub(crate) const NAME: &str = "__Host-session";

/// Refuses requests with a cookie that only looks like the session's, and with two.
///
/// Actix decodes and trims the names of cookies, and `actix-session` takes the first that fits then. So a
/// cookie `%5F_Host-session`, which browsers do not protect, would be the session: an attacker plants the
/// own login in the browser of a victim, who then works in the attacker's account.
pub(crate) async fn refuse_planted(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if is_planted(request.headers()) {
        return Ok(request.into_response(Problem::PlantedCookie.error_response()));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

fn is_planted(headers: &HeaderMap) -> bool {
    // As Actix reads them. It gives up on a field that is not UTF-8.
    let fields =
        headers.get_all(COOKIE).filter_map(|field| std::str::from_utf8(field.as_bytes()).ok());
    let pairs = fields.flat_map(|field| field.split(';'));
    let mut ours = pairs.filter(|pair| {
        Cookie::parse_encoded(pair.trim()).is_ok_and(|cookie| cookie.name().trim() == NAME)
    });
    let is_right = |pair: &str| {
        let value = pair.trim_start_matches(' ').strip_prefix(NAME);
        value.is_some_and(|value| value.starts_with('='))
    };
    match (ours.next(), ours.next()) {
        (None, _) => false,
        (Some(pair), None) => !is_right(pair),
        (Some(_), Some(_)) => true,
    }
}
