//! Authentication by a credential that an authenticator takes.

use std::sync::Arc;

use actix_web::HttpRequest;

use crate::http::{
    auth::context::AuthContext,
    authentication::sender_constraint,
    authenticators::{AttemptOutcome, Authenticated, Selected, select},
    credentials::{Credential, TokenExtractor, Way},
};
use crate::{
    claims::{CredentialKind, VerifiedToken},
    error::AuthError,
    lookup::Lookup,
    verifier::SenderUnchecked,
};

type OtherCaller = (Arc<VerifiedToken>, Way);

/// Accepts a credential, or refuses it; `None` if that has to be waited for.
pub(super) fn accept_now(
    context: &AuthContext,
    request: &HttpRequest,
    credential: Option<&Credential<'_>>,
    selected: Selected<'_>,
) -> Option<Result<OtherCaller, AuthError>> {
    let Selected { kind, is_by_token, outcome } = selected;
    let credential = credential.filter(|_| is_by_token);
    let AttemptOutcome::Ready(outcome) = outcome else { return None };
    // The use of a proof has to be waited for.
    if credential.is_some_and(Credential::has_proof) {
        return None;
    }
    let mut way = Way::default();
    let unchecked = match check(context, kind, outcome) {
        Ok((unchecked, found)) => {
            way = credential.map_or(found, Credential::way);
            match unchecked {
                Lookup::Ready(unchecked) => unchecked,
                Lookup::Pending(_) => return None,
            }
        }
        Err(error) => Err(error),
    };
    let accepted = sender_constraint::accept_bearer(context, request, kind, unchecked, false);
    Some(accepted.map(|token| (token, way)))
}

/// Accepts a credential that has to be waited for, or refuses it.
pub(super) async fn accept(
    context: &AuthContext,
    request: &HttpRequest,
    extractor: &dyn TokenExtractor,
) -> Result<OtherCaller, AuthError> {
    let credential = extractor.extract(request)?;
    let selected = select(context.authenticators(), request, credential.as_ref())?;
    let Selected { kind, is_by_token, outcome } = selected.ok_or(AuthError::MissingToken)?;
    let credential = credential.as_ref().filter(|_| is_by_token);
    let mut way = Way::default();
    let verify = async {
        let outcome = match outcome {
            AttemptOutcome::Ready(outcome) => outcome,
            AttemptOutcome::Pending(pending) => pending.await,
            AttemptOutcome::NotMine => Err(AuthError::MissingToken),
        };
        let (unchecked, found) = check(context, kind, outcome)?;
        way = credential.map_or(found, Credential::way);
        unchecked.await
    };
    let token = if let Some(credential) = credential.filter(|credential| credential.has_proof()) {
        let token = credential.as_bytes();
        sender_constraint::accept_dpop(context, request, kind, token, verify).await?
    } else {
        let unchecked = verify.await;
        sender_constraint::accept_bearer(context, request, kind, unchecked, false)?
    };
    Ok((token, way))
}

/// Checks what holds for claims of every kind: times, and revocation.
fn check(
    context: &AuthContext,
    kind: CredentialKind,
    outcome: Result<Authenticated, AuthError>,
) -> Result<(Lookup<'_, Result<SenderUnchecked, AuthError>>, Way), AuthError> {
    let verifier = context.verifier();
    let (token, way) = outcome?.check(kind, || verifier.now(), || verifier.own_clock())?;
    Ok((verifier.check_other(token), way))
}
