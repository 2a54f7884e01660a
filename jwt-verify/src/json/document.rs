//! A parsed JSON document.

use super::{
    scan::{Malformed, Scanner},
    value::{Json, Layout},
};

/// A document without duplicate members, and the positions of its values.
#[derive(Clone, Default)]
pub(crate) struct JsonDocument {
    text: String,
    layout: Layout,
}

impl JsonDocument {
    /// Reads a document.
    pub(crate) fn parse(text: String) -> Result<Self, Malformed> {
        let layout = Scanner::scan(&text)?;
        Ok(Self { text, layout })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    #[cfg(feature = "mcp")]
    pub(crate) fn into_text(self) -> String {
        self.text
    }

    pub(crate) fn root(&self) -> Json<'_> {
        self.at(0)
    }

    /// Returns `true` if the document is an object that may have a member of this name. Most
    /// requested names do not exist, which this filter decides at once.
    pub(crate) fn may_have(&self, name: &str) -> bool {
        self.layout.names.may_contain(name)
    }

    /// Returns the value at a [position](Json::place) of this document.
    pub(crate) fn at(&self, place: usize) -> Json<'_> {
        self.layout.at(&self.text, place)
    }
}

/// A document like [`JsonDocument`] whose text belongs to another owner.
#[cfg(feature = "mcp")]
pub(crate) struct JsonText<'t> {
    text: &'t str,
    layout: Layout,
}

#[cfg(feature = "mcp")]
impl<'t> JsonText<'t> {
    /// Reads a document.
    pub(crate) fn parse(text: &'t str) -> Result<Self, Malformed> {
        Ok(Self { text, layout: Scanner::scan(text)? })
    }

    pub(crate) fn root(&self) -> Json<'_> {
        self.layout.at(self.text, 0)
    }
}
