use serde_json::json;

use super::*;
use crate::{Claims, ClaimsMapping, claims::VerifiedToken};

fn caller(roles: &[&str], permissions: &[&str]) -> VerifiedClaims {
    let payload = json!({"roles": roles, "permissions": permissions}).to_string();
    let claims: Claims = serde_json::from_str(&payload).unwrap();
    let grants = ClaimsMapping::default().grants(&claims);
    VerifiedClaims::new(Arc::new(VerifiedToken::new(claims, payload, grants)))
}

/// Every subset of two names.
const SUBSETS: [&[&str]; 4] = [&[], &["a"], &["b"], &["a", "b"]];

/// A list that is not there demands nothing; one that is there and empty is met by nobody.
const LISTS: [Option<&[&str]>; 5] =
    [None, Some(&[]), Some(&["a"]), Some(&["b"]), Some(&["a", "b"])];

fn requirement(
    roles: Option<&[&'static str]>,
    permissions: Option<&[&'static str]>,
    all: bool,
) -> Requirement {
    let mut requirement =
        roles.map_or(Requirement::authenticated(), |roles| Requirement::roles(roles.to_vec()));
    if let Some(permissions) = permissions {
        requirement = requirement.and_permissions(permissions.to_vec());
    }
    if all { requirement.all() } else { requirement }
}

#[test]
fn every_combination_agrees_with_the_plain_rule() {
    for roles in LISTS {
        for permissions in LISTS {
            for all in [false, true] {
                let requirement = requirement(roles, permissions, all);
                for held_roles in SUBSETS {
                    for held in SUBSETS {
                        let role =
                            roles.is_none_or(|list| list.iter().any(|r| held_roles.contains(r)));
                        let permission = permissions.is_none_or(|list| {
                            let held = |p: &&str| held.contains(p);
                            !list.is_empty()
                                && if all { list.iter().all(held) } else { list.iter().any(held) }
                        });
                        let result = requirement.check(&caller(held_roles, held));
                        assert_eq!(
                            result.is_ok(),
                            role && permission,
                            "{requirement:?} {held_roles:?} {held:?}"
                        );
                        if !role {
                            assert_eq!(result, Err(Missing::Role));
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn permissions_that_are_added_are_added() {
    let both = Requirement::permissions(["a"]).and_permissions(["b"]).all();
    assert!(both.check(&caller(&[], &["b"])).is_err());
    assert!(both.check(&caller(&[], &["a"])).is_err());
    assert!(both.check(&caller(&[], &["a", "b"])).is_ok());
}

#[test]
fn code_that_is_generated_names_only_what_is_written() {
    assert_eq!(Requirement::fixed(&[], &[], false), Requirement::authenticated());
}

#[test]
fn names_compare_exactly() {
    let requirement = Requirement::permissions(["read"]);
    for held in ["readwrite", "read:all", "rea", "Read", " read", "read "] {
        assert!(requirement.check(&caller(&[], &[held])).is_err(), "{held}");
    }
    assert!(
        Requirement::roles(["admin"])
            .check(&caller(&["Admin", "admin ", "administrator"], &[]))
            .is_err()
    );
}

#[test]
fn the_scope_names_what_is_needed_and_nothing_that_could_break_a_header() {
    let requirement =
        Requirement::permissions(["read:posts", "a\"b", "c\\d", "e f", "\r\n", "ü", "write:posts"]);
    let missing = requirement.check(&caller(&[], &[])).unwrap_err();
    assert_eq!(missing, Missing::Permission("read:posts write:posts".into()));
}
