use std::{borrow::Cow, sync::Arc};

use serde_json::json;

use super::*;
use crate::{
    claims::{Claims, ClaimsMapping, VerifiedClaims, VerifiedToken},
    error::{AuthError, ForbiddenReason},
};

fn caller_with(claims: &Value) -> VerifiedClaims {
    let claims = Claims::parse(claims.to_string()).unwrap();
    let grants = ClaimsMapping::default().grants(&claims);
    VerifiedClaims::new(Arc::new(VerifiedToken::new(claims, grants)))
}

fn caller(roles: &[&str], permissions: &[&str]) -> VerifiedClaims {
    caller_with(&json!({"roles": roles, "permissions": permissions}))
}

/// A request at second 1000 for `/{id}` with the segment and the policies of the test.
struct Request<'a>(&'a str, &'a [Option<bool>]);

/// A policy that is identified by its index alone.
fn policy(index: usize, name: &'static str) -> Requirement {
    Requirement::policy(index, name, None)
}

impl EvalContext for Request<'_> {
    fn now(&self) -> Duration {
        Duration::from_secs(1000)
    }

    fn segment(&self, name: &str) -> Option<Cow<'_, str>> {
        (name == "id").then_some(Cow::Borrowed(self.0))
    }

    fn policy(&self, policy: &PolicyRef) -> Option<bool> {
        self.1.get(policy.index()).copied().flatten()
    }
}

fn evaluate<'a>(requirement: &'a Requirement, claims: &Value) -> Evaluation<'a> {
    requirement.evaluate(caller_with(claims).verified(), &Request("7", &[]))
}

fn met(requirement: &Requirement, claims: &Value) -> bool {
    evaluate(requirement, claims) == Evaluation::Met
}

/// Every subset of two names.
const SUBSETS: [&[&str]; 4] = [&[], &["a"], &["b"], &["a", "b"]];

/// An absent list demands nothing; an empty list is never met.
const LISTS: [Option<&[&str]>; 5] =
    [None, Some(&[]), Some(&["a"]), Some(&["b"]), Some(&["a", "b"])];

/// The rule for one list, in its simplest form.
fn plain_rule(list: Option<&[&str]>, all: bool, held: &[&str]) -> bool {
    list.is_none_or(|list| {
        let is_held = |name: &&str| held.contains(name);
        !list.is_empty() && if all { list.iter().all(is_held) } else { list.iter().any(is_held) }
    })
}

#[test]
fn every_combination_of_lists_agrees_with_the_plain_rule() {
    for (roles, permissions, scopes) in LISTS.iter().flat_map(|roles| {
        LISTS.iter().flat_map(move |permissions| LISTS.map(|scopes| (*roles, *permissions, scopes)))
    }) {
        for (all, all_roles) in [(false, false), (true, false), (false, true), (true, true)] {
            let mut requirement = Requirement::authenticated();
            if let Some(roles) = roles {
                requirement = requirement.and_roles(roles.to_vec());
            }
            if let Some(permissions) = permissions {
                requirement = requirement.and_permissions(permissions.to_vec());
            }
            if let Some(scopes) = scopes {
                requirement = requirement.and_scopes(scopes.to_vec());
            }
            if all {
                requirement = requirement.all();
            }
            if all_roles {
                requirement = requirement.all_roles();
            }
            for held_roles in SUBSETS {
                for held_permissions in SUBSETS {
                    for held_scopes in SUBSETS {
                        let role = plain_rule(roles, all_roles, held_roles);
                        let permission = plain_rule(permissions, all, held_permissions);
                        let scope = plain_rule(scopes, all, held_scopes);
                        let result = caller_with(&json!({
                            "roles": held_roles,
                            "permissions": held_permissions,
                            "scope": held_scopes.join(" "),
                        }))
                        .check(&requirement);
                        let case = format!(
                            "{requirement}: {held_roles:?} {held_permissions:?} {held_scopes:?}"
                        );
                        assert_eq!(result.is_ok(), role && permission && scope, "{case}");
                        let missing = match result {
                            Err(AuthError::Forbidden(missing)) => missing.code(),
                            _ => "nothing",
                        };
                        let expected = match (role, permission, scope) {
                            (false, _, _) => "missing_role",
                            (true, false, _) => "missing_permission",
                            (true, true, false) => "missing_scope",
                            (true, true, true) => "nothing",
                        };
                        assert_eq!(missing, expected, "{case}");
                    }
                }
            }
        }
    }
}

/// An expression over the roles `a` and `b`.
#[derive(Debug, Clone)]
enum Formula {
    Has(&'static str),
    Both(Box<Formula>, Box<Formula>),
    Either(Box<Formula>, Box<Formula>),
    Opposite(Box<Formula>),
}

impl Formula {
    fn is_true(&self, held: &[&str]) -> bool {
        match self {
            Self::Has(role) => held.contains(role),
            Self::Both(one, other) => one.is_true(held) && other.is_true(held),
            Self::Either(one, other) => one.is_true(held) || other.is_true(held),
            Self::Opposite(one) => !one.is_true(held),
        }
    }

    fn requirement(&self) -> Requirement {
        match self {
            Self::Has(role) => Requirement::roles([*role]),
            Self::Both(one, other) => one.requirement() & other.requirement(),
            Self::Either(one, other) => one.requirement() | other.requirement(),
            Self::Opposite(one) => !one.requirement(),
        }
    }
}

/// Every expression of at most this depth.
fn formulas(depth: usize) -> Vec<Formula> {
    let mut formulas = vec![Formula::Has("a"), Formula::Has("b")];
    for _ in 0..depth {
        let known = formulas.clone();
        for one in &known {
            formulas.push(Formula::Opposite(Box::new(one.clone())));
            for other in &known {
                let (one, other) = (Box::new(one.clone()), Box::new(other.clone()));
                formulas.push(Formula::Both(one.clone(), other.clone()));
                formulas.push(Formula::Either(one, other));
            }
        }
    }
    formulas
}

#[test]
fn every_expression_agrees_with_its_truth_table() {
    let formulas = formulas(2);
    assert!(formulas.len() > 300);
    for formula in formulas {
        let requirement = formula.requirement();
        for held in SUBSETS {
            assert_eq!(
                caller(held, &[]).check(&requirement).is_ok(),
                formula.is_true(held),
                "{requirement} {held:?}"
            );
        }
    }
}

#[test]
fn a_policy_is_asked_only_where_it_matters() {
    let owns = || policy(0, "owns");
    let paid = || policy(1, "paid");
    let admin = || Requirement::roles(["admin"]);
    let nobody = caller(&[], &[]);
    let boss = caller(&["admin"], &[]);
    for (requirement, who, answers, expected) in [
        (owns(), &nobody, [None, None], Err(0)),
        (owns(), &nobody, [Some(true), None], Ok(Evaluation::Met)),
        (owns(), &nobody, [Some(false), None], Ok(Evaluation::Unmet)),
        (owns() & admin(), &nobody, [None, None], Ok(Evaluation::Unmet)),
        (admin() & owns(), &boss, [None, None], Err(0)),
        (admin() | owns(), &boss, [None, None], Ok(Evaluation::Met)),
        (owns() | admin(), &boss, [None, None], Ok(Evaluation::Met)),
        (admin() | owns(), &nobody, [None, None], Err(0)),
        (owns() & paid(), &nobody, [Some(true), None], Err(1)),
        (owns() & paid(), &nobody, [Some(false), None], Ok(Evaluation::Unmet)),
        (owns() | paid(), &nobody, [Some(false), None], Err(1)),
        (owns() | paid(), &nobody, [Some(false), Some(false)], Ok(Evaluation::Unmet)),
        (!owns(), &nobody, [None, None], Err(0)),
        (!owns(), &nobody, [Some(true), None], Ok(Evaluation::Unmet)),
        (!owns(), &nobody, [Some(false), None], Ok(Evaluation::Met)),
    ] {
        let evaluation = match requirement.evaluate(who.verified(), &Request("7", &answers)) {
            Evaluation::NeedsPolicy(policy) => Err(policy.index()),
            decided => Ok(decided),
        };
        assert_eq!(evaluation, expected, "{requirement} {answers:?}");
    }
    assert_eq!(nobody.check(&owns()), Err(AuthError::Misconfigured), "nobody can ask it by hand");
}

#[test]
fn what_cannot_be_answered_is_never_a_pass() {
    let odd = || Requirement::claim_equals_segment("sub", "nothing");
    let sure = || Requirement::authenticated();
    for requirement in [
        odd(),
        !odd(),
        !!odd(),
        odd() | sure(),
        sure() | odd(),
        !(odd() & !sure()),
        Requirement::any_of([odd(), !odd(), sure()]),
        Requirement::all_of([sure(), odd()]),
    ] {
        assert_eq!(
            evaluate(&requirement, &json!({"sub": "x"})),
            Evaluation::MissingPathParam("nothing"),
            "{requirement}"
        );
    }
}

#[test]
fn claims_compare_as_what_they_are() {
    let equals = |name: &str, value: Value| Requirement::claim_equals(name, value);
    for (requirement, claims, expected) in [
        (equals("email_verified", json!(true)), json!({"email_verified": true}), true),
        (equals("email_verified", json!(true)), json!({"email_verified": "true"}), false),
        (equals("email_verified", json!(true)), json!({"email_verified": 1}), false),
        (equals("email_verified", json!(true)), json!({}), false),
        (equals("email_verified", json!(false)), json!({}), false),
        (equals("level", json!(3)), json!({"level": 3}), true),
        (equals("level", json!(3)), json!({"level": 3.0}), true),
        (equals("level", json!(3)), json!({"level": "3"}), false),
        (equals("level", json!(-3)), json!({"level": -3}), true),
        (equals("org", json!("a")), json!({"org": "A"}), false),
        (equals("org", json!("a")), json!({"org": ["a"]}), false),
        (equals("a.b", json!("x")), json!({"a": {"b": "x"}}), true),
        (equals("/a/b.c", json!("x")), json!({"a": {"b.c": "x"}}), true),
        (equals("sub", json!("alice")), json!({"sub": "alice"}), true),
        (equals("sub", json!("7")), json!({"sub": 7}), true),
        (equals("sub", json!(7)), json!({"sub": 7}), true),
        (equals("sub", json!("07")), json!({"sub": 7}), false),
        (equals("sub", json!(null)), json!({"sub": null}), false),
        (equals("uid", json!("7")), json!({"uid": 7}), false),
        (equals("iss", json!("alice")), json!({"sub": "alice"}), false),
        (equals("jti", json!("t")), json!({"jti": "t"}), true),
        (equals("aud", json!("api")), json!({"aud": "api"}), true),
        (equals("aud", json!("api")), json!({"aud": ["api"]}), true),
        (equals("aud", json!("api")), json!({"aud": ["api", "other"]}), false),
        (equals("nothing", Value::Null), json!({"nothing": null}), false),
    ] {
        assert_eq!(met(&requirement, &claims), expected, "{requirement} {claims}");
    }
    let contains = |value: Value| Requirement::claim_contains("orgs", value);
    for (requirement, claims, expected) in [
        (contains(json!("a")), json!({"orgs": ["b", "a"]}), true),
        (contains(json!("a")), json!({"orgs": "a"}), true),
        (contains(json!("a")), json!({"orgs": "ab"}), false),
        (contains(json!("a")), json!({"orgs": [["a"]]}), false),
        (contains(json!("a")), json!({"orgs": []}), false),
        (contains(json!(1)), json!({"orgs": ["1", 1]}), true),
        (Requirement::claim_contains("aud", "x"), json!({"aud": ["x", "y"]}), true),
        (Requirement::claim_contains("aud", "z"), json!({"aud": ["x", "y"]}), false),
    ] {
        assert_eq!(met(&requirement, &claims), expected, "{requirement} {claims}");
    }
}

#[test]
fn a_claim_is_held_against_the_path() {
    let own = Requirement::claim_equals_segment("user", "id");
    let any = Requirement::claim_contains_segment("users", "id");
    for (claims, is_own, is_any) in [
        (json!({"user": "7", "users": ["6", "7"]}), true, true),
        (json!({"user": 7, "users": [6, 7]}), true, true),
        (json!({"user": 7.0, "users": [7.5]}), false, false),
        (json!({"user": "07", "users": ["70"]}), false, false),
        (json!({"user": ["7"], "users": 7}), false, true),
        (json!({"user": true, "users": [null]}), false, false),
        (json!({}), false, false),
    ] {
        assert_eq!(met(&own, &claims), is_own, "{claims}");
        assert_eq!(met(&any, &claims), is_any, "{claims}");
    }
}

#[test]
fn a_login_has_to_be_recent_and_strong_enough() {
    let minute = Duration::from_secs(60);
    for (requirement, claims, expected) in [
        (Requirement::authenticated().fresh(), json!({"fresh": true}), true),
        (Requirement::authenticated().fresh(), json!({"fresh": false}), false),
        (Requirement::authenticated().fresh(), json!({}), false),
        (Requirement::authenticated().fresh_within(minute), json!({"auth_time": 940}), true),
        (Requirement::authenticated().fresh_within(minute), json!({"auth_time": 939}), false),
        (
            Requirement::authenticated().fresh_within(minute),
            json!({"auth_time": 940, "fresh": false}),
            false,
        ),
        (
            Requirement::authenticated().max_age(minute),
            json!({"auth_time": 940, "fresh": false}),
            true,
        ),
        (Requirement::authenticated().max_age(minute), json!({"auth_time": 939}), false),
        (Requirement::authenticated().max_age(minute), json!({"auth_time": "990"}), false),
        (Requirement::authenticated().max_age(minute), json!({}), false),
        (Requirement::authenticated().max_age(minute), json!({"auth_time": 1600}), true),
        (Requirement::authenticated().max_age(minute), json!({"auth_time": 1601}), false),
        (Requirement::authenticated().max_age(minute), json!({"auth_time": 990_000}), false),
        (Requirement::authenticated().fresh_within(minute), json!({"auth_time": 990_000}), false),
        (Requirement::authenticated().acr_values(["mfa", "gold"]), json!({"acr": "gold"}), true),
        (Requirement::authenticated().acr_values(["mfa"]), json!({"acr": "mf"}), false),
        (Requirement::authenticated().acr_values(["mfa"]), json!({"acr": ["mfa"]}), false),
        (Requirement::authenticated().acr_values(["mfa"]), json!({}), false),
        (Requirement::authenticated().acr_values([""; 0]), json!({"acr": ""}), false),
    ] {
        assert_eq!(met(&requirement, &claims), expected, "{requirement} {claims}");
        let caller = caller_with(&claims);
        let explained = requirement.explain(caller.verified(), &Request("7", &[]));
        assert!(matches!(explained, AuthError::StepUp { .. }));
    }
}

#[test]
fn the_reason_is_what_the_caller_can_do_something_about() {
    let roles = || Requirement::roles(["admin"]);
    let login =
        || Requirement::authenticated().max_age(Duration::from_secs(60)).acr_values(["mfa"]);
    let permission = |name: &'static str| Requirement::permissions([name]);
    let condition = || Requirement::claim_equals("paid", true);
    let step_up = AuthError::StepUp {
        max_age: Some(Duration::from_secs(60)),
        acr_values: Some("mfa".into()),
    };
    let scope = |names: &str| AuthError::Forbidden(ForbiddenReason::Permission(names.into()));
    let role = AuthError::Forbidden(ForbiddenReason::Role(["admin".into()].into()));
    for (requirement, reason) in [
        (roles() & login(), role.clone()),
        (login() & roles(), role.clone()),
        (roles() | login(), step_up),
        (roles() | permission("x"), scope("x")),
        (permission("x") | permission("y") | permission("x"), scope("x")),
        (roles() | condition(), role.clone()),
        (
            roles() | Requirement::scopes(["s"]),
            AuthError::Forbidden(ForbiddenReason::Scope("s".into())),
        ),
        (condition() & roles(), AuthError::Forbidden(ForbiddenReason::UnmetCondition)),
        (Requirement::all_of([roles(), login(), condition()]), role.clone()),
        (Requirement::any_of([login()]) & roles(), role),
        (
            Requirement::authenticated() & condition(),
            AuthError::Forbidden(ForbiddenReason::UnmetCondition),
        ),
        (condition(), AuthError::Forbidden(ForbiddenReason::UnmetCondition)),
        (!Requirement::authenticated(), AuthError::Forbidden(ForbiddenReason::UnmetCondition)),
        (Requirement::any_of([]), AuthError::Forbidden(ForbiddenReason::UnmetCondition)),
        (
            Requirement::authenticated().refresh_token() | condition(),
            AuthError::Forbidden(ForbiddenReason::UnmetCondition),
        ),
    ] {
        assert_eq!(caller(&[], &[]).check(&requirement), Err(reason), "{requirement}");
    }
}

#[test]
fn tokens_of_another_kind_are_not_asked_about_by_hand() {
    let refresh = Requirement::authenticated().refresh_token();
    assert!((Requirement::roles(["a"]) & refresh.clone()).is_for_refresh());
    assert!(!(Requirement::roles(["a"]) | refresh.clone()).is_for_refresh());
    assert_eq!(caller(&[], &[]).check(&refresh), Err(AuthError::Misconfigured));
}

#[test]
fn names_compare_exactly() {
    let requirement = Requirement::permissions(["read"]);
    for held in ["readwrite", "read:all", "rea", "Read", " read", "read "] {
        assert!(caller(&[], &[held]).check(&requirement).is_err(), "{held}");
    }
    let roles = ["Admin", "admin ", "administrator"];
    assert!(caller(&roles, &[]).check(&Requirement::roles(["admin"])).is_err());
}

#[test]
fn the_scope_names_what_is_needed_and_nothing_that_could_break_a_header() {
    let names = ["read:posts", "a\"b", "c\\d", "e f", "\r\n", "ü", "", "write:posts"];
    let missing =
        AuthError::Forbidden(ForbiddenReason::Permission("read:posts write:posts".into()));
    assert_eq!(caller(&[], &[]).check(&Requirement::permissions(names)), Err(missing));
    let missing = AuthError::Forbidden(ForbiddenReason::Scope("read:posts write:posts".into()));
    assert_eq!(caller(&[], &[]).check(&Requirement::scopes(names)), Err(missing));
}

#[test]
fn it_is_shown_as_the_attribute_that_says_the_same() {
    for (requirement, text) in [
        (Requirement::authenticated(), "authenticated"),
        (Requirement::roles(["a\"b"]), r#"roles = "a\"b""#),
        (
            Requirement::roles(["a", "b"]).all_roles().and_scopes(["s"]).all(),
            r#"roles = ["a", "b"], all_roles, scopes = "s", all"#,
        ),
        (
            Requirement::roles(["a"]) | Requirement::roles(["b"]) & Requirement::scopes(["c"]),
            r#"any(roles = "a", all_of(roles = "b", all_of(scopes = "c")))"#,
        ),
        (!Requirement::claim_equals("a", 5), r#"not(claim("a" == 5))"#),
        (
            Requirement::claim_contains_segment("orgs", "org") & policy(0, "a::b"),
            r#"claim("orgs" contains path.org), policy = a::b"#,
        ),
        (
            Requirement::authenticated().max_age(Duration::from_secs(5400)).acr_values(["mfa"]),
            r#"acr = "mfa", max_age = "90m""#,
        ),
        (Requirement::authenticated().fresh_within(Duration::from_secs(86_400)), r#"fresh = "1d""#),
        (Requirement::authenticated().fresh_within(Duration::ZERO), "fresh = <0s>"),
        (Requirement::authenticated().refresh_token(), "refresh"),
    ] {
        assert_eq!(requirement.to_string(), text);
    }
}

#[test]
fn it_is_serialised_with_the_names_of_the_attribute() {
    let requirement = Requirement::roles(["a"]).and_permissions(["p"]).all()
        & (Requirement::claim_equals_segment("org", "id") | !Requirement::claim_equals("x", true))
        & policy(0, "owns");
    let requirement = requirement.fresh().max_age(Duration::from_secs(300)).acr_values(["mfa"]);
    assert_eq!(
        serde_json::to_value(&requirement).unwrap(),
        json!({
            "roles": ["a"],
            "permissions": ["p"],
            "all": true,
            "terms": [
                {"any": [
                    {"terms": [{"claim": {"name": "org", "equals": {"path": "id"}}}]},
                    {"terms": [{"not": {"terms": [{"claim": {"name": "x", "equals": true}}]}}]},
                ]},
                {"policy": "owns"},
            ],
            "acr": ["mfa"],
            "max_age": 300,
            "fresh": true,
        })
    );
    assert_eq!(serde_json::to_value(Requirement::authenticated()).unwrap(), json!({}));
}
