//! Details of a refusal that only the refusing stage knows, kept with the request for the event.

use actix_web::{HttpMessage as _, HttpRequest};
use tracing::Level;

use crate::error::AuthError;

/// Names of the configuration and of fixed sets; nothing of the request.
#[derive(Debug, Default)]
pub(crate) struct RefusalDetails {
    /// Requirement that is not met.
    pub(crate) requirement: Option<String>,
    /// True if the requirement may be made of data of the request, so that it is not logged.
    pub(crate) is_of_request: bool,
    /// Names of the claims that were read for it.
    pub(crate) claims_read: Option<String>,
    /// Segment of the path that the route does not have.
    pub(crate) segment: Option<String>,
    /// Problem with the shape of the claims, without their values.
    pub(crate) shape: Option<String>,
}

impl RefusalDetails {
    /// Keeps the details until the refusal is logged. They are made only if it will be.
    pub(crate) fn note(error: &AuthError, request: &HttpRequest, make: impl FnOnce() -> Self) {
        if is_logged(error) {
            let details = make();
            request.extensions_mut().insert(details);
        }
    }

    /// Takes the details of the refusal that is being logged.
    pub(super) fn take(request: &HttpRequest) -> Self {
        request.extensions_mut().remove().unwrap_or_default()
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
pub(super) const TARGET: &str = "jwt_verify::http::refusal";
