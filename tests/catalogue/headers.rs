//! Header parameters that would have the verifier do something else.

use jwt_verify::Algorithm;
use jwt_verify_tests::{SigningKey, sign};
use serde_json::{Value, json};

use super::*;

#[test]
fn keys_and_addresses_in_a_token_are_not_used() {
    let bench = AttackBench::new(Algorithm::RS256);
    let stranger = SigningKey::new(Algorithm::RS256, "good-key");
    let mut rows = vec![
        bench.row(
            "HDR-01",
            "jwk",
            bench.bed.token().header("jwk", stranger.jwk()).sign(&stranger),
            Expected::Invalid,
        ),
        bench.row(
            "HDR-01",
            "jwk and its kid",
            bench.bed.token().header("jwk", stranger.jwk()).header("kid", "other").sign(&stranger),
            Expected::Invalid,
        ),
    ];
    let trap = bench.trap.jwks_uri();
    for name in ["jku", "x5u"] {
        for url in [
            trap.as_str(),
            "https://issuer.example@evil.example/",
            "http://169.254.169.254/",
            "file:///etc/passwd",
        ] {
            let token = bench.bed.token().header(name, url);
            rows.push(bench.row("HDR-02", url, token.sign(&stranger), Expected::Invalid));
            // A good token may name an address; nobody goes there.
            rows.push(bench.row("HDR-02", url, token.sign(&bench.bed.key), Expected::Accepted));
        }
    }
    for (name, value) in
        [("x5c", json!(["MIIB"])), ("x5t", json!("AAAA")), ("x5t#S256", json!("AAAA"))]
    {
        let token = bench.bed.token().header(name, value);
        rows.push(bench.row("HDR-03", name, token.sign(&stranger), Expected::Invalid));
        rows.push(bench.row("HDR-03", name, token.sign(&bench.bed.key), Expected::Accepted));
    }
    bench.play(&rows);
}

#[test]
fn extensions_that_are_not_understood_are_refused() {
    let bench = AttackBench::new(Algorithm::RS256);
    let mut rows = Vec::new();
    for (id, members) in [
        ("HDR-04", vec![("crit", json!(["exp"]))]),
        ("HDR-04", vec![("crit", json!(["unknown"])), ("unknown", json!(1))]),
        ("HDR-04", vec![("crit", json!([]))]),
        ("HDR-04", vec![("crit", json!("b64"))]),
        ("HDR-04", vec![("crit", json!(["b64"]))]),
        ("HDR-04", vec![("crit", json!(["alg"]))]),
        ("HDR-04", vec![("crit", json!(["x", "x"])), ("x", json!(1))]),
        ("HDR-04", vec![("crit", json!(null))]),
        ("HDR-05", vec![("crit", json!(["b64"])), ("b64", json!(false))]),
        ("HDR-06", vec![("b64", json!(false))]),
        ("HDR-06", vec![("b64", json!(true))]),
        ("HDR-07", vec![("zip", json!("DEF"))]),
        ("HDR-08", vec![("enc", json!("A128GCM"))]),
    ] {
        let token = members
            .iter()
            .fold(bench.bed.token(), |t, (name, value)| t.header(name, value.clone()));
        rows.push(bench.row(
            id,
            format!("{members:?}"),
            token.sign(&bench.bed.key),
            Expected::Invalid,
        ));
    }
    for alg in ["dir", "RSA-OAEP", "A128KW", "PBES2-HS256+A128KW"] {
        let token =
            bench.bed.token().header("alg", alg).header("p2c", 2_147_483_647).sign(&bench.bed.key);
        rows.push(bench.row("HDR-08", alg, token, Expected::Invalid));
    }
    let costly = bench
        .bed
        .token()
        .header("p2c", 2_147_483_647)
        .header("p2s", "AAAA")
        .header("epk", json!({"kty": "EC"}));
    rows.push(bench.row(
        "HDR-12",
        "of encryption",
        costly.sign(&bench.bed.key),
        Expected::Accepted,
    ));
    bench.play(&rows);
}

#[test]
fn what_is_not_known_is_ignored_and_what_is_known_has_its_type() {
    let bench = AttackBench::new(Algorithm::RS256);
    let mut rows = Vec::new();
    for value in [
        json!(1),
        json!({"a": []}),
        json!(true),
        json!(null),
        json!([1, {"b": "c"}]),
        json!("text"),
    ] {
        let token = bench.bed.token().header("unknown", value.clone()).sign(&bench.bed.key);
        rows.push(bench.row("HDR-10", value.to_string(), token, Expected::Accepted));
    }
    for (name, value) in [
        ("typ", json!(5)),
        ("typ", json!(null)),
        ("cty", json!({})),
        ("x5c", json!("abc")),
        ("x5c", json!([1])),
        ("jwk", json!("x")),
        ("jku", json!(5)),
        ("x5u", json!([])),
        ("x5t", json!(true)),
    ] {
        let token = bench.bed.token().header(name, value.clone()).sign(&bench.bed.key);
        rows.push(bench.row("HDR-11", format!("{name} {value}"), token, Expected::Invalid));
    }
    let nested = sign(
        &bench.bed.key,
        bench.bed.token().header("cty", "JWT").header_for(&bench.bed.key),
        bench.good(),
    );
    rows.push(bench.row("HDR-09", "a token in a token", nested, Expected::Invalid));
    bench.play(&rows);
}

#[test]
fn tokens_of_other_types_are_no_access_tokens() {
    let bench = AttackBench::new(Algorithm::RS256);
    let mut rows = Vec::new();
    for typ in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+JWT"] {
        rows.push(bench.row(
            "TYP-02",
            typ,
            bench.bed.token().header("typ", typ).sign(&bench.bed.key),
            Expected::Accepted,
        ));
    }
    for typ in [
        "dpop+jwt",
        "logout+jwt",
        "secevent+jwt",
        "oauth-authz-req+jwt",
        "token-introspection+jwt",
        "rt+jwt",
        "csrf+jwt",
        "client-authentication+jwt",
        "at+jwt;v=1",
        "at+jwt ",
        "",
        "JWE",
    ] {
        rows.push(bench.row(
            "TYP-04",
            typ,
            bench.bed.token().header("typ", typ).sign(&bench.bed.key),
            Expected::Invalid,
        ));
    }
    for (id, name, value) in [
        ("TYP-01", "at_hash", json!("x")),
        ("TYP-01", "c_hash", json!("x")),
        ("TYP-01", "token_use", json!("id")),
        ("TYP-05", "token_use", json!("refresh")),
        ("TYP-05", "typ", json!("Refresh")),
        ("TYP-04", "events", json!({"http://schemas.openid.net/event/backchannel-logout": {}})),
    ] {
        rows.push(bench.row(
            id,
            name,
            bench.bed.token().claim(name, value).sign(&bench.bed.key),
            Expected::Invalid,
        ));
    }
    bench.play(&rows);
}

#[test]
fn the_strict_profile_asks_for_what_rfc_9068_asks() {
    let key = SigningKey::new(Algorithm::ES256, "good-key");
    let whole = |bench: &AttackBench| {
        bench.bed.token().header("typ", "at+jwt").claim("jti", "j").claim("client_id", "c")
    };
    // The control token of the bench is an ordinary one, so the strict API stands beside it.
    let bench = AttackBench::with(key, &[], |issuer| issuer);
    let profile = jwt_verify::TokenProfile::AccessToken;
    let auth = bench.bed.auth_with(|issuer| issuer.token_profile(profile)).build().unwrap();
    let api = jwt_verify_tests::TestServer::start(move || {
        actix_web::App::new().configure(example_resource_server::configure(&auth))
    });
    let status = |token: String| api.get("/protected").bearer(token).send().status;
    assert_eq!(status(whole(&bench).sign(&bench.bed.key)), 200);
    for typ in [json!("JWT"), json!(""), json!("at+jwt;v=1"), json!("at+jwt ")] {
        assert_eq!(status(whole(&bench).header("typ", typ).sign(&bench.bed.key)), 401, "TYP-03");
    }
    for name in ["sub", "jti", "client_id", "iat", "exp", "aud", "iss"] {
        assert_eq!(status(whole(&bench).without(name).sign(&bench.bed.key)), 401, "{name}");
    }
    let header: Value = json!({"alg": "ES256", "kid": "good-key"});
    assert_eq!(status(sign(&bench.bed.key, header.to_string(), whole(&bench).payload())), 401);
}
