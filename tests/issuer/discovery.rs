//! Finding the key set.

use jwt_verify::{JwtAuth, KeyProvider as _, TrustedIssuer};
use jwt_verify_tests::Answer;
use serde_json::{Value, json};

use super::*;

fn api(issuer: &str) -> TestServer {
    let auth =
        JwtAuth::for_issuer(TrustedIssuer::new(issuer, AUDIENCE).algorithms([Algorithm::ES256]))
            .build()
            .unwrap();
    TestServer::start(move || App::new().configure(resource_server::configure(&auth)))
}

fn status(api: &TestServer, issuer: &str, key: &SigningKey) -> u16 {
    api.get("/protected").bearer(Token::now(issuer).sign(key)).send().status
}

fn metadata(issuer: &str, jwks_uri: &str) -> Value {
    json!({"issuer": issuer, "jwks_uri": jwks_uri})
}

#[test]
fn openid_metadata_leads_to_the_keys_and_is_read_once() {
    let key = key("k");
    let issuer = FakeIssuer::start(&[&key]);
    let api = api(issuer.url());
    for _ in 0..3 {
        assert_eq!(status(&api, issuer.url(), &key), 200);
    }
    assert_eq!((issuer.key_fetches(), issuer.all_fetches()), (1, 2));
}

#[test]
fn an_issuer_with_a_path_is_found_at_each_place() {
    let key = key("k");
    for place in [
        "/tenant/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server/tenant",
        "/.well-known/openid-configuration/tenant",
    ] {
        for slash in ["", "/"] {
            let issuer = FakeIssuer::silent();
            issuer.publish(&[&key]);
            let name = format!("{}/tenant{slash}", issuer.url());
            issuer.set(place, Answer::json(&metadata(&name, &issuer.jwks_uri())));
            assert_eq!(status(&api(&name), &name, &key), 200, "{place} {slash}");
        }
    }
}

/// ISS-06
#[test]
fn metadata_of_another_issuer_is_not_believed() {
    let key = key("k");
    let issuer = FakeIssuer::start(&[&key]);
    let jwks_uri = issuer.jwks_uri();
    for document in [
        metadata("https://issuer.example", &jwks_uri),
        metadata(&format!("{}/", issuer.url()), &jwks_uri),
        metadata(&issuer.url().to_uppercase(), &jwks_uri),
        json!({"jwks_uri": jwks_uri}),
        json!({"issuer": issuer.url()}),
        json!({"issuer": issuer.url(), "jwks_uri": 5}),
        json!([issuer.url(), jwks_uri]),
        metadata(issuer.url(), "http://issuer.example/jwks.json"),
        metadata(issuer.url(), "file:///etc/passwd"),
        metadata(issuer.url(), "//127.0.0.1/jwks.json"),
        metadata(issuer.url(), ""),
    ] {
        issuer.answer_discovery(Answer::json(&document));
        assert_eq!(status(&api(issuer.url()), issuer.url(), &key), 503, "{document}");
    }
    assert_eq!(issuer.key_fetches(), 0);
}

#[test]
fn a_key_set_that_moves_is_found_again() {
    let key = key("k");
    let issuer = FakeIssuer::start(&[&key]);
    let clock = TestClock::new();
    let provider = JwksProvider::discover(issuer.url()).clock(clock.clone()).build().unwrap();
    let api = serve_with(&issuer, &clock, &provider);
    let token = Token::of(issuer.url()).claim("exp", jwt_verify_tests::START + 100_000).sign(&key);
    let status = || api.get("/protected").bearer(&token).send().status;
    assert_eq!(status(), 200);

    let moved = format!("{}/moved.json", issuer.url());
    issuer.set("/moved.json", Answer::json(&json!({"keys": [key.jwk()]})));
    issuer.answer_discovery(Answer::json(&metadata(issuer.url(), &moved)));
    issuer.answer_keys(Answer::status(404));
    // The old address fails once; the next attempt asks for the new one.
    clock.advance(Duration::from_secs(500));
    assert_eq!(status(), 200);
    // Recorded, and not only sent: the pause before the next attempt begins then.
    eventually("an attempt at the old address", || {
        issuer.key_fetches() == 2 && provider.health().last_error.is_some()
    });
    clock.advance(Duration::from_secs(60));
    eventually("a fetch from the new address", || {
        assert_eq!(status(), 200);
        issuer.fetches("/moved.json") == 1
    });
}

#[test]
fn requests_say_what_they_want_and_nothing_else() {
    let key = key("k");
    let issuer = FakeIssuer::start(&[&key]);
    assert_eq!(status(&api(issuer.url()), issuer.url(), &key), 200);
    for head in issuer.heads() {
        let head = head.to_lowercase();
        for line in [
            "accept: application/jwk-set+json, application/json, */*;q=0.1\r\n",
            "accept-encoding: identity\r\n",
            "user-agent: actix-jwt-verify/",
        ] {
            assert!(head.contains(line), "{head}");
        }
        assert!(!head.contains("authorization") && !head.contains("cookie"), "{head}");
    }
}

/// An API that has fetched the old key from an issuer whose metadata is an hour old.
fn an_hour_later(old: &SigningKey) -> (FakeIssuer, TestClock, TestServer) {
    let issuer = FakeIssuer::start(&[old]);
    let clock = TestClock::new();
    let api = serve(&issuer, &clock, JwksProvider::discover(issuer.url()).clock(clock.clone()));
    assert_eq!(lasting(&api, &issuer, old), 200);
    clock.advance(Duration::from_secs(3600));
    (issuer, clock, api)
}

fn lasting(api: &TestServer, issuer: &FakeIssuer, key: &SigningKey) -> u16 {
    let token = Token::of(issuer.url()).claim("exp", jwt_verify_tests::START + 100_000).sign(key);
    api.get("/protected").bearer(token).send().status
}

#[test]
fn metadata_that_cannot_be_read_does_not_keep_known_keys_away() {
    let (old, new) = (key("old"), key("new"));
    let (issuer, _clock, api) = an_hour_later(&old);
    issuer.answer_discovery(Answer::status(500));
    issuer.publish(&[&old, &new]);
    eventually("the new key", || lasting(&api, &issuer, &new) == 200);
}

#[test]
fn metadata_that_hangs_does_not_keep_known_keys_away() {
    let (old, new) = (key("old"), key("new"));
    let issuer = FakeIssuer::start(&[&old]);
    let clock = TestClock::new();
    let provider = JwksProvider::discover(issuer.url()).clock(clock.clone());
    let api = serve(&issuer, &clock, provider.fetch_timeout(Duration::from_secs(1)));
    assert_eq!(lasting(&api, &issuer, &old), 200);
    clock.advance(Duration::from_secs(3600));
    issuer.answer_discovery(Answer::Hang);
    issuer.publish(&[&new]);
    eventually("the new key", || lasting(&api, &issuer, &new) == 200);
}

#[test]
fn metadata_is_read_again_after_an_hour() {
    let (old, new) = (key("old"), key("new"));
    let (issuer, _clock, api) = an_hour_later(&old);
    // The old address goes on to serve the old keys.
    let moved = format!("{}/moved.json", issuer.url());
    issuer.set("/moved.json", Answer::json(&json!({"keys": [new.jwk()]})));
    issuer.answer_discovery(Answer::json(&metadata(issuer.url(), &moved)));
    eventually("the keys at the new address", || {
        lasting(&api, &issuer, &old) == 401 && lasting(&api, &issuer, &new) == 200
    });
}

/// JWK-20: either of the two documents may be missing; the log says which.
#[test]
fn either_document_may_be_missing() {
    let known = key("k");
    let without_keys = FakeIssuer::start(&[&known]);
    without_keys.answer_keys(Answer::status(404));
    let without_metadata = FakeIssuer::start(&[&known]);
    without_metadata.answer_discovery(Answer::status(404));
    // The metadata has two places, since the issuer has no path.
    for (issuer, fetches) in [(&without_keys, 2), (&without_metadata, 2)] {
        let api = api(issuer.url());
        assert_eq!(status(&api, issuer.url(), &known), 503);
        assert_eq!(issuer.all_fetches(), fetches);
        let reason = api.get("/health/ready").send().json()["reason"].clone();
        assert_eq!(reason, "no usable key: not_found");
    }
}

/// A page, or a refusal, at one address says nothing about the next one.
#[test]
fn the_next_address_is_asked_after_an_answer_that_is_no_metadata() {
    let key = key("k");
    let html = |text: &str| Answer::Full {
        status: 200,
        headers: vec![("content-type".into(), "text/html".into())],
        body: text.as_bytes().to_vec(),
    };
    for (answer, reason) in [
        (Answer::status(400), "status"),
        (Answer::status(401), "status"),
        (Answer::status(403), "status"),
        (Answer::status(404), "not_found"),
        (Answer::status(405), "status"),
        (Answer::status(410), "status"),
        (Answer::status(302).with_header("location", "http://127.0.0.1:1/"), "redirect"),
        (Answer::status(308).with_header("location", "/elsewhere"), "redirect"),
        (html("<!doctype html><title>app</title>"), "discovery_document"),
        (html(""), "empty"),
        (html("{}"), "discovery_document"),
        (html("<html>").with_header("content-encoding", "gzip"), "encoding"),
        (html(&" ".repeat(300_000)), "too_large"),
        (
            Answer::json(&metadata("https://issuer.example", "https://issuer.example/k")),
            "discovery_issuer",
        ),
    ] {
        let issuer = FakeIssuer::silent();
        issuer.publish(&[&key]);
        let name = format!("{}/tenant", issuer.url());
        issuer.set("/tenant/.well-known/openid-configuration", answer.clone());
        // The first reason is reported, not that of the last address.
        let api_without = api(&name);
        assert_eq!(status(&api_without, &name, &key), 503, "{answer:?}");
        let shown = api_without.get("/health/ready").send().json()["reason"].clone();
        assert_eq!(shown, format!("no usable key: {reason}"), "{answer:?}");
        assert_eq!(issuer.all_fetches(), 3, "{answer:?}");
        for place in [
            "/.well-known/openid-configuration/tenant",
            "/.well-known/oauth-authorization-server/tenant",
        ] {
            issuer.set(place, Answer::json(&metadata(&name, &issuer.jwks_uri())));
            assert_eq!(status(&api(&name), &name, &key), 200, "{answer:?}");
        }
        assert_eq!(issuer.fetches("/elsewhere"), 0);
    }
}

#[test]
fn an_issuer_in_trouble_is_asked_at_one_address() {
    let key = key("k");
    for (answer, reason) in [
        (Answer::status(500), "status"),
        (Answer::status(503), "status"),
        (Answer::status(429), "status"),
        (Answer::status(408), "status"),
        (Answer::Reset, "protocol"),
    ] {
        let issuer = FakeIssuer::start(&[&key]);
        let good = Answer::json(&metadata(issuer.url(), &issuer.jwks_uri()));
        issuer.set("/.well-known/oauth-authorization-server", good);
        issuer.answer_discovery(answer.clone());
        let api = api(issuer.url());
        assert_eq!(status(&api, issuer.url(), &key), 503, "{answer:?}");
        let shown = api.get("/health/ready").send().json()["reason"].clone();
        assert_eq!(shown, format!("no usable key: {reason}"), "{answer:?}");
        assert_eq!(issuer.all_fetches(), 1, "{answer:?}");
    }
}

/// An issuer's own document that leads to an unsafe place is the answer.
#[test]
fn no_address_replaces_a_document_that_leads_to_an_unsafe_place() {
    let key = key("k");
    let issuer = FakeIssuer::start(&[&key]);
    let good = Answer::json(&metadata(issuer.url(), &issuer.jwks_uri()));
    issuer.set("/.well-known/oauth-authorization-server", good);
    issuer.answer_discovery(Answer::json(&metadata(issuer.url(), "http://issuer.example/keys")));
    assert_eq!(status(&api(issuer.url()), issuer.url(), &key), 503);
    assert_eq!(issuer.all_fetches(), 1);
}
