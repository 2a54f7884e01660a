//! The keys of an issuer as requests read them.

use std::{sync::Arc, time::Duration};

use arc_swap::{ArcSwapOption, Guard};

use super::{
    deferred_queries::DeferredQueries, key_query::negative_cache_key,
    key_set_document::KeySetDocument, key_snapshot::KeySnapshot,
};
use crate::{
    clock::millis,
    defaults::MAX_CLOCK_SKEW,
    key::{JwkSet, KeyQuery},
    negative_cache::NegativeCache,
};

/// The current key set, and the keys that the issuer does not have. Requests read it without a
/// lock.
#[derive(Debug)]
pub(super) struct KeyCache {
    snapshot: ArcSwapOption<KeySnapshot>,
    /// Keys that the issuer does not have.
    missing: NegativeCache,
    /// Queries that the next fetch answers.
    deferred: DeferredQueries,
    limits: KeyCacheLimits,
}

/// Durations and sizes of a [`KeyCache`].
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyCacheLimits {
    /// Use of keys after their freshness lifetime.
    pub(super) stale_if_error: Duration,
    /// Lifetime of an entry of the negative cache.
    pub(super) negative_cache_ttl: Duration,
    pub(super) missing_entries: usize,
    /// Longest time for which a query is deferred.
    pub(super) refetch_window: Duration,
}

/// The refresh that publishes a key set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Publisher {
    pub(super) refresh_id: u64,
    /// Time at which it asked the issuer; none if the document came from another instance.
    pub(super) requested_at: Option<Duration>,
}

impl KeyCache {
    pub(super) fn new(limits: KeyCacheLimits, initial: Option<JwkSet>, now: Duration) -> Self {
        let initial =
            initial.map(|set| Arc::new(KeySnapshot::initial(set, now, limits.stale_if_error)));
        Self {
            snapshot: ArcSwapOption::new(initial),
            missing: NegativeCache::new(limits.missing_entries),
            deferred: DeferredQueries::new(limits.missing_entries),
            limits,
        }
    }

    /// Reads the snapshot without touching its reference count, which all workers share.
    pub(super) fn load(&self) -> Guard<Option<Arc<KeySnapshot>>> {
        self.snapshot.load()
    }

    /// Number of the refresh that published the snapshot.
    pub(super) fn last_refresh(&self) -> Option<u64> {
        self.snapshot.load().as_ref().map(|snapshot| snapshot.refresh_id)
    }

    /// Time at which the current document was fetched, in wall-clock milliseconds; 0 if there is
    /// none, or if it is further in the future than the clock of another instance may be.
    pub(super) fn document_time(&self, wall: Duration) -> u64 {
        let time = self.snapshot.load().as_ref().map_or(0, |snapshot| snapshot.document_time);
        if time > millis(wall.saturating_add(MAX_CLOCK_SKEW)) { 0 } else { time }
    }

    /// Returns true if the issuer does not have the key: it said so less than the lifetime of the
    /// negative cache ago, and after it was asked for the key.
    pub(super) fn is_missing(
        &self,
        snapshot: &KeySnapshot,
        query: &KeyQuery<'_>,
        now: Duration,
    ) -> bool {
        if self.missing.contains(negative_cache_key(query), now) {
            return true;
        }
        snapshot.requested_at.is_some_and(|requested_at| {
            now < requested_at.saturating_add(self.limits.negative_cache_ttl)
                && self.deferred.is_from_before(negative_cache_key(query), requested_at)
        })
    }

    /// Adds a key that the issuer does not have to the negative cache.
    pub(super) fn insert_missing(&self, query: &KeyQuery<'_>, now: Duration) {
        self.insert_missing_for(query, now, self.limits.negative_cache_ttl);
    }

    /// Adds a key to the negative cache for a shorter time: another instance has asked for it
    /// before.
    pub(super) fn insert_missing_for(&self, query: &KeyQuery<'_>, now: Duration, time: Duration) {
        self.missing.insert(negative_cache_key(query), now, now.saturating_add(time));
    }

    /// Records that a query has to wait for the next fetch.
    pub(super) fn defer(&self, query: &KeyQuery<'_>, now: Duration) {
        self.deferred.insert(negative_cache_key(query), now);
    }

    /// Replaces the snapshot, unless a later refresh has published one. Returns the time of the
    /// next refresh.
    pub(super) fn publish(
        &self,
        set: &JwkSet,
        document: &KeySetDocument,
        publisher: Publisher,
        now: Duration,
        wall: Duration,
    ) -> Duration {
        let Publisher { refresh_id, requested_at } = publisher;
        let ttl = Duration::from_secs(document.ttl);
        // A document from the store, or one that took long, has used up a part of its lifetime.
        let age = document.age(wall);
        let stale_at = now.saturating_add(ttl.saturating_sub(age));
        let refresh_at = now.saturating_add(ttl.mul_f64(0.8).saturating_sub(age));
        let replaced = self.snapshot.rcu(|previous| {
            let generation = match previous {
                Some(previous) if previous.refresh_id > refresh_id => {
                    return Some(previous.clone());
                }
                Some(previous) if set.keeps_all_of(&previous.set) => previous.generation,
                Some(previous) => previous.generation + 1,
                None => 0,
            };
            Some(Arc::new(KeySnapshot {
                set: set.clone(),
                generation,
                refresh_id,
                published_at: now,
                age_at_publish: age,
                refresh_at,
                stale_at,
                unusable_at: stale_at.saturating_add(self.limits.stale_if_error),
                document_time: document.fetched,
                requested_at,
            }))
        });
        if let Some(previous) = replaced.filter(|previous| previous.refresh_id <= refresh_id) {
            self.insert_withdrawn(&previous.set, set, now);
        }
        let kept = self.limits.negative_cache_ttl.saturating_add(self.limits.refetch_window);
        self.deferred.forget_before(now.saturating_sub(kept));
        refresh_at
    }

    /// Adds withdrawn keys to the negative cache, so that tokens signed with them cause no fetch.
    fn insert_withdrawn(&self, older: &JwkSet, newer: &JwkSet, now: Duration) {
        for key in older.keys() {
            for algorithm in key.algorithms().iter() {
                let withdrawn = KeyQuery::new(key.id(), algorithm);
                if !newer.knows(withdrawn) {
                    self.insert_missing(&withdrawn, now);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algorithm::Algorithm;

    const SECOND: Duration = Duration::from_secs(1);
    const WALL: Duration = Duration::from_secs(1_800_000_000);
    const FIRST: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const SECOND_KEY: &str = "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw";

    fn set(keys: &[(&str, &str)]) -> JwkSet {
        let keys: Vec<String> = keys
            .iter()
            .map(|(id, x)| format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"{id}","x":"{x}"}}"#))
            .collect();
        JwkSet::from_json(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes()).unwrap()
    }

    fn cache(initial: Option<JwkSet>) -> KeyCache {
        let limits = KeyCacheLimits {
            stale_if_error: 100 * SECOND,
            negative_cache_ttl: 30 * SECOND,
            missing_entries: 10,
            refetch_window: 30 * SECOND,
        };
        KeyCache::new(limits, initial, SECOND)
    }

    fn query(key_id: &str) -> KeyQuery<'_> {
        KeyQuery::new(Some(key_id), Algorithm::EdDSA)
    }

    fn publish(cache: &KeyCache, set: &JwkSet, refresh_id: u64, now: Duration) -> Duration {
        let fetched = millis(WALL.saturating_sub(10 * SECOND));
        let document = KeySetDocument { fetched, ttl: 100, body: String::new() };
        let publisher = Publisher { refresh_id, requested_at: Some(now) };
        cache.publish(set, &document, publisher, now, WALL)
    }

    #[test]
    fn a_document_that_is_older_has_less_time_left() {
        let cache = cache(None);
        assert!(cache.load().is_none() && cache.last_refresh().is_none());
        assert_eq!(publish(&cache, &set(&[("a", FIRST)]), 1, SECOND), 71 * SECOND);
        let snapshot = cache.load();
        let snapshot = snapshot.as_ref().unwrap();
        assert_eq!((snapshot.stale_at, snapshot.unusable_at), (91 * SECOND, 191 * SECOND));
        assert_eq!(snapshot.age(2 * SECOND), 11 * SECOND);
        assert_eq!(cache.document_time(WALL), millis(WALL.saturating_sub(10 * SECOND)));
        assert_eq!(cache.document_time(WALL.saturating_sub(100 * SECOND)), 0);
    }

    #[test]
    fn the_generation_changes_when_a_key_is_withdrawn() {
        let cache = cache(Some(set(&[("a", FIRST)])));
        let generation = || cache.load().as_ref().unwrap().generation;
        publish(&cache, &set(&[("a", FIRST), ("b", SECOND_KEY)]), 1, SECOND);
        assert_eq!(generation(), 0);
        publish(&cache, &set(&[("b", SECOND_KEY)]), 2, 2 * SECOND);
        assert_eq!(generation(), 1);
        let snapshot = cache.load();
        let snapshot = snapshot.as_ref().unwrap();
        assert!(snapshot.select(&query("a")).is_none() && snapshot.select(&query("b")).is_some());
        assert!(cache.is_missing(snapshot, &query("a"), 31 * SECOND));
        assert!(!cache.is_missing(snapshot, &query("a"), 32 * SECOND));
    }

    #[test]
    fn an_earlier_refresh_replaces_nothing() {
        let cache = cache(None);
        publish(&cache, &set(&[("b", SECOND_KEY)]), 2, SECOND);
        publish(&cache, &set(&[("a", FIRST)]), 1, 2 * SECOND);
        assert_eq!(cache.last_refresh(), Some(2));
        let snapshot = cache.load();
        let snapshot = snapshot.as_ref().unwrap();
        assert!(snapshot.select(&query("b")).is_some());
        assert!(!cache.is_missing(snapshot, &query("b"), 2 * SECOND));
    }

    #[test]
    fn a_deferred_query_is_answered_by_the_next_fetch() {
        let cache = cache(None);
        publish(&cache, &set(&[("a", FIRST)]), 1, SECOND);
        cache.defer(&query("x"), 2 * SECOND);
        let is_missing = |now| {
            let snapshot = cache.load();
            cache.is_missing(snapshot.as_ref().unwrap(), &query("x"), now)
        };
        assert!(!is_missing(3 * SECOND));
        publish(&cache, &set(&[("a", FIRST)]), 2, 4 * SECOND);
        assert!(is_missing(5 * SECOND) && !is_missing(34 * SECOND));
    }

    #[test]
    fn a_key_that_failed_is_not_selected_again() {
        let cache = cache(Some(set(&[("a", FIRST)])));
        let snapshot = cache.load();
        let snapshot = snapshot.as_ref().unwrap();
        let key = snapshot.select(&query("a")).unwrap();
        let again = KeyQuery { exclude: &[key], ..query("a") };
        assert!(snapshot.select(&again).is_none());
        cache.insert_missing(&again, SECOND);
        assert!(cache.is_missing(snapshot, &again, SECOND));
        assert!(!cache.is_missing(snapshot, &query("a"), SECOND));
        assert!(snapshot.is_usable(100 * SECOND) && !snapshot.is_usable(101 * SECOND));
    }
}
