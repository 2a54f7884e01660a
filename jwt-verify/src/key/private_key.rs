//! Private keys in PKCS#8 (RFC 5958) or PKCS#1, as pairs that sign.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P256K1_SHA256_FIXED_SIGNING,
        ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
        EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, ML_DSA_44_SIGNING, ML_DSA_65_SIGNING,
        ML_DSA_87_SIGNING, PqdsaKeyPair, PqdsaSigningAlgorithm, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
        RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
    },
};
use rustls_pki_types::PrivateKeyDer;

use super::{SeedKey, VerificationKey};
use crate::{
    algorithm::{Algorithm, AlgorithmSet, Family},
    error::InvalidKeyError,
};

/// A private key for one algorithm.
pub(crate) enum PrivateKey {
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    MlDsa(PqdsaKeyPair),
}

impl PrivateKey {
    /// Reads a key. `None` if it does not fit the algorithm; symmetric ones fit none.
    pub(crate) fn read(algorithm: Algorithm, der: &PrivateKeyDer<'_>) -> Option<Self> {
        let pkcs8 = match der {
            PrivateKeyDer::Pkcs8(der) => Some(der.secret_pkcs8_der()),
            _ => None,
        };
        match algorithm.family() {
            Family::Hmac => None,
            Family::Rsa => {
                let pair = match (der, pkcs8) {
                    (_, Some(pkcs8)) => RsaKeyPair::from_pkcs8(pkcs8),
                    (PrivateKeyDer::Pkcs1(der), _) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
                    _ => return None,
                };
                Some(Self::Rsa(pair.ok()?, rsa_encoding(algorithm)?))
            }
            Family::Ed25519 => {
                Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8?).ok().map(Self::Ed25519)
            }
            family @ (Family::MlDsa44 | Family::MlDsa65 | Family::MlDsa87) => {
                let pair = PqdsaKeyPair::from_pkcs8(ml_dsa_signing(family)?, pkcs8?).ok()?;
                // Without its seed (RFC 9881 §6) it could not be written again; RFC 9964 has no other form.
                pair.to_pkcs8v1().ok()?;
                Some(Self::MlDsa(pair))
            }
            family => {
                EcdsaKeyPair::from_pkcs8(ecdsa_signing(family)?, pkcs8?).ok().map(Self::Ecdsa)
            }
        }
    }

    /// Signs a message. `None` if the system has no random numbers.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature).ok()?;
                Some(signature)
            }
            Self::Ecdsa(pair) => Some(pair.sign(&random, message).ok()?.as_ref().to_vec()),
            Self::Ed25519(pair) => Some(pair.sign(message).as_ref().to_vec()),
            Self::MlDsa(pair) => {
                let mut signature = vec![0; pair.algorithm().signature_len()];
                pair.sign(message, &mut signature).ok()?;
                Some(signature)
            }
        }
    }
}

impl SeedKey {
    /// Makes the pair of the seed. An error if `pub` is not its public key.
    pub(crate) fn pair(&self) -> Result<PqdsaKeyPair, InvalidKeyError> {
        let family = self.algorithm.family();
        let level = ml_dsa_signing(family).ok_or(InvalidKeyError::AlgorithmMismatch)?;
        let pair =
            PqdsaKeyPair::from_seed(level, &self.seed).map_err(|_| InvalidKeyError::Malformed)?;
        let algorithms = AlgorithmSet::of(self.algorithm);
        let made = VerificationKey::from_bytes(family, algorithms, pair.public_key().as_ref())?;
        if !made.is_same_material(&self.public) {
            return Err(InvalidKeyError::Malformed);
        }
        Ok(pair)
    }
}

/// Returns how keys of this family sign with ECDSA. `None` for other families.
pub(crate) fn ecdsa_signing(family: Family) -> Option<&'static EcdsaSigningAlgorithm> {
    match family {
        Family::EcP256 => Some(&ECDSA_P256_SHA256_FIXED_SIGNING),
        Family::EcP384 => Some(&ECDSA_P384_SHA384_FIXED_SIGNING),
        Family::EcP521 => Some(&ECDSA_P521_SHA512_FIXED_SIGNING),
        Family::Secp256k1 => Some(&ECDSA_P256K1_SHA256_FIXED_SIGNING),
        _ => None,
    }
}

/// Returns how keys of this family sign with ML-DSA. `None` for other families.
pub(crate) fn ml_dsa_signing(family: Family) -> Option<&'static PqdsaSigningAlgorithm> {
    match family {
        Family::MlDsa44 => Some(&ML_DSA_44_SIGNING),
        Family::MlDsa65 => Some(&ML_DSA_65_SIGNING),
        Family::MlDsa87 => Some(&ML_DSA_87_SIGNING),
        _ => None,
    }
}

fn rsa_encoding(algorithm: Algorithm) -> Option<&'static dyn RsaEncoding> {
    match algorithm {
        Algorithm::RS256 => Some(&RSA_PKCS1_SHA256),
        Algorithm::RS384 => Some(&RSA_PKCS1_SHA384),
        Algorithm::RS512 => Some(&RSA_PKCS1_SHA512),
        Algorithm::PS256 => Some(&RSA_PSS_SHA256),
        Algorithm::PS384 => Some(&RSA_PSS_SHA384),
        Algorithm::PS512 => Some(&RSA_PSS_SHA512),
        _ => None,
    }
}
