//! Logout tokens (OIDC Back-Channel Logout §2.4), with which an issuer reports the end of a
//! session.

use std::sync::Arc;

use super::{TrustedIssuer, Verifier, VerifierBuilder};
use crate::{
    claims::VerifiedClaims,
    clock::Clock,
    defaults::LOG_PAUSE,
    error::{AuthError, ConfigError},
    log_limiter::LogLimiter,
    revocation::Revocation,
    validation::TokenKind,
};

/// Verifies logout tokens that an issuer sends to a client.
///
/// A token without `exp`, as Ory Hydra and older versions of Keycloak and authentik send it, is
/// accepted for five minutes after its `iat`, plus the leeway. `iat` and `jti` are required of each.
#[derive(Debug, Clone)]
pub struct LogoutTokenVerifier {
    verifier: Verifier,
    /// Shared by all workers.
    refusals: Arc<LogLimiter>,
}

/// Settings of a [`LogoutTokenVerifier`]. Keys and algorithms are set on the [`TrustedIssuer`].
#[derive(Debug)]
#[must_use]
pub struct LogoutTokenVerifierBuilder {
    verifier: VerifierBuilder,
}

impl LogoutTokenVerifierBuilder {
    /// Sets the clock; see [`VerifierBuilder::clock`]. Default: the system clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.verifier = self.verifier.clock(clock);
        self
    }

    /// Sets the maximum token size in bytes. Default: 16 KiB.
    pub fn max_token_bytes(mut self, most: usize) -> Self {
        self.verifier = self.verifier.max_token_bytes(most);
        self
    }

    /// Checks the settings and builds the verifier.
    ///
    /// # Errors
    /// Every setting that [`VerifierBuilder::build`] refuses.
    pub fn build(self) -> Result<LogoutTokenVerifier, ConfigError> {
        let refusals = Arc::new(LogLimiter::new(LOG_PAUSE));
        Ok(LogoutTokenVerifier { verifier: self.verifier.build()?, refusals })
    }
}

/// A verified logout token: the session or the subject that the issuer has logged out.
#[derive(Debug, Clone)]
pub struct LogoutToken {
    claims: VerifiedClaims,
}

impl LogoutTokenVerifier {
    /// Returns a builder for the logout tokens of an issuer for this client: short for
    /// [`for_issuer`](Self::for_issuer) with [`TrustedIssuer::new`].
    pub fn builder(
        issuer: impl Into<String>,
        client_id: impl Into<String>,
    ) -> LogoutTokenVerifierBuilder {
        Self::for_issuer(TrustedIssuer::new(issuer, client_id))
    }

    /// Returns a builder for the logout tokens of an issuer whose audience is the `client_id` of this
    /// client. A [`token_profile`](TrustedIssuer::token_profile) of the issuer has no effect here.
    pub fn for_issuer(issuer: TrustedIssuer) -> LogoutTokenVerifierBuilder {
        let issuer = issuer.kind(TokenKind::Logout);
        LogoutTokenVerifierBuilder {
            verifier: Verifier::for_issuer(issuer).token_cache_capacity(0),
        }
    }

    /// Verifies a logout token (§2.6).
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`] or [`AuthError::ExpiredToken`]; [`AuthError::Unavailable`] if no
    /// key is available.
    pub async fn verify(&self, token: impl AsRef<[u8]>) -> Result<LogoutToken, AuthError> {
        Ok(LogoutToken { claims: self.verifier.verify(token).await? })
    }

    /// Counts a refused token. Returns the number of those that were left out before it, if it is to
    /// be logged as a warning.
    pub(crate) fn refusal_to_log(&self) -> Option<u64> {
        self.refusals.turn(self.verifier.clock().monotonic())
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
