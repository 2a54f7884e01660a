//! A challenge names what opens the route, and nothing that could be left out.

use std::collections::BTreeSet;

use jwt_verify::{
    AuthError, ClaimsMapping, ForbiddenReason, Requirement, RoleHierarchy, ScopeHierarchy,
    testing::TestClaims,
};
use proptest::prelude::*;
use serde_json::json;

const ROLES: [&str; 3] = ["r1", "r2", "r3"];
const PERMISSIONS: [&str; 3] = ["p1", "p2", "p3"];
const SCOPES: [&str; 5] = ["s1", "s2", "s3", "s:4", "s:5"];

type Set = BTreeSet<&'static str>;

/// A caller, by what its token says.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) roles: Set,
    pub(super) permissions: Set,
    pub(super) scopes: Set,
    pub(super) is_gold: bool,
}

impl Caller {
    fn check(&self, requirement: &Requirement, mapping: &ClaimsMapping) -> Result<(), AuthError> {
        let claims = TestClaims::new()
            .claim("roles", json!(self.roles))
            .claim("permissions", json!(self.permissions))
            .claim("scope", json!(self.scopes))
            .claim("gold", self.is_gold)
            .mapping(mapping.clone());
        claims.verified().check(requirement)
    }

    pub(super) fn with<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut more = self.clone();
        for name in names {
            if let Some(name) = SCOPES.into_iter().find(|known| *known == name) {
                more.scopes.insert(name);
            } else {
                let known = PERMISSIONS.into_iter().find(|known| *known == name);
                more.permissions.insert(known.unwrap());
            }
        }
        more
    }

    fn has(&self, name: &str) -> bool {
        self.scopes.contains(name) || self.permissions.contains(name)
    }
}

fn some_of(names: &'static [&'static str]) -> impl Strategy<Value = Set> {
    prop::sample::subsequence(names, 0..=names.len()).prop_map(|names| names.into_iter().collect())
}

pub(super) fn callers() -> impl Strategy<Value = Caller> {
    (some_of(&ROLES), some_of(&PERMISSIONS), some_of(&SCOPES), any::<bool>()).prop_map(
        |(roles, permissions, scopes, is_gold)| Caller { roles, permissions, scopes, is_gold },
    )
}

pub(super) fn mappings() -> impl Strategy<Value = ClaimsMapping> {
    let included = |names: &'static [&'static str]| {
        let name = prop::sample::select(names);
        prop::collection::vec((name, some_of(names)), 0..3)
    };
    (included(&ROLES), some_of(&PERMISSIONS), included(&SCOPES), included(&PERMISSIONS)).prop_map(
        |(roles, by_role, scopes, permissions)| {
            let mut of_roles = RoleHierarchy::new().permissions("r1", by_role);
            for (role, brings) in roles {
                of_roles = of_roles.role(role, brings);
            }
            let mut of_scopes = ScopeHierarchy::new().wildcard_segments(':').scope("s1", ["s:*"]);
            for (scope, brings) in scopes {
                of_scopes = of_scopes.scope(scope, brings);
            }
            for (permission, brings) in permissions {
                of_scopes = of_scopes.permission(permission, brings);
            }
            ClaimsMapping::default().role_hierarchy(of_roles).scope_hierarchy(of_scopes)
        },
    )
}

/// Trees of requirements. What is negated names neither scopes nor permissions, since more of them
/// would not help; `choices` allows lists of which one name is enough.
pub(super) fn requirements(choices: bool) -> impl Strategy<Value = Requirement> {
    fn list(
        names: &'static [&'static str],
        choices: bool,
    ) -> impl Strategy<Value = (Vec<&'static str>, bool)> {
        (prop::sample::subsequence(names, 1..=names.len()), any::<bool>())
            .prop_map(move |(names, all)| (names, all || !choices))
    }
    let all =
        |requirement: Requirement, all: bool| if all { requirement.all() } else { requirement };
    let leaf = prop_oneof![
        4 => list(&SCOPES, choices).prop_map(move |(names, every)| all(Requirement::scopes(names), every)),
        2 => list(&PERMISSIONS, choices).prop_map(move |(names, every)| all(Requirement::permissions(names), every)),
        1 => list(&ROLES, true).prop_map(|(names, every)| {
            let roles = Requirement::roles(names);
            if every { roles.all_roles() } else { roles }
        }),
        1 => Just(Requirement::claim_equals("gold", true)),
        1 => Just(!Requirement::claim_equals("gold", true)),
        1 => Just(!Requirement::roles(["r2"])),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let several = prop::collection::vec(inner, 1..4);
        prop_oneof![
            several.clone().prop_map(Requirement::any_of),
            several.prop_map(Requirement::all_of),
        ]
    })
}

/// Returns the reason of a refusal, and the names in its challenge.
fn challenged(refusal: Result<(), AuthError>) -> Option<(ForbiddenReason, Vec<String>)> {
    let Err(AuthError::Forbidden(reason)) = refusal else { return None };
    let scope = reason.scope().map(ToString::to_string).unwrap_or_default();
    Some((reason, scope.split(' ').filter(|name| !name.is_empty()).map(str::to_owned).collect()))
}

fn opened_by_names(caller: &Caller, requirement: &Requirement, mapping: &ClaimsMapping) -> bool {
    let everything = caller.with(SCOPES.into_iter().chain(PERMISSIONS));
    everything.check(requirement, mapping).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_challenged_names_open_the_route(
        requirement in requirements(true), caller in callers(), mapping in mappings(),
    ) {
        let refusal = caller.check(&requirement, &mapping);
        let Some((reason, names)) = challenged(refusal.clone()) else {
            prop_assert!(refusal.is_ok());
            return Ok(());
        };
        prop_assert_eq!(Some((reason, names.clone())), challenged(caller.check(&requirement, &mapping)));
        if opened_by_names(&caller, &requirement, &mapping) {
            let more = caller.with(names.iter().map(String::as_str));
            prop_assert!(more.check(&requirement, &mapping).is_ok(), "{requirement} {caller:?} {names:?}");
        }
    }

    /// Without hierarchies, since a name does not say what it includes, and without choices, of which
    /// each name is told.
    #[test]
    fn no_challenged_name_can_be_left_out(requirement in requirements(false), caller in callers()) {
        let mapping = ClaimsMapping::default();
        let Some((_, names)) = challenged(caller.check(&requirement, &mapping)) else { return Ok(()) };
        if opened_by_names(&caller, &requirement, &mapping) {
            for name in names.iter().filter(|name| !caller.has(name)) {
                let others = names.iter().filter(|other| *other != name).map(String::as_str);
                let fewer = caller.with(others);
                prop_assert!(fewer.check(&requirement, &mapping).is_err(), "{requirement} {caller:?} {names:?} without {name}");
            }
        }
    }
}
