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

    /// Finds a claim without an accessor of its own, and where the path has a `*`, that part of each
    /// element of a list: `/roles/*/name` finds `admin` in `{"roles": [{"name": "admin"}]}`. In an
    /// object `*` is a name like any other.
    pub(super) fn find_each<'a>(&self, claims: &'a Claims, found: &mut dyn FnMut(Json<'a>)) {
        if let Some(claim) = claims.find(&self.name) {
            return found(claim);
        }
        if let Some((first, rest)) = self.path.split_first()
            && let Some(claim) = claims.find(first)
        {
            follow(claim, rest, found);
        }
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

/// Follows a path. Every value is found once at most, since a path leads to it in one way.
fn follow<'a>(value: Json<'a>, path: &[Box<str>], found: &mut dyn FnMut(Json<'a>)) {
    match path.split_first() {
        None => found(value),
        Some((step, rest)) if value.is_array() && &**step == "*" => {
            value.elements().for_each(|element| follow(element, rest, found));
        }
        Some((step, rest)) => {
            if let Some(member) = value.get(step) {
                follow(member, rest, found);
            }
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

    #[test]
    fn a_star_is_each_element_of_a_list() {
        let claims = json!({
            "roles": [{"name": "a"}, {"name": "b", "x": [{"y": 1}, {"y": 2}]}, "c", {"nick": "d"}, ["e"]],
            "by": {"one": {"name": "a"}, "*": {"name": "f"}},
            "/exact/*": 7,
            "exact": [8],
            "*": [{"name": "g"}],
        });
        let claims: Claims = serde_json::from_str(&claims.to_string()).unwrap();
        let find = |name: &str| {
            let mut found = Vec::new();
            ClaimPath::new(name).find_each(&claims, &mut |value| found.push(value.to_value()));
            found
        };
        assert_eq!(find("/roles/*/name"), [json!("a"), json!("b")]);
        assert_eq!(find("roles.*.name"), [json!("a"), json!("b")]);
        assert_eq!(find("/roles/*/x/*/y"), [json!(1), json!(2)]);
        assert_eq!(find("/roles/*").len(), 5);
        assert_eq!(find("/roles/*/*"), [json!("e")]);
        assert_eq!(find("/by/*/name"), [json!("f")], "a member has its own name");
        assert_eq!(find("/by/one/*"), [] as [Value; 0]);
        assert_eq!(find("/exact/*"), [json!(7)], "a claim of exactly that name comes first");
        assert_eq!(find("/*/*/name"), [json!("g")]);
        for nothing in ["/roles/name", "/roles/*/name/x", "/gone/*", "/sub/*", "/roles/~*/name"] {
            assert_eq!(find(nothing), [] as [Value; 0], "{nothing}");
        }
    }
}
