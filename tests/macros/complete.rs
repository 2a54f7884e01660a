//! One challenge for everything that a caller lacks.

use actix_web::{App, HttpRequest, HttpResponse, ResponseError as _, http::Method, web};
use jwt_verify::{
    AuthError, AuthScope, Requirement, TrustedIssuer, authorization::TracingAudit, require,
};
use jwt_verify_tests::{TestBed, TestServer};
use serde_json::{Value, json};

macro_rules! handlers {
    ($($name:ident: #[$attribute:meta];)+) => {
        $(#[$attribute] async fn $name() -> &'static str { "ran" })+

        fn scope() -> AuthScope {
            AuthScope::new("")$(.route(Method::GET, concat!("/", stringify!($name)), $name))+
        }
    };
}

handlers! {
    two_kinds: #[require(permissions = ["p", "q"], scopes = ["s", "t"], all)];
    groups: #[require(scopes = "a", all_of(scopes = "b", all_of(scopes = ["c", "d"], all)))];
    with_role: #[require(roles = "admin", scopes = "s", all_of(permissions = "p"))];
    with_claim: #[require(claim("plan" == "gold"), all_of(scopes = "s"))];
    role_beside_claim: #[require(claim("plan" == "gold"), all_of(roles = "admin"))];
    choice_is_made: #[require(scopes = ["a", "b"], all_of(scopes = ["b", "c"], all))];
    choice: #[require(scopes = ["a", "b"], all_of(scopes = "c"))];
    fewest: #[require(any(scopes = ["a", "b"], all_of(scopes = ["a", "c"], all), scopes = "d"))];
    fewest_of_all: #[require(any(
        all_of(scopes = ["a", "b", "c"], all),
        all_of(scopes = ["d", "e"], all),
        all_of(scopes = ["f", "g"], all),
    ))];
    names_before_conditions: #[require(any(
        all_of(scopes = "a", claim("plan" == "gold")),
        all_of(scopes = ["b", "c"], all),
    ))];
    names_before_roles: #[require(any(roles = "admin", all_of(scopes = ["b", "c"], all)))];
    login_before_names: #[require(any(scopes = "a", max_age = "5m"))];
    names_before_login: #[require(scopes = "a", max_age = "5m", all_of(permissions = "p"))];
    nested: #[require(any(all_of(scopes = "a", any(scopes = "b", scopes = "c")), all_of(scopes = ["x", "y", "z"], all)))];
}

fn parameter<'c>(challenge: &'c str, name: &str) -> Option<&'c str> {
    challenge.split_once(&format!(" {name}=\""))?.1.split_once('"').map(|(value, _)| value)
}

#[test]
fn a_challenge_names_all_that_the_branch_lacks() {
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let api = TestServer::start(move || App::new().app_data(auth.clone()).service(scope()));
    let scopes = |names: &str| json!({ "scope": names });
    let cases: Vec<(&str, Value, &str)> = vec![
        ("two_kinds", json!({}), "p q s t"),
        ("two_kinds", json!({"permissions": ["p", "q"]}), "s t"),
        ("two_kinds", json!({"permissions": ["p"], "scope": "s t"}), "p q"),
        ("groups", json!({}), "a b c d"),
        ("groups", scopes("a"), "b c d"),
        ("groups", scopes("b c d"), "a"),
        ("with_role", json!({}), "s p"),
        ("with_role", json!({"roles": ["admin"]}), "s p"),
        ("with_role", json!({"permissions": ["p"]}), "s"),
        ("with_claim", json!({}), "s"),
        ("choice_is_made", json!({}), "b c"),
        ("choice", json!({}), "a b c"),
        ("fewest", json!({}), "a b"),
        ("fewest", scopes("c"), "a b"),
        ("fewest_of_all", json!({}), "d e"),
        ("fewest_of_all", scopes("g"), "f g"),
        ("fewest_of_all", scopes("a b"), "a b c"),
        ("names_before_conditions", json!({}), "b c"),
        ("names_before_conditions", json!({"plan": "gold"}), "a"),
        ("names_before_roles", json!({}), "b c"),
        ("names_before_login", json!({}), "a p"),
        ("nested", json!({}), "a b"),
        ("nested", scopes("y z"), "x y z"),
    ];
    for (name, claims, scope) in cases {
        let response = api.get(&format!("/{name}")).bearer(bed.token_with(&claims)).send();
        assert_eq!(response.status, 403, "{name} {claims}");
        assert_eq!(response.headers("www-authenticate").len(), 1);
        let challenge = response.challenge().unwrap();
        assert_eq!(parameter(challenge, "error"), Some("insufficient_scope"));
        assert_eq!(parameter(challenge, "scope"), Some(scope), "{name} {claims}");
    }
    // What cannot be requested is not named, and a login alone is asked for by itself.
    for (name, claims, status) in [
        ("with_role", json!({"permissions": ["p"], "scope": "s"}), 403),
        ("with_claim", scopes("s"), 403),
        ("role_beside_claim", json!({}), 403),
        ("login_before_names", json!({}), 401),
        ("names_before_login", json!({"scope": "a", "permissions": ["p"]}), 401),
    ] {
        let response = api.get(&format!("/{name}")).bearer(bed.token_with(&claims)).send();
        assert_eq!(response.status, status, "{name} {claims}");
        assert_eq!(parameter(response.challenge().unwrap(), "scope"), None, "{name} {claims}");
    }
}

#[test]
fn hooks_and_bodies_get_every_name() {
    let bed = TestBed::new();
    let named = |error: &AuthError, _: &HttpRequest| -> HttpResponse {
        let AuthError::Forbidden(missing) = error else { return error.error_response() };
        let (scope, roles) = (missing.scope(), missing.roles());
        HttpResponse::Forbidden().json(json!([error.reason(), scope.map(|scope| &**scope), roles]))
    };
    let (hook, open) = (bed.auth().error_response(named), bed.auth().reveal_roles());
    let [hook, open] = [hook, open].map(|auth| {
        let auth = auth.audit_log(TracingAudit::new()).build().unwrap();
        TestServer::start(move || App::new().app_data(auth.clone()).service(scope()))
    });
    let get = |api: &TestServer, path: &str, claims: Value| {
        api.get(path).bearer(bed.token_with(&claims)).send().json()
    };
    for (path, claims, said) in [
        ("/with_role", json!({}), json!(["missing_role", "s p", ["admin"]])),
        ("/with_role", json!({"scope": "s"}), json!(["missing_role", "p", ["admin"]])),
        ("/with_role", json!({"roles": ["admin"]}), json!(["missing_scope", "s p", null])),
        ("/with_claim", json!({}), json!(["condition_not_met", "s", null])),
        ("/role_beside_claim", json!({}), json!(["condition_not_met", null, null])),
        ("/two_kinds", json!({}), json!(["missing_permission", "p q s t", null])),
    ] {
        assert_eq!(get(&hook, path, claims), said, "{path}");
    }
    assert_eq!(get(&open, "/with_role", json!({}))["required_roles"], json!(["admin"]));
    assert_eq!(get(&open, "/two_kinds", json!({})).get("required_roles"), None);
}

#[require(scopes = "handler", permissions = "p")]
async fn inside() -> &'static str {
    "ran"
}

#[require(max_age = "1m")]
async fn recent() -> &'static str {
    "ran"
}

#[require]
async fn empty() -> &'static str {
    "ran"
}

/// A client asks once for what the middleware, the scopes and the handler demand.
#[test]
fn a_scope_names_what_its_routes_demand_too() {
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let demanded = |name: &'static str| Requirement::scopes([name]);
    let api = TestServer::start(move || {
        let nested = AuthScope::new("/nested")
            .require(demanded("nested"))
            .route(Method::GET, "/{id}", inside)
            .route(Method::POST, "/{id}", empty);
        let outer = AuthScope::new("/outer")
            .route(Method::GET, "/inside", inside)
            .route(Method::GET, "/recent", recent)
            .route(Method::GET, "/empty", empty)
            .scope(nested)
            .require(demanded("scope"))
            .wrap(auth.require(demanded("middleware")));
        App::new().service(web::scope("/api").app_data(auth.clone()).service(outer))
    });
    for (method, path, held, scope) in [
        ("GET", "/api/outer/inside", "", "middleware scope p handler"),
        ("GET", "/api/outer/inside", "middleware", "scope p handler"),
        ("GET", "/api/outer/inside", "middleware handler", "scope p"),
        ("GET", "/api/outer/inside", "middleware scope", "p handler"),
        ("GET", "/api/outer/empty", "", "middleware scope"),
        ("GET", "/api/outer/recent", "", "middleware scope"),
        ("GET", "/api/outer/nested/7", "", "middleware scope nested p handler"),
        ("POST", "/api/outer/nested/7", "", "middleware scope nested"),
        ("GET", "/api/outer/nested/7", "middleware scope", "nested p handler"),
        // Without a route there is nothing to add.
        ("GET", "/api/outer/nowhere", "", "middleware"),
        ("PUT", "/api/outer/inside", "", "middleware"),
        ("GET", "/api/outer/nowhere", "middleware", "scope"),
    ] {
        let token = bed.token_with(&json!({ "scope": held }));
        let response = api.request(method, path).bearer(token).send();
        assert_eq!(response.status, 403, "{method} {path} {held}");
        let challenge = response.challenge().unwrap();
        let mut named: Vec<_> = parameter(challenge, "scope").unwrap().split(' ').collect();
        let mut expected: Vec<_> = scope.split(' ').collect();
        named.sort_unstable();
        expected.sort_unstable();
        assert_eq!(named, expected, "{method} {path} {held}");
    }
}

/// Without a token the route's scopes come first, and then those of all routes.
#[test]
fn the_first_challenge_names_the_scopes_of_a_known_route() {
    let bed = TestBed::new();
    let general = bed.auth().challenge_scopes(["general"]).build().unwrap();
    let silent = bed.auth().build().unwrap();
    let challenge = |api: &TestServer, path: &str| {
        let response = api.get(path).send();
        assert_eq!(response.status, 401, "{path}");
        let challenge = response.challenge().unwrap().to_owned();
        parameter(&challenge, "scope").map(str::to_owned)
    };
    for (auth, general) in [(general, Some("general")), (silent, None)] {
        let data = auth.clone();
        let by_handler =
            TestServer::start(move || App::new().app_data(data.clone()).service(scope()));
        let around = auth.clone();
        let by_scope = TestServer::start(move || App::new().service(scope().wrap(around.clone())));
        for api in [&by_handler, &by_scope] {
            for (path, scopes) in [
                ("/groups", Some("a b c d")),
                ("/with_role", Some("s")),
                ("/two_kinds", Some("s t")),
                ("/fewest_of_all", Some("d e")),
                // A token without scopes may do.
                ("/login_before_names", general),
                ("/role_beside_claim", general),
            ] {
                assert_eq!(challenge(api, path).as_deref(), scopes, "{path}");
            }
        }
        assert_eq!(challenge(&by_scope, "/nowhere").as_deref(), general);
        // A middleware of Actix' own scope does not know what is behind it.
        let blind = TestServer::start(move || {
            let required = auth.require(Requirement::scopes(["outer"]));
            let route = || web::get().to(inside);
            App::new()
                .service(web::scope("/plain").wrap(auth.clone()).route("/x", route()))
                .service(web::scope("/required").wrap(required).route("/x", route()))
        });
        assert_eq!(challenge(&blind, "/plain/x").as_deref(), general);
        assert_eq!(challenge(&blind, "/required/x").as_deref(), Some("outer"));
    }
    // An invalid token is replaced by one with the scopes that the client knows.
    let auth = bed.auth_with(|issuer: TrustedIssuer| issuer).challenge_scopes(["general"]);
    let auth = auth.build().unwrap();
    let api = TestServer::start(move || App::new().app_data(auth.clone()).service(scope()));
    let invalid = api.get("/groups").bearer("a.b.c").send();
    assert_eq!(parameter(invalid.challenge().unwrap(), "scope"), None);
}

#[require(roles = "admin")]
async fn reported() -> &'static str {
    "ran"
}

/// A scope that lacks a recent login alone asks for it, whatever its routes demand: they may only be
/// reported, so that names would be asked for in vain.
#[test]
fn a_login_that_a_scope_lacks_is_not_hidden_by_names_of_its_routes() {
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let recent = Requirement::authenticated().max_age(std::time::Duration::from_secs(300));
    let api = TestServer::start(move || {
        let scope = AuthScope::new("/x").route(Method::GET, "/reported", reported);
        let scope = scope.wrap(auth.report_only()).wrap(auth.require(recent.clone()));
        App::new().service(scope)
    });
    let ask = |ago: u64| {
        let token = bed.token().claim("auth_time", jwt_verify_tests::START - ago);
        api.get("/x/reported").bearer(token.sign(&bed.key)).send()
    };
    assert_eq!(ask(10).status, 200);
    let stale = ask(1000);
    assert_eq!(stale.status, 401, "{}", stale.everything());
    let challenge = stale.header("www-authenticate").unwrap();
    assert!(challenge.contains("insufficient_user_authentication"), "{challenge}");
    assert_eq!(parameter(challenge, "max_age"), Some("300"));
}
