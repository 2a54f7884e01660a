//! Answers of the server on their way to the caller.

use std::rc::Rc;

use actix_web::{
    HttpResponse, ResponseError as _,
    body::{BoxBody, EitherBody, MessageBody, to_bytes_limited},
    dev::ServiceResponse,
    http::{
        StatusCode,
        header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap},
    },
};

use crate::{
    claims::VerifiedClaims,
    error::AuthError,
    http::{
        mcp::{
            decisions::Decisions,
            guarded_body::{GuardedBody, MAX_ANSWER},
            listing::Listing,
            refusal::status_response,
            sessions::SESSION,
        },
        streams::{AccessEnded, StreamGuard},
    },
    mcp_protocol::list_filter::filter_answer,
};

/// What is known of an admitted request when its answer comes.
pub(super) struct Exchange {
    pub(super) claims: VerifiedClaims,
    /// It asks for a list.
    pub(super) is_list: bool,
    /// It opens a stream that lasts: `GET` or `subscriptions/listen`.
    pub(super) is_stream: bool,
    /// It is a `GET`, whose stream may have the answer to any earlier request.
    pub(super) may_resume: bool,
    /// It is of a revision with sessions.
    pub(super) has_sessions: bool,
    /// Text of the identifier of a list's request.
    pub(super) id: Option<String>,
}

impl Exchange {
    pub(super) fn of(claims: VerifiedClaims, has_sessions: bool) -> Self {
        let (is_list, is_stream, may_resume) = (false, false, false);
        Self { claims, is_list, is_stream, may_resume, has_sessions, id: None }
    }
}

/// Content of an answer, as its head says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    Json,
    Events,
    Other,
}

impl Content {
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
pub(super) type Answer<B> = ServiceResponse<EitherBody<GuardedBody<B>>>;

/// Makes of the server's response what the caller may see.
pub(super) async fn answer<B: MessageBody + 'static>(
    decisions: &Rc<Decisions>,
    exchange: Exchange,
    mut response: ServiceResponse<B>,
) -> Answer<B> {
    let headers = response.headers_mut();
    if exchange.has_sessions {
        decisions.settings.sessions.bind(headers, &exchange.claims);
    } else {
        headers.remove(SESSION);
    }
    let content = Content::of(headers);
    let is_encoded = headers
        .get_all(CONTENT_ENCODING)
        .any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"));
    // A caller who may call everything sees everything.
    let is_filtered = !decisions.context.is_report_only();
    let has_lists = exchange.is_list || exchange.may_resume;
    match content {
        Content::Events => {
            let ended = match open(decisions, &exchange) {
                Ok(ended) => ended,
                Err(error) => return replaced(response, &exchange, error.status_code()),
            };
            if is_encoded && is_filtered {
                return unreadable(response, &exchange);
            }
            let listing = match is_filtered {
                true => Some(Listing::prepare(decisions.clone(), exchange.claims).await),
                false => None,
            };
            response.headers_mut().remove(CONTENT_LENGTH);
            response
                .map_body(|_, body| GuardedBody::events(body, listing, has_lists, ended))
                .map_into_left_body()
        }
        Content::Json if has_lists && is_filtered => {
            if is_encoded {
                return unreadable(response, &exchange);
            }
            whole(decisions, exchange, response).await
        }
        // What says that something failed is no list.
        Content::Other
            if exchange.is_list && is_filtered && is_success(&response) && has_body(&response) =>
        {
            unreadable(response, &exchange)
        }
        Content::Json | Content::Other => {
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

/// Watches the access of a stream that lasts.
fn open(decisions: &Decisions, exchange: &Exchange) -> Result<Option<AccessEnded>, AuthError> {
    if !exchange.is_stream {
        return Ok(None);
    }
    let guard = StreamGuard::open(&decisions.context, &exchange.claims)?;
    Ok(Some(guard.ended()))
}

/// Reads an answer as a whole, and cuts out what the caller must not see.
async fn whole<B: MessageBody + 'static>(
    decisions: &Rc<Decisions>,
    exchange: Exchange,
    response: ServiceResponse<B>,
) -> Answer<B> {
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
fn unreadable<B>(response: ServiceResponse<B>, exchange: &Exchange) -> Answer<B> {
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

fn replaced<B>(response: ServiceResponse<B>, exchange: &Exchange, status: StatusCode) -> Answer<B> {
    let (request, _) = response.into_parts();
    let response =
        status_response(status, exchange.id.as_deref(), "the stream could not be opened");
    ServiceResponse::new(request, response).map_into_right_body()
}
