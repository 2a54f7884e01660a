//! Whether the application's authorizer lets the caller of a request in.

use std::rc::Rc;

use actix_web::{HttpMessage as _, HttpRequest};
use tokio::sync::OnceCell;

use crate::http::auth::context::AuthContext;
use crate::{claims::VerifiedClaims, error::AuthError};

/// What it has said of a caller, in the extensions of the request, so that claims as arguments ask once,
/// and not where a middleware or `#[require]` does.
struct Admission {
    by: AuthContext,
    /// Another token is of another caller.
    claims: VerifiedClaims,
    outcome: Rc<AdmissionCell>,
}

type AdmissionCell = OnceCell<Result<(), AuthError>>;

impl Admission {
    /// Rejections that only one of two reports are none to it.
    fn is_by(&self, auth: &AuthContext, claims: &VerifiedClaims) -> bool {
        self.by.is_same(auth)
            && self.by.is_report_only() == auth.is_report_only()
            && self.claims.is_of_same_token(claims)
    }
}

/// Takes note that the authorizer decides with a requirement, or has, whose refusal is the end of the
/// request. Whether that was not noted before.
pub(crate) fn leave(auth: &AuthContext, request: &HttpRequest, claims: &VerifiedClaims) -> bool {
    let is_left = || known(auth, request, claims).is_some_and(|outcome| outcome.get().is_some());
    let is_new = auth.authorizer().is_some() && !is_left();
    if is_new {
        begin(auth, request, claims, OnceCell::new_with(Some(Ok(()))));
    }
    is_new
}

/// Takes it back: the requirement has refused, and an application may go on nevertheless.
pub(crate) fn take_back(request: &HttpRequest) {
    request.extensions_mut().remove::<Admission>();
}

pub(crate) fn known(
    auth: &AuthContext,
    request: &HttpRequest,
    claims: &VerifiedClaims,
) -> Option<Rc<AdmissionCell>> {
    let extensions = request.extensions();
    let known = extensions.get::<Admission>().filter(|known| known.is_by(auth, claims))?;
    Some(known.outcome.clone())
}

pub(crate) fn begin(
    auth: &AuthContext,
    request: &HttpRequest,
    claims: &VerifiedClaims,
    outcome: AdmissionCell,
) -> Rc<AdmissionCell> {
    let outcome = Rc::new(outcome);
    let (by, claims, shared) = (auth.clone(), claims.clone(), outcome.clone());
    request.extensions_mut().insert(Admission { by, claims, outcome: shared });
    outcome
}
