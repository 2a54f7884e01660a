//! Keys that must not be used although their signatures are right.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair},
};
use jwt_verify::{Algorithm, JwkSet, keys::InvalidKeyError};
use jwt_verify_tests::{SigningKey, base64url};
use serde_json::{Value, json};

use super::*;

fn with(mut jwk: Value, name: &str, value: Value) -> Value {
    jwk[name] = value;
    jwk
}

#[test]
fn a_published_key_that_is_not_fit_is_skipped_and_the_others_stay() {
    let fit = || SigningKey::new(Algorithm::ES256, "odd");
    for (id, what, change) in [
        ("KEY-11", "use enc", ("use", json!("enc"))),
        ("KEY-12", "encrypt", ("key_ops", json!(["encrypt"]))),
        ("KEY-12", "sign", ("key_ops", json!(["sign"]))),
        ("KEY-12", "no list", ("key_ops", json!("verify"))),
        ("KEY-12", "twice", ("key_ops", json!(["verify", "verify"]))),
        ("KEY-13", "of encryption", ("alg", json!("RSA-OAEP"))),
        ("KEY-13", "unknown", ("alg", json!("ES521"))),
        ("KEY-13", "none", ("alg", json!("none"))),
        ("KEY-13", "empty", ("alg", json!(""))),
        ("KEY-09", "other curve", ("crv", json!("P-384"))),
        ("KEY-10", "curve of another type", ("crv", json!("Ed25519"))),
        ("KQ-04", "x too long", ("x", json!("AAf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVE"))),
        ("KQ-04", "empty x", ("x", json!(""))),
        ("KQ-08", "private", ("d", json!("AAAA"))),
        ("KID-05", "number", ("kid", json!(5))),
    ] {
        let key = fit();
        let published = with(key.jwk(), change.0, change.1);
        let bench = AttackBench::with(
            SigningKey::new(Algorithm::ES256, "good-key"),
            &[published],
            |issuer| issuer,
        );
        bench.play(&[bench.row(id, what, bench.bed.token().sign(&key), Expected::Invalid)]);
        assert_eq!((bench.skipped(), bench.usable()), (1, 1), "{id} {what}");
    }
}

/// Keys on P-521, of Ed25519 and of ML-DSA under the same rules: each change makes one unusable.
#[test]
fn a_newer_key_that_is_not_fit_is_skipped_and_the_others_stay() {
    let longer = |jwk: &Value, name: &str| json!(format!("{}AAAA", jwk[name].as_str().unwrap()));
    let shorter = |jwk: &Value, name: &str| {
        let text = jwk[name].as_str().unwrap();
        json!(&text[..text.len() - 4])
    };
    for algorithm in [
        Algorithm::ES512,
        Algorithm::Ed25519,
        Algorithm::MlDsa44,
        Algorithm::MlDsa65,
        Algorithm::MlDsa87,
    ] {
        let key = SigningKey::new(algorithm, "odd");
        let jwk = key.jwk();
        let mut changes = vec![
            ("KEY-11", "use", json!("enc")),
            ("KEY-12", "key_ops", json!(["sign"])),
            ("KEY-13", "alg", json!("none")),
            ("KEY-13", "alg", json!("RS256")),
            ("KEY-13", "alg", json!("HS256")),
        ];
        if jwk["kty"] == "AKP" {
            changes.extend([
                ("KEY-13", "alg", Value::Null),
                ("KEY-13", "alg", json!("ML-DSA")),
                ("KEY-13", "alg", json!("ml-dsa-65")),
                ("KEY-10", "kty", json!("OKP")),
                ("KQ-04", "pub", json!("")),
                ("KQ-04", "pub", Value::Null),
                ("KQ-04", "pub", longer(&jwk, "pub")),
                ("KQ-04", "pub", shorter(&jwk, "pub")),
                ("KQ-08", "priv", json!(base64url([7; 32]))),
                ("KQ-08", "priv", json!("")),
                ("KQ-08", "d", json!("AAAA")),
                ("KQ-08", "k", json!("AAAA")),
            ]);
        } else {
            changes.extend([
                ("KEY-09", "crv", json!("P-384")),
                ("KEY-09", "crv", json!("P-256")),
                ("KEY-10", "crv", json!("Ed448")),
                ("KEY-10", "kty", json!("AKP")),
                ("KQ-04", "x", json!("")),
                ("KQ-04", "x", longer(&jwk, "x")),
                ("KQ-04", "x", shorter(&jwk, "x")),
                ("KQ-08", "d", json!("AAAA")),
                ("KQ-08", "k", json!("AAAA")),
            ]);
        }
        for (id, name, value) in changes {
            let what = format!("{algorithm} {name} {value:.20}");
            let published = with(jwk.clone(), name, value);
            let good = SigningKey::new(algorithm, "good-key");
            let bench = AttackBench::with(good, &[published], |issuer| issuer);
            let token = bench.bed.token().sign(&key);
            bench.play(&[bench.row(id, &what, token, Expected::Invalid)]);
            assert_eq!((bench.skipped(), bench.usable()), (1, 1), "{id} {what}");
        }
    }
}

/// A key that is skipped is told once, by its place and its reason; a false alarm is none.
#[test]
fn what_is_skipped_is_told_once_and_only_what_is_private_is_an_alarm() {
    const ALARM: &str = "skipped a key that was published by mistake";
    let key = |kid: &str| SigningKey::new(Algorithm::ES256, kid).jwk();
    let mut untidy = key("untidy-and-fine");
    for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        untidy[name] = Value::Null;
    }
    let weak = json!({"kty": "RSA", "kid": "told-once", "e": "AQAB", "n": base64url([0xff; 128])});
    let private = with(key("alarming"), "d", json!("c2VjcmV0LW9mLXRoZS1rZXk"));
    let keys = [key("fine"), weak, private, untidy];
    let mark = log::mark();
    let good = SigningKey::new(Algorithm::ES256, "good-key");
    let bench = AttackBench::with(good, &keys, |issuer| issuer);
    let source = bench.bed.issuer.key_fetches();
    for kid in ["unknown-1", "unknown-2"] {
        let token = bench.bed.token().header("kid", kid).sign(&bench.bed.key);
        bench.play(&[bench.row("KQ-08", kid, token, Expected::Invalid)]);
    }
    assert_eq!((source, bench.bed.issuer.key_fetches()), (1, 3));
    let told = log::since(mark);
    let lines = |text: &str, values: &str| {
        told.lines().filter(|line| line.contains(text) && line.contains(values)).count()
    };
    assert_eq!(lines(ALARM, r#"reason="private" position=3"#), 1, "{told}");
    assert_eq!(lines("skipped a key", "position=4"), 0, "{told}");
    assert_eq!(lines("skipped a key of the key set", r#"reason="weak" position=2"#), 1, "{told}");
    for hidden in ["told-once", "alarming", "c2VjcmV0LW9mLXRoZS1rZXk"] {
        assert!(!told.contains(hidden), "{hidden}");
    }
}

#[test]
fn rsa_keys_of_other_sizes_are_not_used() {
    let odd = [
        json!({"kty": "RSA", "kid": "short", "e": "AQAB", "n": base64url([0xff; 128])}),
        json!({"kty": "RSA", "kid": "long", "e": "AQAB", "n": base64url([0xff; 1500])}),
    ];
    // Nobody has the private halves, so that they are skipped is asked of the set itself.
    let set = JwkSet::from_json(json!({ "keys": odd }).to_string().as_bytes()).unwrap();
    assert!(set.is_empty());
    assert_eq!(set.skipped(), [InvalidKeyError::Weak, InvalidKeyError::TooLarge], "KQ-01, KQ-03");

    let bench =
        AttackBench::with(SigningKey::new(Algorithm::RS256, "good-key"), &odd, |issuer| issuer);
    let rows: Vec<Row> = ["short", "long"]
        .iter()
        .map(|kid| {
            let token = bench.bed.token().header("kid", *kid).sign(&bench.bed.key);
            bench.row("KQ-01", *kid, token, Expected::Invalid)
        })
        .collect();
    bench.play(&rows);
}

#[test]
fn odd_rsa_numbers_are_not_used() {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let public = aws_lc_rs::signature::RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    let n = base64url(&public.n);
    for (id, n, e) in [
        ("KQ-02", n.clone(), base64url([1])),
        ("KQ-02", n.clone(), base64url([0])),
        ("KQ-02", n.clone(), base64url([2])),
        ("KQ-02", n.clone(), base64url([1, 0, 0, 0, 0, 1])),
        ("KQ-02", n.clone(), base64url([0xff; 256])),
        ("KQ-03", String::new(), "AQAB".into()),
        ("KQ-03", base64url([0]), "AQAB".into()),
        ("KQ-03", base64url([&[0; 128], &public.n[..128]].concat()), "AQAB".into()),
        ("KQ-03", "A".repeat(100_000), "AQAB".into()),
    ] {
        let published = json!({"kty": "RSA", "kid": "odd", "n": n, "e": e});
        let bench = AttackBench::with(
            SigningKey::new(Algorithm::RS256, "good-key"),
            &[published],
            |issuer| issuer,
        );
        let header = json!({"alg": "RS256", "kid": "odd"}).to_string();
        let input = format!("{}.{}", base64url(header), base64url(bench.bed.token().payload()));
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input.as_bytes(), &mut signature)
            .unwrap();
        let token = format!("{input}.{}", base64url(&signature));
        bench.play(&[bench.row(id, format!("{n:.20} {e:.20}"), token, Expected::Invalid)]);
    }
}

#[test]
fn points_of_small_order_verify_nothing() {
    let mut identity = [0; 32];
    identity[0] = 1;
    let published =
        json!({"kty": "OKP", "crv": "Ed25519", "kid": "small", "x": base64url(identity)});
    let bench =
        AttackBench::with(SigningKey::new(Algorithm::EdDSA, "good-key"), &[published], |issuer| {
            issuer
        });
    let header = json!({"alg": "EdDSA", "kid": "small"}).to_string();
    // R the neutral element and S zero verify for every message under such a key.
    let signature = [&identity[..], &[0; 32]].concat();
    let token = jwt_verify_tests::compact(header, bench.bed.token().payload(), &signature);
    bench.play(&[bench.row("KQ-06", "the neutral element", token, Expected::Invalid)]);
}

#[test]
fn the_certificate_beside_a_key_is_not_looked_at() {
    let key = SigningKey::new(Algorithm::ES256, "with-x5c");
    let published = with(key.jwk(), "x5c", json!(["not a certificate"]));
    let bench =
        AttackBench::with(SigningKey::new(Algorithm::ES256, "good-key"), &[published], |issuer| {
            issuer
        });
    bench.play(&[bench.row("KQ-09", "x5c", bench.bed.token().sign(&key), Expected::Accepted)]);
}

#[test]
fn a_key_is_found_by_its_exact_name_only() {
    let accented = SigningKey::new(Algorithm::ES256, "caf\u{e9}");
    let unnamed = SigningKey::new(Algorithm::ES256, "unnamed");
    let mut without = unnamed.jwk();
    without.as_object_mut().unwrap().remove("kid");
    let bench = AttackBench::with(
        SigningKey::new(Algorithm::ES256, "good-key"),
        &[accented.jwk(), without],
        |issuer| issuer,
    );
    let good = &bench.bed.key;
    let mut rows: Vec<Row> = [
        ("KID-11", "caf\u{e9}", &accented, Expected::Accepted),
        ("KID-11", "cafe\u{301}", &accented, Expected::Invalid),
        // A key without a name serves where no key has the name, and nowhere else.
        ("KID-10", "unnamed", &unnamed, Expected::Accepted),
        ("KID-10", "unnamed", good, Expected::Invalid),
        ("KID-10", "good-key", &unnamed, Expected::Invalid),
        ("KID-05", "", &unnamed, Expected::Invalid),
    ]
    .map(|(id, kid, key, expected)| {
        bench.row(id, kid, bench.bed.token().header("kid", kid).sign(key), expected)
    })
    .into();
    for kid in ["GOOD-KEY", "good-key ", " good-key", "good%2Dkey", "good-key\u{0}"] {
        let token = bench.bed.token().header("kid", kid).sign(&bench.bed.key);
        rows.push(bench.row("KID-11", kid, token, Expected::Invalid));
    }
    for kid in [json!(null), json!(5), json!(["good-key"]), json!({"a": 1}), json!(true)] {
        let token = bench.bed.token().header("kid", kid.clone()).sign(&bench.bed.key);
        rows.push(bench.row("KID-05", kid.to_string(), token, Expected::Invalid));
    }
    for kid in [
        "../../../../dev/null",
        "/dev/null",
        "file:///etc/passwd",
        "http://evil.example/",
        "C:\\con",
    ] {
        rows.push(bench.row(
            "KID-01",
            kid,
            bench.bed.token().header("kid", kid).sign(&bench.bed.key),
            Expected::Invalid,
        ));
    }
    for kid in ["' UNION SELECT 'x'--", "$(id)", "`id`", "{{7*7}}", "*)(uid=*", "a\r\nb c*?[{}]"] {
        rows.push(bench.row(
            "KID-02",
            kid,
            bench.bed.token().header("kid", kid).sign(&bench.bed.key),
            Expected::Invalid,
        ));
    }
    for kid in [
        "\u{0}",
        "\r\ninjected: yes",
        "\u{7f}",
        "\u{202e}",
        "\u{1f600}",
        "${jndi:ldap://x}",
        "\u{1b}[31m",
    ] {
        rows.push(bench.row(
            "KID-03",
            format!("{kid:?}"),
            bench.bed.token().header("kid", kid).sign(&bench.bed.key),
            Expected::Invalid,
        ));
    }
    let long = bench.bed.token().header("kid", "k".repeat(8000)).sign(&bench.bed.key);
    rows.push(bench.row("KID-04", "8 kB", long, Expected::Invalid));
    for kid in ["__proto__", "constructor", "keys", "toString"] {
        rows.push(bench.row(
            "KID-12",
            kid,
            bench.bed.token().header("kid", kid).sign(&bench.bed.key),
            Expected::Invalid,
        ));
    }
    let mark = log::mark();
    bench.play(&rows);
    assert!(!log::since(mark).contains("injected"));
}
