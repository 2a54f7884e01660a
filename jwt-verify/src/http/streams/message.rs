//! Authentication by a message of a stream.

use std::sync::Arc;

use actix_web::HttpRequest;

use crate::http::{
    auth::context::AuthContext,
    authentication::sender_constraint::accept_bearer,
    streams::{credential::StreamCredential, credential_check::check_credential},
};
use crate::{
    claims::{VerifiedClaims, VerifiedToken},
    error::{AuthError, InvalidTokenReason},
};

/// The caller that a message names, and the credential in it.
pub(super) struct MessageCaller {
    pub(super) token: Arc<VerifiedToken>,
    pub(super) credential: StreamCredential,
}

impl MessageCaller {
    /// Verifies the credential of a message as that of a request: a token, with `Bearer` in front or
    /// without, or an API key. No proof can be in a message (RFC 9449), so a token that is bound to
    /// a key is refused; one that is bound to a certificate needs that of the connection.
    pub(super) async fn verify(
        context: &AuthContext,
        request: &HttpRequest,
        text: &str,
    ) -> Result<Self, AuthError> {
        let text = text.trim_ascii();
        let scheme = text.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("bearer "));
        let text = scheme.and_then(|scheme| text.get(scheme.len()..)).unwrap_or(text).trim_ascii();
        if text.is_empty() {
            return Err(AuthError::MissingToken);
        }
        let credential = StreamCredential::new(text.as_bytes());
        let (kind, outcome) = check_credential(context, &credential, None).await;
        let token = accept_bearer(context, request, kind, outcome, false)?;
        Ok(Self { token, credential })
    }

    pub(super) fn claims(&self) -> VerifiedClaims {
        VerifiedClaims::new(self.token.clone())
    }

    /// Refuses another caller than the one before: another subject, issuer or kind of credential, or
    /// one without a subject.
    pub(super) fn check_same(&self, before: &VerifiedToken) -> Result<(), AuthError> {
        let caller = |token: &VerifiedToken| {
            let claims = token.claims();
            let subject = claims.subject().filter(|subject| !subject.is_empty());
            let subject = subject.map(str::to_owned);
            subject.map(|subject| (subject, claims.issuer().map(str::to_owned), token.kind()))
        };
        match (caller(&self.token), caller(before)) {
            (Some(new), Some(old)) if new == old => Ok(()),
            _ => Err(InvalidTokenReason::Subject.into()),
        }
    }
}
