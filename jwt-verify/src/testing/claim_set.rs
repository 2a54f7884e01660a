//! Claims of a test, before they are in a token.

use std::fmt;

use serde_json::{Map, Value, json};

use super::AUDIENCE;

/// Lifetime of a token by default, in seconds.
pub(super) const LIFETIME: u64 = 600;

/// Claims by name, of any value.
#[derive(Clone)]
pub(super) struct ClaimSet(Map<String, Value>);

impl ClaimSet {
    /// Creates those of the subject `test-user`, for [`AUDIENCE`] and ten minutes.
    pub(super) fn new(issuer: &str, now: u64) -> Self {
        Self::without_dates(issuer).with_dates(now)
    }

    /// Creates those of the subject `test-user`, for [`AUDIENCE`].
    pub(super) fn without_dates(issuer: &str) -> Self {
        let mut claims = Self(Map::new());
        claims.set("iss", issuer);
        claims.set("aud", AUDIENCE);
        claims.set("sub", "test-user");
        claims
    }

    /// Adds the dates that are missing: from now, for ten minutes.
    pub(super) fn with_dates(mut self, now: u64) -> Self {
        self.0.entry("iat").or_insert_with(|| now.into());
        self.0.entry("exp").or_insert_with(|| (now + LIFETIME).into());
        self
    }

    pub(super) fn set(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.0.insert(name.into(), value.into());
    }

    /// Adds an entry to a list.
    pub(super) fn add(&mut self, name: &str, entry: impl Into<String>) {
        let entry = entry.into();
        match self.0.entry(name).or_insert_with(|| json!([])) {
            Value::Array(entries) => entries.push(entry.into()),
            other => *other = json!([entry]),
        }
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    pub(super) fn into_members(self) -> Map<String, Value> {
        self.0
    }
}

/// Contains the names of the claims, not the values.
impl fmt::Debug for ClaimSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}
