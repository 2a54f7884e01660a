//! The event of a refusal.

use actix_web::{HttpMessage as _, HttpRequest};
use tracing::Level;

use crate::{error::AuthError, http::credentials::lacks_scheme};

/// Target of the events.
const TARGET: &str = "jwt_verify::http::refusal";

/// Marks a request whose refusal is in the log.
struct Recorded;

/// Logs a refusal: names of fixed sets, nothing of the request.
///
/// A request has one event, of the refusal that came first: Actix answers with the error of that
/// argument, and the others may have failed by then too.
pub(super) fn record(error: &AuthError, request: &HttpRequest) {
    let is_enabled = match error {
        AuthError::Misconfigured => tracing::enabled!(target: TARGET, Level::ERROR),
        _ => tracing::enabled!(target: TARGET, Level::DEBUG),
    };
    if !is_enabled || request.extensions_mut().insert(Recorded).is_some() {
        return;
    }
    let (code, reason) = (error.code(), error.reason());
    let (claim, algorithm) = (error.claim(), error.algorithm());
    match error {
        AuthError::MissingToken if lacks_scheme(request) => {
            tracing::debug!(target: TARGET, code, reason = "missing_scheme", "refused a request");
        }
        AuthError::MissingToken
        | AuthError::InvalidRequest(_)
        | AuthError::ExpiredToken
        | AuthError::InvalidToken(_)
        | AuthError::Forbidden(_)
        | AuthError::StepUp { .. }
        | AuthError::InvalidProof(_)
        | AuthError::UseDpopNonce { .. }
        | AuthError::TooManyProofs { .. }
        | AuthError::Csrf => {
            tracing::debug!(target: TARGET, code, reason, claim, algorithm, "refused a request");
        }
        // The failing part has logged its error once; further requests need not.
        AuthError::Unavailable { .. } | AuthError::KeyLookupLimited { .. } => {
            tracing::debug!(target: TARGET, code, reason, "could not authenticate a request");
        }
        AuthError::Misconfigured => {
            tracing::error!(target: TARGET, code, reason, "could not authenticate a request");
        }
    }
}
