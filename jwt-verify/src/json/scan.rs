//! One pass over a JSON document (RFC 8259) that notes where each of its values stands.
//!
//! The structure is read here; strings with escapes and numbers that are no plain integers are left
//! to `serde_json`, so that both always read the same document.

use super::{
    names::NameFilter,
    value::{Kind, Layout, Node},
};

/// What is no JSON document, or has a member twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

type Result<T = ()> = std::result::Result<T, Malformed>;

/// How deep values may be nested: what `serde_json` takes.
const MAX_DEPTH: u8 = 127;

/// The bytes that one value takes in a usual token.
const BYTES_EACH: usize = 12;

/// Among so many members a name is looked for one by one. A stranger may send thousands.
const FEW: usize = 16;

/// A document that is being read.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    layout: Layout,
}

impl<'a> Scanner<'a> {
    pub(super) fn scan(text: &'a str) -> Result<Layout> {
        // Places are kept as `u32`.
        u32::try_from(text.len()).map_err(|_| Malformed)?;
        let nodes = Vec::with_capacity(text.len() / BYTES_EACH + 4);
        let mut scanner = Self { text, at: 0, layout: Layout { nodes, unescaped: Vec::new() } };
        scanner.value(0)?;
        scanner.skip_space();
        if scanner.at == text.len() { Ok(scanner.layout) } else { Err(Malformed) }
    }

    fn value(&mut self, depth: u8) -> Result {
        match self.next().ok_or(Malformed)? {
            b'"' => self.string(),
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b't' => self.literal(Kind::Bool, "true"),
            b'f' => self.literal(Kind::Bool, "false"),
            b'n' => self.literal(Kind::Null, "null"),
            _ => self.number(),
        }
    }

    fn object(&mut self, depth: u8) -> Result {
        let object = self.open(Kind::Object, depth)?;
        if self.next() == Some(b'}') {
            return self.close(object, b'}');
        }
        let mut names = NameFilter::default();
        let (mut number, mut could_repeat) = (0, false);
        loop {
            if self.next() != Some(b'"') {
                return Err(Malformed);
            }
            let name = self.layout.nodes.len();
            self.string()?;
            number += 1;
            let name = self.layout.at(self.text, name).as_str().ok_or(Malformed)?;
            if !names.add(name) {
                if number > FEW {
                    could_repeat = true;
                } else if self.layout.at(self.text, object).get(name).is_some() {
                    return Err(Malformed);
                }
            }
            if !self.eat(b':') {
                return Err(Malformed);
            }
            self.value(depth + 1)?;
            if !self.eat(b',') {
                break;
            }
        }
        self.close(object, b'}')?;
        if could_repeat && !self.is_unique(object) {
            return Err(Malformed);
        }
        Ok(())
    }

    /// Whether no member of an object is there twice.
    fn is_unique(&self, object: usize) -> bool {
        let members = self.layout.at(self.text, object).members();
        let mut names: Vec<&str> = members.map(|(name, _)| name).collect();
        names.sort_unstable();
        names.windows(2).all(|pair| matches!(pair, [one, next] if one != next))
    }

    fn array(&mut self, depth: u8) -> Result {
        let array = self.open(Kind::Array, depth)?;
        if self.next() == Some(b']') {
            return self.close(array, b']');
        }
        loop {
            self.value(depth + 1)?;
            if !self.eat(b',') {
                return self.close(array, b']');
            }
        }
    }

    fn open(&mut self, kind: Kind, depth: u8) -> Result<usize> {
        if depth == MAX_DEPTH {
            return Err(Malformed);
        }
        let place = self.layout.nodes.len();
        self.layout.nodes.push(Node { kind, start: offset(self.at), end: 0, link: u32::MAX });
        self.at += 1;
        Ok(place)
    }

    /// Steps over the last byte of what was opened, and notes where it ends.
    fn close(&mut self, place: usize, last: u8) -> Result {
        if !self.eat(last) {
            return Err(Malformed);
        }
        let after = offset(self.layout.nodes.len());
        let node = self.layout.nodes.get_mut(place).ok_or(Malformed)?;
        (node.end, node.link) = (offset(self.at), after);
        Ok(())
    }

    fn push(&mut self, kind: Kind, start: usize, link: usize) {
        let (start, end) = (offset(start), offset(self.at));
        self.layout.nodes.push(Node { kind, start, end, link: offset(link) });
    }

    fn string(&mut self) -> Result {
        let start = self.at;
        self.at = self.plain_end(start + 1);
        if self.byte() == Some(b'"') {
            self.at += 1;
            self.push(Kind::Plain, start, 0);
            return Ok(());
        }
        while self.byte() == Some(b'\\') {
            // What is escaped never ends the string.
            self.at = self.plain_end(self.at + 2);
        }
        if self.byte() != Some(b'"') {
            return Err(Malformed);
        }
        self.at += 1;
        let raw = self.text.get(start..self.at).ok_or(Malformed)?;
        let text = serde_json::from_str::<Box<str>>(raw).map_err(|_| Malformed)?;
        self.push(Kind::Escaped, start, self.layout.unescaped.len());
        self.layout.unescaped.push(text);
        Ok(())
    }

    /// Where the part of a string ends that stands for itself: at a quote, a backslash or a control
    /// character, or at the end of the document.
    fn plain_end(&self, start: usize) -> usize {
        let (chunks, rest) = self.text.as_bytes().get(start..).unwrap_or_default().as_chunks();
        let mut at = start;
        for chunk in chunks {
            let found = specials(u64::from_le_bytes(*chunk));
            if found != 0 {
                return at + found.trailing_zeros() as usize / 8;
            }
            at += 8;
        }
        let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
        at + rest.iter().position(special).unwrap_or(rest.len())
    }

    fn literal(&mut self, kind: Kind, word: &str) -> Result {
        let start = self.at;
        self.at += word.len();
        if self.text.get(start..self.at) != Some(word) {
            return Err(Malformed);
        }
        self.push(kind, start, 0);
        Ok(())
    }

    fn number(&mut self) -> Result {
        let start = self.at;
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        let is_other = |byte: &u8| matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at = start + digits;
        // Every integer of so many digits is in the range of a `u64`.
        let is_plain = (1..=19).contains(&digits)
            && (digits == 1 || rest.first() != Some(&b'0'))
            && !rest.get(digits).is_some_and(is_other);
        if !is_plain {
            let all = rest.iter().take_while(|byte| byte.is_ascii_digit() || is_other(byte));
            self.at = start + all.count();
            let raw = self.text.get(start..self.at).ok_or(Malformed)?;
            // Beyond the range of an `f64` there are no numbers.
            serde_json::from_str::<f64>(raw).map_err(|_| Malformed)?;
        }
        self.push(Kind::Number, start, 0);
        Ok(())
    }

    /// Steps over a byte, and the white space in front of it, if that is what comes next.
    fn eat(&mut self, wanted: u8) -> bool {
        let is_next = self.byte() == Some(wanted) || self.next() == Some(wanted);
        self.at += usize::from(is_next);
        is_next
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is no space.
    fn next(&mut self) -> Option<u8> {
        self.skip_space();
        self.byte()
    }

    fn skip_space(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }
}

/// The document was found to be short enough before.
fn offset(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// Eight bytes at a time: the lowest bit that is set is in the first byte that is a quote, a
/// backslash or a control character.
fn specials(bytes: u64) -> u64 {
    const fn each(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }
    // Borrows make mistakes above the first byte that is less, never below it.
    let less = |bytes: u64, than: u8| bytes.wrapping_sub(each(than)) & !bytes & each(0x80);
    // With one bit turned over the quote is next to the control characters, and no other is there.
    less(bytes ^ each(2), b' ' + 1) | less(bytes ^ each(b'\\'), 1)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Document, Unique},
        FEW,
    };

    /// Whether a document is taken, which `serde_json` has to agree about.
    fn is_read(text: &str) -> bool {
        let is_read = Document::parse(text.to_owned()).is_ok();
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
