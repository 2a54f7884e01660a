//! Claims with roles, permissions and scopes.

use std::collections::BTreeSet;

use super::{
    Claims, GrantedAuthorities, RoleHierarchy, ScopeHierarchy, authorities::Sources,
    claim_path::ClaimPath,
};
use crate::{defaults::MOST_INCLUDING, error::ConfigError};

/// Selects the claims that hold the roles, the permissions and the scopes of the caller.
///
/// A claim is named as the issuer names it: `permissions`, a URL such as `https://myapp.com/roles`,
/// a path into nested claims such as `realm_access.roles`, or a JSON pointer such as
/// `/resource_access/my.client/roles` if names contain dots (RFC 6901). A claim of exactly that
/// name comes first; only if there is none is the name read as a path. For roles and permissions
/// `*` in a path is each element of a list: `/roles/*/name` reads `[{"name": "admin"}]`.
///
/// Roles are the strings of an array, or one string. Of an object, if it is a claim that you have
/// named, they are the names of the members whose value is an object or `true`: `admin` in
/// `{"admin": {"org": "example.com"}, "editor": false}`. Permissions and scopes are the strings of
/// an array, or the words of one string. Names compare exactly; values of other types are ignored.
///
/// Common issuers have presets, such as [`auth0`](Self::auth0), [`keycloak`](Self::keycloak) or
/// [`entra`](Self::entra). They read the claims that they name and no others. Each also has a name
/// for configuration files, which [`FromStr`](std::str::FromStr) reads: `keycloak:my-api`, `entra`.
///
/// ```
/// use jwt_verify::ClaimsMapping;
///
/// let keycloak = ClaimsMapping::keycloak("my-api");
/// let same: ClaimsMapping = "keycloak:my-api".parse()?;
/// assert_eq!(keycloak, same);
/// let own = ClaimsMapping::default().roles_claim("groups").and_roles_claim("/app/roles");
/// # Ok::<(), jwt_verify::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimsMapping {
    roles: Vec<RolesClaim>,
    permissions: Vec<ClaimPath>,
    single_role: Option<ClaimPath>,
    scopes: Option<ClaimPath>,
    roles_delimiter: Option<char>,
    scopes_as_permissions: bool,
    hierarchy: RoleHierarchy,
    scope_hierarchy: ScopeHierarchy,
}

/// A claim with roles.
#[derive(Debug, Clone, PartialEq, Eq)]
struct RolesClaim {
    path: ClaimPath,
    /// The names of an object's members count. Not in a claim that is read by default: an object
    /// there was not written to be read so.
    takes_members: bool,
}

impl Default for ClaimsMapping {
    /// Reads `roles`, `permissions` and `role`, and scopes in `scope` or else `scp`; scopes are not
    /// permissions.
    fn default() -> Self {
        Self {
            roles: vec![RolesClaim { path: ClaimPath::new("roles"), takes_members: false }],
            permissions: vec![ClaimPath::new("permissions")],
            single_role: Some(ClaimPath::new("role")),
            ..Self::nothing()
        }
    }
}

impl ClaimsMapping {
    /// Reads no claim but that of scopes: users may be able to edit others.
    pub(super) const fn nothing() -> Self {
        Self {
            roles: Vec::new(),
            permissions: Vec::new(),
            single_role: None,
            scopes: None,
            roles_delimiter: None,
            scopes_as_permissions: false,
            hierarchy: RoleHierarchy::new(),
            scope_hierarchy: ScopeHierarchy::new(),
        }
    }

    /// Sets the claim with the caller's roles, instead of those named before. Default: `roles`.
    #[must_use]
    pub fn roles_claim(mut self, name: impl AsRef<str>) -> Self {
        self.roles.clear();
        self.and_roles_claim(name)
    }

    /// Adds a claim with roles; the caller has those of all.
    #[must_use]
    pub fn and_roles_claim(mut self, name: impl AsRef<str>) -> Self {
        let path = ClaimPath::new(name.as_ref());
        self.roles.push(RolesClaim { path, takes_members: true });
        self
    }

    /// Sets the claim with the caller's permissions, instead of those named before. Default:
    /// `permissions`.
    #[must_use]
    pub fn permissions_claim(mut self, name: impl AsRef<str>) -> Self {
        self.permissions = vec![ClaimPath::new(name.as_ref())];
        self
    }

    /// Adds a claim with permissions; the caller has those of all.
    #[must_use]
    pub fn and_permissions_claim(mut self, name: impl AsRef<str>) -> Self {
        self.permissions.push(ClaimPath::new(name.as_ref()));
        self
    }

    /// Sets a claim with one role, which is added to those of the roles claim. Default: `role`.
    #[must_use]
    pub fn single_role_claim(mut self, name: impl AsRef<str>) -> Self {
        self.single_role = Some(ClaimPath::new(name.as_ref()));
        self
    }

    /// Sets a character that separates roles in one string, such as the comma in `"user,admin"`.
    /// Default: none; a string is one role.
    ///
    /// White space around a role is removed, and empty ones are dropped. A string that is a list of
    /// strings in JSON, as directories write attributes (`"[\"user\",\"admin\"]"`), counts as that list.
    /// The strings of an array are roles as they are. Permissions and scopes are always separated
    /// by spaces.
    ///
    /// **Security:** choose a character that no role contains, or a part of a name becomes a role.
    /// With a letter, a digit, a quote, a bracket or a backslash the verifier does not build.
    #[must_use]
    pub fn roles_delimiter(mut self, delimiter: char) -> Self {
        self.roles_delimiter = Some(delimiter);
        self
    }

    /// Sets the claim with the scopes of the token: a string with spaces between them, or an array.
    /// Default: `scope` (RFC 8693 §4.2) or, if that is absent, `null` or empty, `scp`.
    ///
    /// Only the named claim is read then. `#[require(scopes = …)]` and
    /// [`VerifiedClaims::scopes`](crate::VerifiedClaims::scopes) use it;
    /// [`Claims::scopes`](crate::Claims::scopes), which knows no issuer, does not.
    #[must_use]
    pub fn scopes_claim(mut self, name: impl AsRef<str>) -> Self {
        self.scopes = Some(ClaimPath::new(name.as_ref()));
        self
    }

    /// Counts the scopes of the token as permissions too. Default: no.
    ///
    /// A scope states what the *client* was allowed to do; the issuer decides if the *user* may do
    /// it too. Enable it only for an issuer that grants scopes by user. To require scopes as such,
    /// use `#[require(scopes = …)]`.
    #[must_use]
    pub fn scopes_as_permissions(mut self, count: bool) -> Self {
        self.scopes_as_permissions = count;
        self
    }

    /// Sets the roles and permissions that a role adds to those of the token. Default: none.
    #[must_use]
    pub fn role_hierarchy(mut self, hierarchy: RoleHierarchy) -> Self {
        self.hierarchy = hierarchy;
        self
    }

    /// Sets the scopes and permissions that a scope or permission adds to those of the token.
    /// Default: none.
    #[must_use]
    pub fn scope_hierarchy(mut self, hierarchy: ScopeHierarchy) -> Self {
        self.scope_hierarchy = hierarchy;
        self
    }

    /// Returns the mapping of the default claims with what this one adds to grants.
    #[cfg(feature = "api-keys")]
    pub(crate) fn with_default_claims(&self) -> Self {
        Self {
            scopes_as_permissions: self.scopes_as_permissions,
            hierarchy: self.hierarchy.clone(),
            scope_hierarchy: self.scope_hierarchy.clone(),
            ..Self::default()
        }
    }

    /// Returns `true` if scopes or permissions include others.
    pub(crate) fn has_scope_hierarchy(&self) -> bool {
        !self.scope_hierarchy.is_empty()
    }

    /// Adds what an access matrix says about names that include others.
    #[cfg(feature = "cli")]
    pub(crate) fn including(mut self, add: impl FnOnce(ScopeHierarchy) -> ScopeHierarchy) -> Self {
        self.scope_hierarchy = add(self.scope_hierarchy);
        self
    }

    /// Returns the scopes that include a scope.
    pub(crate) fn scopes_that_include(&self, scope: &str) -> Vec<String> {
        self.scope_hierarchy.scopes_that_include(scope).into_iter().collect()
    }

    /// Returns the permissions that include a permission.
    pub(crate) fn permissions_that_include(&self, permission: &str) -> Vec<String> {
        self.scope_hierarchy.permissions_that_include(permission).into_iter().collect()
    }

    /// Returns the scopes that include a permission, if scopes are permissions: those of its name and
    /// of the permissions that include it.
    pub(crate) fn scopes_that_bring(&self, permission: &str) -> Vec<String> {
        if !self.scopes_as_permissions {
            return Vec::new();
        }
        let hierarchy = &self.scope_hierarchy;
        let mut permissions = hierarchy.permissions_that_include(permission);
        permissions.insert(permission.to_owned());
        let scopes = permissions.iter().flat_map(|name| hierarchy.scopes_that_include(name));
        let scopes: BTreeSet<String> =
            scopes.filter(|scope| !permissions.contains(scope)).collect();
        scopes.into_iter().take(MOST_INCLUDING).collect()
    }

    /// Returns the claims that roles are read from, for logs.
    pub(crate) fn role_claims(&self) -> impl Iterator<Item = &str> {
        let paths = self.roles.iter().map(|claim| &claim.path).chain(&self.single_role);
        paths.map(ClaimPath::as_str)
    }

    /// Returns the claims that permissions are read from, for logs.
    pub(crate) fn permission_claims(&self) -> impl Iterator<Item = &str> {
        let scopes = self.scopes_as_permissions.then(|| self.scope_claims());
        self.permissions.iter().map(ClaimPath::as_str).chain(scopes.into_iter().flatten())
    }

    /// Returns the claims that scopes are read from, for logs.
    pub(crate) fn scope_claims(&self) -> impl Iterator<Item = &str> {
        let usual: &[&str] = if self.scopes.is_some() { &[] } else { &["scope", "scp"] };
        self.scopes.iter().map(ClaimPath::as_str).chain(usual.iter().copied())
    }

    /// Refuses settings that would read something else than roles, or take a part of a name for a
    /// segment.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let is_part_of_names =
            |separator: char| separator.is_alphanumeric() || r#""'[]{}\"#.contains(separator);
        if self.roles_delimiter.is_some_and(is_part_of_names) {
            let problem = "must be a character that no role contains, such as a comma; no letter, \
                           digit, quote, bracket or backslash";
            return Err(ConfigError::invalid("roles_delimiter", problem));
        }
        self.scope_hierarchy.check()
    }

    /// Finds the authorities in the claims.
    pub(crate) fn grants(&self, claims: &Claims) -> GrantedAuthorities {
        let roles = Sources::separated_by(self.roles_delimiter);
        let mut grants = GrantedAuthorities { roles, ..GrantedAuthorities::default() };
        for RolesClaim { path, takes_members } in &self.roles {
            let add = if *takes_members { Sources::add_with_members } else { Sources::add };
            path.find_each(claims, &mut |claim| add(&mut grants.roles, claim));
        }
        let single = self.single_role.as_ref().and_then(|path| path.find(claims));
        if let Some(claim) = single.filter(|claim| claim.is_string()) {
            grants.roles.add(claim);
        }
        for path in &self.permissions {
            path.find_each(claims, &mut |claim| grants.permissions.add(claim));
        }
        let scopes = match &self.scopes {
            Some(path) => path.find(claims),
            None => claims.scope_claim(),
        };
        if let Some(claim) = scopes {
            grants.scopes.add(claim);
            if self.scopes_as_permissions {
                grants.permissions.add(claim);
            }
        }
        if !self.hierarchy.is_empty() {
            let reached = self.hierarchy.reached(grants.roles(claims));
            let permissions = self.hierarchy.permissions_of(&reached);
            grants.permissions.added = permissions.map(|name| name.as_ref().into()).collect();
            grants.roles.added.extend(reached.into_iter().map(|name| name.as_ref().into()));
        }
        if !self.scope_hierarchy.is_empty() {
            self.add_included(&mut grants, claims);
        }
        grants
    }

    /// Adds what scopes and permissions include.
    fn add_included(&self, grants: &mut GrantedAuthorities, claims: &Claims) {
        let hierarchy = &self.scope_hierarchy;
        grants.scopes.wildcard = hierarchy.separator();
        grants.permissions.wildcard = hierarchy.separator();
        let reached = hierarchy.reached_scopes(grants.scopes(claims));
        let scopes = reached.into_iter().map(|name| Box::from(name.as_ref()));
        grants.scopes.added.extend(scopes);
        if self.scopes_as_permissions {
            grants.permissions.added.extend(grants.scopes.added.iter().cloned());
        }
        let reached = hierarchy.reached_permissions(grants.permissions(claims));
        let permissions = reached.into_iter().map(|name| Box::from(name.as_ref()));
        grants.permissions.added.extend(permissions);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::claims::AuthorityNames;

    fn grants(mapping: &ClaimsMapping, claims: &Value) -> (Vec<String>, Vec<String>) {
        let claims: Claims = serde_json::from_str(&claims.to_string()).unwrap();
        let grants = mapping.grants(&claims);
        let owned = |names: AuthorityNames<'_>| names.iter().map(String::from).collect();
        (owned(grants.roles(&claims)), owned(grants.permissions(&claims)))
    }

    #[test]
    fn names_urls_and_paths_find_their_claim() {
        let claims = json!({
            "roles": ["a"],
            "role": "b",
            "https://myapp.com/roles": ["c"],
            "realm_access": {"roles": ["d"]},
            "x.y": ["e"],
            "x": {"y": ["f"]},
        });
        let roles = |name: &str| grants(&ClaimsMapping::default().roles_claim(name), &claims).0;
        assert_eq!(roles("roles"), ["a", "b"]);
        assert_eq!(roles("https://myapp.com/roles"), ["c", "b"]);
        assert_eq!(roles("realm_access.roles"), ["d", "b"]);
        assert_eq!(roles("x.y"), ["e", "b"]);
        assert_eq!(roles("realm_access.nothing"), ["b"]);
        assert_eq!(roles("roles.0"), ["b"]);
    }

    #[test]
    fn one_string_is_one_role_but_many_permissions() {
        let claims = json!({"roles": "a b", "permissions": "r w  r"});
        assert_eq!(
            grants(&ClaimsMapping::default(), &claims),
            (vec!["a b".into()], vec!["r".into(), "w".into()])
        );
    }

    #[test]
    fn scopes_count_only_if_asked_for() {
        let claims = json!({"scope": "r w"});
        assert!(grants(&ClaimsMapping::default(), &claims).1.is_empty());
        let mapping = ClaimsMapping::default().scopes_as_permissions(true);
        assert_eq!(grants(&mapping, &claims).1, ["r", "w"]);
        assert_eq!(grants(&mapping, &json!({"scp": ["r"]})).1, ["r"]);
    }

    #[test]
    fn what_is_no_string_grants_nothing() {
        for odd in [
            json!(null),
            json!(5),
            json!({"admin": true}),
            json!([["admin"], 5, null, {"a": 1}]),
            json!([""]),
        ] {
            let claims = json!({"roles": odd, "permissions": odd, "role": ["admin"]});
            assert_eq!(grants(&ClaimsMapping::default(), &claims), (vec![], vec![]), "{odd}");
        }
    }

    #[test]
    fn settings_add_up() {
        let mapping = ClaimsMapping::default()
            .roles_claim("r")
            .scopes_as_permissions(true)
            .permissions_claim("p")
            .single_role_claim("s");
        let claims = json!({"r": ["a"], "s": "b", "p": ["c"], "scope": "d", "roles": ["x"]});
        assert_eq!(
            grants(&mapping, &claims),
            (vec!["a".into(), "b".into()], vec!["c".into(), "d".into()])
        );
    }

    #[test]
    fn several_claims_add_up() {
        let mapping = ClaimsMapping::default()
            .roles_claim("gone")
            .roles_claim("a")
            .and_roles_claim("b")
            .permissions_claim("p")
            .and_permissions_claim("/q/list");
        let claims = json!({
            "gone": ["no"], "a": ["x"], "b": "y", "p": "r w", "q": {"list": ["w", "d"]},
        });
        let granted = grants(&mapping, &claims);
        assert_eq!(granted.0, ["x", "y"]);
        assert_eq!(granted.1, ["r", "w", "d"]);
    }

    #[test]
    fn names_of_members_are_roles_of_a_claim_that_was_named() {
        let claims = json!({
            "roles": {"admin": {"2715": "acme.example"}, "off": false},
            "role": {"single": true},
            "permissions": {"write": true},
        });
        assert_eq!(grants(&ClaimsMapping::default(), &claims), (vec![], vec![]));
        let added = ClaimsMapping::default().and_roles_claim("other");
        assert!(grants(&added, &claims).0.is_empty(), "the default claim stays what it was");
        let named = ClaimsMapping::default().roles_claim("roles").permissions_claim("permissions");
        assert_eq!(grants(&named, &claims), (vec!["admin".into()], vec![]));
        // Of a list, objects grant nothing.
        assert!(grants(&named, &json!({"roles": [{"admin": {}}]})).0.is_empty());
    }

    #[test]
    fn elements_of_lists_are_reached_by_a_star() {
        let claims = json!({
            "roles": [{"name": "admin"}, {"name": ["a", "b"]}, {"name": 5}, {"name": null}, "x"],
            "grants": [{"permissions": "r w"}, {"permissions": ["d"]}],
        });
        let mapping = ClaimsMapping::default()
            .roles_claim("/roles/*/name")
            .permissions_claim("/grants/*/permissions");
        let expected = [vec!["admin", "a", "b"], vec!["r", "w", "d"]];
        let (roles, permissions) = grants(&mapping, &claims);
        assert_eq!([roles, permissions], expected);
        assert!(grants(&mapping, &json!({"roles": {"name": "admin"}})).0.is_empty());
    }

    #[test]
    fn a_delimiter_separates_roles_and_nothing_else() {
        let claims = json!({
            "roles": "user, admin,,", "role": "a,b", "permissions": "r,w", "scope": "s,t",
        });
        assert_eq!(grants(&ClaimsMapping::default(), &claims).0, ["user, admin,,", "a,b"]);
        let split = ClaimsMapping::default().roles_delimiter(',').scopes_as_permissions(true);
        let (roles, permissions) = grants(&split, &claims);
        assert_eq!(roles, ["user", "admin", "a", "b"]);
        assert_eq!(permissions, ["r,w", "s,t"]);
        let lists = json!({"roles": r#"["user","a,b"]"#});
        assert_eq!(grants(&split, &lists).0, ["user", "a,b"]);
        assert_eq!(grants(&ClaimsMapping::default(), &lists).0, [r#"["user","a,b"]"#]);
        let hierarchy = RoleHierarchy::new().role("user", ["reader"]).permissions("user", ["read"]);
        let granted = grants(&split.role_hierarchy(hierarchy), &lists);
        assert_eq!(granted.0, ["user", "a,b", "reader"]);
        assert_eq!(granted.1, ["read"]);
    }

    #[test]
    fn a_delimiter_is_no_part_of_a_name() {
        for good in [',', ';', '|', ' ', '\t'] {
            assert!(ClaimsMapping::default().roles_delimiter(good).check().is_ok(), "{good:?}");
        }
        for bad in ['a', 'R', 'é', '0', '"', '\'', '[', ']', '{', '}', '\\'] {
            let error = ClaimsMapping::default().roles_delimiter(bad).check().unwrap_err();
            assert!(error.to_string().starts_with("roles_delimiter: "), "{bad:?}");
        }
        assert!(ClaimsMapping::default().check().is_ok());
    }

    #[test]
    fn scopes_are_read_where_they_are_named() {
        let scopes = |mapping: &ClaimsMapping, claims: Value| -> Vec<String> {
            let claims: Claims = serde_json::from_str(&claims.to_string()).unwrap();
            let grants = mapping.grants(&claims);
            let names: Vec<String> = grants.scopes(&claims).iter().map(String::from).collect();
            assert!(names.iter().all(|name| grants.scopes(&claims).contains(name)));
            if mapping.scopes.is_none() {
                assert!(claims.scopes().eq(names.iter()), "{claims:?}");
            }
            names
        };
        let usual = ClaimsMapping::default();
        for (claims, expected) in [
            (json!({"scope": "r w", "scp": ["x"]}), vec!["r", "w"]),
            (json!({"scope": ["r", "w"]}), vec!["r", "w"]),
            (json!({"scp": ["r"]}), vec!["r"]),
            (json!({"scope": "", "scp": ["r"]}), vec!["r"]),
            (json!({"scope": "  ", "scp": "r w"}), vec!["r", "w"]),
            (json!({"scope": null, "scp": ["r"]}), vec!["r"]),
            (json!({"scope": [], "scp": ["r"]}), vec!["r"]),
            // What is neither absent nor empty is not replaced.
            (json!({"scope": 5, "scp": ["r"]}), vec![]),
            (json!({"scope": {}, "scp": ["r"]}), vec![]),
            (json!({"scope": [5], "scp": ["r"]}), vec![]),
            (json!({"scopes": ["r"]}), vec![]),
        ] {
            assert_eq!(scopes(&usual, claims.clone()), expected, "{claims}");
        }
        let named = ClaimsMapping::default().scopes_claim("scopes").scopes_as_permissions(true);
        let claims = json!({"scopes": ["r"], "scope": "x", "scp": ["y"]});
        assert_eq!(scopes(&named, claims.clone()), ["r"]);
        assert_eq!(grants(&named, &claims).1, ["r"]);
        for other in [json!({"scope": "x"}), json!({"scopes": {"x": true}}), json!({"scopes": 5})] {
            assert!(scopes(&named, other.clone()).is_empty(), "{other}");
        }
    }
}
