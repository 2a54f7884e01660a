//! Choice of the one authenticator that a request has a credential for.

use actix_web::HttpRequest;

use super::{Authenticator, Presented, attempt::AttemptOutcome};
use crate::{
    claims::CredentialKind,
    error::InvalidRequestReason,
    http::{auth::context::AuthContext, credentials::Credential},
};

/// An authenticator with a credential in the request.
pub(crate) struct Selected<'r> {
    pub(crate) kind: CredentialKind,
    /// The request's token is its credential.
    pub(crate) is_by_token: bool,
    pub(crate) outcome: AttemptOutcome<'r>,
}

/// Finds the authenticator that the request has a credential for; `None` leaves the token, if there is
/// one, to the verifier. The token goes to the first that takes it. Two credentials are an error.
pub(crate) fn select<'r>(
    authenticators: &'r [Box<dyn Authenticator>],
    request: &'r HttpRequest,
    credential: Option<&'r Credential<'r>>,
) -> Result<Option<Selected<'r>>, InvalidRequestReason> {
    let mut token = credential.map(Credential::as_bytes);
    let mut selected: Option<Selected<'r>> = None;
    for authenticator in authenticators {
        let attempt = authenticator.authenticate(Presented { request, token });
        let (outcome, is_by_token) = (attempt.outcome, attempt.is_by_token);
        if matches!(outcome, AttemptOutcome::NotMine) {
            continue;
        }
        let is_by_token = is_by_token && token.is_some();
        if is_by_token {
            token = None;
        }
        if selected.is_some() {
            return Err(InvalidRequestReason::Ambiguous);
        }
        let kind = authenticator.credential_kind();
        selected = Some(Selected { kind, is_by_token, outcome });
    }
    if selected.is_some() && token.is_some() {
        return Err(InvalidRequestReason::Ambiguous);
    }
    Ok(selected)
}

/// Returns the kind of the credential that an authenticator takes from a request, for logs and
/// explanations.
pub(crate) fn kind_taken(
    context: &AuthContext,
    request: &HttpRequest,
    credential: Option<&Credential<'_>>,
) -> Option<CredentialKind> {
    let selected = select(context.authenticators(), request, credential).ok()??;
    Some(selected.kind)
}
