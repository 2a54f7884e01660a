//! What the issuer puts into tokens, and what verifies them.

use std::{collections::HashSet, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jwt_verify::{
    Algorithm, AuthError, BoxFuture, JwkSet, Secret, StoreUnavailable, TokenProfile, TrustedIssuer,
    Verifier,
    issuing::{IssuingError, SecretStore, SigningKey, TokenIssuer},
    sessions::Sessions,
};
use jwt_verify_tests::TestClock;
use serde_json::{Value, json};

use crate::{AUDIENCE, ISSUER, builder, issuer, key, wait};

pub(crate) fn part(token: &str, index: usize) -> Value {
    let segment = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(segment).unwrap()).unwrap()
}

#[test]
fn tokens_of_every_algorithm_verify_by_the_published_keys() {
    for algorithm in Algorithm::ALL {
        let issuer = builder(algorithm).build().unwrap();
        let token = issuer.access_token(&"alice").roles(["editor"]).sign().unwrap();
        let header = part(token.as_str(), 0);
        assert_eq!((&header["typ"], &header["alg"]), (&json!("at+jwt"), &json!(algorithm.name())));
        let own = issuer.verifier().build().unwrap();
        assert!(wait(own.verify(token.as_str())).unwrap().has_role("editor"), "{algorithm}");
        let published = issuer.key_set();
        let keys = published["keys"].as_array().unwrap();
        if algorithm.is_symmetric() {
            assert!(keys.is_empty(), "a secret is never published");
            continue;
        }
        assert_eq!(keys[0]["kid"], header["kid"]);
        assert_eq!((&keys[0]["use"], &keys[0]["alg"]), (&json!("sig"), &header["alg"]));
        let elsewhere = Verifier::for_issuer(
            TrustedIssuer::new(ISSUER, AUDIENCE)
                .algorithms([algorithm])
                .keys(JwkSet::from_json(published.to_string().as_bytes()).unwrap()),
        )
        .build()
        .unwrap();
        let claims = wait(elsewhere.verify(token.as_str())).unwrap();
        assert_eq!(claims.subject(), Some("alice"), "{algorithm}");
    }
}

#[test]
fn the_strict_profile_is_met_where_the_client_is_named() {
    let issuer = builder(Algorithm::ES256).client_id("web").build().unwrap();
    let token = issuer.access_token(&7).sign().unwrap();
    let strict = issuer.trusted_issuer().token_profile(TokenProfile::AccessToken);
    let strict = Verifier::for_issuer(strict).build().unwrap();
    let claims = wait(strict.verify(token.as_str())).unwrap();
    assert_eq!(claims.subject(), Some("7"), "a number becomes a string");
    assert_eq!(claims.get("client_id"), Some(&json!("web")));
}

/// RFT-11.
#[test]
fn additional_claims_cannot_replace_reserved_ones() {
    let issuer = issuer(&TestClock::new());
    for name in [
        "iss",
        "sub",
        "aud",
        "exp",
        "nbf",
        "iat",
        "jti",
        "sid",
        "roles",
        "permissions",
        "fresh",
        "auth_time",
        "token_use",
        "cnf",
    ] {
        let one = issuer.access_token(&"a").claim(name, 1).sign();
        assert_eq!(one.err(), Some(IssuingError::ReservedClaim), "{name}");
        let several = issuer.access_token(&"a").claims(json!({ "x": 1, name: 1 })).sign();
        assert_eq!(several.err(), Some(IssuingError::ReservedClaim), "{name}");
    }
    let good = issuer.access_token(&"a").claims(json!({"theme": "dark"})).sign().unwrap();
    assert_eq!(part(good.as_str(), 1)["theme"], "dark");
    for wrong in [json!([1]), json!("x"), Value::Null] {
        let claims = issuer.access_token(&"a").claims(wrong).sign();
        assert_eq!(claims.err(), Some(IssuingError::Claims));
    }
}

/// WEA-11: how strong a login was is not copied from anywhere.
#[test]
fn the_strength_of_a_login_is_no_additional_claim() {
    let issuer = issuer(&TestClock::new());
    let profile = json!({"nickname": "ada", "acr": "urn:example:mfa"});
    let copied = issuer.access_token(&"a").claims(profile).sign();
    assert_eq!(copied.err(), Some(IssuingError::ReservedClaim));
    let copied = issuer.access_token(&"a").claim("amr", ["otp"]).sign();
    assert_eq!(copied.err(), Some(IssuingError::ReservedClaim));
    let said = issuer.access_token(&"a").acr("urn:example:mfa").amr(["pwd", "otp"]).sign().unwrap();
    let said = part(said.as_str(), 1);
    assert_eq!((&said["acr"], &said["amr"]), (&json!("urn:example:mfa"), &json!(["pwd", "otp"])));
}

/// WEA-11: a refresh says of the login what was said then, and not more.
#[test]
fn a_refreshed_token_speaks_of_the_same_login() {
    let clock = TestClock::new();
    let sessions = Sessions::builder(issuer(&clock)).build().unwrap();
    let strong = wait(sessions.create(&"a", |token| token.acr("mfa").amr(["pwd", "otp"]))).unwrap();
    let weak = wait(sessions.create(&"b", |token| token.roles(["user"]))).unwrap();
    for (mut tokens, acr, amr) in
        [(strong, json!("mfa"), json!(["pwd", "otp"])), (weak, Value::Null, Value::Null)]
    {
        for granted in [None, Some("another")] {
            clock.advance(Duration::from_secs(600));
            tokens = wait(async {
                let grant = sessions.redeem(tokens.refresh.as_str()).await?;
                match granted {
                    Some(acr) => grant.issue(|token| token.acr(acr).amr(["face"])).await,
                    None => grant.issue(|token| token).await,
                }
            })
            .unwrap();
            let said = part(tokens.access.as_str(), 1);
            assert_eq!((&said["acr"], &said["amr"]), (&acr, &amr));
            assert_eq!(said["fresh"], json!(false));
        }
    }
}

/// WEA-11: what is copied replaces nothing that was set before.
#[test]
fn a_claim_is_set_once() {
    let issuer = issuer(&TestClock::new());
    let copied = json!({"nickname": "mallory", "org_id": "victim"});
    let token = || issuer.access_token(&"a");
    for twice in [
        token().claim("org_id", "own").claims(copied.clone()),
        token().claims(copied).claim("org_id", "own"),
        token().claim("x", 1).claim("x", 1),
        token().roles(["reader"]).roles(["admin"]),
        token().scope("a").scope("b"),
        token().acr("one").acr("two"),
        token().session("one").session("two"),
        token().fresh().fresh(),
    ] {
        assert_eq!(twice.sign().err(), Some(IssuingError::RepeatedClaim));
    }
}

#[test]
fn a_subject_is_a_string_or_a_whole_number() {
    let issuer = issuer(&TestClock::new());
    for wrong in [json!(""), json!(1.5), json!(null), json!(true), json!(["a"]), json!({"a": 1})] {
        let token = issuer.access_token(&wrong).sign();
        assert_eq!(token.err(), Some(IssuingError::Subject), "{wrong}");
    }
}

/// A vault with one secret of each kind.
struct Vault;

impl SecretStore for Vault {
    fn secret<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Secret, StoreUnavailable>> {
        Box::pin(std::future::ready(match name {
            "shared" => Ok(Secret::from("s".repeat(32))),
            _ => Err(StoreUnavailable::new()),
        }))
    }
}

#[test]
fn a_key_comes_out_of_a_store() {
    let load = |algorithm, name| wait(SigningKey::from_store(algorithm, &Vault, name));
    assert!(load(Algorithm::HS256, "shared").is_ok());
    assert!(load(Algorithm::ES256, "shared").is_err(), "it is no private key");
    assert!(load(Algorithm::HS256, "another").is_err());
}

#[test]
fn a_token_can_be_for_several_apis_and_says_what_it_grants() {
    let other = "https://other.example";
    let issuer = builder(Algorithm::ES256).audience(other).build().unwrap();
    let token = issuer.access_token(&1).permissions(["read:posts"]).scope("a b").sign().unwrap();
    for audience in [AUDIENCE, other] {
        let trusted = TrustedIssuer::new(ISSUER, audience).algorithms([Algorithm::ES256]);
        let verifier = Verifier::for_issuer(trusted.keys(issuer.keys())).build().unwrap();
        let claims = wait(verifier.verify(token.as_str())).unwrap();
        assert!(claims.has_permission("read:posts"));
        assert_eq!(claims.scopes().collect::<Vec<_>>(), ["a", "b"]);
    }
}

/// RFT-12, at a size that a test can wait for.
#[test]
fn no_two_tokens_have_one_name() {
    let issuer = builder(Algorithm::HS256).build().unwrap();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let issuer = issuer.clone();
            let mint = move || issuer.access_token(&1).sign().unwrap().id().to_owned();
            std::thread::spawn(move || (0..25_000).map(|_| mint()).collect::<Vec<_>>())
        })
        .collect();
    let names: Vec<String> =
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    assert_eq!(names.iter().collect::<HashSet<_>>().len(), 100_000);
    assert!(names.iter().all(|name| name.len() == 22), "128 bits");
}

/// RFT-13: announced, then used; the one before is good until its last token has expired.
#[test]
fn keys_follow_each_other_without_a_gap() {
    let clock = TestClock::new();
    let issuer = issuer(&clock);
    let verifier = issuer.verifier().build().unwrap();
    let before = issuer.access_token(&1).sign().unwrap();
    let next = key(Algorithm::ES256);
    issuer.announce(next.clone()).unwrap();
    let published = |issuer: &TokenIssuer| issuer.key_set()["keys"].as_array().unwrap().len();
    assert_eq!(published(&issuer), 2);
    let still = issuer.access_token(&1).sign().unwrap();
    assert_ne!(part(still.as_str(), 0)["kid"], next.id());
    issuer.rotate(next.clone()).unwrap();
    let after = issuer.access_token(&1).sign().unwrap();
    assert_eq!(part(after.as_str(), 0)["kid"], next.id());
    for token in [&before, &still, &after] {
        assert!(wait(verifier.verify(token.as_str())).is_ok());
    }
    assert_eq!(published(&issuer), 2);
    clock.advance(Duration::from_secs(31 * 24 * 3600));
    assert_eq!(published(&issuer), 1, "nothing that it has signed is good any more");
    assert!(issuer.rotate(key(Algorithm::RS256)).is_err(), "verifiers do not expect it");
    let twin = key(Algorithm::ES256).with_id(next.id());
    assert!(issuer.rotate(twin.clone()).is_err(), "one ID is one key");
    assert!(issuer.announce(twin).is_err());
    assert!(issuer.rotate(next).is_ok(), "it signs already");
}

/// RFC 9864: the name changes, the verifiers of the issuer know both.
#[test]
fn eddsa_is_followed_by_ed25519() {
    let issuer = builder(Algorithm::EdDSA).build().unwrap();
    let verifier = issuer.verifier().build().unwrap();
    let before = issuer.access_token(&1).sign().unwrap();
    let next = key(Algorithm::Ed25519);
    issuer.announce(next.clone()).unwrap();
    issuer.rotate(next).unwrap();
    let after = issuer.access_token(&1).sign().unwrap();
    assert_eq!(part(after.as_str(), 0)["alg"], "Ed25519");
    for token in [&before, &after] {
        assert!(wait(verifier.verify(token.as_str())).is_ok());
    }
    assert!(issuer.rotate(key(Algorithm::ES512)).is_err(), "verifiers do not expect it");
}

/// RFC 9964: from a curve to ML-DSA and back, without a token that is refused.
#[test]
fn es256_is_followed_by_ml_dsa() {
    let clock = TestClock::new();
    let issuer = issuer(&clock);
    let verifier = issuer.verifier().build().unwrap();
    let before = issuer.access_token(&1).sign().unwrap();
    let next = key(Algorithm::MlDsa65);
    issuer.announce(next.clone()).unwrap();
    let published = issuer.key_set();
    let jwk = &published["keys"][1];
    assert_eq!((&jwk["kty"], &jwk["alg"]), (&json!("AKP"), &json!("ML-DSA-65")));
    assert_eq!((jwk["kid"].as_str(), jwk.get("priv")), (Some(next.id()), None));
    let elsewhere = Verifier::for_issuer(
        TrustedIssuer::new(ISSUER, AUDIENCE)
            .algorithms([Algorithm::ES256, Algorithm::MlDsa65])
            .keys(JwkSet::from_json(published.to_string().as_bytes()).unwrap()),
    )
    .clock(clock.clone())
    .build()
    .unwrap();
    issuer.rotate(next).unwrap();
    let after = issuer.access_token(&1).sign().unwrap();
    assert_eq!(part(after.as_str(), 0)["alg"], "ML-DSA-65");
    issuer.rotate(key(Algorithm::ES256)).unwrap();
    let back = issuer.access_token(&1).sign().unwrap();
    for token in [&before, &after, &back] {
        assert!(wait(verifier.verify(token.as_str())).is_ok());
    }
    for token in [&before, &after] {
        assert!(wait(elsewhere.verify(token.as_str())).is_ok());
    }
    assert!(issuer.rotate(key(Algorithm::ES384)).is_err(), "verifiers do not expect it");
}

/// A secret and a private key never share a list.
#[test]
fn a_secret_is_not_followed_by_ml_dsa() {
    let issuer = builder(Algorithm::HS256).build().unwrap();
    assert!(issuer.announce(key(Algorithm::MlDsa65)).is_err());
    assert!(issuer.rotate(key(Algorithm::MlDsa65)).is_err());
}

#[test]
fn a_stolen_key_is_withdrawn_with_all_that_it_has_signed() {
    let issuer = issuer(&TestClock::new());
    let verifier = issuer.verifier().build().unwrap();
    let token = issuer.access_token(&1).sign().unwrap();
    let stolen = part(token.as_str(), 0)["kid"].as_str().unwrap().to_owned();
    assert!(wait(verifier.verify(token.as_str())).is_ok());
    assert!(issuer.withdraw(&stolen).is_err(), "it signs");
    issuer.rotate(key(Algorithm::ES256)).unwrap();
    assert!(wait(verifier.verify(token.as_str())).is_ok());
    issuer.withdraw(&stolen).unwrap();
    let refused = wait(verifier.verify(token.as_str())).unwrap_err();
    assert_eq!(refused.reason(), "unknown_key", "although it was remembered");
    assert!(issuer.withdraw("nobody").is_err());
}

/// RFT-15.
#[test]
fn keys_that_do_not_fit_stop_the_start() {
    for (algorithm, bytes) in
        [(Algorithm::HS256, 31), (Algorithm::HS384, 47), (Algorithm::HS512, 63)]
    {
        let secret = |bytes| Secret::from("x".repeat(bytes));
        assert!(SigningKey::from_secret(algorithm, &secret(bytes)).is_err());
        assert!(SigningKey::from_secret(algorithm, &secret(bytes + 1)).is_ok());
    }
}

/// RFT-15, with keys from elsewhere.
#[test]
#[ignore = "needs OpenSSL: ./tests/run.sh"]
fn private_keys_of_another_kind_or_strength_stop_the_start() {
    let pem = |command: &[&str]| {
        let made = std::process::Command::new("openssl").args(command).output().unwrap();
        made.stdout
    };
    let weak = pem(&["genrsa", "1024"]);
    assert!(SigningKey::from_pem(Algorithm::RS256, &weak).is_err());
    let good = pem(&["genrsa", "2048"]);
    assert!(SigningKey::from_pem(Algorithm::RS256, &good).is_ok());
    assert!(SigningKey::from_pem(Algorithm::ES256, &good).is_err());
    let curve = pem(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    assert!(SigningKey::from_pem(Algorithm::ES256, &curve).is_ok());
    assert!(SigningKey::from_pem(Algorithm::ES384, &curve).is_err());
}

#[test]
fn settings_that_cannot_work_stop_the_start() {
    let with = |issuer: &str, audience: &str| {
        TokenIssuer::builder(issuer, audience, key(Algorithm::ES256))
    };
    assert!(with("", AUDIENCE).build().is_err());
    assert!(with(ISSUER, "").build().is_err());
    assert!(with(ISSUER, ISSUER).build().is_err(), "refresh tokens are for the issuer itself");
    let day = Duration::from_secs(24 * 3600);
    assert!(with(ISSUER, AUDIENCE).access_lifetime(Duration::ZERO).build().is_err());
    assert!(with(ISSUER, AUDIENCE).access_lifetime(2 * day).build().is_err());
    let issuer = with(ISSUER, AUDIENCE).build().unwrap();
    let sessions = || Sessions::builder(issuer.clone());
    assert!(sessions().lifetime(31 * day).build().is_err(), "keys are not kept that long");
    assert!(sessions().idle_timeout(Duration::from_secs(60)).build().is_err());
    assert!(sessions().reuse_grace_period(Duration::from_secs(61)).build().is_err());
    assert!(sessions().build().is_ok());
}

/// Access and refresh tokens never stand in for each other.
#[test]
fn each_kind_is_taken_only_where_it_belongs() {
    let sessions = Sessions::builder(issuer(&TestClock::new())).build().unwrap();
    let tokens = wait(sessions.create(&1, |token| token)).unwrap();
    let api = sessions.verifier().build().unwrap();
    assert!(wait(api.verify(tokens.access.as_str())).is_ok());
    let refused = wait(api.verify(tokens.refresh.as_str())).unwrap_err();
    assert!(matches!(refused, AuthError::InvalidToken(_)), "{refused:?}");
    assert!(wait(sessions.redeem(tokens.refresh.as_str())).is_ok());
    assert!(wait(sessions.redeem(tokens.access.as_str())).is_err());
    let claims = wait(api.verify(tokens.access.as_str())).unwrap();
    assert!(sessions.redeem_claims(claims).is_err());
}

/// Any algorithm that was named before may follow; one that was not may not.
#[test]
fn named_algorithms_follow_each_other() {
    let named = [Algorithm::Ed25519, Algorithm::RS256];
    let issuer = builder(Algorithm::ES256).next_algorithms(named).build().unwrap();
    let verifier = issuer.verifier().build().unwrap();
    let mut tokens = vec![issuer.access_token(&1).sign().unwrap()];
    for next in [Algorithm::MlDsa65, Algorithm::Ed25519, Algorithm::RS256, Algorithm::ES256] {
        let next = key(next);
        issuer.announce(next.clone()).unwrap();
        issuer.rotate(next).unwrap();
        tokens.push(issuer.access_token(&1).sign().unwrap());
        for token in &tokens {
            assert!(wait(verifier.verify(token.as_str())).is_ok());
        }
    }
    for other in [Algorithm::ES512, Algorithm::HS256] {
        assert!(issuer.rotate(key(other)).is_err(), "{other}");
    }
    // A secret cannot be published, and what verifies with it can sign.
    for (first, next) in
        [(Algorithm::ES256, Algorithm::HS256), (Algorithm::HS256, Algorithm::ES256)]
    {
        let mixed = builder(first).next_algorithms([next]).build();
        assert!(mixed.unwrap_err().to_string().starts_with("next_algorithms: "));
    }
}
