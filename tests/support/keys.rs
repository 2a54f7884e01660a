//! Keys, made at run time.

use aws_lc_rs::{
    encoding::{AsDer as _, PublicKeyX509Der},
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        self, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P256K1_SHA256_FIXED_SIGNING,
        ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
        Ed25519KeyPair, KeyPair as _, ML_DSA_44_SIGNING, ML_DSA_65_SIGNING, ML_DSA_87_SIGNING,
        PqdsaKeyPair, RsaKeyPair, RsaPublicKeyComponents,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jwt_verify::Algorithm;
use serde_json::{Value, json};

use crate::base64url;

/// A private key with the name and algorithm under which it signs.
pub struct SigningKey {
    id: String,
    algorithm: Algorithm,
    pair: Pair,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ec(EcdsaKeyPair, &'static str),
    Ed(Ed25519KeyPair),
    MlDsa(PqdsaKeyPair),
    Secret(Box<hmac::Key>),
}

impl SigningKey {
    /// A new key for the algorithm. Symmetric ones need [`from_secret`](Self::from_secret).
    pub fn new(algorithm: Algorithm, id: &str) -> Self {
        let ec = |curve, name| Pair::Ec(EcdsaKeyPair::generate(curve).unwrap(), name);
        let ml_dsa = |level| Pair::MlDsa(PqdsaKeyPair::generate(level).unwrap());
        let pair = match algorithm {
            Algorithm::ES256 => ec(&ECDSA_P256_SHA256_FIXED_SIGNING, "P-256"),
            Algorithm::ES384 => ec(&ECDSA_P384_SHA384_FIXED_SIGNING, "P-384"),
            Algorithm::ES512 => ec(&ECDSA_P521_SHA512_FIXED_SIGNING, "P-521"),
            Algorithm::ES256K => ec(&ECDSA_P256K1_SHA256_FIXED_SIGNING, "secp256k1"),
            Algorithm::MlDsa44 => ml_dsa(&ML_DSA_44_SIGNING),
            Algorithm::MlDsa65 => ml_dsa(&ML_DSA_65_SIGNING),
            Algorithm::MlDsa87 => ml_dsa(&ML_DSA_87_SIGNING),
            Algorithm::EdDSA | Algorithm::Ed25519 => Pair::Ed(Ed25519KeyPair::generate().unwrap()),
            _ => Pair::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())),
        };
        Self { id: id.into(), algorithm, pair }
    }

    /// A shared secret.
    pub fn from_secret(algorithm: Algorithm, id: &str, secret: &[u8]) -> Self {
        let hash = match algorithm {
            Algorithm::HS384 => hmac::HMAC_SHA384,
            Algorithm::HS512 => hmac::HMAC_SHA512,
            _ => hmac::HMAC_SHA256,
        };
        let pair = Pair::Secret(Box::new(hmac::Key::new(hash, secret)));
        Self { id: id.into(), algorithm, pair }
    }

    /// The `kid`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Signs for the key's own algorithm.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.sign_as(self.algorithm, message)
    }

    /// Signs for another algorithm of the same kind of key.
    pub fn sign_as(&self, algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let padding: &dyn signature::RsaEncoding = match algorithm {
                    Algorithm::RS384 => &signature::RSA_PKCS1_SHA384,
                    Algorithm::RS512 => &signature::RSA_PKCS1_SHA512,
                    Algorithm::PS256 => &signature::RSA_PSS_SHA256,
                    Algorithm::PS384 => &signature::RSA_PSS_SHA384,
                    Algorithm::PS512 => &signature::RSA_PSS_SHA512,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                let mut output = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, message, &mut output).unwrap();
                output
            }
            Pair::Ec(pair, _) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Pair::Ed(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::MlDsa(pair) => {
                let mut output = vec![0; pair.algorithm().signature_len()];
                pair.sign(message, &mut output).unwrap();
                output
            }
            Pair::Secret(key) => hmac::sign(key, message).as_ref().to_vec(),
        }
    }

    /// The public key as a JSON Web Key with `kid`, `use` and `alg`.
    pub fn jwk(&self) -> Value {
        let mut jwk = match &self.pair {
            Pair::Rsa(pair) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({"kty": "RSA", "n": base64url(&public.n), "e": base64url(&public.e)})
            }
            Pair::Ec(pair, curve) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                json!({"kty": "EC", "crv": curve, "x": base64url(x), "y": base64url(y)})
            }
            Pair::Ed(pair) => {
                let x = base64url(pair.public_key().as_ref());
                json!({"kty": "OKP", "crv": "Ed25519", "x": x})
            }
            Pair::MlDsa(pair) => {
                json!({"kty": "AKP", "pub": base64url(pair.public_key().as_ref())})
            }
            Pair::Secret(_) => panic!("a secret has no public part"),
        };
        jwk["kid"] = json!(self.id);
        jwk["use"] = json!("sig");
        jwk["alg"] = json!(self.algorithm.name());
        jwk
    }

    /// The public RSA key in PEM form (`SubjectPublicKeyInfo`).
    pub fn public_pem(&self) -> String {
        let Pair::Rsa(pair) = &self.pair else { panic!("not an RSA key") };
        let der: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        let text = STANDARD.encode(der.as_ref());
        format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n")
    }

    /// The RSA modulus, for tests that build unusual signatures.
    pub fn modulus(&self) -> Vec<u8> {
        match &self.pair {
            Pair::Rsa(pair) => RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key()).n,
            _ => panic!("not an RSA key"),
        }
    }
}
