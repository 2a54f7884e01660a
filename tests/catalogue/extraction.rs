//! Where the credential is, and how many there are.

use jwt_verify::Algorithm;
use jwt_verify_tests::Request;

use super::*;

#[test]
fn the_authorization_field() {
    let bench = AttackBench::new(Algorithm::RS256);
    let good = bench.good();
    let with = |id, value: String, expected| {
        let request = bench.api.get("/protected").header("authorization", &value);
        Row { id, what: format!("{value:.24}"), request, secret: String::new(), expected }
    };
    let mut rows = vec![Row {
        id: "EXT-01",
        what: "nothing".into(),
        request: bench.api.get("/protected"),
        secret: String::new(),
        expected: Expected::Missing,
    }];
    for scheme in ["bearer", "BEARER", "bEaReR"] {
        rows.push(with("EXT-02", format!("{scheme} {good}"), Expected::Accepted));
    }
    for value in ["Bearer", "Bearer ", "Bearer    ", "bearer"] {
        rows.push(with("EXT-03", value.into(), Expected::BadRequest));
    }
    rows.push(with("EXT-04", format!("Bearer  {good}"), Expected::Accepted));
    rows.push(with("EXT-04", format!(" Bearer {good}"), Expected::Accepted));
    rows.push(with("EXT-04", format!("Bearer\t{good}"), Expected::BadRequest));
    rows.push(with("EXT-04", format!("Bearer,{good}"), Expected::BadRequest));
    rows.push(with("EXT-04", format!("Bearer{good}"), Expected::Missing));
    for value in [
        format!("Bearer {good} {good}"),
        format!("Bearer {good},{good}"),
        format!("Bearer {good}, Bearer {good}"),
        format!("Bearer {good}; x=y"),
        format!("Bearer {good} x"),
        format!("Bearer {good},"),
        format!("Basic x, Bearer {good}"),
    ] {
        rows.push(with("EXT-05", value, Expected::BadRequest));
    }
    for value in ["Basic dXNlcjpwYXNz", "Digest username=\"a\"", "Negotiate", "Token x"] {
        rows.push(with("EXT-07", value.into(), Expected::Missing));
    }
    for value in ["Bearer \u{e4}", "Bearer a\u{a0}b", "B\u{e9}arer x"] {
        rows.push(with("EXT-08", value.into(), Expected::BadRequest));
    }
    bench.play(&rows);
    for byte in [b'\0', b'\r', b'\n'] {
        let value = [b"Bearer a", &[byte][..], b"b"].concat();
        let answer = bench.api.get("/protected").header("authorization", value).try_send();
        assert!(answer.is_err() || (400..500).contains(&answer.unwrap().status), "EXT-08 {byte}");
    }
}

#[test]
fn more_than_one_credential() {
    let bench = AttackBench::new(Algorithm::RS256);
    let good = format!("Bearer {}", bench.good());
    let rows: Vec<Row> = [
        (good.as_str(), "Bearer bad"),
        ("Bearer bad", good.as_str()),
        ("Basic dXNlcjpwYXNz", good.as_str()),
        (good.as_str(), "Basic dXNlcjpwYXNz"),
        (good.as_str(), good.as_str()),
    ]
    .iter()
    .map(|(first, second)| Row {
        id: "EXT-06",
        what: format!("{first:.12} and {second:.12}"),
        request: bench
            .api
            .get("/protected")
            .header("authorization", first)
            .header("Authorization", second),
        secret: String::new(),
        expected: Expected::BadRequest,
    })
    .collect();
    bench.play(&rows);
}

#[test]
fn places_that_are_not_read() {
    let bench = AttackBench::new(Algorithm::RS256);
    let good = bench.good();
    let row = |id, what: &str, request: Request| Row {
        id,
        what: what.into(),
        request,
        secret: good.clone(),
        expected: Expected::Missing,
    };
    let get = || bench.api.get("/protected");
    bench.play(&[
        row("EXT-11", "query", bench.api.get(&format!("/protected?access_token={good}"))),
        row(
            "EXT-12",
            "form",
            get().body("application/x-www-form-urlencoded", &format!("access_token={good}")),
        ),
        row("EXT-12", "JSON", get().json(&format!(r#"{{"access_token":"{good}"}}"#))),
        row("EXT-13", "cookie", get().header("cookie", format!("access_token={good}"))),
        row("EXT-15", "method override", get().header("x-http-method-override", "OPTIONS")),
        row(
            "EXT-18",
            "subprotocol",
            get().header("sec-websocket-protocol", format!("bearer, {good}")),
        ),
        row(
            "EXT-19",
            "a user from a proxy",
            get().header("x-forwarded-user", "admin").header("x-user-id", "1"),
        ),
        row(
            "EXT-19",
            "another field",
            get().header("proxy-authorization", format!("Bearer {good}")),
        ),
    ]);
}

#[test]
fn every_method_and_every_spelling_of_a_path() {
    let bench = AttackBench::new(Algorithm::RS256);
    for method in ["GET", "OPTIONS", "TRACE", "PUT", "DELETE", "PROPFIND"] {
        assert_eq!(bench.api.request(method, "/protected").send().status, 401, "EXT-16 {method}");
        let bad = bench.api.request(method, "/protected").bearer("bad").send();
        assert_eq!(bad.status, 401, "EXT-16 {method}");
    }
    for path in [
        "/public/../protected",
        "//protected",
        "/protected/",
        "/PROTECTED",
        "/protected;x",
        "/%2e%2e/protected",
        "/%2Fprotected",
        "/protected.",
        "/./protected",
        "/nowhere",
        "/%70rotected",
    ] {
        assert_eq!(bench.api.get(path).send().status, 401, "EXT-17 {path}");
    }
}
