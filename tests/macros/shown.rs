//! A requirement in words: as the attribute takes it, or visibly not.
#![allow(unused_qualifications, reason = "one function has several spellings")]

use std::time::Duration;

use actix_web::http::Method;
use jwt_verify::{
    AuthError, AuthScope, Decision, Lookup, Requirement, VerifiedClaims, authorization::Authorizer,
    require,
};
use serde_json::{Value, json};

struct Accounts<T>(T);

impl<T: Send + Sync + 'static> Authorizer for Accounts<T> {
    fn authorize(
        &self,
        _: &VerifiedClaims,
        _: &Requirement,
    ) -> Lookup<'static, Result<(), AuthError>> {
        Lookup::Ready(Ok(()))
    }
}

trait Named {
    type Authorizer;
}

impl Named for u8 {
    type Authorizer = Accounts<Self>;
}

fn yes(_: &VerifiedClaims) -> Decision {
    Decision::Allow
}

fn of<const N: usize>(_: &VerifiedClaims) -> Decision {
    Decision::Allow
}

macro_rules! written {
    ($($name:ident: ($($argument:tt)*);)+) => {
        $(#[require($($argument)*)] async fn $name() -> &'static str { "ran" })+

        fn scope() -> AuthScope {
            AuthScope::new("")$(.route(Method::GET, concat!("/", stringify!($name)), $name))+
        }

        const WRITTEN: &[(&str, &str)] = &[$((stringify!($name), stringify!($($argument)*))),+];
    };
}

written! {
    lists: (roles = ["a", "b"], all_roles, permissions = "c", scopes = ["d", "e"], all);
    groups: (any(roles = "a", all_of(scopes = ["b", "c"], all), not(roles = "d")), all_of(roles = ["x", "y"], all_roles));
    old_login: (not(all_of(max_age = "5m")));
    opposites: (not(any(roles = "a", claim("b" == true))), not(not(roles = "c")));
    claims: (claim("a\"b" == "tab\t, bell \u{7}, \u{e9}"), claim("/a/b" contains -92), claim("c" == path.user_id));
    logins: (acr = ["a", "b"], max_age = "36h", fresh = "90s");
    fresh: (fresh);
    refreshing: (refresh);
    directory: (roles = "cn=admins,dc=example");
    policies: (policy = yes, policy = self::of::<7>, policy = crate::shown::yes);
    authorizers: (authorizer = Accounts<u8>, authorizer = <u8 as Named>::Authorizer);
    one_way: (any(roles = "a"));
}

fn without_spaces(text: &str) -> String {
    text.split_whitespace().collect()
}

/// DEV-08: every argument comes back as it was written.
#[test]
fn what_is_written_is_shown() {
    let matrix = scope().access_matrix();
    for (name, written) in WRITTEN {
        let route = matrix.routes().iter().find(|route| route.handler() == *name).unwrap();
        let shown = route.requirement().unwrap().to_string();
        let written = written.replace(r"\u{e9}", "é");
        assert_eq!(without_spaces(&shown), without_spaces(&written), "{shown}");
    }
    let matrix = scope().access_matrix().to_string();
    assert!(matrix.contains("authorizer = Accounts<u8>, authorizer = <u8 as Named>::Authorizer"));
}

/// DEV-08: what only code can demand stands in angle brackets, and ages are whole.
#[test]
fn what_the_attribute_does_not_take_is_marked() {
    let anybody = Requirement::authenticated;
    let within = |milliseconds| anybody().fresh_within(Duration::from_millis(milliseconds));
    let aged = |milliseconds| anybody().max_age(Duration::from_millis(milliseconds));
    let equals = |value: Value| Requirement::claim_equals("a", value);
    let none: [&str; 0] = [];
    for (requirement, text) in [
        (anybody() | Requirement::roles(["a"]), r#"any(<authenticated>, roles = "a")"#),
        (!anybody(), "not(<authenticated>)"),
        (anybody().all().all_roles(), "authenticated"),
        (!anybody().all(), "not(<authenticated>)"),
        (Requirement::roles(["a"]) & anybody().all(), r#"roles = "a", all_of(<authenticated>)"#),
        (Requirement::roles(["a"]).all(), r#"roles = "a""#),
        (Requirement::any_of([]), "any(<none>)"),
        (Requirement::roles(none), "roles = <none>"),
        (anybody().acr_values(none), "acr = <none>"),
        (Requirement::scopes(["a b", "c", "c"]), r#"scopes = [<"a b">, "c", <"c">]"#),
        (Requirement::roles(["a,b", " c"]), r#"roles = [<"a,b">, <" c">]"#),
        (equals(json!(1.5)), r#"claim("a" == <1.5>)"#),
        (equals(json!(3.0)), r#"claim("a" == <3.0>)"#),
        (equals(json!(u64::MAX)), r#"claim("a" == <18446744073709551615>)"#),
        (equals(json!(i64::MIN)), r#"claim("a" == <-9223372036854775808>)"#),
        (equals(Value::Null), r#"claim("a" == <null>)"#),
        (equals(json!([1, "x"])), r#"claim("a" == <[1,"x"]>)"#),
        (Requirement::claim_equals("", "x"), r#"claim(<""> == "x")"#),
        (Requirement::claim_equals_segment("a", "user-id"), r#"claim("a" == <path.user-id>)"#),
        (Requirement::claim_contains_segment("a", "type"), r#"claim("a" contains <path.type>)"#),
        (within(1500), "fresh = <1.5s>"),
        (within(0), "fresh = <0s>"),
        (within(2000), r#"fresh = "2s""#),
        (aged(90_500), "max_age = <90.5s>"),
        (aged(90_000), r#"max_age = "90s""#),
        (!aged(60_000), r#"not(all_of(max_age = "1m"))"#),
        (Requirement::roles(["a"]).refresh_token(), r#"roles = "a", <refresh>"#),
        (Requirement::roles(["a"]) | anybody().refresh_token(), r#"any(roles = "a", <refresh>)"#),
        (!anybody().refresh_token(), "not(<refresh>)"),
    ] {
        assert_eq!(requirement.to_string(), text);
    }
    for (requirement, data) in [
        (aged(1500), json!({"max_age": 1.5})),
        (within(250), json!({"fresh": 0.25})),
        (aged(2000), json!({"max_age": 2})),
    ] {
        assert_eq!(serde_json::to_value(requirement).unwrap(), data);
    }
    let matrix = serde_json::to_value(scope().access_matrix()).unwrap();
    let of = matrix.as_array().unwrap().iter().find(|route| route["handler"] == "authorizers");
    assert_eq!(of.unwrap()["requirement"]["terms"][0], json!({"authorizer": "Accounts<u8>"}));
}
