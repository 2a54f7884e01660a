//! From an error to what the caller sees. The only place that decides it.

use std::{borrow::Cow, sync::Arc, time::Duration};

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, RETRY_AFTER},
    },
};
use actix_web_httpauth::{
    extractors::bearer::Error as BearerError, headers::www_authenticate::WwwAuthenticate,
};
use serde::Serialize;

use super::challenge::BearerChallenge;
use crate::{AuthError, Missing};

/// The body of a refusal.
#[derive(Serialize)]
pub(super) struct Body<'a> {
    pub(super) error: &'a str,
    pub(super) error_description: &'a str,
    pub(super) code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) required_roles: Option<&'a [Cow<'static, str>]>,
}

impl<'a> Body<'a> {
    pub(super) fn new(error: &'a str, error_description: &'a str, code: &'a str) -> Self {
        Self { error, error_description, code, required_roles: None }
    }
}

/// What an error looks like from outside.
struct Answer {
    status: StatusCode,
    /// The `error` of the body; that of the challenge is the same where RFC 6750 defines it.
    error: &'static str,
    challenge: Option<BearerChallenge>,
    retry_after: Option<u64>,
}

/// Turns an error into a response, with the realm of the application in the challenge.
pub(super) fn respond(
    error: &AuthError,
    realm: Option<&Arc<str>>,
    reveal_roles: bool,
) -> HttpResponse {
    let answer = answer(error);
    let mut response = HttpResponse::build(answer.status);
    response.insert_header((CACHE_CONTROL, "no-store"));
    if let Some(challenge) = answer.challenge {
        let challenge = match realm {
            Some(realm) => challenge.realm(realm.clone()),
            None => challenge,
        };
        response.insert_header(WwwAuthenticate(challenge));
    }
    if let Some(seconds) = answer.retry_after {
        response.insert_header((RETRY_AFTER, seconds));
    }
    response.json(Body {
        error: answer.error,
        error_description: &error.to_string(),
        code: error.code(),
        required_roles: match error {
            AuthError::Forbidden(Missing::Role(roles)) if reveal_roles => Some(roles),
            _ => None,
        },
    })
}

/// Leaves a trace of a refusal: names of fixed sets, nothing of the request.
pub(super) fn record(error: &AuthError) {
    let (code, reason) = (error.code(), error.reason());
    match error {
        AuthError::MissingToken
        | AuthError::InvalidRequest(_)
        | AuthError::ExpiredToken
        | AuthError::InvalidToken(_)
        | AuthError::Forbidden(_)
        | AuthError::StepUp { .. }
        | AuthError::CrossSite => tracing::debug!(code, reason, "refused a request"),
        // Whoever failed has said so once; every request in the meantime need not.
        AuthError::Unavailable { .. } => tracing::debug!(code, reason, "could not judge a request"),
        AuthError::Misconfigured => tracing::error!(code, reason, "could not judge a request"),
    }
}

fn answer(error: &AuthError) -> Answer {
    let challenge = |kind: BearerError| BearerChallenge::new().error(kind, error.to_string());
    match error {
        AuthError::MissingToken => Answer {
            status: StatusCode::UNAUTHORIZED,
            error: "missing_token",
            challenge: Some(BearerChallenge::new()),
            retry_after: None,
        },
        AuthError::InvalidRequest(_) => Answer {
            status: StatusCode::BAD_REQUEST,
            error: "invalid_request",
            challenge: Some(challenge(BearerError::InvalidRequest)),
            retry_after: None,
        },
        AuthError::ExpiredToken | AuthError::InvalidToken(_) => Answer {
            status: StatusCode::UNAUTHORIZED,
            error: "invalid_token",
            challenge: Some(challenge(BearerError::InvalidToken)),
            retry_after: None,
        },
        AuthError::Forbidden(missing) => Answer {
            status: StatusCode::FORBIDDEN,
            error: "insufficient_scope",
            challenge: Some(match missing {
                Missing::Permission(scope) | Missing::Scope(scope) => {
                    challenge(BearerError::InsufficientScope).scope(scope.clone())
                }
                Missing::Role(_) | Missing::Condition | Missing::Policy => {
                    challenge(BearerError::InsufficientScope)
                }
            }),
            retry_after: None,
        },
        AuthError::StepUp { max_age, acr_values } => Answer {
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
        AuthError::CrossSite => Answer {
            status: StatusCode::FORBIDDEN,
            error: "csrf",
            challenge: None,
            retry_after: None,
        },
        AuthError::Unavailable { retry_after } => Answer {
            status: StatusCode::SERVICE_UNAVAILABLE,
            error: "temporarily_unavailable",
            challenge: None,
            retry_after: Some(whole_seconds(*retry_after)),
        },
        AuthError::Misconfigured => Answer {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            error: "server_error",
            challenge: None,
            retry_after: None,
        },
    }
}

/// At least one second, and rounded up: whoever comes back that late does not come too early.
pub(super) fn whole_seconds(duration: Duration) -> u64 {
    let begun = u64::from(duration.subsec_nanos() > 0);
    duration.as_secs().saturating_add(begun).max(1)
}

/// For handlers that return an [`AuthError`] with `?`: the same answer, without a realm.
impl ResponseError for AuthError {
    fn status_code(&self) -> StatusCode {
        answer(self).status
    }

    fn error_response(&self) -> HttpResponse {
        respond(self, None, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Actix asks for either; they must not differ.
    #[test]
    fn the_status_is_that_of_the_response() {
        for error in [AuthError::MissingToken, AuthError::ExpiredToken, AuthError::Misconfigured] {
            assert_eq!(error.status_code(), error.error_response().status());
        }
    }
}
