//! Results of extension points: ready or pending.

use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
    task::{Context, Poll},
};

/// Boxed future that an extension point returns.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Result of an extension point that usually need not wait.
///
/// With [`Ready`](Self::Ready) a request continues at once, without allocation. There will be no
/// further variants. `lookup.await` returns the result of either.
///
/// ```
/// use jwt_verify::Lookup;
///
/// let cached: Lookup<'_, u32> = Lookup::Ready(7);
/// let fetched: Lookup<'_, u32> = Lookup::Pending(Box::pin(async { 7 }));
/// # let _ = (cached, fetched);
/// ```
pub enum Lookup<'a, T> {
    /// The result is available.
    Ready(T),
    /// Future of the result. It must do nothing before it is first polled: it may be dropped
    /// unpolled if the result turns out not to matter.
    Pending(BoxFuture<'a, T>),
}

/// Waits for the result, unless it is ready.
impl<'a, T> IntoFuture for Lookup<'a, T> {
    type Output = T;
    type IntoFuture = LookupFuture<'a, T>;

    #[inline]
    fn into_future(self) -> LookupFuture<'a, T> {
        LookupFuture(Some(self))
    }
}

/// Future of a [`Lookup`].
pub struct LookupFuture<'a, T>(Option<Lookup<'a, T>>);

/// Nothing in it is pinned in place.
impl<T> Unpin for LookupFuture<'_, T> {}

impl<T> Future for LookupFuture<'_, T> {
    type Output = T;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        match self.0.take() {
            Some(Lookup::Ready(answer)) => Poll::Ready(answer),
            Some(Lookup::Pending(mut future)) => {
                let answer = future.as_mut().poll(context);
                if answer.is_pending() {
                    self.0 = Some(Lookup::Pending(future));
                }
                answer
            }
            None => Poll::Pending,
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for LookupFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LookupFuture").field(&self.0).finish()
    }
}

impl<T: fmt::Debug> fmt::Debug for Lookup<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready(answer) => f.debug_tuple("Ready").field(answer).finish(),
            Self::Pending(_) => f.write_str("Pending"),
        }
    }
}
