//! Keys and tokens for the benchmarks, made at run time.

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        self, ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair,
        Ed25519KeyPair, KeyPair as _, ParsedPublicKey, RsaKeyPair, RsaPublicKeyComponents,
        VerificationAlgorithm,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use jwt_verify::{Algorithm, Secret, VerificationKey};
use serde_json::json;

pub(crate) const ISSUER: &str = "https://issuer.example/";
pub(crate) const SECRET: &str = "a secret of at least thirty-two bytes";
pub(crate) const AUDIENCE: &str = "https://api.example/";

/// An algorithm with everything that verifies its tokens.
pub(crate) struct Subject {
    pub(crate) algorithm: Algorithm,
    pub(crate) token: String,
    jwk: Option<String>,
    pub(crate) decoding: DecodingKey,
    /// The prepared key of aws-lc-rs: the least that a verification can cost. None for a secret.
    pub(crate) raw: Option<ParsedPublicKey>,
    pub(crate) signing_input: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Subject {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let random = SystemRandom::new();
        let header = json!({"alg": algorithm.name(), "typ": "JWT", "kid": "a-key-of-the-issuer"});
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        // About as large as what Auth0 issues.
        let claims = json!({
            "iss": ISSUER,
            "sub": "auth0|6123456789abcdef01234567",
            "aud": [AUDIENCE, "https://tenant.auth0.com/userinfo"],
            "iat": now,
            "exp": now + 86_400,
            "azp": "AbCdEfGhIjKlMnOpQrStUvWxYz012345",
            "scope": "openid profile email read:posts write:posts",
            "permissions": ["read:posts", "write:posts", "read:comments", "write:comments"],
            "https://myapp.example/roles": ["editor", "moderator"],
            "roles": ["editor"],
        });
        let input = format!("{}.{}", base64url(header.to_string()), base64url(claims.to_string()));
        let prepared = |algorithm: &'static dyn VerificationAlgorithm, bytes: &[u8]| {
            ParsedPublicKey::new(algorithm, bytes).unwrap()
        };
        let (signature, jwk, raw) = match algorithm {
            Algorithm::RS256 | Algorithm::PS256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
                let numbers = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                let mut signature = vec![0; pair.public_modulus_len()];
                let (padding, parameters): (&'static dyn signature::RsaEncoding, _) =
                    if algorithm == Algorithm::RS256 {
                        (&signature::RSA_PKCS1_SHA256, &signature::RSA_PKCS1_2048_8192_SHA256)
                    } else {
                        (&signature::RSA_PSS_SHA256, &signature::RSA_PSS_2048_8192_SHA256)
                    };
                pair.sign(padding, &random, input.as_bytes(), &mut signature).unwrap();
                let jwk =
                    json!({"kty": "RSA", "n": base64url(&numbers.n), "e": base64url(&numbers.e)});
                (signature, jwk, numbers.to_parsed_public_key(parameters).unwrap())
            }
            Algorithm::ES256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
                let point = pair.public_key().as_ref();
                let (x, y) = point[1..].split_at(32);
                let jwk =
                    json!({"kty": "EC", "crv": "P-256", "x": base64url(x), "y": base64url(y)});
                let signature = pair.sign(&random, input.as_bytes()).unwrap();
                (signature.as_ref().to_vec(), jwk, prepared(&ECDSA_P256_SHA256_FIXED, point))
            }
            Algorithm::EdDSA => {
                let pair = Ed25519KeyPair::generate().unwrap();
                let public = pair.public_key().as_ref();
                let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(public)});
                (pair.sign(input.as_bytes()).as_ref().to_vec(), jwk, prepared(&ED25519, public))
            }
            _ => return Self::with_secret(input),
        };
        let decoding = serde_json::from_value(jwk.clone()).unwrap();
        let mut named = jwk;
        named["kid"] = "a-key-of-the-issuer".into();
        Self {
            algorithm,
            token: format!("{input}.{}", base64url(&signature)),
            jwk: Some(named.to_string()),
            decoding: DecodingKey::from_jwk(&decoding).unwrap(),
            raw: Some(raw),
            signing_input: input.into_bytes(),
            signature,
        }
    }

    fn with_secret(input: String) -> Self {
        let tag =
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), input.as_bytes());
        Self {
            algorithm: Algorithm::HS256,
            token: format!("{input}.{}", base64url(tag.as_ref())),
            jwk: None,
            decoding: DecodingKey::from_secret(SECRET.as_bytes()).unwrap(),
            raw: None,
            signing_input: input.into_bytes(),
            signature: tag.as_ref().to_vec(),
        }
    }

    /// The key as this library imports it.
    pub(crate) fn key(&self) -> VerificationKey {
        match &self.jwk {
            Some(jwk) => VerificationKey::from_jwk(jwk).unwrap(),
            None => VerificationKey::from_secret(self.algorithm, &Secret::from(SECRET)).unwrap(),
        }
    }
}
