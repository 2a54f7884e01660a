//! An API that takes tokens that are bound to a key (RFC 9449), a client, and its proofs.

use jwt_verify::{Algorithm, VerificationKey, dpop::Dpop};
use jwt_verify_tests::{SigningKey, Token, base64url, sign};
use serde_json::{Value, json};

use super::*;

/// Where clients reach the API, as they are told.
pub(crate) const HERE: &str = "https://api.example.com/protected";
pub(crate) const SECRET: &str = "a secret of thirty-two bytes or more";

/// A bench whose API takes bound tokens, a client's key, and a token that is bound to it.
pub(crate) struct Bound {
    pub(crate) bench: AttackBench,
    pub(crate) client: SigningKey,
    pub(crate) token: String,
}

impl Bound {
    pub(crate) fn new() -> Self {
        Self::with(SigningKey::new(Algorithm::ES256, "client"), |dpop| dpop)
    }

    pub(crate) fn with(client: SigningKey, configure: impl FnOnce(Dpop) -> Dpop) -> Self {
        let dpop = configure(Dpop::new("https://api.example.com"));
        let key = SigningKey::new(Algorithm::RS256, "good-key");
        let bench = AttackBench::with_settings(key, |auth| auth.dpop(dpop));
        let token = bound(bench.bed.token(), &client).sign(&bench.bed.key);
        Self { bench, client, token }
    }

    pub(crate) fn now(&self) -> u64 {
        jwt_verify::Clock::now(&self.bench.bed.clock).as_secs()
    }

    /// The payload of a good proof.
    pub(crate) fn claims(&self, id: &str) -> Value {
        json!({
            "jti": id,
            "htm": "GET",
            "htu": HERE,
            "iat": self.now(),
            "ath": hash(&self.token),
        })
    }

    /// A proof that differs from a good one.
    pub(crate) fn proof(&self, id: &str, change: impl FnOnce(&mut Value, &mut Value)) -> String {
        let (mut header, mut claims) = (header(&self.client), self.claims(id));
        change(&mut header, &mut claims);
        sign(&self.client, header.to_string(), claims.to_string())
    }

    pub(crate) fn good(&self, id: &str) -> String {
        self.proof(id, |_, _| {})
    }

    pub(crate) fn request(&self, proof: &str) -> Request {
        let scheme = format!("DPoP {}", self.token);
        self.bench.api.get("/protected").header("authorization", scheme).header("dpop", proof)
    }

    pub(crate) fn row(
        &self,
        id: &'static str,
        what: impl Into<String>,
        proof: impl Into<String>,
    ) -> Row {
        let proof = proof.into();
        Row {
            id,
            what: what.into(),
            request: self.request(&proof),
            secret: format!("{}.{proof}", self.token),
            expected: Expected::InvalidProof,
        }
    }

    /// The same for a proof that is good.
    pub(crate) fn accepted(&self, id: &'static str, what: impl Into<String>, proof: String) -> Row {
        Row { expected: Expected::Accepted, ..self.row(id, what, proof) }
    }

    /// A row with another request that belongs to a proof or a token.
    pub(crate) fn asking(
        &self,
        id: &'static str,
        what: &str,
        request: Request,
        expected: Expected,
    ) -> Row {
        Row { id, what: what.into(), request, secret: self.token.clone(), expected }
    }
}

/// The same token for the holder of a key.
pub(crate) fn bound(token: Token, client: &SigningKey) -> Token {
    let key = VerificationKey::from_jwk(&public(client).to_string()).unwrap();
    token.claim("cnf", json!({ "jkt": key.thumbprint() }))
}

/// The public key with nothing but what makes it one.
pub(crate) fn public(key: &SigningKey) -> Value {
    let mut jwk = key.jwk();
    // That of ML-DSA is not one without its algorithm.
    let is_akp = jwk["kty"] == "AKP";
    jwk.as_object_mut().unwrap().retain(|name, _| match &**name {
        "kid" | "use" => false,
        "alg" => is_akp,
        _ => true,
    });
    jwk
}

pub(crate) fn header(key: &SigningKey) -> Value {
    json!({ "typ": "dpop+jwt", "alg": key.algorithm().name(), "jwk": public(key) })
}

/// The thumbprint of a key, which may be no good (RFC 7638).
pub(crate) fn thumbprint(jwk: &Value) -> String {
    let names: &[&str] = match jwk["kty"].as_str() {
        Some("RSA") => &["e", "kty", "n"],
        Some("EC") => &["crv", "kty", "x", "y"],
        Some("AKP") => &["alg", "kty", "pub"],
        _ => &["crv", "kty", "x"],
    };
    let members: Vec<String> =
        names.iter().map(|name| format!(r#""{name}":{}"#, jwk[*name])).collect();
    hash(&format!("{{{}}}", members.join(",")))
}

pub(crate) fn hash(token: &str) -> String {
    base64url(sha256(token.as_bytes()))
}

pub(crate) fn sha256(bytes: &[u8]) -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref().to_vec()
}

/// Takes a member out.
pub(crate) fn remove(object: &mut Value, name: &str) {
    object.as_object_mut().unwrap().remove(name);
}
