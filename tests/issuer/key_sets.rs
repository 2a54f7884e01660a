//! Key sets with odd entries, and which key is taken.

use jwt_verify_tests::{Answer, SigningKey, base64url};
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
    ] {
        let bed = IssuerBed::new(&[]);
        bed.issuer.publish_json(&json!({"keys": [jwk, key("spare").jwk()]}));
        assert_eq!(bed.status(&ours), 401, "{jwk}");
    }
}

fn unnamed(key: &SigningKey, bed: &IssuerBed) -> String {
    Token::of(bed.issuer.url()).without_kid().sign(key)
}

fn bed_of(keys: &[Value]) -> IssuerBed {
    let bed = IssuerBed::new(&[]);
    bed.issuer.publish_json(&json!({ "keys": keys }));
    bed
}

/// Issuers that never write `kid` have two keys during a rotation.
#[test]
fn a_token_without_kid_finds_each_key_that_fits() {
    let rsa = SigningKey::new(Algorithm::RS256, "rsa");
    let keys = ["1", "2", "3", "4", "5"].map(key);
    for (count, expected) in [(1, 200), (2, 200), (4, 200), (5, 401)] {
        let published: Vec<Value> =
            keys.iter().take(count).chain([&rsa]).map(|key| without(key.jwk(), "kid")).collect();
        let bed = bed_of(&published);
        for key in keys.iter().take(count) {
            assert_eq!(bed.status_of(&unnamed(key, &bed)), expected, "{count}");
        }
        assert_eq!(bed.status_of(&unnamed(&rsa, &bed)), 200);
        assert_eq!(bed.status_of(&unnamed(&key("stranger"), &bed)), 401);
    }
}

#[test]
fn a_kid_that_two_types_share_finds_the_one_that_fits() {
    let (ec, rsa) = (key("same"), SigningKey::new(Algorithm::RS256, "same"));
    let bed = IssuerBed::new(&[&rsa, &ec]);
    assert_eq!((bed.status(&ec), bed.status(&rsa)), (200, 200));
}

/// Nodes of one issuer that each make a key of their own.
#[test]
fn four_keys_of_one_kid_are_tried() {
    let keys = [(); 5].map(|()| key("same"));
    let other = key("other");
    for (count, expected) in [(2, 200), (4, 200), (5, 401)] {
        let published: Vec<Value> =
            keys.iter().take(count).chain([&other]).map(SigningKey::jwk).collect();
        let bed = bed_of(&published);
        for key in keys.iter().take(count) {
            assert_eq!(bed.status(key), expected, "{count}");
        }
        assert_eq!((bed.status(&key("same")), bed.status(&other)), (401, 200));
        // What none of them has signed asks once for a replacement, as with one key.
        let fetches = bed.issuer.key_fetches();
        for _ in 0..5 {
            assert_eq!(bed.status(&key("same")), 401);
        }
        assert_eq!((bed.issuer.key_fetches(), fetches), (2, 2), "{count}");
    }
}

#[test]
fn keys_that_replaced_all_of_one_kid_are_noticed() {
    let old = [(); 4].map(|()| key("same"));
    let new = [(); 4].map(|()| key("same"));
    let bed = bed_of(&old.each_ref().map(SigningKey::jwk));
    assert!(old.iter().all(|key| bed.status(key) == 200));
    assert_eq!(bed.issuer.key_fetches(), 1);
    bed.issuer.publish(&new.each_ref());
    assert_eq!(bed.status(&new[3]), 200);
    assert_eq!(bed.issuer.key_fetches(), 2);
    assert!(new.iter().all(|key| bed.status(key) == 200));
    assert_eq!((bed.status(&old[3]), bed.issuer.key_fetches()), (401, 3));
}

/// RFC 7515 §4.1.4: a `kid` is a hint.
#[test]
fn a_key_without_kid_serves_until_one_has_the_kid_of_the_token() {
    let (small, named, new) = (key("sent"), key("named"), key("new"));
    let nameless = without(small.jwk(), "kid");
    let bed = bed_of(&[nameless.clone(), named.jwk()]);
    assert_eq!((bed.status(&small), bed.status(&named)), (200, 200));
    // It does not serve for a key that has a name.
    assert_eq!(
        bed.status_of(&Token::of(bed.issuer.url()).header("kid", "named").sign(&small)),
        401
    );
    assert_eq!(bed.status_of(&Token::of(bed.issuer.url()).header("kid", "").sign(&small)), 401);
    bed.advance(30);
    let fetches = bed.issuer.key_fetches();
    // A rotation is noticed.
    bed.issuer.publish_json(&json!({"keys": [nameless, named.jwk(), new.jwk()]}));
    assert_eq!((bed.status(&new), bed.issuer.key_fetches()), (200, fetches + 1));
    assert_eq!((bed.status(&small), bed.status(&new)), (200, 200));
}

/// It is asked for as any other that is unknown, and within the same bounds.
#[test]
fn a_key_without_kid_does_not_hide_that_a_kid_is_unknown() {
    let (nameless, stranger) = (key("any"), key("stranger"));
    let bed = bed_of(&[without(nameless.jwk(), "kid")]);
    let status =
        |kid: &str, key| bed.status_of(&Token::of(bed.issuer.url()).header("kid", kid).sign(key));
    assert_eq!(status("a", &nameless), 200);
    for _ in 0..5 {
        assert_eq!(status("a", &stranger), 401);
    }
    assert_eq!(bed.issuer.key_fetches(), 2);
    let expired = Token::of(bed.issuer.url()).header("kid", "b").claim("exp", 1).without("iat");
    assert_eq!((bed.status_of(&expired.sign(&stranger)), bed.issuer.key_fetches()), (401, 2));
    let statuses: Vec<u16> =
        (0..5).map(|number| status(&format!("k{number}"), &stranger)).collect();
    assert_eq!((statuses, bed.issuer.key_fetches()), (vec![401, 429, 429, 429, 429], 3));
    assert_eq!((status("k4", &nameless), bed.issuer.key_fetches()), (200, 3));

    // A key that was withdrawn is not asked for, although another could be tried.
    let (old, kept) = (key("old"), key("kept"));
    let bed = bed_of(&[old.jwk(), kept.jwk(), without(nameless.jwk(), "kid")]);
    assert_eq!(bed.status(&old), 200);
    bed.issuer.publish_json(&json!({"keys": [kept.jwk(), without(nameless.jwk(), "kid")]}));
    bed.advance(480);
    eventually("the refusal", || bed.status(&old) == 401);
    assert_eq!((bed.status(&old), bed.issuer.key_fetches()), (401, 2));
}

/// An issuer that cannot be asked for a key is no reason to call a token bad.
#[test]
fn out_of_reach_is_not_unauthorized_because_of_a_key_without_kid() {
    let (nameless, new) = (key("any"), key("new"));
    let bed = bed_of(&[without(nameless.jwk(), "kid")]);
    assert_eq!(bed.status(&nameless), 200);
    bed.issuer.answer_keys(Answer::status(500));
    assert_eq!((bed.status(&new), bed.status(&nameless)), (503, 200));
}

/// How serializers, Java's numbers and people write keys.
#[test]
fn keys_that_are_written_untidily_are_used() {
    let (ec, rsa) = (key("k"), SigningKey::new(Algorithm::RS256, "k"));
    let number = |zeros: usize| base64url([vec![0; zeros], rsa.modulus()].concat());
    let standard = |text: &Value| text.as_str().unwrap().replace('-', "+").replace('_', "/") + "=";
    for (key, jwk) in [
        (&ec, with(ec.jwk(), "d", Value::Null)),
        (&ec, with(ec.jwk(), "key_ops", json!([]))),
        (&ec, with(ec.jwk(), "use", Value::Null)),
        (&ec, with(ec.jwk(), "alg", Value::Null)),
        (&ec, with(ec.jwk(), "kid", Value::Null)),
        (&ec, with(ec.jwk(), "use", json!("jwt-svid"))),
        (&ec, with(ec.jwk(), "x", json!(standard(&ec.jwk()["x"])))),
        (&rsa, with(rsa.jwk(), "n", json!(number(1)))),
        (&rsa, with(rsa.jwk(), "e", json!("AAEAAQ"))),
        (&rsa, with(with(rsa.jwk(), "oth", json!([])), "k", Value::Null)),
    ] {
        let bed = bed_of(std::slice::from_ref(&jwk));
        assert_eq!(bed.status(key), 200, "{jwk}");
    }
    for jwk in [
        with(ec.jwk(), "d", json!("AA")),
        with(ec.jwk(), "k", json!("AA")),
        with(ec.jwk(), "kty", Value::Null),
        with(ec.jwk(), "x", json!(standard(&ec.jwk()["y"]))),
    ] {
        let bed = bed_of(&[jwk.clone(), key("spare").jwk()]);
        assert_eq!(bed.status(&ec), 401, "{jwk}");
    }
}

#[test]
fn one_key_with_and_without_alg_is_one_key() {
    let rsa = SigningKey::new(Algorithm::RS256, "k");
    let (bare, other) =
        (without(without(rsa.jwk(), "alg"), "use"), with(rsa.jwk(), "alg", json!("PS256")));
    for keys in [[rsa.jwk(), bare.clone()], [bare.clone(), rsa.jwk()], [other, rsa.jwk()]] {
        let bed = bed_of(&keys);
        assert_eq!((bed.status(&rsa), bed.issuer.key_fetches()), (200, 1), "{keys:?}");
    }
}

/// RFC 9864 §2.2: one key, whatever its `alg` says. Which name tokens may have is for the list.
#[test]
fn an_ed25519_key_serves_the_names_that_are_accepted() {
    let ed = SigningKey::new(Algorithm::EdDSA, "ed");
    let both = [Algorithm::EdDSA, Algorithm::Ed25519];
    for jwk in
        [ed.jwk(), with(ed.jwk(), "alg", json!("Ed25519")), with(ed.jwk(), "alg", Value::Null)]
    {
        let issuer = FakeIssuer::start(&[]);
        issuer.publish_json(&json!({"keys": [jwk]}));
        for (accepted, statuses) in
            [(&both[..1], [200, 401]), (&both[1..], [401, 200]), (&both[..], [200, 200])]
        {
            let provider = JwksProvider::builder(issuer.jwks_uri()).build().unwrap();
            let trusted = TrustedIssuer::new(issuer.url(), AUDIENCE)
                .algorithms(accepted.iter().copied())
                .keys(provider);
            let auth = JwtAuth::for_issuer(trusted).build().unwrap();
            let api = TestServer::start(move || {
                App::new().route("/", actix_web::web::get().to(|| async { "" })).wrap(auth.clone())
            });
            for (name, status) in both.iter().zip(statuses) {
                let token = Token::now(issuer.url()).header("alg", name.name()).sign(&ed);
                assert_eq!(api.get("/").bearer(token).send().status, status, "{name} {accepted:?}");
            }
        }
    }
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
