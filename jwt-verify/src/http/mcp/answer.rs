//! Answers of the server on their way to the caller.

use std::rc::Rc;

use actix_web::{
    HttpResponse,
    body::{BoxBody, EitherBody, MessageBody, to_bytes_limited},
    dev::ServiceResponse,
    http::{
        StatusCode,
        header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap},
    },
};

use crate::{
    claims::VerifiedClaims,
    http::{
        mcp::{
            decisions::Decisions,
            guarded_body::{GuardedBody, MAX_ANSWER},
            listing::Listing,
            refusal::status_response,
            sessions::SESSION,
        },
        streams::StreamGuard,
    },
    mcp_protocol::list_filter::filter_answer,
};

/// An admitted request, as far as its answer depends on it.
pub(super) struct AdmittedRequest {
    pub(super) claims: VerifiedClaims,
    /// It asks for a list.
    pub(super) is_list: bool,
    /// Watches the access of a stream that lasts: of `GET` or `subscriptions/listen`.
    pub(super) watch: Option<StreamGuard>,
    /// It is a `GET`, whose stream may have the answer to any earlier request.
    pub(super) may_resume: bool,
    /// It is of a revision with sessions.
    pub(super) has_sessions: bool,
    /// Text of the identifier of a list's request.
    pub(super) id: Option<String>,
}

impl AdmittedRequest {
    pub(super) fn of(claims: VerifiedClaims, has_sessions: bool) -> Self {
        let (is_list, may_resume) = (false, false);
        Self { claims, is_list, watch: None, may_resume, has_sessions, id: None }
    }
}

/// Kinds of answers, as their heads say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AnswerKind {
    Json,
    Events,
    Other,
}

impl AnswerKind {
    fn of(headers: &HeaderMap) -> Self {
        let mut types = headers.get_all(CONTENT_TYPE).filter_map(|value| value.to_str().ok());
        let essence =
            |value: &str| value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match types.next().map(essence).as_deref() {
            Some("application/json") => Self::Json,
            Some("text/event-stream") => Self::Events,
            _ => Self::Other,
        }
    }
}

/// Response of the guard: of the server, or in its place.
pub(super) type GuardedResponse<B> = ServiceResponse<EitherBody<GuardedBody<B>>>;

/// Makes of the server's response what the caller may see.
pub(super) async fn answer<B: MessageBody + 'static>(
    decisions: &Rc<Decisions>,
    exchange: AdmittedRequest,
    mut response: ServiceResponse<B>,
) -> GuardedResponse<B> {
    let headers = response.headers_mut();
    if exchange.has_sessions {
        decisions.settings.sessions.bind(headers, &exchange.claims);
    } else {
        headers.remove(SESSION);
    }
    let content = AnswerKind::of(headers);
    let is_encoded = headers
        .get_all(CONTENT_ENCODING)
        .any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"));
    // A caller who may call everything sees everything.
    let is_filtered = !decisions.context.is_report_only();
    let has_lists = exchange.is_list || exchange.may_resume;
    match content {
        AnswerKind::Events => {
            if is_encoded && is_filtered {
                return unreadable(response, &exchange);
            }
            let listing = if is_filtered {
                Some(Listing::prepare(decisions.clone(), exchange.claims).await)
            } else {
                None
            };
            let ended = exchange.watch.map(|watch| watch.ended());
            response.headers_mut().remove(CONTENT_LENGTH);
            response
                .map_body(|_, body| GuardedBody::events(body, listing, has_lists, ended))
                .map_into_left_body()
        }
        AnswerKind::Json if has_lists && is_filtered => {
            if is_encoded {
                return unreadable(response, &exchange);
            }
            whole(decisions, exchange, response).await
        }
        // What says that something failed is no list.
        AnswerKind::Other
            if exchange.is_list && is_filtered && is_success(&response) && has_body(&response) =>
        {
            unreadable(response, &exchange)
        }
        AnswerKind::Json | AnswerKind::Other => {
            response.map_body(|_, body| GuardedBody::plain(body)).map_into_left_body()
        }
    }
}

fn is_success<B>(response: &ServiceResponse<B>) -> bool {
    !response.status().is_client_error() && !response.status().is_server_error()
}

fn has_body<B: MessageBody>(response: &ServiceResponse<B>) -> bool {
    !response.response().body().size().is_eof()
}

/// Reads an answer as a whole, and cuts out what the caller must not see.
async fn whole<B: MessageBody + 'static>(
    decisions: &Rc<Decisions>,
    exchange: AdmittedRequest,
    response: ServiceResponse<B>,
) -> GuardedResponse<B> {
    let (request, response) = response.into_parts();
    let (mut head, body) = response.into_parts();
    let read = match to_bytes_limited(body, MAX_ANSWER).await {
        Ok(Ok(bytes)) => String::from_utf8(bytes.into()).ok(),
        Ok(Err(_)) | Err(_) => None,
    };
    let listing = Listing::prepare(decisions.clone(), exchange.claims).await;
    let seen = match read {
        Some(text) if text.is_empty() => Some(text),
        Some(text) => filter_answer(text, &mut |entry| listing.decide(entry)).ok(),
        None => None,
    };
    let response = match seen {
        Some(text) => {
            head.headers_mut().remove(CONTENT_LENGTH);
            head.set_body(BoxBody::new(text))
        }
        None => unreadable_response(exchange.id.as_deref()),
    };
    ServiceResponse::new(request, response).map_into_right_body()
}

/// Replaces an answer that the guard cannot read.
fn unreadable<B>(response: ServiceResponse<B>, exchange: &AdmittedRequest) -> GuardedResponse<B> {
    let (request, _) = response.into_parts();
    let response = unreadable_response(exchange.id.as_deref());
    ServiceResponse::new(request, response).map_into_right_body()
}

fn unreadable_response(id: Option<&str>) -> HttpResponse {
    tracing::error!(
        "an MCP server answers with a list that cannot be filtered: it has to be JSON or events, without \
         content encoding, and at most 16 MiB"
    );
    let text = "the answer could not be read";
    status_response(StatusCode::INTERNAL_SERVER_ERROR, id, text)
}
