//! Names that bring those of a requirement, by the hierarchy of an issuer.

use std::{collections::BTreeMap, fmt};

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{Names, Requirement, Term};
use crate::{claims::ClaimsMapping, json::entry};

/// Names of a requirement with the larger ones that include them, for callers of one issuer.
///
/// `Display` renders it as `scope "orders:read" by "orders"; permission "read" by "manage"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IncludingNames {
    /// The issuer; `None` if there is one alone.
    issuer: Option<String>,
    scopes: Larger,
    permissions: Larger,
    /// Scopes that bring a permission, where scopes are permissions.
    permissions_by_scopes: Larger,
}

type Larger = BTreeMap<String, Vec<String>>;

impl Requirement {
    /// Returns what brings its names, also the forbidden ones; `None` if nothing does.
    pub(crate) fn included_by(
        &self,
        issuer: Option<&str>,
        mapping: &ClaimsMapping,
    ) -> Option<IncludingNames> {
        let (mut permissions, mut scopes) = (Vec::new(), Vec::new());
        self.collect_names(&mut permissions, &mut scopes);
        let larger = |names: &[&str], of: &dyn Fn(&str) -> Vec<String>| -> Larger {
            let found = names.iter().map(|name| ((*name).to_owned(), of(name)));
            found.filter(|(_, larger)| !larger.is_empty()).collect()
        };
        let including = IncludingNames {
            issuer: issuer.map(str::to_owned),
            scopes: larger(&scopes, &|name| mapping.scopes_that_include(name)),
            permissions: larger(&permissions, &|name| mapping.permissions_that_include(name)),
            permissions_by_scopes: larger(&permissions, &|name| mapping.scopes_that_bring(name)),
        };
        let is_empty = including.parts().iter().all(|(_, _, larger)| larger.is_empty());
        (!is_empty).then_some(including)
    }

    fn collect_names<'a>(&'a self, permissions: &mut Vec<&'a str>, scopes: &mut Vec<&'a str>) {
        let listed = |names: &'a Option<Names>| names.iter().flatten().map(|name| &**name);
        permissions.extend(listed(&self.permissions));
        scopes.extend(listed(&self.scopes));
        for term in &self.terms {
            match term {
                Term::All(nested) | Term::Not(nested) => nested.collect_names(permissions, scopes),
                Term::Any(ways) => {
                    for way in ways {
                        way.collect_names(permissions, scopes);
                    }
                }
                Term::Claim(_) | Term::Credential(_) | Term::Policy(_) => {}
            }
        }
    }
}

impl IncludingNames {
    /// Returns the scopes that include one.
    #[cfg(feature = "utoipa")]
    pub(super) fn of_scope(&self, scope: &str) -> impl Iterator<Item = &str> {
        self.scopes.get(scope).into_iter().flatten().map(String::as_str)
    }

    /// Returns the permissions, and the scopes, that include a permission.
    #[cfg(feature = "utoipa")]
    pub(super) fn of_permission(&self, permission: &str) -> impl Iterator<Item = &str> {
        let by = [&self.permissions, &self.permissions_by_scopes];
        by.into_iter().filter_map(move |by| by.get(permission)).flatten().map(String::as_str)
    }

    /// Reads what `Display` writes.
    #[cfg(feature = "cli")]
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (issuer, mut rest) = match text.strip_prefix("of ") {
            Some(rest) => {
                let (issuer, rest) = quoted(rest)?;
                (Some(issuer), rest.strip_prefix(": ")?)
            }
            None => (None, text),
        };
        let mut read = Self {
            issuer,
            scopes: Larger::new(),
            permissions: Larger::new(),
            permissions_by_scopes: Larger::new(),
        };
        loop {
            let (kind, named) = rest.split_once(' ')?;
            let (name, by) = quoted(named)?;
            let by = by.strip_prefix(" by ")?;
            let by_scope = by.strip_prefix("scope ");
            let larger = match (kind, by_scope) {
                ("scope", None) => &mut read.scopes,
                ("permission", None) => &mut read.permissions,
                ("permission", Some(_)) => &mut read.permissions_by_scopes,
                _ => return None,
            };
            let larger = larger.entry(name).or_default();
            let (first, mut behind) = quoted(by_scope.unwrap_or(by))?;
            larger.push(first);
            while let Some(more) = behind.strip_prefix(", ") {
                let (next, after) = quoted(more)?;
                larger.push(next);
                behind = after;
            }
            if behind.is_empty() {
                return Some(read);
            }
            rest = behind.strip_prefix("; ")?;
        }
    }

    /// Adds these names to the hierarchy of an issuer, if it is theirs.
    #[cfg(feature = "cli")]
    pub(crate) fn add_to(&self, mapping: ClaimsMapping, issuer: &str) -> ClaimsMapping {
        if self.issuer.as_ref().is_some_and(|own| own != issuer) {
            return mapping;
        }
        let pairs = |larger: &Larger| -> Vec<(String, String)> {
            let each = larger.iter().flat_map(|(name, by)| by.iter().map(move |by| (by, name)));
            each.map(|(by, name)| (by.clone(), name.clone())).collect()
        };
        mapping.including(|hierarchy| {
            let scopes = [pairs(&self.scopes), pairs(&self.permissions_by_scopes)].concat();
            let hierarchy =
                scopes.into_iter().fold(hierarchy, |all, (by, name)| all.scope(by, [name]));
            let permissions = pairs(&self.permissions).into_iter();
            permissions.fold(hierarchy, |all, (by, name)| all.permission(by, [name]))
        })
    }

    fn parts(&self) -> [(&'static str, &'static str, &Larger); 3] {
        [
            ("scope", "", &self.scopes),
            ("permission", "", &self.permissions),
            ("permission", "scope ", &self.permissions_by_scopes),
        ]
    }
}

impl fmt::Display for IncludingNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(issuer) = &self.issuer {
            write!(f, "of {issuer:?}: ")?;
        }
        let mut separator = "";
        for (kind, by, larger) in self.parts() {
            for (name, names) in larger {
                let names: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
                write!(f, "{separator}{kind} {name:?} by {by}{}", names.join(", "))?;
                separator = "; ";
            }
        }
        Ok(())
    }
}

/// Writes an object with the larger names of each name; absent parts are left out.
impl Serialize for IncludingNames {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let some = |larger: &'_ Larger| (!larger.is_empty()).then(|| larger.clone());
        entry(&mut map, "issuer", self.issuer.as_ref())?;
        entry(&mut map, "scopes", some(&self.scopes).as_ref())?;
        entry(&mut map, "permissions", some(&self.permissions).as_ref())?;
        let by_scopes = some(&self.permissions_by_scopes);
        entry(&mut map, "permissions_by_scopes", by_scopes.as_ref())?;
        map.end()
    }
}

/// Reads a quoted name, and returns it with the text behind it.
#[cfg(feature = "cli")]
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut names = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let name = names.next()?.ok()?;
    let end = names.byte_offset();
    Some((name, text.get(end..)?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::claims::ScopeHierarchy;

    fn mapping() -> ClaimsMapping {
        let hierarchy = ScopeHierarchy::new()
            .scope("all", ["orders"])
            .scope("orders", ["orders:read"])
            .permission("manage", ["read", "write"]);
        ClaimsMapping::default().scope_hierarchy(hierarchy)
    }

    fn shown(requirement: &Requirement, mapping: &ClaimsMapping) -> Option<String> {
        requirement.included_by(None, mapping).map(|including| including.to_string())
    }

    #[test]
    fn each_name_comes_with_those_that_include_it() {
        let nested = Requirement::permissions(["read", "other"])
            & (Requirement::roles(["r"]) | Requirement::scopes(["orders:read"]))
            & !Requirement::scopes(["orders"]);
        assert_eq!(
            shown(&nested, &mapping()).unwrap(),
            r#"scope "orders" by "all"; scope "orders:read" by "all", "orders"; permission "read" by "manage""#
        );
        let both = mapping().scopes_as_permissions(true);
        assert_eq!(
            shown(&Requirement::permissions(["orders", "read"]), &both).unwrap(),
            r#"permission "read" by "manage"; permission "orders" by scope "all""#
        );
        for untouched in [Requirement::scopes(["x"]), Requirement::roles(["orders"])] {
            assert_eq!(shown(&untouched, &mapping()), None);
        }
        assert_eq!(shown(&nested, &ClaimsMapping::default()), None);
        let including = nested.included_by(Some("https://a.example"), &mapping()).unwrap();
        assert_eq!(
            serde_json::to_value(&including).unwrap(),
            json!({
                "issuer": "https://a.example",
                "scopes": {"orders": ["all"], "orders:read": ["all", "orders"]},
                "permissions": {"read": ["manage"]},
            })
        );
    }

    #[cfg(feature = "utoipa")]
    #[test]
    fn alternatives_with_larger_names_come_last() {
        let including = |requirement: &Requirement, mapping: &ClaimsMapping| -> Vec<_> {
            requirement.included_by(None, mapping).into_iter().collect()
        };
        let mapping = mapping().scope_hierarchy(ScopeHierarchy::new().scope("l", ["a", "b"]));
        let all = Requirement::scopes(["a", "b"]).and_permissions(["p"]).all();
        assert_eq!(
            all.scope_alternatives_with(&including(&all, &mapping)),
            [vec!["p", "a", "b"], vec!["p", "l"]]
        );
        let any = Requirement::scopes(["a", "b"]);
        assert_eq!(any.scope_alternatives_with(&including(&any, &mapping)), [["a"], ["b"], ["l"]]);
        // Too many of them are left out.
        let names = |prefix: &str| (0..20).map(|n| format!("{prefix}{n}")).collect::<Vec<_>>();
        let many = ScopeHierarchy::new();
        let many = names("m").into_iter().fold(many, |all, name| all.scope(name, ["a"]));
        let many = names("n").into_iter().fold(many, |all, name| all.scope(name, ["b"]));
        let mapping = mapping.scope_hierarchy(many);
        assert_eq!(all.scope_alternatives_with(&including(&all, &mapping)), [vec!["p", "a", "b"]]);
    }

    #[cfg(feature = "cli")]
    #[test]
    fn it_is_read_as_it_is_written() {
        for text in [
            r#"scope "orders:read" by "orders", "orders:*""#,
            r#"of "https://a.example": scope "a" by "b; c"; permission "p \" # q" by "x", "y""#,
            r#"permission "p" by "x"; permission "p" by scope "s""#,
        ] {
            let read = IncludingNames::parse(text).map(|including| including.to_string());
            assert_eq!(read.as_deref(), Some(text));
        }
        for text in [
            "",
            "scope",
            r#"scope "a""#,
            r#"scope "a" by "#,
            r#"role "a" by "b""#,
            r#"scope "a" by scope "b""#,
            r#"scope "a" by "b" "c""#,
            r#"scope "a" by "b"; "#,
            r#"of "x" scope "a" by "b""#,
        ] {
            assert_eq!(IncludingNames::parse(text), None, "{text}");
        }
    }
}
