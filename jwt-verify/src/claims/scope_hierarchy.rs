//! Scopes and permissions that include others.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, VecDeque},
};

use super::{AuthorityNames, role_hierarchy::Name};
use crate::{defaults::MOST_INCLUDING, error::ConfigError};

/// Defines the scopes that a scope includes, and the permissions that a permission includes.
///
/// An application defines once that `orders` allows what `orders:read` allows, instead of naming both
/// at every route. Included names are added to those of the caller when a token is verified:
/// `#[require]`, [`VerifiedClaims::scopes`] and all other checks use them, and a challenge does not
/// name what the caller has by them. An [`AccessMatrix`](crate::routes::AccessMatrix) and OpenAPI
/// documents say which names include those of a route.
///
/// ```
/// use jwt_verify::{ClaimsMapping, ScopeHierarchy};
///
/// let hierarchy = ScopeHierarchy::new()
///     .scope("orders", ["orders:read", "orders:write"])
///     .scope("orders:write", ["orders:read"])
///     .permission("manage:posts", ["read:posts", "write:posts"]);
/// let mapping = ClaimsMapping::default().scope_hierarchy(hierarchy);
/// ```
///
/// Names that include each other are equal. Scopes include scopes, and permissions include permissions,
/// also those that a [`RoleHierarchy`](crate::RoleHierarchy) adds. Where scopes
/// [count as permissions](crate::ClaimsMapping::scopes_as_permissions), included ones do too. Names
/// compare exactly: `orders:*` is a name like any other, unless
/// [`wildcard_segments`](Self::wildcard_segments) is set.
///
/// [`VerifiedClaims::scopes`]: crate::VerifiedClaims::scopes
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeHierarchy {
    scopes: Included,
    permissions: Included,
    separator: Option<char>,
}

type Included = BTreeMap<Name, BTreeSet<Name>>;

impl ScopeHierarchy {
    /// Creates a hierarchy in which no name includes another.
    pub const fn new() -> Self {
        Self { scopes: BTreeMap::new(), permissions: BTreeMap::new(), separator: None }
    }

    /// Includes these scopes in `scope`, with everything that they include. Adds to earlier calls.
    #[must_use]
    pub fn scope<I, S>(mut self, scope: impl Into<Cow<'static, str>>, brings: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<Cow<'static, str>>,
    {
        self.scopes.entry(scope.into()).or_default().extend(brings.into_iter().map(Into::into));
        self
    }

    /// Includes these permissions in `permission`, with everything that they include. Adds to earlier
    /// calls.
    #[must_use]
    pub fn permission<I, S>(mut self, permission: impl Into<Cow<'static, str>>, brings: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<Cow<'static, str>>,
    {
        let brings = brings.into_iter().map(Into::into);
        self.permissions.entry(permission.into()).or_default().extend(brings);
        self
    }

    /// Includes in a scope or permission with a segment `*` every name that has another segment there:
    /// with the separator `:`, `orders:*` includes `orders:read`. Default: none; `*` means nothing.
    ///
    /// A `*` stands for one whole segment, which is not empty, and not for the first: `orders:*` does
    /// not include `orders` or `orders:read:all`, and neither `*` nor `*:read` includes anything.
    ///
    /// **Security:** a caller with such a scope has names that do not exist yet. Set it only if your
    /// issuer decides who gets a scope with `*`. A separator that can be a part of names, such as a
    /// letter, a digit, `-` or `_`, does not build.
    #[must_use]
    pub fn wildcard_segments(mut self, separator: char) -> Self {
        self.separator = Some(separator);
        self
    }

    /// Refuses a separator that is not one.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let separates =
            |separator: char| separator.is_ascii_punctuation() && !r#"*-_"'\"#.contains(separator);
        if self.separator.is_some_and(|separator| !separates(separator)) {
            let problem = "must be a character that separates the segments of names, such as a \
                           colon; no letter, digit, space, quote, backslash, hyphen or underscore";
            return Err(ConfigError::invalid("wildcard_segments", problem));
        }
        Ok(())
    }

    /// Returns `true` if no name includes anything.
    pub(super) fn is_empty(&self) -> bool {
        self.scopes.is_empty() && self.permissions.is_empty() && self.separator.is_none()
    }

    /// Returns the separator of segments, if `*` stands for one.
    pub(super) fn separator(&self) -> Option<char> {
        self.separator
    }

    /// Returns the caller's scopes that include something, and every included one.
    pub(super) fn reached_scopes(&self, held: AuthorityNames<'_>) -> BTreeSet<&Name> {
        self.reached(&self.scopes, held)
    }

    /// Returns the caller's permissions that include something, and every included one.
    pub(super) fn reached_permissions(&self, held: AuthorityNames<'_>) -> BTreeSet<&Name> {
        self.reached(&self.permissions, held)
    }

    /// Returns the scopes that include a scope, directly or by others.
    pub(super) fn scopes_that_include(&self, scope: &str) -> BTreeSet<String> {
        self.including(&self.scopes, scope)
    }

    /// Returns the permissions that include a permission, directly or by others.
    pub(super) fn permissions_that_include(&self, permission: &str) -> BTreeSet<String> {
        self.including(&self.permissions, permission)
    }

    /// Follows a name upwards. A name of many segments has many patterns, so the search ends with
    /// [`MOST_INCLUDING`].
    fn including(&self, included: &Included, name: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut next = VecDeque::from([name.to_owned()]);
        while let Some(current) = next.pop_front() {
            let keys = included.iter().filter(|(_, brings)| brings.contains(&*current));
            let keys = keys.map(|(key, _)| key.to_string());
            let patterns = self.separator.into_iter().flat_map(|it| patterns_of(&current, it));
            for larger in keys.chain(patterns) {
                if larger != name && found.len() < MOST_INCLUDING && found.insert(larger.clone()) {
                    next.push_back(larger);
                }
            }
        }
        // No caller has it.
        found.remove("");
        found
    }

    fn reached<'h>(&self, included: &'h Included, held: AuthorityNames<'_>) -> BTreeSet<&'h Name> {
        let mut reached = BTreeSet::new();
        // A hierarchy is configured by the application, so the search is bounded by its size.
        let mut next: Vec<&Name> = included.keys().filter(|name| held.contains(name)).collect();
        while let Some(name) = next.pop() {
            if reached.insert(name) {
                next.extend(included.get(name).into_iter().flatten());
                let covers =
                    |other: &&Name| self.separator.is_some_and(|it| covers(name, other, it));
                next.extend(included.keys().filter(covers));
            }
        }
        reached
    }
}

/// Returns `true` if a name with a segment `*` stands for another name.
pub(super) fn covers(pattern: &str, name: &str, separator: char) -> bool {
    let (mut patterns, mut segments) = (pattern.split(separator), name.split(separator));
    let is_first_same = patterns.next().filter(|first| *first != "*") == segments.next();
    is_first_same
        && loop {
            match (patterns.next(), segments.next()) {
                (None, None) => break true,
                (Some("*"), Some(segment)) if !segment.is_empty() => {}
                (Some(one), Some(other)) if one == other => {}
                _ => break false,
            }
        }
}

/// Returns the names with one `*` more that stand for a name.
fn patterns_of(name: &str, separator: char) -> Vec<String> {
    let segments: Vec<&str> = name.split(separator).collect();
    if segments.first() == Some(&"*") {
        return Vec::new();
    }
    let starred = |place: usize| {
        let with_star = segments.iter().enumerate().map(
            |(at, segment)| {
                if at == place { "*" } else { segment }
            },
        );
        with_star.collect::<Vec<_>>().join(&separator.to_string())
    };
    let is_open = |segment: &&str| !segment.is_empty() && **segment != *"*";
    let places = segments.iter().enumerate().skip(1).filter(|(_, segment)| is_open(segment));
    places.map(|(place, _)| starred(place)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::claims::{Claims, ClaimsMapping, RoleHierarchy};

    /// The scopes and permissions of a caller, which `contains` agrees with.
    fn granted(mapping: &ClaimsMapping, claims: &Value) -> (Vec<String>, Vec<String>) {
        let claims: Claims = serde_json::from_str(&claims.to_string()).unwrap();
        let grants = mapping.grants(&claims);
        let sorted = |held: AuthorityNames<'_>| {
            let mut names: Vec<String> = held.iter().map(String::from).collect();
            assert!(names.iter().all(|name| held.contains(name)));
            names.sort();
            names
        };
        (sorted(grants.scopes(&claims)), sorted(grants.permissions(&claims)))
    }

    fn with(hierarchy: ScopeHierarchy) -> ClaimsMapping {
        ClaimsMapping::default().scope_hierarchy(hierarchy)
    }

    #[test]
    fn a_scope_brings_what_its_scopes_bring() {
        let hierarchy = ScopeHierarchy::new()
            .scope("all", ["orders"])
            .scope("orders", ["orders:write"])
            .scope("orders", ["orders:read"])
            .permission("orders", ["secret"]);
        let scopes = |held: &str| granted(&with(hierarchy.clone()), &json!({"scope": held}));
        let everything = ["all", "orders", "orders:read", "orders:write"];
        assert_eq!(scopes("all").0, everything);
        assert_eq!(scopes("orders").0, everything[1..]);
        assert_eq!(scopes("orders:read").0, ["orders:read"]);
        assert_eq!(scopes("Orders").0, ["Orders"]);
        assert!(scopes("all").1.is_empty(), "scopes are not permissions");
        let circle = ScopeHierarchy::new().scope("a", ["b"]).scope("b", ["a", "b"]);
        assert_eq!(granted(&with(circle), &json!({"scope": "b"})).0, ["a", "b"]);
    }

    #[test]
    fn permissions_bring_permissions_and_nothing_else() {
        let hierarchy =
            ScopeHierarchy::new().permission("manage", ["read", "write"]).scope("read", ["s"]);
        let mapping = with(hierarchy.clone());
        let claims = json!({"permissions": ["manage"]});
        assert_eq!(
            granted(&mapping, &claims),
            (vec![], ["manage", "read", "write"].map(String::from).into())
        );
        // Those that a role brings count, and so do scopes where they are permissions.
        let roles = RoleHierarchy::new().permissions("admin", ["manage"]);
        let claims = json!({"roles": ["admin"]});
        let granted_by_role = granted(&mapping.role_hierarchy(roles), &claims).1;
        assert_eq!(granted_by_role, ["manage", "read", "write"]);
        let both = with(hierarchy.scope("manage", ["x"])).scopes_as_permissions(true);
        let (scopes, permissions) = granted(&both, &json!({"scope": "manage"}));
        assert_eq!(scopes, ["manage", "x"]);
        assert_eq!(permissions, ["manage", "read", "write", "x"]);
    }

    #[test]
    fn a_star_means_nothing_unless_it_is_set() {
        let claims = json!({"scope": "orders:* plain", "permissions": ["posts.*"]});
        let claims: Claims = serde_json::from_str(&claims.to_string()).unwrap();
        let plain = with(ScopeHierarchy::new().scope("plain", ["brought:*"])).grants(&claims);
        assert!(plain.scopes(&claims).contains("orders:*"));
        for name in ["orders:read", "brought:x"] {
            assert!(!plain.scopes(&claims).contains(name), "{name}");
        }
        let wild = ScopeHierarchy::new().scope("plain", ["brought:*"]).scope("brought:x", ["end"]);
        let wild = with(wild.scope("orders:read", ["seen"]).wildcard_segments(':')).grants(&claims);
        for name in ["orders:*", "orders:read", "orders:x", "brought:y", "seen", "end"] {
            assert!(wild.scopes(&claims).contains(name), "{name}");
        }
        for name in ["orders", "orders:", "orders:read:all", "order:read", "*", "", "posts.read"] {
            assert!(!wild.scopes(&claims).contains(name), "{name}");
        }
        assert!(!wild.permissions(&claims).contains("posts.read"), "another separator");
        let dots = with(ScopeHierarchy::new().wildcard_segments('.')).grants(&claims);
        assert!(dots.permissions(&claims).contains("posts.read"));
        assert!(!dots.scopes(&claims).contains("orders:read"));
    }

    #[test]
    fn a_star_is_one_segment_and_not_the_first() {
        for (pattern, name, is_covered) in [
            ("a:*", "a:b", true),
            ("a:*:c", "a:b:c", true),
            ("a:*:*", "a:b:c", true),
            ("a:*", "a", false),
            ("a:*", "a:", false),
            ("a:*", "a:b:c", false),
            ("a:*:c", "a:b:d", false),
            ("a:b*", "a:bc", false),
            ("a:**", "a:b", false),
            ("*", "a", false),
            ("*:b", "a:b", false),
            ("*:*", "a:b", false),
            ("a:b", "a:*", false),
        ] {
            assert_eq!(covers(pattern, name, ':'), is_covered, "{pattern} {name}");
        }
    }

    #[test]
    fn what_includes_a_name_is_what_brings_it() {
        let hierarchy = ScopeHierarchy::new()
            .scope("all", ["orders", "posts:*"])
            .scope("orders", ["orders:read", "all"])
            .scope("a:b", ["", "end"])
            .scope("", ["end"])
            .permission("manage", ["orders:read"]);
        let starred = hierarchy.clone().wildcard_segments(':');
        let names = [
            "all",
            "orders",
            "orders:read",
            "orders:*",
            "posts:*",
            "posts:x",
            "a:b",
            "a:*",
            "*",
            "end",
            "manage",
            "*:*",
            "x:y:z",
            "x:*:z",
            "x:y:*",
            "x:*:*",
            "x:y",
        ];
        for hierarchy in [hierarchy, starred] {
            let mapping = with(hierarchy.clone());
            for required in names {
                let including = hierarchy.scopes_that_include(required);
                for held in names.into_iter().filter(|held| *held != required) {
                    let claims = json!({"scope": held}).to_string();
                    let claims: Claims = serde_json::from_str(&claims).unwrap();
                    let has = mapping.grants(&claims).scopes(&claims).contains(required);
                    assert_eq!(including.contains(held), has, "{held} for {required}");
                }
            }
        }
        let long = "s".to_owned() + &":s".repeat(100);
        let starred = ScopeHierarchy::new().wildcard_segments(':');
        assert_eq!(starred.scopes_that_include(&long).len(), MOST_INCLUDING);
    }

    #[test]
    fn a_separator_is_no_part_of_a_name() {
        let check = |separator| with(ScopeHierarchy::new().wildcard_segments(separator)).check();
        for good in [':', '.', '/', '|'] {
            assert!(check(good).is_ok(), "{good:?}");
        }
        for bad in ['a', '0', '*', '-', '_', ' ', '"', '\\', 'é', '\n'] {
            let error = check(bad).unwrap_err().to_string();
            assert!(error.starts_with("wildcard_segments: "), "{bad:?}: {error}");
        }
    }
}
