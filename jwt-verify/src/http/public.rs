//! Routes that are open on purpose.

use std::{
    fmt,
    future::{Ready, ready},
    marker::PhantomData,
};

use actix_web::{Error, FromRequest, HttpRequest, dev::Payload};

use super::routes::IsPublic;

/// Says that a handler is open to everybody on purpose. `#[public]` adds it as the first argument.
///
/// It demands nothing and grants nothing: a middleware in front of the route still decides by itself.
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
        if super::route_audit::is_probe(request) {
            return ready(Err(super::route_audit::answer::<Self>()));
        }
        let _ = request;
        ready(Ok(Self(PhantomData)))
    }
}
