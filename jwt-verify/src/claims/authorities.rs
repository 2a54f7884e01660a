//! The roles and permissions of a caller.

use std::collections::HashSet;

use super::{Claims, parse::ClaimPosition, scope_names};
use crate::json::Json;

/// Authorities of a verified token, resolved once: the claims that contain them, and the names that
/// roles add. Names are read in place from the payload, without allocation.
#[derive(Clone, Default)]
pub(crate) struct GrantedAuthorities {
    pub(super) roles: Sources,
    pub(super) permissions: Sources,
}

/// Claims that contain names.
#[derive(Clone, Default)]
pub(super) struct Sources {
    /// The usual number of claims.
    inline: [Option<ClaimPosition>; 3],
    heap: Vec<ClaimPosition>,
    /// Added by the role hierarchy.
    pub(super) inherited: Vec<Box<str>>,
}

impl GrantedAuthorities {
    pub(crate) fn roles<'a>(&'a self, claims: &'a Claims) -> AuthorityNames<'a> {
        AuthorityNames { claims, sources: &self.roles, has_words: false }
    }

    pub(crate) fn permissions<'a>(&'a self, claims: &'a Claims) -> AuthorityNames<'a> {
        AuthorityNames { claims, sources: &self.permissions, has_words: true }
    }
}

impl Sources {
    pub(super) fn add(&mut self, claim: Json<'_>) {
        let Some(place) = ClaimPosition::of(claim) else { return };
        match self.inline.iter_mut().find(|free| free.is_none()) {
            Some(free) => *free = Some(place),
            None => self.heap.push(place),
        }
    }
}

/// Names in some claims: the strings of an array, and one string or its words.
#[derive(Clone, Copy)]
pub(crate) struct AuthorityNames<'a> {
    claims: &'a Claims,
    sources: &'a Sources,
    has_words: bool,
}

impl<'a> AuthorityNames<'a> {
    pub(crate) fn contains(self, name: &str) -> bool {
        let Sources { inline, heap, inherited } = self.sources;
        let is_said = |place: &ClaimPosition| self.is_said(*place, name);
        !name.is_empty()
            && (inline.iter().flatten().any(is_said)
                || heap.iter().any(is_said)
                || inherited.iter().any(|known| **known == *name))
    }

    fn is_said(self, place: ClaimPosition, name: &str) -> bool {
        let claim = self.claims.at(place);
        if claim.is_array() {
            return claim.elements().any(|element| element.is_text(name));
        }
        match claim.as_str() {
            Some(words) if self.has_words => words.split(' ').any(|word| word == name),
            text => text == Some(name),
        }
    }

    /// Returns each of them once.
    pub(crate) fn iter(self) -> impl ExactSizeIterator<Item = &'a str> {
        let mut names = Vec::new();
        for claim in self.source_claims() {
            match claim.as_str() {
                Some(text) if !self.has_words => names.push(text),
                _ => names.extend(scope_names(claim)),
            }
        }
        names.extend(self.sources.inherited.iter().map(|name| &**name));
        let mut seen = HashSet::new();
        names.retain(|name| !name.is_empty() && seen.insert(*name));
        names.into_iter()
    }

    fn source_claims(self) -> impl Iterator<Item = Json<'a>> {
        let places = self.sources.inline.iter().flatten().chain(&self.sources.heap);
        places.map(move |place| self.claims.at(*place))
    }
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
}
