//! ID tokens: OIDC Core §3.1.3.7, rule by rule.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jwt_verify::{
    Algorithm, AuthError, JwkSet, TrustedIssuer, VerificationKey, Verifier,
    oidc::{IdTokenChecks, IdTokenVerifier},
};
use jwt_verify_tests::{START, SigningKey, TestClock, Token};
use serde_json::{Value, json};

use crate::wait;

const ISSUER: &str = "https://login.example";
const CLIENT: &str = "my-client";

/// The answer to a login with this nonce.
fn id_token() -> Token {
    Token::of(ISSUER).claim("aud", CLIENT).claim("nonce", "n-1")
}

struct IdTokenBed {
    key: SigningKey,
    clock: TestClock,
    verifier: IdTokenVerifier,
}

fn keys(key: &SigningKey) -> JwkSet {
    JwkSet::new([VerificationKey::from_jwk(&key.jwk().to_string()).unwrap()])
}

impl IdTokenBed {
    fn new() -> Self {
        let (key, clock) = (SigningKey::new(Algorithm::RS256, "k"), TestClock::new());
        let verifier =
            IdTokenVerifier::for_issuer(TrustedIssuer::new(ISSUER, CLIENT).keys(keys(&key)))
                .clock(clock.clone())
                .trusted_audience("a-partner")
                .build()
                .unwrap();
        Self { key, clock, verifier }
    }

    fn reason(&self, token: &Token, checks: &IdTokenChecks<'_>) -> &'static str {
        match wait(self.verifier.verify(token.sign(&self.key), checks)) {
            Ok(claims) => {
                assert_eq!(claims.subject(), Some("alice"));
                "ok"
            }
            Err(error) => error.reason(),
        }
    }
}

fn half(of: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, of.as_bytes());
    URL_SAFE_NO_PAD.encode(&digest.as_ref()[..16])
}

#[test]
fn the_token_of_the_login_is_accepted_and_no_other() {
    let bed = IdTokenBed::new();
    let checks = IdTokenChecks::nonce("n-1");
    assert_eq!(bed.reason(&id_token(), &checks), "ok");
    for (name, value, reason) in [
        ("nonce", json!("n-2"), "nonce"),
        ("nonce", json!(5), "nonce"),
        ("iss", json!("https://evil.example"), "issuer"),
        ("aud", json!("another-client"), "audience"),
        ("aud", json!([CLIENT, "a-stranger"]), "audience"),
        ("aud", json!([CLIENT, "a-partner"]), "client"),
        ("azp", json!("another-client"), "client"),
        ("azp", json!(5), "client"),
        ("iat", json!(START + 61), "issued_at"),
        ("token_use", json!("access"), "token_type"),
        ("events", json!({}), "token_type"),
    ] {
        let token = id_token().claim(name, value.clone());
        assert_eq!(bed.reason(&token, &checks), reason, "{name} {value}");
    }
    let expired = id_token().claim("iat", START - 100).claim("exp", START - 60);
    assert_eq!(bed.reason(&expired, &checks), "token_expired");
    for name in ["sub", "iat"] {
        assert_eq!(bed.reason(&id_token().without(name), &checks), "missing_claim", "{name}");
    }
    assert_eq!(bed.reason(&id_token().without("nonce"), &checks), "nonce");
    assert_eq!(bed.reason(&id_token().header("typ", "at+jwt"), &checks), "token_type");
    let several = id_token().claim("aud", json!([CLIENT, "a-partner"])).claim("azp", CLIENT);
    assert_eq!(bed.reason(&several, &checks), "ok");
    let stranger = SigningKey::new(Algorithm::RS256, "k");
    let forged = wait(bed.verifier.verify(id_token().sign(&stranger), &checks));
    assert_eq!(forged.unwrap_err().reason(), "signature");
}

/// Google's apps request a token for their server: `azp` is the app, `aud` the server.
#[test]
fn a_party_counts_only_if_it_is_trusted() {
    let key = SigningKey::new(Algorithm::RS256, "k");
    let builder = || {
        let issuer = TrustedIssuer::new(ISSUER, CLIENT).keys(keys(&key));
        IdTokenVerifier::for_issuer(issuer).clock(TestClock::new())
    };
    let trusting = builder().trusted_party("android").trusted_party("ios").build().unwrap();
    let strict = builder().build().unwrap();
    let reason = |verifier: &IdTokenVerifier, token: &Token| {
        let checks = IdTokenChecks::nonce("n-1");
        wait(verifier.verify(token.sign(&key), &checks))
            .map_or_else(|error| error.reason(), |_| "ok")
    };
    for party in ["android", "ios"] {
        let token = id_token().claim("azp", party);
        assert_eq!(reason(&trusting, &token), "ok", "{party}");
        assert_eq!(reason(&strict, &token), "client", "{party}");
    }
    assert_eq!(reason(&trusting, &id_token()), "ok");
    assert_eq!(reason(&trusting, &id_token().claim("azp", CLIENT)), "ok");
    for party in [json!("another"), json!(""), json!("Android"), json!(["android"]), json!(5)] {
        assert_eq!(reason(&trusting, &id_token().claim("azp", party.clone())), "client", "{party}");
    }
    // It is no audience.
    let theirs = id_token().claim("azp", "android");
    assert_eq!(reason(&trusting, &theirs.clone().claim("aud", "android")), "audience");
    assert_eq!(reason(&trusting, &theirs.claim("aud", json!([CLIENT, "android"]))), "audience");
    assert!(builder().trusted_party("").build().is_err());
}

#[test]
fn a_login_without_nonce_takes_no_token_of_another_login() {
    let bed = IdTokenBed::new();
    let checks = IdTokenChecks::without_nonce();
    assert_eq!(bed.reason(&id_token().without("nonce"), &checks), "ok");
    assert_eq!(bed.reason(&id_token(), &checks), "nonce");
}

#[test]
fn what_came_along_must_fit() {
    let bed = IdTokenBed::new();
    let checks = IdTokenChecks::nonce("n-1").access_token("an-access-token").code("a-code");
    let with = |at: Value, c: Value| id_token().claim("at_hash", at).claim("c_hash", c);
    let (at, c) = (json!(half("an-access-token")), json!(half("a-code")));
    assert_eq!(bed.reason(&with(at.clone(), c.clone()), &checks), "ok");
    assert_eq!(bed.reason(&id_token(), &checks), "ok", "they are optional in this flow");
    for (at, c) in [
        (json!(half("another")), c.clone()),
        (json!(5), c.clone()),
        (json!(""), c),
        (at, json!(half("another"))),
    ] {
        assert_eq!(bed.reason(&with(at, c), &checks), "token_hash");
    }
}

/// WEA-15: what came through the browser could have been exchanged on the way.
#[test]
fn what_came_along_through_the_browser_must_have_a_hash() {
    let bed = IdTokenBed::new();
    let checks = || IdTokenChecks::nonce("n-1").from_front_channel();
    let both = || checks().access_token("an-access-token").code("a-code");
    let (at, c) = (json!(half("an-access-token")), json!(half("a-code")));
    let with = |name: &str, hash: &Value| id_token().claim(name, hash.clone());
    let complete = with("at_hash", &at).claim("c_hash", c.clone());
    assert_eq!(bed.reason(&complete, &both()), "ok");
    assert_eq!(bed.reason(&with("at_hash", &at), &both()), "token_hash");
    assert_eq!(bed.reason(&with("c_hash", &c), &both()), "token_hash");
    assert_eq!(bed.reason(&id_token(), &both()), "token_hash");
    assert_eq!(bed.reason(&with("c_hash", &c), &checks().code("a-code")), "ok");
    assert_eq!(bed.reason(&with("c_hash", &at), &checks().code("a-code")), "token_hash");
    assert_eq!(bed.reason(&id_token(), &checks().code("a-code")), "token_hash");
    assert_eq!(bed.reason(&id_token(), &checks()), "ok", "nothing came along");
}

#[test]
fn a_login_that_was_too_long_ago_does_not_count() {
    let bed = IdTokenBed::new();
    let checks = IdTokenChecks::nonce("n-1").max_age(Duration::from_secs(300));
    let at = |seconds: u64| id_token().claim("auth_time", seconds).claim("exp", START + 9000);
    assert_eq!(bed.reason(&at(START - 360), &checks), "ok");
    let late = "insufficient_user_authentication";
    assert_eq!(bed.reason(&at(START - 361), &checks), late);
    assert_eq!(bed.reason(&id_token(), &checks), "missing_claim");
    bed.clock.advance(Duration::from_secs(361));
    assert_eq!(bed.reason(&at(START), &checks), late);
}

/// WEA-15: it would be recent for ever.
#[test]
fn a_login_is_not_in_the_future() {
    let bed = IdTokenBed::new();
    let checks = IdTokenChecks::nonce("n-1").max_age(Duration::from_secs(300));
    let at = |seconds: u64| id_token().claim("auth_time", seconds).claim("exp", START + 9000);
    assert_eq!(bed.reason(&at(START + 60), &checks), "ok", "clocks may differ");
    for ahead in [61, 3600, 1_000_000_000] {
        let reason = bed.reason(&at(START + ahead), &checks);
        assert_eq!(reason, "auth_time", "{ahead}");
    }
}

/// An ID token is no access token and the other way round, of the same issuer and for the same name.
#[test]
fn neither_kind_is_taken_for_the_other() {
    let bed = IdTokenBed::new();
    let api = Verifier::for_issuer(TrustedIssuer::new(ISSUER, CLIENT).keys(keys(&bed.key)))
        .clock(bed.clock.clone())
        .build()
        .unwrap();
    let id_token = id_token().sign(&bed.key);
    let refused = wait(api.verify(&id_token)).unwrap_err();
    assert!(matches!(refused, AuthError::InvalidToken(_)));
    let access = Token::of(ISSUER).claim("aud", CLIENT).header("typ", "at+jwt");
    assert!(wait(api.verify(access.sign(&bed.key))).is_ok());
    assert_eq!(bed.reason(&access, &IdTokenChecks::without_nonce()), "token_type");
}

#[test]
fn it_may_come_in_a_cookie() {
    let bed = IdTokenBed::new();
    let checks = IdTokenChecks::nonce("n-1");
    let request = |cookie: &str| {
        actix_web::test::TestRequest::get().insert_header(("cookie", cookie)).to_http_request()
    };
    let token = id_token().sign(&bed.key);
    let ask = |cookie: &str| wait(bed.verifier.verify_cookie(&request(cookie), "id", &checks));
    assert!(ask(&format!("id={token}")).is_ok());
    assert_eq!(ask("other=x").unwrap_err(), AuthError::MissingToken);
    assert_eq!(ask("id=a; id=b").unwrap_err().code(), "invalid_request");
}
