//! The `aud` claim (RFC 7519 §4.1.3).

use std::fmt;

use serde::{Serialize, Serializer};

use crate::json::Json;

/// The audiences of a token: one string or several.
#[derive(Clone, Copy)]
pub struct Audience<'a>(Json<'a>);

impl<'a> Audience<'a> {
    pub(super) fn of(value: Json<'a>) -> Self {
        Self(value)
    }

    /// Returns `true` for a string or an array of strings.
    pub(super) fn is_one(value: Json<'_>) -> bool {
        value.is_string() || value.is_array() && value.elements().all(Json::is_string)
    }

    /// Returns `true` for an array without elements.
    pub(crate) fn is_empty(self) -> bool {
        self.0.is_array() && self.0.elements().next().is_none()
    }

    /// Returns every audience that the token names.
    pub fn iter(self) -> impl Iterator<Item = &'a str> {
        self.0.as_str().into_iter().chain(self.0.elements().filter_map(Json::as_str))
    }

    /// Returns `true` if the token names this audience, compared byte by byte.
    pub fn contains(self, audience: &str) -> bool {
        self.iter().any(|name| name == audience)
    }
}

impl PartialEq for Audience<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.is_string() == other.0.is_string() && self.iter().eq(other.iter())
    }
}

impl Eq for Audience<'_> {}

/// Contains the number of audiences, not their names.
impl fmt::Debug for Audience<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Audience({})", self.iter().count())
    }
}

impl Serialize for Audience<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_str() {
            Some(name) => serializer.serialize_str(name),
            None => serializer.collect_seq(self.iter()),
        }
    }
}
