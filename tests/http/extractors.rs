//! Claims as arguments.

use actix_web::{get, web};
use jwt_verify::{OptionalClaims, VerifiedClaims};
use serde::Deserialize;
use serde_json::json;

use super::*;

#[derive(Debug, Deserialize)]
struct Employee {
    sub: String,
    exp: u64,
    department: Department,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Department {
    Sales,
    Support,
}

#[get("/employee")]
async fn employee(caller: VerifiedClaims<Employee>) -> String {
    format!("{} {:?} {}", caller.sub, caller.department, caller.exp)
}

#[get("/maybe")]
async fn maybe(OptionalClaims(caller): OptionalClaims<Employee>) -> String {
    caller.map_or("guest".into(), |caller| caller.sub.clone())
}

#[get("/roles")]
async fn roles(claims: VerifiedClaims<Employee>) -> web::Json<serde_json::Value> {
    let held: Vec<_> = claims.roles().collect();
    let permissions: Vec<_> = claims.permissions().collect();
    web::Json(json!({
        "roles": held,
        "permissions": permissions,
        "admin": claims.has_role("admin"),
        "iss": claims.standard().issuer(),
    }))
}

fn api(bed: &TestBed) -> TestServer {
    let auth = bed.auth().build().unwrap();
    TestServer::start(move || App::new().wrap(auth.optional()).service((employee, maybe, roles)))
}

#[test]
fn claims_come_as_the_applications_own_type() {
    let bed = TestBed::new();
    let api = api(&bed);
    let token = bed.token().claim("department", "sales").sign(&bed.key);
    let expected = format!("alice Sales {}", jwt_verify_tests::START + 600);
    assert_eq!(api.get("/employee").bearer(&token).send().text(), expected);
    assert_eq!(api.get("/maybe").bearer(&token).send().text(), "alice");
    assert_eq!(api.get("/maybe").send().text(), "guest");
}

#[test]
fn claims_of_another_shape_are_an_invalid_token() {
    let bed = TestBed::new();
    let api = api(&bed);
    for token in [
        bed.token(),
        bed.token().claim("department", "kitchen"),
        bed.token().claim("department", "support").without("sub"),
    ] {
        for path in ["/employee", "/maybe"] {
            let response = api.get(path).bearer(token.sign(&bed.key)).send();
            assert_eq!((response.status, response.challenge()), (401, Some(INVALID)));
            assert!(!response.everything().contains("kitchen"));
        }
    }
}

#[test]
fn roles_and_permissions_are_there_whatever_the_type() {
    let bed = TestBed::new();
    let api = api(&bed);
    let token =
        bed.token().claim("department", "support").roles(&["admin"]).permissions(&["r", "w"]);
    assert_eq!(
        api.get("/roles").bearer(token.sign(&bed.key)).send().json(),
        json!({"roles": ["admin"], "permissions": ["r", "w"], "admin": true, "iss": bed.issuer.url()})
    );
}

/// WEA-15: `serde_json` makes something else of members that it has names for, where the issuer lets
/// users write them. A type of the application's is not made of them; the library's own claims are
/// read as they stand.
#[test]
fn a_type_is_not_made_of_what_was_not_signed() {
    #[get("/meta")]
    async fn meta(claims: VerifiedClaims<serde_json::Value>) -> String {
        claims["meta"].to_string()
    }
    #[get("/own")]
    async fn own(claims: VerifiedClaims) -> String {
        format!("{} {:?}", claims.get("meta").is_some(), claims.get_as::<bool>("meta"))
    }
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let api = TestServer::start(move || App::new().wrap(auth.clone()).service((meta, own)));
    for (member, status, text) in [
        (json!({"$serde_json::private::RawValue": "true"}), 401, "true None"),
        (json!({"a": [{"$serde_json::private::Number": "1"}]}), 401, "true None"),
        (json!(true), 200, "true Some(true)"),
    ] {
        let token = bed.token().claim("meta", member.clone()).sign(&bed.key);
        assert_eq!(api.get("/meta").bearer(&token).send().status, status, "{member}");
        assert_eq!(api.get("/own").bearer(&token).send().text(), text, "{member}");
    }
}
