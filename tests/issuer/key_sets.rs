//! Key sets with odd entries, and which key is taken.

use jwt_verify_tests::SigningKey;
use serde_json::{Value, json};

use super::*;

fn with(mut jwk: Value, name: &str, value: Value) -> Value {
    jwk[name] = value;
    jwk
}

fn without(mut jwk: Value, name: &str) -> Value {
    jwk.as_object_mut().unwrap().remove(name);
    jwk
}

/// JWK-10
#[test]
fn one_odd_entry_does_not_cost_the_others() {
    let good = key("good");
    for odd in [
        json!(null),
        json!("x"),
        json!([]),
        json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"}),
        json!({"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"}),
        json!({"kty": "OKP", "crv": "X25519", "x": "AA"}),
        json!({"kty": "RSA", "e": "AQAB"}),
        with(key("odd").jwk(), "kid", json!(5)),
        with(key("odd").jwk(), "alg", json!(5)),
        with(key("odd").jwk(), "use", json!("enc")),
    ] {
        let bed = IssuerBed::new(&[]);
        bed.issuer.publish_json(&json!({"keys": [odd, good.jwk()]}));
        assert_eq!((bed.status(&good), bed.issuer.all_fetches()), (200, 1), "{odd}");
    }
}

#[test]
fn a_key_that_is_not_for_this_is_not_used() {
    let ours = key("ours");
    for jwk in [
        with(ours.jwk(), "use", json!("enc")),
        with(ours.jwk(), "key_ops", json!(["sign"])),
        with(ours.jwk(), "alg", json!("ES384")),
        with(ours.jwk(), "d", json!("AQAB")),
        with(ours.jwk(), "kid", json!("other")),
        without(ours.jwk(), "kid"),
    ] {
        let bed = IssuerBed::new(&[]);
        bed.issuer.publish_json(&json!({"keys": [jwk, key("spare").jwk()]}));
        assert_eq!(bed.status(&ours), 401, "{jwk}");
    }
}

#[test]
fn a_token_without_kid_needs_a_single_candidate() {
    let (first, second) = (key("first"), key("second"));
    let rsa = SigningKey::new(Algorithm::RS256, "rsa");
    let unnamed = |key: &SigningKey, bed: &IssuerBed| {
        let header = json!({"alg": key.algorithm().name()}).to_string();
        jwt_verify_tests::sign(key, header, Token::of(bed.issuer.url()).payload())
    };
    let bed = IssuerBed::new(&[&first, &rsa]);
    assert_eq!(bed.status_of(&unnamed(&first, &bed)), 200);
    assert_eq!(bed.status_of(&unnamed(&rsa, &bed)), 200);
    assert_eq!(bed.status_of(&unnamed(&second, &bed)), 401);
    let bed = IssuerBed::new(&[&first, &second]);
    assert_eq!(bed.status_of(&unnamed(&first, &bed)), 401);
    assert_eq!(bed.status_of(&unnamed(&second, &bed)), 401);
}

#[test]
fn a_kid_that_two_types_share_finds_the_one_that_fits() {
    let (ec, rsa) = (key("same"), SigningKey::new(Algorithm::RS256, "same"));
    let bed = IssuerBed::new(&[&rsa, &ec]);
    assert_eq!((bed.status(&ec), bed.status(&rsa)), (200, 200));
    let (one, two) = (key("same"), key("same"));
    let bed = IssuerBed::new(&[&one, &two, &rsa]);
    assert_eq!((bed.status(&one), bed.status(&two), bed.status(&rsa)), (401, 401, 200));
}

#[test]
fn two_issuers_keep_their_keys_apart() {
    let (ours, theirs) = (key("1"), key("1"));
    let (bed, other) = (IssuerBed::new(&[&ours]), IssuerBed::new(&[&theirs]));
    for _ in 0..2 {
        assert_eq!((bed.status(&ours), other.status(&theirs)), (200, 200));
        assert_eq!((bed.status(&theirs), other.status(&ours)), (401, 401));
    }
}
