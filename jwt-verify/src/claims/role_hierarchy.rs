//! Roles that bring others with them.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use super::AuthorityNames;

/// Which roles and permissions come with a role.
///
/// An application says once that an admin may do what an editor may, instead of naming both at every
/// route. What a role brings is added to the caller's own roles and permissions when a token is
/// verified: `#[require]`, [`VerifiedClaims::has_role`] and every other question see it alike.
///
/// ```
/// use jwt_verify::{ClaimsMapping, RoleHierarchy};
///
/// let hierarchy = RoleHierarchy::new()
///     .role("admin", ["editor", "moderator"])
///     .role("editor", ["user"])
///     .permissions("editor", ["read:posts", "write:posts"]);
/// let mapping = ClaimsMapping::default().role_hierarchy(hierarchy);
/// ```
///
/// Here an admin is an editor, a moderator and a user, and may read and write posts. Roles that
/// bring each other are equal. It begins with the roles of a
/// token; a permission brings nothing.
///
/// [`VerifiedClaims::has_role`]: crate::VerifiedClaims::has_role
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleHierarchy {
    roles: BTreeMap<Name, BTreeSet<Name>>,
    permissions: BTreeMap<Name, BTreeSet<Name>>,
}

pub(super) type Name = Cow<'static, str>;

impl RoleHierarchy {
    /// In which no role brings anything.
    pub const fn new() -> Self {
        Self { roles: BTreeMap::new(), permissions: BTreeMap::new() }
    }

    /// Whoever has `role` has these roles too, and what they bring. Adds to what was said before.
    #[must_use]
    pub fn role<I, S>(mut self, role: impl Into<Cow<'static, str>>, brings: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<Cow<'static, str>>,
    {
        self.roles.entry(role.into()).or_default().extend(brings.into_iter().map(Into::into));
        self
    }

    /// Whoever has `role`, by the token or through another role, has these permissions too.
    #[must_use]
    pub fn permissions<I, S>(mut self, role: impl Into<Cow<'static, str>>, brings: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<Cow<'static, str>>,
    {
        self.permissions.entry(role.into()).or_default().extend(brings.into_iter().map(Into::into));
        self
    }

    /// Whether no role brings anything.
    pub(super) fn is_empty(&self) -> bool {
        self.roles.is_empty() && self.permissions.is_empty()
    }

    /// The roles of a caller that bring something, and every role that is brought.
    pub(super) fn reached(&self, roles: AuthorityNames<'_>) -> BTreeSet<&Name> {
        let mut reached = BTreeSet::new();
        // A hierarchy is the application's own: what is walked is bounded by what it names.
        let mut next: Vec<&Name> = self.known().filter(|role| roles.contains(role)).collect();
        while let Some(role) = next.pop() {
            if reached.insert(role) {
                next.extend(self.roles.get(role).into_iter().flatten());
            }
        }
        reached
    }

    /// The permissions that come with these roles.
    pub(super) fn permissions_of<'a>(
        &'a self,
        roles: &BTreeSet<&Name>,
    ) -> impl Iterator<Item = &'a Name> {
        roles.iter().filter_map(|role| self.permissions.get(*role)).flatten()
    }

    /// The roles that bring something.
    fn known(&self) -> impl Iterator<Item = &Name> {
        self.roles.keys().chain(self.permissions.keys())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::claims::{Claims, ClaimsMapping};

    fn granted(hierarchy: RoleHierarchy, roles: &[&str]) -> (Vec<String>, Vec<String>) {
        let claims = json!({"roles": roles}).to_string();
        let claims: Claims = serde_json::from_str(&claims).unwrap();
        let grants = ClaimsMapping::default().role_hierarchy(hierarchy).grants(&claims);
        let sorted = |names: &mut dyn Iterator<Item = &str>| {
            let mut names: Vec<String> = names.map(String::from).collect();
            names.sort();
            names
        };
        (sorted(&mut grants.roles(&claims).iter()), sorted(&mut grants.permissions(&claims).iter()))
    }

    #[test]
    fn a_role_brings_what_its_roles_bring() {
        let hierarchy = RoleHierarchy::new()
            .role("admin", ["editor"])
            .role("editor", ["user"])
            .permissions("editor", ["write"])
            .permissions("user", ["read"]);
        assert_eq!(
            granted(hierarchy.clone(), &["admin"]),
            (
                vec!["admin".into(), "editor".into(), "user".into()],
                vec!["read".into(), "write".into()]
            )
        );
        assert_eq!(
            granted(hierarchy.clone(), &["user"]),
            (vec!["user".into()], vec!["read".into()])
        );
        assert_eq!(granted(hierarchy, &["Admin"]), (vec!["Admin".into()], vec![]));
    }

    #[test]
    fn roles_that_bring_each_other_are_equal() {
        let hierarchy = RoleHierarchy::new().role("a", ["b"]).role("b", ["a", "b"]);
        assert_eq!(granted(hierarchy.clone(), &["a"]).0, ["a", "b"]);
        assert_eq!(granted(hierarchy, &["b"]).0, ["a", "b"]);
    }

    #[test]
    fn nothing_comes_with_a_permission() {
        let hierarchy = RoleHierarchy::new().role("write", ["admin"]);
        let claims: Claims = serde_json::from_str(r#"{"permissions":["write"]}"#).unwrap();
        let grants = ClaimsMapping::default().role_hierarchy(hierarchy).grants(&claims);
        assert_eq!(grants.roles(&claims).iter().len(), 0);
    }
}
