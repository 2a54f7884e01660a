//! The credential of a stream, from its request on.

use actix_web::HttpRequest;

use crate::http::{
    auth::context::AuthContext,
    authenticators::{AttemptOutcome, Presented, select},
    credentials::Credential,
    streams::credential::StreamCredential,
};
use crate::{claims::CredentialKind, error::AuthError, verifier::SenderUnchecked};

/// Returns the credential of a request that was authenticated by one of this kind; `None` if
/// the credential is more than a text, or if a test has handed the caller over.
pub(super) fn credential_of(
    context: &AuthContext,
    request: &HttpRequest,
    kind: CredentialKind,
) -> Option<StreamCredential> {
    let credential = context.token_source(false)?.extractor.extract(request).ok()?;
    let token = credential.as_ref().map(Credential::as_bytes);
    let presented = Presented::new(request, token);
    let others = context.authenticators().iter();
    let mut of_kind = others.filter(|other| other.credential_kind() == kind);
    if let Some(text) = of_kind.find_map(|other| other.credential_text(presented)) {
        return Some(StreamCredential::new(text));
    }
    let is_for_verifier = kind == CredentialKind::Jwt
        && matches!(select(context.authenticators(), request, credential.as_ref()), Ok(None));
    token.filter(|_| is_for_verifier).map(StreamCredential::new)
}

/// Verifies a credential as that of a request, which is of this kind if that is known. Its sender
/// constraint is not checked: that needs a request.
pub(super) async fn check_credential(
    context: &AuthContext,
    credential: &StreamCredential,
    known: Option<CredentialKind>,
) -> (CredentialKind, Result<SenderUnchecked, AuthError>) {
    let (text, verifier) = (credential.text(), context.verifier());
    for authenticator in context.authenticators() {
        // One of another kind may have to ask its store to tell that the text is none of its own.
        if known.is_some_and(|known| known != authenticator.credential_kind()) {
            continue;
        }
        let outcome = match authenticator.authenticate_text(text).outcome {
            AttemptOutcome::NotMine => continue,
            AttemptOutcome::Ready(outcome) => outcome,
            AttemptOutcome::Pending(pending) => pending.await,
        };
        let kind = authenticator.credential_kind();
        let checked = outcome.and_then(|authenticated| {
            authenticated.check(kind, || verifier.now(), || verifier.own_clock())
        });
        let outcome = match checked {
            Ok((token, _)) => verifier.check_other(token).await,
            Err(error) => Err(error),
        };
        return (kind, outcome);
    }
    (CredentialKind::Jwt, verifier.verify_token(text).await)
}
