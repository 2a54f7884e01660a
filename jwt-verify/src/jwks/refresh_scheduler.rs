//! State of the refreshes: the one in flight, and the time of the next.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{
    backoff::Backoff,
    fetch_error::FetchError,
    refresh_reason::RefreshReason,
    refresh_timer::RefreshTimer,
    single_flight::{Joined, RunGuard, SingleFlight},
};

/// Result of a refresh.
pub(super) type RefreshResult = Result<RefreshOutcome, FetchError>;

/// Ends a refresh.
pub(super) type RefreshGuard = RunGuard<RefreshResult>;

/// Result of a refresh that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RefreshOutcome {
    /// The issuer was asked; its current keys are in the cache.
    Fetched,
    /// The keys that another instance fetched are in the cache.
    Shared,
    /// Nothing newer in the store.
    Unchanged,
    /// Not fetched: the limit of all instances for unknown keys is reached.
    RefetchLimited,
    /// Not fetched: another instance was told that the key does not exist.
    KnownMissing,
    /// Not fetched: the issuer failed to answer another instance.
    IssuerPaused,
}

/// Decides when a refresh may start. It runs none itself.
#[derive(Debug)]
pub(super) struct RefreshScheduler {
    slot: Arc<SingleFlight<RefreshResult>>,
    backoff: Backoff,
    timer: RefreshTimer,
    /// True while a refetch for deferred queries is planned.
    is_deferred: AtomicBool,
    /// Time after which a refresh counts as lost.
    longest: Duration,
}

impl RefreshScheduler {
    pub(super) fn new(fetch_timeout: Duration) -> Self {
        Self {
            slot: SingleFlight::new(),
            backoff: Backoff::default(),
            timer: RefreshTimer::new(),
            is_deferred: AtomicBool::new(false),
            longest: fetch_timeout.saturating_mul(2),
        }
    }

    pub(super) fn is_running(&self, now: Duration) -> bool {
        self.slot.is_running(now)
    }

    /// Joins the refresh in flight, or starts one if `reason` gives a reason.
    pub(super) fn join_or_start(
        &self,
        now: Duration,
        reason: impl FnOnce() -> Option<RefreshReason>,
    ) -> Option<Joined<RefreshResult, RefreshReason>> {
        self.slot.join_or_start(now, self.longest, reason)
    }

    pub(super) fn backoff(&self) -> &Backoff {
        &self.backoff
    }

    pub(super) fn timer(&self) -> &RefreshTimer {
        &self.timer
    }

    /// Plans a refetch for deferred queries. Returns false if one is planned already.
    pub(super) fn plan_deferred(&self) -> bool {
        !self.is_deferred.swap(true, Ordering::AcqRel)
    }

    /// Notes that the planned refetch for deferred queries is due, or could not be planned.
    pub(super) fn end_deferred(&self) {
        self.is_deferred.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::{super::fetch_error::Failure, *};
    use crate::defaults::RETRY_FIRST;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_refresh_counts_as_lost_after_twice_the_time_of_a_fetch() {
        let scheduler = RefreshScheduler::new(5 * SECOND);
        let start = |now| scheduler.join_or_start(now, || Some(RefreshReason::KeySet));
        let started = start(SECOND);
        assert!(matches!(started, Some(Joined::Started { .. })));
        assert!(scheduler.is_running(10 * SECOND) && !scheduler.is_running(11 * SECOND));
        assert!(matches!(start(10 * SECOND), Some(Joined::Running(_))));
        assert!(matches!(start(11 * SECOND), Some(Joined::Started { .. })));
    }

    #[test]
    fn the_next_attempt_is_never_earlier_on_the_timer_than_on_demand() {
        let scheduler = RefreshScheduler::new(5 * SECOND);
        let backoff = scheduler.backoff();
        let pause = backoff.failed(SECOND, SECOND, &Failure::Status.into());
        assert!(pause >= RETRY_FIRST);
        assert_eq!(backoff.on_demand_at(), SECOND + RETRY_FIRST);
        assert_eq!(backoff.scheduled_at(), SECOND + pause);
    }

    #[test]
    fn one_refetch_for_deferred_queries_is_planned_at_a_time() {
        let scheduler = RefreshScheduler::new(SECOND);
        assert!(scheduler.plan_deferred() && !scheduler.plan_deferred());
        scheduler.end_deferred();
        assert!(scheduler.plan_deferred());
    }
}
