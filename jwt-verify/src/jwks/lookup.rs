//! The way of a question that the keys at hand do not answer.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use super::{
    flight::{Arrival, Flights, Ticket, nanos},
    key_query::{OwnedKeyQuery, negative_cache_key},
    provider::Inner,
    snapshot::Snapshot,
    upkeep,
};
use crate::{
    KeyError, KeyQuery, VerificationKey,
    limits::{RETRY_FIRST, STORE_REST},
    telemetry,
};

/// Why a flight is made.
#[derive(Debug)]
pub(super) enum Ask {
    /// For a key set, from the shared store or from the issuer.
    Anybody,
    /// For a key that is not in the set at hand. It counts towards what unknown keys may cause, unless
    /// the last attempt failed: then there is one a second at most.
    Issuer { wanted: OwnedKeyQuery, is_counted: bool },
    /// For the keys that were asked for when no more questions were allowed. It counts.
    PutOff,
    /// For what another instance may have left in the store, and nothing else.
    Store,
}

impl Ask {
    pub(super) fn is_counted(&self) -> bool {
        matches!(self, Self::PutOff | Self::Issuer { is_counted: true, .. })
    }
}

impl Inner {
    /// Waits for keys of any kind; one attempt is enough to know that there are none.
    pub(super) async fn arrive(self: Arc<Self>) -> Result<(), KeyError> {
        let now = self.monotonic();
        if self.usable(now).is_some() {
            return Ok(());
        }
        let reason = || (now >= self.attempts.wanted_at()).then_some(Ask::Anybody);
        let Some(ticket) = self.join_or_start(now, reason) else {
            return Err(self.unavailable(now));
        };
        let _ = ticket.landed().await;
        let now = self.monotonic();
        self.usable(now).map(drop).ok_or_else(|| self.unavailable(now))
    }

    pub(super) async fn fetch_for(
        self: Arc<Self>,
        wanted: KeyQuery<'_>,
    ) -> Result<Arc<VerificationKey>, KeyError> {
        telemetry::cache("keys", false);
        // A flight that was in the air already may have left before the key was published, and a
        // document from the shared store may be older than the key. Then one more is worth it.
        for _ in 0..3 {
            let (now, seen) = (self.monotonic(), self.last_flight());
            let warm = match self.usable(now) {
                Some(snapshot) => {
                    if let Some(key) = snapshot.select(&wanted) {
                        return Ok(key);
                    }
                    if self.is_missing(&snapshot, &wanted, now) {
                        return Err(KeyError::NotFound);
                    }
                    true
                }
                None => false,
            };
            let Some(ticket) = self.ticket(now, warm, seen, &wanted) else {
                if self.last_flight() != seen {
                    continue;
                }
                return Err(self.without_fetch(now, warm, &wanted));
            };
            let is_first = ticket.is_first;
            let Ok(arrival) = ticket.landed().await else {
                return Err(self.unavailable(self.monotonic()));
            };
            let now = self.monotonic();
            if let Some(key) = self.usable(now).and_then(|keys| keys.select(&wanted)) {
                return Ok(key);
            }
            match arrival {
                Arrival::FromIssuer | Arrival::KnownMissing if is_first => {
                    return Err(KeyError::NotFound);
                }
                Arrival::Refused | Arrival::NoNews if is_first => {
                    return Err(self.without_fetch(now, warm, &wanted));
                }
                Arrival::Resting => return Err(self.unavailable(now)),
                _ => {}
            }
        }
        let now = self.monotonic();
        Err(self.without_fetch(now, self.usable(now).is_some(), &wanted))
    }

    /// Whether the issuer has said that it does not have the key: lately, and after it was asked for.
    pub(super) fn is_missing(&self, keys: &Snapshot, wanted: &KeyQuery<'_>, now: Duration) -> bool {
        if self.missing.contains(negative_cache_key(wanted), now) {
            return true;
        }
        keys.asked_at.is_some_and(|asked_at| {
            now < asked_at.saturating_add(self.settings.missing_ttl)
                && self.put_off.came_before(negative_cache_key(wanted), asked_at)
        })
    }

    /// A place in the flight that is in the air or may be started. With keys at hand a start needs
    /// the gate's consent; without, or after a failure, only a second since the last. None is started
    /// if one has landed since `seen`: its keys have to be looked at first.
    fn ticket(
        self: &Arc<Self>,
        now: Duration,
        warm: bool,
        seen: Option<u64>,
        wanted: &KeyQuery<'_>,
    ) -> Option<Ticket> {
        self.join_or_start(now, || {
            if self.last_flight() != seen {
                return None;
            }
            let are_failing = self.attempts.are_failing();
            if are_failing && now < self.attempts.wanted_at() {
                return None;
            }
            if !warm {
                return Some(Ask::Anybody);
            }
            let rests = now < Duration::from_nanos(self.store_rests_until.load(Ordering::Acquire));
            if are_failing || (!rests && self.gate.try_pass(now)) {
                let wanted = OwnedKeyQuery::new(wanted);
                return Some(Ask::Issuer { wanted, is_counted: !are_failing });
            }
            // Perhaps another instance has found the key: that can be known without a fetch.
            (self.shared.is_some() && !rests).then(|| {
                self.let_store_rest(now);
                Ask::Store
            })
        })
    }

    /// Keeps unknown keys from having the store asked again at once.
    pub(super) fn let_store_rest(&self, now: Duration) {
        let until = nanos(now.saturating_add(STORE_REST));
        self.store_rests_until.store(until, Ordering::Release);
    }

    /// What to say when the issuer may not be asked. As long as it does not fail, that is because
    /// unknown keys have caused enough: nothing is known of this one, and it is asked for later.
    fn without_fetch(
        self: &Arc<Self>,
        now: Duration,
        warm: bool,
        wanted: &KeyQuery<'_>,
    ) -> KeyError {
        if !warm || self.attempts.are_failing() {
            return self.unavailable(now);
        }
        telemetry::refetch_refused();
        self.put_off.insert(negative_cache_key(wanted), now);
        let opens_at = Duration::from_nanos(self.all_may_ask_at.load(Ordering::Acquire));
        let wait = self.gate.opens_in(now).max(opens_at.saturating_sub(now));
        self.put_later(wait);
        KeyError::Limited { retry_after: wait.max(RETRY_FIRST) }
    }

    fn unavailable(&self, now: Duration) -> KeyError {
        let wait = self.attempts.wanted_at().saturating_sub(now);
        KeyError::Unavailable { retry_after: wait.max(RETRY_FIRST) }
    }

    /// Has the questions put that had to wait, as soon as that is allowed: once, however many there
    /// are, since the answer is the whole key set.
    pub(super) fn put_later(self: &Arc<Self>, wait: Duration) {
        if self.will_put.swap(true, Ordering::AcqRel) {
            return;
        }
        let weak = Arc::downgrade(self);
        let is_planned = self.thread.run(move || async move {
            tokio::time::sleep(wait).await;
            let Some(inner) = weak.upgrade() else { return };
            inner.will_put.store(false, Ordering::Release);
            let now = inner.monotonic();
            inner.join_or_start(now, || {
                // An issuer that fails is asked again anyway.
                let may_ask = !inner.attempts.are_failing() && inner.gate.try_pass(now);
                may_ask.then_some(Ask::PutOff)
            });
        });
        if !is_planned {
            self.will_put.store(false, Ordering::Release);
        }
    }

    pub(super) fn join_or_start(
        self: &Arc<Self>,
        now: Duration,
        reason: impl FnOnce() -> Option<Ask>,
    ) -> Option<Ticket> {
        let longest = self.settings.fetch_timeout.saturating_mul(2);
        Flights::join_or_start(self, now, longest, reason, |landing, ask| {
            self.thread.run(move || upkeep::fly(landing, ask));
        })
    }
}
