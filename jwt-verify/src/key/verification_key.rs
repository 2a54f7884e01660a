//! A verification key, prepared once so that a verification neither parses nor allocates.

use std::fmt;

use aws_lc_rs::{
    hmac,
    signature::{self, ParsedPublicKey, RsaParameters, VerificationAlgorithm},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    ed25519, jwk, pem, public_jwk, rsa,
    spki::{self, Numbers},
    thumbprint::Thumbprint,
};
use crate::{
    algorithm::{Algorithm, AlgorithmSet, Family},
    digest::{self, leading_32},
    error::{InvalidKeyError, SecretLength},
    secret::Secret,
};

/// A key that verifies signatures, with the algorithms it may be used for.
///
/// Importing a key checks its quality and prepares it, so that using it costs only the arithmetic.
/// `Debug` contains the algorithms, nothing of the key.
#[doc(alias = "public key", alias = "secret")]
pub struct VerificationKey {
    id: Option<Box<str>>,
    algorithms: AlgorithmSet,
    material: Material,
    /// Thumbprint of a public key.
    fingerprint: [u8; 32],
}

/// One prepared form per algorithm: the prepared key of `aws-lc-rs` includes hash and padding.
enum Material {
    Public(Vec<(Algorithm, ParsedPublicKey, SignatureLength)>),
    Hmac(Algorithm, Box<hmac::Key>),
}

/// Length of a signature. Others are refused before any arithmetic.
type SignatureLength = usize;

impl VerificationKey {
    /// Imports one JSON Web Key (RFC 7517 §4).
    ///
    /// The key is usable for the algorithm in its `alg`, or for all algorithms of its type if it
    /// has none; an Ed25519 key serves both of its names, `EdDSA` and `Ed25519`, whichever it has. Members that are `null`, and lists without entries, count as absent; numbers may
    /// have leading zeros, padding, and the characters of standard base64 (RFC 4648 §4).
    ///
    /// # Errors
    /// Private, symmetric, weak, unsupported and malformed keys, keys for other uses (`use`,
    /// `key_ops`), and keys whose `alg` or `crv` does not fit.
    pub fn from_jwk(json: &str) -> Result<Self, InvalidKeyError> {
        jwk::import(json)
    }

    /// Imports the key that a proof of possession contains, for the algorithm that the proof names.
    pub(crate) fn from_proof(algorithm: Algorithm, json: &str) -> Result<Self, InvalidKeyError> {
        jwk::import_from_proof(json, algorithm)
    }

    /// Imports a public key in PEM form (`-----BEGIN PUBLIC KEY-----`, RFC 7468 §13), to be used
    /// for one algorithm; a key for `EdDSA` or `Ed25519` serves both names. It has no `kid`; see [`with_id`](Self::with_id) and
    /// [`JwkSet::single`](crate::JwkSet::single).
    ///
    /// # Errors
    /// Anything but exactly one public key of the type and strength that the algorithm needs.
    pub fn from_pem(algorithm: Algorithm, pem: &[u8]) -> Result<Self, InvalidKeyError> {
        pem::import(algorithm, pem)
    }

    /// Imports a shared secret for `HS256`, `HS384` or `HS512`. Every party that has it can forge
    /// tokens.
    ///
    /// # Errors
    /// [`InvalidKeyError::ShortSecret`] if it is shorter than the hash: 32, 48 or 64 bytes (RFC 7518 §3.2).
    /// [`InvalidKeyError::AlgorithmMismatch`] for an asymmetric algorithm.
    pub fn from_secret(algorithm: Algorithm, secret: &Secret) -> Result<Self, InvalidKeyError> {
        let hash = match algorithm {
            Algorithm::HS256 => hmac::HMAC_SHA256,
            Algorithm::HS384 => hmac::HMAC_SHA384,
            Algorithm::HS512 => hmac::HMAC_SHA512,
            _ => return Err(InvalidKeyError::AlgorithmMismatch),
        };
        let (found, needed) = (secret.expose().len(), hash.digest_algorithm().output_len());
        if found < needed {
            let length = SecretLength { algorithm: algorithm.name(), needed, found };
            return Err(InvalidKeyError::ShortSecret(length));
        }
        let key = hmac::Key::new(hash, secret.expose());
        // A MAC over fixed text distinguishes keys and reveals nothing about the key.
        let fingerprint = leading_32(hmac::sign(&key, b"jwt-verify key fingerprint").as_ref());
        Ok(Self {
            id: None,
            algorithms: AlgorithmSet::of(algorithm),
            material: Material::Hmac(algorithm, Box::new(key)),
            fingerprint,
        })
    }

    /// Imports a shared secret in the form of a JSON Web Key (`"kty":"oct"`, RFC 7518 §6.4), which
    /// must name its algorithm. Only for keys from your own configuration: a key set that others
    /// can read must not contain any, and such keys in one are skipped.
    ///
    /// # Errors
    /// As [`from_secret`](Self::from_secret), and for malformed keys and keys for other uses.
    pub fn from_secret_jwk(json: &str) -> Result<Self, InvalidKeyError> {
        jwk::import_secret(json)
    }

    /// Sets the key ID (`kid`).
    #[must_use]
    pub fn with_id(mut self, key_id: impl Into<String>) -> Self {
        self.id = Some(key_id.into().into_boxed_str());
        self
    }

    /// Returns the key ID (`kid`).
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Returns `true` if the key may be used for this algorithm.
    pub fn supports(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(algorithm)
    }

    /// Returns the thumbprint of a public key with SHA-256, as base64url (RFC 7638, RFC 8037 §2, RFC 9964): a
    /// name for the key that does not depend on its `kid`. `None` for a shared secret.
    pub fn thumbprint(&self) -> Option<String> {
        match self.material {
            Material::Public(_) => Some(URL_SAFE_NO_PAD.encode(self.fingerprint)),
            Material::Hmac(..) => None,
        }
    }

    /// Returns the thumbprint, if it is a public key.
    pub(crate) fn public_thumbprint(&self) -> Option<Thumbprint> {
        match self.material {
            Material::Public(_) => Some(Thumbprint(self.fingerprint)),
            Material::Hmac(..) => None,
        }
    }

    /// Returns a name for a secret that distinguishes it and reveals nothing about it.
    #[cfg(feature = "issuing")]
    pub(crate) fn short_name(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.fingerprint.first_chunk::<12>().unwrap_or(&[0; 12]))
    }

    /// Returns the number of bytes in its longest signature.
    #[cfg(feature = "issuing")]
    pub(crate) fn signature_length(&self) -> usize {
        match &self.material {
            Material::Public(prepared) => {
                prepared.iter().map(|(.., length)| *length).max().unwrap_or_default()
            }
            Material::Hmac(algorithm, _) => match algorithm {
                Algorithm::HS256 => 32,
                Algorithm::HS384 => 48,
                _ => 64,
            },
        }
    }

    /// Returns `true` if both are the same key material, whatever its name and its algorithms.
    pub(crate) fn is_same_material(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }

    /// Returns a name for the key material under this `kid`.
    pub(super) fn identity(&self) -> String {
        digest::name(&self.fingerprint, &[self.id().unwrap_or_default()])
    }

    /// Adds the algorithms of the same key material in another entry.
    pub(super) fn absorb(&mut self, other: Self) {
        if let (Material::Public(own), Material::Public(others)) =
            (&mut self.material, other.material)
        {
            own.extend(others.into_iter().filter(|(one, ..)| !self.algorithms.contains(*one)));
            self.algorithms = self.algorithms.union(other.algorithms);
        }
    }

    /// Returns `true` if both are the same key material for the same algorithms under the same
    /// `kid`.
    #[cfg(any(feature = "jwks", feature = "issuing"))]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
            && self.algorithms == other.algorithms
            && self.id == other.id
    }

    pub(crate) fn algorithms(&self) -> AlgorithmSet {
        self.algorithms
    }

    /// Returns `true` if `signature` is this key's signature of `message` under `algorithm`.
    pub(crate) fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Public(prepared) => prepared
                .iter()
                .find(|(prepared_for, ..)| *prepared_for == algorithm)
                .is_some_and(|(_, key, length)| {
                    signature.len() == *length && key.verify_sig(message, signature).is_ok()
                }),
            // Compares in constant time, and only tags of full length.
            Material::Hmac(prepared_for, key) => {
                *prepared_for == algorithm && hmac::verify(key, message, signature).is_ok()
            }
        }
    }

    /// Prepares an elliptic-curve key from its uncompressed point, or an Ed25519 or ML-DSA key, for
    /// each of the algorithms, which are of this family.
    pub(crate) fn from_bytes(
        family: Family,
        algorithms: AlgorithmSet,
        public_key: &[u8],
    ) -> Result<Self, InvalidKeyError> {
        let form = BytesForm::of(family).ok_or(InvalidKeyError::AlgorithmMismatch)?;
        // The parser would take other forms of a point too.
        if public_key.len() != form.key_length {
            return Err(InvalidKeyError::Malformed);
        }
        if family == Family::Ed25519 {
            ed25519::check(public_key)?;
        }
        let prepared = algorithms
            .iter()
            .map(|algorithm| {
                let key = ParsedPublicKey::new(form.verification, public_key)
                    .map_err(|_| InvalidKeyError::Malformed)?;
                Ok((algorithm, key, form.signature_length))
            })
            .collect::<Result<_, InvalidKeyError>>()?;
        Ok(Self {
            id: None,
            algorithms,
            material: Material::Public(prepared),
            fingerprint: *Thumbprint::of(&public_jwk::of_bytes(family, public_key)).as_bytes(),
        })
    }

    /// Prepares a key from a `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7).
    pub(super) fn from_spki(algorithm: Algorithm, der: &[u8]) -> Result<Self, InvalidKeyError> {
        let (family, algorithms) = (algorithm.family(), AlgorithmSet::of_key(algorithm));
        match spki::read(family, der)? {
            Numbers::Rsa { modulus, exponent } => Self::from_rsa(algorithms, modulus, exponent),
            Numbers::Bytes(point) => Self::from_bytes(family, algorithms, point),
        }
    }

    /// Checks an RSA key, and prepares it for each of the algorithms.
    pub(crate) fn from_rsa(
        algorithms: AlgorithmSet,
        modulus: &[u8],
        exponent: &[u8],
    ) -> Result<Self, InvalidKeyError> {
        rsa::check(modulus, exponent)?;
        let components = signature::RsaPublicKeyComponents { n: modulus, e: exponent };
        let prepared = algorithms
            .iter()
            .map(|algorithm| {
                let parameters = rsa_parameters(algorithm)?;
                let key = components
                    .to_parsed_public_key(parameters)
                    .map_err(|_| InvalidKeyError::Malformed)?;
                Ok((algorithm, key, modulus.len()))
            })
            .collect::<Result<_, InvalidKeyError>>()?;
        Ok(Self {
            id: None,
            algorithms,
            material: Material::Public(prepared),
            fingerprint: *Thumbprint::of(&public_jwk::rsa(modulus, exponent)).as_bytes(),
        })
    }
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerificationKey")
            .field("algorithms", &self.algorithms)
            .finish_non_exhaustive()
    }
}

/// The form of keys and signatures of a family whose keys are one string of bytes.
struct BytesForm {
    verification: &'static dyn VerificationAlgorithm,
    key_length: usize,
    signature_length: SignatureLength,
}

impl BytesForm {
    fn of(family: Family) -> Option<Self> {
        let (verification, key_length, signature_length): (&dyn VerificationAlgorithm, _, _) =
            match family {
                Family::EcP256 => (&signature::ECDSA_P256_SHA256_FIXED, 65, 64),
                Family::EcP384 => (&signature::ECDSA_P384_SHA384_FIXED, 97, 96),
                Family::EcP521 => (&signature::ECDSA_P521_SHA512_FIXED, 133, 132),
                Family::Secp256k1 => (&signature::ECDSA_P256K1_SHA256_FIXED, 65, 64),
                Family::Ed25519 => (&signature::ED25519, 32, 64),
                // The context string is empty (RFC 9964).
                Family::MlDsa44 => (&signature::ML_DSA_44, 1312, 2420),
                Family::MlDsa65 => (&signature::ML_DSA_65, 1952, 3309),
                Family::MlDsa87 => (&signature::ML_DSA_87, 2592, 4627),
                Family::Rsa | Family::Hmac => return None,
            };
        Some(Self { verification, key_length, signature_length })
    }
}

fn rsa_parameters(algorithm: Algorithm) -> Result<&'static RsaParameters, InvalidKeyError> {
    match algorithm {
        Algorithm::RS256 => Ok(&signature::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => Ok(&signature::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => Ok(&signature::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => Ok(&signature::RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => Ok(&signature::RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => Ok(&signature::RSA_PSS_2048_8192_SHA512),
        _ => Err(InvalidKeyError::AlgorithmMismatch),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_verifies_its_own_tags_of_full_length_and_nothing_else() {
        let secret = Secret::from("x".repeat(64));
        for (algorithm, hash) in [
            (Algorithm::HS256, hmac::HMAC_SHA256),
            (Algorithm::HS384, hmac::HMAC_SHA384),
            (Algorithm::HS512, hmac::HMAC_SHA512),
        ] {
            let key = VerificationKey::from_secret(algorithm, &secret).unwrap();
            let tag = hmac::sign(&hmac::Key::new(hash, secret.expose()), b"message");
            assert!(key.verifies(algorithm, b"message", tag.as_ref()));
            assert!(!key.verifies(algorithm, b"another", tag.as_ref()));
            assert!(!key.verifies(algorithm, b"message", &tag.as_ref()[..16]));
            for other in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
                assert_eq!(key.verifies(other, b"message", tag.as_ref()), other == algorithm);
            }
            assert_eq!(key.thumbprint(), None);
            let needed = hash.digest_algorithm().output_len();
            let short = Secret::from("x".repeat(needed - 1));
            let rejection = VerificationKey::from_secret(algorithm, &short).err();
            let algorithm = algorithm.name();
            let length = SecretLength { algorithm, needed, found: needed - 1 };
            assert_eq!(rejection, Some(InvalidKeyError::ShortSecret(length)));
        }
    }
}
