//! Protection for an app or scope as a whole.

use std::{
    future::{Future, Ready, ready},
    marker::PhantomData,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use actix_web::{
    Error, HttpRequest,
    body::{EitherBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
};
use pin_project_lite::pin_project;

use super::{auth::JwtAuth, authentication::Authentication};
use crate::{AuthError, Requirement};

/// A middleware that demands something of every request; made by [`JwtAuth::require`].
#[derive(Debug, Clone)]
pub struct Required {
    pub(super) auth: JwtAuth,
    pub(super) requirement: Requirement,
}

impl<S, B> Transform<S, ServiceRequest> for JwtAuth
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = JwtAuthService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, Self::InitError>>;

    fn new_transform(&self, service: S) -> Self::Future {
        JwtAuthService::around(service, self, None)
    }
}

impl<S, B> Transform<S, ServiceRequest> for Required
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = JwtAuthService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, Self::InitError>>;

    fn new_transform(&self, service: S) -> Self::Future {
        JwtAuthService::around(service, &self.auth, Some(&self.requirement))
    }
}

/// The service behind which the protected ones are.
#[derive(Debug)]
pub struct JwtAuthService<S> {
    service: Rc<S>,
    guard: Guard,
}

impl<S> JwtAuthService<S> {
    fn around(
        service: S,
        auth: &JwtAuth,
        requirement: Option<&Requirement>,
    ) -> Ready<Result<Self, ()>> {
        let requirement = requirement.cloned().map(Rc::new);
        let guard = Guard { auth: auth.clone(), requirement };
        ready(Ok(Self { service: Rc::new(service), guard }))
    }
}

#[derive(Debug, Clone)]
struct Guard {
    auth: JwtAuth,
    requirement: Option<Rc<Requirement>>,
}

impl Guard {
    /// Whether a request whose maker is known may pass.
    fn admit(&self, authentication: &Authentication) -> Result<(), AuthError> {
        match &self.requirement {
            Some(requirement) => self.auth.authorize(&authentication.claims()?, requirement),
            None if self.auth.is_optional() => Ok(()),
            None => authentication.token.as_ref().map(|_| ()).ok_or(AuthError::MissingToken),
        }
    }

    fn is_for_refresh(&self) -> bool {
        self.requirement.as_ref().is_some_and(|requirement| requirement.is_for_refresh())
    }

    fn judge_now(&self, request: &HttpRequest) -> Option<Result<(), AuthError>> {
        let outcome = self.auth.authenticate_now(request, self.is_for_refresh())?;
        Some(outcome.and_then(|authentication| self.admit(&authentication)))
    }

    async fn judge(&self, request: &HttpRequest) -> Result<(), AuthError> {
        self.admit(&self.auth.authenticate(request, self.is_for_refresh()).await?)
    }

    /// An ordinary response, not an error: errors pass by the response side of the middlewares
    /// outside, and CORS headers would be lost.
    fn refuse<B>(
        &self,
        error: &AuthError,
        request: ServiceRequest,
    ) -> ServiceResponse<EitherBody<B>> {
        let response = self.auth.refuse(error, request.request());
        request.into_response(response).map_into_right_body()
    }
}

impl<S, B> Service<ServiceRequest> for JwtAuthService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = AuthFuture<S, B>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        match self.guard.judge_now(request.request()) {
            Some(Ok(())) => AuthFuture::Inner { future: self.service.call(request) },
            Some(Err(error)) => AuthFuture::Refused {
                response: Some(self.guard.refuse(&error, request)),
                body: PhantomData,
            },
            None => {
                let (service, guard) = (self.service.clone(), self.guard.clone());
                AuthFuture::Waiting {
                    future: Box::pin(async move {
                        match guard.judge(request.request()).await {
                            Ok(()) => {
                                service.call(request).await.map(ServiceResponse::map_into_left_body)
                            }
                            Err(error) => Ok(guard.refuse(&error, request)),
                        }
                    }),
                }
            }
        }
    }
}

type Waiting<B> = Pin<Box<dyn Future<Output = Result<ServiceResponse<EitherBody<B>>, Error>>>>;

pin_project! {
    /// The future of [`JwtAuthService`]. Only a request that has to wait for a key is boxed.
    #[project = AuthFutureState]
    pub enum AuthFuture<S: Service<ServiceRequest>, B> {
        /// The request is let through.
        #[doc(hidden)]
        Inner { #[pin] future: S::Future },
        /// The request is refused.
        #[doc(hidden)]
        Refused { response: Option<ServiceResponse<EitherBody<B>>>, body: PhantomData<B> },
        /// The request waits for a key.
        #[doc(hidden)]
        Waiting { future: Waiting<B> },
    }
}

impl<S: Service<ServiceRequest>, B> std::fmt::Debug for AuthFuture<S, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuthFuture")
    }
}

impl<S, B> Future for AuthFuture<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    type Output = Result<ServiceResponse<EitherBody<B>>, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            AuthFutureState::Inner { future } => {
                Poll::Ready(ready!(future.poll(context)).map(ServiceResponse::map_into_left_body))
            }
            AuthFutureState::Refused { response, .. } => match response.take() {
                Some(response) => Poll::Ready(Ok(response)),
                None => Poll::Pending,
            },
            AuthFutureState::Waiting { future } => future.as_mut().poll(context),
        }
    }
}
