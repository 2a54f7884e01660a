//! Assertions of a client about itself (RFC 7523 §3, OpenID Connect Core §9).

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use super::client_key::ClientKey;
use crate::defaults::ASSERTION_LIFETIME;

/// Makes an assertion for one question. `None` if the system has no random numbers.
pub(super) fn assertion(
    key: &ClientKey,
    client_id: &str,
    audience: &str,
    now: Duration,
) -> Option<String> {
    let mut id = [0; 16];
    aws_lc_rs::rand::fill(&mut id).ok()?;
    let mut header = json!({"alg": key.algorithm().name(), "typ": "JWT"});
    if let (Some(id), Some(members)) = (key.id(), header.as_object_mut()) {
        members.insert("kid".into(), id.into());
    }
    let claims = json!({
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": URL_SAFE_NO_PAD.encode(id),
        "iat": now.as_secs(),
        "exp": now.saturating_add(ASSERTION_LIFETIME).as_secs(),
    });
    let segment = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let mut assertion = format!("{}.{}", segment(header), segment(claims));
    let signature = key.sign(assertion.as_bytes())?;
    assertion.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut assertion);
    Some(assertion)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        encoding::AsDer as _,
        rsa::KeySize,
        signature::{
            ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P256K1_SHA256_FIXED_SIGNING,
            ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
            Ed25519KeyPair, KeyPair as _, PqdsaKeyPair, RsaKeyPair,
        },
    };
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::{
        algorithm::{Algorithm, AlgorithmSet, Family},
        key::{JwkSet, VerificationKey, ml_dsa_signing},
        verifier::{TrustedIssuer, Verifier},
    };

    fn pem(der: &[u8]) -> String {
        let text = STANDARD.encode(der);
        format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
    }

    /// A private key in PEM, and the public one.
    fn pair(algorithm: Algorithm) -> (String, VerificationKey) {
        let (family, set) = (algorithm.family(), AlgorithmSet::of(algorithm));
        let curve = match algorithm {
            Algorithm::ES256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
            Algorithm::ES384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
            Algorithm::ES512 => &ECDSA_P521_SHA512_FIXED_SIGNING,
            Algorithm::ES256K => &ECDSA_P256K1_SHA256_FIXED_SIGNING,
            Algorithm::MlDsa44 | Algorithm::MlDsa65 | Algorithm::MlDsa87 => {
                let level = ml_dsa_signing(family).unwrap();
                let pair = PqdsaKeyPair::generate(level).unwrap();
                let key = VerificationKey::from_bytes(family, set, pair.public_key().as_ref());
                return (pem(pair.to_pkcs8v1().unwrap().as_ref()), key.unwrap());
            }
            Algorithm::EdDSA | Algorithm::Ed25519 => {
                let pair = Ed25519KeyPair::generate().unwrap();
                let key = VerificationKey::from_bytes(family, set, pair.public_key().as_ref());
                return (pem(pair.to_pkcs8v1().unwrap().as_ref()), key.unwrap());
            }
            _ => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
                let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
                let parts: aws_lc_rs::rsa::PublicKeyComponents<Vec<u8>> = pair.public_key().into();
                let key = VerificationKey::from_rsa(set, &parts.n, &parts.e).unwrap();
                return (pem(der.as_ref()), key);
            }
        };
        let pair = EcdsaKeyPair::generate(curve).unwrap();
        let key = VerificationKey::from_bytes(family, set, pair.public_key().as_ref()).unwrap();
        (pem(pair.to_pkcs8v1().unwrap().as_ref()), key)
    }

    /// The issuer verifies an assertion as this library verifies tokens.
    #[test]
    fn an_assertion_verifies_and_names_client_and_issuer() {
        for algorithm in Algorithm::ALL.into_iter().filter(|one| !one.is_symmetric()) {
            let (pem, public) = pair(algorithm);
            let key = ClientKey::from_pem(algorithm, pem).unwrap().with_id("k");
            assert_eq!(format!("{key:?}"), format!("ClientKey {{ algorithm: {algorithm:?}, .. }}"));
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
            let assertion = assertion(&key, "api", "https://issuer.example", now).unwrap();
            let issuer = TrustedIssuer::new("api", "https://issuer.example")
                .algorithms([algorithm])
                .max_lifetime(ASSERTION_LIFETIME)
                .keys(JwkSet::single(public));
            let verifier = Verifier::for_issuer(issuer).build().unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let claims = runtime.block_on(verifier.verify(&assertion)).unwrap();
            assert_eq!(claims.subject(), Some("api"), "{algorithm:?}");
            assert_eq!(claims.token_id().unwrap().len(), 22);
        }
    }

    /// RFC 9964: a seed makes the same key as its PKCS#8.
    #[test]
    fn a_key_of_ml_dsa_may_be_a_jwk() {
        let level = ml_dsa_signing(Family::MlDsa65).unwrap();
        let pair = PqdsaKeyPair::from_seed(level, &[7; 32]).unwrap();
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let public = encode(pair.public_key().as_ref());
        let jwk = |public: &str, seed: &[u8]| {
            serde_json::json!({
                "kty": "AKP", "alg": "ML-DSA-65", "kid": "k", "pub": public, "priv": encode(seed),
            })
            .to_string()
        };
        let key = ClientKey::from_jwk(jwk(&public, &[7; 32])).unwrap();
        assert_eq!((key.algorithm(), key.id()), (Algorithm::MlDsa65, Some("k")));
        let set = AlgorithmSet::of(Algorithm::MlDsa65);
        let verification =
            VerificationKey::from_bytes(Family::MlDsa65, set, pair.public_key().as_ref()).unwrap();
        let signature = key.sign(b"message").unwrap();
        assert!(verification.verifies(Algorithm::MlDsa65, b"message", &signature));
        assert!(ClientKey::from_jwk(jwk(&public, &[8; 32])).is_err(), "another key's seed");
        assert!(ClientKey::from_jwk(jwk(&public, &[7; 31])).is_err());
        assert!(ClientKey::from_jwk(r#"{"kty":"EC","alg":"ES256"}"#.to_owned()).is_err());
    }

    #[test]
    fn a_key_has_to_fit() {
        let (ec, _) = pair(Algorithm::ES256);
        for (algorithm, pem) in [
            (Algorithm::RS256, ec.clone()),
            (Algorithm::ES384, ec.clone()),
            (Algorithm::ES512, ec.clone()),
            (Algorithm::ES256K, ec.clone()),
            (Algorithm::MlDsa65, ec.clone()),
            (Algorithm::EdDSA, ec.clone()),
            (Algorithm::HS256, ec.clone()),
            (Algorithm::ES256, String::new()),
            (Algorithm::ES256, "garbage".into()),
            (Algorithm::ES256, format!("{ec}{ec}")),
        ] {
            assert!(ClientKey::from_pem(algorithm, pem).is_err(), "{algorithm:?}");
        }
    }
}
