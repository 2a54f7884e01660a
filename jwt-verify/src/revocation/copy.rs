//! Copy of the revocation log in memory, with many readers and one writer.

use std::{
    array,
    collections::HashMap,
    sync::{
        PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::RevocationKeys;
use crate::{clock, defaults::MAX_LEEWAY};

/// Revocation keys of 43 characters without separate heap allocations, in shards with a lock each:
/// an entry costs about 130 bytes including free capacity, and a lookup waits for one shard at
/// most.
pub(super) struct RevokedCopy {
    parts: [RwLock<CopyPart>; PARTS],
    sweep: AtomicUsize,
}

const PARTS: usize = 64;

type KeyDigest = [u8; 43];
type CopyPart = HashMap<KeyDigest, CopyEntry>;

#[derive(Clone, Copy)]
struct CopyEntry {
    /// In milliseconds; [`ALWAYS`] revokes regardless of the time of issue.
    issued_until: u64,
    until: u64,
}

const ALWAYS: u64 = u64::MAX;

impl RevokedCopy {
    pub(super) fn new() -> Self {
        Self { parts: array::from_fn(|_| RwLock::default()), sweep: AtomicUsize::new(0) }
    }

    /// Returns `true` if any of these is revoked at that wall-clock time.
    pub(super) fn revokes(&self, keys: &RevocationKeys, now: Duration) -> bool {
        let now = millis(now);
        keys.keys().any(|name| {
            let entry = key_digest(name).and_then(|key| self.read(&key).get(&key).copied());
            entry.is_some_and(|entry| {
                let moment = Duration::from_millis(entry.issued_until);
                let issued_until = (entry.issued_until != ALWAYS).then_some(moment);
                now < entry.until && keys.is_revoked_by(issued_until)
            })
        })
    }

    /// Stores an entry, unless it has expired. The later of two moments wins, and an entry without
    /// one is later than any.
    pub(super) fn note(
        &self,
        name: &str,
        issued_until: Option<Duration>,
        until: Duration,
        now: Duration,
    ) {
        // Tokens are accepted for a while after they have expired.
        let until = millis(until.saturating_add(MAX_LEEWAY));
        let Some(key) = key_digest(name).filter(|_| millis(now) < until) else { return };
        let new = CopyEntry { issued_until: issued_until.map_or(ALWAYS, millis), until };
        let mut part = self.write(part_of(&key));
        let entry = part.entry(key).or_insert(new);
        entry.issued_until = entry.issued_until.max(new.issued_until);
        entry.until = entry.until.max(new.until);
    }

    /// Removes expired entries from the next shard.
    pub(super) fn sweep(&self, now: Duration) {
        let now = millis(now);
        let mut part = self.write(self.sweep.fetch_add(1, Ordering::Relaxed) % PARTS);
        part.retain(|_, entry| now < entry.until);
        // Gives back memory after a peak.
        if part.capacity() > 4 * part.len() {
            let some = 2 * part.len();
            part.shrink_to(some);
        }
    }

    /// Returns the number of entries.
    pub(super) fn len(&self) -> usize {
        let parts = self.parts.iter();
        parts.map(|part| part.read().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    fn read(&self, key: &KeyDigest) -> RwLockReadGuard<'_, CopyPart> {
        self.part(part_of(key)).read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, part: usize) -> RwLockWriteGuard<'_, CopyPart> {
        self.part(part).write().unwrap_or_else(PoisonError::into_inner)
    }

    #[expect(clippy::indexing_slicing, reason = "a remainder is below what it is divided by")]
    fn part(&self, part: usize) -> &RwLock<CopyPart> {
        &self.parts[part % PARTS]
    }
}

/// A key of another length cannot belong to a token.
fn key_digest(name: &str) -> Option<KeyDigest> {
    name.as_bytes().try_into().ok()
}

/// Keys are hashes, so a few of their characters distribute as well as all.
fn part_of(key: &KeyDigest) -> usize {
    key.iter().take(4).fold(0, |sum, byte| sum * 31 + usize::from(*byte))
}

/// Longer than the lifetime of any token.
fn millis(time: Duration) -> u64 {
    clock::millis(time).min(ALWAYS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{claims::Claims, revocation::Revocation};

    const NOW: Duration = Duration::from_secs(1_800_000_000);
    const HOUR: Duration = Duration::from_secs(3600);

    fn keys(subject: &str, issued_at: u64) -> RevocationKeys {
        let claims = format!(r#"{{"iss":"i","sub":"{subject}","iat":{issued_at}}}"#);
        let claims: Claims = serde_json::from_str(&claims).unwrap();
        RevocationKeys::of(&claims)
    }

    fn note(copy: &RevokedCopy, what: &Revocation, until: Duration) {
        copy.note(what.key(), what.issued_until(), until, NOW);
    }

    /// entries of one key are one, and the later of each moment counts.
    #[test]
    fn the_later_moment_counts_whatever_came_first() {
        let copy = RevokedCopy::new();
        let until = |second| Revocation::subject("i", "s", Duration::from_secs(second));
        for (what, end) in [(100, HOUR), (300, HOUR / 2), (200, HOUR)] {
            note(&copy, &until(what), NOW + end);
        }
        assert_eq!(copy.len(), 1);
        assert!(copy.revokes(&keys("s", 300), NOW) && !copy.revokes(&keys("s", 301), NOW));
        assert!(!copy.revokes(&keys("another", 1), NOW));
        let end = NOW + HOUR + MAX_LEEWAY;
        assert!(copy.revokes(&keys("s", 300), end.saturating_sub(Duration::from_millis(1))));
        assert!(!copy.revokes(&keys("s", 300), end));
        copy.note(until(0).key(), None, NOW, NOW);
        assert!(copy.revokes(&keys("s", 9_999_999_999), NOW));
    }

    /// expired entries are removed shard by shard, and their memory is given back.
    #[test]
    fn what_is_over_is_forgotten() {
        let copy = RevokedCopy::new();
        for number in 0..10_000 {
            note(&copy, &Revocation::token("i", &number.to_string()), NOW);
        }
        note(&copy, &Revocation::subject("i", "s", NOW), NOW + HOUR);
        note(&copy, &Revocation::token("i", "over"), NOW.saturating_sub(HOUR));
        assert_eq!(copy.len(), 10_001);
        let fullest = |copy: &RevokedCopy| {
            copy.parts.iter().map(|part| part.read().unwrap().capacity()).max().unwrap()
        };
        assert!(fullest(&copy) < 2 * 10_000 / PARTS * 3, "they are spread");
        for _ in 0..PARTS {
            copy.sweep(NOW + MAX_LEEWAY);
        }
        assert_eq!(copy.len(), 1);
        assert!(fullest(&copy) < 20);
        assert!(copy.revokes(&keys("s", 1), NOW));
    }

    #[test]
    fn a_mark_of_another_length_is_not_kept() {
        let copy = RevokedCopy::new();
        for name in ["", "short", &"x".repeat(44)] {
            copy.note(name, None, NOW + HOUR, NOW);
        }
        assert_eq!(copy.len(), 0);
    }
}
