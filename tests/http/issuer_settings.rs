//! Settings that let in the tokens of particular issuers, by the environment of the
//! `resource-server` example: each good shape, and the bad ones next to it.

use jwt_verify_tests::{Process, base64url};
use serde_json::{Value, json};

use super::*;

const SECRET: &str = "a secret of thirty-two bytes....";

fn start(issuer: &FakeIssuer, variables: &[(&str, &str)]) -> Process {
    Process::start(issuer, variables)
}

/// A good token with these claims instead of its own; `null` removes one.
fn token(issuer: &FakeIssuer, claims: &Value) -> Token {
    let members = claims.as_object().unwrap().iter();
    members.fold(Token::now(issuer.url()), |token, (name, value)| match value {
        Value::Null => token.without(name),
        value => token.claim(name, value.clone()),
    })
}

fn expect(server: &Process, cases: impl IntoIterator<Item = (String, u16, Value)>) {
    for (token, status, case) in cases {
        assert_eq!(server.get("/protected", &token).status, status, "{case}");
    }
}

#[test]
fn tokens_without_audience_need_a_listed_client() {
    let key = SigningKey::new(Algorithm::RS256, "k");
    let issuer = FakeIssuer::start(&[&key]);
    let server = start(&issuer, &[("JWT_AUDIENCE", "none"), ("JWT_CLIENTS", "web,cli")]);
    let cases = [
        (json!({"aud": null, "client_id": "web", "token_use": "access"}), 200),
        (json!({"aud": null, "azp": "cli"}), 200),
        (json!({"aud": [], "azp": "web"}), 200),
        (json!({"aud": null, "azp": "other"}), 401),
        (json!({"aud": null, "azp": "web", "client_id": "other"}), 401),
        (json!({"aud": null, "azp": ["web"]}), 401),
        (json!({"aud": null}), 401),
        (json!({"aud": "https://other.example", "azp": "web"}), 401),
        (json!({"aud": "", "azp": "web"}), 401),
        (json!({"aud": [""], "azp": "web"}), 401),
        (json!({"aud": "web", "azp": "web"}), 401),
        (json!({"aud": null, "client_id": "web", "token_use": "id"}), 401),
        (json!({"iss": "https://other.example", "aud": null, "azp": "web"}), 401),
    ];
    expect(
        &server,
        cases.map(|(claims, status)| (token(&issuer, &claims).sign(&key), status, claims)),
    );
}

#[test]
fn tokens_of_a_configured_key_name_no_issuer() {
    let secret = SigningKey::from_secret(Algorithm::HS256, "k", SECRET.as_bytes());
    let other = SigningKey::from_secret(Algorithm::HS256, "k", b"another secret of 32 bytes......");
    let issuer = FakeIssuer::start(&[]);
    let none = [("JWT_ISSUER", "none"), ("JWT_AUDIENCE", "none"), ("JWT_SECRET", SECRET)];
    let server = start(&issuer, &none);
    let flask = json!({"iss": null, "aud": null, "type": "access", "fresh": false, "csrf": "x"});
    let cases = [
        (flask.clone(), 200),
        (json!({"iss": null, "aud": null, "token_type": "access"}), 200),
        (json!({"iss": null, "aud": []}), 200),
        (json!({"iss": null, "aud": null, "type": "refresh"}), 401),
        (json!({"iss": null, "aud": null, "token_type": "refresh"}), 401),
        (json!({"iss": null, "aud": null, "token_type": "mfa"}), 401),
        (json!({"aud": null}), 401),
        (json!({"iss": "none", "aud": null}), 401),
        (json!({"iss": "", "aud": null}), 401),
        (json!({"iss": null, "aud": "https://other.example"}), 401),
        (json!({"iss": null, "aud": "none"}), 401),
        (json!({"iss": null, "aud": null, "exp": null}), 401),
    ];
    let signed = |claims: &Value| token(&issuer, claims).sign(&secret);
    expect(&server, cases.map(|(claims, status)| (signed(&claims), status, claims)));
    let unnamed = token(&issuer, &flask).without_kid();
    let forged = [
        (unnamed.sign(&secret), 200, json!("no kid")),
        (unnamed.sign(&other), 401, json!("forged")),
    ];
    expect(&server, forged);

    let named = start(&issuer, &[none[0], none[2], ("JWT_AUDIENCE", "api")]);
    let cases = [
        (json!({"iss": null, "aud": "api"}), 200),
        (json!({"iss": null, "aud": null}), 401),
        (json!({"iss": null, "aud": "other"}), 401),
        (json!({"aud": "api"}), 401),
    ];
    expect(&named, cases.map(|(claims, status)| (signed(&claims), status, claims)));
}

#[test]
fn each_family_has_its_own_keys() {
    let key = SigningKey::new(Algorithm::ES256, "k");
    let foreign = SigningKey::new(Algorithm::ES256, "k");
    let secret = SigningKey::from_secret(Algorithm::HS256, "k", SECRET.as_bytes());
    let issuer = FakeIssuer::start(&[&key]);
    let both = [("JWT_ALGORITHMS", "ES256,HS256"), ("JWT_SECRET", SECRET)];
    let server = start(&issuer, &both);
    let good = Token::now(issuer.url());
    // The text of the public key as a secret, in the forms in which it is published.
    let published = key.jwk();
    let x = published["x"].as_str().unwrap();
    let as_secret =
        |secret: &str| SigningKey::from_secret(Algorithm::HS256, "k", secret.as_bytes());
    let forms = [published.to_string(), x.to_owned(), base64url(x)];
    let mut cases = vec![
        (good.sign(&key), 200, json!("the key of the issuer")),
        (good.sign(&secret), 200, json!("the secret")),
        (good.sign(&foreign), 401, json!("another key")),
    ];
    for form in forms {
        cases.push((good.sign(&as_secret(&form)), 401, json!(form)));
    }
    expect(&server, cases);
    // Only the algorithms that are named.
    let alone = start(&issuer, &[("JWT_ALGORITHMS", "ES256")]);
    expect(&alone, [(good.sign(&secret), 401, json!("a secret that is not configured"))]);
}

#[test]
fn id_tokens_pass_only_on_request() {
    let key = SigningKey::new(Algorithm::RS256, "k");
    let issuer = FakeIssuer::start(&[&key]);
    let (strict, open) = (start(&issuer, &[]), start(&issuer, &[("JWT_ACCEPT_ID_TOKENS", "true")]));
    let logout = "http://schemas.openid.net/event/backchannel-logout";
    let cases = [
        (json!({"nonce": "n"}), 401, 200),
        (json!({"at_hash": "h"}), 401, 200),
        (json!({"token_use": "id"}), 401, 200),
        (json!({"typ": "ID"}), 401, 200),
        (json!({"scope": "r"}), 200, 200),
        (json!({"events": {logout: {}}}), 401, 401),
        (json!({"typ": "Refresh"}), 401, 401),
        (json!({"typ": "Logout"}), 401, 401),
        (json!({"token_use": "refresh"}), 401, 401),
        (json!({"type": "refresh"}), 401, 401),
        (json!({"nonce": "n", "aud": "another client"}), 401, 401),
        (json!({"nonce": "n", "exp": null}), 401, 401),
    ];
    for (claims, by_default, on_request) in cases {
        let token = token(&issuer, &claims).sign(&key);
        assert_eq!(strict.get("/protected", &token).status, by_default, "{claims}");
        assert_eq!(open.get("/protected", &token).status, on_request, "{claims}");
    }
    for typ in ["logout+jwt", "rt+jwt", "dpop+jwt", "secevent+jwt"] {
        let token = Token::now(issuer.url()).claim("nonce", "n").header("typ", typ).sign(&key);
        assert_eq!(open.get("/protected", &token).status, 401, "{typ}");
    }
}

#[test]
fn further_types_are_named_one_by_one() {
    let key = SigningKey::new(Algorithm::RS256, "k");
    let issuer = FakeIssuer::start(&[&key]);
    let strict = start(&issuer, &[]);
    let open = start(&issuer, &[("JWT_TOKEN_TYPES", "vnd.example+jwt, passport")]);
    for (typ, by_default, on_request) in [
        ("JWT", 200, 200),
        ("JOSE", 200, 200),
        ("at+jwt", 200, 200),
        ("vnd.example+jwt", 401, 200),
        ("application/vnd.example+jwt", 401, 200),
        ("Passport", 401, 200),
        ("vnd.other+jwt", 401, 401),
        ("logout+jwt", 401, 401),
        ("JWE", 401, 401),
    ] {
        let token = Token::now(issuer.url()).header("typ", typ).sign(&key);
        assert_eq!(strict.get("/protected", &token).status, by_default, "{typ}");
        assert_eq!(open.get("/protected", &token).status, on_request, "{typ}");
    }
}

#[test]
fn half_a_set_up_stops_the_start() {
    let base = [("JWT_ISSUER", "https://issuer.example"), ("JWT_AUDIENCE", "api")];
    for (variables, sentence) in [
        (
            &[("JWT_SECRET", "secret")][..],
            "JWT_SECRET: HS256 needs at least 32 bytes; this one has 6",
        ),
        (&[("JWT_AUDIENCE", "none")], "JWT_CLIENTS"),
        (&[("JWT_ISSUER", "none")], "JWT_SECRET or JWT_PUBLIC_KEY"),
        (&[("JWT_ALGORITHMS", "HS256")], "set JWT_SECRET"),
        (&[("JWT_CLAIMS_MAPPING", "nobody")], "JWT_CLAIMS_MAPPING"),
        (&[("JWT_TOKEN_TYPES", "logout+jwt")], "JWT_TOKEN_TYPES"),
    ] {
        let all = [&base, variables, &[("BIND_ADDR", "127.0.0.1:0")]].concat();
        let (is_well, said) = Process::outcome("resource-server", &all);
        assert!(!is_well && said.contains(sentence), "{said}");
    }
}
