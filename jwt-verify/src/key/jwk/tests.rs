use aws_lc_rs::signature::{KeyPair as _, PqdsaKeyPair};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{reading::LISTS, *};
use crate::key::ml_dsa_signing;

// Public figures of RFC 7515 appendix A.2.1 (RSA), A.3.1 (P-256) and RFC 8037 appendix A.2.
const RSA_N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
const EC_X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
const EC_Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
const OKP_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

fn rsa() -> Value {
    json!({"kty": "RSA", "n": RSA_N, "e": "AQAB", "kid": "r"})
}

fn ec() -> Value {
    json!({"kty": "EC", "crv": "P-256", "x": EC_X, "y": EC_Y})
}

fn okp() -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "x": OKP_X})
}

fn with(mut jwk: Value, name: &str, value: Value) -> Value {
    jwk[name] = value;
    jwk
}

fn rejection(jwk: &Value) -> Option<InvalidKeyError> {
    import(&jwk.to_string()).err()
}

#[test]
fn a_key_without_alg_is_for_all_algorithms_of_its_type() {
    let supported = |jwk: Value| -> Vec<_> {
        let key = import(&jwk.to_string()).unwrap();
        Algorithm::ALL.into_iter().filter(|algorithm| key.supports(*algorithm)).collect()
    };
    assert_eq!(supported(rsa()).len(), 6);
    assert_eq!(supported(ec()), [Algorithm::ES256]);
    assert_eq!(supported(okp()), [Algorithm::EdDSA, Algorithm::Ed25519]);
    assert_eq!(supported(with(rsa(), "alg", json!("PS256"))), [Algorithm::PS256]);
    assert_eq!(import(&rsa().to_string()).unwrap().id(), Some("r"));
}

#[test]
fn a_key_for_one_algorithm_is_for_that_alone() {
    let import = |jwk: Value, algorithm| import_from_proof(&jwk.to_string(), algorithm);
    let key = import(rsa(), Algorithm::PS384).unwrap();
    let supported = Algorithm::ALL.into_iter().filter(|algorithm| key.supports(*algorithm));
    assert_eq!(supported.collect::<Vec<_>>(), [Algorithm::PS384]);
    for (jwk, algorithm) in [
        (rsa(), Algorithm::ES256),
        (ec(), Algorithm::ES384),
        (okp(), Algorithm::RS256),
        (with(rsa(), "alg", json!("RS256")), Algorithm::PS256),
    ] {
        let rejection = import(jwk, algorithm).err();
        assert_eq!(rejection, Some(InvalidKeyError::AlgorithmMismatch), "{algorithm}");
    }
}

#[test]
fn use_and_key_ops_must_allow_verification() {
    for (name, value, expected) in [
        ("use", json!("sig"), None),
        ("use", json!("enc"), Some(InvalidKeyError::WrongUse)),
        ("use", json!("SIG"), Some(InvalidKeyError::WrongUse)),
        ("use", json!(1), Some(InvalidKeyError::Malformed)),
        ("key_ops", json!(["verify"]), None),
        ("key_ops", json!(["sign", "verify"]), None),
        ("key_ops", json!(["encrypt"]), Some(InvalidKeyError::WrongUse)),
        ("key_ops", json!(["sign"]), Some(InvalidKeyError::WrongUse)),
        ("key_ops", json!([]), None),
        ("key_ops", json!(null), None),
        ("key_ops", json!({}), Some(InvalidKeyError::Malformed)),
        ("use", json!(null), None),
        ("use", json!("jwt-svid"), None),
        ("use", json!("x509-svid"), Some(InvalidKeyError::WrongUse)),
        ("use", json!(""), Some(InvalidKeyError::WrongUse)),
        ("key_ops", json!("verify"), Some(InvalidKeyError::Malformed)),
        ("key_ops", json!(["verify", "verify"]), Some(InvalidKeyError::Malformed)),
        ("key_ops", json!(["verify", 1]), Some(InvalidKeyError::Malformed)),
    ] {
        assert_eq!(rejection(&with(rsa(), name, value.clone())), expected, "{name} {value}");
    }
}

#[test]
fn alg_must_fit_type_and_curve() {
    for alg in ["ES256", "EdDSA", "HS256"] {
        assert_eq!(
            rejection(&with(rsa(), "alg", json!(alg))),
            Some(InvalidKeyError::AlgorithmMismatch),
            "{alg}"
        );
    }
    for alg in ["RSA-OAEP", "A256GCM", "ES521", "none", "", "rs256"] {
        assert_eq!(
            rejection(&with(rsa(), "alg", json!(alg))),
            Some(InvalidKeyError::Unsupported),
            "{alg}"
        );
    }
    assert_eq!(rejection(&with(rsa(), "alg", json!(5))), Some(InvalidKeyError::Malformed));
    assert_eq!(
        rejection(&with(ec(), "alg", json!("ES384"))),
        Some(InvalidKeyError::AlgorithmMismatch)
    );
    assert_eq!(
        rejection(&with(okp(), "alg", json!("ES256"))),
        Some(InvalidKeyError::AlgorithmMismatch)
    );
}

#[test]
fn type_and_curve_must_belong_together() {
    for (jwk, expected) in [
        (with(ec(), "crv", json!("P-384")), InvalidKeyError::Malformed),
        (with(ec(), "crv", json!("Ed25519")), InvalidKeyError::Unsupported),
        (with(ec(), "crv", json!("P-521")), InvalidKeyError::Malformed),
        (with(ec(), "crv", json!("secp256k1")), InvalidKeyError::Malformed),
        (with(ec(), "crv", json!("P-224")), InvalidKeyError::Unsupported),
        (with(okp(), "crv", json!("P-256")), InvalidKeyError::Unsupported),
        (with(okp(), "crv", json!("X25519")), InvalidKeyError::Unsupported),
        (with(okp(), "crv", json!("Ed448")), InvalidKeyError::Unsupported),
        (with(okp(), "kty", json!("AKP")), InvalidKeyError::Unsupported),
        (with(okp(), "kty", json!("okp")), InvalidKeyError::Unsupported),
        (with(okp(), "kty", json!(5)), InvalidKeyError::Malformed),
        (json!({"x": OKP_X, "crv": "Ed25519"}), InvalidKeyError::Malformed),
        (json!({"kty": "RSA", "e": "AQAB"}), InvalidKeyError::Malformed),
        (json!(null), InvalidKeyError::Malformed),
        (json!("x"), InvalidKeyError::Malformed),
        (json!(["RSA"]), InvalidKeyError::Malformed),
    ] {
        assert_eq!(rejection(&jwk), Some(expected), "{jwk}");
    }
}

#[test]
fn points_must_be_whole_and_on_the_curve() {
    let zero = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (name, value) in [
        ("x", EC_Y),
        ("x", ""),
        ("x", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVA"),
        ("y", "AcfxRM0bvZt-hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt"),
        ("y", "x/FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
        ("y", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0=="),
        ("y", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a1"),
        ("y", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\n"),
    ] {
        assert_eq!(
            rejection(&with(ec(), name, json!(value))),
            Some(InvalidKeyError::Malformed),
            "{name} {value}"
        );
    }
    let origin = with(with(ec(), "x", json!(zero)), "y", json!(zero));
    assert_eq!(rejection(&origin), Some(InvalidKeyError::Malformed));
    assert_eq!(rejection(&with(okp(), "x", json!("AAAA"))), Some(InvalidKeyError::Malformed));
    assert_eq!(rejection(&with(okp(), "x", json!(zero))), Some(InvalidKeyError::Weak));
}

#[test]
fn secrets_do_not_belong_into_a_key_set() {
    let symmetric = json!({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"});
    assert_eq!(rejection(&symmetric), Some(InvalidKeyError::Symmetric));
    // Without its value it is no secret.
    assert_eq!(rejection(&with(symmetric, "k", Value::Null)), Some(InvalidKeyError::Malformed));
    for name in ["d", "p", "q", "dp", "dq", "qi", "k"] {
        assert_eq!(
            rejection(&with(rsa(), name, json!("AQAB"))),
            Some(InvalidKeyError::Private),
            "{name}"
        );
    }
}

#[test]
fn a_secret_comes_only_from_ones_own_configuration() {
    let secret = json!({"kty": "oct", "k": "A".repeat(43), "alg": "HS256", "kid": "s"});
    let key = import_secret(&secret.to_string()).unwrap();
    assert_eq!((key.id(), key.supports(Algorithm::HS256)), (Some("s"), true));
    for (name, value) in [
        ("k", json!("AAAA")),
        ("k", json!("")),
        ("k", json!("A=")),
        ("alg", json!("HS512")),
        ("alg", json!("A256GCM")),
        ("alg", json!("RS256")),
        ("use", json!("enc")),
        ("kty", json!("RSA")),
    ] {
        assert!(
            import_secret(&with(secret.clone(), name, value.clone()).to_string()).is_err(),
            "{name} {value}"
        );
    }
    assert!(import_secret(&rsa().to_string()).is_err());
}

#[test]
fn huge_numbers_are_refused_before_they_are_decoded() {
    assert_eq!(
        rejection(&with(rsa(), "n", json!("A".repeat(2_000_000)))),
        Some(InvalidKeyError::TooLarge)
    );
    assert_eq!(rejection(&with(rsa(), "e", json!("AQ"))), Some(InvalidKeyError::Weak));
    assert_eq!(rejection(&with(rsa(), "n", json!(""))), Some(InvalidKeyError::Malformed));
}

#[test]
fn duplicate_members_and_a_kid_of_another_type_are_malformed() {
    let doubled = rsa().to_string().replacen('{', r#"{"kid":"x","#, 1);
    assert_eq!(import(&doubled).err(), Some(InvalidKeyError::Malformed));
    assert_eq!(rejection(&with(rsa(), "kid", json!(5))), Some(InvalidKeyError::Malformed));
    assert_eq!(rejection(&with(rsa(), "x5c", json!("ignored"))), None);
}

/// Values from RFC 7638 §3.1, RFC 8037 appendix A.3, RFC 9449 §6.1.
#[test]
fn thumbprints_are_those_of_the_standards() {
    let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    let x = "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs";
    let y = "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA";
    for (jwk, thumbprint) in [
        (
            json!({"kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
        ),
        (okp(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"),
        (
            json!({"kty": "EC", "crv": "P-256", "x": x, "y": y}),
            "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
        ),
    ] {
        assert_eq!(import(&jwk.to_string()).unwrap().thumbprint().unwrap(), thumbprint);
    }
}

#[test]
fn rsa_keys_up_to_the_bound_are_taken() {
    let number = |bytes: usize| {
        let mut number = vec![0xff; bytes];
        number[0] = 0x80;
        URL_SAFE_NO_PAD.encode(number)
    };
    let sized = |bytes: usize| with(rsa(), "n", json!(number(bytes)));
    assert_eq!(rejection(&sized(1024)), None);
    assert_eq!(rejection(&sized(1025)), Some(InvalidKeyError::TooLarge));
    assert_eq!(rejection(&sized(100_000)), Some(InvalidKeyError::TooLarge));
    assert_eq!(rejection(&sized(256)), None);
    assert_eq!(rejection(&sized(255)), Some(InvalidKeyError::Weak));
}

#[test]
fn members_that_say_nothing_count_as_absent() {
    let mut untidy = rsa();
    for name in PRIVATE_MEMBERS.into_iter().chain(["alg", "use", "key_ops", "x5c", "x5t", "crv"]) {
        untidy[name] = Value::Null;
    }
    let key = import(&untidy.to_string()).unwrap();
    assert!(key.supports(Algorithm::PS512) && key.id() == Some("r"));
    for list in LISTS {
        untidy[list] = json!([]);
    }
    assert_eq!(rejection(&untidy), None);
    assert_eq!(import(&with(rsa(), "kid", Value::Null).to_string()).unwrap().id(), None);
    for name in ["kty", "n", "e"] {
        let lacking = with(rsa(), name, Value::Null);
        assert_eq!(rejection(&lacking), Some(InvalidKeyError::Malformed), "{name}");
    }
    for (name, value) in [
        ("oth", json!([{"r": "AQ", "d": "AQ", "t": "AQ"}])),
        ("oth", json!({})),
        ("d", json!("")),
        ("d", json!([])),
        ("d", json!(false)),
        ("k", json!("AAAA")),
    ] {
        let private = with(untidy.clone(), name, value);
        assert_eq!(rejection(&private), Some(InvalidKeyError::Private), "{private}");
    }
    let twice = untidy.to_string().replacen('{', r#"{"d":null,"#, 1);
    assert_eq!(rejection_of(&twice), Some(InvalidKeyError::Malformed));
}

fn rejection_of(json: &str) -> Option<InvalidKeyError> {
    import(json).err()
}

#[test]
fn a_number_counts_and_not_its_zeros() {
    let thumbprint = |jwk: &Value| import(&jwk.to_string()).unwrap().thumbprint();
    let zeros = |text: &str, count: usize| {
        let number = URL_SAFE_NO_PAD.decode(text).unwrap();
        json!(URL_SAFE_NO_PAD.encode([vec![0; count], number].concat()))
    };
    for count in [1, 2, 100] {
        let padded = with(rsa(), "n", zeros(RSA_N, count));
        assert_eq!(thumbprint(&padded), thumbprint(&rsa()), "{count}");
    }
    assert_eq!(thumbprint(&with(rsa(), "e", json!("AAEAAQ"))), thumbprint(&rsa()));
    assert_eq!(rejection(&with(rsa(), "e", json!("AAAAAA"))), Some(InvalidKeyError::Malformed));
    let sized = |zeros: usize, bytes: usize| {
        let number = [vec![0; zeros], vec![0xff; bytes]].concat();
        rejection(&with(rsa(), "n", json!(URL_SAFE_NO_PAD.encode(number))))
    };
    assert_eq!(sized(128, 128), Some(InvalidKeyError::Weak));
    assert_eq!(sized(1, 255), Some(InvalidKeyError::Weak));
    assert_eq!((sized(1, 256), sized(1, 1024), sized(500, 1024)), (None, None, None));
    assert_eq!(sized(1, 1025), Some(InvalidKeyError::TooLarge));
    assert_eq!(sized(3000, 256), Some(InvalidKeyError::TooLarge));

    // A coordinate may have lost its zeros, or have more of them.
    let padded = with(ec(), "y", zeros(EC_Y, 3));
    assert_eq!(thumbprint(&padded), thumbprint(&ec()));
    let coordinate = |bytes: &[u8]| Reading::Lenient.coordinate(bytes.to_vec(), 4);
    assert_eq!(coordinate(&[7, 8]), Some(vec![0, 0, 7, 8]));
    assert_eq!(coordinate(&[0, 0, 1, 2, 3, 4]), Some(vec![1, 2, 3, 4]));
    assert_eq!((coordinate(&[1, 2, 3, 4, 5]), coordinate(&[])), (None, None));
    // The bytes of an Ed25519 key are no number.
    for count in [1, 2] {
        let longer = with(okp(), "x", zeros(OKP_X, count));
        assert_eq!(rejection(&longer), Some(InvalidKeyError::Malformed));
    }
}

#[test]
fn either_alphabet_and_padding_are_read() {
    let standard = |text: &str| text.replace('-', "+").replace('_', "/");
    for (jwk, name, text) in [
        (rsa(), "n", RSA_N),
        (rsa(), "e", "AQAB"),
        (ec(), "x", EC_X),
        (ec(), "y", EC_Y),
        (okp(), "x", OKP_X),
    ] {
        let padding = "=".repeat(text.len().next_multiple_of(4) - text.len());
        let thumbprint = |jwk: &Value| import(&jwk.to_string()).unwrap().thumbprint();
        for writing in [standard(text), format!("{text}{padding}"), standard(text) + &padding] {
            let untidy = with(jwk.clone(), name, json!(writing));
            assert_eq!(thumbprint(&untidy), thumbprint(&jwk), "{untidy}");
        }
        for wrong in
            [format!(" {text}"), format!("{text}\n"), format!("{text}+-"), format!("={text}")]
        {
            let wrong = with(jwk.clone(), name, json!(wrong));
            assert_eq!(rejection(&wrong), Some(InvalidKeyError::Malformed), "{wrong}");
        }
    }
}

#[test]
fn an_ed25519_key_serves_both_names_and_in_a_proof_that_of_the_proof() {
    for jwk in [okp(), with(okp(), "alg", json!("Ed25519")), with(okp(), "alg", json!("EdDSA"))] {
        let key = import(&jwk.to_string()).unwrap();
        assert!(key.supports(Algorithm::EdDSA) && key.supports(Algorithm::Ed25519), "{jwk}");
    }
    for (wanted, other) in
        [(Algorithm::EdDSA, Algorithm::Ed25519), (Algorithm::Ed25519, Algorithm::EdDSA)]
    {
        let key = import_from_proof(&okp().to_string(), wanted).unwrap();
        assert!(key.supports(wanted) && !key.supports(other));
        let named = with(okp(), "alg", json!(wanted.name())).to_string();
        assert!(import_from_proof(&named, wanted).is_ok());
        assert!(import_from_proof(&named, other).is_err());
    }
    for jwk in [rsa(), ec()] {
        let other = with(jwk, "alg", json!("Ed25519"));
        assert_eq!(rejection(&other), Some(InvalidKeyError::AlgorithmMismatch));
    }
    for alg in ["Ed448", "ed25519", "ESP256"] {
        let other = with(okp(), "alg", json!(alg));
        assert_eq!(rejection(&other), Some(InvalidKeyError::Unsupported), "{alg}");
    }
}

/// Public keys made for this test; the private halves were not kept.
#[test]
fn keys_on_p521_and_secp256k1_are_for_their_algorithm_alone() {
    let p521 = json!({
        "kty": "EC",
        "crv": "P-521",
        "x": "AfwJiaB5jVG6PiAcdD7n4VqgV8mZGl6mGil-D1iSjbyfuwZBtH2AwZUmBA6BoRC_3Kbl9xOjhzrqin7YA4wprgLv",
        "y": "AMkqKQa2OT53dIRq1U0Czqp-qQ4RKnfNUecmkjzb4mnCu6Yj8eVoW0FpRaBlSoDmJS3YcrWmWZw4HzfHljOAvKs3",
    });
    let secp256k1 = json!({
        "kty": "EC",
        "crv": "secp256k1",
        "x": "CE9POLMztZtUCFTDz1GO8w4GUOM_60ezrX3UXn6KGig",
        "y": "Tb0qFDjs6YdglvlywVtDAuWxy4CMHQ8BcaiEB-v1Icg",
    });
    for (jwk, algorithm, thumbprint) in [
        (p521, Algorithm::ES512, "rReCFv3slUdjNtC66M6b7Yb735xWEleGsLOXsgyqaug"),
        (secp256k1, Algorithm::ES256K, "OoAElwtT3ZffIp9D0W8VrlAOtFkljYDnWvEpuMWmFOs"),
    ] {
        let key = import(&jwk.to_string()).unwrap();
        let supported = Algorithm::ALL.into_iter().filter(|one| key.supports(*one));
        assert_eq!(supported.collect::<Vec<_>>(), [algorithm]);
        assert_eq!(key.thumbprint().as_deref(), Some(thumbprint));
        for other in Algorithm::ALL.into_iter().filter(|one| *one != algorithm) {
            let named = with(jwk.clone(), "alg", json!(other.name()));
            assert_eq!(rejection(&named), Some(InvalidKeyError::AlgorithmMismatch), "{other}");
        }
        for crv in ["P-256", "P-384", "P-521", "secp256k1"] {
            let other = with(jwk.clone(), "crv", json!(crv));
            assert_eq!(import(&other.to_string()).is_ok(), jwk["crv"] == crv, "{crv}");
        }
    }
}

/// A public key of ML-DSA from a seed of equal bytes.
fn akp(algorithm: Algorithm, byte: u8) -> Value {
    let level = ml_dsa_signing(algorithm.family()).unwrap();
    let pair = PqdsaKeyPair::from_seed(level, &[byte; 32]).unwrap();
    let public = URL_SAFE_NO_PAD.encode(pair.public_key());
    json!({"kty": "AKP", "alg": algorithm.name(), "pub": public})
}

const ML_DSA: [Algorithm; 3] = [Algorithm::MlDsa44, Algorithm::MlDsa65, Algorithm::MlDsa87];

#[test]
fn a_key_of_ml_dsa_says_its_algorithm() {
    for algorithm in ML_DSA {
        let jwk = akp(algorithm, 7);
        let key = import(&jwk.to_string()).unwrap();
        let supported = Algorithm::ALL.into_iter().filter(|one| key.supports(*one));
        assert_eq!(supported.collect::<Vec<_>>(), [algorithm]);
        assert!(import_from_proof(&jwk.to_string(), algorithm).is_ok());
        for other in Algorithm::ALL.into_iter().filter(|one| *one != algorithm) {
            // The key of another level has another length.
            let expected = if other.is_ml_dsa() {
                InvalidKeyError::Malformed
            } else {
                InvalidKeyError::AlgorithmMismatch
            };
            let named = with(jwk.clone(), "alg", json!(other.name()));
            assert_eq!(rejection(&named), Some(expected), "{algorithm} as {other}");
            assert!(import_from_proof(&jwk.to_string(), other).is_err());
        }
        for (name, value, expected) in [
            ("alg", Value::Null, InvalidKeyError::Unsupported),
            ("alg", json!("ML-DSA"), InvalidKeyError::Unsupported),
            ("alg", json!("ml-dsa-65"), InvalidKeyError::Unsupported),
            ("pub", Value::Null, InvalidKeyError::Malformed),
            ("pub", json!(""), InvalidKeyError::Malformed),
            ("pub", json!("AAAA"), InvalidKeyError::Malformed),
            ("pub", json!("A".repeat(100_000)), InvalidKeyError::TooLarge),
            ("priv", json!(URL_SAFE_NO_PAD.encode([7; 32])), InvalidKeyError::Private),
            ("kty", json!("OKP"), InvalidKeyError::Malformed),
            ("kty", json!("akp"), InvalidKeyError::Unsupported),
        ] {
            let other = with(jwk.clone(), name, value);
            assert_eq!(rejection(&other), Some(expected), "{algorithm} {name}");
        }
        let longer = format!("{}AAAA", jwk["pub"].as_str().unwrap());
        let longer = with(jwk.clone(), "pub", json!(longer));
        assert!(import(&longer.to_string()).is_err());
        let mut without = jwk.clone();
        without.as_object_mut().unwrap().remove("alg");
        assert!(import_from_proof(&without.to_string(), algorithm).is_err());
    }
}

/// RFC 9964: the key of a seed of zeros.
#[test]
fn the_thumbprint_of_an_ml_dsa_key_has_its_algorithm_in_it() {
    let key = import(&akp(Algorithm::MlDsa44, 0).to_string()).unwrap();
    let thumbprint = "T4xl70S7MT6Zeq6r9V9fPJGVn76wfnXJ21-gyo0Gu6o";
    assert_eq!(key.thumbprint().as_deref(), Some(thumbprint));
}

/// Keys that callers send have the strict form, whatever key sets may look like.
#[test]
fn a_key_in_a_proof_is_not_untidy() {
    let refused = |jwk: &Value, algorithm| import_from_proof(&jwk.to_string(), algorithm).is_err();
    assert!(!refused(&rsa(), Algorithm::RS256) && !refused(&ec(), Algorithm::ES256));
    for (name, value) in [
        ("d", Value::Null),
        ("oth", json!([])),
        ("use", Value::Null),
        ("use", json!("jwt-svid")),
        ("alg", Value::Null),
        ("kid", Value::Null),
        ("key_ops", json!([])),
        ("e", json!("AAEAAQ")),
        ("n", json!(format!("{RSA_N}=="))),
        ("n", json!(RSA_N.replace('_', "/"))),
        ("n", json!(format!("AAAA{RSA_N}"))),
    ] {
        let untidy = with(rsa(), name, value);
        assert!(refused(&untidy, Algorithm::RS256), "{untidy}");
    }
    for y in [
        format!("{EC_Y}="),
        EC_Y.replace('_', "/"),
        "AMfxRM0bvZt-hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt".into(),
    ] {
        let untidy = with(ec(), "y", json!(y));
        assert_eq!(rejection(&untidy), None);
        assert!(refused(&untidy, Algorithm::ES256), "{untidy}");
    }
    assert!(refused(&with(okp(), "alg", json!("Ed25519")), Algorithm::EdDSA));
    assert!(refused(&with(okp(), "x", json!(format!("{OKP_X}="))), Algorithm::EdDSA));
}
