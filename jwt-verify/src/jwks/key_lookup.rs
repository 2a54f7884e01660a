//! Lookups that have to wait for a refresh.

use std::{sync::Arc, time::Duration};

use super::{
    key_query::OwnedKeyQuery,
    refresh::{RefreshWaiter, Refresher},
    refresh_reason::RefreshReason,
    refresh_scheduler::RefreshOutcome,
};
use crate::{
    defaults::RETRY_FIRST,
    key::{KeyLookupError, KeyQuery, VerificationKey},
    metrics,
};

/// Waits for keys of any kind; one failed attempt is enough to know that there are none.
pub(super) async fn wait_until_ready(refresher: Arc<Refresher>) -> Result<(), KeyLookupError> {
    let now = refresher.monotonic();
    if refresher.usable(now).is_some() {
        return Ok(());
    }
    let on_demand_at = || refresher.scheduler.backoff().on_demand_at();
    let reason = || (now >= on_demand_at()).then_some(RefreshReason::KeySet);
    let Some(waiter) = refresher.join_or_start(now, reason) else {
        return Err(unavailable(&refresher, now));
    };
    let _ = waiter.wait().await;
    let now = refresher.monotonic();
    refresher.usable(now).map(drop).ok_or_else(|| unavailable(&refresher, now))
}

/// Fetches the keys, however fresh they are and however recently an attempt has failed.
#[cfg(feature = "testing")]
pub(super) async fn fetch_now(refresher: Arc<Refresher>) -> Result<(), KeyLookupError> {
    loop {
        let now = refresher.monotonic();
        let reason = || Some(RefreshReason::KeySet);
        let Some(waiter) = refresher.join_or_start(now, reason) else {
            return Err(unavailable(&refresher, now));
        };
        // One in flight may have asked before a change at the issuer.
        let is_first = waiter.is_first();
        let result = waiter.wait().await;
        if is_first {
            return match result {
                Ok(RefreshOutcome::Fetched | RefreshOutcome::Shared) => Ok(()),
                _ => Err(unavailable(&refresher, now)),
            };
        }
    }
}

/// Waits for a key that is not in the cache.
pub(super) async fn wait_for_key(
    refresher: Arc<Refresher>,
    query: KeyQuery<'_>,
) -> Result<Arc<VerificationKey>, KeyLookupError> {
    metrics::cache("keys", false);
    // A refresh that was running already may have asked before the key was published, and a
    // document from the shared store may be older than the key. Then one more refresh is worth it.
    for _ in 0..3 {
        let (now, seen) = (refresher.monotonic(), refresher.cache.last_refresh());
        let has_keys = match refresher.usable(now) {
            Some(snapshot) => {
                if let Some(key) = snapshot.select(&query) {
                    return Ok(key);
                }
                if refresher.cache.is_missing(&snapshot, &query, now) {
                    return Err(KeyLookupError::NotFound);
                }
                true
            }
            None => false,
        };
        let Some(waiter) = join_or_start(&refresher, now, has_keys, seen, &query) else {
            if refresher.cache.last_refresh() != seen {
                continue;
            }
            return Err(not_asked(&refresher, now, has_keys, &query));
        };
        let is_first = waiter.is_first();
        let Ok(outcome) = waiter.wait().await else {
            return Err(unavailable(&refresher, refresher.monotonic()));
        };
        let now = refresher.monotonic();
        if let Some(key) = refresher.usable(now).and_then(|keys| keys.select(&query)) {
            return Ok(key);
        }
        match outcome {
            RefreshOutcome::Fetched | RefreshOutcome::KnownMissing if is_first => {
                return Err(KeyLookupError::NotFound);
            }
            RefreshOutcome::RefetchLimited | RefreshOutcome::Unchanged if is_first => {
                return Err(not_asked(&refresher, now, has_keys, &query));
            }
            RefreshOutcome::IssuerPaused => return Err(unavailable(&refresher, now)),
            _ => {}
        }
    }
    let now = refresher.monotonic();
    let has_keys = refresher.usable(now).is_some();
    Err(not_asked(&refresher, now, has_keys, &query))
}

/// Joins the refresh in flight, or starts one if that is allowed: with usable keys it needs a part
/// of the budget; without, or after a failure, only a pause of a second. None is started if one has
/// ended since the refresh `seen`: its keys have to be searched first.
fn join_or_start(
    refresher: &Arc<Refresher>,
    now: Duration,
    has_keys: bool,
    seen: Option<u64>,
    query: &KeyQuery<'_>,
) -> Option<RefreshWaiter> {
    let (backoff, budget) = (refresher.scheduler.backoff(), &refresher.budget);
    refresher.join_or_start(now, || {
        if refresher.cache.last_refresh() != seen {
            return None;
        }
        let is_failing = backoff.is_failing();
        if is_failing && now < backoff.on_demand_at() {
            return None;
        }
        if !has_keys {
            return Some(RefreshReason::KeySet);
        }
        let is_paused = budget.store_is_paused(now);
        if is_failing || (!is_paused && budget.try_spend(now)) {
            let query = OwnedKeyQuery::new(query);
            return Some(RefreshReason::UnknownKey { query, is_counted: !is_failing });
        }
        // Another instance may have found the key; the store tells without a fetch.
        (refresher.loader.has_store() && !is_paused).then(|| {
            budget.pause_store(now);
            RefreshReason::StoreOnly
        })
    })
}

/// Error for a key that the issuer was not asked for. Unless the issuer fails, the reason is the
/// limit for unknown keys: nothing is known about this one, and the query is deferred.
fn not_asked(
    refresher: &Arc<Refresher>,
    now: Duration,
    has_keys: bool,
    query: &KeyQuery<'_>,
) -> KeyLookupError {
    if !has_keys || refresher.scheduler.backoff().is_failing() {
        return unavailable(refresher, now);
    }
    metrics::refetch_refused();
    refresher.cache.defer(query, now);
    let pause = refresher.budget.opens_in(now);
    refresher.plan_deferred_refetch(pause);
    KeyLookupError::Limited { retry_after: pause.max(RETRY_FIRST) }
}

fn unavailable(refresher: &Refresher, now: Duration) -> KeyLookupError {
    let pause = refresher.scheduler.backoff().on_demand_at().saturating_sub(now);
    KeyLookupError::Unavailable { retry_after: pause.max(RETRY_FIRST) }
}
