//! Patterns of resource URIs.

use std::borrow::Cow;

/// A pattern of resource URIs: literal text, `{name}` for one segment, and `{+name}` for the rest
/// (RFC 6570 §3.2.2, §3.2.3).
///
/// A value that a server could read as another path matches nothing: `.` and `..`, two slashes, a
/// backslash, a control character, and an escape of a slash, a backslash or a character that needs none,
/// at whatever depth of escapes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResourceTemplate {
    text: Cow<'static, str>,
    parts: Vec<TemplatePart>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum TemplatePart {
    Literal(String),
    Segment(String),
    Rest(String),
}

/// Values of the variables of a template, in its order.
pub(crate) type TemplateVariables<'a> = Vec<(&'a str, &'a str)>;

impl ResourceTemplate {
    pub(crate) fn parse(text: Cow<'static, str>) -> Result<Self, &'static str> {
        let mut parts = Vec::new();
        let mut rest = &*text;
        while let Some((literal, after)) = rest.split_once('{') {
            if !literal.is_empty() {
                parts.push(TemplatePart::Literal(literal.to_owned()));
            } else if !matches!(parts.last(), None | Some(TemplatePart::Literal(_))) {
                return Err("needs text between two variables of a resource template");
            }
            let (variable, after) =
                after.split_once('}').ok_or("has a brace that is not closed")?;
            let (name, is_rest) = match variable.strip_prefix('+') {
                Some(name) => (name, true),
                None => (variable, false),
            };
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            if name.is_empty() || !name.bytes().all(is_name) {
                return Err("a variable of a resource template is `{name}` or `{+name}`");
            }
            if parts.iter().any(|part| part.variable() == Some(name)) {
                return Err("names a variable of a resource template twice");
            }
            if is_rest && !after.is_empty() {
                return Err("`{+name}` comes last in a resource template");
            }
            let part = if is_rest { TemplatePart::Rest } else { TemplatePart::Segment };
            parts.push(part(name.to_owned()));
            rest = after;
        }
        if rest.contains('}') {
            return Err("has a brace that is not opened");
        }
        if !rest.is_empty() {
            parts.push(TemplatePart::Literal(rest.to_owned()));
        }
        // The scheme decides which resources are meant at all.
        if !matches!(parts.first(), Some(TemplatePart::Literal(literal)) if literal.contains(':')) {
            return Err("a resource template begins with the scheme of its URIs");
        }
        Ok(Self { text, parts })
    }

    /// Returns the template as it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn has_variable(&self, name: &str) -> bool {
        self.parts.iter().any(|part| part.variable() == Some(name))
    }

    /// Returns the values of the variables if the URI matches.
    pub(crate) fn matches<'t: 'v, 'v>(&'t self, uri: &'v str) -> Option<TemplateVariables<'v>> {
        let mut variables = Vec::new();
        let mut rest = uri;
        let mut parts = self.parts.iter().peekable();
        while let Some(part) = parts.next() {
            match part {
                TemplatePart::Literal(literal) => rest = rest.strip_prefix(literal.as_str())?,
                TemplatePart::Rest(name) => {
                    // One that begins with a slash is absolute to `Path::join`.
                    let mut segments = rest.strip_suffix('/').unwrap_or(rest).split('/');
                    if segments.any(|segment| segment.is_empty() || !is_plain(segment)) {
                        return None;
                    }
                    variables.push((name.as_str(), rest));
                    rest = "";
                }
                TemplatePart::Segment(name) => {
                    let end = match parts.peek() {
                        Some(TemplatePart::Literal(literal)) => rest.find(literal.as_str())?,
                        _ => rest.len(),
                    };
                    let (value, after) = rest.split_at(end);
                    if value.is_empty() || value.contains('/') || !is_plain(value) {
                        return None;
                    }
                    variables.push((name.as_str(), value));
                    rest = after;
                }
            }
        }
        rest.is_empty().then_some(variables)
    }
}

impl TemplatePart {
    fn variable(&self) -> Option<&str> {
        match self {
            Self::Literal(_) => None,
            Self::Segment(name) | Self::Rest(name) => Some(name),
        }
    }
}

/// Rounds of escapes in a value. A reader that decodes more often is not known, and each round reads the
/// value anew: without an end, a long one would keep the worker busy.
const MOST_ROUNDS: usize = 8;

/// Returns `true` for a segment that means itself to every reader.
fn is_plain(segment: &str) -> bool {
    let mut decoded = Cow::Borrowed(segment.as_bytes());
    for _ in 0..=MOST_ROUNDS {
        let is_hostile = |byte: &u8| matches!(byte, b'\\' | 0..=0x1f | 0x7f | b'?' | b'#');
        if decoded.iter().any(is_hostile) || matches!(&*decoded, b"." | b"..") {
            return false;
        }
        // `%61dmin` would pass by a rule about `admin`, which it means (RFC 3986 §6.2.2.2).
        if decoded.windows(3).filter_map(escaped).any(is_unreserved) {
            return false;
        }
        match unescape(&decoded) {
            Some(next) if next.contains(&b'/') => return false,
            Some(next) => decoded = Cow::Owned(next),
            None => return true,
        }
    }
    false
}

/// Returns `true` for characters that need no escape (RFC 3986 §2.3).
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Decodes an escape.
fn escaped(text: &[u8]) -> Option<u8> {
    let [b'%', digits @ ..] = text else { return None };
    let is_hexadecimal = digits.len() == 2 && digits.iter().all(u8::is_ascii_hexdigit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| is_hexadecimal)?;
    u8::from_str_radix(digits, 16).ok()
}

/// Decodes percent-encoded bytes once. Returns `None` without any.
fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let (mut decoded, mut rest, mut any) = (Vec::with_capacity(text.len()), text, false);
    while let [first, after @ ..] = rest {
        if let Some((escape, after)) = rest.split_at_checked(3)
            && let Some(byte) = escaped(escape)
        {
            decoded.push(byte);
            (rest, any) = (after, true);
        } else {
            decoded.push(*first);
            rest = after;
        }
    }
    any.then_some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(template: &'static str, uri: &str) -> Option<Vec<(String, String)>> {
        let template = ResourceTemplate::parse(template.into()).unwrap();
        let found = template.matches(uri)?;
        Some(found.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    #[test]
    fn variables_are_segments_and_the_rest() {
        assert_eq!(matched("note:all", "note:all"), Some(pairs(&[])));
        assert_eq!(
            matched("note://{user}/{id}", "note://ann/7"),
            Some(pairs(&[("user", "ann"), ("id", "7")]))
        );
        assert_eq!(
            matched("note://{user}/{id}.txt", "note://ann/7.txt"),
            Some(pairs(&[("user", "ann"), ("id", "7")]))
        );
        assert_eq!(
            matched("file:///pub/{+path}", "file:///pub/a/b.md"),
            Some(pairs(&[("path", "a/b.md")]))
        );
        for (template, uri) in [
            ("note:all", "note:all/"),
            ("note:all", "Note:all"),
            ("note://{user}/{id}", "note://ann/7/8"),
            ("note://{user}/{id}", "note:///7"),
            ("note://{user}/{id}", "note://ann/"),
            ("file:///pub/{+path}", "file:///pub/"),
        ] {
            assert_eq!(matched(template, uri), None, "{uri}");
        }
    }

    #[test]
    fn values_with_another_meaning_match_nothing() {
        for tail in [
            "..",
            ".",
            "a/../b",
            "a/./b",
            "%2e%2e",
            "%2E.",
            "a%2Fb",
            "a%5cb",
            "a\\b",
            "a%252Fb",
            "%25252e%252e",
            "a//../b",
            "a%00b",
            "a\nb",
            "a?b",
            "a#b",
            "a%3Fb",
            "%2525252e.",
            "%61dmin",
            "a%2Dmin",
            "%2561dmin",
            "/",
            "/etc/passwd",
            "a//b",
            "a//",
        ] {
            let uri = format!("file:///pub/{tail}");
            assert_eq!(matched("file:///pub/{+path}", &uri), None, "{uri}");
            assert_eq!(matched("file:///pub/{name}", &uri), None, "{uri}");
        }
        assert!(matched("file:///pub/{name}", "file:///pub/a%20b%25.md").is_some());
        assert!(matched("file:///pub/{name}", "file:///pub/..a").is_some());
        assert!(matched("file:///pub/{+path}", "file:///pub/a/b/").is_some());
    }

    /// Else each round would take off one escape of a hundred thousand.
    #[test]
    fn escapes_of_escapes_come_to_an_end() {
        let uri = format!("file:///pub/%{}", "25".repeat(100_000));
        for template in ["file:///pub/{+path}", "file:///pub/{name}"] {
            assert_eq!(matched(template, &uri), None);
        }
    }

    #[test]
    fn templates_that_mean_nothing_are_refused() {
        for text in [
            "",
            "{x}",
            "note",
            "/a/{b}",
            "a:{b",
            "a:b}",
            "a:{}",
            "a:{+}",
            "a:{b}{c}",
            "a:{+b}/c",
            "a:{b}/{b}",
            "a:{b*}",
        ] {
            assert!(ResourceTemplate::parse(text.into()).is_err(), "{text}");
        }
    }
}
