//! HTTP responses for session errors (RFC 6749 §5.2).

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header::RETRY_AFTER},
};

use crate::http::{
    no_store::NO_STORE,
    refusal::{Body, whole_seconds},
    sessions::cookies::SessionCookieError,
};
use crate::issuing::sessions::SessionError;

impl ResponseError for SessionError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::InvalidGrant => StatusCode::BAD_REQUEST,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Issuing(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header(NO_STORE);
        let (code, text) = match self {
            Self::InvalidGrant => ("invalid_grant", self.to_string()),
            Self::Unavailable { retry_after } => {
                response.insert_header((RETRY_AFTER, whole_seconds(*retry_after)));
                ("temporarily_unavailable", self.to_string())
            }
            Self::Issuing(problem) => {
                tracing::error!(%problem, "no token could be issued");
                ("server_error", "no token could be issued".to_owned())
            }
        };
        response.json(Body::new(code, &text, code))
    }
}

impl ResponseError for SessionCookieError {
    fn status_code(&self) -> StatusCode {
        StatusCode::INTERNAL_SERVER_ERROR
    }

    fn error_response(&self) -> HttpResponse {
        tracing::error!(problem = %self, "no cookies could be set");
        let (code, text) = ("server_error", "no token could be issued");
        HttpResponse::build(self.status_code())
            .insert_header(NO_STORE)
            .json(Body::new(code, text, code))
    }
}
