//! Whether the application's authorizer lets the caller of a request in.

use std::rc::Rc;

use actix_web::{HttpMessage as _, HttpRequest};
use tokio::sync::OnceCell;

use super::{
    auth::JwtAuth,
    decision::Demand,
    step::{Rejection, Step},
};
use crate::{claims::VerifiedClaims, error::AuthError};

/// What it has said of a caller, in the extensions of the request, so that claims as arguments ask once,
/// and not where a middleware or `#[require]` does.
struct Admission {
    by: JwtAuth,
    /// Another token is of another caller.
    claims: VerifiedClaims,
    outcome: Rc<AdmissionCell>,
}

type AdmissionCell = OnceCell<Result<(), AuthError>>;

impl Admission {
    /// Rejections that only one of two reports are none to it.
    fn is_by(&self, auth: &JwtAuth, claims: &VerifiedClaims) -> bool {
        self.by.is_same(auth)
            && self.by.is_report_only() == auth.is_report_only()
            && self.claims.is_of_same_token(claims)
    }
}

/// Asks the authorizer with an empty requirement, unless it is asked about this request already.
///
/// It is asked when the answer is waited for, not before: an argument in front may have refused by then.
pub(super) fn admit(auth: &JwtAuth, request: &HttpRequest, claims: &VerifiedClaims) -> Step {
    if auth.authorizer().is_none() {
        return Step::Ready(Ok(()));
    }
    let begun = known(auth, request, claims);
    let outcome = begun.unwrap_or_else(|| begin(auth, request, claims, OnceCell::new()));
    if let Some(outcome) = outcome.get() {
        return Step::Ready(outcome.clone().map_err(Rejection::from));
    }
    let (auth, request, claims) = (auth.clone(), request.clone(), claims.clone());
    Step::pending(async move {
        let ask = async || {
            let decision = Demand::authenticated().decide(&auth, &request, &claims);
            decision.get().await.map_err(own)
        };
        outcome.get_or_init(ask).await.clone().map_err(Rejection::from)
    })
}

/// Takes note that the authorizer decides with a requirement, or has, whose refusal is the end of the
/// request. Whether that was not noted before.
pub(super) fn leave(auth: &JwtAuth, request: &HttpRequest, claims: &VerifiedClaims) -> bool {
    let is_left = || known(auth, request, claims).is_some_and(|outcome| outcome.get().is_some());
    let is_new = auth.authorizer().is_some() && !is_left();
    if is_new {
        begin(auth, request, claims, OnceCell::new_with(Some(Ok(()))));
    }
    is_new
}

/// Takes it back: the requirement has refused, and an application may go on nevertheless.
pub(super) fn take_back(request: &HttpRequest) {
    request.extensions_mut().remove::<Admission>();
}

fn known(
    auth: &JwtAuth,
    request: &HttpRequest,
    claims: &VerifiedClaims,
) -> Option<Rc<AdmissionCell>> {
    let extensions = request.extensions();
    let known = extensions.get::<Admission>().filter(|known| known.is_by(auth, claims))?;
    Some(known.outcome.clone())
}

fn begin(
    auth: &JwtAuth,
    request: &HttpRequest,
    claims: &VerifiedClaims,
    outcome: AdmissionCell,
) -> Rc<AdmissionCell> {
    let outcome = Rc::new(outcome);
    let (by, claims, shared) = (auth.clone(), claims.clone(), outcome.clone());
    request.extensions_mut().insert(Admission { by, claims, outcome: shared });
    outcome
}

/// Without policies there are no answers of their own.
fn own(refusal: Rejection) -> AuthError {
    match refusal {
        Rejection::Error(error) => error,
        Rejection::Response(_) => AuthError::Misconfigured,
    }
}
