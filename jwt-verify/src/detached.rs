//! Work that runs to completion even if its caller is dropped.

use std::future::Future;

use tokio::runtime::Handle;
use tracing::Instrument as _;

/// Runs the work in a separate task, which continues if this future is dropped after its first
/// poll: a client that disconnects leaves nothing half done. `None` if the task did not complete,
/// because the runtime ended or the work panicked. Without a Tokio runtime the work runs inside of
/// this future.
pub(crate) async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    match Handle::try_current() {
        Ok(runtime) => runtime.spawn(work.in_current_span()).await.ok(),
        Err(_) => Some(work.await),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Waker},
    };

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn what_has_begun_is_done_without_the_caller() {
        let (go, waiting) = oneshot::channel::<()>();
        let (done, told) = oneshot::channel::<()>();
        let work = async move {
            let _ = waiting.await;
            let _ = done.send(());
        };
        {
            let mut work = pin!(to_the_end(work));
            assert!(work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        go.send(()).unwrap();
        assert!(told.await.is_ok());
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_panic_is_no_answer() {
        assert_eq!(to_the_end(async { 1 }).await, Some(1));
        let panicking = to_the_end(async {
            assert!(std::env::args().count() == 0, "a panic for the test");
        });
        assert_eq!(panicking.await, None);
    }
}
