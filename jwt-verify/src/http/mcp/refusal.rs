//! Answers to refused messages: those of the library, with a body that clients of the protocol read.

use actix_web::{
    HttpRequest, HttpResponse,
    body::BoxBody,
    http::{
        StatusCode,
        header::{ALLOW, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue},
    },
};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::http::{
    auth::context::AuthContext,
    no_store::NO_STORE,
    refusal::{self, Body, body_of, details::TARGET, event::RefusedBy, status_of},
    step::Rejection,
};
use crate::{
    error::AuthError,
    mcp_protocol::{fields::HeaderMismatch, message::MessageProblem},
};

/// A reason why a message is refused.
#[derive(Debug)]
pub(super) enum MessageRefusal {
    /// Its caller may not.
    Access(Rejection),
    /// It is not as the protocol says.
    Message(MessageProblem),
    /// The request around it is not.
    Request(RequestProblem),
}

/// A request that carries no message that the guard could read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestProblem {
    Origin,
    /// Another method than these.
    Method(&'static str),
    ContentType,
    ContentEncoding,
    TooLarge,
    Unreadable,
    /// A session that is not the caller's, or that does not exist.
    Session,
    /// It ends a session, and names none.
    NoSession,
}

impl RequestProblem {
    fn status(self) -> StatusCode {
        match self {
            Self::Origin => StatusCode::FORBIDDEN,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::ContentType | Self::ContentEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unreadable | Self::NoSession => StatusCode::BAD_REQUEST,
            Self::Session => StatusCode::NOT_FOUND,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Origin => "pages of this origin may not use the server",
            Self::Method(_) => "the method is not allowed",
            Self::ContentType => "the content type must be application/json",
            Self::ContentEncoding => "the body must not be encoded",
            Self::TooLarge => "the body is too large",
            Self::Unreadable => "the body could not be read",
            Self::Session => "there is no such session",
            Self::NoSession => "`Mcp-Session-Id` is missing",
        }
    }
}

impl From<Rejection> for MessageRefusal {
    fn from(rejection: Rejection) -> Self {
        Self::Access(rejection)
    }
}

impl From<AuthError> for MessageRefusal {
    fn from(error: AuthError) -> Self {
        Self::Access(error.into())
    }
}

impl From<MessageProblem> for MessageRefusal {
    fn from(problem: MessageProblem) -> Self {
        Self::Message(problem)
    }
}

impl From<HeaderMismatch> for MessageRefusal {
    fn from(problem: HeaderMismatch) -> Self {
        Self::Message(problem.into())
    }
}

impl From<RequestProblem> for MessageRefusal {
    fn from(problem: RequestProblem) -> Self {
        Self::Request(problem)
    }
}

impl MessageRefusal {
    /// Returns the response. `id` is the text of the message's identifier, if it is known.
    pub(super) fn response(
        self,
        context: &AuthContext,
        request: &HttpRequest,
        id: Option<&str>,
    ) -> HttpResponse {
        let (status, code, text) = match self {
            Self::Access(Rejection::Error(error)) => {
                return access_response(context, &error, request, id);
            }
            Self::Access(Rejection::Response(error)) => return error.error_response(),
            Self::Message(problem) => (StatusCode::BAD_REQUEST, problem.code(), problem.text()),
            Self::Request(problem) => {
                let status = problem.status();
                (status, i32::from(status.as_u16()), problem.text())
            }
        };
        tracing::debug!(target: TARGET, code, route = request.match_pattern(), "refused a message: {text}");
        let mut response = error_response(status, id, code, text);
        if let Self::Request(RequestProblem::Method(allowed)) = self {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
        }
        response
    }
}

/// Returns a response with an error whose code is the status.
pub(super) fn status_response(status: StatusCode, id: Option<&str>, text: &str) -> HttpResponse {
    error_response(status, id, i32::from(status.as_u16()), text)
}

fn error_response(status: StatusCode, id: Option<&str>, code: i32, text: &str) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header(NO_STORE)
        .content_type(JSON)
        .body(json_rpc(id, code, text, None))
}

const JSON: &str = "application/json";

/// Returns the library's own refusal, with its status, its challenges and another body.
fn access_response(
    context: &AuthContext,
    error: &AuthError,
    request: &HttpRequest,
    id: Option<&str>,
) -> HttpResponse {
    let by = RefusedBy { handler: None, is_for_refresh: false };
    let write = |status: StatusCode, body: &Body<'_>| {
        json_rpc(id, i32::from(status.as_u16()), body.error_description, Some(body))
    };
    let mut response = refusal::refuse_with(context, error, request, by, &write);
    if context.settings().error_response.is_none() {
        return response;
    }
    // A hook has made it.
    if !response.status().is_client_error() && !response.status().is_server_error() {
        *response.status_mut() = status_of(error);
    }
    let text = error.to_string();
    let body = write(response.status(), &body_of(error, &text, context.settings().reveal_roles));
    let headers = response.headers_mut();
    headers.remove(CONTENT_ENCODING);
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    response.set_body(BoxBody::new(body))
}

/// An error of JSON-RPC (§5.1).
#[derive(Serialize)]
struct ErrorMessage<'a> {
    jsonrpc: &'static str,
    /// As it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a RawValue>,
    error: ErrorContent<'a>,
}

#[derive(Serialize)]
struct ErrorContent<'a> {
    code: i32,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Body<'a>>,
}

/// Bytes that most errors have room in.
const USUAL_LENGTH: usize = 512;

/// Writes an error of JSON-RPC. The codes of refusals are positive: the protocol reserves negative ones.
fn json_rpc(id: Option<&str>, code: i32, message: &str, data: Option<&Body<'_>>) -> Vec<u8> {
    let id = id.and_then(|id| serde_json::from_str(id).ok());
    let error = ErrorContent { code, message, data };
    let mut written = Vec::with_capacity(USUAL_LENGTH);
    // Nothing in it fails to be written.
    let _ = serde_json::to_writer(&mut written, &ErrorMessage { jsonrpc: "2.0", id, error });
    written
}
