//! The requirement of an `AuthScope`, which holds for every request to it.

use std::{
    future::{Ready, ready},
    marker::PhantomData,
    rc::Rc,
};

use actix_web::{
    Error, HttpRequest, ResponseError as _,
    body::{EitherBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
};

use crate::authz::Requirement;
use crate::error::AuthError;
use crate::http::{
    auth::context::{AuthContext, JwtAuth},
    authentication::{Authentication, app_data},
    authorization::Demand,
    entry::middleware::{AuthFuture, Guard},
    route_table::inner_routes::InnerRoutes,
};

/// A middleware that demands something of every request, with the [`JwtAuth`] that the handlers of its
/// scope use: unlike [`RequireMiddleware`](crate::authorization::RequireMiddleware) it need not be made from one.
pub(crate) struct ScopeRequirement {
    /// The scope's own, which is in the scope's data, where its middlewares do not see it.
    auth: Option<AuthContext>,
    demand: Demand,
}

impl ScopeRequirement {
    pub(crate) fn new(auth: Option<JwtAuth>, requirement: Requirement, inner: InnerRoutes) -> Self {
        let demand = Demand::of_scope(requirement, false, Some(inner));
        Self { auth: auth.map(|auth| auth.context), demand }
    }
}

impl<S, B> Transform<S, ServiceRequest> for ScopeRequirement
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = ScopeRequirementService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, Self::InitError>>;

    fn new_transform(&self, service: S) -> Self::Future {
        let auth = self.auth.as_ref().map(AuthContext::unshared);
        let demand = self.demand.clone();
        ready(Ok(ScopeRequirementService { service: Rc::new(service), auth, demand }))
    }
}

/// The service behind which the routes of the scope are.
pub(crate) struct ScopeRequirementService<S> {
    service: Rc<S>,
    auth: Option<AuthContext>,
    demand: Demand,
}

impl<S> ScopeRequirementService<S> {
    /// The settings that the handlers of the scope use.
    fn context(&self, request: &HttpRequest) -> Result<AuthContext, AuthError> {
        if let Some(own) = &self.auth {
            return Ok(own.clone());
        }
        let (nearest, address) = app_data::locate(request);
        let nearest = nearest?;
        let known = Authentication::of(request).and_then(|known| known.valid_for(nearest, address));
        known.map(|known| known.by.clone()).or_else(|| nearest.cloned()).ok_or_else(|| {
            tracing::error!(
                requirement = %self.demand.requirement(),
                "an AuthScope demands something, but there is no JwtAuth: add `.auth(auth)` to the \
                 scope, or `.wrap(auth)` to the app or scope"
            );
            AuthError::Misconfigured
        })
    }
}

impl<S, B> Service<ServiceRequest> for ScopeRequirementService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = AuthFuture<S, B>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        match self.context(request.request()) {
            Ok(context) => Guard::of(context, self.demand.clone()).call(&self.service, request),
            Err(error) => {
                let response = request.into_response(error.error_response());
                AuthFuture::Refused {
                    response: Some(response.map_into_right_body()),
                    body: PhantomData,
                }
            }
        }
    }
}
