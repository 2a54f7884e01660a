//! The routes of `resource-server`, as its documentation promises them.

use jwt_verify_tests::Response;
use serde_json::json;

use super::*;

fn challenge_of_forbidden(scope: &str) -> String {
    let text = "the access token does not grant what is required";
    let base = format!(r#"Bearer error="insufficient_scope", error_description="{text}""#);
    if scope.is_empty() { base } else { format!(r#"{base}, scope="{scope}""#) }
}

fn assert_refused(response: &Response, status: u16, challenge: Option<&str>, body: &str) {
    assert_eq!(response.status, status);
    assert_eq!(response.challenge(), challenge);
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.text(), body);
    assert!(response.headers("set-cookie").is_empty());
}

#[test]
fn open_routes_need_nothing_and_mind_nothing() {
    let bed = TestBed::new();
    let api = api_of(&bed);
    for request in [api.get("/public"), api.get("/public").bearer("garbage")] {
        let response = request.send();
        assert_eq!((response.status, response.json()), (200, json!({"message": "public"})));
    }
    assert_eq!(api.get("/health/live").send().status, 200);
    assert_eq!(bed.issuer.all_fetches(), 0);
}

#[test]
fn what_is_not_open_needs_a_token_whatever_the_path_and_the_method() {
    let bed = TestBed::new();
    let api = api_of(&bed);
    for (method, path) in [
        ("GET", "/nowhere"),
        ("GET", "//admin"),
        ("GET", "/public/../admin"),
        ("OPTIONS", "/admin"),
        ("DELETE", "/posts"),
        ("HEAD", "/admin"),
        ("POST", "/public"),
    ] {
        assert_eq!(api.request(method, path).send().status, 401, "{method} {path}");
    }
    let head = api.request("HEAD", "/protected").bearer(bed.good()).send();
    assert_eq!((head.status, head.text()), (200, ""));
    assert_eq!(api.request("HEAD", "/public").send().status, 200);
    assert_eq!(api.get("/nowhere").bearer(bed.good()).send().status, 404);
}

#[test]
fn authentication_gives_the_subject_and_all_claims() {
    let bed = TestBed::new();
    let api = api_of(&bed);
    let token = bed.token().claim("https://myapp.com/x", json!({"a": [1]}));
    let signed = token.sign(&bed.key);
    let response = api.get("/protected").bearer(&signed).send();
    assert_eq!((response.status, response.json()), (200, json!({"sub": "alice"})));
    let response = api.get("/claims").bearer(&signed).send();
    assert_eq!(
        response.json(),
        serde_json::from_str::<serde_json::Value>(&token.payload()).unwrap()
    );
    let nobody = bed.token().without("sub").sign(&bed.key);
    assert_eq!(api.get("/protected").bearer(nobody).send().json(), json!({"sub": null}));
}

#[test]
fn roles_are_alternatives() {
    let bed = TestBed::new();
    let api = api_of(&bed);
    let get = |path: &str, roles: &[&str]| {
        api.get(path).bearer(bed.token().roles(roles).sign(&bed.key)).send()
    };
    assert_eq!(get("/admin", &["admin"]).status, 200);
    assert_eq!(get("/moderation", &["admin"]).status, 200);
    assert_eq!(get("/moderation", &["x", "moderator"]).status, 200);
    for (path, roles) in
        [("/admin", &["moderator"][..]), ("/admin", &["Admin"]), ("/moderation", &[])]
    {
        assert_refused(
            &get(path, roles),
            403,
            Some(&challenge_of_forbidden("")),
            r#"{"error":"insufficient_scope","error_description":"the access token does not grant what is required","code":"insufficient_scope"}"#,
        );
    }
    let single = bed.token().claim("role", "admin").sign(&bed.key);
    assert_eq!(api.get("/admin").bearer(single).send().status, 200);
}

#[test]
fn permissions_are_alternatives_unless_all_are_demanded() {
    let bed = TestBed::new();
    let api = api_of(&bed);
    let send = |method: &str, path: &str, roles: &[&str], permissions: &[&str], body: &str| {
        let token = bed.token().roles(roles).permissions(permissions).sign(&bed.key);
        api.request(method, path).bearer(token).json(body).send()
    };
    let title = r#"{"title":"t"}"#;
    assert_eq!(send("GET", "/posts", &[], &["read:posts"], "").status, 200);
    let created = send("POST", "/posts", &[], &["write:posts"], title);
    assert_eq!((created.status, created.json()["title"].clone()), (201, json!("t")));
    assert!(created.json()["id"].is_u64());
    assert_eq!(
        send("PUT", "/posts/7", &["editor"], &["read:posts", "write:posts"], title).status,
        200
    );
    assert_eq!(send("PUT", "/settings", &[], &["write:settings", "read:settings"], "").status, 200);
    assert_eq!(send("GET", "/reports", &[], &["read:analytics"], "").status, 200);
    for (method, path, roles, permissions, scope) in [
        ("GET", "/posts", &[][..], &["write:posts"][..], "read:posts"),
        ("POST", "/posts", &["admin"], &["read:posts"], "write:posts"),
        ("PUT", "/posts/7", &["editor"], &["write:posts"], "read:posts write:posts"),
        ("PUT", "/posts/7", &["viewer"], &["read:posts", "write:posts"], ""),
        ("PUT", "/settings", &[], &["read:settings"], "read:settings write:settings"),
        ("GET", "/reports", &[], &["read"], "read:reports read:analytics"),
    ] {
        let response = send(method, path, roles, permissions, title);
        assert_eq!(response.status, 403, "{method} {path}");
        assert_eq!(response.challenge(), Some(&*challenge_of_forbidden(scope)));
    }
}

#[test]
fn a_refusal_comes_before_the_body_is_looked_at() {
    let bed = TestBed::new();
    let api = api_of(&bed);
    for (token, status) in [(None, 401), (Some(bed.good()), 403)] {
        for body in ["{not json", "", r#"{"title":5}"#] {
            let mut request = api.request("POST", "/posts").json(body);
            if let Some(token) = &token {
                request = request.bearer(token);
            }
            assert_eq!(request.send().status, status, "{body}");
        }
    }
    let allowed = bed.token().permissions(&["write:posts"]).sign(&bed.key);
    let response = api.request("POST", "/posts").bearer(allowed).json("{not json").send();
    assert_eq!(response.status, 400);
}

#[test]
fn optional_routes_tell_absence_from_failure() {
    let bed = TestBed::new();
    let api = api_of(&bed);
    let guest = api.get("/content").send();
    assert_eq!((guest.status, guest.json()), (200, json!({"message": "welcome, guest"})));
    let known = api.get("/content").bearer(bed.good()).send();
    assert_eq!(known.json(), json!({"message": "welcome back", "sub": "alice"}));
    let expired = bed.token().claim("exp", 1).without("iat").sign(&bed.key);
    for (token, status) in [(expired, 401), ("garbage".into(), 401), (String::new(), 400)] {
        assert_eq!(api.get("/content").bearer(token).send().status, status);
    }
}

#[test]
fn each_refusal_has_one_constant_answer() {
    let bed = TestBed::new();
    let api = api_of(&bed);
    assert_refused(
        &api.get("/protected").send(),
        401,
        Some("Bearer"),
        r#"{"error":"missing_token","error_description":"authentication is required","code":"missing_token"}"#,
    );
    assert_refused(
        &api.get("/protected").header("authorization", "Bearer").send(),
        400,
        Some(
            r#"Bearer error="invalid_request", error_description="the request carries malformed or more than one credential""#,
        ),
        r#"{"error":"invalid_request","error_description":"the request carries malformed or more than one credential","code":"invalid_request"}"#,
    );
    assert_refused(
        &api.get("/protected").bearer("a.b.c").send(),
        401,
        Some(INVALID),
        r#"{"error":"invalid_token","error_description":"the access token is not valid","code":"invalid_token"}"#,
    );
    // Whether a token has expired is said only of one whose signature is right.
    assert_eq!(api.get("/protected").bearer(bed.good()).send().status, 200);
    bed.clock.advance(std::time::Duration::from_secs(600 + 60));
    assert_refused(
        &api.get("/protected").bearer(bed.good()).send(),
        401,
        Some(r#"Bearer error="invalid_token", error_description="the access token has expired""#),
        r#"{"error":"invalid_token","error_description":"the access token has expired","code":"token_expired"}"#,
    );
}

#[test]
fn without_keys_the_caller_is_asked_to_come_back() {
    let bed = TestBed::new();
    bed.issuer.answer_discovery(jwt_verify_tests::Answer::status(500));
    let api = api_of(&bed);
    let response = api.get("/protected").bearer(bed.good()).send();
    assert_refused(
        &response,
        503,
        None,
        r#"{"error":"temporarily_unavailable","error_description":"authentication is temporarily unavailable","code":"temporarily_unavailable"}"#,
    );
    assert!(response.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    let ready = api.get("/health/ready").send();
    assert_eq!(
        (ready.status, ready.json()["reason"].clone()),
        (503, json!("no usable key: status"))
    );
}

#[test]
fn readiness_follows_the_keys() {
    let bed = TestBed::new();
    let api = api_of(&bed);
    assert_eq!(api.get("/health/ready").send().status, 503);
    assert_eq!(api.get("/protected").bearer(bed.good()).send().status, 200);
    assert_eq!(api.get("/health/ready").send().status, 200);
}
