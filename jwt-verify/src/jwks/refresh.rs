//! Refreshes the key cache: starts refreshes, runs them, and schedules the next.

use std::{fmt, sync::Arc, time::Duration};

use tracing::field::debug;

use super::{
    accepted::AcceptedAlgorithms,
    backoff::Backoff,
    fetch_error::{Failure, FetchError},
    fetch_thread::FetchThread,
    key_cache::{KeyCache, Publisher},
    key_query::OwnedKeyQuery,
    key_set_document::KeySetDocument,
    key_set_loader::{KeySetLoader, Loaded},
    key_snapshot::KeySnapshot,
    refetch_budget::RefetchBudget,
    refresh_reason::RefreshReason,
    refresh_scheduler::{RefreshGuard, RefreshOutcome, RefreshResult, RefreshScheduler},
    refresh_timer::run_timer,
    single_flight::{Joined, RunWaiter},
};
use crate::{clock::Clock, key::JwkSet, log_text::Shortened, metrics};

/// Keeps a [`KeyCache`] fresh. Refreshes run on the thread for fetches and belong to no request.
pub(super) struct Refresher {
    pub(super) cache: KeyCache,
    pub(super) scheduler: RefreshScheduler,
    pub(super) budget: RefetchBudget,
    pub(super) loader: KeySetLoader,
    pub(super) thread: Arc<FetchThread>,
    pub(super) clock: Arc<dyn Clock>,
    /// Name of the issuer in metrics; none for one of many tenants.
    pub(super) metrics_label: Option<String>,
    pub(super) accepted: AcceptedAlgorithms,
}

impl fmt::Debug for Refresher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refresher").field("fetcher", self.loader.fetcher()).finish_non_exhaustive()
    }
}

/// Waits for the result of a refresh.
pub(super) struct RefreshWaiter(RunWaiter<RefreshResult>);

impl RefreshWaiter {
    /// Returns true if the refresh was started for this waiter, so that its result is newer than
    /// the question.
    pub(super) fn is_first(&self) -> bool {
        self.0.is_first
    }

    /// Waits for the result. A refresh that ended without one counts as failed.
    pub(super) async fn wait(self) -> RefreshResult {
        self.0.wait().await.unwrap_or(Err(Failure::Aborted.into()))
    }
}

impl Refresher {
    pub(super) fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Returns the snapshot if it may be used, and starts a refresh if one is due. The timer should
    /// have started it, but cannot in a process that was suspended.
    pub(super) fn usable(self: &Arc<Self>, now: Duration) -> Option<Arc<KeySnapshot>> {
        self.read_usable(now, Arc::clone)
    }

    /// Like [`usable`](Self::usable), without touching the reference count that all workers share.
    pub(super) fn read_usable<T>(
        self: &Arc<Self>,
        now: Duration,
        read: impl FnOnce(&Arc<KeySnapshot>) -> T,
    ) -> Option<T> {
        let snapshot = self.cache.load();
        let snapshot = snapshot.as_ref()?;
        if now >= snapshot.refresh_at {
            self.refresh_due(now, snapshot);
        }
        snapshot.is_usable(now).then(|| read(snapshot))
    }

    /// Starts a refresh if there are no keys, or if they are due for one.
    pub(super) fn start_if_due(self: &Arc<Self>, now: Duration) {
        match &*self.cache.load() {
            Some(snapshot) if now < snapshot.refresh_at => {}
            Some(snapshot) => self.refresh_due(now, snapshot),
            None => self.start_unless_running(now, Backoff::on_demand_at, None),
        }
    }

    /// Refreshes keys that are due. As long as they are fresh, retries are left to the timer.
    fn refresh_due(self: &Arc<Self>, now: Duration, snapshot: &KeySnapshot) {
        let is_stale = now >= snapshot.stale_at;
        let due_at = if is_stale { Backoff::on_demand_at } else { Backoff::scheduled_at };
        self.start_unless_running(now, due_at, Some(snapshot.refresh_id));
    }

    /// Starts a refresh, unless one is running, or one has ended since the refresh `seen`.
    fn start_unless_running(
        self: &Arc<Self>,
        now: Duration,
        due_at: fn(&Backoff) -> Duration,
        seen: Option<u64>,
    ) {
        let is_due = || now >= due_at(self.scheduler.backoff());
        if is_due() && !self.scheduler.is_running(now) {
            // Asked again under the lock: a refresh may have failed in between.
            let may_start = || self.cache.last_refresh() == seen && is_due();
            self.join_or_start(now, || may_start().then_some(RefreshReason::KeySet));
        }
    }

    /// Joins the refresh in flight, or starts one if `reason` gives a reason.
    pub(super) fn join_or_start(
        self: &Arc<Self>,
        now: Duration,
        reason: impl FnOnce() -> Option<RefreshReason>,
    ) -> Option<RefreshWaiter> {
        let waiter = match self.scheduler.join_or_start(now, reason)? {
            Joined::Running(waiter) => waiter,
            Joined::Started { waiter, guard, reason } => {
                // Made before the job is handed over, so that a job that is dropped unrun still
                // ends the refresh.
                let task = RefreshTask::new(self.clone(), guard);
                self.thread.run(move || run_refresh(task, reason));
                waiter
            }
        };
        Some(RefreshWaiter(waiter))
    }

    /// Plans a refetch for the deferred queries: one for all of them, since the response is the
    /// whole key set.
    pub(super) fn plan_deferred_refetch(self: &Arc<Self>, pause: Duration) {
        if !self.scheduler.plan_deferred() {
            return;
        }
        let weak = Arc::downgrade(self);
        let is_planned = self.thread.run(move || async move {
            tokio::time::sleep(pause).await;
            let Some(refresher) = weak.upgrade() else { return };
            refresher.scheduler.end_deferred();
            let now = refresher.monotonic();
            refresher.join_or_start(now, || {
                // While the issuer fails, it is asked again anyway.
                let is_failing = refresher.scheduler.backoff().is_failing();
                let may_ask = !is_failing && refresher.budget.try_spend(now);
                may_ask.then_some(RefreshReason::DeferredQueries)
            });
        });
        if !is_planned {
            self.scheduler.end_deferred();
        }
    }

    /// Publishes a key set, and schedules the next refresh.
    fn publish(self: &Arc<Self>, set: &JwkSet, document: &KeySetDocument, publisher: Publisher) {
        self.accepted.check(set);
        let now = self.monotonic();
        let refresh_at = self.cache.publish(set, document, publisher, now, self.clock.now());
        if let Some(source) = &self.metrics_label {
            let fetched_at = Duration::from_millis(document.fetched);
            metrics::key_set(source, set.keys().len(), fetched_at);
        }
        self.set_timer(refresh_at.saturating_sub(now));
    }

    /// Records a failure, and schedules the next attempt.
    fn record_failure(self: &Arc<Self>, error: &FetchError) {
        self.loader.fetcher().expire_key_set_url();
        let (now, wall) = (self.monotonic(), self.clock.now());
        let pause = self.scheduler.backoff().failed(now, wall, error);
        self.set_timer(pause);
    }

    /// Takes a refetch back from the budget, because the issuer was not asked.
    fn refund(&self, reason: &RefreshReason) {
        if reason.is_counted() {
            self.budget.refund();
        }
    }

    /// Adds the key that was asked for to the negative cache, if the issuer does not have it.
    fn insert_missing<'a>(&self, reason: &'a RefreshReason) -> Option<&'a OwnedKeyQuery> {
        let RefreshReason::UnknownKey { query, .. } = reason else { return None };
        let snapshot = self.cache.load();
        if snapshot.as_ref().is_some_and(|keys| keys.select(&query.as_query()).is_some()) {
            return None;
        }
        self.cache.insert_missing(&query.as_query(), self.monotonic());
        Some(query)
    }

    /// Sets the timer after a refresh that changed nothing: it may have gone off meanwhile.
    fn set_timer_again(self: &Arc<Self>) {
        let due = self.cache.load().as_ref().map_or(Duration::ZERO, |keys| keys.refresh_at);
        let due = due.max(self.scheduler.backoff().scheduled_at());
        self.set_timer(due.saturating_sub(self.monotonic()));
    }

    /// Sets the timer for the next refresh, replacing the time set before.
    fn set_timer(self: &Arc<Self>, pause: Duration) {
        let Some(due) = self.scheduler.timer().set(pause) else { return };
        let weak = Arc::downgrade(self);
        let on_due = move || weak.upgrade().inspect(Self::refresh_by_timer).is_some();
        if !self.thread.run(move || run_timer(due, on_due)) {
            self.scheduler.timer().task_failed();
        }
    }

    fn refresh_by_timer(self: &Arc<Self>) {
        // It is set again at the end of every refresh.
        self.scheduler.timer().clear();
        let now = self.monotonic();
        let on_demand_at = || self.scheduler.backoff().on_demand_at();
        let reason = || (now >= on_demand_at()).then_some(RefreshReason::KeySet);
        if self.join_or_start(now, reason).is_none() {
            self.set_timer(on_demand_at().saturating_sub(now));
        }
    }
}

/// A refresh that was started. If it is dropped before it has ended, it counts as failed.
struct RefreshTask {
    refresher: Arc<Refresher>,
    id: u64,
    guard: Option<RefreshGuard>,
}

impl RefreshTask {
    fn new(refresher: Arc<Refresher>, guard: RefreshGuard) -> Self {
        Self { refresher, id: guard.id(), guard: Some(guard) }
    }

    fn finish(mut self, result: RefreshResult) {
        if let Some(guard) = self.guard.take() {
            guard.finish(result);
        }
    }
}

impl Drop for RefreshTask {
    /// A refresh that is lost is a failure like any other: a pause and another attempt follow. The
    /// guard is dropped after this, which wakes the waiters.
    fn drop(&mut self) {
        if self.guard.is_some() {
            tracing::error!("a refresh of the key set ended without a result");
            self.refresher.record_failure(&Failure::Aborted.into());
        }
    }
}

/// Runs a refresh: publish, end, wake, in this order. The other instances are told when nothing
/// here waits any more.
async fn run_refresh(task: RefreshTask, reason: RefreshReason) {
    let refresher = task.refresher.clone();
    let requested_at = refresher.monotonic();
    let current = || refresher.cache.document_time(refresher.clock.now());
    match refresher.loader.load(&reason, current).await {
        Ok(Loaded::Fetched { set, document, lease }) => {
            tracing::debug!(keys = set.keys().len(), "fetched the key set");
            metrics::fetch("ok");
            let publisher = Publisher { refresh_id: task.id, requested_at: Some(requested_at) };
            refresher.publish(&set, &document, publisher);
            refresher.scheduler.backoff().succeeded();
            let missing = refresher.insert_missing(&reason);
            task.finish(Ok(RefreshOutcome::Fetched));
            refresher.loader.share(&document, missing, lease).await;
        }
        Ok(Loaded::Shared { set, document }) => {
            tracing::debug!(keys = set.keys().len(), "took over the key set of another instance");
            let publisher = Publisher { refresh_id: task.id, requested_at: None };
            refresher.publish(&set, &document, publisher);
            let fetched_at = Duration::from_millis(document.fetched);
            refresher.scheduler.backoff().another_succeeded(fetched_at);
            refresher.refund(&reason);
            task.finish(Ok(RefreshOutcome::Shared));
        }
        Ok(Loaded::IssuerPaused(time)) => {
            tracing::debug!("the issuer has just failed to answer another instance");
            refresher.refund(&reason);
            let error = FetchError { retry_after: Some(time), ..Failure::Elsewhere.into() };
            refresher.record_failure(&error);
            task.finish(Ok(RefreshOutcome::IssuerPaused));
        }
        Ok(Loaded::RefetchLimited { opens_in }) => {
            refresher.refund(&reason);
            refresher.budget.close_for(refresher.monotonic(), opens_in);
            if matches!(reason, RefreshReason::DeferredQueries) {
                refresher.plan_deferred_refetch(opens_in);
            }
            refresher.set_timer_again();
            task.finish(Ok(RefreshOutcome::RefetchLimited));
        }
        Ok(Loaded::KnownMissing(time)) => {
            refresher.refund(&reason);
            if let RefreshReason::UnknownKey { query, .. } = &reason {
                let now = refresher.monotonic();
                refresher.cache.insert_missing_for(&query.as_query(), now, time);
            }
            refresher.set_timer_again();
            task.finish(Ok(RefreshOutcome::KnownMissing));
        }
        Ok(Loaded::Unchanged) => {
            refresher.refund(&reason);
            refresher.set_timer_again();
            task.finish(Ok(RefreshOutcome::Unchanged));
        }
        Err(failed) => {
            let error = &failed.error;
            let (reason, step) = (error.failure.code(), error.step.code());
            let names = error.issuers.as_ref();
            let configured = names.map(|names| debug(Shortened(&names.configured)));
            let found = names.map(|names| debug(Shortened(&names.found)));
            tracing::warn!(reason, step, configured, found, "could not fetch the key set");
            metrics::fetch(reason);
            refresher.record_failure(error);
            task.finish(Err(error.clone()));
            refresher.loader.share_failure(failed).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            fetch_thread,
            fixtures::{SECOND, block_on, fetcher, nowhere},
            key_cache::KeyCacheLimits,
        },
        *,
    };
    use crate::clock::SystemClock;

    /// A refresher whose issuer refuses connections.
    fn refresher() -> Arc<Refresher> {
        let limits = KeyCacheLimits {
            stale_if_error: SECOND,
            negative_cache_ttl: SECOND,
            missing_entries: 10,
            refetch_window: SECOND,
        };
        let fetcher = fetcher(nowhere(), None);
        Arc::new(Refresher {
            cache: KeyCache::new(limits, None, Duration::ZERO),
            scheduler: RefreshScheduler::new(SECOND),
            budget: RefetchBudget::new(1, 30 * SECOND),
            loader: KeySetLoader::new(fetcher, None, SECOND),
            thread: fetch_thread::shared(),
            clock: Arc::new(SystemClock::new()),
            metrics_label: None,
            accepted: AcceptedAlgorithms::default(),
        })
    }

    #[test]
    fn a_refresh_that_is_lost_counts_as_failed() {
        let refresher = refresher();
        let now = refresher.monotonic();
        let started = refresher.scheduler.join_or_start(now, || Some(RefreshReason::KeySet));
        let Some(Joined::Started { waiter, guard, .. }) = started else {
            panic!("there was none before")
        };
        drop(RefreshTask::new(refresher.clone(), guard));
        let backoff = refresher.scheduler.backoff();
        assert_eq!(backoff.last_failure(), Some(Failure::Aborted));
        assert!(!refresher.scheduler.is_running(now));
        assert_eq!(block_on(RefreshWaiter(waiter).wait()), Err(Failure::Aborted.into()));
    }

    #[test]
    fn an_issuer_that_fails_is_left_alone_for_a_while() {
        let refresher = refresher();
        let now = refresher.monotonic();
        let waiter = refresher.join_or_start(now, || Some(RefreshReason::KeySet)).unwrap();
        assert!(waiter.is_first());
        let error = block_on(waiter.wait()).unwrap_err();
        assert_eq!(error.failure, Failure::Connect);
        assert!(refresher.scheduler.backoff().on_demand_at() > now);
        assert!(refresher.usable(now).is_none() && refresher.cache.last_refresh().is_none());
    }

    #[test]
    fn what_the_issuer_was_not_asked_for_is_refunded() {
        let refresher = refresher();
        assert!(refresher.budget.try_spend(SECOND));
        refresher.refund(&RefreshReason::KeySet);
        assert!(!refresher.budget.try_spend(SECOND));
        refresher.refund(&RefreshReason::DeferredQueries);
        assert!(refresher.budget.try_spend(SECOND));
    }
}
