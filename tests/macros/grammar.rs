//! Each line of the grammar: what it says of itself, and whom it lets pass.

use actix_web::{App, http::Method};
use jwt_verify::{AuthScope, authorization::AccessName, require};
use jwt_verify_tests::{START, TestBed, TestServer};
use serde_json::{Value, json};

#[derive(Clone, Copy)]
enum Role {
    Admin,
    Editor,
}

impl AccessName for Role {
    fn access_name(&self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Editor => "editor",
        }
    }
}

mod names {
    pub(super) const WRITE: &str = "write";
    pub(super) const READ: &str = "read";
}

use names::READ;

macro_rules! handlers {
    ($($name:ident: $(#[$attribute:meta])+;)+) => {
        $($(#[$attribute])+ async fn $name() -> &'static str { "ran" })+

        fn scope() -> AuthScope {
            AuthScope::new("")
                $(.route(Method::GET, concat!("/", stringify!($name), "/{org}/{n}"), $name))+
        }
    };
}

handlers! {
    nothing: #[require];
    one_role: #[require(roles = "admin")];
    any_role: #[require(roles = ["admin", "editor"])];
    all_roles: #[require(roles = ["admin", "editor"], all_roles)];
    role_path: #[require(roles = Role::Admin)];
    role_paths: #[require(roles = [Role::Admin, Role::Editor, "owner"])];
    one_permission: #[require(permissions = "read")];
    any_permission: #[require(permissions = ["read", "write"])];
    all_permissions: #[require(permissions = ["read", "write"], all)];
    permission_paths: #[require(permissions = [READ, names::WRITE], all)];
    one_scope: #[require(scopes = "read")];
    any_scope: #[require(scopes = ["read", "write"])];
    all_scopes: #[require(scopes = ["read", "write"], all)];
    all_of_both: #[require(permissions = ["p", "q"], scopes = ["s", "t"], all)];
    commas_are_and: #[require(roles = "admin", permissions = "read", scopes = "s")];
    any_of: #[require(any(roles = "admin", permissions = "read"))];
    any_twice: #[require(any(roles = "a", roles = "b"), any(roles = "c", roles = "d"))];
    group: #[require(any(roles = "admin", all_of(roles = "editor", permissions = ["read", "write"], all)))];
    not_role: #[require(not(roles = "banned"))];
    none_of: #[require(roles = "user", not(any(roles = "banned", claim("blocked" == true))))];
    claim_true: #[require(claim("email_verified" == true))];
    claim_text: #[require(claim("plan" == "gold"))];
    claim_number: #[require(claim("level" == 3))];
    claim_big: #[require(claim("big" == 9_007_199_254_740_993))];
    claim_negative: #[require(claim("level" == -3))];
    claim_nested: #[require(claim("app.plan" == "gold"))];
    claim_pointer: #[require(claim("/app/my.plan" == "gold"))];
    claim_path: #[require(claim("org_id" == path.org))];
    claim_number_path: #[require(claim("user_no" == path.n))];
    claim_contains: #[require(claim("orgs" contains path.org))];
    claim_contains_text: #[require(claim("groups" contains "staff"))];
    claim_subject: #[require(any(roles = "admin", claim("sub" == path.org)))];
    no_such_segment: #[require(not(claim("sub" == path.nowhere)))];
    acr: #[require(acr = "mfa")];
    acr_values: #[require(acr = ["mfa", "gold"], max_age = "5m")];
    max_age: #[require(max_age = "5m")];
    fresh: #[require(fresh)];
    fresh_within: #[require(fresh = "10m")];
    role_and_login: #[require(roles = "admin", max_age = "5m")];
    role_or_login: #[require(any(roles = "admin", max_age = "5m"))];
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn each_line_lets_pass_whom_it_says() {
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let api = TestServer::start(move || App::new().app_data(auth.clone()).service(scope()));
    let at = |seconds: u64| json!({"auth_time": START - seconds});
    let cases: Vec<(&str, Value, u16)> = vec![
        ("nothing", json!({}), 200),
        ("one_role", json!({"roles": ["admin"]}), 200),
        ("one_role", json!({"roles": ["editor", "Admin"]}), 403),
        ("any_role", json!({"roles": ["editor"]}), 200),
        ("any_role", json!({"roles": ["user"]}), 403),
        ("all_roles", json!({"roles": ["editor"]}), 403),
        ("all_roles", json!({"roles": ["editor", "admin"]}), 200),
        ("role_path", json!({"roles": ["admin"]}), 200),
        ("role_path", json!({"roles": ["Role::Admin", "editor"]}), 403),
        ("role_paths", json!({"roles": ["editor"]}), 200),
        ("role_paths", json!({"roles": ["owner"]}), 200),
        ("role_paths", json!({"roles": ["user"]}), 403),
        ("one_permission", json!({"permissions": ["read"]}), 200),
        ("one_permission", json!({"permissions": ["readwrite"]}), 403),
        ("one_permission", json!({"scope": "read"}), 403),
        ("any_permission", json!({"permissions": ["write"]}), 200),
        ("any_permission", json!({"permissions": ["wri", "te"]}), 403),
        ("all_permissions", json!({"permissions": ["write"]}), 403),
        ("all_permissions", json!({"permissions": ["write", "read"]}), 200),
        ("permission_paths", json!({"permissions": ["read"]}), 403),
        ("permission_paths", json!({"permissions": ["read", "write"]}), 200),
        ("one_scope", json!({"scope": "a read"}), 200),
        ("one_scope", json!({"scp": ["read"]}), 200),
        ("one_scope", json!({"permissions": ["read"]}), 403),
        ("any_scope", json!({"scope": "write"}), 200),
        ("any_scope", json!({"scope": "wr ite"}), 403),
        ("all_scopes", json!({"scope": "write"}), 403),
        ("all_scopes", json!({"scope": "write read"}), 200),
        ("all_of_both", json!({"permissions": ["p", "q"], "scope": "s t"}), 200),
        ("all_of_both", json!({"permissions": ["p", "q"], "scope": "s"}), 403),
        ("all_of_both", json!({"permissions": ["p"], "scope": "s t"}), 403),
        ("commas_are_and", json!({"roles": ["admin"], "permissions": ["read"], "scope": "s"}), 200),
        ("commas_are_and", json!({"roles": ["admin"], "permissions": ["read"]}), 403),
        ("commas_are_and", json!({"roles": ["admin"], "scope": "s"}), 403),
        ("commas_are_and", json!({"permissions": ["read"], "scope": "s"}), 403),
        ("any_of", json!({"roles": ["admin"]}), 200),
        ("any_of", json!({"permissions": ["read"]}), 200),
        ("any_of", json!({"roles": ["read"], "permissions": ["admin"]}), 403),
        ("any_twice", json!({"roles": ["a", "d"]}), 200),
        ("any_twice", json!({"roles": ["a", "b"]}), 403),
        ("group", json!({"roles": ["admin"]}), 200),
        ("group", json!({"roles": ["editor"], "permissions": ["read", "write"]}), 200),
        ("group", json!({"roles": ["editor"], "permissions": ["read"]}), 403),
        ("not_role", json!({}), 200),
        ("not_role", json!({"roles": ["banned"]}), 403),
        ("none_of", json!({"roles": ["user"]}), 200),
        ("none_of", json!({"roles": ["user", "banned"]}), 403),
        ("none_of", json!({"roles": ["user"], "blocked": true}), 403),
        ("none_of", json!({}), 403),
        ("claim_true", json!({"email_verified": true}), 200),
        ("claim_true", json!({"email_verified": "true"}), 403),
        ("claim_true", json!({}), 403),
        ("claim_text", json!({"plan": "gold"}), 200),
        ("claim_text", json!({"plan": "golden"}), 403),
        ("claim_number", json!({"level": 3}), 200),
        ("claim_number", json!({"level": "3"}), 403),
        // DEV-06: a number is met by itself alone, and nothing is rounded.
        ("claim_big", json!({"big": 9_007_199_254_740_993_u64}), 200),
        ("claim_big", json!({"big": 9_007_199_254_740_992.0}), 403),
        ("claim_big", json!({"big": 9_007_199_254_740_992_u64}), 403),
        ("claim_big", json!({"big": 9_007_199_254_740_994.0}), 403),
        ("claim_number", json!({"level": 3.0}), 200),
        ("claim_number", json!({"level": 3.5}), 403),
        ("claim_negative", json!({"level": -3}), 200),
        ("claim_negative", json!({"level": 3}), 403),
        ("claim_nested", json!({"app": {"plan": "gold"}}), 200),
        ("claim_nested", json!({"app": "gold"}), 403),
        ("claim_pointer", json!({"app": {"my.plan": "gold"}}), 200),
        ("claim_pointer", json!({"app": {"my": {"plan": "gold"}}}), 403),
        ("claim_path", json!({"org_id": "acme"}), 200),
        ("claim_path", json!({"org_id": "acm"}), 403),
        ("claim_path", json!({}), 403),
        ("claim_number_path", json!({"user_no": 7}), 200),
        ("claim_number_path", json!({"user_no": "7"}), 200),
        ("claim_number_path", json!({"user_no": 8}), 403),
        ("claim_contains", json!({"orgs": ["x", "acme"]}), 200),
        ("claim_contains", json!({"orgs": ["x"]}), 403),
        ("claim_contains_text", json!({"groups": ["staff"]}), 200),
        ("claim_contains_text", json!({"groups": ["staffer"]}), 403),
        ("claim_subject", json!({"sub": "acme"}), 200),
        ("claim_subject", json!({"sub": "alice", "roles": ["admin"]}), 200),
        ("claim_subject", json!({"sub": "alice"}), 403),
        ("no_such_segment", json!({}), 500),
        ("acr", json!({"acr": "mfa"}), 200),
        ("acr", json!({"acr": "pwd"}), 401),
        ("acr_values", json!({"acr": "gold", "auth_time": START - 300}), 200),
        ("acr_values", json!({"acr": "gold", "auth_time": START - 301}), 401),
        ("max_age", at(300), 200),
        ("max_age", at(301), 401),
        ("max_age", json!({}), 401),
        ("fresh", json!({"fresh": true}), 200),
        ("fresh", at(0), 401),
        ("fresh_within", at(600), 200),
        ("fresh_within", at(601), 401),
        ("role_and_login", json!({"roles": ["admin"], "auth_time": START}), 200),
        ("role_and_login", at(0), 403),
        ("role_and_login", json!({"roles": ["admin"]}), 401),
        ("role_or_login", json!({"roles": ["admin"]}), 200),
        ("role_or_login", at(301), 401),
    ];
    let matrix = scope().access_matrix();
    for route in matrix.routes() {
        let name = route.handler();
        let of_it = || cases.iter().filter(|(handler, ..)| *handler == name);
        assert!(of_it().any(|(_, _, status)| *status < 300) || name == "no_such_segment", "{name}");
        assert!(of_it().any(|(_, _, status)| *status >= 400) || name == "nothing", "{name}");
    }
    for (handler, claims, status) in cases {
        let request = api.get(&format!("/{handler}/acme/7"));
        assert_eq!(request.clone().send().status, 401, "{handler}");
        let response = request.bearer(bed.token_with(&claims)).send();
        assert_eq!(response.status, status, "{handler} {claims}: {}", response.everything());
    }
}

#[test]
fn a_requirement_is_shown_as_it_is_written() {
    let matrix = scope().access_matrix();
    let shown = |name: &str| {
        let route = matrix.routes().iter().find(|route| route.handler() == name).unwrap();
        route.requirement().unwrap().to_string()
    };
    for (handler, text) in [
        ("nothing", "authenticated"),
        ("all_roles", r#"roles = ["admin", "editor"], all_roles"#),
        ("role_paths", r#"roles = ["admin", "editor", "owner"]"#),
        ("permission_paths", r#"permissions = ["read", "write"], all"#),
        ("any_twice", r#"any(roles = "a", roles = "b"), any(roles = "c", roles = "d")"#),
        (
            "group",
            r#"any(roles = "admin", all_of(roles = "editor", permissions = ["read", "write"], all))"#,
        ),
        ("none_of", r#"roles = "user", not(any(roles = "banned", claim("blocked" == true)))"#),
        ("claim_negative", r#"claim("level" == -3)"#),
        ("claim_contains", r#"claim("orgs" contains path.org)"#),
        ("acr_values", r#"acr = ["mfa", "gold"], max_age = "5m""#),
        ("fresh_within", r#"fresh = "10m""#),
    ] {
        assert_eq!(shown(handler), text);
    }
}

#[test]
fn a_refusal_tells_what_can_be_asked_for_and_nothing_else() {
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let telling = bed.auth().reveal_roles().build().unwrap();
    let api = TestServer::start(move || App::new().app_data(auth.clone()).service(scope()));
    let open = TestServer::start(move || App::new().app_data(telling.clone()).service(scope()));
    let token = bed.token_with(&json!({}));
    let refused = |handler: &str| api.get(&format!("/{handler}/acme/7")).bearer(&token).send();
    for (handler, challenge) in [
        ("any_role", r#"Bearer error="insufficient_scope""#),
        ("claim_text", r#"Bearer error="insufficient_scope""#),
        ("none_of", r#"Bearer error="insufficient_scope""#),
        ("all_permissions", r#"scope="read write""#),
        ("all_scopes", r#"scope="read write""#),
        ("any_of", r#"scope="read""#),
        ("acr", r#"error="insufficient_user_authentication""#),
        ("acr_values", r#"acr_values="mfa gold", max_age="300""#),
        ("max_age", r#"max_age="300""#),
    ] {
        let response = refused(handler);
        assert!(response.challenge().unwrap().contains(challenge), "{}", response.everything());
        for secret in ["admin", "editor", "gold\"}", "banned", "acme", "plan"] {
            let names_it = response.text().contains(secret);
            assert!(!names_it, "{handler} names {secret}: {}", response.everything());
        }
        assert!(!response.challenge().unwrap().contains("admin"));
    }
    assert_eq!(refused("one_scope").json()["code"], "insufficient_scope");
    assert_eq!(refused("any_role").json().get("required_roles"), None);
    let telling = open.get("/any_role/acme/7").bearer(&token).send();
    assert_eq!(telling.json()["required_roles"], json!(["admin", "editor"]));
    assert!(!telling.challenge().unwrap().contains("admin"));
    let telling = open.get("/one_permission/acme/7").bearer(&token).send();
    assert_eq!(telling.json().get("required_roles"), None);
}

/// What is compared has to be what the handler gets.
#[test]
fn a_segment_is_compared_as_the_handler_gets_it() {
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let api = TestServer::start(move || App::new().app_data(auth.clone()).service(scope()));
    for (segment, claim, status) in [
        ("a%2Fb", "a/b", 200),
        ("a%2Fb", "a%2Fb", 403),
        ("a%20b", "a b", 200),
        ("a%20b", "a%20b", 403),
        ("%61cme", "acme", 200),
        ("a%252Fb", "a%2Fb", 200),
        ("a%252Fb", "a/b", 403),
        ("%C3%BC", "ü", 200),
    ] {
        let token = bed.token_with(&json!({"org_id": claim}));
        let response = api.get(&format!("/claim_path/{segment}/7")).bearer(token).send();
        assert_eq!(response.status, status, "{segment} {claim}");
    }
}
