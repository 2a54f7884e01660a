//! Roles that include other roles.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use super::AuthorityNames;

/// Defines the roles and permissions that a role includes.
///
/// An application defines once that an admin may do what an editor may, instead of naming both at
/// every route. Included names are added to the caller's roles and permissions when a token is
/// verified: `#[require]`, [`VerifiedClaims::has_role`] and all other checks use them.
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
/// include each other are equal. The hierarchy starts with the roles of a token; permissions do not
/// include anything.
///
/// [`VerifiedClaims::has_role`]: crate::VerifiedClaims::has_role
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleHierarchy {
    roles: BTreeMap<Name, BTreeSet<Name>>,
    permissions: BTreeMap<Name, BTreeSet<Name>>,
}

pub(super) type Name = Cow<'static, str>;

impl RoleHierarchy {
    /// Creates a hierarchy in which no role includes another.
    pub const fn new() -> Self {
        Self { roles: BTreeMap::new(), permissions: BTreeMap::new() }
    }

    /// Includes these roles in `role`, with everything that they include. Adds to earlier calls.
    #[must_use]
    pub fn role<I, S>(mut self, role: impl Into<Cow<'static, str>>, brings: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<Cow<'static, str>>,
    {
        self.roles.entry(role.into()).or_default().extend(brings.into_iter().map(Into::into));
        self
    }

    /// Includes these permissions in `role`, for callers who have it by the token or through
    /// another role.
    #[must_use]
    pub fn permissions<I, S>(mut self, role: impl Into<Cow<'static, str>>, brings: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<Cow<'static, str>>,
    {
        self.permissions.entry(role.into()).or_default().extend(brings.into_iter().map(Into::into));
        self
    }

    /// Returns `true` if no role includes anything.
    pub(super) fn is_empty(&self) -> bool {
        self.roles.is_empty() && self.permissions.is_empty()
    }

    /// Returns the caller's roles that include something, and every included role.
    pub(super) fn reached(&self, roles: AuthorityNames<'_>) -> BTreeSet<&Name> {
        let mut reached = BTreeSet::new();
        // A hierarchy is configured by the application, so the search is bounded by its size.
        let mut next: Vec<&Name> = self.known().filter(|role| roles.contains(role)).collect();
        while let Some(role) = next.pop() {
            if reached.insert(role) {
                next.extend(self.roles.get(role).into_iter().flatten());
            }
        }
        reached
    }

    /// Returns the permissions that these roles include.
    pub(super) fn permissions_of<'a>(
        &'a self,
        roles: &BTreeSet<&Name>,
    ) -> impl Iterator<Item = &'a Name> {
        roles.iter().filter_map(|role| self.permissions.get(*role)).flatten()
    }

    /// Returns the roles that include something.
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
