//! Background threads, for work that is independent of requests.
//!
//! A task on a worker of a server waits for that worker's handlers, and ends with it. So fetches of
//! keys, and the connections to Redis, have one thread each, with its own runtime and shared by the
//! whole process. It starts with the first job and ends when its last user is dropped.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::mpsc;

/// Created on the thread, so that it need not be `Send`.
type Job = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()>>> + Send>;

/// A named thread, shared by its users as long as there are any.
pub(crate) struct SharedThread {
    name: &'static str,
    current: Mutex<Weak<BackgroundThread>>,
}

impl SharedThread {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { name, current: Mutex::new(Weak::new()) }
    }

    pub(crate) fn get(&self) -> Arc<BackgroundThread> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.upgrade().unwrap_or_else(|| {
            let thread = Arc::new(BackgroundThread::new(self.name));
            *current = Arc::downgrade(&thread);
            thread
        })
    }
}

/// A thread that runs jobs concurrently. None of them may block it.
pub(crate) struct BackgroundThread {
    name: &'static str,
    jobs: Mutex<Option<mpsc::UnboundedSender<Job>>>,
}

impl BackgroundThread {
    fn new(name: &'static str) -> Self {
        Self { name, jobs: Mutex::default() }
    }

    /// Runs a job on the thread. A job that cannot be run is dropped, with all that it holds.
    /// Returns `true` if it runs.
    pub(crate) fn run<F, Fut>(&self, job: F) -> bool
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
        match start(self.name) {
            Ok(sender) => {
                let _ = sender.send(job);
                *jobs = Some(sender);
                true
            }
            Err(error) => {
                // Values that the job holds may call this again when they are dropped.
                drop(jobs);
                tracing::error!(%error, thread = self.name, "cannot start a thread");
                drop(job);
                false
            }
        }
    }
}

impl fmt::Debug for BackgroundThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BackgroundThread").field(&self.name).finish()
    }
}

fn start(name: &str) -> std::io::Result<mpsc::UnboundedSender<Job>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (sender, mut jobs) = mpsc::unbounded_channel::<Job>();
    std::thread::Builder::new().name(name.into()).spawn(move || {
        let tasks = tokio::task::LocalSet::new();
        // Ends when the last sender is dropped; jobs that still run or sleep are dropped with the
        // set.
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

    /// The thread ends with its last user, and drops jobs that still run.
    #[test]
    fn what_runs_in_the_background_ends_with_its_user() {
        let thread = BackgroundThread::new("test");
        let (held, dropped) = oneshot::channel::<()>();
        let (started, is_running) = std::sync::mpsc::channel();
        thread.run(move || async move {
            started.send(std::thread::current().name().map(str::to_owned)).unwrap();
            std::future::pending::<()>().await;
            drop(held);
        });
        assert_eq!(is_running.recv().unwrap().as_deref(), Some("test"));
        drop(thread);
        assert!(dropped.blocking_recv().is_err());
    }

    #[test]
    fn users_share_one_as_long_as_there_are_any() {
        let shared = SharedThread::new("test");
        let first = shared.get();
        assert!(Arc::ptr_eq(&first, &shared.get()));
        let weak = Arc::downgrade(&first);
        drop(first);
        assert!(weak.upgrade().is_none());
        assert_eq!(Arc::strong_count(&shared.get()), 1);
    }
}
