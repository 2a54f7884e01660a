//! Bodies of responses, of which a caller sees a part, and only as long as the access lasts.

use std::{
    future::Future as _,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    body::{BodySize, MessageBody},
    web::Bytes,
};
use pin_project_lite::pin_project;

use crate::{
    http::{mcp::listing::Listing, streams::AccessEnded},
    mcp_protocol::filtered_events::FilteredEvents,
};

pin_project! {
    /// A body of the server, as it is or as a stream of events.
    pub struct GuardedBody<B> {
        #[pin]
        body: B,
        events: Option<Box<Events>>,
    }
}

/// A stream of events on its way to the caller.
struct Events {
    /// `None` at its end.
    stream: Option<FilteredEvents>,
    /// `None` if the caller may see everything.
    listing: Option<Listing>,
    ended: Option<AccessEnded>,
}

/// Bytes of an answer that is read as a whole, or of an event.
pub(super) const MAX_ANSWER: usize = 16 << 20;

impl<B> GuardedBody<B> {
    /// Hands a body on as it is.
    pub(super) fn plain(body: B) -> Self {
        Self { body, events: None }
    }

    /// Hands the events on that the caller may see, until the access ends if `ended` says when.
    pub(super) fn events(
        body: B,
        listing: Option<Listing>,
        has_lists: bool,
        ended: Option<AccessEnded>,
    ) -> Self {
        let stream = Some(FilteredEvents::new(MAX_ANSWER, has_lists));
        Self { body, events: Some(Box::new(Events { stream, listing, ended })) }
    }
}

impl<B: MessageBody> MessageBody for GuardedBody<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        if self.events.is_some() { BodySize::Stream } else { self.body.size() }
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let mut this = self.project();
        let Some(events) = this.events else { return this.body.poll_next(context) };
        if let Some(ended) = &mut events.ended
            && Pin::new(ended).poll(context).is_ready()
        {
            events.stream = None;
        }
        while events.stream.is_some() {
            let (bytes, is_last) = match this.body.as_mut().poll_next(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(Some(Ok(chunk))) => (events.seen(chunk), false),
                Poll::Ready(None) => (events.rest(), true),
            };
            if is_last {
                events.stream = None;
            }
            if !bytes.is_empty() {
                return Poll::Ready(Some(Ok(bytes)));
            }
        }
        Poll::Ready(None)
    }

    fn try_into_bytes(self) -> Result<Bytes, Self> {
        match self.events {
            None => self.body.try_into_bytes().map_err(Self::plain),
            Some(_) => Err(self),
        }
    }
}

impl Events {
    /// Returns what the caller sees of a chunk. An event that cannot be read ends the stream.
    fn seen(&mut self, chunk: Bytes) -> Bytes {
        let (Some(stream), Some(listing)) = (&mut self.stream, &self.listing) else { return chunk };
        let mut seen = Vec::with_capacity(chunk.len());
        if stream.push(&chunk, &mut seen, &mut |entry| listing.decide(entry)).is_err() {
            self.end();
        }
        seen.into()
    }

    /// Returns what the caller sees of an event that the server has not ended.
    fn rest(&mut self) -> Bytes {
        let (Some(stream), Some(listing)) = (self.stream.take(), &self.listing) else {
            return Bytes::new();
        };
        let mut seen = Vec::new();
        if stream.finish(&mut seen, &mut |entry| listing.decide(entry)).is_err() {
            self.end();
        }
        seen.into()
    }

    fn end(&mut self) {
        tracing::error!("an MCP server sends an event that is too long, or cannot be read");
        self.stream = None;
    }
}
