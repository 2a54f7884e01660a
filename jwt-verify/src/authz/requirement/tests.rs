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

#[test]
fn every_combination_agrees_with_the_plain_rule() {
    for roles in SUBSETS {
        for permissions in SUBSETS {
            for all in [false, true] {
                let mut requirement =
                    Requirement::roles(roles.to_vec()).and_permissions(permissions.to_vec());
                if all {
                    requirement = requirement.all();
                }
                for held_roles in SUBSETS {
                    for held in SUBSETS {
                        let role = roles.is_empty() || roles.iter().any(|r| held_roles.contains(r));
                        let permission = permissions.is_empty()
                            || if all {
                                permissions.iter().all(|p| held.contains(p))
                            } else {
                                permissions.iter().any(|p| held.contains(p))
                            };
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
