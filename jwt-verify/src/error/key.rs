//! Errors of keys.

use crate::error::codes::codes;

codes! {
    /// Reasons why a key cannot be used to verify tokens. In a key set such a key is skipped and
    /// counted; the others stay usable.
    #[derive(thiserror::Error)]
    #[non_exhaustive]
    pub enum InvalidKeyError {
        /// Not a JSON object with members of the expected types, or a member appears twice.
        #[error("malformed")]
        Malformed => "malformed",
        /// A key type, curve or algorithm that is not supported.
        #[error("unsupported key type, curve or algorithm")]
        Unsupported => "unsupported",
        /// `alg` names an algorithm of another key type or curve.
        #[error("the algorithm does not fit the key")]
        AlgorithmMismatch => "algorithm_mismatch",
        /// `use` or `key_ops` do not allow verifying signatures (RFC 7517 §4.2, §4.3).
        #[error("not meant for verifying signatures")]
        WrongUse => "wrong_use",
        /// A symmetric key in a key set: every reader of the set could sign (RFC 7517 §9.3).
        #[error("symmetric keys are not accepted here")]
        Symmetric => "symmetric",
        /// The key contains private members. It must be considered compromised.
        #[error("contains private key material")]
        Private => "private",
        /// Too short, or with parameters known to be weak (RFC 7518 §3.2, §3.3; RFC 8725 §3.5).
        #[error(
            "too weak; RSA keys need 2048 bits"
        )]
        Weak => "weak",
        /// A secret that is shorter than the hash of its algorithm (RFC 7518 §3.2).
        #[error("{0}")]
        ShortSecret(SecretLength) => "weak",
        /// Too large to compute with at reasonable cost.
        #[error("too large")]
        TooLarge => "too_large",
        /// More than four keys of the set have the same `kid` and fit the same algorithm.
        #[error("more than four keys have the same `kid`")]
        Ambiguous => "ambiguous",
    }
}

/// Length of a secret that is too short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{algorithm} needs at least {needed} bytes; this one has {found}")]
#[non_exhaustive]
pub struct SecretLength {
    /// Name of the algorithm of the secret.
    pub algorithm: &'static str,
    /// Least length, in bytes.
    pub needed: usize,
    /// Length of the secret, in bytes.
    pub found: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_what_dashboards_know() {
        for (rejection, code) in [
            (InvalidKeyError::Malformed, "malformed"),
            (InvalidKeyError::Unsupported, "unsupported"),
            (InvalidKeyError::AlgorithmMismatch, "algorithm_mismatch"),
            (InvalidKeyError::WrongUse, "wrong_use"),
            (InvalidKeyError::Symmetric, "symmetric"),
            (InvalidKeyError::Private, "private"),
            (InvalidKeyError::Weak, "weak"),
            (InvalidKeyError::TooLarge, "too_large"),
            (InvalidKeyError::Ambiguous, "ambiguous"),
        ] {
            assert_eq!(rejection.code(), code);
        }
    }
}
