//! Revocation of sessions.

use std::{future::Future, time::Duration};

use serde::Serialize;

use super::SessionsInner;
use crate::issuing::sessions::{SessionError, Sessions};
use crate::lookup::Lookup;
use crate::{
    claims::{Claims, VerifiedClaims},
    defaults::{MAX_ACCESS_LIFETIME, MAX_LEEWAY, STORE_RETRY},
    detached::to_the_end,
    issuing::{IssuingError, token::subject_name},
    revocation::{Revocation, RevocationKeys},
};

/// Revokes sessions. On Tokio, and so on Actix, each call runs to completion even if the client
/// disconnects.
impl Sessions {
    /// Revokes the session of a verified access token or refresh token. Both stop working; without
    /// a [`RevocationStore`](crate::revocation::RevocationStore), only the refresh token.
    ///
    /// # Errors
    /// [`SessionError::InvalidGrant`] for a token of another issuer or without a session,
    /// [`SessionError::Unavailable`] if a store is unreachable: the access token is still valid
    /// then, and the call can be repeated.
    pub async fn revoke<T>(&self, claims: &VerifiedClaims<T>) -> Result<(), SessionError> {
        let (subject, session_id) = self.session_of(claims.standard())?;
        let sessions = self.clone();
        finish(async move {
            // The access token last: with it the call can be repeated.
            sessions.inner.store.end(&subject, &session_id).await?;
            sessions.revoke_access(&[session_id]).await
        })
        .await
    }

    /// Revokes a session of this subject by its ID, as in
    /// [`TokenPair::session_id`](crate::sessions::TokenPair), and returns `true` if there was one.
    ///
    /// A session ID is not a secret, so it may come from anywhere: for an unknown ID or that of
    /// another subject the result is `false`, and nothing is written. The subject must be that of
    /// the caller, as a verified token names it.
    ///
    /// # Errors
    /// [`SessionError::Unavailable`] if a store is unreachable; the call can be repeated.
    pub async fn revoke_by_id(
        &self,
        subject: &impl Serialize,
        session_id: &str,
    ) -> Result<bool, SessionError> {
        let subject = subject_name(subject).ok_or(IssuingError::Subject)?;
        let (sessions, session_id) = (self.clone(), session_id.to_owned());
        finish(async move {
            let SessionsInner { store, revocation, .. } = &*sessions.inner;
            if revocation.is_none() {
                return Ok(store.end(&subject, &session_id).await?);
            }
            if !store.sessions_of(&subject).await?.contains(&session_id) {
                return Ok(false);
            }
            // Access tokens first: a session that is still listed can be ended again.
            sessions.revoke_access(std::slice::from_ref(&session_id)).await?;
            // Another call may have ended it meanwhile; it existed.
            store.end(&subject, &session_id).await?;
            Ok(true)
        })
        .await
    }

    /// Revokes all sessions of a user, including sessions that a store has lost: access tokens of
    /// those that were issued within the last second remain valid until they expire.
    ///
    /// # Errors
    /// [`SessionError::Unavailable`] if a store is unreachable: some sessions may have ended then,
    /// and the call can be repeated.
    pub async fn revoke_all(&self, subject: &str) -> Result<(), SessionError> {
        let (sessions, subject) = (self.clone(), subject.to_owned());
        finish(async move {
            let SessionsInner { issuer, revocation, lifetime, .. } = &*sessions.inner;
            if let Some(revocation) = revocation {
                let (now, second) = (issuer.now(), Duration::from_secs(1));
                // Dates are whole seconds: a login that follows at once must not be affected.
                let before = Duration::from_secs(now.as_secs()).saturating_sub(second);
                let what = Revocation::subject(issuer.name(), &subject, before);
                let until = now.saturating_add((*lifetime).max(MAX_ACCESS_LIFETIME));
                revocation.revoke(&what, until).await?;
            }
            sessions.revoke_except(&subject, None).await
        })
        .await
    }

    /// Revokes all sessions of the user but the one of a verified token, for example after a change
    /// of the password.
    ///
    /// # Errors
    /// As for [`revoke`](Self::revoke) and [`revoke_all`](Self::revoke_all).
    pub async fn revoke_others<T>(&self, claims: &VerifiedClaims<T>) -> Result<(), SessionError> {
        let (subject, session_id) = self.session_of(claims.standard())?;
        let sessions = self.clone();
        finish(async move { sessions.revoke_except(&subject, Some(&session_id)).await }).await
    }

    /// Access tokens first, as in [`revoke_by_id`](Self::revoke_by_id); then those of sessions
    /// created meanwhile.
    async fn revoke_except(&self, subject: &str, except: Option<&str>) -> Result<(), SessionError> {
        let SessionsInner { store, revocation, .. } = &*self.inner;
        let mut listed = Vec::new();
        if revocation.is_some() {
            listed = store.sessions_of(subject).await?;
            listed.retain(|session_id| except != Some(session_id));
            self.revoke_access(&listed).await?;
        }
        let mut ended = store.end_all(subject, except).await?;
        ended.retain(|session_id| !listed.contains(session_id));
        self.revoke_access(&ended).await
    }

    /// Checks the revocation store for refresh tokens too, since other code may have revoked them
    /// there.
    pub(super) async fn check_not_revoked(&self, claims: &Claims) -> Result<(), SessionError> {
        let Some(revocation) = &self.inner.revocation else { return Ok(()) };
        let keys = RevocationKeys::of(claims);
        let is_revoked = match revocation.check(&keys) {
            Lookup::Ready(answer) => answer?,
            Lookup::Pending(answer) => answer.await?,
        };
        if is_revoked { Err(SessionError::InvalidGrant) } else { Ok(()) }
    }

    /// Revokes the access tokens of sessions, in one call of the store.
    pub(super) async fn revoke_access(&self, session_ids: &[String]) -> Result<(), SessionError> {
        let SessionsInner { issuer, revocation, .. } = &*self.inner;
        let Some(revocation) = revocation.as_ref().filter(|_| !session_ids.is_empty()) else {
            return Ok(());
        };
        let revocation_of = |session_id: &String| Revocation::session(issuer.name(), session_id);
        let revocations: Vec<Revocation> = session_ids.iter().map(revocation_of).collect();
        // A session that has ended issues no new tokens, so the newest are issued now at the
        // latest.
        let until = issuer.now().saturating_add(MAX_ACCESS_LIFETIME + MAX_LEEWAY);
        Ok(revocation.revoke_all(&revocations, until).await?)
    }

    /// Returns session and subject from the claims of a token of this issuer.
    fn session_of(&self, claims: &Claims) -> Result<(String, String), SessionError> {
        match (claims.subject(), claims.find_text("sid")) {
            (Some(subject), Some(session_id))
                if claims.issuer() == Some(self.inner.issuer.name()) =>
            {
                Ok((subject.to_owned(), session_id.to_owned()))
            }
            _ => Err(SessionError::InvalidGrant),
        }
    }
}

/// Runs changes of stores to completion, even if the client disconnects.
pub(super) async fn finish<T: Send + 'static>(
    work: impl Future<Output = Result<T, SessionError>> + Send + 'static,
) -> Result<T, SessionError> {
    let unfinished = SessionError::Unavailable { retry_after: STORE_RETRY };
    to_the_end(work).await.unwrap_or(Err(unfinished))
}
