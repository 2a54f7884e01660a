//! The JSON Web Signature tests of C2SP/wycheproof, with what a strict verifier must answer.
//!
//! The file is large and not ours, so it is not here: the test reads `wycheproof_jws_flat.json` in
//! the folder that `JWT_VERIFY_VECTORS` names, by default `shared/vectors` beside the repository.

use std::path::PathBuf;

use jwt_verify::{
    Algorithm, Claims, JwkSet, TrustedIssuer, VerificationKey, Verifier, keys::InvalidKeyError,
    test_hooks,
};
use jwt_verify_tests::explained;
use serde_json::Value;

/// Vectors on which we differ from the strict answer, each with the reason.
const EXCEPTIONS: [(&str, u64, &str); 6] = [
    ("json_web_signature_test.json", 259, EMPTY),
    ("json_web_signature_test.json", 264, EMPTY),
    ("json_web_signature_test.json", 268, EMPTY),
    ("json_web_signature_test.json", 272, EMPTY),
    ("json_web_signature_test.json", 320, EMPTY),
    ("json_web_signature_test.json", 325, EMPTY),
];

const EMPTY: &str = "an empty payload is no claims set and is refused with the form";

/// Vectors that leave the answer to the implementation, with ours.
const POLICY: [(&str, u64, bool, &str); 5] = [
    (
        "json_web_key_test.json",
        1,
        true,
        "a local set may hold a secret beside public keys; a fetched one skips it",
    ),
    (
        "json_web_key_test.json",
        4,
        true,
        "the second key under the `kid` is not canonical and skipped, which leaves one",
    ),
    ("json_web_key_test.json", 7, true, "the ROCA weakness of a modulus is not looked for"),
    ("json_web_crypto_test.json", 46, true, "the ROCA weakness of a modulus is not looked for"),
    (
        "json_web_crypto_test.json",
        47,
        true,
        "a local set may hold a secret beside public keys; a fetched one skips it",
    ),
];

fn vectors() -> Vec<Value> {
    let folder = std::env::var_os("JWT_VERIFY_VECTORS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors"),
        PathBuf::from,
    );
    let path = folder.join("wycheproof_jws_flat.json");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|_| panic!("set JWT_VERIFY_VECTORS to the folder of {}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// The keys of a vector as an operator would configure them.
fn keys(vector: &Value) -> JwkSet {
    let keys = match &vector["jwks"]["keys"] {
        Value::Array(keys) => keys.clone(),
        _ => vec![vector["jwk"].clone()],
    };
    JwkSet::new(keys.iter().filter_map(|jwk| import(jwk).ok()))
}

fn import(jwk: &Value) -> Result<VerificationKey, InvalidKeyError> {
    match jwk["kty"].as_str() {
        Some("oct") => VerificationKey::from_secret_jwk(&jwk.to_string()),
        _ => VerificationKey::from_jwk(&jwk.to_string()),
    }
}

fn identity(vector: &Value) -> (&str, u64) {
    (vector["file"].as_str().unwrap(), vector["tcId"].as_u64().unwrap())
}

#[test]
#[ignore = "needs the Wycheproof file in JWT_VERIFY_VECTORS: ./tests/run.sh"]
fn every_vector_gets_the_strict_answer() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 476);
    let mut wrong = Vec::new();
    for vector in &vectors {
        let (file, id) = identity(vector);
        let strict = match vector["strict_expected"].as_str().unwrap() {
            "accept" => true,
            "reject" => false,
            _ => POLICY.iter().find(|entry| (entry.0, entry.1) == (file, id)).unwrap().2,
        };
        let excepted = EXCEPTIONS.iter().any(|entry| (entry.0, entry.1) == (file, id));
        let token = vector["jws"].as_str().map_or_else(|| vector["jws"].to_string(), Into::into);
        let accepted =
            test_hooks::verify_jws(token.as_bytes(), &keys(vector), &Algorithm::ALL).is_ok();
        if accepted != (strict != excepted) {
            wrong.push(format!("{file} {id} {}: {accepted}", vector["comment"]));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
#[ignore = "needs the Wycheproof file in JWT_VERIFY_VECTORS: ./tests/run.sh"]
fn no_vector_passes_for_an_access_token() {
    let symmetric: Vec<_> = Algorithm::ALL.into_iter().filter(|a| a.is_symmetric()).collect();
    let asymmetric: Vec<_> = Algorithm::ALL.into_iter().filter(|a| !a.is_symmetric()).collect();
    let runtime = actix_web::rt::System::new();
    for vector in vectors() {
        let token = vector["jws"].as_str().map_or_else(|| vector["jws"].to_string(), Into::into);
        for algorithms in [&symmetric, &asymmetric] {
            let verifier = Verifier::for_issuer(
                TrustedIssuer::new("issuer", "audience")
                    .algorithms(algorithms.iter().copied())
                    .keys(keys(&vector))
                    .validator(|_: &Claims| {
                        panic!("a payload that is no claims set came this far")
                    }),
            )
            .build();
            // A set without a key for these algorithms does not build.
            let Ok(verifier) = verifier else { continue };
            runtime.block_on(explained(&verifier, &token));
            assert!(runtime.block_on(verifier.verify(&token)).is_err(), "{:?}", identity(&vector));
        }
    }
}
