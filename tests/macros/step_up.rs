//! What a client is told of the login that it has to ask for.

use actix_web::{App, http::Method};
use jwt_verify::{AuthError, AuthScope, VerifiedClaims, require};
use jwt_verify_tests::{START, TestBed, TestServer};
use serde_json::{Value, json};

async fn wants_recent(_: &VerifiedClaims) -> Result<(), AuthError> {
    Err(AuthError::StepUp { max_age: Some(std::time::Duration::from_secs(60)), acr_values: None })
}

macro_rules! handlers {
    ($($name:ident: #[$attribute:meta];)+) => {
        $(#[$attribute] async fn $name() -> &'static str { "ran" })+

        fn scope() -> AuthScope {
            AuthScope::new("")$(.route(Method::GET, concat!("/", stringify!($name)), $name))+
        }
    };
}

handlers! {
    plain: #[require(acr = "gold", max_age = "5m")];
    group: #[require(max_age = "5m", all_of(acr = ["gold", "silver"], max_age = "1m"))];
    nested: #[require(acr = "gold", all_of(all_of(max_age = "5m"), fresh = "10m"))];
    both_lists: #[require(acr = ["bronze", "silver", "gold"], all_of(acr = ["gold", "silver", "x"]))];
    no_class_is_both: #[require(acr = "gold", all_of(acr = "silver"))];
    either_class: #[require(max_age = "5m", any(acr = "gold", acr = "silver"))];
    either_way: #[require(any(all_of(acr = "gold", max_age = "5m"), all_of(acr = "silver", max_age = "10m")))];
    the_other_is_stricter: #[require(any(all_of(acr = "gold", max_age = "10m"), all_of(acr = "silver", max_age = "5m")))];
    or_role: #[require(max_age = "5m", any(roles = "admin", acr = "gold"))];
    or_policy: #[require(max_age = "5m", any(policy = wants_recent, acr = "gold"))];
    opposite: #[require(max_age = "5m", not(acr = "bronze"))];
    from_policy: #[require(acr = "gold", policy = wants_recent)];
}

/// DEV-03: one challenge names all that the next login has to be, so that there is one.
#[test]
fn one_login_is_enough() {
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let api = TestServer::start(move || App::new().app_data(auth.clone()).service(scope()));
    let old = START - 3600;
    let cases: Vec<(&str, Value, Option<&str>, Option<&str>)> = vec![
        ("plain", json!({}), Some("gold"), Some("300")),
        ("plain", json!({"acr": "gold"}), Some("gold"), Some("300")),
        ("plain", json!({"auth_time": START}), Some("gold"), Some("300")),
        ("group", json!({}), Some("gold silver"), Some("60")),
        ("group", json!({"acr": "gold", "auth_time": old}), Some("gold silver"), Some("60")),
        ("group", json!({"auth_time": START - 120}), Some("gold silver"), Some("60")),
        ("nested", json!({"acr": "gold"}), Some("gold"), Some("300")),
        ("nested", json!({"auth_time": START}), Some("gold"), Some("300")),
        ("both_lists", json!({"acr": "x"}), Some("silver gold"), None),
        ("no_class_is_both", json!({"acr": "gold"}), None, None),
        ("either_class", json!({"auth_time": START}), Some("gold silver"), Some("300")),
        ("either_class", json!({"acr": "silver"}), Some("gold silver"), Some("300")),
        ("either_way", json!({"acr": "silver"}), Some("gold silver"), Some("300")),
        ("either_way", json!({"auth_time": START}), Some("gold silver"), Some("300")),
        ("the_other_is_stricter", json!({}), Some("gold"), Some("600")),
        ("or_role", json!({"acr": "gold"}), Some("gold"), Some("300")),
        ("or_role", json!({"roles": ["admin"]}), None, Some("300")),
        ("or_role", json!({"auth_time": START}), Some("gold"), Some("300")),
        ("or_policy", json!({}), None, Some("300")),
        ("opposite", json!({}), None, Some("300")),
        ("from_policy", json!({"acr": "gold"}), Some("gold"), Some("60")),
    ];
    for (name, claims, classes, max_age) in cases {
        let response = api.get(&format!("/{name}")).bearer(bed.token_with(&claims)).send();
        assert_eq!(response.status, 401, "{name} {claims}");
        let challenge = response.challenge().unwrap();
        assert!(challenge.contains("insufficient_user_authentication"), "{name}: {challenge}");
        let parameter = |name: &str| {
            let rest = challenge.split_once(&format!(" {name}=\""))?.1;
            rest.split_once('"').map(|(value, _)| value)
        };
        assert_eq!(parameter("acr_values"), classes, "{name} {claims}: {challenge}");
        assert_eq!(parameter("max_age"), max_age, "{name} {claims}: {challenge}");
        // The login that it asks for opens the route.
        let acr = classes.and_then(|classes| classes.split(' ').next_back());
        let mut next = claims.clone();
        next["auth_time"] = json!(START - max_age.map_or(0, |age| age.parse::<u64>().unwrap()));
        if let Some(acr) = acr {
            next["acr"] = json!(acr);
        }
        if !["no_class_is_both", "or_policy", "from_policy"].contains(&name) {
            let response = api.get(&format!("/{name}")).bearer(bed.token_with(&next)).send();
            assert_eq!(response.status, 200, "{name} {next}: {}", response.everything());
        }
    }
}
