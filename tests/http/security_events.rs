//! Security events over HTTP: the `resource-server` example by its environment, and its metadata.

use std::time::Duration;

use jwt_verify_tests::{Answer, Process, eventually, resource_server};
use serde_json::{Value, json};

use super::*;

const RECEIVER: &str = "https://api.example/ssf";
const REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";

/// The issuer of the access tokens and the transmitter, with a key each.
struct Parties {
    issuer: FakeIssuer,
    key: SigningKey,
    transmitter: FakeIssuer,
    events_key: SigningKey,
}

impl Parties {
    fn new() -> Self {
        let key = SigningKey::new(Algorithm::RS256, "k");
        let events_key = SigningKey::new(Algorithm::RS256, "e");
        let (issuer, transmitter) = (FakeIssuer::start(&[&key]), FakeIssuer::start(&[&events_key]));
        Self { issuer, key, transmitter, events_key }
    }

    fn start(&self, more: &[(&str, &str)]) -> Process {
        let mut variables =
            vec![("SSF_ISSUER", self.transmitter.url()), ("SSF_AUDIENCE", RECEIVER)];
        variables.extend(more);
        let variables: Vec<(&str, &str)> = variables
            .iter()
            .enumerate()
            .filter(|(place, (name, _))| {
                !variables[place + 1..].iter().any(|(later, _)| later == name)
            })
            .map(|(_, variable)| *variable)
            .collect();
        Process::start(&self.issuer, &variables)
    }

    fn access(&self, name: &str) -> String {
        Token::now(self.issuer.url()).claim("jti", name).sign(&self.key)
    }

    fn event(&self, transmitter: &str) -> Token {
        let claims: Value = serde_json::from_str(&Token::now(self.issuer.url()).payload()).unwrap();
        let user = json!({"format": "iss_sub", "iss": self.issuer.url(), "sub": claims["sub"]});
        Token::now(transmitter)
            .header("typ", "secevent+jwt")
            .without("sub")
            .without("exp")
            .claim("aud", RECEIVER)
            .claim("jti", "event")
            .claim("sub_id", user)
            .claim("events", json!({ REVOKED: {} }))
    }
}

fn push(server: &Process, token: &str) -> jwt_verify_tests::Response {
    let request = server.request("POST", "/ssf/events");
    request.body("application/secevent+jwt", token).send()
}

#[test]
fn access_ends_at_an_event_to_a_server_that_is_set_by_its_environment() {
    let parties = Parties::new();
    let keys = parties.transmitter.jwks_uri();
    let server = parties.start(&[("SSF_JWKS_URI", &keys)]);
    let access = parties.access("a");
    eventually("it is ready", || server.get("/health/ready", "x").status == 200);
    assert_eq!(server.get("/protected", &access).status, 200);
    let event = parties.event(parties.transmitter.url());
    for (token, code) in [
        (event.clone().claim("aud", "x").sign(&parties.events_key), "invalid_audience"),
        (event.clone().claim("iss", parties.issuer.url()).sign(&parties.key), "invalid_issuer"),
        (event.sign(&SigningKey::new(Algorithm::RS256, "e")), "invalid_key"),
        (event.clone().without("jti").sign(&parties.events_key), "invalid_request"),
        (access.clone(), "invalid_issuer"),
    ] {
        let answer = push(&server, &token);
        assert_eq!((answer.status, &answer.json()["err"]), (400, &json!(code)));
    }
    assert_eq!(server.get("/protected", &access).status, 200);
    for _ in 0..2 {
        assert_eq!(push(&server, &event.sign(&parties.events_key)).status, 202);
        assert_eq!(server.get("/protected", &access).status, 401);
    }
    // It is no access token.
    assert_eq!(server.get("/protected", &event.sign(&parties.events_key)).status, 401);
    let without = Token::now(parties.issuer.url()).without("jti").sign(&parties.key);
    assert_eq!(server.get("/protected", &without).status, 401, "it could not be revoked");
}

/// A token that is refused with any key is refused before there are keys, too: one that is not
/// acknowledged is sent again.
#[test]
fn the_first_token_waits_for_the_keys() {
    let parties = Parties::new();
    let keys = json!({ "keys": [parties.events_key.jwk()] });
    parties.transmitter.answer_keys(Answer::json(&keys).after(Duration::from_millis(500)));
    let server = parties.start(&[("SSF_JWKS_URI", &parties.transmitter.jwks_uri())]);
    let event = parties.event(parties.transmitter.url()).claim("aud", "another");
    let answer = push(&server, &event.sign(&parties.events_key));
    assert_eq!((answer.status, &answer.json()["err"]), (400, &json!("invalid_audience")));
}

/// The path of the name is at the end of that of the document, or in front of it, and the document must
/// be about it.
#[test]
fn keys_of_a_transmitter_are_in_its_metadata() {
    for path in ["/.well-known/ssf-configuration/tenant", "/tenant/.well-known/ssf-configuration"] {
        keys_are_found(path);
    }
}

fn keys_are_found(path: &str) {
    let parties = Parties::new();
    let name = format!("{}/tenant", parties.transmitter.url());
    let document = |issuer: &str| {
        let keys = parties.transmitter.jwks_uri();
        Answer::json(&json!({"issuer": issuer, "jwks_uri": keys, "delivery_methods_supported": []}))
    };
    parties.transmitter.set(path, document(parties.transmitter.url()));
    let server = parties.start(&[("SSF_ISSUER", &name)]);
    let access = parties.access("a");
    let event = parties.event(&name).sign(&parties.events_key);
    let answer = push(&server, &event);
    assert_eq!((answer.status, answer.header("retry-after").is_some()), (503, true));
    assert!(parties.transmitter.fetches(path) > 0);
    parties.transmitter.set(path, document(&name));
    eventually("the event is acted on", || push(&server, &event).status == 202);
    assert_eq!(server.get("/protected", &access).status, 401);
}

#[test]
fn a_transmitter_with_a_credential_shows_it() {
    let parties = Parties::new();
    let keys = parties.transmitter.jwks_uri();
    let credential = ("SSF_AUTHORIZATION", "Bearer of-the-transmitter");
    let server = parties.start(&[("SSF_JWKS_URI", &keys), credential]);
    let event = parties.event(parties.transmitter.url()).sign(&parties.events_key);
    let answer = push(&server, &event);
    assert_eq!((answer.status, &answer.json()["err"]), (400, &json!("authentication_failed")));
    let request = server.request("POST", "/ssf/events").header("Authorization", credential.1);
    let answer = request.body("application/secevent+jwt", &event);
    eventually("it is acted on", || answer.send().status == 202);
    let log = server.log();
    assert!(!log.contains("of-the-transmitter"), "{log}");
}

#[test]
fn incomplete_variables_stop_the_start() {
    let base = [("JWT_ISSUER", "https://issuer.example"), ("JWT_AUDIENCE", "api")];
    for (variable, named) in [
        (("SSF_ISSUER", "https://signals.example"), "SSF_AUDIENCE"),
        (("SSF_AUDIENCE", "x"), "SSF_ISSUER"),
        (("SSF_JWKS_URI", "https://signals.example/keys"), "SSF_ISSUER"),
    ] {
        let output = resource_server(&[base[0], base[1], variable]).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && message.contains(named), "{message}");
    }
    // Without any of them there is no such route, and tokens need no `jti`.
    let parties = Parties::new();
    let server = Process::start(&parties.issuer, &[]);
    assert_ne!(push(&server, "x").status, 400);
    let without = Token::now(parties.issuer.url()).without("jti").sign(&parties.key);
    assert_eq!(server.get("/protected", &without).status, 200);
}
