//! Pieces of a text that are replaced, without touching the rest.

use std::{borrow::Cow, ops::Range};

/// A piece of a text, and what comes instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) range: Range<usize>,
    pub(super) with: Cow<'static, str>,
}

impl Edit {
    pub(super) fn cut(range: Range<usize>) -> Self {
        Self { range, with: Cow::Borrowed("") }
    }

    pub(super) fn insert(at: usize, text: String) -> Self {
        Self { range: at..at, with: text.into() }
    }
}

/// Edits of a text that comes in parts, in order.
pub(super) struct Edits<'a> {
    left: &'a [Edit],
    /// Position of the next part in the text.
    offset: usize,
}

impl<'a> Edits<'a> {
    /// Takes edits in order, none of which overlaps another.
    pub(super) fn new(edits: &'a [Edit]) -> Self {
        Self { left: edits, offset: 0 }
    }

    /// Appends the next part of the text as it is to be, and steps over `gap` bytes that stand between
    /// it and the part after it.
    pub(super) fn write(&mut self, part: &[u8], gap: usize, out: &mut Vec<u8>) {
        let end = self.offset + part.len();
        let mut done = self.offset;
        while let Some((edit, after)) = self.left.split_first() {
            if edit.range.start > end {
                break;
            }
            // One that began in an earlier part is written there.
            if edit.range.start >= self.offset {
                out.extend_from_slice(self.piece(part, done, edit.range.start));
                out.extend_from_slice(edit.with.as_bytes());
            }
            done = done.max(edit.range.end.min(end));
            if edit.range.end > end {
                break;
            }
            self.left = after;
        }
        out.extend_from_slice(self.piece(part, done, end));
        self.offset = end + gap;
    }

    fn piece<'b>(&self, part: &'b [u8], from: usize, to: usize) -> &'b [u8] {
        part.get(from - self.offset..to - self.offset).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Applies the same edits to the text whole, and to it in lines.
    fn both(text: &str, edits: &[Edit]) -> (String, String) {
        let mut whole = Vec::new();
        Edits::new(edits).write(text.as_bytes(), 0, &mut whole);
        let (mut lines, mut edits) = (Vec::new(), Edits::new(edits));
        for (index, line) in text.split('\n').enumerate() {
            if index > 0 {
                lines.push(b'|');
            }
            edits.write(line.as_bytes(), 1, &mut lines);
        }
        (String::from_utf8(whole).unwrap(), String::from_utf8(lines).unwrap())
    }

    #[test]
    fn edits_change_their_pieces_alone() {
        let insert = |at, text: &str| Edit::insert(at, text.to_owned());
        for (edits, whole, lines) in [
            (vec![], "abc\ndef\nghi", "abc|def|ghi"),
            (vec![Edit::cut(0..1), Edit::cut(1..2)], "c\ndef\nghi", "c|def|ghi"),
            (vec![Edit::cut(1..10)], "ai", "a||i"),
            (vec![Edit::cut(0..11)], "", "||"),
            (vec![Edit::cut(3..4)], "abcdef\nghi", "abc|def|ghi"),
            (vec![Edit::cut(4..7), insert(8, "x")], "abc\n\nxghi", "abc||xghi"),
            (
                vec![insert(0, "x"), insert(3, "y"), insert(11, "z")],
                "xabcy\ndef\nghiz",
                "xabcy|def|ghiz",
            ),
            (
                vec![Edit { range: 2..5, with: "X".into() }, Edit::cut(5..6)],
                "abXf\nghi",
                "abX|f|ghi",
            ),
        ] {
            assert_eq!(both("abc\ndef\nghi", &edits), (whole.into(), lines.into()), "{edits:?}");
        }
    }
}
