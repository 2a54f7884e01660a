//! The keys as they are now.

use std::{sync::Arc, time::Duration};

use crate::key::{JwkSet, KeyQuery, VerificationKey};

/// A key set with its dates, on the clock that never goes backwards. Never changed, only replaced.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) set: JwkSet,
    /// Changes whenever a key of the set before is gone or another.
    pub(super) generation: u64,
    /// The flight that brought it; an older one cannot replace it.
    pub(super) flight: u64,
    pub(super) published_at: Duration,
    /// How old the document was when it was published.
    pub(super) age_then: Duration,
    /// From when on it should be replaced.
    pub(super) refresh_at: Duration,
    /// From when on it has outlived its time.
    pub(super) stale_at: Duration,
    /// From when on it must not be used any more.
    pub(super) unusable_at: Duration,
    /// Wall-clock milliseconds at which the document left the issuer, to compare with other instances.
    pub(super) document_from: u64,
    /// When this process began to ask the issuer for it; none if it is from elsewhere.
    pub(super) asked_at: Option<Duration>,
}

impl Snapshot {
    /// Returns the key that fits the query, unless it is the one that has just failed.
    pub(super) fn select(&self, query: &KeyQuery<'_>) -> Option<Arc<VerificationKey>> {
        let key = self.set.select(query.key_id, query.algorithm)?;
        let is_new = query.failed.is_none_or(|failed| !failed.is_same(key));
        is_new.then(|| key.clone())
    }

    /// Keys that were configured: due to be replaced at once, and usable as stale keys are.
    pub(super) fn of_seed(set: JwkSet, now: Duration, stale_ttl: Duration) -> Self {
        Self {
            set,
            generation: 0,
            flight: 0,
            published_at: now,
            age_then: Duration::ZERO,
            refresh_at: now,
            stale_at: now,
            unusable_at: now.saturating_add(stale_ttl),
            document_from: 0,
            asked_at: None,
        }
    }
}
