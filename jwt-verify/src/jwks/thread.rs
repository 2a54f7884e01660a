//! Where fetches run.
//!
//! The HTTP client lives on one thread, and a fetch spawned on a server's worker would wait for that
//! worker's handlers. So fetches have a thread of their own, one for the whole process however many
//! issuers there are. It starts with the first fetch and ends with the last provider.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::mpsc;

/// Made on the thread, so that what it makes need not leave it.
type Job = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()>>> + Send>;

#[derive(Default)]
pub(super) struct FetchThread {
    jobs: Mutex<Option<mpsc::UnboundedSender<Job>>>,
}

/// The one that providers share as long as there are any.
static CURRENT: Mutex<Weak<FetchThread>> = Mutex::new(Weak::new());

impl FetchThread {
    pub(super) fn shared() -> Arc<Self> {
        let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
        current.upgrade().unwrap_or_else(|| {
            let thread = Arc::new(Self::default());
            *current = Arc::downgrade(&thread);
            thread
        })
    }

    /// Runs a job on the thread. A job that cannot be run is dropped, with all that it holds; says
    /// whether it can.
    pub(super) fn run<F, Fut>(&self, job: F) -> bool
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = ()> + 'static,
    {
        let job: Job = Box::new(move || Box::pin(job()));
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let rejected = match &*jobs {
            Some(sender) => sender.send(job).err().map(|mpsc::error::SendError(job)| job),
            None => Some(job),
        };
        let Some(job) = rejected else { return true };
        match start() {
            Ok(sender) => {
                let _ = sender.send(job);
                *jobs = Some(sender);
                true
            }
            Err(error) => {
                // What the job holds may come back here when it is dropped.
                drop(jobs);
                tracing::error!(%error, "cannot start the thread that fetches keys");
                drop(job);
                false
            }
        }
    }
}

impl fmt::Debug for FetchThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FetchThread")
    }
}

fn start() -> std::io::Result<mpsc::UnboundedSender<Job>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (sender, mut jobs) = mpsc::unbounded_channel::<Job>();
    std::thread::Builder::new().name("jwt-verify-keys".into()).spawn(move || {
        let tasks = tokio::task::LocalSet::new();
        // Ends when the last sender is gone; what still runs or sleeps is dropped with the set.
        tasks.block_on(&runtime, async {
            while let Some(job) = jobs.recv().await {
                tokio::task::spawn_local(async move { job().await });
            }
        });
    })?;
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    /// The thread ends with the last who has it, and takes with it what still runs there.
    #[test]
    fn what_runs_in_the_background_ends_with_its_user() {
        let thread = Arc::new(FetchThread::default());
        let (held, dropped) = oneshot::channel::<()>();
        let (started, is_running) = std::sync::mpsc::channel();
        thread.run(move || async move {
            started.send(()).unwrap();
            std::future::pending::<()>().await;
            drop(held);
        });
        is_running.recv().unwrap();
        drop(thread);
        assert!(dropped.blocking_recv().is_err());
    }

    #[test]
    fn providers_share_one_as_long_as_there_are_any() {
        let first = FetchThread::shared();
        assert!(Arc::ptr_eq(&first, &FetchThread::shared()));
    }
}
