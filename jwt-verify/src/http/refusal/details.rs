//! Details of a refusal that only the refusing stage knows, kept with the request for the event.

use actix_web::HttpRequest;
use tracing::Level;

use crate::error::AuthError;
use crate::http::authentication::{Authentication, noted_refusal::RefusalDetails};

/// Keeps details of an authenticated request until its refusal is logged. They are made only if it
/// will be.
pub(crate) fn note(
    error: &AuthError,
    request: &HttpRequest,
    make: impl FnOnce() -> RefusalDetails,
) {
    if is_logged(error)
        && let Some(known) = Authentication::of(request)
    {
        known.refusal.details.set(Some(Box::new(make())));
    }
}

/// Returns `true` if events of such a refusal are enabled.
pub(super) fn is_logged(error: &AuthError) -> bool {
    match error {
        AuthError::Misconfigured => tracing::enabled!(target: TARGET, Level::ERROR),
        _ => tracing::enabled!(target: TARGET, Level::DEBUG),
    }
}

/// Target of the events.
pub(crate) const TARGET: &str = "jwt_verify::http::refusal";
