//! One pass over a JSON document (RFC 8259) that records the position of each value.
//!
//! The structure is parsed here; strings with escapes and numbers that are not plain integers are
//! left to `serde_json`, so that both always read the same document.

use wide::u8x16;

use super::{
    names::NameFilter,
    value::{Layout, Node, NodeKind},
};

/// The text is not a JSON document, or has a member twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

type Result<T = ()> = std::result::Result<T, Malformed>;

/// Maximum nesting of values, the same as in `serde_json`.
const MAX_DEPTH: u8 = 127;

/// Usual number of bytes per value in a token.
const BYTES_EACH: usize = 12;

/// Up to this number of members, a name is searched linearly. An unauthenticated caller may send
/// thousands.
const FEW: usize = 16;

/// A document being parsed.
///
/// Each step takes its start position and returns its end position.
pub(super) struct Scanner<'a> {
    text: &'a str,
    layout: Layout,
}

impl<'a> Scanner<'a> {
    pub(super) fn scan(text: &'a str) -> Result<Layout> {
        // Positions are stored as `u32`.
        u32::try_from(text.len()).map_err(|_| Malformed)?;
        let nodes = Vec::with_capacity(text.len() / BYTES_EACH + 4);
        let mut scanner = Self { text, layout: Layout { nodes, ..Layout::default() } };
        let end = scanner.value(0, 0)?;
        if scanner.next(end).1 == text.len() { Ok(scanner.layout) } else { Err(Malformed) }
    }

    /// Parses the next value.
    #[inline]
    fn value(&mut self, at: usize, depth: u8) -> Result<usize> {
        let (byte, at) = self.next(at);
        if byte == b'"' { self.string(at) } else { self.no_string(byte, at, depth) }
    }

    /// Most values are strings, which need no stack frame of their own.
    #[inline(never)]
    fn no_string(&mut self, first: u8, at: usize, depth: u8) -> Result<usize> {
        match first {
            b'{' => self.object(at, depth),
            b'[' => self.array(at, depth),
            b't' => self.literal(at, NodeKind::Bool, b"true"),
            b'f' => self.literal(at, NodeKind::Bool, b"false"),
            b'n' => self.literal(at, NodeKind::Null, b"null"),
            _ => self.number(at),
        }
    }

    fn object(&mut self, at: usize, depth: u8) -> Result<usize> {
        let object = self.open(NodeKind::Object, at, depth)?;
        let (mut byte, mut at) = self.next(at + 1);
        if byte == b'}' {
            return Ok(self.close(object, at));
        }
        let mut names = NameFilter::default();
        let (mut number, mut could_repeat) = (0, false);
        loop {
            if byte != b'"' {
                return Err(Malformed);
            }
            let name = self.layout.nodes.len();
            at = self.string(at)?;
            number += 1;
            if !names.add(self.layout.at(self.text, name).as_bytes().ok_or(Malformed)?) {
                if number > FEW {
                    could_repeat = true;
                } else if self.is_repeated(object, name) {
                    return Err(Malformed);
                }
            }
            (byte, at) = self.next(at);
            if byte != b':' {
                return Err(Malformed);
            }
            at = self.value(at + 1, depth + 1)?;
            (byte, at) = self.next(at);
            if byte != b',' {
                break;
            }
            (byte, at) = self.next(at + 1);
        }
        if byte != b'}' || could_repeat && !self.is_unique(object) {
            return Err(Malformed);
        }
        if object == 0 {
            self.layout.names = names;
        }
        Ok(self.close(object, at))
    }

    /// Returns `true` if a member of this name precedes it.
    #[cold]
    fn is_repeated(&self, object: usize, name: usize) -> bool {
        let name = self.layout.at(self.text, name).as_str();
        name.is_none_or(|name| self.layout.at(self.text, object).get(name).is_some())
    }

    /// Returns `true` if no member of an object appears twice.
    fn is_unique(&self, object: usize) -> bool {
        let members = self.layout.at(self.text, object).members();
        let mut names: Vec<&str> = members.map(|(name, _)| name).collect();
        names.sort_unstable();
        names.windows(2).all(|pair| matches!(pair, [one, next] if one != next))
    }

    fn array(&mut self, at: usize, depth: u8) -> Result<usize> {
        let array = self.open(NodeKind::Array, at, depth)?;
        let (mut byte, mut at) = self.next(at + 1);
        if byte == b']' {
            return Ok(self.close(array, at));
        }
        loop {
            at = self.value(at, depth + 1)?;
            (byte, at) = self.next(at);
            match byte {
                b',' => at += 1,
                b']' => return Ok(self.close(array, at)),
                _ => return Err(Malformed),
            }
        }
    }

    fn open(&mut self, kind: NodeKind, at: usize, depth: u8) -> Result<usize> {
        if depth == MAX_DEPTH {
            return Err(Malformed);
        }
        let place = self.layout.nodes.len();
        self.layout.nodes.push(Node { kind, start: offset(at), end: 0, after: u32::MAX });
        Ok(place)
    }

    /// Consumes the closing byte, and records the end of the value.
    fn close(&mut self, place: usize, last: usize) -> usize {
        let after = offset(self.layout.nodes.len());
        if let Some(node) = self.layout.nodes.get_mut(place) {
            (node.end, node.after) = (offset(last + 1), after);
        }
        last + 1
    }

    fn push(&mut self, kind: NodeKind, start: usize, end: usize) -> usize {
        let after = offset(self.layout.nodes.len() + 1);
        let node = Node { kind, start: offset(start), end: offset(end), after };
        self.layout.nodes.push(node);
        end
    }

    fn string(&mut self, start: usize) -> Result<usize> {
        let end = self.plain_end(start + 1);
        let has_room = self.layout.nodes.len() < self.layout.nodes.capacity();
        if self.byte(end) == b'"' && has_room {
            Ok(self.push(NodeKind::Plain, start, end + 1))
        } else {
            self.unusual_string(start, end)
        }
    }

    /// Handles a string from its first escape on, or one without room for its position.
    #[cold]
    fn unusual_string(&mut self, start: usize, mut end: usize) -> Result<usize> {
        if self.byte(end) == b'"' {
            return Ok(self.push(NodeKind::Plain, start, end + 1));
        }
        while self.byte(end) == b'\\' {
            // An escaped character never ends the string.
            end = self.plain_end(end + 2);
        }
        // A string that does not end here is refused by this parser too.
        let raw = self.text.get(start..=end).ok_or(Malformed)?;
        let text = serde_json::from_str::<Box<str>>(raw).map_err(|_| Malformed)?;
        self.layout.unescaped.push((offset(self.layout.nodes.len()), text));
        Ok(self.push(NodeKind::Escaped, start, end + 1))
    }

    /// Returns the end of the literal part of a string: at a quote, a backslash or a control
    /// character, or at the end of the document.
    fn plain_end(&self, mut at: usize) -> usize {
        let bytes = self.text.as_bytes();
        while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
            let found = specials(*chunk);
            if found != 0 {
                return at + found.trailing_zeros() as usize;
            }
            at += chunk.len();
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
        at + rest.iter().position(special).unwrap_or(rest.len())
    }

    fn literal(&mut self, start: usize, kind: NodeKind, word: &[u8]) -> Result<usize> {
        let end = start + word.len();
        if self.text.as_bytes().get(start..end) != Some(word) {
            return Err(Malformed);
        }
        Ok(self.push(kind, start, end))
    }

    fn number(&mut self, start: usize) -> Result<usize> {
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        let is_other = |byte: &u8| matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let mut end = start + digits;
        // Every integer of this many digits fits a `u64`.
        let is_plain = (1..=19).contains(&digits)
            && (digits == 1 || rest.first() != Some(&b'0'))
            && !rest.get(digits).is_some_and(is_other);
        if !is_plain {
            let all = rest.iter().take_while(|byte| byte.is_ascii_digit() || is_other(byte));
            end = start + all.count();
            let raw = self.text.get(start..end).ok_or(Malformed)?;
            // Numbers beyond the range of an `f64` are refused.
            serde_json::from_str::<f64>(raw).map_err(|_| Malformed)?;
        }
        Ok(self.push(NodeKind::Number, start, end))
    }

    /// Returns the first byte from a position on that is not white space, and its position. At the
    /// end it is a byte that no document has outside of its strings.
    #[inline]
    fn next(&self, at: usize) -> (u8, usize) {
        match self.byte(at) {
            byte @ (b'!'..) => (byte, at),
            _ => self.after_space(at),
        }
    }

    fn after_space(&self, mut at: usize) -> (u8, usize) {
        while matches!(self.byte(at), b' ' | b'\n' | b'\r' | b'\t') {
            at += 1;
        }
        (self.byte(at), at)
    }

    fn byte(&self, at: usize) -> u8 {
        self.text.as_bytes().get(at).copied().unwrap_or(0)
    }
}

/// Converts a position in a document, whose length was checked before.
#[expect(clippy::cast_possible_truncation, reason = "said above")]
fn offset(place: usize) -> u32 {
    place as u32
}

/// Returns a bit mask of the bytes, the lowest bit for the first: set for a quote, a backslash or a
/// control character.
fn specials(bytes: [u8; 16]) -> u32 {
    let bytes = u8x16::new(bytes);
    let is = |byte: u8| bytes.simd_eq(u8x16::splat(byte));
    let is_control = bytes.min(u8x16::splat(0x1f)).simd_eq(bytes);
    (is(b'"') | is(b'\\') | is_control).to_bitmask()
}

#[cfg(test)]
mod tests {
    use super::{
        super::{JsonDocument, Unique},
        FEW,
    };

    /// Returns `true` if a document is accepted, and checks that `serde_json` agrees.
    fn is_read(text: &str) -> bool {
        let is_read = JsonDocument::parse(text.to_owned()).is_ok();
        assert_eq!(is_read, serde_json::from_str::<Unique>(text).is_ok(), "{text}");
        is_read
    }

    #[test]
    fn documents_are_read() {
        for text in [
            "0",
            "-0",
            "-1.5e-3",
            "18446744073709551616",
            " \t\r\n{ \"a\" : [ 1 , true , false , null ] } ",
            r#"{"":"","é":"\u00e9\ud83d\ude00\"\\\/\b\f\n\r\t"}"#,
            "\"a string of more than eight bytes, then a quote\"",
            "\"1234567\"",
            "\"12345678\"",
            "\"\u{7f}\u{80}\u{2028}\"",
            "[]",
            "{}",
            "[[],{}]",
        ] {
            assert!(is_read(text), "{text}");
        }
    }

    /// More values than this many bytes usually have.
    #[test]
    fn a_dense_document_is_read() {
        for value in ["\"\"", "0", "{}", "\"\\n\"", "{\"\":[]}"] {
            assert!(is_read(&format!("[{}]", vec![value; 100].join(","))), "{value}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            " ",
            "{",
            "}",
            "[",
            "]",
            "\"",
            "\"\\\"",
            "{]",
            "[}",
            "[1",
            "[1,",
            "[1,]",
            "[,]",
            "{,}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "{1:1}",
            "{\"a\" 1}",
            "[1 2]",
            "tr",
            "True",
            "null0",
            "01",
            "-",
            "-01",
            "1.",
            ".5",
            "1e",
            "1e+",
            "+1",
            "1-",
            "0x1",
            "NaN",
            "Infinity",
            "1e400",
            "-1e400",
            "\u{feff}{}",
            "{}x",
            "{}{}",
            "'a'",
            "\"\u{1f}\"",
            "\"a string\nof two\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\ud83d\"",
            "\"\\ude00\\ud83d\"",
            "\"\\",
            "\"\\\u{1}\"",
            "/**/1",
            "\u{c}1",
            "\u{a0}1",
        ] {
            assert!(!is_read(text), "{text}");
        }
    }

    #[test]
    fn a_member_is_there_once_however_many_there_are_and_however_it_is_spelled() {
        for number in [1, 2, FEW - 1, FEW, FEW + 1, FEW + 2, 500] {
            let members: Vec<String> =
                (0..number).map(|name| format!(r#""n{name}":{{}}"#)).collect();
            let members = members.join(",");
            assert!(is_read(&format!("{{{members}}}")));
            for again in [0, number / 2, number - 1] {
                for name in [format!("n{again}"), format!("\\u006e{again}")] {
                    assert!(
                        !is_read(&format!(r#"{{{members},"{name}":1}}"#)),
                        "{name} of {number}"
                    );
                    assert!(!is_read(&format!(r#"[{{"a":{{"{name}":1,{members}}}}}]"#)));
                }
            }
        }
    }

    #[test]
    fn a_document_is_not_deeper_than_serde_json_reads() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            for depth in [1, 126, 127, 128, 129, 5000] {
                let text = format!("{}1{}", open.repeat(depth), close.repeat(depth));
                assert_eq!(is_read(&text), depth <= 127, "{depth}");
            }
        }
    }

    #[test]
    fn a_special_byte_is_found_at_any_place_of_a_string() {
        for place in 0..40 {
            for byte in 0..=0x7f_u8 {
                let mut text = "x".repeat(40).into_bytes();
                text[place] = byte;
                is_read(&format!("\"{}\"", String::from_utf8(text).unwrap()));
            }
        }
    }
}
