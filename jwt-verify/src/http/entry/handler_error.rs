//! Refusals that a handler returns itself, from a check on its way.

use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse, ResponseError as _,
    body::{BoxBody, EitherBody, MessageBody},
    dev::ServiceResponse,
    http::header::{
        CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, TRANSFER_ENCODING,
        WWW_AUTHENTICATE,
    },
    web::Bytes,
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

/// Marks a request that a middleware has refused by a response with an error, which a hook can make.
/// One that a handler returns looks the same.
struct RefusedAlready;

/// Notes the response of a middleware, so that another one around it leaves it as it is.
pub(crate) fn note_refusal<B>(response: &HttpResponse<B>, request: &HttpRequest) {
    if response.error().is_some() {
        request.extensions_mut().insert(RefusedAlready);
    }
}

/// Answers a refusal by the handler like every other. All other responses stay as they are.
#[inline]
pub(super) fn answered<B: MessageBody>(
    response: ServiceResponse<B>,
) -> ServiceResponse<EitherBody<B>> {
    match response.response().error() {
        None => response.map_into_left_body(),
        Some(_) => answer_refusal(response),
    }
}

#[cold]
fn answer_refusal<B: MessageBody>(response: ServiceResponse<B>) -> ServiceResponse<EitherBody<B>> {
    let (response, is_unchanged) = match unchanged_body(&response) {
        Some(body) => compare_body(response, &body),
        None => (response.map_into_left_body(), false),
    };
    let refusal = if is_unchanged { refusal_of(&response) } else { None };
    let Some(refusal) = refusal else { return response };
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
    let known = Authentication::of(request)?;
    let failed = known.failed_check.take().filter(|failed| failed.error == *error);
    // `VerifiedClaims::check` knows no request, and leaves none. Its other error, and all that a
    // handler makes of its own, may come from an argument too.
    let is_of_claims = matches!(error, AuthError::Forbidden(_) | AuthError::StepUp { .. });
    if failed.is_none() && !is_of_claims {
        return None;
    }
    if let Ok(claims) = known.claims() {
        let requirement = failed.map(|failed| failed.requirement.clone());
        let requirement = requirement.unwrap_or_else(Requirement::authenticated);
        let demand = Demand::Check { handler: known.demands.handler_name(), requirement };
        demand.record_refusal(&known.by, request, &claims, error);
    }
    let by = RefusedBy { handler: None, is_for_refresh: known.is_for_refresh };
    forget(request);
    Some(HttpResponse::from_error(refuse_as_error(&known.by, error.clone(), request, by)))
}

/// Returns the body of the default response of its error, if the response has the status, the
/// challenges and the length of that one: no middleware on the way has made another of it.
fn unchanged_body<B: MessageBody>(response: &ServiceResponse<B>) -> Option<Bytes> {
    let error: &AuthError = response.response().error()?.as_error()?;
    let default = error.error_response();
    let challenges = |headers: &HeaderMap| -> Vec<HeaderValue> {
        headers.get_all(WWW_AUTHENTICATE).cloned().collect()
    };
    // What is compressed has another length in any case.
    let is_encoded = response.headers().contains_key(CONTENT_ENCODING);
    let is_unchanged = response.status() == default.status()
        && challenges(response.headers()) == challenges(default.headers())
        && (is_encoded || response.response().body().size() == default.body().size());
    is_unchanged.then(|| default.into_body().try_into_bytes().ok())?
}

/// Returns the response, and `false` if it is known to have another body than the default one. A
/// stream, such as one that a middleware counts or compresses, is not read.
fn compare_body<B: MessageBody>(
    response: ServiceResponse<B>,
    default: &Bytes,
) -> (ServiceResponse<EitherBody<B>>, bool) {
    let is_encoded = response.headers().contains_key(CONTENT_ENCODING);
    let (request, response) = response.into_parts();
    let (head, body) = response.into_parts();
    let (body, is_same) = match body.try_into_bytes() {
        Ok(bytes) => {
            let is_same = is_encoded || bytes == *default;
            (EitherBody::right(BoxBody::new(bytes)), is_same)
        }
        Err(body) => (EitherBody::left(body), true),
    };
    (ServiceResponse::new(request, head.set_body(body)), is_same)
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
