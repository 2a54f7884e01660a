//! Text from outside, made safe for a log.

use std::fmt;

/// Text from outside: cut after 128 characters, and control characters are escaped.
#[derive(Clone, Copy)]
pub(crate) struct Shortened<'a>(pub(crate) &'a str);

impl fmt::Debug for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.0.char_indices().nth(128).map_or(self.0.len(), |(at, _)| at);
        let kept = self.0.get(..end).unwrap_or_default();
        write!(f, "{kept:?}{}", if end < self.0.len() { "…" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_and_controls_are_escaped() {
        assert_eq!(format!("{:?}", Shortened("a\r\n\u{1b}[31m\"ü")), r#""a\r\n\u{1b}[31m\"ü""#);
        let long = "ü".repeat(129);
        assert_eq!(format!("{:?}", Shortened(&long)), format!("\"{}\"…", "ü".repeat(128)));
    }
}
