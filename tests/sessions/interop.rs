//! Tokens of ours by other implementations, and theirs by ours.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use jwt_verify::{
    Algorithm, JwkSet, Secret, TrustedIssuer, VerificationKey, Verifier,
    issuing::{SigningKey, TokenIssuer},
};
use serde_json::{Value, json};

use crate::{AUDIENCE, ISSUER, wait};

const SECRET: &str = "a secret of sixty-four bytes, which is enough for every one of them";

/// Returns one of our tokens for each algorithm, with what it is verified by.
fn ours(algorithms: &[Algorithm]) -> Vec<Value> {
    let one = |&algorithm: &Algorithm| {
        let key = if algorithm.is_symmetric() {
            SigningKey::from_secret(algorithm, &Secret::from(SECRET)).unwrap()
        } else {
            SigningKey::generate(algorithm).unwrap()
        };
        let issuer = TokenIssuer::builder(ISSUER, AUDIENCE, key).build().unwrap();
        let token = issuer.access_token(&"alice").roles(["editor"]).sign().unwrap();
        json!({
            "algorithm": algorithm.name(),
            "token": token.as_str(),
            "keys": issuer.key_set(),
            "secret": SECRET,
            "issuer": ISSUER,
            "audience": AUDIENCE,
        })
    };
    algorithms.iter().map(one).collect()
}

/// Lets another implementation verify ours and make some of its own, which ours verifies. It may not
/// have every algorithm. Returns the number of those that it has signed for something else as well.
fn exchange(program: &str, script: &str, lacking: &[Algorithm]) -> usize {
    let mut for_something_else = 0;
    let algorithms: Vec<Algorithm> =
        Algorithm::ALL.into_iter().filter(|one| !lacking.contains(one)).collect();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/sessions/");
    let mut child = Command::new(program)
        .arg(format!("{folder}{script}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let ours = json!(ours(&algorithms)).to_string();
    child.stdin.take().unwrap().write_all(ours.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let theirs: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(theirs.len(), algorithms.len(), "one of theirs for each of ours");
    for (theirs, algorithm) in theirs.iter().zip(algorithms) {
        let key = match theirs.get("jwk") {
            Some(jwk) => VerificationKey::from_jwk(&jwk.to_string()).unwrap(),
            None => VerificationKey::from_secret(algorithm, &Secret::from(SECRET)).unwrap(),
        };
        let verifier = Verifier::for_issuer(
            TrustedIssuer::new(ISSUER, AUDIENCE).algorithms([algorithm]).keys(JwkSet::single(key)),
        )
        .build()
        .unwrap();
        let claims = wait(verifier.verify(theirs["token"].as_str().unwrap())).unwrap();
        assert_eq!(claims.subject(), Some("bob"), "{algorithm}");
        // JOSE has no context string (RFC 9964), so a signature with one is not a signature.
        if let Some(token) = theirs.get("with_context") {
            let refused = wait(verifier.verify(token.as_str().unwrap())).unwrap_err();
            assert_eq!(refused.reason(), "signature", "{algorithm}");
            for_something_else += 1;
        }
    }
    for_something_else
}

#[test]
#[ignore = "needs Node.js from 24.7 on: ./tests/run.sh"]
fn with_jose_in_node() {
    assert_eq!(exchange("node", "interop.mjs", &[Algorithm::ES256K]), 0);
}

#[test]
#[ignore = "needs Python with PyJWT and joserfc: ./tests/run.sh"]
fn with_pyjwt_and_joserfc_in_python() {
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/python/bin/python");
    assert_eq!(exchange(python, "interop.py", &[]), 3, "one of each level of ML-DSA");
}
