//! Issuers that ask for a credential, or that are reached by plain http.

use std::path::PathBuf;

use jwt_verify::KeyProvider as _;
use jwt_verify_tests::{Answer, Authority, START, TlsFront};
use serde_json::json;

use super::*;

const SECRET: &str = "hunter2hunter2";

fn api(issuer: &str, clock: &TestClock, keys: &JwksProvider) -> TestServer {
    let trusted = TrustedIssuer::new(issuer, AUDIENCE).algorithms([Algorithm::ES256]);
    let auth =
        JwtAuth::for_issuer(trusted.keys(keys.clone())).clock(clock.clone()).build().unwrap();
    TestServer::start(move || App::new().configure(resource_server::configure(&auth)))
}

/// The status for a token of an issuer of this name.
fn status(name: &str, keys: JwksProviderBuilder, key: &SigningKey) -> u16 {
    let clock = TestClock::new();
    let keys = keys.clock(clock.clone()).build().unwrap();
    api(name, &clock, &keys).get("/protected").bearer(token(name, key)).send().status
}

fn token(name: &str, key: &SigningKey) -> String {
    Token::of(name).claim("exp", START + 1_000_000).sign(key)
}

fn presented(issuer: &FakeIssuer, name: &str) -> Vec<Option<String>> {
    let value = |head: &String| {
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        let mut values = lines.filter(|(field, _)| field.eq_ignore_ascii_case(name));
        let first = values.next().map(|(_, value)| value.to_owned());
        assert!(values.next().is_none(), "{head}");
        first
    };
    issuer.heads().iter().map(value).collect()
}

#[test]
fn a_credential_is_presented_for_metadata_and_key_set() {
    let key = key("k");
    for (configure, name, value) in [
        (
            (|keys| keys.bearer_token(SECRET)) as fn(JwksProviderBuilder) -> JwksProviderBuilder,
            "authorization",
            format!("Bearer {SECRET}"),
        ),
        (|keys| keys.request_header("X-API-Key", SECRET), "x-api-key", SECRET.to_owned()),
        (
            |keys| keys.request_header("Authorization", "Basic dTpw"),
            "authorization",
            "Basic dTpw".to_owned(),
        ),
    ] {
        let issuer = FakeIssuer::start(&[&key]);
        let keys = configure(JwksProvider::discover(issuer.url()));
        assert!(!format!("{keys:?}").contains(SECRET));
        assert_eq!(status(issuer.url(), keys, &key), 200);
        assert_eq!(presented(&issuer, name), [Some(value.clone()), Some(value)]);
    }
}

#[test]
fn no_other_host_or_port_gets_the_credential() {
    let key = key("k");
    let elsewhere = FakeIssuer::start(&[&key]);
    let issuer = FakeIssuer::start(&[]);
    let port = issuer.url().rsplit_once(':').unwrap().1;
    for (jwks_uri, answers) in [
        (elsewhere.jwks_uri(), &elsewhere),
        // Another name of this host, and its port.
        (format!("http://localhost:{port}/jwks.json"), &issuer),
    ] {
        issuer.publish(&[&key]);
        issuer.answer_discovery(Answer::json(&json!({
            "issuer": issuer.url(),
            "jwks_uri": jwks_uri,
        })));
        let (before, keys) = (answers.key_fetches(), JwksProvider::discover(issuer.url()));
        assert_eq!(status(issuer.url(), keys.bearer_token(SECRET), &key), 200, "{jwks_uri}");
        assert_eq!(answers.key_fetches(), before + 1);
        assert_eq!(presented(answers, "authorization").last(), Some(&None), "{jwks_uri}");
    }
    // The configured issuer itself got it.
    assert_eq!(presented(&issuer, "authorization")[0], Some(format!("Bearer {SECRET}")));
}

#[test]
fn a_redirect_does_not_carry_the_credential_away() {
    let key = key("k");
    let (issuer, elsewhere) = (FakeIssuer::start(&[&key]), FakeIssuer::start(&[&key]));
    issuer.answer_keys(Answer::status(307).with_header("location", &elsewhere.jwks_uri()));
    let keys = JwksProvider::builder(issuer.jwks_uri()).bearer_token(SECRET);
    assert_eq!(status(issuer.url(), keys, &key), 503);
    assert_eq!(elsewhere.all_fetches(), 0);
}

#[test]
fn a_credential_goes_through_tls() {
    let key = key("k");
    let issuer = FakeIssuer::start(&[&key]);
    let authority = Authority::new();
    let front = TlsFront::start(&authority.certify("localhost"), issuer.url());
    let keys = JwksProvider::builder(front.url("/jwks.json")).root_certificates(authority.pem());
    assert_eq!(status(issuer.url(), keys.bearer_token(SECRET), &key), 200);
    assert_eq!(presented(&issuer, "authorization"), [Some(format!("Bearer {SECRET}"))]);
}

#[test]
fn a_token_file_is_read_for_each_fetch() {
    let key = key("k");
    let issuer = FakeIssuer::start(&[&key]);
    let path: PathBuf =
        std::env::temp_dir().join(format!("jwt-verify-fetch-token-{}", std::process::id()));
    let clock = TestClock::new();
    let keys = JwksProvider::builder(issuer.jwks_uri()).bearer_token_file(&path);
    let keys = keys.clock(clock.clone()).build().unwrap();
    let api = api(issuer.url(), &clock, &keys);
    let status = || api.get("/protected").bearer(token(issuer.url(), &key)).send().status;

    assert_eq!(status(), 503);
    assert_eq!((keys.health().last_error, issuer.all_fetches()), (Some("credential"), 0));
    for token in ["one", "two"] {
        std::fs::write(&path, format!("{token}\n")).unwrap();
        clock.advance(Duration::from_secs(600 + 3600));
        assert_eq!(status(), 200);
        let value = Some(format!("Bearer {token}"));
        assert_eq!(presented(&issuer, "authorization").last(), Some(&value));
    }
    std::fs::remove_file(&path).unwrap();
}

/// The unspecified address leads to this machine, and is no loopback address.
const NAMED: &str = "0.0.0.0";

#[test]
fn plain_http_leads_to_a_named_host() {
    let key = key("k");
    let issuer = FakeIssuer::start(&[&key]);
    let (_, port) = issuer.url().rsplit_once(':').unwrap();
    let name = format!("http://{NAMED}:{port}");
    let (keys, loopback) = (format!("{name}/jwks.json"), issuer.jwks_uri());
    let discovery = |jwks_uri: &str| {
        issuer.answer_discovery(Answer::json(&json!({"issuer": name, "jwks_uri": jwks_uri})));
    };
    discovery(&keys);
    for host in [NAMED.to_owned(), format!("{NAMED}:{port}")] {
        let found = JwksProvider::discover(&name).allow_http(&host);
        assert_eq!(status(&name, found, &key), 200, "{host}");
        // It has no proxy, and may have a credential.
        let direct = JwksProvider::builder(&keys).allow_http(host).proxy("http://127.0.0.1:1");
        assert_eq!(status(&name, direct.bearer_token(SECRET), &key), 200);
        let value = Some(format!("Bearer {SECRET}"));
        assert_eq!(presented(&issuer, "authorization").last(), Some(&value));
    }
    // Others do not follow.
    for jwks_uri in [&*loopback, "http://issuer.example/jwks.json"] {
        discovery(jwks_uri);
        let fetches = issuer.key_fetches();
        let clock = TestClock::new();
        let keys = JwksProvider::discover(&name).allow_http(NAMED).clock(clock.clone());
        let keys = keys.build().unwrap();
        let api = api(&name, &clock, &keys);
        assert_eq!(api.get("/protected").bearer(token(&name, &key)).send().status, 503);
        assert_eq!(keys.health().last_error, Some("discovery_url"), "{jwks_uri}");
        assert_eq!(issuer.key_fetches(), fetches);
    }
    discovery(&keys);
    issuer.answer_keys(Answer::status(302).with_header("location", &keys));
    let redirected = JwksProvider::discover(&name).allow_http(NAMED);
    assert_eq!(status(&name, redirected, &key), 503);
}

#[test]
fn plain_http_to_a_host_that_is_not_named_does_not_build() {
    for (keys, setting) in [
        (JwksProvider::discover("http://keycloak:8080/realms/x"), "issuer: "),
        (JwksProvider::discover("http://keycloak:8080").allow_http("keycloak:80"), "issuer: "),
        (JwksProvider::builder("http://keycloak/keys").allow_http("cloak"), "jwks_uri: "),
        (JwksProvider::builder("http://a.keycloak/keys").allow_http("keycloak"), "jwks_uri: "),
        (JwksProvider::builder("https://issuer.example").allow_http("*"), "allow_http: "),
        (JwksProvider::builder("https://issuer.example").allow_http("http://a"), "allow_http: "),
    ] {
        let error = keys.build().unwrap_err().to_string();
        assert!(error.starts_with(setting) && error.contains("allow_http"), "{error}");
    }
}
