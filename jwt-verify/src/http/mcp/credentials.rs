//! Credentials of callers, which a server behind the guard does not get.

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderName};

use crate::http::auth::context::AuthContext;

const DPOP: HeaderName = HeaderName::from_static("dpop");

/// Removes every credential that the `JwtAuth` reads. Returns `false` if there may be others, in places
/// that only the application knows.
pub(super) fn remove(context: &AuthContext, headers: &mut HeaderMap) -> bool {
    headers.remove(AUTHORIZATION);
    headers.remove(DPOP);
    let by_extractor =
        context.token_source(false).is_none_or(|source| source.extractor.remove(headers));
    let others = context.authenticators().iter();
    others.fold(by_extractor, |all, authenticator| authenticator.remove(headers) && all)
}
