//! Signing keys.

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    rsa::{KeySize, PublicKeyComponents},
    signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, PqdsaKeyPair, RsaKeyPair},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::EncodingKey;
use rustls_pki_types::{PrivateKeyDer, pem::PemObject};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::IssuingError;
use crate::{
    algorithm::{Algorithm, AlgorithmSet, Family},
    error::{ConfigError, InvalidKeyError},
    key::{PrivateKey, VerificationKey, ecdsa_signing, ml_dsa_signing, public_jwk, read_seed_key},
    secret::Secret,
};
use crate::{error::StoreUnavailable, lookup::BoxFuture};

/// A private key or a secret that tokens are signed with, for one algorithm. Its `Debug` output is
/// redacted.
///
/// Its key ID, which tokens contain, is the thumbprint of the public key (RFC 7638) or, for a
/// secret, a MAC over a fixed text, unless [`with_id`](Self::with_id) sets another.
#[doc(alias = "private key")]
#[derive(Clone)]
pub struct SigningKey {
    algorithm: Algorithm,
    id: Arc<str>,
    signing: Arc<Signing>,
    verification: Arc<VerificationKey>,
    /// Published form; `None` for a secret.
    public: Option<Arc<Value>>,
}

/// Signs with a key.
enum Signing {
    Jsonwebtoken(EncodingKey, jsonwebtoken::Algorithm),
    /// For an algorithm that jsonwebtoken does not have.
    Own(PrivateKey),
}

impl SigningKey {
    /// Generates a private key, from the operating system's random numbers. RSA keys have 2048
    /// bits.
    ///
    /// The key is lost when the process ends, and tokens signed with it become invalid: load keys
    /// that have to outlive a restart with [`from_pem`](Self::from_pem).
    ///
    /// # Errors
    /// For an algorithm that needs a secret, and if the system has no random numbers.
    pub fn generate(algorithm: Algorithm) -> Result<Self, ConfigError> {
        let failed = |_| ConfigError::invalid("algorithm", "no key could be generated");
        let der = match algorithm.family() {
            Family::Rsa => {
                use aws_lc_rs::encoding::AsDer as _;

                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
                let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
                Zeroizing::new(der.as_ref().to_vec())
            }
            family @ (Family::EcP256 | Family::EcP384 | Family::EcP521 | Family::Secp256k1) => {
                let curve = ecdsa_signing(family).ok_or(InvalidKeyError::AlgorithmMismatch)?;
                let pair = EcdsaKeyPair::generate(curve).map_err(failed)?;
                let der = pair.to_pkcs8v1().map_err(failed)?;
                Zeroizing::new(der.as_ref().to_vec())
            }
            Family::Ed25519 => {
                let pair = Ed25519KeyPair::generate().map_err(failed)?;
                let der = pair.to_pkcs8v1().map_err(failed)?;
                Zeroizing::new(der.as_ref().to_vec())
            }
            family @ (Family::MlDsa44 | Family::MlDsa65 | Family::MlDsa87) => {
                let level = ml_dsa_signing(family).ok_or(InvalidKeyError::AlgorithmMismatch)?;
                let pair = PqdsaKeyPair::generate(level).map_err(failed)?;
                let der = pair.to_pkcs8v1().map_err(failed)?;
                Zeroizing::new(der.as_ref().to_vec())
            }
            Family::Hmac => {
                return Err(ConfigError::invalid("algorithm", "a secret is given, not generated"));
            }
        };
        Self::from_pem(algorithm, pem(&der).as_bytes())
    }

    /// Reads a private key in PEM form: PKCS#8, or PKCS#1 for RSA. A key of ML-DSA has its seed in it
    /// (RFC 9881 §6).
    ///
    /// # Errors
    /// If it is not a private key, does not fit the algorithm, is too weak (RSA below 2048 bits), or
    /// is a key of ML-DSA without its seed.
    pub fn from_pem(algorithm: Algorithm, pem: &[u8]) -> Result<Self, ConfigError> {
        let malformed = || ConfigError::Key(InvalidKeyError::Malformed);
        let mismatch = || ConfigError::Key(InvalidKeyError::AlgorithmMismatch);
        let mut keys = PrivateKeyDer::pem_slice_iter(pem);
        let (Some(Ok(der)), None) = (keys.next(), keys.next()) else { return Err(malformed()) };
        let family = algorithm.family();
        let (public, verification) = match (family, &der) {
            (Family::Rsa, der) => {
                let pair = match der {
                    PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
                    PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
                    _ => return Err(mismatch()),
                };
                let pair = pair.map_err(|_| mismatch())?;
                let PublicKeyComponents { n, e } =
                    PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                let verification = VerificationKey::from_rsa(AlgorithmSet::of(algorithm), &n, &e)?;
                (public_jwk::rsa(&n, &e), verification)
            }
            (_, der) => {
                let public = match PrivateKey::read(algorithm, der).ok_or_else(mismatch)? {
                    PrivateKey::Ecdsa(pair) => pair.public_key().as_ref().to_vec(),
                    PrivateKey::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
                    PrivateKey::MlDsa(pair) => pair.public_key().as_ref().to_vec(),
                    PrivateKey::Rsa(..) => return Err(mismatch()),
                };
                let algorithms = AlgorithmSet::of_key(algorithm);
                let verification = VerificationKey::from_bytes(family, algorithms, &public)?;
                (public_jwk::of_bytes(family, &public), verification)
            }
        };
        let signing = match (family, name_of(algorithm)) {
            (Family::Rsa, Some(name)) => Signing::of(EncodingKey::from_rsa_pem(pem), name),
            (Family::Ed25519, Some(name)) => Signing::of(EncodingKey::from_ed_pem(pem), name),
            (_, Some(name)) => Signing::of(EncodingKey::from_ec_pem(pem), name),
            (_, None) => PrivateKey::read(algorithm, &der).map(Signing::Own),
        };
        let mut public: Map<String, Value> =
            serde_json::from_str(&public).map_err(|_| malformed())?;
        public.insert("use".into(), "sig".into());
        public.insert("alg".into(), algorithm.name().into());
        let id = verification.thumbprint().unwrap_or_default();
        let signing = signing.ok_or_else(malformed)?;
        Ok(Self::new(algorithm, &id, signing, verification, Some(public.into())))
    }

    /// Reads a private key of ML-DSA in the form of a JSON Web Key (`"kty":"AKP"`, RFC 9964), whose
    /// `alg` names the level and whose `priv` is the seed of 32 bytes. Its `kid`, if it has one, is the
    /// key ID. Keys for other algorithms come in PEM form.
    ///
    /// # Errors
    /// For a key of another type, another algorithm, another use (`use`, `key_ops` without `sign`), or
    /// in another form, and if `pub` is not the public key of the seed.
    pub fn from_jwk(jwk: &Secret) -> Result<Self, ConfigError> {
        let given = read_seed_key(jwk.expose())?;
        let pair = given.pair()?;
        let der = pair.to_pkcs8v1().map_err(|_| InvalidKeyError::Malformed)?;
        let der = Zeroizing::new(der.as_ref().to_vec());
        let key = Self::from_pem(given.algorithm, pem(&der).as_bytes())?;
        Ok(match given.public.id() {
            Some(id) => key.with_id(id),
            None => key,
        })
    }

    /// Takes a shared secret, for `HS256`, `HS384` or `HS512`. Every party that can verify with it
    /// can also sign.
    ///
    /// # Errors
    /// For another algorithm, and if the secret is shorter than the hash: 32, 48 or 64 bytes (RFC
    /// 7518 §3.2).
    pub fn from_secret(algorithm: Algorithm, secret: &Secret) -> Result<Self, ConfigError> {
        let verification = VerificationKey::from_secret(algorithm, secret)?;
        let name = name_of(algorithm).ok_or(InvalidKeyError::AlgorithmMismatch)?;
        let signing = Signing::of(EncodingKey::from_secret(secret.expose()), name);
        let signing = signing.ok_or(InvalidKeyError::Malformed)?;
        let id = verification.short_name();
        Ok(Self::new(algorithm, &id, signing, verification, None))
    }

    /// Loads the key that a [`SecretStore`] has under this name: PEM, or the bytes of a secret.
    ///
    /// # Errors
    /// Everything that [`from_pem`](Self::from_pem) and [`from_secret`](Self::from_secret) refuse,
    /// and if the store does not return it.
    pub async fn from_store(
        algorithm: Algorithm,
        store: &impl SecretStore,
        name: &str,
    ) -> Result<Self, ConfigError> {
        let secret = store
            .secret(name)
            .await
            .map_err(|_| ConfigError::invalid("key", "the store does not give it"))?;
        if algorithm.is_symmetric() {
            Self::from_secret(algorithm, &secret)
        } else {
            Self::from_pem(algorithm, secret.expose())
        }
    }

    fn new(
        algorithm: Algorithm,
        id: &str,
        signing: Signing,
        verification: VerificationKey,
        public: Option<Value>,
    ) -> Self {
        let key = Self {
            algorithm,
            id: id.into(),
            signing: Arc::new(signing),
            verification: Arc::new(verification),
            public: public.map(Arc::new),
        };
        key.with_id(id)
    }

    /// Sets another key ID.
    #[must_use]
    pub fn with_id(mut self, id: &str) -> Self {
        self.id = id.into();
        if let Some(public) = &mut self.public {
            let mut named = Value::clone(public);
            if let Some(members) = named.as_object_mut() {
                members.insert("kid".into(), id.into());
            }
            *public = Arc::new(named);
        }
        self
    }

    /// Returns the key ID.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns the public key as a JSON Web Key (RFC 7517); `None` for a secret.
    pub fn public_jwk(&self) -> Option<&Value> {
        self.public.as_deref()
    }

    pub(super) fn verification(&self) -> &Arc<VerificationKey> {
        &self.verification
    }

    /// Signs a message, and returns the last segment of a token.
    #[cfg(feature = "testing")]
    pub(crate) fn sign_message(&self, message: &[u8]) -> Result<String, IssuingError> {
        match &*self.signing {
            Signing::Jsonwebtoken(key, algorithm) => {
                choose_backend();
                jsonwebtoken::crypto::sign(message, key, *algorithm)
                    .map_err(|_| IssuingError::Signing)
            }
            Signing::Own(key) => own_signature(key, message),
        }
    }

    /// Signs claims, with this `typ` in the header.
    pub(super) fn sign(&self, token_type: &str, claims: &Value) -> Result<String, IssuingError> {
        match &*self.signing {
            Signing::Jsonwebtoken(key, algorithm) => {
                choose_backend();
                let mut header = jsonwebtoken::Header::new(*algorithm);
                header.typ = Some(token_type.to_owned());
                header.kid = Some(self.id.to_string());
                jsonwebtoken::encode(&header, claims, key).map_err(|_| IssuingError::Signing)
            }
            Signing::Own(key) => {
                let name = self.algorithm.name();
                let header = json!({"typ": token_type, "alg": name, "kid": &*self.id});
                let segment = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
                let mut token = format!("{}.{}", segment(&header), segment(claims));
                let signature = own_signature(key, token.as_bytes())?;
                token.push('.');
                token.push_str(&signature);
                Ok(token)
            }
        }
    }
}

impl Signing {
    fn of<E>(key: Result<EncodingKey, E>, name: jsonwebtoken::Algorithm) -> Option<Self> {
        key.ok().map(|key| Self::Jsonwebtoken(key, name))
    }
}

/// Writes a private key in PEM form (RFC 7468 §10).
fn pem(der: &[u8]) -> Zeroizing<String> {
    let text = Zeroizing::new(STANDARD.encode(der));
    Zeroizing::new(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", &*text))
}

/// Signs, and returns the last segment of a token.
fn own_signature(key: &PrivateKey, message: &[u8]) -> Result<String, IssuingError> {
    key.sign(message)
        .map(|signature| URL_SAFE_NO_PAD.encode(signature))
        .ok_or(IssuingError::Signing)
}

/// jsonwebtoken panics at its first use if another crate has enabled its other backend, unless one
/// is chosen; an earlier choice is not a failure.
fn choose_backend() {
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
}

/// Returns the algorithm in jsonwebtoken. `None` if it has it not, or not by this name.
fn name_of(algorithm: Algorithm) -> Option<jsonwebtoken::Algorithm> {
    match algorithm {
        Algorithm::HS256 => Some(jsonwebtoken::Algorithm::HS256),
        Algorithm::HS384 => Some(jsonwebtoken::Algorithm::HS384),
        Algorithm::HS512 => Some(jsonwebtoken::Algorithm::HS512),
        Algorithm::RS256 => Some(jsonwebtoken::Algorithm::RS256),
        Algorithm::RS384 => Some(jsonwebtoken::Algorithm::RS384),
        Algorithm::RS512 => Some(jsonwebtoken::Algorithm::RS512),
        Algorithm::PS256 => Some(jsonwebtoken::Algorithm::PS256),
        Algorithm::PS384 => Some(jsonwebtoken::Algorithm::PS384),
        Algorithm::PS512 => Some(jsonwebtoken::Algorithm::PS512),
        Algorithm::ES256 => Some(jsonwebtoken::Algorithm::ES256),
        Algorithm::ES384 => Some(jsonwebtoken::Algorithm::ES384),
        Algorithm::EdDSA => Some(jsonwebtoken::Algorithm::EdDSA),
        Algorithm::Ed25519
        | Algorithm::ES512
        | Algorithm::ES256K
        | Algorithm::MlDsa44
        | Algorithm::MlDsa65
        | Algorithm::MlDsa87 => None,
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// Gives access to the secrets of an application: a vault, a file, a key management service.
pub trait SecretStore {
    /// Returns the secret of this name.
    fn secret<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Secret, StoreUnavailable>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_gets_a_key_that_fits_and_no_other() {
        for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| !algorithm.is_symmetric()) {
            let key = SigningKey::generate(algorithm).unwrap();
            let public = key.public_jwk().unwrap();
            assert_eq!(public["kid"], key.id());
            for name in ["d", "p", "q", "dp", "dq", "qi", "k", "priv"] {
                assert!(public.get(name).is_none(), "{algorithm} {name}");
            }
            assert_eq!(key.verification().thumbprint().as_deref(), Some(key.id()));
            assert!(key.sign("JWT", &json!({"sub": "x"})).is_ok(), "{algorithm}");
        }
        let key = SigningKey::generate(Algorithm::HS256);
        assert!(key.is_err());
    }

    #[test]
    fn weak_and_unfitting_keys_are_refused() {
        let short = Secret::from("x".repeat(31));
        assert!(SigningKey::from_secret(Algorithm::HS256, &short).is_err());
        let longer = Secret::from("x".repeat(32));
        assert!(SigningKey::from_secret(Algorithm::HS256, &longer).is_ok());
        assert!(SigningKey::from_secret(Algorithm::HS384, &longer).is_err());
        assert!(SigningKey::from_secret(Algorithm::ES256, &longer).is_err());
        for pem in ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
            assert!(SigningKey::from_pem(Algorithm::ES256, pem.as_bytes()).is_err());
        }
    }

    /// RFC 9964: the key of a seed of zeros, and others that are not what they say.
    #[test]
    fn a_seed_is_read_from_a_jwk() {
        let level = ml_dsa_signing(Family::MlDsa44).unwrap();
        let pair = PqdsaKeyPair::from_seed(level, &[0; 32]).unwrap();
        let (public, seed) =
            (URL_SAFE_NO_PAD.encode(pair.public_key()), URL_SAFE_NO_PAD.encode([0; 32]));
        let jwk = json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": public, "priv": seed});
        let read = |jwk: &Value| SigningKey::from_jwk(&Secret::from(jwk.to_string()));
        let key = read(&jwk).unwrap();
        assert_eq!(key.id(), "T4xl70S7MT6Zeq6r9V9fPJGVn76wfnXJ21-gyo0Gu6o");
        assert_eq!(key.algorithm(), Algorithm::MlDsa44);
        let shown = key.public_jwk().unwrap();
        assert!(shown["pub"] == public && shown.get("priv").is_none());
        let with = |name: &str, value: Value| {
            let mut other = jwk.clone();
            other[name] = value;
            read(&other)
        };
        assert_eq!(with("kid", json!("k")).unwrap().id(), "k");
        assert!(with("key_ops", json!(["sign"])).is_ok());
        for (name, value) in [
            ("priv", json!(URL_SAFE_NO_PAD.encode([1; 32]))),
            ("priv", json!(URL_SAFE_NO_PAD.encode([0; 31]))),
            ("priv", json!(URL_SAFE_NO_PAD.encode([0; 2560]))),
            ("priv", Value::Null),
            ("pub", Value::Null),
            ("alg", json!("ML-DSA-65")),
            ("alg", json!("ES256")),
            ("alg", Value::Null),
            ("kty", json!("OKP")),
            ("use", json!("enc")),
            ("key_ops", json!(["verify"])),
            ("d", json!("AA")),
        ] {
            assert!(with(name, value.clone()).is_err(), "{name} {value}");
        }
        let names_both = SigningKey::generate(Algorithm::ES256).unwrap();
        assert!(read(names_both.public_jwk().unwrap()).is_err());
    }

    /// An expanded key without its seed is not a key of RFC 9964, and another level is another key.
    #[test]
    fn a_private_key_of_ml_dsa_is_its_seed() {
        use aws_lc_rs::encoding::AsRawBytes as _;

        let level = ml_dsa_signing(Family::MlDsa65).unwrap();
        let pair = PqdsaKeyPair::from_seed(level, &[7; 32]).unwrap();
        let der = pair.to_pkcs8v1().unwrap();
        let text = pem(der.as_ref());
        assert!(SigningKey::from_pem(Algorithm::MlDsa65, text.as_bytes()).is_ok());
        for other in Algorithm::ALL.into_iter().filter(|one| *one != Algorithm::MlDsa65) {
            assert!(SigningKey::from_pem(other, text.as_bytes()).is_err(), "{other}");
        }
        let expanded = pair.private_key().as_raw_bytes().unwrap();
        let length = |bytes: usize| u16::try_from(bytes).unwrap().to_be_bytes();
        let inner = [&[0x04, 0x82], &length(4032)[..], expanded.as_ref()].concat();
        let algorithm = der.as_ref().get(5..18).unwrap();
        let content =
            [&[2, 1, 0][..], algorithm, &[0x04, 0x82], &length(inner.len()), &inner].concat();
        let whole = [&[0x30, 0x82][..], &length(content.len()), &content].concat();
        let read = PqdsaKeyPair::from_pkcs8(level, &whole);
        assert!(read.is_ok(), "it is a well-formed key");
        assert!(SigningKey::from_pem(Algorithm::MlDsa65, pem(&whole).as_bytes()).is_err());
    }

    #[test]
    fn debug_shows_nothing_of_it() {
        let key =
            SigningKey::from_secret(Algorithm::HS256, &Secret::from("s3cret".repeat(6))).unwrap();
        assert_eq!(format!("{key:?}"), "SigningKey { algorithm: HS256, .. }");
        assert!(key.public_jwk().is_none());
    }
}
