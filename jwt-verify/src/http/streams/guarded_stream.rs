//! Streams and bodies that end with the access.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    http::{
        StatusCode,
        header::{CONTENT_TYPE, HeaderMap, HeaderValue},
    },
    web::Bytes,
};
use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::http::streams::{
    access_ended::AccessEnded,
    last_words::{EventTail, close_frame, last_event},
};

pin_project! {
    /// A stream that ends with the access of its caller; see
    /// [`StreamGuard::wrap`](crate::streams::StreamGuard::wrap).
    pub struct GuardedStream<S> {
        #[pin]
        stream: Option<S>,
        ended: AccessEnded,
    }
}

impl<S> GuardedStream<S> {
    pub(super) fn new(ended: AccessEnded, stream: S) -> Self {
        Self { stream: Some(stream), ended }
    }
}

impl<S: Stream> Stream for GuardedStream<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        if Pin::new(&mut *this.ended).poll(context).is_ready() {
            this.stream.set(None);
        }
        match this.stream.as_mut().as_pin_mut() {
            Some(stream) => stream.poll_next(context),
            None => Poll::Ready(None),
        }
    }
}

impl<S> fmt::Debug for GuardedStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedStream").field("ended", &self.ended).finish_non_exhaustive()
    }
}

pin_project! {
    /// Server-sent events that end with the access of their caller; see
    /// [`StreamGuard::wrap_events`](crate::streams::StreamGuard::wrap_events).
    pub struct GuardedEvents<S> {
        #[pin]
        stream: Option<S>,
        ended: AccessEnded,
        tail: EventTail,
    }
}

impl<S> GuardedEvents<S> {
    pub(super) fn new(ended: AccessEnded, stream: S) -> Self {
        Self { stream: Some(stream), ended, tail: EventTail::default() }
    }
}

impl<S, E> Stream for GuardedEvents<S>
where
    S: Stream<Item = Result<Bytes, E>>,
{
    type Item = Result<Bytes, E>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let Some(stream) = this.stream.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        if let Poll::Ready(end) = Pin::new(&mut *this.ended).poll(context) {
            this.stream.set(None);
            return Poll::Ready(Some(Ok(last_event(end, *this.tail))));
        }
        let item = stream.poll_next(context);
        match &item {
            Poll::Ready(Some(Ok(bytes))) => this.tail.note(bytes),
            Poll::Ready(None) => this.stream.set(None),
            _ => {}
        }
        item
    }
}

impl<S> fmt::Debug for GuardedEvents<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedEvents").field("ended", &self.ended).finish_non_exhaustive()
    }
}

/// The last words of a body whose access has ended.
#[derive(Clone, Copy)]
enum LastWords {
    /// A close frame (RFC 6455 §5.5.1).
    CloseFrame,
    /// An event.
    Event(EventTail),
    /// None, but the client has to see that the body is incomplete.
    Abort,
}

impl LastWords {
    fn of(status: StatusCode, headers: &HeaderMap) -> Self {
        let is_event_stream = || {
            let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
            let kind = kind.and_then(|kind| kind.split(|byte| *byte == b';').next());
            kind.is_some_and(|kind| kind.trim_ascii().eq_ignore_ascii_case(b"text/event-stream"))
        };
        if status == StatusCode::SWITCHING_PROTOCOLS {
            Self::CloseFrame
        } else if is_event_stream() {
            Self::Event(EventTail::default())
        } else {
            Self::Abort
        }
    }
}

/// Puts a body that ends with the access into a response.
pub(super) fn guard_response<B: MessageBody + 'static>(
    ended: AccessEnded,
    response: HttpResponse<B>,
) -> HttpResponse {
    let last_words = LastWords::of(response.status(), response.headers());
    response.map_body(|_, body| BoxBody::new(GuardedBody { body: Some(body), ended, last_words }))
}

pin_project! {
    struct GuardedBody<B> {
        #[pin]
        body: Option<B>,
        ended: AccessEnded,
        last_words: LastWords,
    }
}

/// The access has ended before the body.
#[derive(Debug, thiserror::Error)]
#[error("the access of the caller has ended: {0}")]
struct CutOff(crate::http::streams::end_of_access::EndOfAccess);

impl<B: MessageBody> MessageBody for GuardedBody<B> {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        let size = self.body.as_ref().map_or(BodySize::None, MessageBody::size);
        match (self.last_words, size) {
            // The last words are not part of a length.
            (LastWords::CloseFrame | LastWords::Event(_), BodySize::Sized(_)) => BodySize::Stream,
            (_, size) => size,
        }
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let mut this = self.project();
        let Some(body) = this.body.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        if let Poll::Ready(end) = Pin::new(&mut *this.ended).poll(context) {
            this.body.set(None);
            return Poll::Ready(Some(match this.last_words {
                LastWords::CloseFrame => Ok(close_frame(end)),
                LastWords::Event(tail) => Ok(last_event(end, *tail)),
                LastWords::Abort => Err(CutOff(end).into()),
            }));
        }
        let item = body.poll_next(context);
        if let (LastWords::Event(tail), Poll::Ready(Some(Ok(bytes)))) = (this.last_words, &item) {
            tail.note(bytes);
        }
        if let Poll::Ready(None) = item {
            this.body.set(None);
        }
        item.map_err(Into::into)
    }
}
