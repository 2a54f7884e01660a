//! Middlewares of a scope, whatever their types.

use std::{
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::{
    Error,
    body::MessageBody,
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
};

use crate::http::step::LocalBoxFuture;

/// A service of any type, around which a middleware of an [`AuthScope`](crate::AuthScope) is put.
pub(crate) type ScopedService = Rc<
    dyn Service<
            ServiceRequest,
            Response = ServiceResponse,
            Error = Error,
            Future = LocalBoxFuture<Result<ServiceResponse, Error>>,
        >,
>;

/// Puts one middleware around a service.
pub(crate) type Layer = Box<dyn Fn(ScopedService) -> LocalBoxFuture<Result<ScopedService, ()>>>;

/// The middlewares of a scope, the innermost first.
#[derive(Default)]
pub(crate) struct Layers(Vec<Layer>);

impl Layers {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds one around those that are there.
    pub(crate) fn push(&mut self, layer: Layer) {
        self.0.push(layer);
    }

    /// Adds one inside of those that are there.
    pub(crate) fn push_inside(&mut self, layer: Layer) {
        self.0.insert(0, layer);
    }

    /// Makes one middleware of them.
    pub(crate) fn into_middleware(self) -> LayersMiddleware {
        LayersMiddleware(Rc::new(self))
    }
}

/// Makes a layer of a middleware of any type.
pub(crate) fn layer<M, B>(middleware: M) -> Layer
where
    M: Transform<
            ScopedService,
            ServiceRequest,
            Response = ServiceResponse<B>,
            Error = Error,
            InitError = (),
        > + 'static,
    B: MessageBody + 'static,
{
    Box::new(move |service| {
        let service = middleware.new_transform(service);
        Box::pin(async move { service.await.map(boxed) })
    })
}

/// All middlewares of a scope.
pub(crate) struct LayersMiddleware(Rc<Layers>);

impl<S, B> Transform<S, ServiceRequest> for LayersMiddleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse;
    type Error = Error;
    type Transform = LayeredService;
    type InitError = ();
    type Future = LocalBoxFuture<Result<LayeredService, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        let layers = self.0.clone();
        Box::pin(async move {
            let inner = boxed(service);
            let mut outer = inner.clone();
            for layer in &layers.0 {
                outer = layer(outer).await?;
            }
            Ok(LayeredService { inner, outer })
        })
    }
}

/// A scope with its middlewares.
pub(crate) struct LayeredService {
    /// The scope alone, which answers what a check of the routes asks.
    #[cfg_attr(not(feature = "introspection"), expect(dead_code, reason = "only checks ask it"))]
    inner: ScopedService,
    outer: ScopedService,
}

impl Service<ServiceRequest> for LayeredService {
    type Response = ServiceResponse;
    type Error = Error;
    type Future = LocalBoxFuture<Result<ServiceResponse, Error>>;

    forward_ready!(outer);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        #[cfg(feature = "introspection")]
        if crate::http::route_table::route_check::is_probe(request.request()) {
            return self.inner.call(request);
        }
        self.outer.call(request)
    }
}

/// A service whose future and body are boxed.
struct Boxed<S>(S);

fn boxed<S, B>(service: S) -> ScopedService
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    Rc::new(Boxed(service))
}

impl<S, B> Service<ServiceRequest> for Boxed<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse;
    type Error = Error;
    type Future = LocalBoxFuture<Result<ServiceResponse, Error>>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.poll_ready(context)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let response = self.0.call(request);
        Box::pin(async move { Ok(response.await?.map_into_boxed_body()) })
    }
}
