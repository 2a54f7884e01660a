//! Single flight: one run at a time, however many callers wait for its result.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use crate::atomic_time::AtomicTime;

/// The current run, if there is one, with a result of type `T`.
#[derive(Debug)]
pub(super) struct SingleFlight<T> {
    state: Mutex<State<T>>,
    /// Time until which a run counts as running; zero if there is none.
    busy_until: AtomicTime,
}

#[derive(Debug)]
struct State<T> {
    last_id: u64,
    current: Option<Run<T>>,
}

#[derive(Debug)]
struct Run<T> {
    id: u64,
    result: watch::Receiver<Option<T>>,
    overdue_at: Duration,
}

/// Result of [`SingleFlight::join_or_start`].
pub(super) enum Joined<T, R> {
    /// A run that was running already.
    Running(RunWaiter<T>),
    /// A new run. The caller has to perform it and to end it through the guard.
    Started { waiter: RunWaiter<T>, guard: RunGuard<T>, reason: R },
}

/// Waits for the result of a run.
#[derive(Debug)]
pub(super) struct RunWaiter<T> {
    result: watch::Receiver<Option<T>>,
    /// True if the run was started for this waiter, so that its result is newer than the question.
    pub(super) is_first: bool,
}

/// Ends a run exactly once: with a result, or without one when it is dropped.
#[derive(Debug)]
pub(super) struct RunGuard<T> {
    slot: Arc<SingleFlight<T>>,
    id: u64,
    result: watch::Sender<Option<T>>,
}

impl<T: Clone> SingleFlight<T> {
    pub(super) fn new() -> Arc<Self> {
        let state = Mutex::new(State { last_id: 0, current: None });
        Arc::new(Self { state, busy_until: AtomicTime::default() })
    }

    /// Returns true while there is a run that is not overdue. Takes no lock.
    pub(super) fn is_running(&self, now: Duration) -> bool {
        now < self.busy_until.load()
    }

    /// Joins the current run. If there is none, or if it is overdue, and if `reason` gives a
    /// reason, starts one that is overdue after `longest`.
    pub(super) fn join_or_start<R>(
        self: &Arc<Self>,
        now: Duration,
        longest: Duration,
        reason: impl FnOnce() -> Option<R>,
    ) -> Option<Joined<T, R>> {
        let mut state = self.state();
        if let Some(run) = state.current.as_ref().filter(|run| now < run.overdue_at) {
            let waiter = RunWaiter { result: run.result.clone(), is_first: false };
            return Some(Joined::Running(waiter));
        }
        let reason = reason()?;
        let (sender, result) = watch::channel(None);
        state.last_id += 1;
        let id = state.last_id;
        let overdue_at = now.saturating_add(longest);
        state.current = Some(Run { id, result: result.clone(), overdue_at });
        self.busy_until.store(overdue_at);
        let guard = RunGuard { slot: self.clone(), id, result: sender };
        Some(Joined::Started { waiter: RunWaiter { result, is_first: true }, guard, reason })
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone> RunWaiter<T> {
    /// Waits for the end of the run. `None` if it ended without a result.
    pub(super) async fn wait(mut self) -> Option<T> {
        self.result.wait_for(Option::is_some).await.ok()?.clone()
    }
}

impl<T> RunGuard<T> {
    /// Number of the run; later runs have higher ones.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Ends the run and only then wakes the waiters: one that finds nothing useful in the result
    /// must be able to start the next run.
    pub(super) fn finish(self, result: T) {
        self.release();
        self.result.send_replace(Some(result));
    }

    fn release(&self) {
        let mut state = self.slot.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.current.as_ref().is_some_and(|run| run.id == self.id) {
            state.current = None;
            self.slot.busy_until.store(Duration::ZERO);
        }
    }
}

impl<T> Drop for RunGuard<T> {
    /// The sender is dropped after this, which wakes those who still wait.
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    type Started = (RunWaiter<u8>, RunGuard<u8>);

    fn start(slot: &Arc<SingleFlight<u8>>, now: Duration) -> Option<Started> {
        match slot.join_or_start(now, 10 * SECOND, || Some(())) {
            Some(Joined::Started { waiter, guard, .. }) => Some((waiter, guard)),
            _ => None,
        }
    }

    fn join(slot: &Arc<SingleFlight<u8>>, now: Duration) -> Option<RunWaiter<u8>> {
        match slot.join_or_start(now, SECOND, || None::<()>) {
            Some(Joined::Running(waiter)) => Some(waiter),
            _ => None,
        }
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn all_waiters_get_the_result_of_one_run() {
        let slot = SingleFlight::new();
        assert!(join(&slot, SECOND).is_none());
        let (first, guard) = start(&slot, SECOND).unwrap();
        assert!(first.is_first && slot.is_running(SECOND) && start(&slot, SECOND).is_none());
        let second = join(&slot, 2 * SECOND).unwrap();
        assert!(!second.is_first);
        guard.finish(7);
        assert!(!slot.is_running(SECOND));
        assert_eq!((block_on(first.wait()), block_on(second.wait())), (Some(7), Some(7)));
    }

    #[test]
    fn a_run_without_a_result_makes_room_and_wakes_its_waiters() {
        let slot = SingleFlight::new();
        let (waiter, guard) = start(&slot, SECOND).unwrap();
        drop(guard);
        assert_eq!(block_on(waiter.wait()), None);
        assert!(start(&slot, SECOND).is_some());
    }

    #[test]
    fn an_overdue_run_is_replaced_and_cannot_end_the_next() {
        let slot = SingleFlight::new();
        let (old_waiter, old) = start(&slot, SECOND).unwrap();
        assert!(start(&slot, 10 * SECOND).is_none());
        let (new_waiter, new) = start(&slot, 11 * SECOND).unwrap();
        assert!(new.id() > old.id());
        old.finish(1);
        assert!(slot.is_running(11 * SECOND));
        new.finish(2);
        assert_eq!((block_on(old_waiter.wait()), block_on(new_waiter.wait())), (Some(1), Some(2)));
    }
}
