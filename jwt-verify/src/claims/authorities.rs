//! The roles and permissions of a caller.

use std::collections::HashSet;

use super::{Claims, parse::ClaimPosition, scope_hierarchy::covers, scope_names};
use crate::json::Json;

/// Authorities of a verified token, resolved once: the claims that contain them, and the names that
/// roles add. Names are read in place from the payload, without allocation.
#[derive(Clone, Default)]
pub(crate) struct GrantedAuthorities {
    pub(super) roles: Sources,
    pub(super) permissions: Sources,
    pub(super) scopes: Sources,
}

/// Claims that contain names.
#[derive(Clone, Default)]
pub(super) struct Sources {
    /// The usual number of claims.
    inline: [Option<ClaimPosition>; 3],
    heap: Vec<ClaimPosition>,
    /// Names that no claim contains as they are: those that the hierarchies add, and those of a
    /// list in a text.
    pub(super) added: Vec<Box<str>>,
    /// Separates the names in a text.
    delimiter: Option<char>,
    /// Separates the segments of a name, if `*` stands for one.
    pub(super) wildcard: Option<char>,
}

impl GrantedAuthorities {
    pub(crate) fn roles<'a>(&'a self, claims: &'a Claims) -> AuthorityNames<'a> {
        AuthorityNames { claims, sources: &self.roles, has_words: false }
    }

    pub(crate) fn permissions<'a>(&'a self, claims: &'a Claims) -> AuthorityNames<'a> {
        AuthorityNames { claims, sources: &self.permissions, has_words: true }
    }

    pub(crate) fn scopes<'a>(&'a self, claims: &'a Claims) -> AuthorityNames<'a> {
        AuthorityNames { claims, sources: &self.scopes, has_words: true }
    }
}

impl Sources {
    pub(super) fn separated_by(delimiter: Option<char>) -> Self {
        Self { delimiter, ..Self::default() }
    }

    /// Adds the names of a text or a list.
    pub(super) fn add(&mut self, claim: Json<'_>) {
        match claim.as_str().filter(|_| self.delimiter.is_some()).and_then(list_in) {
            Some(names) => self.added.extend(names),
            None if claim.is_string() || claim.is_array() => self.add_place(claim),
            None => {}
        }
    }

    /// Adds the names of a text, a list, or the members of an object.
    pub(super) fn add_with_members(&mut self, claim: Json<'_>) {
        if claim.is_object() {
            self.add_place(claim);
        } else {
            self.add(claim);
        }
    }

    fn add_place(&mut self, claim: Json<'_>) {
        let Some(place) = ClaimPosition::of(claim) else { return };
        match self.inline.iter_mut().find(|free| free.is_none()) {
            Some(free) => *free = Some(place),
            None => self.heap.push(place),
        }
    }
}

/// Reads a text that is a list in JSON, as directories write attributes: `["admin","user"]`.
fn list_in(text: &str) -> Option<Vec<Box<str>>> {
    text.trim_start().starts_with('[').then(|| serde_json::from_str(text).ok())?
}

/// Returns the members of an object that count: Zitadel writes `{"admin": {"org": "domain"}}`,
/// others `{"admin": true, "editor": false}`.
fn counted_members(object: Json<'_>) -> impl Iterator<Item = Json<'_>> {
    let counts = |value: Json<'_>| value.is_object() || value.as_bool() == Some(true);
    object.entries().filter_map(move |(name, value)| counts(value).then_some(name))
}

/// Names in some claims: the strings of an array, the members of an object, and one string or its
/// parts.
#[derive(Clone, Copy)]
pub(crate) struct AuthorityNames<'a> {
    claims: &'a Claims,
    sources: &'a Sources,
    has_words: bool,
}

impl<'a> AuthorityNames<'a> {
    #[inline]
    pub(crate) fn contains(self, name: &str) -> bool {
        let Sources { inline, heap, added, wildcard, .. } = self.sources;
        let is_said = |place: &ClaimPosition| self.is_said(*place, name);
        !name.is_empty()
            && (inline.iter().flatten().any(is_said)
                || heap.iter().any(is_said)
                || added.iter().any(|known| **known == *name)
                || wildcard.is_some_and(|separator| self.is_covered(name, separator)))
    }

    /// Returns `true` if a name with a segment `*` stands for this one.
    #[cold]
    #[inline(never)]
    fn is_covered(self, name: &str, separator: char) -> bool {
        self.iter().any(|held| held.contains('*') && covers(held, name, separator))
    }

    fn is_said(self, place: ClaimPosition, name: &str) -> bool {
        let claim = self.claims.at(place);
        if claim.is_array() {
            return claim.elements().any(|element| element.is_text(name));
        }
        match (claim.as_str(), self.sources.delimiter) {
            (Some(words), _) if self.has_words => words.split(' ').any(|word| word == name),
            (Some(names), Some(delimiter)) => parts(names, delimiter).any(|part| part == name),
            (Some(text), None) => text == name,
            (None, _) => counted_members(claim).any(|member| member.is_text(name)),
        }
    }

    /// Returns each of them once.
    pub(crate) fn iter(self) -> impl ExactSizeIterator<Item = &'a str> {
        let mut names = Vec::new();
        for claim in self.source_claims() {
            match (claim.as_str(), self.sources.delimiter) {
                (Some(text), Some(delimiter)) if !self.has_words => {
                    names.extend(parts(text, delimiter));
                }
                (Some(text), None) if !self.has_words => names.push(text),
                _ if claim.is_object() => {
                    names.extend(counted_members(claim).filter_map(Json::as_str));
                }
                _ => names.extend(scope_names(claim)),
            }
        }
        names.extend(self.sources.added.iter().map(|name| &**name));
        let mut seen = HashSet::new();
        names.retain(|name| !name.is_empty() && seen.insert(*name));
        names.into_iter()
    }

    fn source_claims(self) -> impl Iterator<Item = Json<'a>> {
        let places = self.sources.inline.iter().flatten().chain(&self.sources.heap);
        places.map(move |place| self.claims.at(*place))
    }
}

fn parts(text: &str, delimiter: char) -> impl Iterator<Item = &str> {
    text.split(delimiter).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::{ClaimsMapping, RoleHierarchy};

    #[test]
    fn a_name_is_held_if_it_is_among_those_that_are_listed() {
        let claims = r#"{"a":["x","y z","x","",1],"b":"u v","c":"\u0077","d":["t"],"role":"s","p":["m","k l"],"scope":"k  n"}"#;
        let claims: Claims = serde_json::from_str(claims).unwrap();
        let mapping = ["a", "b", "c", "d"]
            .iter()
            .fold(ClaimsMapping::default().roles_claim("none"), ClaimsMapping::and_roles_claim);
        let hierarchy = RoleHierarchy::new().role("t", ["x", "h"]).permissions("h", ["g"]);
        let mapping =
            mapping.permissions_claim("p").scopes_as_permissions(true).role_hierarchy(hierarchy);
        let grants = mapping.grants(&claims);
        let check = |names: AuthorityNames<'_>, listed: &[&str], others: &[&str]| {
            assert_eq!(names.iter().collect::<Vec<_>>(), listed);
            assert!(listed.iter().all(|name| names.contains(name)));
            assert!(others.iter().all(|name| !names.contains(name)));
        };
        let roles = ["x", "y z", "u v", "w", "t", "s", "h"];
        check(grants.roles(&claims), &roles, &["", "y", "u", "1", "g", "m", "n"]);
        check(grants.permissions(&claims), &["m", "k l", "k", "n", "g"], &["", "l", "k  n", "x"]);
    }

    #[test]
    fn members_and_parts_are_held_if_they_are_listed() {
        let claims = r#"{"z":{"a":{"1":"o"},"b":{},"c":true,"d":false,"e":null,"f":"x","g":[1],"h":1,"\u0069":{},"":{}},
            "t":" m , n n,,\u006f,","l":"[\"p\",\" q\",\"p\",\"\"]","broken":"[\"r\",5]","in":["s,t"]}"#;
        let claims: Claims = serde_json::from_str(claims).unwrap();
        let mapping = ["z", "t", "l", "broken", "in"]
            .iter()
            .fold(ClaimsMapping::default().roles_delimiter(','), ClaimsMapping::and_roles_claim);
        let grants = mapping.grants(&claims);
        let listed: Vec<&str> = grants.roles(&claims).iter().collect();
        let expected = ["a", "b", "c", "i", "m", "n n", "o", "[\"r\"", "5]", "s,t", "p", " q"];
        assert_eq!(listed, expected);
        assert!(expected.iter().all(|name| grants.roles(&claims).contains(name)));
        for other in ["", "d", "e", "f", "g", "h", " m ", "n", "q", "r", "s", "t", "1", "x"] {
            assert!(!grants.roles(&claims).contains(other), "{other}");
        }
    }
}
