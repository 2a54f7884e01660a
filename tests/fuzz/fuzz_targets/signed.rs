//! Rightly signed tokens of each family of algorithms over any header and payload, so that what comes
//! after the signature is reached: nothing is accepted that does not say what it must.
//!
//! The first byte of the input chooses the algorithm; a header up to the end of the line and a payload
//! follow.
#![no_main]

use std::{
    pin::pin,
    sync::LazyLock,
    task::{Context, Poll, Waker},
    time::Duration,
};

use aws_lc_rs::{
    encoding::{AsDer as _, PublicKeyX509Der},
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, PqdsaKeyPair,
        PqdsaSigningAlgorithm, RsaKeyPair,
    },
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jwt_verify::{Algorithm, Clock, JwkSet, Secret, TrustedIssuer, VerificationKey, Verifier};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

const SECRET: &[u8] = b"a secret for fuzzing, not for anything else";

const ALGORITHMS: [Algorithm; 10] = [
    Algorithm::HS256,
    Algorithm::RS256,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::ES512,
    Algorithm::ES256K,
    Algorithm::Ed25519,
    Algorithm::MlDsa44,
    Algorithm::MlDsa65,
    Algorithm::MlDsa87,
];

#[derive(Debug)]
struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Duration {
        Duration::from_secs(1_800_000_000)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// A key of one algorithm, and the verifier that trusts it.
struct Party {
    algorithm: Algorithm,
    pair: Pair,
    verifier: Verifier,
}

enum Pair {
    Secret(hmac::Key),
    Rsa(Box<RsaKeyPair>),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    MlDsa(PqdsaKeyPair),
}

static PARTIES: LazyLock<Vec<Party>> = LazyLock::new(|| {
    ALGORITHMS.into_iter().map(|algorithm| Party::new(algorithm).expect("a key")).collect()
});

impl Party {
    fn new(algorithm: Algorithm) -> Result<Self, Box<dyn std::error::Error>> {
        let pair = Pair::new(algorithm)?;
        let key = match (&pair, pair.public_jwk(algorithm)) {
            (_, Some(jwk)) => VerificationKey::from_jwk(&jwk.to_string())?,
            (Pair::Rsa(pair), None) => {
                let der: PublicKeyX509Der<'_> = pair.public_key().as_der()?;
                let text = STANDARD.encode(der.as_ref());
                let pem = format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n");
                VerificationKey::from_pem(algorithm, pem.as_bytes())?
            }
            (_, None) => VerificationKey::from_secret(algorithm, &Secret::new(SECRET))?,
        };
        let issuer = TrustedIssuer::new("i", "a").algorithms([algorithm]).keys(JwkSet::single(key));
        let verifier = Verifier::for_issuer(issuer).clock(Fixed).build()?;
        Ok(Self { algorithm, pair, verifier })
    }

    fn token(&self, header: &[u8], payload: &[u8]) -> String {
        // Most headers are wrong at once; the usual one leads further.
        let usual = format!(r#"{{"alg":"{}"}}"#, self.algorithm);
        let header = if header.is_empty() { usual.as_bytes() } else { header };
        let segment = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let input = format!("{}.{}", segment(header), segment(payload));
        let signature = self.pair.sign(input.as_bytes()).expect("there are random numbers");
        format!("{input}.{}", segment(&signature))
    }
}

impl Pair {
    fn new(algorithm: Algorithm) -> Result<Self, aws_lc_rs::error::Unspecified> {
        let ec =
            |curve: &'static EcdsaSigningAlgorithm| EcdsaKeyPair::generate(curve).map(Self::Ec);
        let ml_dsa =
            |level: &'static PqdsaSigningAlgorithm| PqdsaKeyPair::generate(level).map(Self::MlDsa);
        match algorithm {
            Algorithm::RS256 => {
                RsaKeyPair::generate(KeySize::Rsa2048).map(|pair| Self::Rsa(Box::new(pair)))
            }
            Algorithm::ES256 => ec(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::ES384 => ec(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
            Algorithm::ES512 => ec(&signature::ECDSA_P521_SHA512_FIXED_SIGNING),
            Algorithm::ES256K => ec(&signature::ECDSA_P256K1_SHA256_FIXED_SIGNING),
            Algorithm::Ed25519 => Ed25519KeyPair::generate().map(Self::Ed),
            Algorithm::MlDsa44 => ml_dsa(&signature::ML_DSA_44_SIGNING),
            Algorithm::MlDsa65 => ml_dsa(&signature::ML_DSA_65_SIGNING),
            Algorithm::MlDsa87 => ml_dsa(&signature::ML_DSA_87_SIGNING),
            _ => Ok(Self::Secret(hmac::Key::new(hmac::HMAC_SHA256, SECRET))),
        }
    }

    /// The public key; None for a secret, and for RSA, which comes as PEM.
    fn public_jwk(&self, algorithm: Algorithm) -> Option<Value> {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match self {
            Self::Secret(_) | Self::Rsa(_) => return None,
            Self::Ec(pair) => {
                let point = pair.public_key().as_ref().get(1..)?;
                let (x, y) = point.split_at(point.len() / 2);
                let curve = match algorithm {
                    Algorithm::ES384 => "P-384",
                    Algorithm::ES512 => "P-521",
                    Algorithm::ES256K => "secp256k1",
                    _ => "P-256",
                };
                json!({"kty": "EC", "crv": curve, "x": text(x), "y": text(y)})
            }
            Self::Ed(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref())})
            }
            Self::MlDsa(pair) => json!({"kty": "AKP", "pub": text(pair.public_key().as_ref())}),
        };
        jwk["alg"] = algorithm.name().into();
        Some(jwk)
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, aws_lc_rs::error::Unspecified> {
        let random = SystemRandom::new();
        Ok(match self {
            Self::Secret(key) => hmac::sign(key, message).as_ref().to_vec(),
            Self::Rsa(pair) => {
                let mut output = vec![0; pair.public_modulus_len()];
                pair.sign(&signature::RSA_PKCS1_SHA256, &random, message, &mut output)?;
                output
            }
            Self::Ec(pair) => pair.sign(&random, message)?.as_ref().to_vec(),
            Self::Ed(pair) => pair.sign(message).as_ref().to_vec(),
            Self::MlDsa(pair) => {
                let mut output = vec![0; pair.algorithm().signature_len()];
                pair.sign(message, &mut output)?;
                output
            }
        })
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((choice, text)) = input.split_first() else { return };
    let party = &PARTIES[usize::from(*choice) % PARTIES.len()];
    let end = text.iter().position(|byte| *byte == b'\n');
    let (header, payload) = end.map_or((&[][..], text), |end| (&text[..end], &text[end + 1..]));
    let token = party.token(header, payload);
    let mut future = pin!(party.verifier.verify(&token));
    let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
        unreachable!("no key is fetched");
    };
    if let Ok(claims) = result {
        assert_eq!(claims.issuer(), Some("i"));
        assert!(claims.audience().is_some_and(|audience| audience.contains("a")));
        let expiry = claims.expires_at().expect("required");
        assert!(expiry.since_epoch() + Duration::from_secs(60) > Fixed.now());
        assert!(claims.get("cnf").is_none());
        // The same bytes are of no use under another key.
        for other in PARTIES.iter().filter(|other| other.algorithm != party.algorithm) {
            let mut future = pin!(other.verifier.verify(&token));
            let answer = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(answer, Poll::Ready(Err(_))));
        }
    }
});
