//! Timer for the refreshes that no request causes.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

/// Time at which [`run_timer`] acts next; `None` until it is set again.
type Due = Option<Instant>;

/// Sets the time of the next refresh. The task that waits for it is [`run_timer`].
#[derive(Debug)]
pub(super) struct RefreshTimer {
    due: watch::Sender<Due>,
    has_task: AtomicBool,
}

impl RefreshTimer {
    pub(super) fn new() -> Self {
        Self { due: watch::Sender::new(None), has_task: AtomicBool::new(false) }
    }

    /// Replaces the time set before. Returns the receiver for [`run_timer`] if no task waits yet;
    /// the caller has to start one.
    pub(super) fn set(&self, pause: Duration) -> Option<watch::Receiver<Due>> {
        self.due.send_replace(Some(Instant::now() + pause));
        let has_task = self.has_task.swap(true, Ordering::AcqRel);
        (!has_task).then(|| self.due.subscribe())
    }

    /// Keeps the timer from going off again before it is set again.
    pub(super) fn clear(&self) {
        self.due.send_replace(None);
    }

    /// Notes that the task could not be started.
    pub(super) fn task_failed(&self) {
        self.has_task.store(false, Ordering::Release);
    }
}

/// Calls `on_due` whenever the timer goes off, until that returns false or the timer is dropped.
/// `on_due` must clear the timer or set it again.
pub(super) async fn run_timer(mut due: watch::Receiver<Due>, on_due: impl Fn() -> bool) {
    loop {
        let set_to = *due.borrow_and_update();
        let goes_on = match set_to {
            Some(at) => match timeout_at(at, due.changed()).await {
                Ok(changed) => changed.is_ok(),
                Err(_) => on_due(),
            },
            None => due.changed().await.is_ok(),
        };
        if !goes_on {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn it_goes_off_whenever_it_is_set_and_ends_when_told_to() {
        let timer = RefreshTimer::new();
        let due = timer.set(Duration::from_secs(3600)).unwrap();
        assert!(timer.set(Duration::ZERO).is_none());
        let count = Cell::new(0);
        let on_due = || {
            count.set(count.get() + 1);
            timer.clear();
            assert!(timer.set(Duration::ZERO).is_none());
            count.get() < 3
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(run_timer(due, on_due));
        assert_eq!(count.get(), 3);
    }

    #[test]
    fn its_task_ends_with_it_and_is_started_again_if_that_failed() {
        let timer = RefreshTimer::new();
        assert!(timer.set(Duration::ZERO).is_some());
        timer.task_failed();
        let due = timer.set(Duration::from_secs(3600)).unwrap();
        drop(timer);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(run_timer(due, || panic!("it is not due")));
    }
}
