//! Signature algorithms (RFC 7518 §3.1, RFC 8037 §3.1, RFC 8812 §3.2, RFC 9864 §2.2, RFC 9964) and
//! sets of them.

use std::{fmt, str::FromStr};

/// A JWS signature algorithm that this library can verify.
///
/// `none` and `Ed448` are not supported: a token or a key that names them is refused. Each algorithm
/// is accepted only if it is named: `EdDSA` and `Ed25519` are two names, although one key serves both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u8)]
pub enum Algorithm {
    /// HMAC with SHA-256; needs an explicitly given secret of at least 32 bytes.
    HS256,
    /// HMAC with SHA-384; needs an explicitly given secret of at least 48 bytes.
    HS384,
    /// HMAC with SHA-512; needs an explicitly given secret of at least 64 bytes.
    HS512,
    /// RSASSA-PKCS1-v1_5 with SHA-256; the default of this library.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RS512,
    /// RSASSA-PSS with SHA-256 and a salt of 32 bytes.
    PS256,
    /// RSASSA-PSS with SHA-384 and a salt of 48 bytes.
    PS384,
    /// RSASSA-PSS with SHA-512 and a salt of 64 bytes.
    PS512,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// Ed25519 under its older name (RFC 8037), which RFC 9864 deprecates; the only curve supported
    /// under this name. A key for it also serves [`Ed25519`](Self::Ed25519).
    EdDSA,
    /// Ed25519 under the name that says the curve (RFC 9864 §2.2). A key for it also serves
    /// [`EdDSA`](Self::EdDSA), if both names are accepted.
    Ed25519,
    /// ECDSA on P-521 with SHA-512.
    ES512,
    /// ECDSA on secp256k1 with SHA-256 (RFC 8812 §3.2). **Security:** the curve is that of some ledgers,
    /// neither NIST nor RFC 8725 recommends it for tokens, and few libraries have it; no default
    /// accepts it. Name it only if the issuer offers nothing else.
    ES256K,
    /// ML-DSA with the parameters of FIPS 204's first level (RFC 9964). Its signatures, like those of
    /// the other levels, hold against quantum computers. A signature has 2420 bytes.
    #[doc(alias = "ML-DSA-44")]
    MlDsa44,
    /// ML-DSA with the parameters of the middle level (RFC 9964), the common choice. A signature has
    /// 3309 bytes.
    #[doc(alias = "ML-DSA-65")]
    MlDsa65,
    /// ML-DSA with the parameters of the highest level (RFC 9964). A signature has 4627 bytes.
    #[doc(alias = "ML-DSA-87")]
    MlDsa87,
}

/// The type of key that an algorithm needs. Algorithms of different families never share a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Hmac,
    Rsa,
    EcP256,
    EcP384,
    EcP521,
    Secp256k1,
    Ed25519,
    MlDsa44,
    MlDsa65,
    MlDsa87,
}

impl Algorithm {
    /// All algorithms that this library can verify.
    pub const ALL: [Self; 18] = [
        Self::HS256,
        Self::HS384,
        Self::HS512,
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::EdDSA,
        Self::Ed25519,
        Self::ES512,
        Self::ES256K,
        Self::MlDsa44,
        Self::MlDsa65,
        Self::MlDsa87,
    ];

    /// Returns the name in the `alg` header parameter.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HS256 => "HS256",
            Self::HS384 => "HS384",
            Self::HS512 => "HS512",
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::EdDSA => "EdDSA",
            Self::Ed25519 => "Ed25519",
            Self::ES512 => "ES512",
            Self::ES256K => "ES256K",
            Self::MlDsa44 => "ML-DSA-44",
            Self::MlDsa65 => "ML-DSA-65",
            Self::MlDsa87 => "ML-DSA-87",
        }
    }

    /// Returns `true` if a verifier of this algorithm could also sign, with the same key.
    pub const fn is_symmetric(self) -> bool {
        matches!(self, Self::HS256 | Self::HS384 | Self::HS512)
    }

    pub(crate) const fn family(self) -> Family {
        match self {
            Self::HS256 | Self::HS384 | Self::HS512 => Family::Hmac,
            Self::RS256 | Self::RS384 | Self::RS512 | Self::PS256 | Self::PS384 | Self::PS512 => {
                Family::Rsa
            }
            Self::ES256 => Family::EcP256,
            Self::ES384 => Family::EcP384,
            Self::ES512 => Family::EcP521,
            Self::ES256K => Family::Secp256k1,
            Self::EdDSA | Self::Ed25519 => Family::Ed25519,
            Self::MlDsa44 => Family::MlDsa44,
            Self::MlDsa65 => Family::MlDsa65,
            Self::MlDsa87 => Family::MlDsa87,
        }
    }

    /// Returns `true` for a level of ML-DSA (RFC 9964).
    pub(crate) const fn is_ml_dsa(self) -> bool {
        matches!(self, Self::MlDsa44 | Self::MlDsa65 | Self::MlDsa87)
    }

    /// Returns `true` if the algorithm is for issuers that offer nothing else: no default includes it.
    pub(crate) const fn is_last_resort(self) -> bool {
        matches!(self, Self::ES256K)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    /// Parses a name exactly as it is registered; names are case-sensitive.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name).ok_or(UnknownAlgorithm)
    }
}

/// Returns a name of the IANA registry "JSON Web Signature and Encryption Algorithms" that a token may
/// have in `alg`, for logs. Other names may be hostile.
pub(crate) fn registered_name(name: &str) -> Option<&'static str> {
    /// Those of signatures that this library cannot verify, and those of encrypted tokens.
    const OTHERS: [&str; 21] = [
        "none",
        "Ed448",
        "RSA1_5",
        "RSA-OAEP",
        "RSA-OAEP-256",
        "RSA-OAEP-384",
        "RSA-OAEP-512",
        "A128KW",
        "A192KW",
        "A256KW",
        "A128GCMKW",
        "A192GCMKW",
        "A256GCMKW",
        "dir",
        "ECDH-ES",
        "ECDH-ES+A128KW",
        "ECDH-ES+A192KW",
        "ECDH-ES+A256KW",
        "PBES2-HS256+A128KW",
        "PBES2-HS384+A192KW",
        "PBES2-HS512+A256KW",
    ];
    let supported = Algorithm::ALL.into_iter().map(Algorithm::name);
    supported.chain(OTHERS).find(|known| *known == name)
}

/// A name that is not a supported [`Algorithm`]. The error does not contain the name, which may be
/// hostile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a supported signature algorithm")]
pub struct UnknownAlgorithm;

/// A set of algorithms, such as an allow-list.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct AlgorithmSet(u32);

impl AlgorithmSet {
    pub(crate) const fn of(algorithm: Algorithm) -> Self {
        Self(1 << algorithm as u32)
    }

    /// Returns the algorithms of a key that names this one: both names of Ed25519 are one algorithm.
    pub(crate) fn of_key(algorithm: Algorithm) -> Self {
        match algorithm.family() {
            Family::Ed25519 => Self::family(Family::Ed25519),
            _ => Self::of(algorithm),
        }
    }

    pub(crate) fn family(family: Family) -> Self {
        Algorithm::ALL.into_iter().filter(|algorithm| algorithm.family() == family).collect()
    }

    pub(crate) const fn contains(self, algorithm: Algorithm) -> bool {
        self.0 & Self::of(algorithm).0 != 0
    }

    pub(crate) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Algorithm> {
        Algorithm::ALL.into_iter().filter(move |algorithm| self.contains(*algorithm))
    }
}

impl FromIterator<Algorithm> for AlgorithmSet {
    fn from_iter<I: IntoIterator<Item = Algorithm>>(algorithms: I) -> Self {
        Self(algorithms.into_iter().fold(0, |set, algorithm| set | Self::of(algorithm).0))
    }
}

impl fmt::Debug for AlgorithmSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_exactly_as_written() {
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.name().parse(), Ok(algorithm));
            assert!(algorithm.name().to_lowercase().parse::<Algorithm>().is_err());
        }
        for name in ["none", "None", "", " RS256", "RS256\n", "ES521", "Ed448", "HS1"] {
            assert!(name.parse::<Algorithm>().is_err(), "{name:?}");
        }
    }

    #[test]
    fn only_registered_names_are_logged() {
        for name in ["none", "HS256", "RS256", "ES512", "EdDSA", "Ed25519", "Ed448", "RSA-OAEP-256"]
        {
            assert_eq!(registered_name(name), Some(name));
        }
        for name in ["", "NONE", "hs256", "RS256 ", "HS256\nlevel=error", "ES256x"] {
            assert_eq!(registered_name(name), None, "{name:?}");
        }
    }

    #[test]
    fn a_set_holds_what_was_put_in_and_nothing_else() {
        let set: AlgorithmSet = [Algorithm::RS256, Algorithm::EdDSA].into_iter().collect();
        let held: Vec<_> = set.iter().collect();
        assert_eq!(held, [Algorithm::RS256, Algorithm::EdDSA]);
        assert!(AlgorithmSet::default().is_empty());
        assert_eq!(AlgorithmSet::family(Family::Rsa).iter().count(), 6);
    }

    #[test]
    fn each_algorithm_has_a_place_of_its_own() {
        let all: AlgorithmSet = Algorithm::ALL.into_iter().collect();
        assert_eq!(all.iter().count(), Algorithm::ALL.len());
        for algorithm in Algorithm::ALL {
            assert!(AlgorithmSet::family(algorithm.family()).contains(algorithm));
            let others = AlgorithmSet::of(algorithm).iter().filter(|other| *other != algorithm);
            assert_eq!(others.count(), 0);
        }
        let names: Vec<_> = AlgorithmSet::of_key(Algorithm::Ed25519).iter().collect();
        assert_eq!(names, [Algorithm::EdDSA, Algorithm::Ed25519]);
        assert_eq!(AlgorithmSet::of_key(Algorithm::RS256), AlgorithmSet::of(Algorithm::RS256));
    }

    #[test]
    fn an_algorithm_shows_its_name_and_may_be_listed_twice() {
        assert_eq!(Algorithm::EdDSA.to_string(), "EdDSA");
        let set: AlgorithmSet = [Algorithm::RS256, Algorithm::RS256].into_iter().collect();
        assert!(set.contains(Algorithm::RS256) && !set.contains(Algorithm::ES256));
    }
}
