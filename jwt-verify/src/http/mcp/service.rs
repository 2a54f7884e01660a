//! The guard as a middleware.

use std::{
    fmt,
    future::{Future, Ready, ready},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::{
    Error, HttpMessage as _, HttpRequest,
    body::{EitherBody, MessageBody},
    dev::{Payload, Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
    error::PayloadError,
    http::Method,
    web::Bytes,
};
use futures_core::Stream;

use crate::{
    http::{
        authentication::{Authentication, sender_constraint::NextNonce},
        entry::handler_error::note_refusal,
        mcp::{
            answer::{AdmittedRequest, GuardedResponse, answer},
            body,
            decisions::{Decisions, fields_of},
            guard::McpGuard,
            guarded_body::GuardedBody,
            refusal::MessageRefusal,
        },
        refusal::{keep_private, set_dpop_nonce},
        step::Step,
        streams::StreamGuard,
    },
    json::JsonText,
    mcp_protocol::{
        fields::Revision,
        message::{MessageProblem, messages},
    },
};

impl<S, B> Transform<S, ServiceRequest> for McpGuard
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<GuardedBody<B>>>;
    type Error = Error;
    type Transform = McpGuardService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, Self::InitError>>;

    fn new_transform(&self, service: S) -> Self::Future {
        let decisions = Rc::new(Decisions::new(&self.context, &self.settings));
        ready(Ok(McpGuardService { service: Rc::new(service), decisions }))
    }
}

/// The guard in front of a server.
pub struct McpGuardService<S> {
    service: Rc<S>,
    decisions: Rc<Decisions>,
}

impl<S> fmt::Debug for McpGuardService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpGuardService")
            .field("settings", &self.decisions.settings)
            .finish_non_exhaustive()
    }
}

impl<S, B> Service<ServiceRequest> for McpGuardService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<GuardedBody<B>>>;
    type Error = Error;
    type Future = GuardFuture<B>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let begun = self.decisions.begin(request.request());
        if let Step::Ready(Err(refusal)) = begun {
            let refused = RefusedMessage { refusal, id: None };
            return GuardFuture::Refused(Some(refuse(&self.decisions, refused, request)));
        }
        let (service, decisions) = (self.service.clone(), self.decisions.clone());
        GuardFuture::Running(Box::pin(async move {
            let mut request = request;
            let admitted = match begun.get().await {
                Ok(()) => admit(&decisions, &mut request).await,
                Err(refusal) => Err(RefusedMessage { refusal, id: None }),
            };
            // The client's next request needs it, however this one ends.
            let nonce = request.extensions_mut().remove::<NextNonce>();
            let known = Authentication::of(request.request());
            let is_in_url = known.is_some_and(|known| known.is_in_url);
            let mut response = match admitted {
                Ok(exchange) => answer(&decisions, exchange, service.call(request).await?).await,
                Err(refused) => refuse(&decisions, refused, request),
            };
            if let Some(NextNonce(nonce)) = nonce {
                set_dpop_nonce(response.headers_mut(), &nonce);
            }
            if is_in_url {
                keep_private(response.headers_mut());
            }
            Ok(response)
        }))
    }
}

/// A refused message with the text of its identifier.
struct RefusedMessage {
    refusal: MessageRefusal,
    id: Option<String>,
}

impl<R: Into<MessageRefusal>> From<R> for RefusedMessage {
    fn from(refusal: R) -> Self {
        Self { refusal: refusal.into(), id: None }
    }
}

/// Decides about a request whose fields do not refuse it, and changes it to what the server may see.
async fn admit(
    decisions: &Decisions,
    request: &mut ServiceRequest,
) -> Result<AdmittedRequest, RefusedMessage> {
    let (mut exchange, lasts, payload): (_, _, Payload) = if request.method() == Method::POST {
        body::check_type(request.headers())?;
        let (http, payload) = request.parts_mut();
        let bytes = body::read(http.headers(), payload, decisions.settings.max_body).await?;
        let (exchange, lasts) = decide(decisions, request.request(), &bytes).await?;
        (exchange, lasts, Payload::Stream { payload: Box::pin(Whole(Some(bytes))) })
    } else {
        let opens = request.method() == Method::GET;
        let claims = decisions.claims(request.request())?;
        (
            AdmittedRequest { may_resume: opens, ..AdmittedRequest::of(claims, true) },
            opens,
            Payload::None,
        )
    };
    // While the credential is still there.
    if lasts {
        let (context, claims) = (&decisions.context, &exchange.claims);
        exchange.watch = Some(StreamGuard::of_request(context, request.request(), claims)?);
    }
    decisions.hand_on(request.headers_mut(), &exchange.claims, exchange.has_sessions)?;
    request.set_payload(payload);
    Ok(exchange)
}

/// Decides about every message of a body before one is handed on. Returns `true` beside if the answer to
/// one of them lasts.
async fn decide(
    decisions: &Decisions,
    request: &HttpRequest,
    body: &[u8],
) -> Result<(AdmittedRequest, bool), RefusedMessage> {
    let fields = fields_of(request)?;
    let text = std::str::from_utf8(body).map_err(|_| MessageProblem::Parse)?;
    let document = JsonText::parse(text).map_err(|_| MessageProblem::Parse)?;
    let has_sessions = matches!(fields.revision, Revision::Older(_));
    let (mut exchange, mut lasts) =
        (AdmittedRequest::of(decisions.claims(request)?, has_sessions), false);
    for message in messages(document.root(), fields.revision)? {
        let id = || message.id.map(str::to_owned);
        let decided = decisions.decide(request, &fields, &message).await;
        decided.map_err(|refusal| RefusedMessage { refusal, id: id() })?;
        lasts |= message.is_listening();
        if message.is_list() {
            (exchange.is_list, exchange.id) = (true, id());
        }
    }
    Ok((exchange, lasts))
}

/// Returns an ordinary response, not an error, for middlewares around the guard.
fn refuse<B>(
    decisions: &Decisions,
    refused: RefusedMessage,
    request: ServiceRequest,
) -> GuardedResponse<B> {
    let RefusedMessage { refusal, id } = refused;
    let response = refusal.response(&decisions.context, request.request(), id.as_deref());
    note_refusal(&response, request.request());
    request.into_response(response).map_into_right_body()
}

/// A body that has been read.
struct Whole(Option<Bytes>);

impl Stream for Whole {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.get_mut().0.take().map(Ok))
    }
}

type RunningCall<B> = Pin<Box<dyn Future<Output = Result<GuardedResponse<B>, Error>>>>;

/// Future returned by [`McpGuardService`]. Only a request that is not refused at once is boxed.
pub enum GuardFuture<B> {
    /// The request is refused.
    #[doc(hidden)]
    Refused(Option<GuardedResponse<B>>),
    /// The body is read, and the server answers.
    #[doc(hidden)]
    Running(RunningCall<B>),
}

impl<B> fmt::Debug for GuardFuture<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GuardFuture")
    }
}

impl<B> Unpin for GuardFuture<B> {}

impl<B> Future for GuardFuture<B> {
    type Output = Result<GuardedResponse<B>, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Refused(response) => match response.take() {
                Some(response) => Poll::Ready(Ok(response)),
                None => Poll::Pending,
            },
            Self::Running(future) => future.as_mut().poll(context),
        }
    }
}
