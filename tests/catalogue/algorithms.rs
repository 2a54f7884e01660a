//! The algorithm is the verifier's choice, not the token's.

use jwt_verify::Algorithm;
use jwt_verify_tests::{SigningKey, base64url, compact, sign};
use serde_json::json;

use super::*;

#[test]
fn alg_none_and_its_disguises() {
    let bench = AttackBench::new(Algorithm::RS256);
    let payload = bench.bed.token().payload();
    let good = bench.good();
    let signature = good.rsplit('.').next().unwrap();
    let mut rows = Vec::new();
    for (id, alg) in [
        ("ALG-01", "none"),
        ("ALG-02", "None"),
        ("ALG-02", "NONE"),
        ("ALG-02", "nOnE"),
        ("ALG-02", "none "),
        ("ALG-02", "no\\u006ee"),
        ("ALG-02", "\\u0000none"),
    ] {
        let header = format!(r#"{{"alg":"{alg}","typ":"JWT","kid":"good-key"}}"#);
        let unsigned = compact(&header, &payload, &[]);
        rows.push(bench.row(id, alg, &unsigned, Expected::Invalid));
        rows.push(bench.row("ALG-03", alg, format!("{unsigned}{signature}"), Expected::Invalid));
        rows.push(bench.row("ALG-04", alg, unsigned.trim_end_matches('.'), Expected::Invalid));
    }
    bench.play(&rows);
}

#[test]
fn alg_of_every_other_kind() {
    let bench = AttackBench::new(Algorithm::RS256);
    let payload = bench.bed.token().payload();
    let mut rows = Vec::new();
    let mut signed = |id, alg: &str, expected| {
        let header = format!(r#"{{"alg":{alg},"kid":"good-key"}}"#);
        rows.push(bench.row(id, alg, sign(&bench.bed.key, header, &payload), expected));
    };
    for alg in ["null", "\"\"", "5", "[]", "[\"RS256\"]", "{\"RS256\":null}", "true"] {
        signed("ALG-05", alg, Expected::Invalid);
    }
    for alg in ["\"rs256\"", "\"Rs256\"", "\" RS256\"", "\"RS256\\n\""] {
        signed("ALG-06", alg, Expected::Invalid);
    }
    signed("ALG-07", "\"\\u0052S256\"", Expected::Accepted);
    for alg in [
        "ES512",
        "ES256K",
        "Ed448",
        "Ed25519",
        "ML-DSA-44",
        "HS1",
        "HS256",
        "EdDSA",
        "x\\r\\nSet-Cookie: a=b",
    ] {
        signed("ALG-11", &format!("\"{alg}\""), Expected::Invalid);
    }
    let without = sign(&bench.bed.key, r#"{"kid":"good-key"}"#, &payload);
    rows.push(bench.row("ALG-05", "missing", without, Expected::Invalid));
    bench.play(&rows);
}

#[test]
fn algorithms_off_the_list_and_beside_the_key() {
    let bench = AttackBench::new(Algorithm::RS256);
    let other = |alg: Algorithm| {
        let header = bench.bed.token().header("alg", alg.name()).header_for(&bench.bed.key);
        let input = format!("{}.{}", base64url(header), base64url(bench.bed.token().payload()));
        format!("{input}.{}", base64url(bench.bed.key.sign_as(alg, input.as_bytes())))
    };
    bench.play(&[
        bench.row("ALG-08", "RS384", other(Algorithm::RS384), Expected::Invalid),
        bench.row("ALG-08", "RS512", other(Algorithm::RS512), Expected::Invalid),
        bench.row("ALG-08", "PS256", other(Algorithm::PS256), Expected::Invalid),
    ]);

    // The key says PS256; both are on the list; the signature is a right RS256 one.
    let key = SigningKey::new(Algorithm::PS256, "good-key");
    let bench = AttackBench::with(key, &[], |issuer| {
        issuer.algorithms([Algorithm::RS256, Algorithm::PS256])
    });
    let header = json!({"alg": "RS256", "kid": "good-key"}).to_string();
    let input = format!("{}.{}", base64url(header), base64url(bench.bed.token().payload()));
    let token =
        format!("{input}.{}", base64url(bench.bed.key.sign_as(Algorithm::RS256, input.as_bytes())));
    bench.play(&[bench.row("ALG-09", "RS256 by a PS256 key", token, Expected::Invalid)]);
}

#[test]
fn an_unsigned_token_is_not_a_guest() {
    let key = SigningKey::new(Algorithm::RS256, "good-key");
    let bench = AttackBench::with(key, &[], |issuer| issuer);
    let token = compact(r#"{"alg":"none"}"#, bench.bed.token().payload(), &[]);
    bench.play(&[bench.row("ALG-13", "unsigned", token, Expected::Invalid)]);
}
