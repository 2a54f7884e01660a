//! JSON Web Key to verification key (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2, RFC 8812 §3.1, RFC 9964).

mod reading;

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Map, Value};
#[cfg(any(feature = "jwks", feature = "issuing"))]
use zeroize::Zeroizing;

use super::VerificationKey;
use crate::{
    algorithm::{Algorithm, AlgorithmSet, Family},
    digest,
    error::InvalidKeyError,
    json::insert_once,
    secret::Secret,
};

use self::reading::Reading;

/// Members that only a private or symmetric key has (RFC 7518 §6.3.2, §6.4, RFC 9964).
const PRIVATE_MEMBERS: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// Members by which a key is known again: its name and its public numbers.
const IDENTIFYING_MEMBERS: [&str; 8] = ["kid", "kty", "crv", "n", "e", "x", "y", "pub"];

/// Longest text of a public key of ML-DSA, with padding: 2592 bytes.
const LONGEST_PUB: usize = 3456;

/// Imports a public key from a key set or the configuration, which may be untidy.
pub(super) fn import(json: &str) -> Result<VerificationKey, InvalidKeyError> {
    Jwk::read(json, Reading::Lenient)?.import(None)
}

/// Imports the public key of a proof, for one algorithm only, in the strict form of tokens.
pub(super) fn import_from_proof(
    json: &str,
    wanted: Algorithm,
) -> Result<VerificationKey, InvalidKeyError> {
    Jwk::read(json, Reading::Strict)?.import(Some(wanted))
}

/// Tells a key that cannot be imported from others, by its public members.
pub(super) fn identity(json: &str) -> String {
    let Ok(Members(members)) = serde_json::from_str(json) else {
        return digest::name(b"", &[json]);
    };
    let text = |name| members.get(name).and_then(Value::as_str).unwrap_or_default();
    digest::name(b"", &IDENTIFYING_MEMBERS.map(text))
}

/// Imports a key of type `oct`, which is a secret and never comes from a key set.
pub(super) fn import_secret(json: &str) -> Result<VerificationKey, InvalidKeyError> {
    let jwk = Jwk::read(json, Reading::Strict)?;
    if jwk.text("kty")? != Some("oct") {
        return Err(InvalidKeyError::Unsupported);
    }
    jwk.check_use()?;
    let algorithm = jwk.algorithm()?.ok_or(InvalidKeyError::Malformed)?;
    let key = VerificationKey::from_secret(algorithm, &Secret::new(jwk.bytes("k")?))?;
    jwk.name(key)
}

/// A private key of ML-DSA as RFC 9964 has it: the seed, with the public key that is made of it.
#[cfg(any(feature = "jwks", feature = "issuing"))]
pub(crate) struct SeedKey {
    pub(crate) algorithm: Algorithm,
    pub(crate) seed: Zeroizing<Vec<u8>>,
    pub(crate) public: VerificationKey,
}

/// Reads a private key of type `AKP`, in the strict form.
#[cfg(any(feature = "jwks", feature = "issuing"))]
pub(crate) fn read_seed_key(json: &[u8]) -> Result<SeedKey, InvalidKeyError> {
    let json = std::str::from_utf8(json).map_err(|_| InvalidKeyError::Malformed)?;
    let mut jwk = Jwk::read(json, Reading::Strict)?;
    if jwk.text("kty")? != Some("AKP") {
        return Err(InvalidKeyError::Unsupported);
    }
    let algorithm = jwk.algorithm()?.ok_or(InvalidKeyError::Malformed)?;
    let seed = Zeroizing::new(jwk.bytes("priv")?);
    if seed.len() != SEED_BYTES {
        return Err(InvalidKeyError::Malformed);
    }
    // What remains is the public key; a private one is for `sign`, and not for `verify`.
    jwk.members.remove("priv");
    if let Some(operations) = jwk.members.remove("key_ops") {
        let operations = operations.as_array().ok_or(InvalidKeyError::Malformed)?;
        if !operations.contains(&Value::from("sign")) {
            return Err(InvalidKeyError::WrongUse);
        }
    }
    Ok(SeedKey { algorithm, seed, public: jwk.import(Some(algorithm))? })
}

/// Length of the seed of an ML-DSA key, at every level.
#[cfg(any(feature = "jwks", feature = "issuing"))]
const SEED_BYTES: usize = 32;

/// The members of one key.
struct Jwk {
    members: Map<String, Value>,
    reading: Reading,
}

impl Jwk {
    fn read(json: &str, reading: Reading) -> Result<Self, InvalidKeyError> {
        let Members(mut members) =
            serde_json::from_str(json).map_err(|_| InvalidKeyError::Malformed)?;
        reading.tidy(&mut members);
        Ok(Self { members, reading })
    }

    fn import(&self, wanted: Option<Algorithm>) -> Result<VerificationKey, InvalidKeyError> {
        let key_type = self.text("kty")?.ok_or(InvalidKeyError::Malformed)?;
        if key_type == "oct" {
            // Without its value it gives no secret away.
            let is_whole = self.members.contains_key("k");
            return Err(if is_whole {
                InvalidKeyError::Symmetric
            } else {
                InvalidKeyError::Malformed
            });
        }
        if PRIVATE_MEMBERS.iter().any(|name| self.members.contains_key(*name)) {
            return Err(InvalidKeyError::Private);
        }
        self.check_use()?;
        let named = self.algorithm()?;
        let algorithm = match (named, wanted) {
            (Some(named), Some(wanted)) if named != wanted => {
                return Err(InvalidKeyError::AlgorithmMismatch);
            }
            (named, wanted) => wanted.or(named),
        };
        // A proof names its algorithm by one name; elsewhere a key serves both names of Ed25519.
        let usable = |family| match algorithm {
            None => Ok(AlgorithmSet::family(family)),
            Some(one) if one.family() != family => Err(InvalidKeyError::AlgorithmMismatch),
            Some(one) if wanted.is_some() => Ok(AlgorithmSet::of(one)),
            Some(one) => Ok(AlgorithmSet::of_key(one)),
        };
        let key = match key_type {
            "RSA" => self.rsa(usable(Family::Rsa)?),
            "EC" => {
                let (family, length) = self.curve()?;
                self.ec(family, usable(family)?, length)
            }
            "OKP" => {
                self.check_okp()?;
                self.okp(usable(Family::Ed25519)?)
            }
            // The type alone does not say what it is: `alg` is required.
            "AKP" => self.akp(named.ok_or(InvalidKeyError::Unsupported)?),
            _ => Err(InvalidKeyError::Unsupported),
        }?;
        self.name(key)
    }

    /// Returns a member that must be a string if it is present.
    fn text(&self, name: &str) -> Result<Option<&str>, InvalidKeyError> {
        match self.members.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(InvalidKeyError::Malformed),
        }
    }

    /// Returns the bytes of a required member.
    fn bytes(&self, name: &str) -> Result<Vec<u8>, InvalidKeyError> {
        self.bytes_within(name, self.reading.longest_text())
    }

    /// Returns the bytes of a required member, if its text has at most this length.
    fn bytes_within(&self, name: &str, longest: usize) -> Result<Vec<u8>, InvalidKeyError> {
        let text = self.text(name)?.ok_or(InvalidKeyError::Malformed)?;
        if text.len() > longest {
            return Err(InvalidKeyError::TooLarge);
        }
        self.reading.decode(text).ok_or(InvalidKeyError::Malformed)
    }

    /// Returns a number of an RSA key, in its shortest form (RFC 7518 §6.3.1).
    fn number(&self, name: &str) -> Result<Vec<u8>, InvalidKeyError> {
        Ok(self.reading.number(self.bytes(name)?))
    }

    /// Returns a coordinate of exactly this many bytes (RFC 7518 §6.2.1.2).
    fn coordinate(&self, name: &str, length: usize) -> Result<Vec<u8>, InvalidKeyError> {
        self.reading.coordinate(self.bytes(name)?, length).ok_or(InvalidKeyError::Malformed)
    }

    /// Checks that the key may verify signatures: `use`, if present, says so; `key_ops`, if
    /// present, are unique and include `verify`.
    fn check_use(&self) -> Result<(), InvalidKeyError> {
        if self.text("use")?.is_some_and(|purpose| !self.reading.is_for_signatures(purpose)) {
            return Err(InvalidKeyError::WrongUse);
        }
        let Some(operations) = self.members.get("key_ops") else { return Ok(()) };
        let operations = operations
            .as_array()
            .and_then(|list| list.iter().map(Value::as_str).collect::<Option<Vec<_>>>())
            .ok_or(InvalidKeyError::Malformed)?;
        let repeated = (1..operations.len()).any(|index| {
            operations
                .split_at(index)
                .0
                .contains(&operations.get(index).copied().unwrap_or_default())
        });
        match (repeated, operations.contains(&"verify")) {
            (true, _) => Err(InvalidKeyError::Malformed),
            (false, false) => Err(InvalidKeyError::WrongUse),
            (false, true) => Ok(()),
        }
    }

    /// Gives the key its `kid`.
    fn name(&self, key: VerificationKey) -> Result<VerificationKey, InvalidKeyError> {
        Ok(match self.text("kid")? {
            Some(key_id) => key.with_id(key_id),
            None => key,
        })
    }

    fn algorithm(&self) -> Result<Option<Algorithm>, InvalidKeyError> {
        let Some(name) = self.text("alg")? else { return Ok(None) };
        name.parse().map(Some).map_err(|_| InvalidKeyError::Unsupported)
    }

    fn rsa(&self, algorithms: AlgorithmSet) -> Result<VerificationKey, InvalidKeyError> {
        let (modulus, exponent) = (self.number("n")?, self.number("e")?);
        VerificationKey::from_rsa(algorithms, &modulus, &exponent)
    }

    /// Returns the family of an elliptic curve, and the length of a coordinate.
    fn curve(&self) -> Result<(Family, usize), InvalidKeyError> {
        match self.text("crv")? {
            Some("P-256") => Ok((Family::EcP256, 32)),
            Some("P-384") => Ok((Family::EcP384, 48)),
            Some("P-521") => Ok((Family::EcP521, 66)),
            Some("secp256k1") => Ok((Family::Secp256k1, 32)),
            Some(_) => Err(InvalidKeyError::Unsupported),
            None => Err(InvalidKeyError::Malformed),
        }
    }

    fn ec(
        &self,
        family: Family,
        algorithms: AlgorithmSet,
        length: usize,
    ) -> Result<VerificationKey, InvalidKeyError> {
        let (x, y) = (self.coordinate("x", length)?, self.coordinate("y", length)?);
        let point = [&[4][..], &x, &y].concat();
        VerificationKey::from_bytes(family, algorithms, &point)
    }

    fn check_okp(&self) -> Result<(), InvalidKeyError> {
        match self.text("crv")? {
            Some("Ed25519") => Ok(()),
            Some(_) => Err(InvalidKeyError::Unsupported),
            None => Err(InvalidKeyError::Malformed),
        }
    }

    fn okp(&self, algorithms: AlgorithmSet) -> Result<VerificationKey, InvalidKeyError> {
        // Not a number but a string of bytes: its length is checked with the point.
        VerificationKey::from_bytes(Family::Ed25519, algorithms, &self.bytes("x")?)
    }

    /// Imports a key of the type that RFC 9964 defines, whose `alg` is a level of ML-DSA.
    fn akp(&self, algorithm: Algorithm) -> Result<VerificationKey, InvalidKeyError> {
        if !algorithm.is_ml_dsa() {
            return Err(InvalidKeyError::AlgorithmMismatch);
        }
        let public = self.bytes_within("pub", LONGEST_PUB)?;
        VerificationKey::from_bytes(algorithm.family(), AlgorithmSet::of(algorithm), &public)
    }
}

/// The members as they were sent, each of them once.
struct Members(Map<String, Value>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct JwkMembers;

        impl<'de> Visitor<'de> for JwkMembers {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON Web Key")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Map::new();
                while let Some(name) = map.next_key()? {
                    insert_once(&mut members, name, &mut map)?;
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(JwkMembers)
    }
}

#[cfg(test)]
mod tests;
