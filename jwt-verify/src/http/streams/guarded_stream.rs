//! A stream that ends with the access.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::web::Bytes;
use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::http::streams::access_ended::AccessEnded;

pin_project! {
    /// A stream of bytes that ends with the access of its caller; see
    /// [`StreamGuard::wrap`](crate::streams::StreamGuard::wrap).
    pub struct GuardedStream<S> {
        #[pin]
        stream: Option<S>,
        ended: AccessEnded,
        // True if there is a last event to send.
        has_last_event: bool,
        // The end of what has passed: two line ends mean that no event is incomplete.
        tail: [u8; 4],
    }
}

impl<S> GuardedStream<S> {
    pub(super) fn new(ended: AccessEnded, stream: S, has_last_event: bool) -> Self {
        Self { stream: Some(stream), ended, has_last_event, tail: *b"\n\n\n\n" }
    }
}

impl<S, E> Stream for GuardedStream<S>
where
    S: Stream<Item = Result<Bytes, E>>,
{
    type Item = Result<Bytes, E>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let Some(stream) = this.stream.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        if let Poll::Ready(end) = Pin::new(&mut *this.ended).poll(context) {
            this.stream.set(None);
            let last = this.has_last_event.then(|| {
                let between = if is_between_events(*this.tail) { "" } else { "\n\n" };
                Ok(Bytes::from(format!("{between}{}", end.last_event())))
            });
            return Poll::Ready(last);
        }
        let item = stream.poll_next(context);
        match &item {
            Poll::Ready(Some(Ok(bytes))) if *this.has_last_event => note_tail(this.tail, bytes),
            Poll::Ready(None) => this.stream.set(None),
            _ => {}
        }
        item
    }
}

/// Keeps the last four bytes.
fn note_tail(tail: &mut [u8; 4], bytes: &[u8]) {
    for byte in bytes.iter().rev().take(4).rev() {
        tail.rotate_left(1);
        tail[3] = *byte;
    }
}

/// Returns `true` after an empty line, whose end may be written in three ways.
fn is_between_events(tail: [u8; 4]) -> bool {
    tail.ends_with(b"\n\n") || tail.ends_with(b"\r\r") || tail == *b"\r\n\r\n"
}

impl<S> fmt::Debug for GuardedStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedStream").field("ended", &self.ended).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_complete_after_an_empty_line() {
        let mut tail = *b"\n\n\n\n";
        assert!(is_between_events(tail));
        for (bytes, is_complete) in [
            (&b"data: a"[..], false),
            (b"\n", false),
            (b"\n", true),
            (b"", true),
            (b"data: b\r\n", false),
            (b"\r\n", true),
            (b": ping\r\r", true),
            (b"x", false),
        ] {
            note_tail(&mut tail, bytes);
            assert_eq!(is_between_events(tail), is_complete, "{bytes:?}");
        }
    }
}
