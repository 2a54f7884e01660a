//! The credential of a stream, which is judged again while the stream is open.

use std::sync::Arc;

use actix_web::HttpRequest;
use zeroize::Zeroizing;

use crate::http::{
    auth::context::AuthContext,
    authenticators::{AttemptOutcome, Presented, select},
    credentials::Credential,
};
use crate::{claims::CredentialKind, error::AuthError, verifier::SenderUnchecked};

/// The text of a credential, overwritten when it is dropped.
#[derive(Clone)]
pub(crate) struct StreamCredential(Arc<Zeroizing<Box<[u8]>>>);

impl StreamCredential {
    pub(super) fn new(text: &[u8]) -> Self {
        Self(Arc::new(Zeroizing::new(text.into())))
    }

    /// Returns the credential of a request that was authenticated by one of this kind; `None` if
    /// the credential is more than a text, or if a test has handed the caller over.
    pub(super) fn of_request(
        context: &AuthContext,
        request: &HttpRequest,
        kind: CredentialKind,
    ) -> Option<Self> {
        let credential = context.token_source(false)?.extractor.extract(request).ok()?;
        let token = credential.as_ref().map(Credential::as_bytes);
        let presented = Presented::new(request, token);
        let mut others = context.authenticators().iter();
        let of_kind = others.find(|other| other.credential_kind() == kind);
        if let Some(text) = of_kind.and_then(|other| other.credential_text(presented)) {
            return Some(Self::new(text));
        }
        let is_for_verifier = kind == CredentialKind::Jwt
            && matches!(select(context.authenticators(), request, credential.as_ref()), Ok(None));
        token.filter(|_| is_for_verifier).map(Self::new)
    }

    /// Judges the credential as it would be judged for a request. Its sender constraint is not
    /// checked: that needs a request.
    pub(super) async fn judge(
        &self,
        context: &AuthContext,
    ) -> Result<(CredentialKind, SenderUnchecked), AuthError> {
        let (text, verifier) = (&**self.0, context.verifier());
        for authenticator in context.authenticators() {
            let outcome = match authenticator.authenticate_text(text).outcome {
                AttemptOutcome::NotMine => continue,
                AttemptOutcome::Ready(outcome) => outcome,
                AttemptOutcome::Pending(pending) => pending.await,
            };
            let kind = authenticator.credential_kind();
            let (token, _) = outcome?.check(kind, || verifier.now(), || verifier.own_clock())?;
            return Ok((kind, verifier.check_other(token).await?));
        }
        Ok((CredentialKind::Jwt, verifier.verify_token(text).await?))
    }
}
