//! JSON Web Key Sets (RFC 7517 §5), parsed key by key.

use std::{collections::HashMap, fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    KeyHealth, KeyLookupError, KeyProvider, KeyQuery, VerificationKey, fit::warn_of_configured, jwk,
};
use crate::lookup::Lookup;
use crate::{
    algorithm::{Algorithm, AlgorithmSet},
    defaults::KEY_CANDIDATES,
    error::InvalidKeyError,
    json::Text,
};

/// The usable keys of an issuer.
///
/// A key that cannot be used, for any reason, is skipped and counted; the others stay usable. A key
/// that is in the set twice under one `kid` is one key, for the algorithms of both entries. A set
/// that a verifier uses as its [`KeyProvider`] never changes.
#[derive(Clone, Default)]
pub struct JwkSet {
    keys: Vec<Arc<VerificationKey>>,
    /// The keys of each `kid`; none of one that too many keys share.
    by_id: HashMap<Box<str>, Vec<Arc<VerificationKey>>>,
    nameless: Vec<Arc<VerificationKey>>,
    skipped: Vec<InvalidKeyError>,
    /// Places of the skipped keys, in the same order.
    skipped_entries: Vec<SkippedEntry>,
    any_id: bool,
}

/// Place of a skipped key in its document, and what it is known by in the next one.
#[derive(Debug, Clone)]
#[cfg_attr(
    not(feature = "jwks"),
    expect(dead_code, reason = "only key sets that are fetched are logged")
)]
pub(crate) struct SkippedEntry {
    /// Number of the entry, from 0 on.
    pub(crate) position: usize,
    pub(crate) identity: String,
}

impl JwkSet {
    /// Creates a set with a single key, which is used for tokens with any `kid`: for a key from
    /// your own configuration, such as a PEM file.
    pub fn single(key: VerificationKey) -> Self {
        Self { any_id: true, ..Self::new([key]) }
    }

    /// Creates a set of keys that are used for tokens with any `kid`: one key of the configuration in
    /// a form for each algorithm.
    #[cfg(feature = "jwks")]
    pub(crate) fn configured(keys: impl IntoIterator<Item = VerificationKey>) -> Self {
        Self { any_id: true, ..Self::new(keys) }
    }

    /// Creates a set of keys that were imported one by one.
    ///
    /// A token that names a `kid` finds the keys of that name, and keys without a name if there are
    /// none: give each key its own with [`VerificationKey::with_id`], or use
    /// [`single`](Self::single).
    ///
    /// Four different keys may have the same `kid` for the same algorithm; more are left out.
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
        Ok(Self::build(document.keys.into_iter().map(|key| {
            jwk::import(key.get()).map_err(|reason| (reason, jwk::identity(key.get())))
        })))
    }

    fn build(
        entries: impl Iterator<Item = Result<VerificationKey, (InvalidKeyError, String)>>,
    ) -> Self {
        let mut set = Self::default();
        let mut keys: Vec<(usize, VerificationKey)> = Vec::new();
        for (position, entry) in entries.enumerate() {
            match entry {
                Ok(key) => match keys.iter_mut().find(|(_, known)| is_one_key(known, &key)) {
                    Some((_, known)) => known.absorb(key),
                    None => keys.push((position, key)),
                },
                Err((reason, identity)) => set.skip(reason, SkippedEntry { position, identity }),
            }
        }
        let crowded: Vec<bool> = keys.iter().map(|(_, key)| is_crowded(key, &keys)).collect();
        for ((position, key), is_crowded) in keys.into_iter().zip(crowded) {
            let namesakes = key.id().map(|id| set.by_id.entry(id.into()).or_default());
            if is_crowded {
                let identity = key.identity();
                set.skip(InvalidKeyError::Ambiguous, SkippedEntry { position, identity });
                continue;
            }
            let key = Arc::new(key);
            namesakes.unwrap_or(&mut set.nameless).push(key.clone());
            set.keys.push(key);
        }
        set
    }

    fn skip(&mut self, reason: InvalidKeyError, entry: SkippedEntry) {
        self.skipped.push(reason);
        self.skipped_entries.push(entry);
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

    /// Returns the skipped keys with their reasons.
    #[cfg(feature = "jwks")]
    pub(crate) fn skipped_entries(&self) -> impl Iterator<Item = (InvalidKeyError, &SkippedEntry)> {
        self.skipped.iter().copied().zip(&self.skipped_entries)
    }

    /// Returns how many keys were skipped for each reason.
    pub(crate) fn rejections(&self) -> Vec<(InvalidKeyError, usize)> {
        let mut rejections: Vec<(InvalidKeyError, usize)> = Vec::new();
        for reason in &self.skipped {
            match rejections.iter_mut().find(|(known, _)| known == reason) {
                Some((_, count)) => *count += 1,
                None => rejections.push((*reason, 1)),
            }
        }
        rejections
    }

    /// Selects the next key to try for a token, other than those that failed.
    ///
    /// The candidates are the keys with the `kid` of the token that fit its algorithm. Where no key
    /// has that `kid`, they are the fitting keys without one (RFC 7515 §4.1.4: the `kid` is a hint);
    /// for a token without `kid`, all keys that fit. More than four candidates are too many to try,
    /// and none is selected. `kid`s compare byte by byte, and an empty one is never that of a key
    /// without `kid`.
    pub fn select(&self, wanted: KeyQuery<'_>) -> Option<&Arc<VerificationKey>> {
        let is_left = |key: &&Arc<VerificationKey>| {
            key.supports(wanted.algorithm)
                && !wanted.exclude.iter().any(|failed| failed.is_same_material(key))
        };
        let candidates = match wanted.key_id {
            _ if self.any_id => return self.keys.iter().find(is_left),
            None => &self.keys,
            Some(id) => match self.by_id.get(id) {
                Some(namesakes) => return namesakes.iter().find(is_left),
                None if id.is_empty() => return None,
                None => &self.nameless,
            },
        };
        let fitting = candidates.iter().filter(|key| key.supports(wanted.algorithm));
        few(fitting)?.into_iter().flatten().find(is_left)
    }

    /// Returns `true` if a token finds keys of the name that it gives, or any without a name.
    #[cfg(feature = "jwks")]
    pub(crate) fn knows(&self, wanted: KeyQuery<'_>) -> bool {
        match wanted.key_id {
            None => self.select(wanted).is_some(),
            Some(id) => {
                let mut namesakes = self.by_id.get(id).into_iter().flatten();
                namesakes.any(|key| key.supports(wanted.algorithm))
            }
        }
    }

    /// Returns `true` if every key of `older` is still present and unchanged.
    #[cfg(feature = "jwks")]
    pub(crate) fn keeps_all_of(&self, older: &Self) -> bool {
        older.keys.iter().all(|old| self.keys.iter().any(|key| key.is_same(old)))
    }
}

/// Returns true if both entries are one key, with its algorithms in two places.
fn is_one_key(one: &VerificationKey, other: &VerificationKey) -> bool {
    one.is_same_material(other) && one.id() == other.id()
}

/// Returns true if more keys share the name and an algorithm than are tried for a token.
fn is_crowded(key: &VerificationKey, keys: &[(usize, VerificationKey)]) -> bool {
    let namesakes = || keys.iter().filter(|(_, other)| other.id() == key.id());
    let sharing = |algorithm| namesakes().filter(|(_, other)| other.supports(algorithm)).count();
    key.id().is_some()
        && namesakes().count() > KEY_CANDIDATES
        && key.algorithms().iter().any(|algorithm| sharing(algorithm) > KEY_CANDIDATES)
}

/// Returns the different keys among these, unless there are too many to try.
fn few<'k>(
    keys: impl Iterator<Item = &'k Arc<VerificationKey>>,
) -> Option<[Option<&'k Arc<VerificationKey>>; KEY_CANDIDATES]> {
    let mut few: [Option<&Arc<VerificationKey>>; KEY_CANDIDATES] = [None; KEY_CANDIDATES];
    for key in keys {
        if !few.iter().flatten().any(|known| known.is_same_material(key)) {
            *few.iter_mut().find(|place| place.is_none())? = Some(key);
        }
    }
    Some(few)
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
        Lookup::Ready(self.select(wanted).cloned().ok_or(KeyLookupError::NotFound))
    }

    fn generation(&self) -> Option<u64> {
        Some(0)
    }

    fn source(&self) -> String {
        match self.keys.len() {
            1 => "1 given key".to_owned(),
            number => format!("{number} given keys"),
        }
    }

    fn note_accepted(&self, algorithms: &[Algorithm]) {
        warn_of_configured(self, algorithms);
    }

    fn health(&self) -> KeyHealth {
        KeyHealth {
            ready: !self.is_empty(),
            keys: self.keys.len(),
            rejected_keys: self.skipped.len(),
            rejected: self.rejections(),
            ..KeyHealth::default()
        }
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
