//! Mapping of errors to responses. No other place decides it.

pub(crate) mod challenge;
pub(crate) mod details;
pub(crate) mod event;
#[cfg(feature = "issuing")]
mod session_error;

pub use challenge::BearerChallenge;

use std::{borrow::Cow, sync::Arc, time::Duration};

use actix_web::{
    Error, HttpMessage as _, HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError,
    error::InternalError,
    http::{
        StatusCode,
        header::{
            ACCESS_CONTROL_EXPOSE_HEADERS, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName,
            HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
        },
    },
};
use actix_web_httpauth::{
    extractors::bearer::Error as BearerError, headers::www_authenticate::WwwAuthenticate,
};
use serde::Serialize;

use crate::http::{
    auth::context::AuthContext,
    credentials::Scheme,
    endpoints::metadata_document::PublishedMetadata,
    no_store::{NO_STORE, forbid_storing},
    refusal::{challenge::DpopChallenge, event::RefusedBy},
};
use crate::{
    dpop::ProofRules,
    error::{AuthError, InvalidTokenReason},
};

/// The body of a refusal.
#[derive(Serialize)]
pub(crate) struct Body<'a> {
    pub(crate) error: &'a str,
    pub(crate) error_description: &'a str,
    pub(crate) code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) required_roles: Option<&'a [Cow<'static, str>]>,
}

impl<'a> Body<'a> {
    pub(crate) fn new(error: &'a str, error_description: &'a str, code: &'a str) -> Self {
        Self { error, error_description, code, required_roles: None }
    }

    fn of(name: &'a str, error: &'a AuthError, description: &'a str, reveal_roles: bool) -> Self {
        let required_roles = match error {
            AuthError::Forbidden(missing) if reveal_roles => missing.roles(),
            _ => None,
        };
        Self { required_roles, ..Self::new(name, description, error.code()) }
    }
}

/// The public form of an error.
struct ErrorMapping {
    status: StatusCode,
    /// The `error` of the body; equal to that of the challenge if RFC 6750 defines it.
    error: &'static str,
    challenge: Option<BearerChallenge>,
    retry_after: Option<u64>,
}

/// Common settings of an application's refusals.
#[derive(Default)]
pub(crate) struct ResponseContext<'a> {
    pub(crate) realm: Option<&'a Arc<str>>,
    pub(crate) reveal_roles: bool,
    /// URL of the resource metadata.
    pub(crate) metadata: Option<&'a Arc<str>>,
    /// Scopes that a caller without a token is told to request.
    pub(crate) scope: Option<&'a Arc<str>>,
    /// Rules of DPoP, if tokens may be bound to a key.
    pub(crate) proofs: Option<&'a ProofRules>,
    /// True if they may be bound to a certificate.
    pub(crate) takes_certificates: bool,
    /// Scheme under which the request sent its token.
    pub(crate) scheme: Scheme,
}

/// Scopes of the route, in the extensions of a request without a token.
struct RouteScopes(Arc<str>);

/// Names the scopes of the route in the challenge to a caller without a token (RFC 6750 §3), instead
/// of those that are set for all routes.
pub(crate) fn name_scopes(request: &HttpRequest, scopes: Option<Arc<str>>) {
    if let Some(scopes) = scopes {
        request.extensions_mut().insert(RouteScopes(scopes));
    }
}

/// Writes the body of a refusal with this status.
pub(crate) type WriteBody<'a> = &'a dyn Fn(StatusCode, &Body<'_>) -> Vec<u8>;

/// Writes the usual body.
fn usual(_: StatusCode, body: &Body<'_>) -> Vec<u8> {
    serde_json::to_vec(body).unwrap_or_default()
}

/// Returns the response to a refused request, and logs it.
pub(crate) fn refuse(
    context: &AuthContext,
    error: &AuthError,
    request: &HttpRequest,
    by: RefusedBy,
) -> HttpResponse {
    refuse_with(context, error, request, by, &usual)
}

/// Returns the same response with a body of another form, unless a hook of the application makes it.
pub(crate) fn refuse_with(
    context: &AuthContext,
    error: &AuthError,
    request: &HttpRequest,
    by: RefusedBy,
    write: WriteBody<'_>,
) -> HttpResponse {
    event::record(context, error, request, by);
    #[cfg(feature = "testing")]
    crate::http::authorization::coverage::note_refusal(error, request);
    let settings = context.settings();
    let of_route = request.extensions().get::<RouteScopes>().map(|scopes| scopes.0.clone());
    let response_context = ResponseContext {
        realm: settings.realm.as_ref(),
        reveal_roles: settings.reveal_roles,
        metadata: settings.metadata.as_ref().map(PublishedMetadata::url),
        scope: of_route.as_ref().or(settings.challenge_scopes.as_ref()),
        proofs: settings.proofs.as_deref(),
        takes_certificates: settings.certificates.is_some(),
        scheme: Scheme::of(request),
    };
    let Some(custom) = &settings.error_response else {
        return error_response(error, &response_context, write);
    };
    let mut response = custom(error, request);
    merge_challenges(&mut response, error, &response_context);
    response
}

/// Returns the content of a refusal, for a body of another form. `description` is the text of the error.
#[cfg(feature = "mcp")]
pub(crate) fn body_of<'a>(
    error: &'a AuthError,
    description: &'a str,
    reveal_roles: bool,
) -> Body<'a> {
    Body::of(mapping(error).error, error, description, reveal_roles)
}

/// Returns the status of a refusal.
#[cfg(feature = "mcp")]
pub(crate) fn status_of(error: &AuthError) -> StatusCode {
    mapping(error).status
}

/// Returns a refusal as an error of an extractor.
pub(crate) fn refuse_as_error(
    context: &AuthContext,
    error: AuthError,
    request: &HttpRequest,
    by: RefusedBy,
) -> Error {
    let response = refuse(context, &error, request, by);
    InternalError::from_response(error, response).into()
}

/// Turns an error into a response.
fn error_response(
    error: &AuthError,
    context: &ResponseContext<'_>,
    write: WriteBody<'_>,
) -> HttpResponse {
    let answer = mapping(error);
    let mut response = HttpResponse::build(answer.status);
    response.insert_header(NO_STORE);
    if let Some(challenge) = answer.challenge {
        add_challenges(&mut response, challenge, answer.status, error, context);
    }
    if let Some(seconds) = answer.retry_after {
        response.insert_header((RETRY_AFTER, seconds));
    }
    let description = error.to_string();
    let body = Body::of(answer.error, error, &description, context.reveal_roles);
    response.insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json")));
    let mut response = response.body(write(answer.status, &body));
    if let AuthError::UseDpopNonce { nonce } = error {
        set_dpop_nonce(response.headers_mut(), nonce);
    }
    response
}

/// Adds the application's settings to the challenges of a custom response, if they are unchanged.
fn merge_challenges(response: &mut HttpResponse, error: &AuthError, context: &ResponseContext<'_>) {
    let challenges = |response: &HttpResponse| -> Vec<HeaderValue> {
        response.headers().get_all(WWW_AUTHENTICATE).cloned().collect()
    };
    let kept = challenges(response);
    if kept.is_empty() || kept != challenges(&error.error_response()) {
        return;
    }
    response.headers_mut().remove(WWW_AUTHENTICATE);
    for challenge in challenges(&error_response(error, context, &usual)) {
        response.headers_mut().append(WWW_AUTHENTICATE, challenge);
    }
}

/// Adds one challenge for each accepted scheme: the one that the request has used describes the
/// error, the other is announced (RFC 9449 §7.2). If other credentials would not help, only the
/// first.
fn add_challenges(
    response: &mut HttpResponseBuilder,
    challenge: BearerChallenge,
    status: StatusCode,
    error: &AuthError,
    context: &ResponseContext<'_>,
) {
    let of_here = |mut challenge: BearerChallenge| {
        if let Some(realm) = context.realm {
            challenge = challenge.realm(realm.clone());
        }
        if let (AuthError::MissingToken, Some(scope)) = (error, context.scope) {
            challenge = challenge.scope(scope.clone());
        }
        if let Some(url) = context.metadata {
            challenge = challenge.resource_metadata(url.clone());
        }
        challenge
    };
    let for_dpop = |challenge: BearerChallenge| {
        let challenge = DpopChallenge::from(challenge);
        let challenge = match context.proofs {
            Some(rules) => challenge.algorithms(rules.algorithm_names().clone()),
            None => challenge,
        };
        (WWW_AUTHENTICATE, challenge)
    };
    let (challenge, bare) = (of_here(challenge), of_here(BearerChallenge::new()));
    let (takes_dpop, takes_bearer) = match context.proofs {
        Some(rules) => (true, !rules.is_required() || context.takes_certificates),
        None => (false, true),
    };
    let is_for_dpop = match error {
        AuthError::InvalidProof(_) | AuthError::UseDpopNonce { .. } => true,
        // For a bound token without a proof the scheme was wrong, unless a certificate would do.
        AuthError::InvalidToken(InvalidTokenReason::SenderConstraint)
            if !context.takes_certificates =>
        {
            takes_dpop
        }
        _ => takes_dpop && (context.scheme == Scheme::Dpop || !takes_bearer),
    };
    let others_would_do = status == StatusCode::UNAUTHORIZED && takes_dpop && takes_bearer;
    if is_for_dpop {
        response.append_header(for_dpop(challenge));
        if others_would_do {
            response.append_header(WwwAuthenticate(bare));
        }
    } else {
        response.append_header(WwwAuthenticate(challenge));
        if others_would_do {
            response.append_header(for_dpop(bare));
        }
    }
}

/// Sets the nonce, readable for pages of other origins too; it must not be cached (RFC 9449 §8.2,
/// §9).
pub(crate) fn set_dpop_nonce(headers: &mut HeaderMap, nonce: &str) {
    const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

    // It is base64url.
    if let Ok(nonce) = HeaderValue::from_str(nonce) {
        headers.insert(NONCE, nonce);
        forbid_storing(headers);
        headers.append(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("DPoP-Nonce"));
    }
}

/// Keeps a response out of shared caches, unless it is so already (RFC 6750 §2.3). If that
/// contradicts its present value, the more restrictive applies (RFC 9111 §4.2.1).
pub(crate) fn keep_private(headers: &mut HeaderMap) {
    let is_kept = |directive: &[u8]| {
        let directive = directive.trim_ascii();
        directive.eq_ignore_ascii_case(b"no-store") || directive.eq_ignore_ascii_case(b"private")
    };
    let mut fields = headers.get_all(CACHE_CONTROL);
    if !fields.any(|field| field.as_bytes().split(|byte| *byte == b',').any(is_kept)) {
        headers.append(CACHE_CONTROL, HeaderValue::from_static("private"));
    }
}

fn mapping(error: &AuthError) -> ErrorMapping {
    let challenge = |kind: BearerError| BearerChallenge::new().error(kind, error.to_string());
    match error {
        AuthError::MissingToken => ErrorMapping {
            status: StatusCode::UNAUTHORIZED,
            error: "missing_token",
            challenge: Some(BearerChallenge::new()),
            retry_after: None,
        },
        AuthError::InvalidRequest(_) => ErrorMapping {
            status: StatusCode::BAD_REQUEST,
            error: "invalid_request",
            challenge: Some(challenge(BearerError::InvalidRequest)),
            retry_after: None,
        },
        AuthError::ExpiredToken | AuthError::InvalidToken(_) => ErrorMapping {
            status: StatusCode::UNAUTHORIZED,
            error: "invalid_token",
            challenge: Some(challenge(BearerError::InvalidToken)),
            retry_after: None,
        },
        AuthError::Forbidden(missing) => ErrorMapping {
            status: StatusCode::FORBIDDEN,
            error: "insufficient_scope",
            challenge: Some(match missing.scope() {
                Some(scope) => challenge(BearerError::InsufficientScope).scope(scope.clone()),
                None => challenge(BearerError::InsufficientScope),
            }),
            retry_after: None,
        },
        AuthError::StepUp { max_age, acr_values } => ErrorMapping {
            status: StatusCode::UNAUTHORIZED,
            error: "insufficient_user_authentication",
            challenge: Some({
                let challenge = BearerChallenge::new().step_up(error.to_string(), *max_age);
                match acr_values {
                    Some(classes) => challenge.acr_values(classes.clone()),
                    None => challenge,
                }
            }),
            retry_after: None,
        },
        AuthError::InvalidProof(_) | AuthError::UseDpopNonce { .. } => ErrorMapping {
            status: StatusCode::UNAUTHORIZED,
            error: error.code(),
            challenge: Some(BearerChallenge::new().named(error.code(), error.to_string())),
            retry_after: None,
        },
        AuthError::Csrf => ErrorMapping {
            status: StatusCode::FORBIDDEN,
            error: "csrf",
            challenge: None,
            retry_after: None,
        },
        AuthError::TooManyProofs { retry_after } => ErrorMapping {
            status: StatusCode::TOO_MANY_REQUESTS,
            error: "too_many_proofs",
            challenge: None,
            retry_after: Some(whole_seconds(*retry_after)),
        },
        AuthError::Unavailable { retry_after } => ErrorMapping {
            status: StatusCode::SERVICE_UNAVAILABLE,
            error: "temporarily_unavailable",
            challenge: None,
            retry_after: Some(whole_seconds(*retry_after)),
        },
        AuthError::KeyLookupLimited { retry_after } => ErrorMapping {
            status: StatusCode::TOO_MANY_REQUESTS,
            error: error.code(),
            challenge: None,
            retry_after: Some(whole_seconds(*retry_after)),
        },
        AuthError::Misconfigured => ErrorMapping {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            error: "server_error",
            challenge: None,
            retry_after: None,
        },
    }
}

/// Returns at least one second, rounded up, so that a client that waits this long is not too early.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    let begun = u64::from(duration.subsec_nanos() > 0);
    duration.as_secs().saturating_add(begun).max(1)
}

/// Response for handlers that return an [`AuthError`] with `?`: the default one, without the
/// settings of the application. Inside the middleware, that of a check has them.
impl ResponseError for AuthError {
    fn status_code(&self) -> StatusCode {
        mapping(self).status
    }

    fn error_response(&self) -> HttpResponse {
        error_response(self, &ResponseContext::default(), &usual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Actix uses both; they must be equal.
    #[test]
    fn the_status_is_that_of_the_response() {
        for error in [AuthError::MissingToken, AuthError::ExpiredToken, AuthError::Misconfigured] {
            assert_eq!(error.status_code(), error.error_response().status());
        }
    }
}
