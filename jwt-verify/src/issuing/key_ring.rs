//! Keys of an issuer: the active signing key, announced keys and former keys.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use serde_json::{Value, json};

use super::SigningKey;
use crate::lookup::Lookup;
use crate::{
    algorithm::{Algorithm, AlgorithmSet},
    clock::Clock,
    error::ConfigError,
    key::{KeyHealth, KeyLookupError, KeyProvider, KeyQuery, VerificationKey},
};

/// The verification keys of a [`TokenIssuer`](crate::issuing::TokenIssuer) as a [`KeyProvider`], for a
/// verifier in the same process. Rotations take effect at once.
#[derive(Debug, Clone)]
pub struct TokenIssuerKeys {
    ring: Arc<KeyRing>,
}

#[derive(Debug)]
pub(super) struct KeyRing {
    keys: ArcSwap<Keys>,
    /// Held while keys are changed.
    change: Mutex<()>,
    clock: Arc<dyn Clock>,
}

#[derive(Debug, Clone)]
struct Keys {
    signing: SigningKey,
    others: Vec<Other>,
    /// Algorithms that verifiers of this process accept.
    accepted: AlgorithmSet,
    /// Number of withdrawn keys.
    generation: u64,
}

/// A published key that does not sign.
#[derive(Debug, Clone)]
struct Other {
    key: SigningKey,
    /// Expiry of its last token, on the wall clock; `None` for one that has not signed yet.
    until: Option<Duration>,
}

impl Keys {
    /// Returns every valid key at a time, the signing key first.
    fn current(&self, now: Duration) -> impl Iterator<Item = &SigningKey> {
        let others = self.others.iter();
        let others = others.filter(move |other| other.until.is_none_or(|until| now < until));
        std::iter::once(&self.signing).chain(others.map(|other| &other.key))
    }
}

impl KeyRing {
    pub(super) fn new(
        signing: SigningKey,
        accepted: AlgorithmSet,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        let keys = Keys { signing, others: Vec::new(), accepted, generation: 0 };
        Arc::new(Self { keys: ArcSwap::from_pointee(keys), change: Mutex::new(()), clock })
    }

    pub(super) fn signing(&self) -> SigningKey {
        self.keys.load().signing.clone()
    }

    /// Publishes a key that will sign later.
    pub(super) fn announce(&self, key: SigningKey) -> Result<(), ConfigError> {
        self.change(|keys| {
            check(keys, &key)?;
            if keys.signing.id() != key.id() {
                keys.others.retain(|other| other.key.id() != key.id());
                keys.others.push(Other { key, until: None });
            }
            Ok(())
        })
    }

    /// Signs with another key from now on; the previous one is published until then.
    pub(super) fn rotate(&self, key: SigningKey, until: Duration) -> Result<(), ConfigError> {
        self.change(|keys| {
            check(keys, &key)?;
            if keys.signing.id() == key.id() {
                return Ok(());
            }
            keys.others.retain(|other| other.key.id() != key.id());
            let before = std::mem::replace(&mut keys.signing, key);
            keys.others.push(Other { key: before, until: Some(until) });
            Ok(())
        })
    }

    /// Withdraws a key at once; tokens signed with it become invalid.
    pub(super) fn withdraw(&self, key_id: &str) -> Result<(), ConfigError> {
        self.change(|keys| {
            if keys.signing.id() == key_id {
                return Err(ConfigError::invalid("key", "is the active signing key; rotate first"));
            }
            let before = keys.others.len();
            keys.others.retain(|other| other.key.id() != key_id);
            if keys.others.len() == before {
                return Err(ConfigError::invalid("key", "no key with this ID"));
            }
            keys.generation += 1;
            Ok(())
        })
    }

    fn change(
        &self,
        change: impl FnOnce(&mut Keys) -> Result<(), ConfigError>,
    ) -> Result<(), ConfigError> {
        let _one_at_a_time = self.change.lock().unwrap_or_else(PoisonError::into_inner);
        let mut keys = Keys::clone(&self.keys.load());
        let now = self.clock.now();
        keys.others.retain(|other| other.until.is_none_or(|until| now < until));
        change(&mut keys)?;
        self.keys.store(Arc::new(keys));
        Ok(())
    }

    /// Returns the public keys as a JSON Web Key Set (RFC 7517 §5), without secrets.
    pub(super) fn published(&self) -> Value {
        let keys = self.keys.load();
        let public: Vec<&Value> =
            keys.current(self.clock.now()).filter_map(SigningKey::public_jwk).collect();
        json!({ "keys": public })
    }
}

/// Returns the algorithms that keys may have after a key for this one. A verifier's list is fixed
/// when it is built, so it has all of them; each key still serves its own algorithm alone. To ML-DSA
/// every issuer with private keys may go on.
pub(super) fn successors(first: Algorithm) -> AlgorithmSet {
    let own = AlgorithmSet::of_key(first);
    if first.is_symmetric() {
        return own;
    }
    own.union(Algorithm::ALL.into_iter().filter(|one| one.is_ml_dsa()).collect())
}

/// Checks a new key.
fn check(keys: &Keys, key: &SigningKey) -> Result<(), ConfigError> {
    if !keys.accepted.contains(key.algorithm()) {
        return Err(ConfigError::invalid(
            "key",
            "must be for the algorithm of the first one, for ML-DSA after another private key, or for one \
             of `next_algorithms`",
        ));
    }
    let known = std::iter::once(&keys.signing).chain(keys.others.iter().map(|other| &other.key));
    for known in known.filter(|known| known.id() == key.id()) {
        if !known.verification().is_same(key.verification()) {
            return Err(ConfigError::invalid("key", "another key already uses this ID"));
        }
    }
    Ok(())
}

impl TokenIssuerKeys {
    pub(super) fn new(ring: Arc<KeyRing>) -> Self {
        Self { ring }
    }
}

impl KeyProvider for TokenIssuerKeys {
    fn find<'a>(
        &'a self,
        wanted: KeyQuery<'a>,
    ) -> Lookup<'a, Result<Arc<VerificationKey>, KeyLookupError>> {
        let keys = self.ring.keys.load();
        let mut fitting = keys
            .current(self.ring.clock.now())
            .filter(|key| key.algorithm() == wanted.algorithm && Some(key.id()) == wanted.key_id);
        let found = match (wanted.exclude, fitting.next()) {
            ([], Some(key)) => Ok(key.verification().clone()),
            _ => Err(KeyLookupError::NotFound),
        };
        Lookup::Ready(found)
    }

    fn generation(&self) -> Option<u64> {
        Some(self.ring.keys.load().generation)
    }

    fn source(&self) -> String {
        "token issuer of this application".to_owned()
    }

    fn health(&self) -> KeyHealth {
        let keys = self.ring.keys.load().current(self.ring.clock.now()).count();
        KeyHealth { ready: true, keys, ..KeyHealth::default() }
    }
}
