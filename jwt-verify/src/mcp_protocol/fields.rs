//! Header fields that mirror the message of a request.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Revision of the protocol that a request is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Revision<'r> {
    /// One whose requests do not say what they ask for, or none.
    Older(Option<&'r str>),
    /// One whose header fields mirror the message: 2026-07-28, and every one that is not known.
    Modern(&'r str),
}

/// Revisions with sessions, and without fields that mirror the message.
const OLDER: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

impl<'r> Revision<'r> {
    pub(crate) fn of(field: Option<&'r str>) -> Self {
        match field {
            Some(name) if !OLDER.contains(&name) => Self::Modern(name),
            older => Self::Older(older),
        }
    }

    /// Returns `true` if a body may be an array of messages. A request without that header may be of
    /// that revision.
    pub(crate) fn has_batches(self) -> bool {
        matches!(self, Self::Older(None | Some("2025-03-26")))
    }
}

/// Values of `MCP-Protocol-Version`, `Mcp-Method` and `Mcp-Name`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fields<'r> {
    pub(crate) revision: Revision<'r>,
    pub(crate) method: Option<&'r str>,
    pub(crate) name: Option<Cow<'r, str>>,
}

/// A field that is missing, there twice, malformed, or not what the body says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeaderMismatch(pub(crate) &'static str);

impl<'r> Fields<'r> {
    /// Reads the values of the fields, each of which should be there at most once.
    pub(crate) fn read(
        revision: impl Iterator<Item = &'r [u8]>,
        method: impl Iterator<Item = &'r [u8]>,
        name: impl Iterator<Item = &'r [u8]>,
    ) -> Result<Self, HeaderMismatch> {
        const REVISION: &str = "`MCP-Protocol-Version` is there twice or malformed";
        const METHOD: &str = "`Mcp-Method` is there twice or malformed";
        const NAME: &str = "`Mcp-Name` is there twice or malformed";

        let revision = Revision::of(one(revision, REVISION)?);
        let method = one(method, METHOD)?;
        let name = match one(name, NAME)? {
            Some(name) => Some(decoded(name).ok_or(HeaderMismatch(NAME))?),
            None => None,
        };
        Ok(Self { revision, method, name })
    }

    /// Refuses those of a message without a field that its revision asks for.
    pub(crate) fn complete(self) -> Result<Self, HeaderMismatch> {
        if matches!(self.revision, Revision::Modern(_)) {
            let method = self.method.ok_or(HeaderMismatch("`Mcp-Method` is missing"))?;
            if is_named(method) && self.name.is_none() {
                return Err(HeaderMismatch("`Mcp-Name` is missing"));
            }
        }
        Ok(self)
    }
}

/// Returns `true` for methods whose tool, prompt or resource is in `Mcp-Name`.
pub(crate) fn is_named(method: &str) -> bool {
    matches!(method, "tools/call" | "prompts/get" | "resources/read")
}

fn one<'r>(
    mut values: impl Iterator<Item = &'r [u8]>,
    problem: &'static str,
) -> Result<Option<&'r str>, HeaderMismatch> {
    let (value, None) = (values.next(), values.next()) else { return Err(HeaderMismatch(problem)) };
    let Some(value) = value else { return Ok(None) };
    // Inside of a name there may be spaces.
    let is_plain = value.iter().all(|byte| matches!(byte, 0x20..=0x7e | b'\t'))
        && !value.is_empty()
        && value.trim_ascii().len() == value.len();
    let text = std::str::from_utf8(value).ok().filter(|_| is_plain);
    text.map(Some).ok_or(HeaderMismatch(problem))
}

/// Decodes the Base64 form of a value: `=?base64?…?=`.
fn decoded(value: &str) -> Option<Cow<'_, str>> {
    let encoded = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    let Some(encoded) = encoded else { return Some(Cow::Borrowed(value)) };
    // Padding and the bits behind the last byte have one form.
    let bytes = STANDARD.decode(encoded).ok()?;
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'r>(
        revision: &[&'r str],
        method: &[&'r str],
        name: &[&'r str],
    ) -> Result<Fields<'r>, HeaderMismatch> {
        let bytes = |values: &[&'r str]| -> Vec<&'r [u8]> {
            values.iter().map(|value| value.as_bytes()).collect()
        };
        Fields::read(
            bytes(revision).into_iter(),
            bytes(method).into_iter(),
            bytes(name).into_iter(),
        )
        .and_then(Fields::complete)
    }

    #[test]
    fn a_modern_request_says_what_it_asks_for() {
        let fields = read(&["2026-07-28"], &["tools/call"], &["search"]).unwrap();
        assert_eq!(fields.revision, Revision::Modern("2026-07-28"));
        assert_eq!((fields.method, fields.name.as_deref()), (Some("tools/call"), Some("search")));
        assert!(read(&["2026-07-28"], &["tools/list"], &[]).is_ok());
        for method in ["tools/call", "prompts/get", "resources/read"] {
            assert!(read(&["2026-07-28"], &[method], &[]).is_err(), "{method}");
        }
        // A revision that nobody knows may be a later one.
        for revision in ["2026-07-28", "2027-01-01", "2025-11-25 ", "x"] {
            assert!(read(&[revision], &[], &[]).is_err(), "{revision}");
        }
        for revision in OLDER {
            let fields = read(&[revision], &[], &[]).unwrap();
            assert_eq!(fields.revision, Revision::Older(Some(revision)));
            assert_eq!(fields.revision.has_batches(), revision == "2025-03-26");
        }
        assert!(read(&[], &[], &[]).unwrap().revision.has_batches());
    }

    #[test]
    fn a_field_is_there_once_and_well_formed() {
        let is_read = |method: &[&str], name: &[&str]| {
            read(&["2026-07-28"], method, name).is_ok() && read(&[], method, name).is_ok()
        };
        assert!(is_read(&["tools/call"], &["a b\tc"]));
        for (method, name) in [
            (&["tools/call", "tools/call"][..], &["a"][..]),
            (&["tools/call"], &["a", "a"]),
            (&["tools/call"], &["a", "b"]),
            (&["tools/call"], &[""]),
            (&[""], &["a"]),
            (&["tools/call"], &["a\u{7f}"]),
            (&["tools/call"], &["a\u{1}"]),
            (&["tools/call"], &["caf\u{e9}"]),
            (&["tools/call"], &["=?base64?YQ?="]),
            (&["tools/call"], &["=?base64?YR==?="]),
            (&["tools/call"], &["=?base64?YQ==\n?="]),
            (&["tools/call"], &["=?base64?YQ__?="]),
            (&["tools/call"], &["=?base64?/w==?="]),
        ] {
            assert!(!is_read(method, name), "{method:?} {name:?}");
        }
        assert!(read(&["2025-11-25", "2026-07-28"], &[], &[]).is_err());
        assert!(read(&["2026-07-28", "2026-07-28"], &["ping"], &[]).is_err());
    }

    #[test]
    fn the_base64_form_is_decoded() {
        for (value, name) in [
            ("=?base64?SGVsbG8sIOS4lueVjA==?=", "Hello, 世界"),
            ("=?base64?IHBhZGRlZCA=?=", " padded "),
            ("=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=", "=?base64?literal?="),
            // Anything else is the name itself.
            ("=?BASE64?YQ==?=", "=?BASE64?YQ==?="),
            ("=?base64?YQ==", "=?base64?YQ=="),
            ("YQ==", "YQ=="),
        ] {
            let fields = read(&["2026-07-28"], &["tools/call"], &[value]).unwrap();
            assert_eq!(fields.name.as_deref(), Some(name));
        }
    }
}
