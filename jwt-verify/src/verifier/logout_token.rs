//! Logout tokens (OIDC Back-Channel Logout §2.4), with which an issuer reports the end of a
//! session.

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

/// A verified logout token: the session or the subject that the issuer has logged out.
#[derive(Debug, Clone)]
pub struct LogoutToken {
    claims: VerifiedClaims,
}

impl LogoutTokenVerifier {
    /// Builds a verifier of the logout tokens that an issuer makes for this client. `change` sets
    /// keys, algorithms and clock; keys are found by discovery at the issuer unless another
    /// provider is set.
    ///
    /// # Errors
    /// Every setting that [`VerifierBuilder::build`] refuses.
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
    /// key is available.
    pub async fn verify(&self, token: impl AsRef<[u8]>) -> Result<LogoutToken, AuthError> {
        Ok(LogoutToken { claims: self.verifier.verify(token).await? })
    }

    /// Returns the wall-clock time used for tokens.
    pub(crate) fn now(&self) -> std::time::Duration {
        self.verifier.now()
    }
}

impl LogoutToken {
    /// Returns the session that has ended (`sid`), if the token names one.
    pub fn session_id(&self) -> Option<&str> {
        self.claims.find_text("sid")
    }

    /// Returns the subject of the session, or of all sessions to end if no session is named.
    pub fn subject(&self) -> Option<&str> {
        self.claims.subject()
    }

    /// Returns the entries to revoke: the session, and all of the subject's tokens issued until
    /// now. With `sessions_only`, a token that names a session revokes the session only.
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
