//! JSON Web Key Sets (RFC 7517 §5), parsed key by key.

use std::{collections::HashMap, fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{KeyHealth, KeyLookupError, KeyProvider, KeyQuery, VerificationKey, jwk};
use crate::lookup::Lookup;
use crate::{
    algorithm::{Algorithm, AlgorithmSet},
    error::InvalidKeyError,
    json::Text,
};

/// The usable keys of an issuer.
///
/// A key that cannot be used, for any reason, is skipped and counted; the others stay usable. A set
/// that a verifier uses as its [`KeyProvider`] never changes.
#[derive(Clone, Default)]
pub struct JwkSet {
    keys: Vec<Arc<VerificationKey>>,
    by_id: HashMap<Box<str>, Vec<Arc<VerificationKey>>>,
    skipped: Vec<InvalidKeyError>,
    any_id: bool,
}

impl JwkSet {
    /// Creates a set with a single key, which is used for tokens with any `kid`: for a key from
    /// your own configuration, such as a PEM file.
    pub fn single(key: VerificationKey) -> Self {
        Self { any_id: true, ..Self::new([key]) }
    }

    /// Creates a set of keys that were imported one by one.
    ///
    /// A token that names a `kid` finds a key only under that name: give each key one with
    /// [`VerificationKey::with_id`], or use [`single`](Self::single).
    ///
    /// Keys with the same `kid` for the same algorithm are left out, since nothing could choose
    /// between them.
    pub fn new(keys: impl IntoIterator<Item = VerificationKey>) -> Self {
        Self::build(keys.into_iter().map(Ok))
    }

    /// Reads a key set document.
    ///
    /// # Errors
    /// [`JwkSetError`] if the document as a whole is not a key set. Single unusable keys are not an
    /// error; see [`skipped`](Self::skipped).
    pub fn from_json(json: &[u8]) -> Result<Self, JwkSetError> {
        Self::from_json_with_limit(json, usize::MAX)
    }

    pub(crate) fn from_json_with_limit(json: &[u8], most: usize) -> Result<Self, JwkSetError> {
        let text = std::str::from_utf8(json).map_err(|_| JwkSetError::Malformed)?;
        let document: JwkSetDocument<'_> =
            serde_json::from_str(text).map_err(|_| JwkSetError::Malformed)?;
        if document.keys.len() > most {
            return Err(JwkSetError::TooManyKeys);
        }
        Ok(Self::build(document.keys.into_iter().map(|key| jwk::import(key.get()))))
    }

    fn build(keys: impl Iterator<Item = Result<VerificationKey, InvalidKeyError>>) -> Self {
        let mut set = Self::default();
        for key in keys {
            match key {
                Ok(key) if set.keys.iter().any(|other| other.is_same(&key)) => {}
                Ok(key) => set.keys.push(Arc::new(key)),
                Err(rejection) => set.skipped.push(rejection),
            }
        }
        let all = set.keys.clone();
        set.keys.retain(|key| {
            !all.iter().any(|other| !Arc::ptr_eq(key, other) && ambiguous(key, other))
        });
        let dropped = all.len() - set.keys.len();
        set.skipped.extend(std::iter::repeat_n(InvalidKeyError::Ambiguous, dropped));
        for key in &set.keys {
            if let Some(id) = key.id() {
                set.by_id.entry(id.into()).or_default().push(key.clone());
            }
        }
        set
    }

    /// Returns the usable keys.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &Arc<VerificationKey>> {
        self.keys.iter()
    }

    /// Returns the algorithms that the usable keys fit.
    pub(crate) fn algorithms(&self) -> AlgorithmSet {
        self.keys.iter().flat_map(|key| key.algorithms().iter()).collect()
    }

    /// Returns `true` if there is no usable key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Returns why each of the other keys was skipped.
    pub fn skipped(&self) -> &[InvalidKeyError] {
        &self.skipped
    }

    /// Selects the key for a token: the one with this `kid` that fits the algorithm, or, for a
    /// token without `kid`, the only key of the set that fits. `kid`s compare byte by byte.
    pub fn select(
        &self,
        key_id: Option<&str>,
        algorithm: Algorithm,
    ) -> Option<&Arc<VerificationKey>> {
        let candidates = match key_id {
            Some(id) if !self.any_id => self.by_id.get(id)?,
            _ => &self.keys,
        };
        let mut fitting = candidates.iter().filter(|key| key.supports(algorithm));
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Some(key),
            _ => None,
        }
    }

    /// Returns `true` if every key of `older` is still present and unchanged.
    #[cfg(feature = "jwks")]
    pub(crate) fn keeps_all_of(&self, older: &Self) -> bool {
        older.keys.iter().all(|old| self.keys.iter().any(|key| key.is_same(old)))
    }
}

fn ambiguous(one: &VerificationKey, other: &VerificationKey) -> bool {
    one.id().is_some()
        && one.id() == other.id()
        && one.algorithms().iter().any(|algorithm| other.supports(algorithm))
}

impl fmt::Debug for JwkSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwkSet")
            .field("keys", &self.keys)
            .field("skipped", &self.skipped)
            .finish_non_exhaustive()
    }
}

impl KeyProvider for JwkSet {
    fn find<'a>(
        &'a self,
        wanted: KeyQuery<'a>,
    ) -> Lookup<'a, Result<Arc<VerificationKey>, KeyLookupError>> {
        let key = match wanted.exclude {
            Some(_) => None,
            None => self.select(wanted.key_id, wanted.algorithm),
        };
        Lookup::Ready(key.cloned().ok_or(KeyLookupError::NotFound))
    }

    fn generation(&self) -> Option<u64> {
        Some(0)
    }

    fn health(&self) -> KeyHealth {
        KeyHealth { ready: !self.is_empty(), keys: self.keys.len(), ..KeyHealth::default() }
    }
}

/// Reasons why a document is not a key set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwkSetError {
    /// Not a JSON object with one array `keys`.
    #[error("not a JSON Web Key Set")]
    Malformed,
    /// More keys than the limit allows.
    #[error("too many keys")]
    TooManyKeys,
}

/// The outer object; keys stay text until they are imported one by one.
struct JwkSetDocument<'a> {
    keys: Vec<&'a RawValue>,
}

impl<'de: 'a, 'a> Deserialize<'de> for JwkSetDocument<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SetMembers;

        impl<'de> Visitor<'de> for SetMembers {
            type Value = JwkSetDocument<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON Web Key Set")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut keys = None;
                while let Some(Text(name)) = map.next_key()? {
                    if name == "keys" {
                        if keys.is_some() {
                            return Err(A::Error::custom("duplicate member"));
                        }
                        keys = Some(map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                keys.map(|keys| JwkSetDocument { keys })
                    .ok_or_else(|| A::Error::missing_field("keys"))
            }
        }

        deserializer.deserialize_map(SetMembers)
    }
}

#[cfg(test)]
mod tests;
