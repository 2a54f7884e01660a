//! Bytes of keys, signatures and tokens, computed from keys that are made at run time.

use jwt_verify::Algorithm;

use super::keys::Subject;

pub(crate) const ALGORITHMS: [Algorithm; 12] = [
    Algorithm::HS256,
    Algorithm::RS256,
    Algorithm::PS256,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::ES512,
    Algorithm::ES256K,
    Algorithm::EdDSA,
    Algorithm::Ed25519,
    Algorithm::MlDsa44,
    Algorithm::MlDsa65,
    Algorithm::MlDsa87,
];

/// A payload that is large: many groups, or permissions one by one.
const LARGE_PAYLOAD: usize = 2048;
/// What precedes a token in the line of the header.
const HEADER: &str = "Authorization: Bearer ";

/// The columns in bytes of one algorithm.
pub(crate) struct Sizes {
    algorithm: Algorithm,
    key: usize,
    jwk: Option<usize>,
    signature: usize,
    /// The line of the header with a token like that of the other benchmarks.
    line: usize,
    /// The same with a large payload.
    large_line: usize,
}

impl Sizes {
    pub(crate) const HEAD: &'static str = "\
| algorithm | key | as JWK | signature | header line | with 2 kB of claims | µs, new | µs, seen before |
| --- | --- | --- | --- | --- | --- | --- | --- |";

    pub(crate) fn of(algorithm: Algorithm) -> Self {
        let subject = Subject::new(algorithm);
        let large = Subject::with_payload(algorithm, LARGE_PAYLOAD);
        Self {
            algorithm,
            key: subject.key_bytes,
            jwk: subject.jwk.as_ref().map(String::len),
            signature: subject.signature.len(),
            line: HEADER.len() + subject.token.len(),
            large_line: HEADER.len() + large.token.len(),
        }
    }

    /// The row of the table up to the times.
    pub(crate) fn row(&self) -> String {
        let Self { algorithm, key, jwk, signature, line, large_line } = self;
        let jwk = jwk.map_or_else(String::new, |bytes| bytes.to_string());
        format!("| `{algorithm}` | {key} | {jwk} | {signature} | {line} | {large_line}")
    }
}
