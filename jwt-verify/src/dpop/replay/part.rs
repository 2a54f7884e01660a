//! One shard of the store of used proofs.

use std::collections::{BTreeMap, HashMap, hash_map::Entry};

use super::{ProofId, ReplayError};

/// Proofs and keys are identified by half of their hash. That is enough: a client that finds a
/// collision between two proofs, or two keys, has found two of its own.
type Half = [u8; 16];

/// The proofs of some of the keys. All proofs of one key are in one shard.
#[derive(Default)]
pub(super) struct ReplayPart {
    /// Time until which each is kept, in seconds.
    used: HashMap<Half, u64>,
    /// Number of proofs of each key.
    shares: HashMap<Half, usize>,
    /// Proofs by their expiry, so that expired ones need no search.
    ends: BTreeMap<u64, Vec<(Half, Half)>>,
}

/// Maximum number of expired proofs that one request removes. It is more than one request adds, so
/// that they never pile up.
const MOST_AT_ONCE: usize = 16;

/// Outcome for a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Insertion {
    /// It is new and needs capacity.
    New,
    /// It was used so long ago that it counts as new. It needs no further capacity.
    Anew,
    /// It has been used.
    Used,
}

/// Capacity for another proof.
pub(super) struct Room {
    /// True if there is capacity for a new proof.
    pub(super) has_place: bool,
    /// Limit of one key.
    pub(super) per_key: usize,
}

impl ReplayPart {
    pub(super) fn len(&self) -> usize {
        self.used.len()
    }

    #[cfg(test)]
    pub(super) fn keys(&self) -> usize {
        self.shares.len()
    }

    /// Stores a proof at a time, in seconds, until another.
    pub(super) fn note(
        &mut self,
        proof: &ProofId,
        now: u64,
        until: u64,
        room: &Room,
    ) -> Result<Insertion, ReplayError> {
        let (name, key) = (half(proof.as_bytes()), half(proof.key()));
        let noted = match self.used.get(&name) {
            Some(known) if *known >= now => return Ok(Insertion::Used),
            Some(_) => Insertion::Anew,
            None if self.shares.get(&key).is_some_and(|count| *count >= room.per_key) => {
                return Err(ReplayError::ShareUsedUp);
            }
            None if !room.has_place => return Err(ReplayError::Unavailable),
            None => {
                *self.shares.entry(key).or_default() += 1;
                Insertion::New
            }
        };
        self.used.insert(name, until);
        self.ends.entry(until).or_default().push((name, key));
        Ok(noted)
    }

    /// Removes some expired proofs, and returns how many.
    pub(super) fn forget(&mut self, now: u64) -> usize {
        let mut forgotten = 0;
        for _ in 0..MOST_AT_ONCE {
            let Some(mut first) = self.ends.first_entry() else { break };
            let until = *first.key();
            if until >= now {
                break;
            }
            let Some((name, key)) = first.get_mut().pop() else {
                first.remove();
                continue;
            };
            // A proof that was stored again since then is kept for longer.
            if self.used.get(&name) == Some(&until) {
                self.used.remove(&name);
                self.give_back(key);
                forgotten += 1;
            }
        }
        forgotten
    }

    fn give_back(&mut self, key: Half) {
        if let Entry::Occupied(mut share) = self.shares.entry(key) {
            *share.get_mut() -= 1;
            if *share.get() == 0 {
                share.remove();
            }
        }
    }
}

fn half(name: &[u8; 32]) -> Half {
    name.first_chunk().copied().unwrap_or_default()
}
