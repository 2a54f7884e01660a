//! Callers that a test hands over, without a token.

use std::{cell::Cell, time::Duration};

use actix_web::{HttpMessage as _, HttpRequest, dev::Extensions};

use crate::{
    claims::Claims,
    error::{AuthError, InvalidTokenReason},
    http::auth::context::AuthContext,
};

/// The caller that a test has handed over, in the extensions of the request.
struct Assumed {
    by: AuthContext,
    refusal: Option<AuthError>,
    /// True if the `JwtAuth` that it is meant for has met it.
    is_met: Cell<bool>,
}

/// Notes that a test hands a caller over. Returns `false` if the claims have expired, or are not valid
/// yet.
pub(super) fn note(context: &AuthContext, extensions: &mut Extensions, claims: &Claims) -> bool {
    let refusal = check_dates(claims, context.verifier().now()).err();
    let is_valid = refusal.is_none();
    extensions.insert(Assumed { by: context.clone(), refusal, is_met: Cell::new(false) });
    is_valid
}

/// Without leeway: a test that says "expired" means it.
fn check_dates(claims: &Claims, now: Duration) -> Result<(), AuthError> {
    let end = claims.expires_at().ok_or(InvalidTokenReason::MissingExpiry)?;
    if end.since_epoch() <= now {
        return Err(AuthError::ExpiredToken);
    }
    match claims.not_before() {
        Some(start) if start.since_epoch() > now => Err(InvalidTokenReason::NotYetValid.into()),
        _ => Ok(()),
    }
}

/// Notes that the application has the `JwtAuth` that the caller was handed over for.
pub(super) fn note_met(request: &HttpRequest) {
    if let Some(assumed) = request.extensions().get::<Assumed>() {
        assumed.is_met.set(true);
    }
}

/// Checks a caller before a token is looked for.
///
/// # Errors
/// The refusal because of the dates.
///
/// # Panics
/// If a test has handed the caller over for a `JwtAuth` that the application does not have. Only the
/// request of a test has such a caller.
pub(super) fn check(context: &AuthContext, request: &HttpRequest) -> Result<(), AuthError> {
    let (is_same, refusal) = {
        let extensions = request.extensions();
        let Some(assumed) = extensions.get::<Assumed>() else { return Ok(()) };
        let is_same = assumed.by.is_same(context);
        if !is_same && assumed.is_met.get() {
            tracing::error!("{OTHER}");
            return Ok(());
        }
        (is_same, assumed.refusal.clone())
    };
    assert!(is_same, "{OTHER}");
    refusal.map_or(Ok(()), Err)
}

const OTHER: &str = "the claims were handed over for another JwtAuth than the application's: clone one \
                     JwtAuth into the application and into `to_request_as`";
