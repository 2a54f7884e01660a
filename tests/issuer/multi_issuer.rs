//! More than one issuer, each with its own keys and rules.

use jwt_verify::{ClaimsMapping, TrustedIssuer, Verifier, VerifierBuilder};
use jwt_verify_tests::Answer;
use serde_json::json;

use super::*;

/// An API that trusts what the builder says.
pub(super) fn api(clock: &TestClock, verifier: VerifierBuilder) -> TestServer {
    let auth = JwtAuth::new(verifier.clock(clock.clone()).build().unwrap());
    TestServer::start(move || App::new().configure(resource_server::configure(&auth)))
}

fn trust(issuer: &FakeIssuer, clock: &TestClock) -> TrustedIssuer {
    let keys = JwksProvider::builder(issuer.jwks_uri()).clock(clock.clone()).build().unwrap();
    TrustedIssuer::new(issuer.url(), AUDIENCE).algorithms([Algorithm::ES256]).keys(keys)
}

pub(super) fn status(api: &TestServer, token: &str) -> u16 {
    api.get("/protected").bearer(token).send().status
}

/// A, B, and an API that trusts both.
fn two(a: &SigningKey, b: &SigningKey) -> (FakeIssuer, FakeIssuer, TestServer) {
    let (first, second) = (FakeIssuer::start(&[a]), FakeIssuer::start(&[b]));
    let clock = TestClock::new();
    let verifier = Verifier::for_issuer(
        TrustedIssuer::new(first.url(), AUDIENCE)
            .algorithms([Algorithm::ES256])
            .keys(JwksProvider::builder(first.jwks_uri()).clock(clock.clone()).build().unwrap()),
    )
    .issuer(trust(&second, &clock));
    let api = api(&clock, verifier);
    (first, second, api)
}

/// ISS-01: a key is looked for at the issuer that the token names, and nowhere else.
#[test]
fn one_issuers_keys_are_never_tried_for_another() {
    let (a, b) = (key("a"), key("b"));
    let (first, second, api) = two(&a, &b);
    assert_eq!(status(&api, &Token::of(first.url()).sign(&a)), 200);
    assert_eq!(status(&api, &Token::of(second.url()).sign(&b)), 200);
    assert_eq!(status(&api, &Token::of(first.url()).sign(&b)), 401);
    assert_eq!(status(&api, &Token::of(second.url()).sign(&a)), 401);
    // One to begin with, and one for the key that it does not have.
    assert_eq!((first.key_fetches(), second.key_fetches()), (2, 2));
}

/// ISS-02: the same `kid` at two issuers stands for two keys.
#[test]
fn the_same_key_id_at_two_issuers_is_two_keys() {
    let (a, b) = (key("1"), key("1"));
    let (first, second, api) = two(&a, &b);
    let (of_a, of_b) =
        (Token::of(first.url()).sign(&a), Token::of(second.url()).claim("sub", "bob").sign(&b));
    std::thread::scope(|scope| {
        for index in 0..8 {
            let (api, token) = (&api, if index % 2 == 0 { &of_a } else { &of_b });
            let sub = if index % 2 == 0 { "alice" } else { "bob" };
            scope.spawn(move || {
                for _ in 0..125 {
                    let response = api.get("/protected").bearer(token).send();
                    assert_eq!((response.status, &response.json()["sub"]), (200, &json!(sub)));
                }
            });
        }
    });
    assert_eq!((first.key_fetches(), second.key_fetches()), (1, 1));
    // A signature of the other one's key, under the name that both have.
    assert_eq!(status(&api, &Token::of(first.url()).sign(&b)), 401);
}

/// ISS-03, ISS-04, ISS-05: an issuer that nobody trusts is not even asked, and leaves nothing
/// behind.
#[test]
fn an_unknown_issuer_causes_nothing() {
    let (a, b) = (key("a"), key("b"));
    let (first, _, api) = two(&a, &b);
    let evil = FakeIssuer::start(&[&a]);
    assert_eq!(status(&api, &Token::of(evil.url()).sign(&a)), 401);
    for name in [
        format!("{}#{}", first.url(), evil.url()),
        format!("{}:x@evil.example", first.url()),
        format!("{}|a", first.url()),
        format!("{}/", first.url()),
        format!("{}\\u0000", first.url()),
        first.url().to_uppercase(),
        String::new(),
    ] {
        assert_eq!(status(&api, &Token::of(&name).sign(&a)), 401, "{name}");
    }
    assert_eq!((evil.all_fetches(), first.all_fetches()), (0, 0));
    assert_eq!(status(&api, &Token::of(first.url()).sign(&a)), 200);
    assert_eq!(first.key_fetches(), 1);
}

/// ISS-07: what one issuer may do is not what another may do.
#[test]
fn each_issuer_has_rules_of_its_own() {
    let (es, rs) = (key("k"), SigningKey::new(Algorithm::RS256, "r"));
    let (first, second) = (FakeIssuer::start(&[&es, &rs]), FakeIssuer::start(&[&rs, &es]));
    let clock = TestClock::new();
    let other = TrustedIssuer::new(second.url(), "https://other.example")
        .keys(JwksProvider::builder(second.jwks_uri()).clock(clock.clone()).build().unwrap())
        .require_subject()
        .claims_mapping(ClaimsMapping::default().roles_claim("realm_access.roles"));
    let verifier = Verifier::for_issuer(
        TrustedIssuer::new(first.url(), AUDIENCE)
            .algorithms([Algorithm::ES256])
            .keys(JwksProvider::builder(first.jwks_uri()).clock(clock.clone()).build().unwrap()),
    )
    .issuer(other);
    let api = api(&clock, verifier);
    let of = |issuer: &FakeIssuer, audience: &str| {
        Token::of(issuer.url())
            .claim("aud", audience)
            .claim("roles", json!(["admin"]))
            .claim("realm_access", json!({"roles": ["moderator"]}))
    };
    assert_eq!(status(&api, &of(&first, AUDIENCE).sign(&es)), 200);
    assert_eq!(status(&api, &of(&first, AUDIENCE).sign(&rs)), 401);
    assert_eq!(status(&api, &of(&first, "https://other.example").sign(&es)), 401);
    assert_eq!(status(&api, &of(&second, "https://other.example").sign(&rs)), 200);
    assert_eq!(status(&api, &of(&second, "https://other.example").sign(&es)), 401);
    assert_eq!(status(&api, &of(&second, AUDIENCE).sign(&rs)), 401);
    let nobody = of(&second, "https://other.example").without("sub");
    assert_eq!(status(&api, &nobody.sign(&rs)), 401);
    let get = |path: &str, token: &str| api.get(path).bearer(token).send().status;
    let (at_first, at_second) =
        (of(&first, AUDIENCE).sign(&es), of(&second, "https://other.example").sign(&rs));
    assert_eq!((get("/admin", &at_first), get("/admin", &at_second)), (200, 403));
    assert_eq!((get("/moderation", &at_first), get("/moderation", &at_second)), (200, 200));
}

#[test]
fn one_issuer_that_is_down_does_not_touch_the_other() {
    let (a, b) = (key("a"), key("b"));
    let (first, second, api) = two(&a, &b);
    first.answer_keys(Answer::Hang);
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| status(&api, &Token::of(first.url()).sign(&a)));
        eventually("the first is asked", || first.key_fetches() == 1);
        assert_eq!(status(&api, &Token::of(second.url()).sign(&b)), 200);
        first.answer_keys(Answer::status(500));
        assert_eq!(waits.join().unwrap(), 503);
    });
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let problem = |builder: VerifierBuilder| builder.build().unwrap_err().to_string();
    let nobody = |_: &str| None;
    assert!(
        problem(Verifier::with_resolver(nobody).max_resolved_issuers(0))
            .contains("max_resolved_issuers")
    );
    let twice = Verifier::builder("https://a.example", "x")
        .issuer(TrustedIssuer::new("https://a.example", "y"));
    assert!(problem(twice).contains("twice"));
    let second = Verifier::builder("https://a.example", "x")
        .issuer(TrustedIssuer::new("https://b.example", ""));
    assert!(problem(second).contains("audience"));
}
