//! What follows a fetch: the keys are published or the failure is noted, and the next one is set.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use tokio::sync::watch;

use super::{
    backoff,
    fetch_error::{Failure, FetchError},
    flight::{Arrival, Landing, nanos},
    key_query::{QueryDigest, negative_cache_key},
    lookup::Ask,
    provider::Inner,
    shared_store::KeySetDocument,
    snapshot::Snapshot,
    source::{Failed, Obtained},
};
use crate::{JwkSet, KeyQuery, telemetry};

/// One flight, from the departure to the landing: publish, end, wake, in this order.
pub(super) async fn fly(landing: Landing, ask: Ask) {
    let inner = landing.inner.clone();
    let departed_at = inner.monotonic();
    match inner.obtain(&ask).await {
        Ok(Obtained::Fetched { set, document, lease }) => {
            tracing::debug!(keys = set.keys().len(), "fetched the key set");
            telemetry::fetch("ok");
            inner.publish(&set, &document, landing.id, Some(departed_at));
            inner.attempts.succeeded();
            let missing = inner.note_missing(&ask);
            landing.land(Ok(Arrival::FromIssuer));
            // For the other instances, when nobody here waits any more.
            if let Some(shared) = &inner.shared {
                shared.put_document(&document).await;
                if let Some(question) = missing {
                    shared.put_missing(&question).await;
                }
                drop(lease);
            }
        }
        Ok(Obtained::Shared { set, document }) => {
            tracing::debug!(keys = set.keys().len(), "took over the key set of another instance");
            inner.publish(&set, &document, landing.id, None);
            inner.attempts.another_succeeded(Duration::from_millis(document.fetched));
            inner.give_back(&ask);
            landing.land(Ok(Arrival::FromStore));
        }
        Ok(Obtained::Resting(time)) => {
            tracing::debug!("the issuer has just failed to answer another instance");
            inner.give_back(&ask);
            inner.record_failure(FetchError {
                retry_after: Some(time),
                ..Failure::Elsewhere.into()
            });
            landing.land(Ok(Arrival::Resting));
        }
        Ok(nothing) => {
            let arrival = inner.note_nothing(&ask, &nothing);
            inner.wake_when_due();
            landing.land(Ok(arrival));
        }
        Err(Failed { error, lease }) => {
            let (reason, step) = (error.failure.code(), error.step.code());
            tracing::warn!(reason, step, "could not fetch the key set");
            telemetry::fetch(reason);
            inner.record_failure(error);
            landing.land(Err(error));
            if let Some(shared) = &inner.shared {
                shared.pause_issuer(backoff::rest(error.retry_after)).await;
                drop(lease);
            }
        }
    }
}

impl Inner {
    /// Replaces the snapshot, and sets the clock for the next refresh.
    fn publish(
        self: &Arc<Self>,
        set: &JwkSet,
        document: &KeySetDocument,
        flight: u64,
        asked_at: Option<Duration>,
    ) {
        let now = self.monotonic();
        let ttl = Duration::from_secs(document.ttl);
        // A document from the store, or one that took long, has used up a part of its time.
        let age = document.age(self.settings.clock.now());
        let stale_at = now.saturating_add(ttl.saturating_sub(age));
        let refresh_at = now.saturating_add(ttl.mul_f64(0.8).saturating_sub(age));
        let replaced = self.snapshot.rcu(|previous| {
            let generation = match previous {
                Some(previous) if previous.flight > flight => return Some(previous.clone()),
                Some(previous) if set.keeps_all_of(&previous.set) => previous.generation,
                Some(previous) => previous.generation + 1,
                None => 0,
            };
            Some(Arc::new(Snapshot {
                set: set.clone(),
                generation,
                flight,
                published_at: now,
                age_then: age,
                refresh_at,
                stale_at,
                unusable_at: stale_at.saturating_add(self.settings.stale_ttl),
                document_from: document.fetched,
                asked_at,
            }))
        });
        if let Some(previous) = replaced.filter(|previous| previous.flight <= flight) {
            self.note_withdrawn(&previous.set, set, now);
        }
        if let Some(source) = &self.settings.metrics_label {
            let fetched_at = Duration::from_millis(document.fetched);
            telemetry::key_set(source, set.keys().len(), fetched_at);
        }
        let kept = self.settings.missing_ttl.saturating_add(self.settings.refetch_interval);
        self.put_off.forget_before(now.saturating_sub(kept));
        self.wake_after(refresh_at.saturating_sub(now));
    }

    /// Remembers which keys are gone: tokens that they have signed need not have the issuer asked.
    fn note_withdrawn(&self, older: &JwkSet, newer: &JwkSet, now: Duration) {
        let until = now.saturating_add(self.settings.missing_ttl);
        for key in older.keys() {
            for algorithm in key.algorithms().iter() {
                if newer.select(key.id(), algorithm).is_none() {
                    let gone = KeyQuery { key_id: key.id(), algorithm, failed: None };
                    self.missing.insert(negative_cache_key(&gone), now, until);
                }
            }
        }
    }

    /// Notes a failure, and sets the clock for the next attempt.
    pub(super) fn record_failure(self: &Arc<Self>, error: FetchError) {
        // Perhaps the key set has moved: the metadata is asked again.
        if let Some((_, until)) = &mut *self.key_set_url() {
            *until = Duration::ZERO;
        }
        let (now, wall) = (self.monotonic(), self.settings.clock.now());
        let pause = self.attempts.failed(now, wall, &error);
        self.wake_after(pause);
    }

    /// What came of a flight that brought no keys.
    fn note_nothing(self: &Arc<Self>, ask: &Ask, nothing: &Obtained) -> Arrival {
        self.give_back(ask);
        let now = self.monotonic();
        match nothing {
            Obtained::Refused { opens_in } => {
                let opens_at = nanos(now.saturating_add(*opens_in));
                self.all_may_ask_at.store(opens_at, Ordering::Release);
                self.let_store_rest(now);
                if matches!(ask, Ask::PutOff) {
                    self.put_later(*opens_in);
                }
                Arrival::Refused
            }
            Obtained::KnownMissing(time) => {
                if let Ask::Issuer { wanted, .. } = ask {
                    let until = now.saturating_add(*time);
                    self.missing.insert(negative_cache_key(&wanted.as_query()), now, until);
                }
                Arrival::KnownMissing
            }
            _ => Arrival::NoNews,
        }
    }

    /// The gate counts fetches; this flight has made none.
    fn give_back(&self, ask: &Ask) {
        if ask.is_counted() {
            self.gate.give_back();
        }
    }

    /// Remembers if the issuer does not have what it was asked for; returns what the other instances
    /// call that.
    fn note_missing(&self, ask: &Ask) -> Option<QueryDigest> {
        let Ask::Issuer { wanted, .. } = ask else { return None };
        let snapshot = self.snapshot.load();
        if snapshot.as_ref().is_some_and(|keys| keys.select(&wanted.as_query()).is_some()) {
            return None;
        }
        let now = self.monotonic();
        let until = now.saturating_add(self.settings.missing_ttl);
        self.missing.insert(negative_cache_key(&wanted.as_query()), now, until);
        self.shared.as_ref().map(|_| QueryDigest::new(&wanted.as_query()))
    }

    /// Sets the alarm again after a flight that changed nothing: it may have gone off meanwhile.
    fn wake_when_due(self: &Arc<Self>) {
        let due = self.snapshot.load().as_ref().map_or(Duration::ZERO, |keys| keys.refresh_at);
        self.wake_after(due.max(self.attempts.planned_at()).saturating_sub(self.monotonic()));
    }

    /// Sets the alarm that starts the next flight, in the place of the one set before.
    fn wake_after(self: &Arc<Self>, pause: Duration) {
        self.alarm.send_replace(Some(tokio::time::Instant::now() + pause));
        if !self.alarm_is_set_up.swap(true, Ordering::AcqRel) {
            let (weak, alarm) = (Arc::downgrade(self), self.alarm.subscribe());
            if !self.thread.run(move || ring(weak, alarm)) {
                self.alarm_is_set_up.store(false, Ordering::Release);
            }
        }
    }
}

/// Starts a flight whenever the alarm goes off, until the provider is gone.
async fn ring(weak: Weak<Inner>, mut alarm: watch::Receiver<Option<tokio::time::Instant>>) {
    loop {
        let set_to = *alarm.borrow_and_update();
        let changed = match set_to {
            Some(at) => tokio::time::timeout_at(at, alarm.changed()).await,
            None => Ok(alarm.changed().await),
        };
        match changed {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return,
            Err(_) => {
                let Some(inner) = weak.upgrade() else { return };
                // Not rung again before it is set again, which every landing does.
                inner.alarm.send_replace(None);
                let now = inner.monotonic();
                let rests_until = || inner.attempts.wanted_at();
                let reason = || (now >= rests_until()).then_some(Ask::Anybody);
                if inner.join_or_start(now, reason).is_none() {
                    inner.wake_after(rests_until().saturating_sub(now));
                }
            }
        }
    }
}
