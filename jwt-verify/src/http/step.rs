//! The result of a stage of the request: ready or pending.

use std::{future::Future, pin::Pin};

use actix_web::{Error, HttpRequest};

use crate::error::AuthError;

/// Reasons why a request is refused.
#[derive(Debug)]
pub(crate) enum Rejection {
    Error(AuthError),
    /// A policy has returned its own response.
    Response(Error),
}

impl From<AuthError> for Rejection {
    fn from(error: AuthError) -> Self {
        Self::Error(error)
    }
}

/// A future that stays on the worker of its request.
pub(crate) type LocalBoxFuture<T> = Pin<Box<dyn Future<Output = T>>>;

/// The result of a stage. A request whose stages are all ready allocates no future.
pub(crate) enum Step<T = (), E = Rejection> {
    Ready(Result<T, E>),
    Pending(LocalBoxFuture<Result<T, E>>),
}

impl<T: 'static, E: 'static> Step<T, E> {
    pub(crate) fn pending(future: impl Future<Output = Result<T, E>> + 'static) -> Self {
        Self::Pending(Box::pin(future))
    }

    /// Waits for the result, unless it is ready.
    pub(crate) async fn get(self) -> Result<T, E> {
        match self {
            Self::Ready(result) => result,
            Self::Pending(future) => future.await,
        }
    }

    /// Turns it into a future that has to be polled, even if it is ready.
    pub(crate) fn into_pending(self) -> Self {
        match self {
            Self::Ready(result) => Self::pending(std::future::ready(result)),
            pending @ Self::Pending(_) => pending,
        }
    }

    pub(crate) fn map<U: 'static>(self, make: impl FnOnce(T) -> U + 'static) -> Step<U, E> {
        match self {
            Self::Ready(result) => Step::Ready(result.map(make)),
            Self::Pending(future) => Step::pending(async move { future.await.map(make) }),
        }
    }

    /// Adds the next stage, with the context that it needs of the request. That is cloned only if
    /// there is a wait.
    pub(crate) fn and_then<C, U, F>(
        self,
        context: &C,
        request: &HttpRequest,
        next: fn(&C, &HttpRequest, &T) -> Step<U, F>,
    ) -> Step<U, F>
    where
        C: Clone + 'static,
        U: 'static,
        F: From<E> + 'static,
    {
        match self {
            Self::Ready(Ok(value)) => next(context, request, &value),
            Self::Ready(Err(error)) => Step::Ready(Err(error.into())),
            Self::Pending(future) => {
                let (context, request) = (context.clone(), request.clone());
                Step::pending(async move { next(&context, &request, &future.await?).get().await })
            }
        }
    }
}
