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

use super::{
    admission::admit,
    auth::JwtAuth,
    authentication::Authentication,
    decision::{Judgement, Refusal, Scene},
    gate::Gate,
};
use crate::{AuthError, Requirement, VerifiedClaims};

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

    /// Holds the caller against a requirement, by the clock of the [`JwtAuth`] and with the segments
    /// of the path. It is the handler's own decision: an [`Authorizer`](crate::Authorizer) is not
    /// asked, an [`AuditSink`](crate::AuditSink) not told, and it counts under
    /// [`JwtAuth::report_only`] too.
    ///
    /// # Errors
    /// [`AuthError::Forbidden`] or [`AuthError::StepUp`] with what is missing;
    /// [`AuthError::MissingToken`] if the request has not been authenticated;
    /// [`AuthError::Misconfigured`] if the requirement asks for a segment that the route does not
    /// have, for a handler's policy, or for a token of another kind.
    fn check(&self, requirement: &Requirement) -> Result<(), AuthError>;
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
        let scene = Scene { auth: &known.by, request: self, policies: &[] };
        requirement.check(claims.verified(), &scene)
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
                Ok(claims) => admitted(&authentication.by, request, claims),
                Err(error) => Judgement::now(Err(error)),
            }
        })
    }
}

impl<T: DeserializeOwned + Send + Sync + 'static> FromRequest for OptionalClaims<T> {
    type Error = Error;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        extract(request, payload, Wanted::Any, |authentication, request| {
            match authentication.token.clone().map(VerifiedClaims::new) {
                Some(claims) => admitted(&authentication.by, request, claims)
                    .map(|claims| OptionalClaims(Some(claims))),
                None => Judgement::now(Ok(OptionalClaims(None))),
            }
        })
    }
}

/// The claims as a type of the application's, of a caller whom its authorizer lets in.
fn admitted<T: DeserializeOwned + Send + Sync + 'static>(
    auth: &JwtAuth,
    request: &HttpRequest,
    claims: VerifiedClaims,
) -> Judgement<VerifiedClaims<T>> {
    if auth.authorizer().is_none() {
        return Judgement::now(claims.parse());
    }
    let admission = admit(auth, request, &claims);
    match claims.parse() {
        Ok(claims) => admission.map(|()| claims),
        Err(error) => Judgement::now(Err(error)),
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
/// there at once unless something has to be waited for; until then the body is closed for the
/// arguments that follow.
pub(super) fn extract<T: 'static>(
    request: &HttpRequest,
    payload: &mut Payload,
    wanted: Wanted,
    make: fn(&Authentication, &HttpRequest) -> Judgement<T>,
) -> Extraction<T> {
    let (nearest, places) = match JwtAuth::nearest_of(request) {
        (Ok(nearest), places) => (nearest, places),
        (Err(error), _) => return Extraction::ready(Err(error.into())),
    };
    let known = Authentication::of(request);
    if let Some(known) = known.as_ref().and_then(|known| known.beside(nearest, places))
        && wanted.is_met_by(&known)
    {
        return conclude(&known.by, request, payload, make(&known, request));
    }
    // A middleware has found out about tokens of another kind; it knows the way to this one.
    let Some(auth) = nearest.or(known.as_ref().map(|known| &known.by)) else {
        tracing::error!(
            "a handler needs verified claims, but there is no JwtAuth: add `.wrap(auth)` to the app \
             or scope, or `.app_data(auth)`"
        );
        return Extraction::ready(Err(AuthError::Misconfigured.into()));
    };
    let is_for_refresh = wanted.is_for_refresh();
    let outcome = match known {
        Some(_) => auth.authenticate_now(request, is_for_refresh),
        None => auth.find_out_now(request, is_for_refresh, || places),
    };
    match outcome {
        Some(Ok(known)) => conclude(auth, request, payload, make(&known, request)),
        Some(Err(error)) => Extraction::ready(Err(auth.refuse_as_error(error, request))),
        None => {
            let (auth, request) = (auth.clone(), request.clone());
            Extraction::waiting(payload, async move {
                let outcome = auth.authenticate(&request, is_for_refresh).await;
                let outcome = match outcome.map(|known| make(&known, &request)) {
                    Ok(Judgement::Now(outcome)) => outcome,
                    Ok(Judgement::Later(outcome)) => outcome.await,
                    Err(error) => Err(error.into()),
                };
                outcome.map_err(|refusal| auth.answer_as_error(refusal, &request))
            })
        }
    }
}

fn conclude<T: 'static>(
    auth: &JwtAuth,
    request: &HttpRequest,
    payload: &mut Payload,
    judgement: Judgement<T>,
) -> Extraction<T> {
    match judgement {
        Judgement::Now(outcome) => {
            Extraction::ready(outcome.map_err(|refusal| auth.answer_as_error(refusal, request)))
        }
        Judgement::Later(outcome) => {
            let (auth, request) = (auth.clone(), request.clone());
            Extraction::waiting(payload, async move {
                outcome.await.map_err(|refusal| auth.answer_as_error(refusal, &request))
            })
        }
    }
}

impl JwtAuth {
    fn answer_as_error(&self, refusal: Refusal, request: &HttpRequest) -> Error {
        match refusal {
            Refusal::Error(error) => self.refuse_as_error(error, request),
            Refusal::Answer(answer) => answer,
        }
    }
}

/// The future of an extractor of this library.
pub struct Extraction<T>(State<T>);

enum State<T> {
    Ready(Option<Result<T, Error>>),
    Waiting(Pin<Box<dyn Future<Output = Result<T, Error>>>>),
}

impl<T> Extraction<T> {
    pub(super) fn ready(result: Result<T, Error>) -> Self {
        Self(State::Ready(Some(result)))
    }

    /// What it is, if nothing has to be waited for.
    pub(super) fn now(self) -> Result<Result<T, Error>, Self> {
        match self.0 {
            State::Ready(Some(result)) => Ok(result),
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
        let gate = Gate::close(payload);
        Self(State::Waiting(Box::pin(async move {
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
            State::Ready(result) => match result.take() {
                Some(result) => Poll::Ready(result),
                None => Poll::Pending,
            },
            State::Waiting(future) => future.as_mut().poll(context),
        }
    }
}
