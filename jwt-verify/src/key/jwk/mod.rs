//! JSON Web Key to verification key (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2).

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Map, Value};

use super::VerificationKey;
use crate::{
    algorithm::{Algorithm, AlgorithmSet, Family},
    defaults::RSA_MAX_BITS,
    error::InvalidKeyError,
    json::insert_once,
    secret::Secret,
    token::decode_exact,
};

/// Members that only a private or symmetric key has (RFC 7518 §6.3.2, §6.4).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Longest base64url text of a number that is decoded at all.
const MAX_NUMBER_TEXT: usize = RSA_MAX_BITS / 8 * 4 / 3 + 3;

/// Imports a public key, optionally for one algorithm only.
pub(super) fn import(
    json: &str,
    wanted: Option<Algorithm>,
) -> Result<VerificationKey, InvalidKeyError> {
    let jwk: Jwk = serde_json::from_str(json).map_err(|_| InvalidKeyError::Malformed)?;
    let key_type = jwk.text("kty")?.ok_or(InvalidKeyError::Malformed)?;
    if key_type == "oct" {
        return Err(InvalidKeyError::Symmetric);
    }
    if PRIVATE_MEMBERS.iter().any(|name| jwk.0.contains_key(*name)) {
        return Err(InvalidKeyError::Private);
    }
    jwk.check_use()?;
    let algorithm = match (jwk.algorithm()?, wanted) {
        (Some(named), Some(wanted)) if named != wanted => {
            return Err(InvalidKeyError::AlgorithmMismatch);
        }
        (named, wanted) => wanted.or(named),
    };
    let key = match key_type {
        "RSA" => jwk.rsa(algorithm),
        "EC" => jwk.ec(algorithm),
        "OKP" => jwk.okp(algorithm),
        _ => Err(InvalidKeyError::Unsupported),
    }?;
    jwk.name(key)
}

/// Imports a key of type `oct`, which is a secret and never comes from a key set.
pub(super) fn import_secret(json: &str) -> Result<VerificationKey, InvalidKeyError> {
    let jwk: Jwk = serde_json::from_str(json).map_err(|_| InvalidKeyError::Malformed)?;
    if jwk.text("kty")? != Some("oct") {
        return Err(InvalidKeyError::Unsupported);
    }
    jwk.check_use()?;
    let algorithm = jwk.algorithm()?.ok_or(InvalidKeyError::Malformed)?;
    let key = VerificationKey::from_secret(algorithm, &Secret::new(jwk.bytes("k")?))?;
    jwk.name(key)
}

/// The members of one key.
struct Jwk(Map<String, Value>);

impl Jwk {
    /// Returns a member that must be a string if it is present.
    fn text(&self, name: &str) -> Result<Option<&str>, InvalidKeyError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(InvalidKeyError::Malformed),
        }
    }

    /// Returns the bytes of a required member.
    fn bytes(&self, name: &str) -> Result<Vec<u8>, InvalidKeyError> {
        let text = self.text(name)?.ok_or(InvalidKeyError::Malformed)?;
        if text.len() > MAX_NUMBER_TEXT {
            return Err(InvalidKeyError::TooLarge);
        }
        decode_exact(text.as_bytes()).ok_or(InvalidKeyError::Malformed)
    }

    /// Returns a coordinate of exactly this many bytes (RFC 7518 §6.2.1.2).
    fn coordinate(&self, name: &str, length: usize) -> Result<Vec<u8>, InvalidKeyError> {
        let bytes = self.bytes(name)?;
        if bytes.len() == length { Ok(bytes) } else { Err(InvalidKeyError::Malformed) }
    }

    /// Checks that the key may verify signatures: `use`, if present, is `sig`; `key_ops`, if
    /// present, are unique and include `verify`.
    fn check_use(&self) -> Result<(), InvalidKeyError> {
        if self.text("use")?.is_some_and(|purpose| purpose != "sig") {
            return Err(InvalidKeyError::WrongUse);
        }
        let Some(operations) = self.0.get("key_ops") else { return Ok(()) };
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

    fn rsa(&self, algorithm: Option<Algorithm>) -> Result<VerificationKey, InvalidKeyError> {
        let algorithms = match algorithm {
            None => AlgorithmSet::family(Family::Rsa),
            Some(one) if one.family() == Family::Rsa => AlgorithmSet::of(one),
            Some(_) => return Err(InvalidKeyError::AlgorithmMismatch),
        };
        let (modulus, exponent) = (self.bytes("n")?, self.bytes("e")?);
        VerificationKey::from_rsa(algorithms, &modulus, &exponent)
    }

    fn ec(&self, algorithm: Option<Algorithm>) -> Result<VerificationKey, InvalidKeyError> {
        let (of_curve, length) = match self.text("crv")? {
            Some("P-256") => (Algorithm::ES256, 32),
            Some("P-384") => (Algorithm::ES384, 48),
            Some(_) => return Err(InvalidKeyError::Unsupported),
            None => return Err(InvalidKeyError::Malformed),
        };
        fits(of_curve, algorithm)?;
        let (x, y) = (self.coordinate("x", length)?, self.coordinate("y", length)?);
        let point = [&[4][..], &x, &y].concat();
        VerificationKey::from_point(of_curve, &point)
    }

    fn okp(&self, algorithm: Option<Algorithm>) -> Result<VerificationKey, InvalidKeyError> {
        match self.text("crv")? {
            Some("Ed25519") => fits(Algorithm::EdDSA, algorithm)?,
            Some(_) => return Err(InvalidKeyError::Unsupported),
            None => return Err(InvalidKeyError::Malformed),
        }
        VerificationKey::from_point(Algorithm::EdDSA, &self.coordinate("x", 32)?)
    }
}

fn fits(of_curve: Algorithm, named: Option<Algorithm>) -> Result<(), InvalidKeyError> {
    if named.is_none_or(|named| named == of_curve) {
        Ok(())
    } else {
        Err(InvalidKeyError::AlgorithmMismatch)
    }
}

impl<'de> Deserialize<'de> for Jwk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct JwkMembers;

        impl<'de> Visitor<'de> for JwkMembers {
            type Value = Jwk;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON Web Key")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Jwk, A::Error> {
                let mut members = Map::new();
                while let Some(name) = map.next_key()? {
                    insert_once(&mut members, name, &mut map)?;
                }
                Ok(Jwk(members))
            }
        }

        deserializer.deserialize_map(JwkMembers)
    }
}

#[cfg(test)]
mod tests;
