//! The last bytes of a stream whose access has ended.

use actix_web::web::Bytes;

use crate::http::streams::end_of_access::EndOfAccess;

/// The last four bytes of a stream of events, which tell if an event is incomplete.
#[derive(Clone, Copy)]
pub(super) struct EventTail([u8; 4]);

impl Default for EventTail {
    fn default() -> Self {
        Self(*b"\n\n\n\n")
    }
}

impl EventTail {
    pub(super) fn note(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().skip(bytes.len().saturating_sub(4)) {
            let [_, second, third, fourth] = self.0;
            self.0 = [second, third, fourth, *byte];
        }
    }

    /// Returns `true` after an empty line, whose end may be written in three ways.
    fn is_between_events(self) -> bool {
        self.0.ends_with(b"\n\n") || self.0.ends_with(b"\r\r") || self.0 == *b"\r\n\r\n"
    }
}

/// Returns the last event.
pub(super) fn last_event(end: EndOfAccess, tail: EventTail) -> Bytes {
    let between = if tail.is_between_events() { "" } else { "\n\n" };
    Bytes::from(format!(
        "{between}event: access-ended\ndata: {{\"reason\":\"{}\"}}\n\n",
        end.as_str()
    ))
}

/// Returns a close frame of a server, which is not masked (RFC 6455 §5.2, §5.5.1).
pub(super) fn close_frame(end: EndOfAccess) -> Bytes {
    let text = end.as_str().as_bytes();
    let mut frame = Vec::with_capacity(4 + text.len());
    // The last fragment, of a frame that closes. The texts are shorter than 124 bytes.
    frame.extend([0x88, u8::try_from(2 + text.len()).unwrap_or(2)]);
    frame.extend(end.close_code().to_be_bytes());
    frame.extend(text);
    frame.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_complete_after_an_empty_line() {
        let mut tail = EventTail::default();
        assert!(tail.is_between_events());
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
            tail.note(bytes);
            assert_eq!(tail.is_between_events(), is_complete, "{bytes:?}");
        }
        let event = last_event(EndOfAccess::Expired, tail);
        assert_eq!(event, "\n\nevent: access-ended\ndata: {\"reason\":\"expired\"}\n\n");
    }

    #[test]
    fn a_close_frame_has_a_code_and_a_reason() {
        let frame = close_frame(EndOfAccess::Revoked);
        assert_eq!(frame, &b"\x88\x09\x11\x31revoked"[..]);
        let frame = close_frame(EndOfAccess::Unavailable);
        assert_eq!(frame, &b"\x88\x0d\x03\xf5unavailable"[..]);
    }
}
