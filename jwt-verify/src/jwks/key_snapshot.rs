//! A key set with its dates.

use std::{sync::Arc, time::Duration};

use crate::key::{JwkSet, KeyQuery, VerificationKey};

/// A key set with its dates on the monotonic clock. Never changed, only replaced.
#[derive(Debug)]
pub(super) struct KeySnapshot {
    pub(super) set: JwkSet,
    /// Increases whenever a key of the previous set is removed or replaced.
    pub(super) generation: u64,
    /// Number of the refresh that brought it; an earlier refresh cannot replace it.
    pub(super) refresh_id: u64,
    pub(super) published_at: Duration,
    /// Age of the document when it was published.
    pub(super) age_at_publish: Duration,
    /// Start of the next refresh.
    pub(super) refresh_at: Duration,
    /// End of the freshness lifetime.
    pub(super) stale_at: Duration,
    /// End of the use as stale keys.
    pub(super) unusable_at: Duration,
    /// Time of the fetch in wall-clock milliseconds, to compare with the documents of other
    /// instances.
    pub(super) document_time: u64,
    /// Time at which this process sent the request to the issuer; none if the set came from
    /// elsewhere.
    pub(super) requested_at: Option<Duration>,
}

impl KeySnapshot {
    /// Creates a snapshot of configured keys: due for a refresh at once, usable like stale keys.
    pub(super) fn initial(set: JwkSet, now: Duration, stale_if_error: Duration) -> Self {
        Self {
            set,
            generation: 0,
            refresh_id: 0,
            published_at: now,
            age_at_publish: Duration::ZERO,
            refresh_at: now,
            stale_at: now,
            unusable_at: now.saturating_add(stale_if_error),
            document_time: 0,
            requested_at: None,
        }
    }

    pub(super) fn is_usable(&self, now: Duration) -> bool {
        now < self.unusable_at
    }

    /// Time since the issuer confirmed the keys.
    pub(super) fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(self.published_at) + self.age_at_publish
    }

    /// Returns the next key that fits the query, other than those that have just failed.
    pub(super) fn select(&self, query: &KeyQuery<'_>) -> Option<Arc<VerificationKey>> {
        self.set.select(*query).cloned()
    }
}
