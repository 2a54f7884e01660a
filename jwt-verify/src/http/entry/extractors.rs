//! Claims as arguments of handlers.

use std::{
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::{
    Error, FromRequest, HttpRequest,
    dev::{Payload, ServiceRequest},
};
use serde::de::DeserializeOwned;

use crate::http::{
    auth::context::AuthContext,
    authentication::{
        self, Authentication, app_data, failed_check::FailedCheck, noted_refusal::RefusalDetails,
    },
    authorization::{RequestContext, admit},
    entry::payload_gate::PayloadGate,
    refusal::{details::note, event::RefusedBy, refuse_as_error},
    step::{Rejection, Step},
};
use crate::{
    authz::Requirement,
    claims::VerifiedClaims,
    error::{AuthError, InvalidTokenReason},
};

/// The claims of a caller who may also be anonymous.
///
/// `None` means that the request carries no credentials at all. A credential that is present and
/// invalid is refused, unlike with `Option<VerifiedClaims>`: Actix turns every error under an
/// `Option` into `None`.
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
pub struct OptionalClaims<T = crate::claims::Claims>(pub Option<VerifiedClaims<T>>);

/// Gives access to the verified claims in code that has a request instead of an argument.
///
/// It is sealed: the library implements it for the requests of Actix.
pub trait VerifiedClaimsExt: sealed::Sealed {
    /// Returns the claims, if the request has been authenticated already, by the middleware or by
    /// an argument of the handler.
    fn verified_claims(&self) -> Option<VerifiedClaims>;

    /// Checks the caller against a requirement, with the clock of the [`JwtAuth`](crate::JwtAuth) and the path
    /// parameters. It is the handler's own decision: an [`Authorizer`](crate::authorization::Authorizer) is not
    /// called, and it is enforced under [`JwtAuth::report_only`](crate::JwtAuth::report_only) too.
    ///
    /// Inside the middleware, an error that the handler returns is answered like every other
    /// refusal: by the hook of [`JwtAuthBuilder::error_response`](crate::JwtAuthBuilder::error_response),
    /// with an event, and with one for the [`AuditSink`](crate::authorization::AuditSink). Elsewhere
    /// it gets the default response.
    ///
    /// # Errors
    /// [`AuthError::Forbidden`] or [`AuthError::StepUp`] with the unmet part;
    /// [`AuthError::MissingToken`] if the request has not been authenticated;
    /// [`AuthError::Misconfigured`] if the requirement uses a path parameter that the route does
    /// not have, a handler's policy, or a token of another kind.
    fn check(&self, requirement: &Requirement) -> Result<(), AuthError>;
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for super::HttpRequest {}
    impl Sealed for super::ServiceRequest {}
}

impl VerifiedClaimsExt for HttpRequest {
    fn verified_claims(&self) -> Option<VerifiedClaims> {
        Authentication::of(self)?.claims().ok()
    }

    fn check(&self, requirement: &Requirement) -> Result<(), AuthError> {
        let Some(known) = Authentication::of(self) else { return Err(AuthError::MissingToken) };
        let claims = known.claims()?;
        if requirement.is_for_refresh() != known.is_for_refresh {
            tracing::error!(
                "a requirement is about tokens of another kind than that of the request"
            );
            return Err(AuthError::Misconfigured);
        }
        let context = RequestContext {
            auth: &known.by,
            request: self,
            variables: None,
            handler: None,
            policies: &[],
        };
        let outcome = requirement.check(claims.verified(), &context);
        outcome.inspect_err(|error| {
            let (error, requirement) = (error.clone(), requirement.clone());
            *known.failed_check.borrow_mut() = Some(Rc::new(FailedCheck { error, requirement }));
        })
    }
}

impl VerifiedClaimsExt for ServiceRequest {
    fn verified_claims(&self) -> Option<VerifiedClaims> {
        self.request().verified_claims()
    }

    fn check(&self, requirement: &Requirement) -> Result<(), AuthError> {
        self.request().check(requirement)
    }
}

impl<T: DeserializeOwned + Send + Sync + 'static> FromRequest for VerifiedClaims<T> {
    type Error = Error;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        extract(request, payload, Wanted::Any, |authentication, request| {
            match authentication.claims() {
                Ok(claims) => admitted(&authentication.by, request, claims, parse),
                Err(error) => Step::Ready(Err(error.into())),
            }
        })
    }
}

/// Extraction by hand, in a [`FromRequest`] of your own or in a test.
impl VerifiedClaims {
    /// Extracts the claims, as an argument of a handler does. `VerifiedClaims::from_request` is this
    /// function, without a type annotation; for a type of your own write
    /// `VerifiedClaims::<Employee>::from_request`, which is [`FromRequest::from_request`].
    ///
    /// ```
    /// use actix_web::{Error, HttpRequest, dev::Payload};
    /// use jwt_verify::VerifiedClaims;
    ///
    /// async fn subject(request: &HttpRequest, payload: &mut Payload) -> Result<String, Error> {
    ///     let claims = VerifiedClaims::from_request(request, payload).await?;
    ///     Ok(claims.subject().unwrap_or("a machine").to_owned())
    /// }
    /// ```
    ///
    /// For an argument made of claims alone, [`FromClaims`](crate::extract::FromClaims) is shorter.
    pub fn from_request(request: &HttpRequest, payload: &mut Payload) -> Extraction<Self> {
        <Self as FromRequest>::from_request(request, payload)
    }

    /// Extracts the claims without touching the body; see [`from_request`](Self::from_request).
    pub fn extract(request: &HttpRequest) -> Extraction<Self> {
        <Self as FromRequest>::extract(request)
    }
}

impl<T: DeserializeOwned + Send + Sync + 'static> FromRequest for OptionalClaims<T> {
    type Error = Error;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        extract(request, payload, Wanted::Any, |authentication, request| {
            match authentication.token.clone().map(VerifiedClaims::new) {
                Some(claims) => admitted(&authentication.by, request, claims, parse)
                    .map(|claims| OptionalClaims(Some(claims))),
                None => Step::Ready(Ok(OptionalClaims(None))),
            }
        })
    }
}

/// Makes an argument of the claims, if the application's authorizer admits the caller.
pub(crate) fn admitted<T: 'static>(
    context: &AuthContext,
    request: &HttpRequest,
    claims: VerifiedClaims,
    make: fn(VerifiedClaims, &HttpRequest) -> Result<T, AuthError>,
) -> Step<T> {
    if context.authorizer().is_none() {
        return Step::Ready(make(claims, request).map_err(Rejection::from));
    }
    let admission = admit(context, request, &claims);
    match make(claims, request) {
        Ok(argument) => admission.map(|()| argument),
        Err(error) => Step::Ready(Err(error.into())),
    }
}

/// Deserializes the claims as the application's type.
fn parse<T: DeserializeOwned + Send + Sync + 'static>(
    claims: VerifiedClaims,
    request: &HttpRequest,
) -> Result<VerifiedClaims<T>, AuthError> {
    claims.try_parse().map_err(|claims| {
        let error = InvalidTokenReason::ClaimsShape.into();
        note(&error, request, || {
            let shape = claims.shape_problem::<T>();
            RefusalDetails { shape, ..RefusalDetails::default() }
        });
        error
    })
}

/// Kind of token that an argument expects.
#[derive(Clone, Copy)]
pub(crate) enum Wanted {
    /// The kind that was found already; else an access token.
    Any,
    /// The kind that the requirement of a handler demands.
    ForHandler { name: &'static str, is_for_refresh: bool },
}

impl Wanted {
    fn is_for_refresh(self) -> bool {
        matches!(self, Self::ForHandler { is_for_refresh: true, .. })
    }

    fn refused_by(self) -> RefusedBy {
        match self {
            Self::Any => RefusedBy::default(),
            Self::ForHandler { name, is_for_refresh } => {
                RefusedBy { handler: Some(name), is_for_refresh }
            }
        }
    }

    fn is_met_by(self, known: &Authentication) -> bool {
        match self {
            Self::Any => true,
            Self::ForHandler { is_for_refresh, .. } => known.is_for_refresh == is_for_refresh,
        }
    }
}

/// Authenticates the request, unless that is done already, and makes an argument of the outcome.
/// While that is pending, the body is closed for the arguments that follow.
pub(crate) fn extract<T: 'static>(
    request: &HttpRequest,
    payload: &mut Payload,
    wanted: Wanted,
    make: fn(&Authentication, &HttpRequest) -> Step<T>,
) -> Extraction<T> {
    let (nearest, address) = match app_data::locate(request) {
        (Ok(nearest), address) => (nearest, address),
        (Err(error), _) => return Extraction::ready(Err(error.into())),
    };
    let known = Authentication::of(request);
    if let Some(known) = known.as_ref().and_then(|known| known.valid_for(nearest, address))
        && wanted.is_met_by(&known)
    {
        return finish(&known.by, request, payload, make(&known, request), wanted);
    }
    // A middleware has authenticated tokens of another kind; its JwtAuth is used here too.
    let Some(auth) = nearest.or(known.as_ref().map(|known| &known.by)) else {
        tracing::error!(
            "a handler needs verified claims, but there is no JwtAuth: add `.wrap(auth)` to the app \
             or scope, or `.app_data(auth)`"
        );
        return Extraction::ready(Err(AuthError::Misconfigured.into()));
    };
    let authenticated = match known {
        Some(_) => authentication::authenticate(auth, request, wanted.is_for_refresh(), |_, _| {}),
        None => {
            authentication::authenticate_first(auth, request, wanted.is_for_refresh(), || address)
        }
    };
    let argument =
        authenticated.and_then(&make, request, |make, request, known| make(known, request));
    finish(auth, request, payload, argument, wanted)
}

fn finish<T: 'static>(
    context: &AuthContext,
    request: &HttpRequest,
    payload: &mut Payload,
    step: Step<T>,
    wanted: Wanted,
) -> Extraction<T> {
    match step {
        Step::Ready(outcome) => Extraction::ready(
            outcome.map_err(|rejection| reject_as_error(context, rejection, request, wanted)),
        ),
        Step::Pending(outcome) => {
            let (context, request) = (context.clone(), request.clone());
            Extraction::waiting(payload, async move {
                outcome
                    .await
                    .map_err(|rejection| reject_as_error(&context, rejection, &request, wanted))
            })
        }
    }
}

fn reject_as_error(
    context: &AuthContext,
    rejection: Rejection,
    request: &HttpRequest,
    wanted: Wanted,
) -> Error {
    match rejection {
        Rejection::Error(error) => refuse_as_error(context, error, request, wanted.refused_by()),
        Rejection::Response(response) => response,
    }
}

/// Future returned by an extractor of this library.
pub struct Extraction<T>(ExtractionState<T>);

enum ExtractionState<T> {
    Ready(Option<Result<T, Error>>),
    Waiting(Pin<Box<dyn Future<Output = Result<T, Error>>>>),
}

impl<T> Extraction<T> {
    pub(crate) fn ready(result: Result<T, Error>) -> Self {
        Self(ExtractionState::Ready(Some(result)))
    }

    /// Returns the result, if it is ready.
    pub(crate) fn now(self) -> Result<Result<T, Error>, Self> {
        match self.0 {
            ExtractionState::Ready(Some(result)) => Ok(result),
            state => Err(Self(state)),
        }
    }

    fn waiting(
        payload: &mut Payload,
        outcome: impl Future<Output = Result<T, Error>> + 'static,
    ) -> Self
    where
        T: 'static,
    {
        let gate = PayloadGate::close(payload);
        Self(ExtractionState::Waiting(Box::pin(async move {
            let outcome = outcome.await;
            drop(gate);
            outcome
        })))
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
            ExtractionState::Ready(result) => match result.take() {
                Some(result) => Poll::Ready(result),
                None => Poll::Pending,
            },
            ExtractionState::Waiting(future) => future.as_mut().poll(context),
        }
    }
}
