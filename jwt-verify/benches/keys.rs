//! Keys and tokens for the benchmarks, made at run time.

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        self, EcdsaKeyPair, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm, Ed25519KeyPair,
        KeyPair as _, ParsedPublicKey, PqdsaKeyPair, PqdsaSigningAlgorithm, RsaKeyPair,
        RsaPublicKeyComponents, VerificationAlgorithm,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use jwt_verify::{Algorithm, Secret, VerificationKey};
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "https://issuer.example/";
pub(crate) const SECRET: &str = "a secret of at least thirty-two bytes";
pub(crate) const AUDIENCE: &str = "https://api.example/";

/// An algorithm with everything that verifies its tokens.
pub(crate) struct Subject {
    pub(crate) algorithm: Algorithm,
    pub(crate) token: String,
    /// The public key as an issuer publishes it. None for a secret.
    pub(crate) jwk: Option<String>,
    /// Bytes of the public key: the point of a curve uncompressed, modulus and exponent of RSA.
    pub(crate) key_bytes: usize,
    /// None for an algorithm that jsonwebtoken has not.
    pub(crate) decoding: Option<DecodingKey>,
    /// The prepared key of aws-lc-rs: the least that a verification can cost. None for a secret.
    pub(crate) raw: Option<ParsedPublicKey>,
    pub(crate) signing_input: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

const KEY_ID: &str = "a-key-of-the-issuer";

/// A signature with what verifies it.
struct Signed {
    signature: Vec<u8>,
    jwk: Value,
    key_bytes: usize,
    raw: ParsedPublicKey,
}

pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Subject {
    /// With about as many claims as Auth0 puts into a token.
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        Self::with_claims(algorithm, &claims())
    }

    /// With claims of so many bytes.
    pub(crate) fn with_payload(algorithm: Algorithm, bytes: usize) -> Self {
        let mut claims = claims();
        claims["padding"] = "".into();
        claims["padding"] = "x".repeat(bytes - claims.to_string().len()).into();
        Self::with_claims(algorithm, &claims)
    }

    fn with_claims(algorithm: Algorithm, claims: &Value) -> Self {
        let header = json!({"alg": algorithm.name(), "typ": "JWT", "kid": KEY_ID});
        let input = format!("{}.{}", base64url(header.to_string()), base64url(claims.to_string()));
        if algorithm == Algorithm::HS256 {
            return Self::with_secret(input);
        }
        let Signed { signature, mut jwk, key_bytes, raw } = sign(algorithm, &input);
        for (name, value) in [("kid", KEY_ID), ("use", "sig"), ("alg", algorithm.name())] {
            jwk[name] = value.into();
        }
        let decoding =
            algorithm.name().parse::<jsonwebtoken::Algorithm>().ok().map(|_| {
                DecodingKey::from_jwk(&serde_json::from_value(jwk.clone()).unwrap()).unwrap()
            });
        Self {
            algorithm,
            token: format!("{input}.{}", base64url(&signature)),
            jwk: Some(jwk.to_string()),
            key_bytes,
            decoding,
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
            key_bytes: 32,
            decoding: Some(DecodingKey::from_secret(SECRET.as_bytes()).unwrap()),
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

fn claims() -> Value {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    json!({
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
    })
}

/// Signs with a new key.
fn sign(algorithm: Algorithm, input: &str) -> Signed {
    match algorithm {
        Algorithm::RS256 | Algorithm::PS256 => rsa(algorithm, input),
        Algorithm::ES256 => ecdsa(
            "P-256",
            &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
            &signature::ECDSA_P256_SHA256_FIXED,
            input,
        ),
        Algorithm::ES384 => ecdsa(
            "P-384",
            &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
            &signature::ECDSA_P384_SHA384_FIXED,
            input,
        ),
        Algorithm::ES512 => ecdsa(
            "P-521",
            &signature::ECDSA_P521_SHA512_FIXED_SIGNING,
            &signature::ECDSA_P521_SHA512_FIXED,
            input,
        ),
        Algorithm::ES256K => ecdsa(
            "secp256k1",
            &signature::ECDSA_P256K1_SHA256_FIXED_SIGNING,
            &signature::ECDSA_P256K1_SHA256_FIXED,
            input,
        ),
        Algorithm::EdDSA | Algorithm::Ed25519 => {
            let pair = Ed25519KeyPair::generate().unwrap();
            let public = pair.public_key().as_ref();
            let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(public)});
            let signature = pair.sign(input.as_bytes()).as_ref().to_vec();
            signed(signature, jwk, &signature::ED25519, public)
        }
        Algorithm::MlDsa44 => ml_dsa(&signature::ML_DSA_44_SIGNING, &signature::ML_DSA_44, input),
        Algorithm::MlDsa65 => ml_dsa(&signature::ML_DSA_65_SIGNING, &signature::ML_DSA_65, input),
        Algorithm::MlDsa87 => ml_dsa(&signature::ML_DSA_87_SIGNING, &signature::ML_DSA_87, input),
        other => panic!("{other} is not measured"),
    }
}

fn signed(
    signature: Vec<u8>,
    jwk: Value,
    verification: &'static dyn VerificationAlgorithm,
    public: &[u8],
) -> Signed {
    let raw = ParsedPublicKey::new(verification, public).unwrap();
    Signed { signature, jwk, key_bytes: public.len(), raw }
}

fn rsa(algorithm: Algorithm, input: &str) -> Signed {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let numbers = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    let mut signature = vec![0; pair.public_modulus_len()];
    let (padding, parameters): (&'static dyn signature::RsaEncoding, _) =
        if algorithm == Algorithm::RS256 {
            (&signature::RSA_PKCS1_SHA256, &signature::RSA_PKCS1_2048_8192_SHA256)
        } else {
            (&signature::RSA_PSS_SHA256, &signature::RSA_PSS_2048_8192_SHA256)
        };
    pair.sign(padding, &SystemRandom::new(), input.as_bytes(), &mut signature).unwrap();
    let jwk = json!({"kty": "RSA", "n": base64url(&numbers.n), "e": base64url(&numbers.e)});
    let key_bytes = numbers.n.len() + numbers.e.len();
    Signed { signature, jwk, key_bytes, raw: numbers.to_parsed_public_key(parameters).unwrap() }
}

fn ecdsa(
    curve: &str,
    signing: &'static EcdsaSigningAlgorithm,
    verification: &'static EcdsaVerificationAlgorithm,
    input: &str,
) -> Signed {
    let pair = EcdsaKeyPair::generate(signing).unwrap();
    let point = pair.public_key().as_ref();
    let (x, y) = point[1..].split_at(point.len() / 2);
    let jwk = json!({"kty": "EC", "crv": curve, "x": base64url(x), "y": base64url(y)});
    let signature = pair.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
    signed(signature.as_ref().to_vec(), jwk, verification, point)
}

fn ml_dsa(
    signing: &'static PqdsaSigningAlgorithm,
    verification: &'static dyn VerificationAlgorithm,
    input: &str,
) -> Signed {
    let pair = PqdsaKeyPair::generate(signing).unwrap();
    let public = pair.public_key().as_ref();
    let mut signature = vec![0; signing.signature_len()];
    pair.sign(input.as_bytes(), &mut signature).unwrap();
    let jwk = json!({"kty": "AKP", "pub": base64url(public)});
    signed(signature, jwk, verification, public)
}
