//! Logout tokens (OIDC Back-Channel Logout §2.4): the issuer says that a session is over.

use super::{Verifier, VerifierBuilder};
use crate::{AuthError, ConfigError, Revocation, VerifiedClaims, validation::TokenKind};

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
        let verifier = builder.kind(TokenKind::Logout).token_cache(0).build()?;
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
        self.claims.get("sid").and_then(|sid| sid.as_str())
    }

    /// Whose session, or all of whose sessions, where no session is named.
    pub fn subject(&self) -> Option<&str> {
        self.claims.subject()
    }

    /// What has to be revoked: the session, or else all of the subject's tokens until now.
    pub(crate) fn revocation(&self) -> Option<Revocation> {
        let issuer = self.claims.issuer()?;
        let issued_at = self.claims.issued_at()?.since_epoch();
        match (self.session_id(), self.subject()) {
            (Some(session), _) => Some(Revocation::session(issuer, session)),
            (None, Some(subject)) => Some(Revocation::subject(issuer, subject, issued_at)),
            (None, None) => None,
        }
    }
}
