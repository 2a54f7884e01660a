//! The private key of a client, for `private_key_jwt`.

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
        RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
    },
};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject as _};

use crate::{
    algorithm::Algorithm,
    error::{ConfigError, InvalidKeyError},
    secret::Secret,
};

/// A private key with which this application authenticates itself as a client of the issuer
/// (`private_key_jwt`, RFC 7523 §2.2). Its `Debug` output is redacted.
///
/// ```
/// # fn example(pem: String) -> Result<(), jwt_verify::ConfigError> {
/// use jwt_verify::{Algorithm, introspection::ClientKey};
///
/// let key = ClientKey::from_pem(Algorithm::ES256, pem)?.with_id("2026-11");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ClientKey {
    algorithm: Algorithm,
    id: Option<String>,
    pair: Arc<Pair>,
}

enum Pair {
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl ClientKey {
    /// Reads a private key in PEM form: PKCS#8, or PKCS#1 for RSA.
    ///
    /// # Errors
    /// [`ConfigError::Key`] if it is not a private key, or does not fit the algorithm; symmetric
    /// algorithms fit none.
    pub fn from_pem(algorithm: Algorithm, pem: impl Into<Secret>) -> Result<Self, ConfigError> {
        let pem = pem.into();
        let mut keys = PrivateKeyDer::pem_slice_iter(pem.expose());
        let (Some(Ok(der)), None) = (keys.next(), keys.next()) else {
            return Err(ConfigError::Key(InvalidKeyError::Malformed));
        };
        let pair = Pair::read(algorithm, &der)
            .ok_or(ConfigError::Key(InvalidKeyError::AlgorithmMismatch))?;
        Ok(Self { algorithm, id: None, pair: Arc::new(pair) })
    }

    /// Sets the key ID (`kid`) under which the issuer knows the key. Default: none, for an issuer
    /// that knows one key of this client.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(super) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Signs a message. `None` if the system has no random numbers.
    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match &*self.pair {
            Pair::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature).ok()?;
                Some(signature)
            }
            Pair::Ecdsa(pair) => Some(pair.sign(&random, message).ok()?.as_ref().to_vec()),
            Pair::Ed25519(pair) => Some(pair.sign(message).as_ref().to_vec()),
        }
    }
}

impl Pair {
    fn read(algorithm: Algorithm, der: &PrivateKeyDer<'_>) -> Option<Self> {
        let encoding: &'static dyn RsaEncoding = match algorithm {
            Algorithm::RS256 => &RSA_PKCS1_SHA256,
            Algorithm::RS384 => &RSA_PKCS1_SHA384,
            Algorithm::RS512 => &RSA_PKCS1_SHA512,
            Algorithm::PS256 => &RSA_PSS_SHA256,
            Algorithm::PS384 => &RSA_PSS_SHA384,
            Algorithm::PS512 => &RSA_PSS_SHA512,
            Algorithm::ES256 | Algorithm::ES384 => {
                let PrivateKeyDer::Pkcs8(der) = der else { return None };
                let curve = if algorithm == Algorithm::ES256 {
                    &ECDSA_P256_SHA256_FIXED_SIGNING
                } else {
                    &ECDSA_P384_SHA384_FIXED_SIGNING
                };
                let pair = EcdsaKeyPair::from_pkcs8(curve, der.secret_pkcs8_der());
                return pair.ok().map(Self::Ecdsa);
            }
            Algorithm::EdDSA => {
                let PrivateKeyDer::Pkcs8(der) = der else { return None };
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der());
                return pair.ok().map(Self::Ed25519);
            }
            Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => return None,
        };
        let pair = match der {
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            _ => return None,
        };
        pair.ok().map(|pair| Self::Rsa(pair, encoding))
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}
