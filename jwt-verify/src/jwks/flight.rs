//! One fetch at a time, whoever waits for it.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::watch;

use super::{
    fetch_error::{Failure, FetchError},
    lookup::Ask,
    provider::Inner,
};

/// What a flight brought, or the reason why nothing.
pub(super) type Outcome = Result<Arrival, FetchError>;

/// Where a flight that did not fail has been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    /// At the issuer; the snapshot is from just now.
    FromIssuer,
    /// At the store that instances share; the snapshot is what another one has fetched.
    FromStore,
    /// Nowhere: the instances together have asked for unknown keys often enough.
    Refused,
    /// Nowhere: another instance knows that there is no such key.
    KnownMissing,
    /// At the store, which has nothing newer.
    NoNews,
    /// Nowhere: the issuer has just failed to answer another instance.
    Resting,
}

/// The flight in the air, if there is one.
#[derive(Debug, Default)]
pub(super) struct Flights {
    state: Mutex<State>,
    /// Until when a flight is in the air at most, in nanoseconds; 0 if there is none.
    busy_until: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    last: u64,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    id: u64,
    outcome: watch::Receiver<Option<Outcome>>,
    overdue_at: Duration,
}

/// A place among those who wait for a flight.
#[derive(Debug)]
pub(super) struct Ticket {
    outcome: watch::Receiver<Option<Outcome>>,
    /// Whether the flight began with this ticket, so that what it brings is newer than the question.
    pub(super) is_first: bool,
}

impl Ticket {
    /// Waits for the landing. A flight that was lost counts as failed.
    pub(super) async fn landed(mut self) -> Outcome {
        match self.outcome.wait_for(Option::is_some).await {
            Ok(outcome) => (*outcome).unwrap_or(Err(Failure::Aborted.into())),
            Err(_) => Err(Failure::Aborted.into()),
        }
    }
}

impl Flights {
    pub(super) fn is_flying(&self, now: Duration) -> bool {
        now < Duration::from_nanos(self.busy_until.load(Ordering::Acquire))
    }

    /// A ticket for the flight in the air, or, if there is none and there is a `reason`, for a new
    /// one, which `start` then has to see through.
    pub(super) fn join_or_start(
        inner: &Arc<Inner>,
        now: Duration,
        longest: Duration,
        reason: impl FnOnce() -> Option<Ask>,
        start: impl FnOnce(Landing, Ask),
    ) -> Option<Ticket> {
        let flights = &inner.flights;
        let mut state = flights.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ticket) = state.running_at(now) {
            return Some(ticket);
        }
        let ask = reason()?;
        let (sender, outcome) = watch::channel(None);
        state.last += 1;
        let id = state.last;
        let overdue_at = now.saturating_add(longest);
        state.running = Some(Running { id, outcome: outcome.clone(), overdue_at });
        flights.busy_until.store(nanos(overdue_at), Ordering::Release);
        // Made before the job is handed over, so that a job dropped unrun still lands.
        let landing = Landing { inner: inner.clone(), id, outcome: sender, landed: false };
        drop(state);
        start(landing, ask);
        Some(Ticket { outcome, is_first: true })
    }
}

impl State {
    fn running_at(&self, now: Duration) -> Option<Ticket> {
        let running = self.running.as_ref().filter(|running| now < running.overdue_at)?;
        Some(Ticket { outcome: running.outcome.clone(), is_first: false })
    }
}

/// Ends a flight exactly once, whatever happens to the task that flies it.
#[derive(Debug)]
pub(super) struct Landing {
    pub(super) inner: Arc<Inner>,
    pub(super) id: u64,
    outcome: watch::Sender<Option<Outcome>>,
    landed: bool,
}

impl Landing {
    /// Ends the flight and only then wakes those who wait: whoever wakes up and finds no keys must
    /// be able to start the next one.
    pub(super) fn land(mut self, outcome: Outcome) {
        self.landed = true;
        self.end();
        self.outcome.send_replace(Some(outcome));
    }

    fn end(&self) {
        let flights = &self.inner.flights;
        let mut state = flights.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.running.as_ref().is_some_and(|running| running.id == self.id) {
            state.running = None;
            flights.busy_until.store(0, Ordering::Release);
        }
    }
}

impl Drop for Landing {
    /// A flight that was lost is a failure like any other: it is followed by a pause and by another
    /// attempt. The field with the sender is dropped after this, which wakes those who still wait.
    fn drop(&mut self) {
        if !self.landed {
            tracing::error!("a fetch of keys was lost");
            self.inner.record_failure(Failure::Aborted.into());
            self.end();
        }
    }
}

pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
