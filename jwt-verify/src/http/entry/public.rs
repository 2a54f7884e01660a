//! Routes that are public on purpose.

use std::{
    fmt,
    future::{Ready, ready},
    marker::PhantomData,
};

use actix_web::{Error, FromRequest, HttpRequest, dev::Payload};

use crate::{authz::Requirement, http::route_table::access_matrix::Access};

/// A handler that is `#[public]`, as a type. Implemented by generated code.
pub trait IsPublic: 'static {
    /// Name of the handler.
    const HANDLER: &'static str;
}

/// Marks a handler as public on purpose. `#[public]` adds it as the first argument.
///
/// It has no requirement and grants nothing: a middleware in front of the route still decides
/// itself.
pub struct PublicRoute<R>(PhantomData<fn() -> R>);

impl<R> fmt::Debug for PublicRoute<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicRoute")
    }
}

impl<R: IsPublic> FromRequest for PublicRoute<R> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        #[cfg(feature = "introspection")]
        if crate::http::route_table::route_check::is_probe(request) {
            return ready(Err(crate::http::route_table::route_check::answer::<Self>()));
        }
        let _ = request;
        ready(Ok(Self(PhantomData)))
    }
}

impl<R: IsPublic> Access for PublicRoute<R> {
    type Marker = R;

    const HANDLER: &'static str = R::HANDLER;

    fn requirement() -> Option<&'static Requirement> {
        None
    }
}
