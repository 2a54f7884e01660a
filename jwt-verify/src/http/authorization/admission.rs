//! Calls of the application's authorizer, once per request.

use std::rc::Rc;

use actix_web::{HttpMessage as _, HttpRequest};
use tokio::sync::OnceCell;

use crate::http::auth::context::AuthContext;
use crate::{claims::VerifiedClaims, error::AuthError};

/// Its decision about a caller, in the extensions of the request, so that claims as arguments call
/// it once, and not if a middleware or `#[require]` does.
struct Admission {
    by: AuthContext,
    /// Another token belongs to another caller.
    claims: VerifiedClaims,
    outcome: Rc<AdmissionCell>,
}

type AdmissionCell = OnceCell<Result<(), AuthError>>;

impl Admission {
    /// Returns `true` for the same rules and caller. A handle that only reports does not share its
    /// rejections with one that enforces.
    fn is_by(&self, auth: &AuthContext, claims: &VerifiedClaims) -> bool {
        self.by.is_same(auth)
            && self.by.is_report_only() == auth.is_report_only()
            && self.claims.is_of_same_token(claims)
    }
}

/// Records that the authorizer decides, or has decided, with a requirement whose refusal ends the
/// request. Returns `true` if that was not recorded before.
pub(crate) fn leave(auth: &AuthContext, request: &HttpRequest, claims: &VerifiedClaims) -> bool {
    let is_left = || known(auth, request, claims).is_some_and(|outcome| outcome.get().is_some());
    let is_new = auth.authorizer().is_some() && !is_left();
    if is_new {
        begin(auth, request, claims, OnceCell::new_with(Some(Ok(()))));
    }
    is_new
}

/// Removes the record: the requirement has refused, and an application may run its handler
/// nevertheless.
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
