//! Values of a JSON document, read in place.

use serde_json::{Number, Value};

use super::names::NameFilter;

/// Positions of the values of a document, in document order.
#[derive(Clone, Default)]
pub(super) struct Layout {
    pub(super) nodes: Vec<Node>,
    /// Decoded strings with escapes, each with its position.
    pub(super) unescaped: Vec<(u32, Box<str>)>,
    /// Member names of the document itself.
    pub(super) names: NameFilter,
}

/// A value and its position in the document. The content of an array or an object follows it; a
/// member is its name and then its value.
#[derive(Clone, Copy)]
pub(super) struct Node {
    pub(super) kind: NodeKind,
    pub(super) start: u32,
    pub(super) end: u32,
    /// Position after everything in the value.
    pub(super) after: u32,
}

impl Node {
    /// Returns `true` if its length fits. Most other names have another length.
    fn could_be(&self, text: &str) -> bool {
        (self.end - self.start) as usize == text.len() + 2 || self.kind == NodeKind::Escaped
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeKind {
    Null,
    Bool,
    Number,
    /// A string without escapes.
    Plain,
    /// A string with escapes.
    Escaped,
    Array,
    Object,
}

impl Layout {
    #[cold]
    fn unescaped(&self, place: usize) -> Option<&str> {
        let found = self.unescaped.binary_search_by_key(&place, |(place, _)| *place as usize);
        self.unescaped.get(found.ok()?).map(|(_, text)| &**text)
    }

    /// Returns the value at a position of the parsed document; the whole document is at 0.
    pub(super) fn at<'a>(&'a self, text: &'a str, place: usize) -> Json<'a> {
        Json { text, layout: self, place }
    }
}

/// A value in a document.
#[derive(Clone, Copy)]
pub(crate) struct Json<'a> {
    text: &'a str,
    layout: &'a Layout,
    place: usize,
}

impl<'a> Json<'a> {
    /// Returns the position by which its [`JsonDocument`](super::JsonDocument) finds it again.
    pub(crate) fn place(self) -> usize {
        self.place
    }

    fn node(self) -> Option<&'a Node> {
        self.layout.nodes.get(self.place)
    }

    fn is(self, kind: NodeKind) -> bool {
        self.node().is_some_and(|node| node.kind == kind)
    }

    /// Returns its text in the document.
    pub(crate) fn raw(self) -> &'a str {
        self.node()
            .and_then(|node| self.text.get(node.start as usize..node.end as usize))
            .unwrap_or_default()
    }

    /// Returns where its text is in the document.
    #[cfg(feature = "mcp")]
    pub(crate) fn span(self) -> std::ops::Range<usize> {
        self.node().map_or(0..0, |node| node.start as usize..node.end as usize)
    }

    pub(crate) fn as_str(self) -> Option<&'a str> {
        let node = self.node()?;
        match node.kind {
            NodeKind::Plain => self.text.get(node.start as usize + 1..node.end as usize - 1),
            NodeKind::Escaped => self.layout.unescaped(self.place),
            _ => None,
        }
    }

    /// Returns the bytes of a string, which is cheaper.
    #[inline] // each name of an object is read so
    pub(crate) fn as_bytes(self) -> Option<&'a [u8]> {
        let node = self.node()?;
        match node.kind {
            NodeKind::Plain => {
                self.text.as_bytes().get(node.start as usize + 1..node.end as usize - 1)
            }
            _ => self.as_str().map(str::as_bytes),
        }
    }

    pub(crate) fn as_bool(self) -> Option<bool> {
        self.is(NodeKind::Bool).then(|| self.raw() == "true")
    }

    /// Returns the digits of a number without a sign, a fraction and an exponent, as they are
    /// written.
    pub(crate) fn as_digits(self) -> Option<&'a str> {
        let digits = self.is(NodeKind::Number).then(|| self.raw())?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(digits)
    }

    /// Returns a number that consists of at most 19 digits.
    pub(crate) fn as_integer(self) -> Option<u64> {
        let node = self.node().filter(|node| node.kind == NodeKind::Number)?;
        let digits = self.text.as_bytes().get(node.start as usize..node.end as usize)?;
        let digit = |byte: u8| byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
        let add = |number, byte: &u8| Some(number * 10 + digit(*byte)?);
        if digits.len() <= 19 { digits.iter().try_fold(0, add) } else { None }
    }

    pub(crate) fn as_number(self) -> Option<Number> {
        self.is(NodeKind::Number).then(|| serde_json::from_str(self.raw()).ok())?
    }

    pub(crate) fn as_f64(self) -> Option<f64> {
        self.as_number()?.as_f64()
    }

    pub(crate) fn is_string(self) -> bool {
        self.is(NodeKind::Plain) || self.is(NodeKind::Escaped)
    }

    pub(crate) fn is_null(self) -> bool {
        self.is(NodeKind::Null)
    }

    pub(crate) fn is_number(self) -> bool {
        self.is(NodeKind::Number)
    }

    pub(crate) fn is_array(self) -> bool {
        self.is(NodeKind::Array)
    }

    pub(crate) fn is_object(self) -> bool {
        self.is(NodeKind::Object)
    }

    /// Returns `true` if it is exactly this string.
    pub(crate) fn is_text(self, text: &str) -> bool {
        self.node().is_some_and(|node| node.could_be(text))
            && self.as_bytes() == Some(text.as_bytes())
    }

    /// Converts it to an owned value, built from the parsed text: `serde_json` itself interprets
    /// some member names differently.
    pub(crate) fn to_value(self) -> Value {
        let Some(node) = self.node() else { return Value::Null };
        match node.kind {
            NodeKind::Null => Value::Null,
            NodeKind::Bool => Value::Bool(self.raw() == "true"),
            NodeKind::Number => self.as_number().map_or(Value::Null, Value::Number),
            NodeKind::Plain | NodeKind::Escaped => self.as_str().unwrap_or_default().into(),
            NodeKind::Array => self.elements().map(Self::to_value).collect(),
            NodeKind::Object => {
                let member = |(name, value): (&str, Self)| (name.to_owned(), value.to_value());
                self.members().map(member).collect()
            }
        }
    }

    /// Returns `true` if a member anywhere in it has a name that `serde_json` interprets
    /// differently when it deserializes a type, so that the type would differ from the text.
    pub(crate) fn has_reserved_names(self) -> bool {
        const RESERVED: &str = "$serde_json::private::";
        let raw = self.raw();
        let end = self.node().map_or(0, |node| node.after as usize);
        // A name may be written with escapes.
        (raw.contains(RESERVED) || raw.contains('\\'))
            && (self.place..end)
                .flat_map(|place| Json { place, ..self }.entries())
                .any(|(name, _)| name.as_str().is_some_and(|name| name.starts_with(RESERVED)))
    }

    /// Returns the elements of an array; none for other values.
    pub(crate) fn elements(self) -> impl Iterator<Item = Json<'a>> + use<'a> {
        self.children(NodeKind::Array)
    }

    /// Returns the members of an object, in document order; none for other values.
    pub(crate) fn members(self) -> impl Iterator<Item = (&'a str, Json<'a>)> + use<'a> {
        self.entries().filter_map(|(name, value)| Some((name.as_str()?, value)))
    }

    /// Returns the members with their names as values.
    pub(crate) fn entries(self) -> impl Iterator<Item = (Json<'a>, Json<'a>)> + use<'a> {
        let nodes = self.layout.nodes.as_slice();
        let end =
            self.node().filter(|node| node.kind == NodeKind::Object).map_or(0, |node| node.after);
        // While an object is being parsed its end is unknown, and its last member has no value yet.
        let nodes = nodes.get(..end as usize).unwrap_or(nodes);
        let mut place = self.place + 1;
        std::iter::from_fn(move || {
            let [_, value, ..] = nodes.get(place..)? else { return None };
            let entry = (Json { place, ..self }, Json { place: place + 1, ..self });
            place = value.after as usize;
            Some(entry)
        })
    }

    /// Returns the member of an object with this name.
    pub(crate) fn get(self, name: &str) -> Option<Self> {
        self.entries().find(|(known, _)| known.is_text(name)).map(|(_, value)| value)
    }

    fn children(self, of: NodeKind) -> Children<'a> {
        let end = self.node().filter(|node| node.kind == of).map_or(0, |node| node.after as usize);
        Children { next: Json { place: self.place + 1, ..self }, end }
    }
}

struct Children<'a> {
    next: Json<'a>,
    end: usize,
}

impl<'a> Iterator for Children<'a> {
    type Item = Json<'a>;

    fn next(&mut self) -> Option<Json<'a>> {
        let child = self.next;
        if child.place >= self.end {
            return None;
        }
        self.next.place = child.node()?.after as usize;
        Some(child)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{JsonDocument, Unique},
        *,
    };

    const TEXT: &str = r#" { "text" : "a\u0062c" , "plain" : "abc" , "number" : -1.5e1 ,
        "yes" : true , "no" : false , "nothing" : null , "list" : [ [ 1 , 2 ] , { } , "x" ] ,
        "object" : { "a" : { "b" : "c" } } , "" : 0 } "#;

    fn document() -> JsonDocument {
        JsonDocument::parse(TEXT.to_owned()).unwrap()
    }

    #[test]
    fn members_and_elements_are_found_where_they_stand() {
        let document = document();
        let names: Vec<&str> = document.root().members().map(|(name, _)| name).collect();
        assert_eq!(
            names,
            ["text", "plain", "number", "yes", "no", "nothing", "list", "object", ""]
        );
        let get = |name: &str| document.root().get(name).unwrap();
        let raw: Vec<&str> = get("list").elements().map(Json::raw).collect();
        assert_eq!(raw, ["[ 1 , 2 ]", "{ }", "\"x\""]);
        assert_eq!(
            get("object").get("a").and_then(|a| a.get("b")).and_then(Json::as_str),
            Some("c")
        );
        assert_eq!(get("").raw(), "0");
        for name in ["tex", "text ", "a", "x", "abc"] {
            assert!(document.root().get(name).is_none(), "{name}");
        }
        assert_eq!(document.at(get("list").place()).raw(), get("list").raw());
        // Values after an object are not part of it.
        assert!(get("object").get("").is_none());
        // Only objects have members, and only arrays have elements.
        assert!(get("list").members().next().is_none() && get("list").get("x").is_none());
        assert!(
            get("object").elements().next().is_none() && get("plain").elements().next().is_none()
        );
    }

    #[test]
    fn a_value_is_of_one_kind() {
        let document = document();
        for (name, text, flag, number) in [
            ("text", Some("abc"), None, None),
            ("plain", Some("abc"), None, None),
            ("number", None, None, Some(-15.0)),
            ("yes", None, Some(true), None),
            ("no", None, Some(false), None),
            ("nothing", None, None, None),
            ("list", None, None, None),
            ("object", None, None, None),
        ] {
            let value = document.root().get(name).unwrap();
            assert_eq!(value.as_str(), text, "{name}");
            assert_eq!(value.is_string(), text.is_some(), "{name}");
            assert_eq!(value.is_text("abc"), text.is_some(), "{name}");
            assert!(!value.is_text("xyz") && !value.is_text("ab") && !value.is_text(""), "{name}");
            assert_eq!(value.as_bool(), flag, "{name}");
            assert_eq!(value.as_f64(), number, "{name}");
            assert_eq!(value.as_number().is_some(), number.is_some(), "{name}");
            assert_eq!(value.is_array(), name == "list");
            assert_eq!(value.is_object(), name == "object");
        }
    }

    #[test]
    fn an_integer_has_digits_only_and_not_too_many() {
        for (text, number) in [
            ("0", Some(0)),
            ("1790000000", Some(1_790_000_000)),
            ("9999999999999999999", Some(9_999_999_999_999_999_999)),
            ("18446744073709551615", None),
            ("99999999999999999999999", None),
            ("-1", None),
            ("1.0", None),
            ("1e3", None),
            ("\"1\"", None),
            ("true", None),
            ("[1]", None),
        ] {
            let document = JsonDocument::parse(text.to_owned()).unwrap();
            assert_eq!(document.root().as_integer(), number, "{text}");
            let is_written_in_digits = text.bytes().all(|byte| byte.is_ascii_digit());
            let digits = document.root().as_digits();
            assert_eq!(digits, is_written_in_digits.then_some(text), "{text}");
        }
    }

    /// Names that `serde_json` uses internally for numbers and raw values are ordinary names here.
    #[test]
    fn a_value_is_what_stands_there() {
        for text in [
            TEXT,
            r#"{"a":{"$serde_json::private::RawValue":"{"},"b":true}"#,
            r#"{"$serde_json::private::RawValue":"{\"a\":1,\"a\":2}"}"#,
            r#"[{"$serde_json::private::Number":"1"}]"#,
        ] {
            let document = JsonDocument::parse(text.to_owned()).unwrap();
            let Unique(value) = serde_json::from_str(text).unwrap();
            assert_eq!(document.root().to_value(), value, "{text}");
        }
    }
}
