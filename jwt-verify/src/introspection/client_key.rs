//! The private key of a client, for `private_key_jwt`.

use std::{fmt, sync::Arc};

use rustls_pki_types::{PrivateKeyDer, pem::PemObject as _};

use crate::{
    algorithm::Algorithm,
    error::{ConfigError, InvalidKeyError},
    key::{PrivateKey, read_seed_key},
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
    pair: Arc<PrivateKey>,
}

impl ClientKey {
    /// Reads a private key in PEM form: PKCS#8, or PKCS#1 for RSA. A key of ML-DSA has its seed in it
    /// (RFC 9881 §6).
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
        let pair = PrivateKey::read(algorithm, &der)
            .ok_or(ConfigError::Key(InvalidKeyError::AlgorithmMismatch))?;
        Ok(Self { algorithm, id: None, pair: Arc::new(pair) })
    }

    /// Reads a private key of ML-DSA in the form of a JSON Web Key (`"kty":"AKP"`, RFC 9964), whose
    /// `alg` names the level and whose `priv` is the seed of 32 bytes. Its `kid`, if it has one, is the
    /// key ID. Keys for other algorithms come in PEM form.
    ///
    /// # Errors
    /// [`ConfigError::Key`] for a key of another type, another algorithm, another use (`use`, `key_ops`
    /// without `sign`), or in another form, and if `pub` is not the public key of the seed.
    pub fn from_jwk(jwk: impl Into<Secret>) -> Result<Self, ConfigError> {
        let given = read_seed_key(jwk.into().expose())?;
        let pair = Arc::new(PrivateKey::MlDsa(given.pair()?));
        let id = given.public.id().map(str::to_owned);
        Ok(Self { algorithm: given.algorithm, id, pair })
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
        self.pair.sign(message)
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}
