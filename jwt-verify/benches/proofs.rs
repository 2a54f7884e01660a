//! A client with a key (RFC 9449), a token that is bound to it, and a proof.

use aws_lc_rs::{
    digest::{SHA256, digest},
    hmac,
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
        ParsedPublicKey,
    },
};
use jwt_verify::{
    BoxFuture,
    dpop::{ProofId, ReplayError, ReplayStore},
};
use serde_json::json;

use crate::keys::{AUDIENCE, ISSUER, SECRET, base64url};

pub(crate) struct Client {
    /// A token of HS256.
    pub(crate) token: String,
    pub(crate) proof: String,
    /// The least that the proof can cost.
    pub(crate) raw: ParsedPublicKey,
    pub(crate) signing_input: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

impl Client {
    pub(crate) fn new() -> Self {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let point = pair.public_key().as_ref();
        let (x, y) = (base64url(&point[1..33]), base64url(&point[33..]));
        let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let claims = json!({
            "iss": ISSUER, "sub": "alice", "aud": AUDIENCE, "iat": now, "exp": now + 86_400,
            "cnf": { "jkt": base64url(digest(&SHA256, members.as_bytes())) },
        });
        let input = segments(&json!({ "alg": "HS256" }), &claims);
        let tag =
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), input.as_bytes());
        let token = format!("{input}.{}", base64url(tag));

        let jwk = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y });
        let claims = json!({
            "jti": "4c6b5a0e-8d1f-4f0e-9a55-0c5d5f1f7a11",
            "htm": "GET", "htu": "https://api.example/", "iat": now,
            "ath": base64url(digest(&SHA256, token.as_bytes())),
        });
        let input = segments(&json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk }), &claims);
        let signature = pair.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
        let signature = signature.as_ref().to_vec();
        Self {
            token,
            proof: format!("{input}.{}", base64url(&signature)),
            raw: ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).unwrap(),
            signing_input: input.into_bytes(),
            signature,
        }
    }
}

fn segments(header: &serde_json::Value, claims: &serde_json::Value) -> String {
    format!("{}.{}", base64url(header.to_string()), base64url(claims.to_string()))
}

/// One proof is enough to measure with.
#[derive(Debug)]
pub(crate) struct Forgetful;

impl ReplayStore for Forgetful {
    fn insert_if_absent<'a>(
        &'a self,
        _: &'a ProofId,
        _: std::time::Duration,
    ) -> BoxFuture<'a, Result<bool, ReplayError>> {
        Box::pin(std::future::ready(Ok(true)))
    }
}
