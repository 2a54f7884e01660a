//! Presets: the claims in which common issuers put roles and permissions.

use std::str::FromStr;

use super::ClaimsMapping;
use crate::error::ConfigError;

/// Constructors for common issuers. Each reads the claims that it names and no others.
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
        Self::only_roles(format!("{namespace}/roles")).permissions_claim("permissions")
    }

    /// Preset for Keycloak: the roles of the realm, and those of this client.
    ///
    /// A requirement does not distinguish a role of the realm from one of the client with the same
    /// name. If it must, name the claims one by one.
    pub fn keycloak(client: impl AsRef<str>) -> Self {
        let client = pointer_step(client.as_ref());
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
    /// one; see [`TrustedIssuer::without_audience`](crate::TrustedIssuer::without_audience).
    pub fn cognito() -> Self {
        Self::only_roles("cognito:groups")
    }

    /// Preset for Okta: groups count as roles, once a claim `groups` has been added to the
    /// authorization server. Scopes are in `scp`.
    pub fn okta() -> Self {
        Self::only_roles("groups")
    }

    /// Preset for Zitadel: the roles of the project that the client belongs to. They are the names
    /// of the members of `urn:zitadel:iam:org:project:roles`.
    ///
    /// The organization that a role was granted in does not count. If it must, check the claim in a
    /// validator or a policy.
    pub fn zitadel() -> Self {
        Self::only_roles("urn:zitadel:iam:org:project:roles")
    }

    /// Preset for Zitadel: the roles of the project with this ID, in
    /// `urn:zitadel:iam:org:project:ID:roles`, and of no other. Otherwise like
    /// [`zitadel`](Self::zitadel).
    pub fn zitadel_project(id: impl AsRef<str>) -> Self {
        Self::only_roles(format!("urn:zitadel:iam:org:project:{}:roles", id.as_ref()))
    }

    fn only_roles(name: impl AsRef<str>) -> Self {
        Self::nothing().roles_claim(name)
    }
}

/// Reads the name of a preset, as configuration files and `JWT_CLAIMS_MAPPING` contain it.
///
/// | name | roles | permissions |
/// | --- | --- | --- |
/// | `auth0:NAMESPACE` | `NAMESPACE/roles` | `permissions` |
/// | `authelia`, `authentik`, `dex`, `okta` | `groups` | |
/// | `clerk` | `org_role`, or `rol` in `o` | `org_permissions` |
/// | `cognito` | `cognito:groups` | |
/// | `descope` | `roles` | `permissions` |
/// | `descope:TENANT` | those of this tenant in `tenants` | the same |
/// | `entra`, `fusionauth` | `roles` | |
/// | `keycloak:CLIENT` | of the realm, and of this client | |
/// | `kinde` | `key` of each element of `roles` | `permissions` |
/// | `logto` | | `scope`, which Logto grants by the user's roles |
/// | `supabase` | `role`, and `roles` in `app_metadata` | |
/// | `workos` | `role`, `roles` | `permissions` |
/// | `zitadel` | the members of `urn:zitadel:iam:org:project:roles` | |
/// | `zitadel:PROJECT` | the members of `urn:zitadel:iam:org:project:PROJECT:roles` | |
///
/// # Errors
/// [`ConfigError::Invalid`] for another name, for one without what has to follow the colon, and for
/// one with something after it that does not belong there.
impl FromStr for ClaimsMapping {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let invalid = |problem| Err(ConfigError::invalid("claims_mapping", problem));
        let (name, detail) = match text.trim().split_once(':') {
            Some((_, "")) => return invalid("nothing follows the colon"),
            Some((name, detail)) => (name, Some(detail)),
            None => (text.trim(), None),
        };
        Ok(match (name, detail) {
            ("auth0", Some(namespace)) => Self::auth0(namespace),
            ("auth0", None) => {
                return invalid("needs the namespace of your claims: auth0:https://myapp.com");
            }
            ("keycloak", Some(client)) => Self::keycloak(client),
            ("keycloak", None) => return invalid("needs the client of this API: keycloak:my-api"),
            ("descope", Some(tenant)) => {
                let tenant = pointer_step(tenant);
                Self::only_roles(format!("/tenants/{tenant}/roles"))
                    .permissions_claim(format!("/tenants/{tenant}/permissions"))
            }
            ("zitadel", Some(project)) => Self::zitadel_project(project),
            ("zitadel", None) => Self::zitadel(),
            (name, None) => match Self::preset(name) {
                Some(mapping) => mapping,
                None => return invalid(UNKNOWN),
            },
            (name, Some(_)) if Self::preset(name).is_some() => {
                return invalid("nothing may follow the name of this preset");
            }
            _ => return invalid(UNKNOWN),
        })
    }
}

impl ClaimsMapping {
    /// Returns the preset of an issuer that needs no details.
    fn preset(name: &str) -> Option<Self> {
        Some(match name {
            "authelia" | "authentik" | "dex" => Self::only_roles("groups"),
            "clerk" => Self::only_roles("org_role")
                .and_roles_claim("/o/rol")
                .permissions_claim("org_permissions"),
            "cognito" => Self::cognito(),
            "descope" => Self::only_roles("roles").permissions_claim("permissions"),
            "entra" => Self::entra(),
            "fusionauth" => Self::only_roles("roles"),
            "kinde" => Self::only_roles("/roles/*/key").permissions_claim("permissions"),
            "logto" => Self::nothing().scopes_claim("scope").scopes_as_permissions(true),
            "okta" => Self::okta(),
            // Users can edit `user_metadata`, and cannot edit `app_metadata`.
            "supabase" => Self::only_roles("role").and_roles_claim("/app_metadata/roles"),
            "workos" => {
                Self::only_roles("role").and_roles_claim("roles").permissions_claim("permissions")
            }
            _ => return None,
        })
    }
}

const UNKNOWN: &str = "is not a known preset; there are auth0:NAMESPACE, authelia, authentik, clerk, \
                       cognito, descope, dex, entra, fusionauth, keycloak:CLIENT, kinde, logto, \
                       okta, supabase, workos and zitadel";

/// Encodes a name as a step of a JSON pointer (RFC 6901 §4).
fn pointer_step(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::claims::{AuthorityNames, Claims};

    fn grants(mapping: &ClaimsMapping, claims: &Value) -> (Vec<String>, Vec<String>) {
        let claims: Claims = serde_json::from_str(&claims.to_string()).unwrap();
        let grants = mapping.grants(&claims);
        let owned = |names: AuthorityNames<'_>| names.iter().map(String::from).collect();
        (owned(grants.roles(&claims)), owned(grants.permissions(&claims)))
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
    fn a_name_stands_for_its_preset() {
        for (name, mapping) in [
            ("auth0:https://myapp.com", ClaimsMapping::auth0("https://myapp.com/")),
            ("keycloak:my.web/app", ClaimsMapping::keycloak("my.web/app")),
            (" entra ", ClaimsMapping::entra()),
            ("cognito", ClaimsMapping::cognito()),
            ("okta", ClaimsMapping::okta()),
            ("zitadel", ClaimsMapping::zitadel()),
            ("zitadel:2715", ClaimsMapping::zitadel_project("2715")),
        ] {
            assert_eq!(name.parse::<ClaimsMapping>().unwrap(), mapping, "{name}");
        }
    }

    #[test]
    fn a_name_without_a_preset_is_an_error_that_says_what_there_is() {
        for (name, hint) in [
            ("keykloak:my-api", "keycloak:CLIENT"),
            ("Entra", "entra"),
            ("", "zitadel"),
            (":x", "zitadel"),
            ("unknown:x", "zitadel"),
            ("keycloak", "keycloak:my-api"),
            ("keycloak:", "colon"),
            ("auth0", "auth0:https://myapp.com"),
            ("entra:tenant", "nothing may follow"),
            ("okta,entra", "okta"),
        ] {
            let error = name.parse::<ClaimsMapping>().unwrap_err().to_string();
            assert!(error.starts_with("claims_mapping: ") && error.contains(hint), "{error}");
        }
        // Every preset is in that list.
        for name in ["authelia", "authentik", "clerk", "cognito", "descope", "dex", "entra"]
            .iter()
            .chain(&["fusionauth", "kinde", "logto", "okta", "supabase", "workos", "zitadel"])
        {
            assert!(name.parse::<ClaimsMapping>().is_ok() && UNKNOWN.contains(name), "{name}");
        }
    }

    #[test]
    fn named_presets_fit_the_tokens_of_their_issuers() {
        let token = json!({
            "iss": "https://issuer.example",
            "role": "authenticated",
            "roles": [{"id": "018e", "key": "admin", "name": "Admin"}],
            "permissions": ["read:posts"],
            "groups": ["staff"],
            "scope": "write:posts",
            "scp": ["openid"],
            "app_metadata": {"provider": "email", "roles": ["editor"]},
            "user_metadata": {"roles": ["root"]},
            "o": {"id": "org_1", "rol": "owner", "slg": "acme"},
            "tenants": {
                "T2": {"roles": ["Tenant Admin"], "permissions": ["SSO Admin"]},
                "T3": {"roles": ["other"]},
            },
            "urn:zitadel:iam:org:project:roles": {"user": {"69": "acme.example"}},
            "urn:zitadel:iam:org:project:2715:roles": {"manager": {"69": "acme.example"}},
            "urn:zitadel:iam:org:project:2716:roles": {"admin": {"69": "acme.example"}},
        });
        for (name, roles, permissions) in [
            ("authelia", vec!["staff"], vec![]),
            ("authentik", vec!["staff"], vec![]),
            ("dex", vec!["staff"], vec![]),
            ("clerk", vec!["owner"], vec![]),
            ("descope", vec![], vec!["read:posts"]),
            ("descope:T2", vec!["Tenant Admin"], vec!["SSO Admin"]),
            ("kinde", vec!["admin"], vec!["read:posts"]),
            ("logto", vec![], vec!["write:posts"]),
            ("supabase", vec!["authenticated", "editor"], vec![]),
            ("workos", vec!["authenticated"], vec!["read:posts"]),
            ("zitadel", vec!["user"], vec![]),
            ("zitadel:2715", vec!["manager"], vec![]),
            ("zitadel:2717", vec![], vec![]),
        ] {
            let granted = grants(&name.parse().unwrap(), &token);
            assert_eq!(granted.0, roles, "{name}");
            assert_eq!(granted.1, permissions, "{name}");
        }
    }
}
