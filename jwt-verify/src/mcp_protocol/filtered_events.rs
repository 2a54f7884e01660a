//! A stream of server-sent events, of which a caller sees some.
//!
//! The HTML standard (§9.2.6) says how such a stream is read.

use std::ops::Range;

use memchr::{memchr2, memmem};

use super::{
    list_filter::{Change, Decide, Unreadable, changes},
    splice::Edits,
};
use crate::json::JsonDocument;

/// A stream of events, from which those that a caller must not see are cut out.
///
/// Chunks go in and chunks come out, however the stream is split. Events that are not changed keep their
/// bytes. An event is held back until it has ended; a comment between events is not.
#[derive(Debug)]
pub(crate) struct FilteredEvents {
    /// The event that has not ended, as it came.
    event: Vec<u8>,
    /// Start of its last line.
    line: usize,
    max_event: usize,
    has_lists: bool,
    /// `true` until something was handed on: what comes first may begin with a byte order mark, as its
    /// reader sees it.
    is_start: bool,
    /// A line has just ended with CR. A LF that follows belongs to it.
    ended: Option<Ended>,
}

/// Destination of what ended with CR.
#[derive(Debug, Clone, Copy)]
enum Ended {
    Line,
    Kept,
    Dropped,
}

/// Room for an event that is kept between events.
const USUAL_EVENT: usize = 4096;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl FilteredEvents {
    /// Creates a stream whose events are not longer than `max_event` bytes. Without `has_lists` none of
    /// them answers a request for a list.
    pub(crate) fn new(max_event: usize, has_lists: bool) -> Self {
        Self { event: Vec::new(), line: 0, max_event, has_lists, is_start: true, ended: None }
    }

    /// Takes the next chunk, and appends what the caller may see.
    ///
    /// After an error the stream must end: the event that follows `out` cannot be read, or is too long.
    pub(crate) fn push(
        &mut self,
        mut chunk: &[u8],
        out: &mut Vec<u8>,
        decide: &mut Decide<'_>,
    ) -> Result<(), Unreadable> {
        while let Some(first) = chunk.first() {
            if let Some(ended) = self.ended.take()
                && *first == b'\n'
            {
                match ended {
                    Ended::Line => {
                        self.append(b"\n")?;
                        self.line = self.event.len();
                    }
                    Ended::Kept => out.push(b'\n'),
                    Ended::Dropped => {}
                }
                chunk = chunk.get(1..).unwrap_or_default();
                continue;
            }
            let end = memchr2(b'\r', b'\n', chunk).map(|end| end + 1);
            let (line, rest) = chunk.split_at(end.unwrap_or(chunk.len()));
            chunk = rest;
            self.append(line)?;
            if end.is_some() {
                let ended = self.end_line(out, decide)?;
                self.ended = line.ends_with(b"\r").then_some(ended);
            }
        }
        Ok(())
    }

    /// Ends the stream. An event that has not ended is treated as one that has: some readers do.
    pub(crate) fn finish(
        mut self,
        out: &mut Vec<u8>,
        decide: &mut Decide<'_>,
    ) -> Result<(), Unreadable> {
        self.end_event(out, decide).map(|_| ())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Unreadable> {
        if bytes.len() > self.max_event - self.event.len() {
            return Err(Unreadable);
        }
        self.event.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(
        &mut self,
        out: &mut Vec<u8>,
        decide: &mut Decide<'_>,
    ) -> Result<Ended, Unreadable> {
        let line = self.event.get(self.line..self.event.len() - 1).unwrap_or_default();
        let line = without_mark(line, self.is_start && self.line == 0);
        let is_comment = line.starts_with(b":");
        if line.is_empty() {
            return self.end_event(out, decide);
        }
        if is_comment && self.line == 0 {
            self.keep(out);
            return Ok(Ended::Kept);
        }
        self.line = self.event.len();
        Ok(Ended::Line)
    }

    fn end_event(
        &mut self,
        out: &mut Vec<u8>,
        decide: &mut Decide<'_>,
    ) -> Result<Ended, Unreadable> {
        if !self.has_lists && !may_be_update(&self.event) {
            self.keep(out);
            return Ok(Ended::Kept);
        }
        let data = data_of(&self.event, self.is_start);
        let Some(text) = message_of(&self.event, &data)? else {
            self.keep(out);
            return Ok(Ended::Kept);
        };
        let document = JsonDocument::parse(text).map_err(|_| Unreadable)?;
        match changes(&document, self.has_lists, decide)? {
            Change::Dropped => {
                self.clear();
                return Ok(Ended::Dropped);
            }
            Change::Edits(edits) => {
                let (mut edits, mut done) = (Edits::new(&edits), 0);
                for line in data.lines {
                    out.extend_from_slice(part(&self.event, done..line.start));
                    edits.write(part(&self.event, line.clone()), 1, out);
                    done = line.end;
                }
                out.extend_from_slice(part(&self.event, done..self.event.len()));
            }
        }
        self.is_start = false;
        self.clear();
        Ok(Ended::Kept)
    }

    fn keep(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.event);
        self.is_start = false;
        self.clear();
    }

    fn clear(&mut self) {
        self.event.clear();
        // A stream lives long, and a large event is rare.
        self.event.shrink_to(USUAL_EVENT);
        self.line = 0;
    }
}

/// Returns `false` for an event that does not notify about a resource, however its method is spelled.
fn may_be_update(event: &[u8]) -> bool {
    // A letter has no other escape, and a line end is in no string.
    memmem::find(event, b"updated").is_some() || memmem::find(event, b"\\u").is_some()
}

/// The fields of an event that say what it is.
#[derive(Debug, Default)]
struct Data {
    /// Values of its `data` fields.
    lines: Vec<Range<usize>>,
    /// `true` for an event that a reader of messages looks at.
    is_other: bool,
}

/// Finds the values of an event's `data` fields.
fn data_of(event: &[u8], is_start: bool) -> Data {
    let mut data = Data::default();
    let mut at = event.len() - without_mark(event, is_start).len();
    while at < event.len() {
        let rest = part(event, at..event.len());
        let line = part(rest, 0..memchr2(b'\r', b'\n', rest).unwrap_or(rest.len()));
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        let after_colon = part(line, name.len() + 1..line.len());
        let value = after_colon.strip_prefix(b" ").unwrap_or(after_colon);
        let end = at + line.len();
        match name {
            b"data" => data.lines.push(end - value.len()..end),
            b"event" => data.is_other = !matches!(value, b"" | b"message"),
            _ => {}
        }
        at = end + 1;
    }
    data
}

/// Returns the message in an event. `None` if it has none, as an event that only keeps the connection.
fn message_of(event: &[u8], data: &Data) -> Result<Option<String>, Unreadable> {
    let lines: Vec<&[u8]> = data.lines.iter().map(|line| part(event, line.clone())).collect();
    let text = lines.join(&b'\n');
    let first = text.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
    match first {
        None => Ok(None),
        // Such as the address in an event `endpoint` of the revision 2024-11-05.
        Some(first) if data.is_other && !matches!(first, b'{' | b'[') => Ok(None),
        Some(_) => String::from_utf8(text).map(Some).map_err(|_| Unreadable),
    }
}

fn without_mark(bytes: &[u8], is_start: bool) -> &[u8] {
    bytes.strip_prefix(BYTE_ORDER_MARK).filter(|_| is_start).unwrap_or(bytes)
}

fn part(bytes: &[u8], range: Range<usize>) -> &[u8] {
    bytes.get(range).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{
        super::list_filter::{EntryVerdict, ListEntry},
        *,
    };

    /// Keeps what is named `a…`, and drops the rest.
    fn decide(entry: ListEntry<'_>) -> EntryVerdict {
        match entry {
            ListEntry::Tool(name) | ListEntry::Update(name) if name.starts_with('a') => {
                EntryVerdict::Keep
            }
            _ => EntryVerdict::Drop,
        }
    }

    /// Sends a stream in every kind of pieces. All must have the same result.
    fn filtered(stream: &[u8]) -> (String, bool) {
        let send = |pieces: &[&[u8]]| {
            let (mut events, mut out) = (FilteredEvents::new(256, true), Vec::new());
            let mut is_ok =
                pieces.iter().all(|piece| events.push(piece, &mut out, &mut decide).is_ok());
            is_ok = is_ok && events.finish(&mut out, &mut decide).is_ok();
            (String::from_utf8_lossy(&out).into_owned(), is_ok)
        };
        let whole = send(&[stream]);
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(send(&bytes), whole);
        for place in 0..=stream.len() {
            let (one, two) = stream.split_at(place);
            assert_eq!(send(&[one, two]), whole, "split at {place}");
            assert_eq!(send(&[one, b"", two]), whole, "split at {place}");
        }
        whole
    }

    #[track_caller]
    fn assert_filtered(stream: &str, expected: &str) {
        for ending in ["\n", "\r", "\r\n"] {
            let of = |text: &str| text.replace('\n', ending);
            assert_eq!(filtered(of(stream).as_bytes()), (of(expected), true), "{ending:?}");
        }
    }

    const LIST: &str = r#"{"result":{"tools":[{"name":"a1"},{"name":"é"},{"name":"a2"}]}}"#;
    const SHORT: &str = r#"{"result":{"tools":[{"name":"a1"},{"name":"a2"}]}}"#;

    fn update(uri: &str) -> String {
        format!(r#"{{"method":"notifications/resources/updated","params":{{"uri":"{uri}"}}}}"#)
    }

    #[test]
    fn what_is_kept_keeps_its_bytes() {
        for stream in [
            "",
            "\n",
            ": ping\n\n",
            ":\n",
            ":",
            "\n\n\n: a\n: b\n\n",
            "data\n\n",
            "data:\nid: 0\nretry: 3000\n\n",
            "event: endpoint\ndata: /messages?id=1\n\n",
            "id:1\nevent:message\ndata:{ \"a\" :\ndata:  1}\nother\n:comment\n\ndata: {}\n\n",
            "\u{feff}data: {}\n\n",
            "\u{feff}: x\ndata: {}\n\n",
            "\u{feff}\n",
            "data: {}",
            "data: {}\n",
            "id: 7",
        ] {
            assert_filtered(stream, stream);
        }
        assert_filtered(&format!("data: {SHORT}\n\n"), &format!("data: {SHORT}\n\n"));
        // Text that is not Unicode may be anywhere but in a message.
        let stream = b": \xff\nid: \xc3\ndata: {}\n\n";
        assert_eq!(filtered(stream), (String::from_utf8_lossy(stream).into_owned(), true));
    }

    #[test]
    fn lists_are_filtered_wherever_lines_end() {
        for (stream, expected) in [
            (format!("id: 1\ndata: {LIST}\nretry: 5\n\ndata: {{}}\n\n"), format!("id: 1\ndata: {SHORT}\nretry: 5\n\ndata: {{}}\n\n")),
            (format!("\u{feff}data:{LIST}\n\n"), format!("\u{feff}data:{SHORT}\n\n")),
            // Whatever the kind of event, and at the end.
            (format!("event: other\ndata: {LIST}\n\n"), format!("event: other\ndata: {SHORT}\n\n")),
            (format!("data: {LIST}"), format!("data: {SHORT}")),
            // A cut over several lines, with another field in between.
            (
                format!("data: {}\n\n", LIST.replace(r#"},{"name":"#, "}\ndata:,\nid: 1\ndata:  {\"name\"\ndata::")),
                "data: {\"result\":{\"tools\":[{\"name\":\"a1\"}\ndata:\nid: 1\ndata: \ndata:\ndata:,\nid: 1\ndata:  {\"name\"\ndata::\"a2\"}]}}\n\n".into(),
            ),
        ] {
            assert_filtered(&stream, &expected);
        }
    }

    #[test]
    fn events_are_dropped_as_a_whole() {
        let (seen, hidden) = (update("a"), update("b"));
        assert_filtered(
            &format!(
                ": x\nid: 1\ndata: {hidden}\n: y\n\nid: 2\ndata: {seen}\n\ndata: [{hidden}]\n\n: z\n\n"
            ),
            &format!(": x\nid: 2\ndata: {seen}\n\n: z\n\n"),
        );
        assert_filtered(&format!("data: {hidden}"), "");
        // Whatever comes first is read without its mark, and what comes later is read with it.
        let marked = |text: &str| format!("\u{feff}data: {text}\n\n");
        assert_filtered(&marked(&hidden).repeat(2), "");
        assert_filtered(&[marked(&hidden), marked(&seen)].concat(), &marked(&seen));
        let stream = format!(": x\n{}", marked(&hidden));
        assert_filtered(&stream, &stream);
    }

    #[test]
    fn a_comment_between_events_is_not_held_back() {
        let (mut events, mut out) = (FilteredEvents::new(64, true), Vec::new());
        events.push(b"data: {}\n\n:\r", &mut out, &mut decide).unwrap();
        assert_eq!(out, b"data: {}\n\n:\r");
        events.push(b"\ndata: {}\n: held\n", &mut out, &mut decide).unwrap();
        assert_eq!(out, b"data: {}\n\n:\r\n");
    }

    #[test]
    fn a_stream_ends_before_an_event_that_cannot_be_read() {
        for event in [
            "data: x\n\n",
            "data: {\n\n",
            "data: {}{}\n\n",
            "data: {\"result\":1,\"result\":1}\n\n",
            "event: other\ndata: {\"result\":1,\"result\":1}\n\n",
            "event: other\nevent: message\ndata: x\n\n",
            "data: \u{feff}{}\n\n",
            "data: {\"a\":\"\ndata: \"}\n\n",
            "data: {\"a\"",
        ] {
            for ending in ["\n", "\r", "\r\n"] {
                let of = |text: &str| text.replace('\n', ending);
                let before = of(": x\ndata: {}\n\n");
                let stream = format!("{before}{}", of(event));
                assert_eq!(filtered(stream.as_bytes()), (before, false), "{event}");
            }
        }
        assert_eq!(filtered(b"data: {\"a\":\"\xff\"}\n\n"), (String::new(), false));
    }

    #[test]
    fn a_stream_without_lists_is_read_where_it_may_be_about_resources() {
        let filtered = |stream: &str| {
            let (mut events, mut out) = (FilteredEvents::new(256, false), Vec::new());
            events.push(stream.as_bytes(), &mut out, &mut decide)?;
            events.finish(&mut out, &mut decide)?;
            Ok::<_, Unreadable>(String::from_utf8(out).unwrap())
        };
        let hidden = update("b");
        for event in [
            hidden.clone(),
            hidden.replace("updated", "\\u0075pdated"),
            hidden.replace("resources/updated", "resource\\u0073\\/updated"),
        ] {
            assert_eq!(filtered(&format!("data: {event}\n\n")), Ok(String::new()), "{event}");
        }
        for event in [LIST.to_owned(), update("a"), "x".into(), "{\"a\":1,\"a\":1}".into()] {
            let stream = format!("data: {event}\n\n");
            assert_eq!(filtered(&stream), Ok(stream.clone()));
        }
        assert!(filtered("data: updated\n\n").is_err());
    }

    #[test]
    fn an_event_is_not_longer_than_allowed() {
        let stream = |length: usize| format!("data: {{}}\n\ndata: {:1$}\n\n", "{}", length - 8);
        assert_eq!(filtered(stream(256).as_bytes()), (stream(256), true));
        assert_eq!(filtered(stream(257).as_bytes()), ("data: {}\n\n".into(), false));
        let comment = format!(":{}", "x".repeat(256));
        assert_eq!(filtered(comment.as_bytes()), (String::new(), false));
    }
}
