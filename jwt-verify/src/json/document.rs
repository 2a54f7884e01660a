//! A JSON document that was read once.

use super::{
    scan::{Malformed, Scanner},
    value::{Json, Layout},
};

/// A document without duplicate members, and where its values stand.
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

    pub(crate) fn root(&self) -> Json<'_> {
        self.at(0)
    }

    /// Whether the document is an object that may have a member of this name. Most that are asked for
    /// are not there, and that is known at once.
    pub(crate) fn may_have(&self, name: &str) -> bool {
        self.layout.names.may_contain(name)
    }

    /// The value at a [place](Json::place) of this document.
    pub(crate) fn at(&self, place: usize) -> Json<'_> {
        self.layout.at(&self.text, place)
    }
}
