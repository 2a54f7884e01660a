//! A key of one kind used as another.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jwt_verify::Algorithm;
use jwt_verify_tests::{SigningKey, base64url, sign};
use serde_json::{Value, json};

use super::*;

/// A token whose MAC was made with these bytes as the secret.
fn mac(bench: &AttackBench, secret: &[u8]) -> String {
    let key = SigningKey::from_secret(Algorithm::HS256, "good-key", secret);
    bench.bed.token().sign(&key)
}

/// DER of a tag and its content.
pub(crate) fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        short @ 0..=127 => out.push(u8::try_from(short).unwrap()),
        long => {
            let bytes: Vec<u8> = long.to_be_bytes().into_iter().skip_while(|b| *b == 0).collect();
            out.push(0x80 | u8::try_from(bytes.len()).unwrap());
            out.extend(bytes);
        }
    }
    out.extend_from_slice(content);
    out
}

fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let lines: Vec<&str> =
        body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

#[test]
fn a_public_key_is_no_shared_secret() {
    let bench = AttackBench::new(Algorithm::RS256);
    let modulus = bench.bed.key.modulus();
    let pkcs1 =
        der(0x30, &[der(0x02, &[&[0], &modulus[..]].concat()), der(0x02, &[1, 0, 1])].concat());
    let oid =
        [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
    let spki = der(0x30, &[&oid[..], &der(0x03, &[&[0], &pkcs1[..]].concat())].concat());
    let text = pem("PUBLIC KEY", &spki);
    let jwk = bench.bed.key.jwk();
    let key_set = json!({"keys": [jwk]});
    let mut rows = Vec::new();
    for (id, what, secret) in [
        ("KEY-01", "SPKI PEM", text.clone().into_bytes()),
        ("KEY-01", "without the last line feed", text.trim_end().into()),
        ("KEY-01", "with two", format!("{text}\n").into()),
        ("KEY-01", "CRLF", text.replace('\n', "\r\n").into()),
        ("KEY-01", "leading space", format!(" {text}").into()),
        ("KEY-01", "leading line feed", format!("\n{text}").into()),
        ("KEY-01", "PKCS#1 PEM", pem("RSA PUBLIC KEY", &pkcs1).into()),
        ("KEY-01", "as a certificate", pem("CERTIFICATE", &spki).into()),
        ("KEY-02", "SPKI DER", spki.clone()),
        ("KEY-02", "PKCS#1 DER", pkcs1.clone()),
        ("KEY-02", "modulus", modulus.clone()),
        ("KEY-02", "base64 of SPKI", STANDARD.encode(&spki).into()),
        ("KEY-02", "base64url of the modulus", base64url(&modulus).into()),
        ("KEY-03", "JWK", jwk.to_string().into()),
        ("KEY-03", "JWK, pretty", serde_json::to_vec_pretty(&jwk).unwrap()),
        ("KEY-03", "key set", key_set.to_string().into()),
        ("KEY-05", "nothing", Vec::new()),
        ("KEY-05", "null", b"null".to_vec()),
        ("KEY-05", "undefined", b"undefined".to_vec()),
        ("KEY-05", "secret", b"secret".to_vec()),
        ("KEY-05", "zeros", vec![0; 32]),
    ] {
        rows.push(bench.row(id, what, mac(&bench, &secret), Expected::Invalid));
    }
    bench.play(&rows);
}

#[test]
fn a_point_is_no_shared_secret_either() {
    for algorithm in [
        Algorithm::ES256,
        Algorithm::ES256K,
        Algorithm::ES512,
        Algorithm::EdDSA,
        Algorithm::Ed25519,
    ] {
        let bench = AttackBench::new(algorithm);
        let jwk = bench.bed.key.jwk();
        let decode = |name: &str| {
            let text = jwk[name].as_str().unwrap_or_default();
            base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap()
        };
        let (x, y) = (decode("x"), decode("y"));
        let rows: Vec<Row> = [[&[4][..], &x, &y].concat(), [&x[..], &y].concat(), x.clone()]
            .iter()
            .map(|secret| {
                bench.row("KEY-04", algorithm.name(), mac(&bench, secret), Expected::Invalid)
            })
            .collect();
        bench.play(&rows);
    }
}

/// Nor is a key of ML-DSA, in any of its forms (RFC 9964, RFC 9881 §4).
#[test]
fn a_key_of_ml_dsa_is_no_shared_secret() {
    for (algorithm, last) in
        [(Algorithm::MlDsa44, 0x11), (Algorithm::MlDsa65, 0x12), (Algorithm::MlDsa87, 0x13)]
    {
        let bench = AttackBench::new(algorithm);
        let jwk = bench.bed.key.jwk();
        let text = jwk["pub"].as_str().unwrap();
        let public = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap();
        let oid = [0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, last];
        let bits = der(0x03, &[&[0], &public[..]].concat());
        let spki = der(0x30, &[der(0x30, &oid), bits].concat());
        let rows: Vec<Row> = [
            ("KEY-01", "SPKI PEM", pem("PUBLIC KEY", &spki).into()),
            ("KEY-02", "SPKI DER", spki.clone()),
            ("KEY-02", "base64 of SPKI", STANDARD.encode(&spki).into()),
            ("KEY-02", "base64url of pub", text.into()),
            ("KEY-03", "JWK", jwk.to_string().into()),
            ("KEY-03", "key set", json!({ "keys": [jwk] }).to_string().into()),
            ("KEY-04", "pub", public),
        ]
        .into_iter()
        .map(|(id, what, secret): (_, _, Vec<u8>)| {
            bench.row(id, format!("{algorithm} {what}"), mac(&bench, &secret), Expected::Invalid)
        })
        .collect();
        bench.play(&rows);
    }
}

#[test]
fn a_secret_in_a_key_set_opens_nothing() {
    let secret = [7; 32];
    let published = json!({"kty": "oct", "kid": "oct", "alg": "HS256", "k": base64url(secret)});
    let bench =
        AttackBench::with(SigningKey::new(Algorithm::RS256, "good-key"), &[published], |issuer| {
            issuer
        });
    let key = SigningKey::from_secret(Algorithm::HS256, "oct", &secret);
    let claims_rs256 = bench.bed.token().header("alg", "RS256").sign(&key);
    bench.play(&[
        bench.row("KEY-07", "HS256", bench.bed.token().sign(&key), Expected::Invalid),
        bench.row("KEY-07", "RS256 in name", claims_rs256, Expected::Invalid),
        bench.row(
            "ALG-12",
            "the modulus",
            mac(&bench, &bench.bed.key.modulus()),
            Expected::Invalid,
        ),
    ]);
}

#[test]
fn a_kid_leads_to_a_key_of_another_kind() {
    let rsa = SigningKey::new(Algorithm::RS256, "good-key");
    let others: Vec<SigningKey> = [
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::ES512,
        Algorithm::ES256K,
        Algorithm::EdDSA,
        Algorithm::MlDsa44,
        Algorithm::MlDsa65,
        Algorithm::MlDsa87,
    ]
    .iter()
    .map(|algorithm| SigningKey::new(*algorithm, algorithm.name()))
    .collect();
    let published: Vec<Value> = others.iter().map(SigningKey::jwk).collect();
    let accepted = Algorithm::ALL.into_iter().filter(|one| !one.is_symmetric());
    let bench = AttackBench::with(rsa, &published, |issuer| issuer.algorithms(accepted));
    let mut rows = Vec::new();
    for key in &others {
        rows.push(bench.row(
            "KEY-08",
            "its own kid",
            bench.bed.token().sign(key),
            Expected::Accepted,
        ));
        let at_rsa = bench.bed.token().header("kid", "good-key").sign(key);
        rows.push(bench.row("KEY-08", format!("{} at RSA", key.id()), at_rsa, Expected::Invalid));
        let rsa_at = bench.bed.token().header("kid", key.id()).sign(&bench.bed.key);
        rows.push(bench.row("KEY-08", format!("RSA at {}", key.id()), rsa_at, Expected::Invalid));
        for other in others.iter().filter(|other| other.id() != key.id()) {
            let header = json!({"alg": other.algorithm().name(), "kid": key.id()}).to_string();
            let token = sign(other, header, bench.bed.token().payload());
            rows.push(bench.row(
                "KEY-09",
                format!("{} at {}", other.id(), key.id()),
                token,
                Expected::Invalid,
            ));
        }
    }
    bench.play(&rows);
}

/// The curve of a signature, of the key and of `alg` have to be one.
#[test]
fn a_curve_is_not_another_curve() {
    let curves = [Algorithm::ES256, Algorithm::ES256K, Algorithm::ES384, Algorithm::ES512];
    for algorithm in curves {
        let key = SigningKey::new(algorithm, "good-key");
        let mut jwk = key.jwk();
        jwk["kid"] = json!("no-alg");
        jwk.as_object_mut().unwrap().remove("alg");
        let bench = AttackBench::with(key, &[jwk], |issuer| issuer.algorithms(curves));
        let unnamed = bench.bed.token().header("kid", "no-alg").sign(&bench.bed.key);
        let mut rows = vec![bench.row("KEY-09", "key without alg", unnamed, Expected::Accepted)];
        for other in curves.into_iter().filter(|other| *other != algorithm) {
            for kid in ["good-key", "no-alg"] {
                let token = bench.bed.token().header("kid", kid).header("alg", other.name());
                let what = format!("{other} on a key for {algorithm}, {kid}");
                rows.push(bench.row("KEY-09", what, token.sign(&bench.bed.key), Expected::Invalid));
            }
        }
        bench.play(&rows);
    }
}

/// The levels of ML-DSA against each other, and keys that do not say theirs.
#[test]
fn a_level_of_ml_dsa_is_not_another_level() {
    let levels = [Algorithm::MlDsa44, Algorithm::MlDsa65, Algorithm::MlDsa87];
    for algorithm in levels {
        let key = SigningKey::new(algorithm, "good-key");
        let others: Vec<Algorithm> =
            levels.into_iter().filter(|other| *other != algorithm).collect();
        let alike = |kid: &str, alg: Value| {
            let mut jwk = key.jwk();
            jwk["kid"] = json!(kid);
            jwk["alg"] = alg;
            jwk
        };
        let mut published = vec![
            alike("no-alg", Value::Null),
            alike("es256", json!("ES256")),
            alike("unknown", json!("ML-DSA")),
        ];
        published.extend(others.iter().map(|other| alike(other.name(), json!(other.name()))));
        let kids: Vec<String> =
            published.iter().map(|jwk| jwk["kid"].as_str().unwrap().to_owned()).collect();
        let bench = AttackBench::with(key, &published, |issuer| {
            issuer.algorithms(levels.into_iter().chain([Algorithm::ES256]))
        });
        // The keys that cannot be used are skipped alone.
        let mut rows = vec![bench.row("KEY-09", "its own", bench.good(), Expected::Accepted)];
        for kid in kids {
            let what = format!("{algorithm} at {kid}");
            let token = bench.bed.token().header("kid", kid).sign(&bench.bed.key);
            rows.push(bench.row("KEY-09", what, token, Expected::Invalid));
        }
        for other in others.into_iter().chain([Algorithm::ES256, Algorithm::EdDSA]) {
            let token = bench.bed.token().header("alg", other.name()).sign(&bench.bed.key);
            let what = format!("{algorithm} as {other}");
            rows.push(bench.row("KEY-09", what, token, Expected::Invalid));
        }
        bench.play(&rows);
    }
}
