//! Claims as arguments of handlers.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    Error, FromRequest, HttpRequest,
    dev::{Payload, ServiceRequest},
};
use serde::de::DeserializeOwned;

use super::{auth::JwtAuth, authentication::Authentication};
use crate::{AuthError, VerifiedClaims};

/// The claims of a caller who may also be anonymous.
///
/// `None` means that the request carries no credentials at all. A credential that is present and
/// bad is refused, which is the difference to `Option<VerifiedClaims>`: Actix turns every error
/// under an `Option` into `None`.
///
/// ```
/// use jwt_verify::OptionalClaims;
///
/// async fn welcome(OptionalClaims(claims): OptionalClaims) -> String {
///     match claims.as_ref().and_then(|claims| claims.subject()) {
///         Some(name) => format!("welcome back, {name}"),
///         None => "welcome, guest".into(),
///     }
/// }
/// ```
#[derive(Debug, Clone)]
pub struct OptionalClaims<T = crate::Claims>(pub Option<VerifiedClaims<T>>);

/// Access to the verified claims from code that has a request instead of an argument.
pub trait VerifiedClaimsExt {
    /// The claims, if the request has been authenticated already, by the middleware or by an
    /// argument of the handler.
    fn verified_claims(&self) -> Option<VerifiedClaims>;
}

impl VerifiedClaimsExt for HttpRequest {
    fn verified_claims(&self) -> Option<VerifiedClaims> {
        Authentication::of(self)?.claims().ok()
    }
}

impl VerifiedClaimsExt for ServiceRequest {
    fn verified_claims(&self) -> Option<VerifiedClaims> {
        self.request().verified_claims()
    }
}

impl<T: DeserializeOwned + Send + Sync + 'static> FromRequest for VerifiedClaims<T> {
    type Error = Error;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        extract(request, Wanted::Any, |authentication| authentication.claims()?.parse())
    }
}

impl<T: DeserializeOwned + Send + Sync + 'static> FromRequest for OptionalClaims<T> {
    type Error = Error;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        extract(request, Wanted::Any, |authentication| {
            let claims = authentication.token.clone().map(VerifiedClaims::new);
            claims.map(VerifiedClaims::parse).transpose().map(OptionalClaims)
        })
    }
}

/// Which kind of token an argument is about.
#[derive(Clone, Copy)]
pub(super) enum Wanted {
    /// Whichever was found already; else an access token.
    Any,
    /// Only this kind.
    Kind { is_for_refresh: bool },
}

impl Wanted {
    fn is_for_refresh(self) -> bool {
        matches!(self, Self::Kind { is_for_refresh: true })
    }

    fn is_met_by(self, known: &Authentication) -> bool {
        match self {
            Self::Any => true,
            Self::Kind { is_for_refresh } => known.is_for_refresh == is_for_refresh,
        }
    }
}

/// Finds out who makes the request, unless that is known, and makes something of it. The answer is
/// there at once unless a key has to be fetched.
pub(super) fn extract<T: 'static>(
    request: &HttpRequest,
    wanted: Wanted,
    make: fn(&Authentication) -> Result<T, AuthError>,
) -> Extraction<T> {
    let nearest = match JwtAuth::nearest(request) {
        Ok(nearest) => nearest,
        Err(error) => return Extraction::ready(Err(error.into())),
    };
    if let Some(known) = Authentication::of(request)
        && known.holds_beside(nearest)
        && wanted.is_met_by(&known)
    {
        return Extraction::ready(conclude(&known.by, request, make(&known)));
    }
    // A middleware has found out about tokens of another kind; it knows the way to this one.
    let around = Authentication::of(request).map(|known| known.by);
    let Some(auth) = nearest.or(around.as_ref()) else {
        tracing::error!(
            "a handler needs verified claims, but there is no JwtAuth: add `.wrap(auth)` to the app \
             or scope, or `.app_data(auth)`"
        );
        return Extraction::ready(Err(AuthError::Misconfigured.into()));
    };
    if let Some(outcome) = auth.authenticate_now(request, wanted.is_for_refresh()) {
        return Extraction::ready(conclude(auth, request, outcome.and_then(|known| make(&known))));
    }
    let (auth, request) = (auth.clone(), request.clone());
    Extraction(State::Waiting(Box::pin(async move {
        let outcome = auth.authenticate(&request, wanted.is_for_refresh()).await;
        conclude(&auth, &request, outcome.and_then(|known| make(&known)))
    })))
}

fn conclude<T>(
    auth: &JwtAuth,
    request: &HttpRequest,
    result: Result<T, AuthError>,
) -> Result<T, Error> {
    result.map_err(|error| auth.refuse_as_error(error, request))
}

/// The future of an extractor of this library.
pub struct Extraction<T>(State<T>);

enum State<T> {
    Ready(Option<Result<T, Error>>),
    Waiting(Pin<Box<dyn Future<Output = Result<T, Error>>>>),
}

impl<T> Extraction<T> {
    fn ready(result: Result<T, Error>) -> Self {
        Self(State::Ready(Some(result)))
    }
}

impl<T> std::fmt::Debug for Extraction<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Extraction")
    }
}

/// Nothing in it is pinned in place.
impl<T> Unpin for Extraction<T> {}

impl<T> Future for Extraction<T> {
    type Output = Result<T, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.get_mut().0 {
            State::Ready(result) => match result.take() {
                Some(result) => Poll::Ready(result),
                None => Poll::Pending,
            },
            State::Waiting(future) => future.as_mut().poll(context),
        }
    }
}
