//! Refusals that a handler returns itself, from a check on its way.

use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse,
    body::EitherBody,
    dev::ServiceResponse,
    http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, TRANSFER_ENCODING},
};

use crate::http::{
    authentication::Authentication,
    authorization::Demand,
    refusal::{
        event::{RefusedBy, forget},
        refuse_as_error,
    },
};
use crate::{authz::Requirement, error::AuthError};

/// A requirement that [`VerifiedClaimsExt::check`](crate::VerifiedClaimsExt::check) has found unmet,
/// kept with the request: the handler may return the error, or go on.
pub(super) struct FailedCheck {
    error: AuthError,
    requirement: Requirement,
}

impl FailedCheck {
    pub(super) fn note(request: &HttpRequest, error: &AuthError, requirement: &Requirement) {
        let (error, requirement) = (error.clone(), requirement.clone());
        request.extensions_mut().insert(Self { error, requirement });
    }
}

/// Marks a request that a middleware has refused by a response with an error, which a hook can make.
/// One that a handler returns looks the same.
struct RefusedAlready;

/// Notes the response of a middleware, so that another one around it leaves it as it is.
pub(super) fn note_refusal<B>(response: &HttpResponse<B>, request: &HttpRequest) {
    if response.error().is_some() {
        request.extensions_mut().insert(RefusedAlready);
    }
}

/// Answers a refusal by the handler like every other. All other responses stay as they are.
#[inline]
pub(super) fn answered<B>(response: ServiceResponse<B>) -> ServiceResponse<EitherBody<B>> {
    match response.response().error() {
        None => response.map_into_left_body(),
        Some(_) => answer_refusal(response),
    }
}

#[cold]
fn answer_refusal<B>(response: ServiceResponse<B>) -> ServiceResponse<EitherBody<B>> {
    let Some(refusal) = refusal_of(&response) else { return response.map_into_left_body() };
    let (request, before) = response.into_parts();
    let response = with_headers_of(refusal, before.headers());
    ServiceResponse::new(request, response).map_into_right_body()
}

/// Returns the response to a refusal by the handler, with its error for loggers.
fn refusal_of<B>(response: &ServiceResponse<B>) -> Option<HttpResponse> {
    let error: &AuthError = response.response().error()?.as_error()?;
    let request = response.request();
    if request.extensions().contains::<RefusedAlready>() {
        return None;
    }
    let failed = request.extensions_mut().remove::<FailedCheck>();
    let failed = failed.filter(|failed| failed.error == *error);
    // `VerifiedClaims::check` knows no request, and leaves none. Its other error, and all that a
    // handler makes of its own, may come from an argument too.
    let is_of_claims = matches!(error, AuthError::Forbidden(_) | AuthError::StepUp { .. });
    if failed.is_none() && !is_of_claims {
        return None;
    }
    let known = Authentication::of(request)?;
    if let Ok(claims) = known.claims() {
        let requirement = failed.map_or_else(Requirement::authenticated, |it| it.requirement);
        let demand = Demand::Check { handler: known.handler.get(), requirement };
        demand.record_refusal(&known.by, request, &claims, error);
    }
    let by = RefusedBy { handler: None, is_for_refresh: known.is_for_refresh };
    forget(request);
    Some(HttpResponse::from_error(refuse_as_error(&known.by, error.clone(), request, by)))
}

/// Adds headers that middlewares inside of this one have set, except those about the body.
fn with_headers_of(mut response: HttpResponse, before: &HeaderMap) -> HttpResponse {
    let about_body = [CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING];
    let is_new = |name| !about_body.contains(name) && !response.headers().contains_key(name);
    let added: Vec<_> = before.iter().filter(|(name, _)| is_new(*name)).collect();
    for (name, value) in added {
        response.headers_mut().append(name.clone(), value.clone());
    }
    response
}
