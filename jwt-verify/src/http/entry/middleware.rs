//! Protection for an app or scope as a whole.

use std::{
    future::{Future, Ready, ready},
    marker::PhantomData,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
};

use actix_web::{
    Error, HttpMessage, HttpRequest,
    body::{EitherBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
};
use pin_project_lite::pin_project;

use crate::authz::Requirement;
use crate::http::{
    auth::context::{AuthContext, JwtAuth},
    authentication::{self, Authentication, sender_constraint::NextNonce},
    authorization::Demand,
    entry::handler_error::{answered, note_refusal},
    refusal::{self, event::RefusedBy, keep_private, set_dpop_nonce},
    route_table::inner_routes::InnerRoutes,
    step::{Rejection, Step},
};

/// A middleware with a requirement for every request; made by [`JwtAuth::require`].
#[derive(Debug, Clone)]
pub struct RequireMiddleware {
    context: AuthContext,
    requirement: Requirement,
    report_only: bool,
    /// Routes of the `AuthScope` that it is around.
    inner: Option<InnerRoutes>,
}

impl RequireMiddleware {
    pub(crate) fn new(context: AuthContext, requirement: Requirement) -> Self {
        Self { context, requirement, report_only: false, inner: None }
    }

    /// Returns the requirement, unless refusals are only reported.
    pub(crate) fn enforced(&self) -> Option<&Requirement> {
        (!self.report_only).then_some(&self.requirement)
    }

    pub(crate) fn context(&self) -> &AuthContext {
        &self.context
    }

    /// Lets it name what the routes of its scope demand, in refusals.
    pub(crate) fn around_routes(&mut self, inner: InnerRoutes) {
        self.inner = Some(inner);
    }

    /// Reports requests that do not meet this requirement in the log, without refusing them; see
    /// [`JwtAuth::report_only`]. Requirements of inner scopes and handlers are enforced as before, and
    /// so are the [`Authorizer`](crate::authorization::Authorizer) of the application and logins that
    /// a security event has demanded.
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
        // Rules of the application apply to all admitted callers.
        let context = &self.context;
        let demand = context.authorizer().is_some().then(Demand::authenticated);
        let mut service = JwtAuthService::around(service, context, demand, context.is_optional());
        service.guard.inner.clone_from(&self.inner);
        ready(Ok(service))
    }
}

impl<S, B> Transform<S, ServiceRequest> for RequireMiddleware
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
        let inner = self.inner.clone();
        let demand = Demand::of_scope(self.requirement.clone(), self.report_only, inner);
        ready(Ok(JwtAuthService::around(service, &self.context, Some(demand), false)))
    }
}

/// The service in front of the protected ones.
#[derive(Debug)]
pub struct JwtAuthService<S> {
    service: Rc<S>,
    guard: Guard,
}

impl<S> JwtAuthService<S> {
    fn around(
        service: S,
        context: &AuthContext,
        demand: Option<Demand>,
        admits_anonymous: bool,
    ) -> Self {
        let guard = Guard { context: context.unshared(), demand, admits_anonymous, inner: None };
        Self { service: Rc::new(service), guard }
    }
}

/// The decision in front of a service.
#[derive(Clone)]
pub(super) struct Guard {
    context: AuthContext,
    demand: Option<Demand>,
    /// True if requests without credentials are admitted.
    admits_anonymous: bool,
    /// Routes behind it that a challenge may speak of; those of the demand come first.
    inner: Option<InnerRoutes>,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard")
            .field("context", &self.context)
            .field("requirement", &self.demand.as_ref().map(Demand::requirement))
            .field("admits_anonymous", &self.admits_anonymous)
            .finish_non_exhaustive()
    }
}

impl Guard {
    /// Makes one that refuses every request that does not meet the demand.
    pub(super) fn of(context: AuthContext, demand: Demand) -> Self {
        Self { context, demand: Some(demand), admits_anonymous: false, inner: None }
    }

    /// Lets a request pass to the service, or refuses it.
    pub(super) fn call<S, B>(&self, service: &Rc<S>, request: ServiceRequest) -> AuthFuture<S, B>
    where
        S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
        B: MessageBody + 'static,
    {
        match self.check(request.request()) {
            Step::Ready(Ok(())) => AuthFuture::Inner { future: service.call(request) },
            Step::Ready(Err(rejection)) => AuthFuture::Refused {
                response: Some(self.refuse(rejection, request)),
                body: PhantomData,
            },
            Step::Pending(outcome) => {
                let (service, guard) = (service.clone(), self.clone());
                AuthFuture::Waiting {
                    future: Box::pin(async move {
                        let outcome = outcome.await;
                        forward(&*service, &guard, request, outcome).await
                    }),
                }
            }
        }
    }

    fn check(&self, request: &HttpRequest) -> Step {
        #[cfg(feature = "introspection")]
        if crate::http::route_table::route_check::is_probe(request) {
            return Step::Ready(Ok(()));
        }
        let authenticated = authentication::authenticate(
            &self.context,
            request,
            self.is_for_refresh(),
            authentication::warn_of_nesting,
        );
        authenticated.and_then(self, request, Self::authorize)
    }

    fn is_for_refresh(&self) -> bool {
        self.demand.as_ref().is_some_and(|demand| demand.requirement().is_for_refresh())
    }

    fn authorize(&self, request: &HttpRequest, authentication: &Rc<Authentication>) -> Step {
        let decision = match (&authentication.token, &self.demand) {
            (Some(_), None) => Step::Ready(Ok(())),
            (None, _) if self.admits_anonymous => Step::Ready(Ok(())),
            (_, demand) => match (authentication.claims(), demand) {
                (Ok(claims), Some(demand)) => {
                    if let Some(requirement) = demand.lasting() {
                        authentication.demands.note_scope(requirement);
                    }
                    demand.decide(&self.context, request, &claims)
                }
                (Ok(_), None) => Step::Ready(Ok(())),
                (Err(error), _) => {
                    refusal::name_scopes(request, self.scopes_to_request(request));
                    Step::Ready(Err(error.into()))
                }
            },
        };
        // Its response needs another header, which only a pending request gets.
        if authentication.is_in_url { decision.into_pending() } else { decision }
    }

    /// Returns the scopes of the route, as far as they are known here.
    fn scopes_to_request(&self, request: &HttpRequest) -> Option<Arc<str>> {
        let demanded = self.demand.as_ref().and_then(|demand| demand.scopes_to_request(request));
        let of_route = || self.inner.as_ref()?.requirement(request)?.scopes_to_request(None);
        demanded.or_else(of_route)
    }

    /// Returns an ordinary response, not an error: errors bypass the response side of outer
    /// middlewares, and CORS headers would be lost.
    fn refuse<B>(
        &self,
        rejection: Rejection,
        request: ServiceRequest,
    ) -> ServiceResponse<EitherBody<B>> {
        let response = match rejection {
            Rejection::Error(error) => {
                let by = RefusedBy { handler: None, is_for_refresh: self.is_for_refresh() };
                refusal::refuse(&self.context, &error, request.request(), by)
            }
            Rejection::Response(error) => error.error_response(),
        };
        note_refusal(&response, request.request());
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
        self.guard.call(&self.service, request)
    }
}

/// Forwards an admitted request, and adds headers that waiting has produced to the response.
async fn forward<S, B>(
    service: &S,
    guard: &Guard,
    request: ServiceRequest,
    outcome: Result<(), Rejection>,
) -> Result<ServiceResponse<EitherBody<B>>, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let nonce = request.extensions_mut().remove::<NextNonce>();
    let is_in_url = Authentication::of(request.request()).is_some_and(|known| known.is_in_url);
    let mut response = match outcome {
        Ok(()) => answered(service.call(request).await?),
        Err(rejection) => guard.refuse(rejection, request),
    };
    if let Some(NextNonce(nonce)) = nonce {
        set_dpop_nonce(response.headers_mut(), &nonce);
    }
    if is_in_url {
        keep_private(response.headers_mut());
    }
    Ok(response)
}

type BoxedResponse<B> =
    Pin<Box<dyn Future<Output = Result<ServiceResponse<EitherBody<B>>, Error>>>>;

pin_project! {
    /// Future returned by [`JwtAuthService`]. Only a pending request is boxed.
    #[project = AuthFutureState]
    pub enum AuthFuture<S: Service<ServiceRequest>, B> {
        /// The request is admitted.
        #[doc(hidden)]
        Inner { #[pin] future: S::Future },
        /// The request is refused.
        #[doc(hidden)]
        Refused { response: Option<ServiceResponse<EitherBody<B>>>, body: PhantomData<B> },
        /// The request waits for a key, or for a decision.
        #[doc(hidden)]
        Waiting { future: BoxedResponse<B> },
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
    B: MessageBody,
{
    type Output = Result<ServiceResponse<EitherBody<B>>, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            AuthFutureState::Inner { future } => {
                Poll::Ready(ready!(future.poll(context)).map(answered))
            }
            AuthFutureState::Refused { response, .. } => match response.take() {
                Some(response) => Poll::Ready(Ok(response)),
                None => Poll::Pending,
            },
            AuthFutureState::Waiting { future } => future.as_mut().poll(context),
        }
    }
}
