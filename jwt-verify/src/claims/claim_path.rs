//! Name of a claim as an application writes it.

use super::Claims;
use crate::json::Json;

/// The name of a claim, and the path to use if no claim has that name.
///
/// `permissions`, a URL such as `https://myapp.com/roles`, a path with dots such as
/// `realm_access.roles`, or a JSON pointer such as `/resource_access/my.client/roles` (RFC 6901).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClaimPath {
    name: Box<str>,
    path: Vec<Box<str>>,
}

impl ClaimPath {
    pub(crate) fn new(name: &str) -> Self {
        let path = match name.strip_prefix('/') {
            Some(pointer) => pointer.split('/').map(unescaped).collect(),
            None if name.contains('.') && !name.contains("://") => {
                name.split('.').map(Into::into).collect()
            }
            None => Vec::new(),
        };
        Self { name: name.into(), path }
    }

    /// Returns it as it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.name
    }

    /// Finds a claim without an accessor of its own.
    pub(super) fn find<'a>(&self, claims: &'a Claims) -> Option<Json<'a>> {
        claims.find(&self.name).or_else(|| {
            let (first, rest) = self.path.split_first()?;
            rest.iter().try_fold(claims.find(first)?, |value, name| value.get(name))
        })
    }

    /// Returns `true` for the claim `aud`.
    pub(crate) fn is_audience(&self) -> bool {
        matches!(&*self.name, "aud" | "/aud")
    }

    /// Returns `true` for the claim `sub`.
    pub(crate) fn is_subject(&self) -> bool {
        matches!(&*self.name, "sub" | "/sub")
    }

    /// Finds any claim but the dates.
    pub(crate) fn find_any<'a>(&self, claims: &'a Claims) -> Option<Json<'a>> {
        match &*self.name {
            "iss" | "/iss" => claims.find_any("iss"),
            "sub" | "/sub" => claims.find_any("sub"),
            "jti" | "/jti" => claims.find_any("jti"),
            "aud" | "/aud" => claims.find_any("aud"),
            _ => self.find(claims),
        }
    }
}

/// Decodes a step of a JSON pointer (RFC 6901 §4).
fn unescaped(step: &str) -> Box<str> {
    step.replace("~1", "/").replace("~0", "~").into()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn find(name: &str) -> Option<Value> {
        let claims = json!({
            "sub": "alice",
            "a": {"b.c": {"d": 1}, "x/y": 2, "m~n": 3, "": 4},
            "a.b": 5,
            "/a": 6,
            "list": ["first"],
        });
        let claims: Claims = serde_json::from_str(&claims.to_string()).unwrap();
        ClaimPath::new(name).find(&claims).map(Json::to_value)
    }

    #[test]
    fn a_pointer_reaches_names_that_a_path_with_dots_cannot() {
        assert_eq!(find("/a/b.c/d"), Some(json!(1)));
        assert_eq!(find("/a/x~1y"), Some(json!(2)));
        assert_eq!(find("/a/m~0n"), Some(json!(3)));
        assert_eq!(find("/a/"), Some(json!(4)));
        assert_eq!(find("a.b"), Some(json!(5)));
        assert_eq!(find("/a"), Some(json!(6)), "a claim of exactly that name comes first");
        assert_eq!(find("a.b.c"), None);
        assert_eq!(find("/list/0"), None, "elements of arrays have no names");
        assert_eq!(find("/nothing/here"), None);
        assert_eq!(find("sub"), None);
    }
}
