//! The examples of RFC 9964 (Appendix A.1): keys of ML-DSA, their thumbprints and signatures.

use aws_lc_rs::signature::{
    KeyPair as _, ML_DSA_44_SIGNING, ML_DSA_65_SIGNING, ML_DSA_87_SIGNING, PqdsaKeyPair,
};
use jwt_verify::{
    Algorithm, InvalidTokenReason, JwkSet, Secret, VerificationKey, issuing::SigningKey, test_hooks,
};
use jwt_verify_tests::base64url;
use serde_json::Value;

const LEVELS: [Algorithm; 3] = [Algorithm::MlDsa44, Algorithm::MlDsa65, Algorithm::MlDsa87];

const PAYLOAD: &str = "It\u{2019}s a dangerous business, Frodo, going out your door.";

/// An example: a private key, whose `kid` is its thumbprint, and a token that it has signed.
struct Example {
    algorithm: Algorithm,
    jwk: Value,
    token: String,
}

impl Example {
    fn all() -> Vec<Self> {
        let document: Value = serde_json::from_str(include_str!("rfc9964.json")).unwrap();
        let examples = document["examples"].as_array().unwrap();
        assert_eq!(examples.len(), LEVELS.len());
        let example = |(example, algorithm): (&Value, Algorithm)| {
            assert_eq!(example["jwk"]["alg"], algorithm.name());
            let token = example["jws"].as_str().unwrap().to_owned();
            Self { algorithm, jwk: example["jwk"].clone(), token }
        };
        examples.iter().zip(LEVELS).map(example).collect()
    }

    fn public(&self) -> VerificationKey {
        let mut jwk = self.jwk.clone();
        jwk.as_object_mut().unwrap().remove("priv");
        VerificationKey::from_jwk(&jwk.to_string()).unwrap()
    }

    fn verify(&self, token: &str) -> Result<Vec<u8>, InvalidTokenReason> {
        test_hooks::verify_jws(token.as_bytes(), &JwkSet::new([self.public()]), &[self.algorithm])
    }
}

#[test]
fn a_seed_makes_the_published_key_and_its_thumbprint() {
    let levels = [&ML_DSA_44_SIGNING, &ML_DSA_65_SIGNING, &ML_DSA_87_SIGNING];
    for (example, level) in Example::all().iter().zip(levels) {
        let pair = PqdsaKeyPair::from_seed(level, &[0; 32]).unwrap();
        assert_eq!(example.jwk["priv"], base64url([0; 32]));
        assert_eq!(example.jwk["pub"], base64url(pair.public_key()), "{}", example.algorithm);

        let kid = example.jwk["kid"].as_str().unwrap();
        assert_eq!(example.public().thumbprint().as_deref(), Some(kid));
        let mut unnamed = example.jwk.clone();
        unnamed.as_object_mut().unwrap().remove("kid");
        let key = SigningKey::from_jwk(&Secret::from(unnamed.to_string())).unwrap();
        assert_eq!((key.id(), key.algorithm()), (kid, example.algorithm));
        assert_eq!(key.public_jwk().unwrap()["pub"], example.jwk["pub"]);
    }
}

#[test]
fn every_example_verifies_under_its_own_key_alone() {
    let examples = Example::all();
    for example in &examples {
        let payload = example.verify(&example.token);
        assert_eq!(payload.as_deref(), Ok(PAYLOAD.as_bytes()), "{}", example.algorithm);
        for other in examples.iter().filter(|other| other.algorithm != example.algorithm) {
            let keys = JwkSet::new([example.public()]);
            let verified = test_hooks::verify_jws(other.token.as_bytes(), &keys, &LEVELS);
            assert!(verified.is_err(), "{} {}", example.algorithm, other.algorithm);
        }
    }
}

#[test]
fn a_changed_example_is_refused() {
    for example in Example::all() {
        let last = example.token.len() - 1;
        for place in (0..last).step_by(23).chain([last]) {
            let mut changed = example.token.clone();
            let other = if example.token.as_bytes()[place] == b'A' { "B" } else { "A" };
            changed.replace_range(place..=place, other);
            assert!(example.verify(&changed).is_err(), "{} {place}", example.algorithm);
            assert!(example.verify(&example.token[..place]).is_err(), "{}", example.algorithm);
        }
    }
}
