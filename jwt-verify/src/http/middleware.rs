//! Protection for an app or scope as a whole.

use std::{
    future::{Future, Ready, ready},
    marker::PhantomData,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use actix_web::{
    Error, HttpMessage, HttpRequest,
    body::{EitherBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
};
use pin_project_lite::pin_project;

use super::{
    auth::JwtAuth,
    authentication::Authentication,
    decision::{Demand, Judgement, Refusal},
    possession::NextNonce,
    response::{keep_private, tell_nonce},
};
use crate::Requirement;

/// A middleware that demands something of every request; made by [`JwtAuth::require`].
#[derive(Debug, Clone)]
pub struct Required {
    auth: JwtAuth,
    requirement: Requirement,
    report_only: bool,
}

impl Required {
    pub(super) fn new(auth: JwtAuth, requirement: Requirement) -> Self {
        Self { auth, requirement, report_only: false }
    }

    /// The same, but whoever does not meet this requirement is let through, and the log says so; see
    /// [`JwtAuth::report_only`]. Requirements of scopes and handlers further in count as before.
    #[must_use]
    pub fn report_only(mut self) -> Self {
        self.report_only = true;
        self
    }
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
        // An application's own rules hold for everybody who is let in.
        let demand = self.authorizer().is_some().then(Demand::authenticated);
        JwtAuthService::around(service, self, demand, self.is_optional())
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
        let demand = Demand::of_scope(self.requirement.clone(), self.report_only);
        JwtAuthService::around(service, &self.auth, Some(demand), false)
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
        demand: Option<Demand>,
        admits_anonymous: bool,
    ) -> Ready<Result<Self, ()>> {
        let guard = Guard { auth: auth.apart(), demand, admits_anonymous };
        ready(Ok(Self { service: Rc::new(service), guard }))
    }
}

#[derive(Clone)]
struct Guard {
    auth: JwtAuth,
    demand: Option<Demand>,
    /// Whether who shows no credentials is let through.
    admits_anonymous: bool,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard")
            .field("auth", &self.auth)
            .field("requirement", &self.demand.as_ref().map(Demand::requirement))
            .field("admits_anonymous", &self.admits_anonymous)
            .finish()
    }
}

impl Guard {
    /// Whether a request whose maker is known may pass.
    fn admit(&self, authentication: &Authentication, request: &HttpRequest) -> Judgement {
        match (&authentication.token, &self.demand) {
            (Some(_), None) => Judgement::now(Ok(())),
            (None, _) if self.admits_anonymous => Judgement::now(Ok(())),
            (_, demand) => match (authentication.claims(), demand) {
                (Ok(claims), Some(demand)) => demand.decide(&self.auth, request, &claims),
                (outcome, _) => Judgement::now(outcome.map(drop)),
            },
        }
    }

    fn is_for_refresh(&self) -> bool {
        self.demand.as_ref().is_some_and(|demand| demand.requirement().is_for_refresh())
    }

    fn judge_now(&self, request: &HttpRequest) -> Option<Judgement> {
        #[cfg(feature = "introspection")]
        if super::route_audit::is_probe(request) {
            return Some(Judgement::now(Ok(())));
        }
        Some(match self.auth.authenticate_now(request, self.is_for_refresh())? {
            // An answer that needs a finishing touch is waited for.
            Ok(authentication) if authentication.is_in_url => {
                self.admit(&authentication, request).later()
            }
            Ok(authentication) => self.admit(&authentication, request),
            Err(error) => Judgement::now(Err(error)),
        })
    }

    async fn judge(&self, request: &HttpRequest) -> Result<(), Refusal> {
        let authentication = self.auth.authenticate(request, self.is_for_refresh()).await?;
        match self.admit(&authentication, request) {
            Judgement::Now(outcome) => outcome,
            Judgement::Later(outcome) => outcome.await,
        }
    }

    /// An ordinary response, not an error: errors pass by the response side of the middlewares
    /// outside, and CORS headers would be lost.
    fn refuse<B>(
        &self,
        refusal: Refusal,
        request: ServiceRequest,
    ) -> ServiceResponse<EitherBody<B>> {
        let response = match refusal {
            Refusal::Error(error) => self.auth.refuse(&error, request.request()),
            Refusal::Answer(error) => error.error_response(),
        };
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
        let (service, guard) = (&self.service, &self.guard);
        match guard.judge_now(request.request()) {
            Some(Judgement::Now(Ok(()))) => AuthFuture::Inner { future: service.call(request) },
            Some(Judgement::Now(Err(refusal))) => AuthFuture::Refused {
                response: Some(guard.refuse(refusal, request)),
                body: PhantomData,
            },
            Some(Judgement::Later(outcome)) => {
                let (service, guard) = (service.clone(), guard.clone());
                AuthFuture::Waiting {
                    future: Box::pin(async move {
                        go_on(&*service, &guard, request, outcome.await).await
                    }),
                }
            }
            None => {
                let (service, guard) = (service.clone(), guard.clone());
                AuthFuture::Waiting {
                    future: Box::pin(async move {
                        let outcome = guard.judge(request.request()).await;
                        go_on(&*service, &guard, request, outcome).await
                    }),
                }
            }
        }
    }
}

/// Lets a request through, or not.
async fn go_on<S, B>(
    service: &S,
    guard: &Guard,
    request: ServiceRequest,
    outcome: Result<(), Refusal>,
) -> Result<ServiceResponse<EitherBody<B>>, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    let nonce = request.extensions_mut().remove::<NextNonce>();
    let is_in_url = Authentication::of(request.request()).is_some_and(|known| known.is_in_url);
    let mut response = match outcome {
        Ok(()) => service.call(request).await?.map_into_left_body(),
        Err(refusal) => guard.refuse(refusal, request),
    };
    if let Some(NextNonce(nonce)) = nonce {
        tell_nonce(response.headers_mut(), &nonce);
    }
    if is_in_url {
        keep_private(response.headers_mut());
    }
    Ok(response)
}

type Waiting<B> = Pin<Box<dyn Future<Output = Result<ServiceResponse<EitherBody<B>>, Error>>>>;

pin_project! {
    /// The future of [`JwtAuthService`]. Only a request that has to wait is boxed.
    #[project = AuthFutureState]
    pub enum AuthFuture<S: Service<ServiceRequest>, B> {
        /// The request is let through.
        #[doc(hidden)]
        Inner { #[pin] future: S::Future },
        /// The request is refused.
        #[doc(hidden)]
        Refused { response: Option<ServiceResponse<EitherBody<B>>>, body: PhantomData<B> },
        /// The request waits for a key, or for a decision.
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
