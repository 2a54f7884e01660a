//! Public keys in PEM form (RFC 7468 §13).

use rustls_pki_types::{SubjectPublicKeyInfoDer, pem::PemObject};

use super::VerificationKey;
use crate::{algorithm::Algorithm, error::InvalidKeyError};

/// Imports the only public key in the text. Private keys, certificates and second keys are refused,
/// so that a wrong file is noticed at startup.
pub(super) fn import(algorithm: Algorithm, pem: &[u8]) -> Result<VerificationKey, InvalidKeyError> {
    if pem.windows(PRIVATE.len()).any(|window| window == PRIVATE) {
        return Err(InvalidKeyError::Private);
    }
    let mut keys = SubjectPublicKeyInfoDer::pem_slice_iter(pem);
    match (keys.next(), keys.next()) {
        (Some(Ok(key)), None) => VerificationKey::from_spki(algorithm, &key),
        _ => Err(InvalidKeyError::Malformed),
    }
}

const PRIVATE: &[u8] = b"PRIVATE KEY-----";

#[cfg(test)]
mod tests {
    use super::*;

    // Public halves of keys made for this test with OpenSSL; the private halves were not kept.
    const P256: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEcUJA00ZhXUthVHxYMBRj4U4T8+Xj
M+9SskSUufoNz/l1IlrmaMU1azwGPRUCraTjBYhRXXUod/dZ6xrvMAWxoA==
-----END PUBLIC KEY-----
";
    // The key of RFC 8037 appendix A.2.
    const ED25519: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----
";

    const P521: &str = "-----BEGIN PUBLIC KEY-----
MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQB/AmJoHmNUbo+IBx0PufhWqBXyZka
XqYaKX4PWJKNvJ+7BkG0fYDBlSYEDoGhEL/cpuX3E6OHOuqKftgDjCmuAu8AySop
BrY5Pnd0hGrVTQLOqn6pDhEqd81R5yaSPNviacK7piPx5WhbQWlFoGVKgOYlLdhy
taZZnDgfN8eWM4C8qzc=
-----END PUBLIC KEY-----
";
    const SECP256K1: &str = "-----BEGIN PUBLIC KEY-----
MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAECE9POLMztZtUCFTDz1GO8w4GUOM/60ez
rX3UXn6KGihNvSoUOOzph2CW+XLBW0MC5bHLgIwdDwFxqIQH6/UhyA==
-----END PUBLIC KEY-----
";

    #[test]
    fn one_public_key_of_the_right_type_is_imported() {
        for (pem, algorithm) in [
            (P521, Algorithm::ES512),
            (SECP256K1, Algorithm::ES256K),
            (ED25519, Algorithm::Ed25519),
        ] {
            for other in Algorithm::ALL {
                let is_right = other.family() == algorithm.family();
                assert_eq!(import(other, pem.as_bytes()).is_ok(), is_right, "{algorithm} {other}");
            }
            assert!(import(algorithm, pem.as_bytes()).unwrap().supports(algorithm));
        }
        let either = import(Algorithm::EdDSA, ED25519.as_bytes()).unwrap();
        assert!(either.supports(Algorithm::Ed25519));
        assert!(import(Algorithm::ES256, P256.as_bytes()).unwrap().supports(Algorithm::ES256));
        assert!(import(Algorithm::EdDSA, ED25519.as_bytes()).unwrap().supports(Algorithm::EdDSA));
    }

    #[test]
    fn anything_else_is_refused() {
        for algorithm in [Algorithm::ES384, Algorithm::EdDSA, Algorithm::RS256, Algorithm::HS256] {
            assert!(import(algorithm, P256.as_bytes()).is_err(), "{algorithm}");
        }
        assert!(import(Algorithm::ES256, ED25519.as_bytes()).is_err());
        assert!(import(Algorithm::ES256, format!("{P256}{P256}").as_bytes()).is_err());
        assert!(import(Algorithm::ES256, b"").is_err());
        let private = P256.replace("PUBLIC", "PRIVATE");
        assert_eq!(
            import(Algorithm::ES256, private.as_bytes()).err(),
            Some(InvalidKeyError::Private)
        );
    }

    /// A key in PEM is the same one as in its other forms.
    #[test]
    fn keys_of_ml_dsa_are_imported_for_their_level() {
        use aws_lc_rs::{
            encoding::AsDer as _,
            signature::{KeyPair as _, PqdsaKeyPair},
        };
        use base64::{Engine as _, engine::general_purpose::STANDARD};

        let levels = [Algorithm::MlDsa44, Algorithm::MlDsa65, Algorithm::MlDsa87];
        for algorithm in levels {
            let level = crate::key::ml_dsa_signing(algorithm.family()).unwrap();
            let pair = PqdsaKeyPair::from_seed(level, &[7; 32]).unwrap();
            let der = pair.public_key().as_der().unwrap();
            let pem = |der: &[u8]| {
                let text = STANDARD.encode(der);
                format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n")
            };
            let key = import(algorithm, pem(der.as_ref()).as_bytes()).unwrap();
            let bytes = pair.public_key().as_ref();
            let jwk = crate::key::public_jwk::of_bytes(algorithm.family(), bytes);
            let same = VerificationKey::from_jwk(&jwk).unwrap();
            assert!(key.is_same_material(&same) && key.supports(algorithm));
            for other in Algorithm::ALL.into_iter().filter(|one| *one != algorithm) {
                assert!(import(other, pem(der.as_ref()).as_bytes()).is_err(), "{other}");
            }
            let shorter = &der.as_ref()[..der.as_ref().len() - 1];
            let longer = [der.as_ref(), &[0]].concat();
            for wrong in [shorter, &longer] {
                assert!(import(algorithm, pem(wrong).as_bytes()).is_err());
            }
        }
    }

    /// A key has one thumbprint, in every format.
    #[test]
    fn the_form_does_not_change_the_thumbprint() {
        let key = import(Algorithm::EdDSA, ED25519.as_bytes()).unwrap();
        let thumbprint = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
        assert_eq!(key.thumbprint().as_deref(), Some(thumbprint));
    }
}
