//! Claims with roles and permissions.

use super::{Claims, GrantedAuthorities, RoleHierarchy, claim_path::ClaimPath};

/// Selects the claims that hold the roles and the permissions of the caller.
///
/// A claim is named as the issuer names it: `permissions`, a URL such as `https://myapp.com/roles`,
/// a path into nested claims such as `realm_access.roles`, or a JSON pointer such as
/// `/resource_access/my.client/roles` if names contain dots (RFC 6901). A claim of exactly that
/// name comes first; only if there is none is the name read as a path.
///
/// Roles are the strings of an array, or one string. Permissions are the strings of an array, or
/// the words of one string. Names compare exactly; values of other types are ignored.
///
/// Common issuers have presets: [`auth0`](Self::auth0), [`keycloak`](Self::keycloak),
/// [`entra`](Self::entra), [`cognito`](Self::cognito), [`okta`](Self::okta). They read the claims
/// that they name and no others.
///
/// ```
/// use jwt_verify::ClaimsMapping;
///
/// let keycloak = ClaimsMapping::keycloak("my-api");
/// let own = ClaimsMapping::default().roles_claim("groups").and_roles_claim("/app/roles");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimsMapping {
    roles: Vec<ClaimPath>,
    permissions: Vec<ClaimPath>,
    single_role: Option<ClaimPath>,
    scopes_as_permissions: bool,
    hierarchy: RoleHierarchy,
}

impl Default for ClaimsMapping {
    /// Reads `roles`, `permissions` and `role`; scopes are not permissions.
    fn default() -> Self {
        Self {
            roles: vec![ClaimPath::new("roles")],
            permissions: vec![ClaimPath::new("permissions")],
            single_role: Some(ClaimPath::new("role")),
            scopes_as_permissions: false,
            hierarchy: RoleHierarchy::new(),
        }
    }
}

impl ClaimsMapping {
    /// Preset for Auth0: permissions in `permissions`, which "Add Permissions in the Access Token"
    /// of the API switches on; roles in the custom claim `roles` under your namespace, which an
    /// action has to add, since Auth0 does not put roles into tokens by default.
    ///
    /// ```
    /// # use jwt_verify::ClaimsMapping;
    /// let mapping = ClaimsMapping::auth0("https://myapp.com/"); // `https://myapp.com/roles`
    /// ```
    pub fn auth0(namespace: impl AsRef<str>) -> Self {
        let namespace = namespace.as_ref().trim_end_matches('/');
        let permissions = vec![ClaimPath::new("permissions")];
        Self { permissions, ..Self::only_roles(format!("{namespace}/roles")) }
    }

    /// Preset for Keycloak: the roles of the realm, and those of this client.
    ///
    /// A requirement does not distinguish a role of the realm from one of the client with the same
    /// name. If it must, name the claims one by one.
    pub fn keycloak(client: impl AsRef<str>) -> Self {
        let client = client.as_ref().replace('~', "~0").replace('/', "~1");
        Self::only_roles("/realm_access/roles")
            .and_roles_claim(format!("/resource_access/{client}/roles"))
    }

    /// Preset for Microsoft Entra: app roles in `roles`. The client's permissions are in `scp`;
    /// require them with `scopes`.
    pub fn entra() -> Self {
        Self::only_roles("roles")
    }

    /// Preset for Amazon Cognito: groups count as roles. Scopes are in `scope`.
    ///
    /// Its access tokens have no `aud` unless the client asked for a resource or a trigger adds
    /// one; tokens without are refused.
    pub fn cognito() -> Self {
        Self::only_roles("cognito:groups")
    }

    /// Preset for Okta: groups count as roles, once a claim `groups` has been added to the
    /// authorization server. Scopes are in `scp`.
    pub fn okta() -> Self {
        Self::only_roles("groups")
    }

    /// Only the named claim: users may be able to edit others.
    fn only_roles(name: impl AsRef<str>) -> Self {
        Self { permissions: Vec::new(), single_role: None, ..Self::default() }.roles_claim(name)
    }

    /// Sets the claim with the caller's roles, instead of those named before. Default: `roles`.
    #[must_use]
    pub fn roles_claim(mut self, name: impl AsRef<str>) -> Self {
        self.roles = vec![ClaimPath::new(name.as_ref())];
        self
    }

    /// Adds a claim with roles; the caller has those of all.
    #[must_use]
    pub fn and_roles_claim(mut self, name: impl AsRef<str>) -> Self {
        self.roles.push(ClaimPath::new(name.as_ref()));
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

    /// Counts the scopes of the token (`scope`, or else `scp`) as permissions too. Default: no.
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

    /// Finds the authorities in the claims.
    pub(crate) fn grants(&self, claims: &Claims) -> GrantedAuthorities {
        let mut grants = GrantedAuthorities::default();
        for claim in self.roles.iter().filter_map(|path| path.find(claims)) {
            grants.roles.add(claim);
        }
        let single = self.single_role.as_ref().and_then(|path| path.find(claims));
        if let Some(claim) = single.filter(|claim| claim.is_string()) {
            grants.roles.add(claim);
        }
        for claim in self.permissions.iter().filter_map(|path| path.find(claims)) {
            grants.permissions.add(claim);
        }
        if self.scopes_as_permissions
            && let Some(claim) = claims.scope_claim()
        {
            grants.permissions.add(claim);
        }
        if !self.hierarchy.is_empty() {
            let reached = self.hierarchy.reached(grants.roles(claims));
            let permissions = self.hierarchy.permissions_of(&reached);
            grants.permissions.inherited = permissions.map(|name| name.as_ref().into()).collect();
            grants.roles.inherited = reached.into_iter().map(|name| name.as_ref().into()).collect();
        }
        grants
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

    /// Access tokens in the shapes that the issuers document.
    #[test]
    fn presets_fit_the_tokens_of_their_issuers() {
        let auth0 = json!({
            "iss": "https://tenant.eu.auth0.com/",
            "sub": "auth0|66b1",
            "aud": ["https://api.example.com", "https://tenant.eu.auth0.com/userinfo"],
            "scope": "openid profile",
            "azp": "Zk0n",
            "permissions": ["read:posts", "write:posts"],
            "https://myapp.com/roles": ["editor"],
        });
        let keycloak = json!({
            "iss": "https://sso.example.com/realms/main",
            "aud": "account",
            "typ": "Bearer",
            "azp": "my.web/app",
            "realm_access": {"roles": ["offline_access", "user"]},
            "resource_access": {
                "my.web/app": {"roles": ["editor"]},
                "account": {"roles": ["manage-account"]},
            },
            "scope": "email profile",
        });
        let entra = json!({
            "iss": "https://login.microsoftonline.com/6e74/v2.0",
            "aud": "api://posts",
            "roles": ["Posts.Editor"],
            "scp": "Posts.Read Posts.Write",
            "tid": "6e74",
            "ver": "2.0",
        });
        let cognito = json!({
            "iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab1",
            "client_id": "7q1n",
            "token_use": "access",
            "scope": "posts/read posts/write",
            "cognito:groups": ["editors"],
            "username": "alice",
        });
        let okta = json!({
            "iss": "https://tenant.okta.com/oauth2/default",
            "aud": "api://default",
            "cid": "0oa1",
            "scp": ["openid", "posts.read"],
            "groups": ["Everyone", "Editors"],
        });
        for (mapping, claims, roles, permissions) in [
            (
                ClaimsMapping::auth0("https://myapp.com"),
                &auth0,
                vec!["editor"],
                vec!["read:posts", "write:posts"],
            ),
            (
                ClaimsMapping::keycloak("my.web/app"),
                &keycloak,
                vec!["offline_access", "user", "editor"],
                vec![],
            ),
            (ClaimsMapping::entra(), &entra, vec!["Posts.Editor"], vec![]),
            (ClaimsMapping::cognito(), &cognito, vec!["editors"], vec![]),
            (ClaimsMapping::okta(), &okta, vec!["Everyone", "Editors"], vec![]),
        ] {
            let granted = grants(&mapping, claims);
            assert_eq!(granted.0, roles);
            assert_eq!(granted.1, permissions);
        }
    }

    #[test]
    fn presets_read_nothing_that_users_may_have_put_there() {
        let claims = json!({"role": "admin", "permissions": "all"});
        for mapping in [
            ClaimsMapping::keycloak("app"),
            ClaimsMapping::entra(),
            ClaimsMapping::cognito(),
            ClaimsMapping::okta(),
        ] {
            assert_eq!(grants(&mapping, &claims), (vec![], vec![]), "{mapping:?}");
        }
        assert!(grants(&ClaimsMapping::auth0("https://a.example"), &claims).0.is_empty());
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
}
