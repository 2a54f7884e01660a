//! Where an issuer puts roles and permissions.

use serde_json::Value;

use super::{Claims, scope_names};

/// Which claims hold the roles and the permissions of the caller.
///
/// A claim is named as the issuer names it: `permissions`, a URL such as
/// `https://myapp.com/roles`, or a path into nested claims such as `realm_access.roles`. A claim of
/// exactly that name comes first; only if there is none is the name read as a path.
///
/// Roles are the strings of an array, or one string. Permissions are the strings of an array, or
/// the words of one string. Names compare exactly; anything that is no string counts for nothing.
///
/// ```
/// use jwt_verify::ClaimsMapping;
///
/// let keycloak = ClaimsMapping::default().roles_claim("realm_access.roles");
/// let auth0 = ClaimsMapping::default().roles_claim("https://myapp.com/roles");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimsMapping {
    roles: ClaimName,
    permissions: ClaimName,
    single_role: ClaimName,
    scopes_as_permissions: bool,
}

impl Default for ClaimsMapping {
    /// `roles`, `permissions` and `role`; scopes are not permissions.
    fn default() -> Self {
        Self {
            roles: ClaimName::new("roles"),
            permissions: ClaimName::new("permissions"),
            single_role: ClaimName::new("role"),
            scopes_as_permissions: false,
        }
    }
}

impl ClaimsMapping {
    /// The claim with the caller's roles. Default: `roles`.
    #[must_use]
    pub fn roles_claim(mut self, name: impl AsRef<str>) -> Self {
        self.roles = ClaimName::new(name.as_ref());
        self
    }

    /// The claim with the caller's permissions. Default: `permissions`.
    #[must_use]
    pub fn permissions_claim(mut self, name: impl AsRef<str>) -> Self {
        self.permissions = ClaimName::new(name.as_ref());
        self
    }

    /// A claim with one role, which is added to those of the roles claim. Default: `role`.
    #[must_use]
    pub fn single_role_claim(mut self, name: impl AsRef<str>) -> Self {
        self.single_role = ClaimName::new(name.as_ref());
        self
    }

    /// Whether the scopes of the token (`scope`, or else `scp`) count as permissions too.
    /// Default: no.
    ///
    /// A scope says what the *client* was allowed to do; whether that is also what the *user* may
    /// do is for the issuer to say. Switch it on only for an issuer that grants scopes by user.
    #[must_use]
    pub fn scopes_as_permissions(mut self, count: bool) -> Self {
        self.scopes_as_permissions = count;
        self
    }

    /// What the claims grant.
    pub(crate) fn grants(&self, claims: &Claims) -> Grants {
        let mut roles = Names::default();
        match self.roles.find(claims) {
            Some(Value::String(role)) => roles.add(role),
            Some(Value::Array(list)) => {
                list.iter().filter_map(Value::as_str).for_each(|role| roles.add(role));
            }
            _ => {}
        }
        if let Some(Value::String(role)) = self.single_role.find(claims) {
            roles.add(role);
        }
        let mut permissions = Names::default();
        if let Some(value) = self.permissions.find(claims) {
            scope_names(value).for_each(|name| permissions.add(name));
        }
        if self.scopes_as_permissions {
            claims.scopes().for_each(|name| permissions.add(name));
        }
        Grants { roles, permissions }
    }
}

/// The roles and permissions of a caller, resolved once for a verified token.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Grants {
    pub(crate) roles: Names,
    pub(crate) permissions: Names,
}

/// Names without duplicates, one after the other in one text: two allocations, however many.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Names {
    text: String,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Names {
    fn add(&mut self, name: &str) {
        if name.is_empty() || self.iter().any(|known| known == name) {
            return;
        }
        if self.ends.is_empty() {
            // A handful of usual names, without growing on the way.
            self.text.reserve(64);
            self.ends.reserve(8);
        }
        self.text.push_str(name);
        self.ends.push(self.text.len());
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let name = self.text.get(start..*end).unwrap_or_default();
            start = *end;
            name
        })
    }
}

/// The name of a claim, and the path it stands for where no claim has that name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ClaimName {
    name: Box<str>,
    path: Vec<Box<str>>,
}

impl ClaimName {
    fn new(name: &str) -> Self {
        let is_path = name.contains('.') && !name.contains("://");
        let path = if is_path { name.split('.').map(Into::into).collect() } else { Vec::new() };
        Self { name: name.into(), path }
    }

    fn find<'a>(&self, claims: &'a Claims) -> Option<&'a Value> {
        claims.get(&self.name).or_else(|| {
            let (first, rest) = self.path.split_first()?;
            rest.iter().try_fold(claims.get(first)?, |value, name| value.get(&**name))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn grants(mapping: &ClaimsMapping, claims: &Value) -> (Vec<String>, Vec<String>) {
        let grants = mapping.grants(&serde_json::from_str(&claims.to_string()).unwrap());
        let owned = |names: &Names| names.iter().map(String::from).collect();
        (owned(&grants.roles), owned(&grants.permissions))
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
}
