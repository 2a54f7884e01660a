//! Redemption of a refresh token.

use std::time::Duration;

use super::{SessionClaims, SessionsInner, ending::finish};
use crate::issuing::sessions::{SessionError, Sessions, TokenPair};
use crate::{
    claims::VerifiedClaims,
    issuing::{
        AccessTokenBuilder,
        refresh_store::{Rotation, RotationOutcome, hashed},
    },
};

/// A verified refresh token that has not been used up yet.
#[derive(Debug)]
pub struct RefreshGrant {
    pub(super) sessions: Sessions,
    pub(super) claims: VerifiedClaims,
}

impl RefreshGrant {
    /// Returns the subject of the session.
    pub fn subject(&self) -> &str {
        self.claims.subject().unwrap_or_default()
    }

    /// Returns the session ID (`sid`).
    pub fn session_id(&self) -> &str {
        self.claims.find_text("sid").unwrap_or_default()
    }

    /// Uses the refresh token up, and issues the next one with an access token that is not fresh;
    /// `grant` adds claims to it.
    ///
    /// # Errors
    /// [`SessionError::InvalidGrant`] if the session has ended or the token was used before, which
    /// may end the session; [`SessionError::Issuing`], after which the refresh token is still
    /// valid; [`SessionError::Unavailable`] if a store is unreachable.
    pub async fn issue<F>(self, grant: F) -> Result<TokenPair, SessionError>
    where
        F: FnOnce(AccessTokenBuilder<'_>) -> AccessTokenBuilder<'_>,
    {
        let inner = &*self.sessions.inner;
        let (subject, session_id) = (self.subject(), self.session_id());
        let session = SessionClaims::of(&self.claims).ok_or(SessionError::InvalidGrant)?;
        if session.ends_at <= inner.issuer.now() {
            return Err(SessionError::InvalidGrant);
        }
        self.sessions.check_not_revoked(&self.claims).await?;
        // Everything that can fail without a store comes before the token is used up.
        let access = grant(inner.issuer.access_token(&subject)).in_session(session_id);
        let access = access.after(&session.login).ends_before(session.ends_at).sign()?;
        let refresh = self.sessions.refresh_token(subject, session_id, &session)?;
        let presented = hashed(self.claims.token_id().unwrap_or_default());
        let exchange = Exchange {
            session_id: session_id.to_owned(),
            subject: subject.to_owned(),
            presented,
            next: hashed(refresh.id()),
            until: refresh.expires_at().max(access.expires_at()),
        };
        finish(exchange.carry_out(self.sessions.clone())).await?;
        Ok(TokenPair { access, refresh, session_id: session_id.to_owned() })
    }
}

/// The exchange of a refresh token for the next.
struct Exchange {
    session_id: String,
    subject: String,
    presented: String,
    next: String,
    until: Duration,
}

impl Exchange {
    async fn carry_out(self, sessions: Sessions) -> Result<(), SessionError> {
        let SessionsInner { issuer, store, grace, .. } = &*sessions.inner;
        let rotation = Rotation {
            session_id: &self.session_id,
            subject: &self.subject,
            presented: &self.presented,
            next: &self.next,
            now: issuer.now(),
            until: self.until,
            grace: *grace,
        };
        match store.rotate(&rotation).await? {
            RotationOutcome::Rotated => return Ok(()),
            RotationOutcome::Repeated => {
                tracing::debug!("a refresh token came twice within the time of grace");
            }
            // The token is authentic, so the session existed: its end may not have reached the
            // access tokens.
            RotationOutcome::Unknown => sessions.revoke_access(&[self.session_id]).await?,
            RotationOutcome::Reused => {
                tracing::warn!("a refresh token was used twice; its session has been ended");
                sessions.revoke_access(&[self.session_id]).await?;
            }
        }
        Err(SessionError::InvalidGrant)
    }
}
