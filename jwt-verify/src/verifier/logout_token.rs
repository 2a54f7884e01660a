//! Logout tokens (OIDC Back-Channel Logout §2.4): the issuer says that a session is over.

use super::{Verifier, VerifierBuilder};
use crate::{
    claims::VerifiedClaims,
    error::{AuthError, ConfigError},
    revocation::Revocation,
    validation::TokenKind,
};

/// Verifies logout tokens that an issuer sends to a client.
#[derive(Debug, Clone)]
pub struct LogoutTokenVerifier {
    verifier: Verifier,
}

/// What an issuer has ended.
#[derive(Debug, Clone)]
pub struct LogoutToken {
    claims: VerifiedClaims,
}

impl LogoutTokenVerifier {
    /// For the logout tokens of an issuer for this client. `change` sets keys, algorithms and clock;
    /// keys come by discovery at the issuer unless something else is set.
    ///
    /// # Errors
    /// What [`VerifierBuilder::build`] refuses.
    pub fn new(
        issuer: impl Into<String>,
        client_id: impl Into<String>,
        change: impl FnOnce(VerifierBuilder) -> VerifierBuilder,
    ) -> Result<Self, ConfigError> {
        let builder = change(Verifier::builder(issuer, client_id));
        let verifier = builder.kind(TokenKind::Logout).token_cache_capacity(0).build()?;
        Ok(Self { verifier })
    }

    /// Verifies a logout token (§2.6).
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`] or [`AuthError::ExpiredToken`]; [`AuthError::Unavailable`] if no
    /// key can be had.
    pub async fn verify(&self, token: impl AsRef<[u8]>) -> Result<LogoutToken, AuthError> {
        Ok(LogoutToken { claims: self.verifier.verify(token).await? })
    }

    /// The time by which tokens are judged.
    pub(crate) fn now(&self) -> std::time::Duration {
        self.verifier.now()
    }
}

impl LogoutToken {
    /// The session that is over (`sid`), if the token names one.
    pub fn session_id(&self) -> Option<&str> {
        self.claims.find_text("sid")
    }

    /// Whose session, or all of whose sessions, where no session is named.
    pub fn subject(&self) -> Option<&str> {
        self.claims.subject()
    }

    /// Names what has to be revoked: the session, and all of the subject's tokens until then;
    /// without the latter where the token names a session and that is to be enough.
    pub(crate) fn revocations(&self, sessions_only: bool) -> Vec<Revocation> {
        let claims = &self.claims;
        let (Some(issuer), Some(issued_at)) = (claims.issuer(), claims.issued_at()) else {
            return Vec::new();
        };
        let session = self.session_id().map(|session| Revocation::session(issuer, session));
        let subject = self.subject().filter(|_| session.is_none() || !sessions_only);
        let moment = issued_at.since_epoch();
        let subject = subject.map(|subject| Revocation::subject(issuer, subject, moment));
        session.into_iter().chain(subject).collect()
    }
}
