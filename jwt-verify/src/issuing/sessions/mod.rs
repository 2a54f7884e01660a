//! User sessions with rotating, single-use refresh tokens (RFC 9700 §4.14.2).

mod builder;
mod ending;
mod error;
mod pair;
mod refresh_grant;

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use serde_json::Map;

use self::ending::finish;
pub use self::{
    builder::SessionsBuilder, error::SessionError, pair::TokenPair, refresh_grant::RefreshGrant,
};
use super::{
    AccessTokenBuilder, IssuedToken, IssuingError, TokenIssuer, random_name,
    refresh_store::hashed,
    token::{Login, subject_name},
};
use crate::issuing::refresh_store::{RefreshStore, SessionRecord};
use crate::{
    claims::{Claims, VerifiedClaims},
    error::AuthError,
    json::Json,
    revocation::RevocationStore,
    validation::REFRESH_TYPE,
    verifier::{Verifier, VerifierBuilder},
};

/// Manages user sessions: created by a login, continued by refresh tokens, revoked by a logout.
///
/// * A refresh token works once and is replaced by the next. Of several concurrent redemptions
///   exactly one succeeds.
/// * A token that is reused shortly after, such as by a client's retry, is refused without
///   consequences ([`reuse_grace_period`](SessionsBuilder::reuse_grace_period)). One that is reused
///   later has been stolen, or its successor has: the whole session ends (RFC 9700 §4.14.2).
/// * A session ends after 30 days, and after 7 without a refresh.
/// * A user has at most 100 sessions; with one more the oldest ends.
/// * With a [`RevocationStore`], access tokens of a session that has ended are refused at once, not
///   only when they expire.
///
/// Access tokens carry the session ID as `sid`.
///
/// ```
/// use jwt_verify::{
///     Algorithm, issuing::{SigningKey, TokenIssuer}, revocation::MemoryRevocation,
///     sessions::Sessions,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = SigningKey::generate(Algorithm::ES256)?;
/// let issuer = TokenIssuer::builder("https://app.example", "https://api.example", key).build()?;
/// let sessions = Sessions::builder(issuer).revocation(MemoryRevocation::new()).build()?;
///
/// // After the password was checked:
/// let tokens = sessions.create(&"alice", |token| token.roles(["editor"])).await?;
///
/// // When the access token has expired. What the user may do is looked up anew.
/// let grant = sessions.redeem(tokens.refresh.as_str()).await?;
/// assert_eq!(grant.subject(), "alice");
/// let tokens = grant.issue(|token| token.roles(["editor"])).await?;
///
/// // Logging out everywhere:
/// sessions.revoke_all("alice").await?;
/// assert!(sessions.redeem(tokens.refresh.as_str()).await?.issue(|token| token).await.is_err());
/// # Ok(())
/// # }
/// ```
#[doc(alias = "refresh token", alias = "login", alias = "logout")]
#[derive(Debug, Clone)]
pub struct Sessions {
    inner: Arc<SessionsInner>,
}

#[derive(Debug)]
struct SessionsInner {
    issuer: TokenIssuer,
    refresh_tokens: Verifier,
    store: Arc<dyn RefreshStore>,
    revocation: Option<Arc<dyn RevocationStore>>,
    lifetime: Duration,
    idle: Duration,
    grace: Duration,
    sessions_per_subject: usize,
}

/// Claims of a refresh token besides subject and session.
struct SessionClaims {
    login: Login,
    /// End of the session, however often it is refreshed.
    ends_at: Duration,
}

impl SessionClaims {
    fn of(claims: &Claims) -> Option<Self> {
        let number = |name: &str| claims.find(name).and_then(Json::as_integer);
        let other = |name: &str| claims.find(name).map(Json::to_value);
        let login = Login { at: number("auth_time")?, acr: other("acr"), amr: other("amr") };
        Some(Self { login, ends_at: Duration::from_secs(number("session_exp")?) })
    }
}

impl Sessions {
    /// Returns a builder of sessions whose tokens this issuer mints.
    pub fn builder(issuer: TokenIssuer) -> SessionsBuilder {
        SessionsBuilder::new(issuer)
    }

    /// Returns the issuer of the tokens.
    pub fn issuer(&self) -> &TokenIssuer {
        &self.inner.issuer
    }

    /// Returns a verifier of the access tokens, which refuses those of sessions that have ended.
    pub fn verifier(&self) -> VerifierBuilder {
        let verifier = self.inner.issuer.verifier();
        match &self.inner.revocation {
            Some(store) => verifier.shared_revocation(store.clone()),
            None => verifier,
        }
    }

    /// Returns the verifier of refresh tokens.
    pub fn refresh_tokens(&self) -> &Verifier {
        &self.inner.refresh_tokens
    }

    /// Creates a session for a user who has just logged in. The access token is fresh; `grant` adds
    /// claims to it. Its claims about the login, [`acr`](AccessTokenBuilder::acr) and
    /// [`amr`](AccessTokenBuilder::amr), apply to the whole session. If the user has the maximum
    /// number of sessions ([`sessions_per_subject`](SessionsBuilder::sessions_per_subject)), the
    /// oldest ends.
    ///
    /// # Errors
    /// [`SessionError::Issuing`] for a mistake in the granted claims, [`SessionError::Unavailable`]
    /// if a store is unreachable.
    pub async fn create<F>(
        &self,
        subject: &impl Serialize,
        grant: F,
    ) -> Result<TokenPair, SessionError>
    where
        F: FnOnce(AccessTokenBuilder<'_>) -> AccessTokenBuilder<'_>,
    {
        let inner = &*self.inner;
        let subject = subject_name(subject).ok_or(IssuingError::Subject)?;
        let now = inner.issuer.now();
        let session_id = random_name::<16>()?;
        let ends_at = now.saturating_add(inner.lifetime);
        let access = grant(inner.issuer.access_token(&subject)).in_session(&session_id);
        let (access, login) = access.at_login();
        let access = access.ends_before(ends_at).sign()?;
        let refresh =
            self.refresh_token(&subject, &session_id, &SessionClaims { login, ends_at })?;
        let record = SessionRecord {
            current: hashed(refresh.id()),
            begun_at: now,
            until: refresh.expires_at().max(access.expires_at()),
            most: inner.sessions_per_subject,
            subject,
            session_id: session_id.clone(),
        };
        let sessions = self.clone();
        finish(async move {
            let ended = sessions.inner.store.begin(&record).await?;
            sessions.revoke_access(&ended).await
        })
        .await?;
        Ok(TokenPair { access, refresh, session_id })
    }

    /// Verifies a refresh token, without using it up yet. Look up the user and their current
    /// permissions, then call [`issue`](RefreshGrant::issue).
    ///
    /// # Errors
    /// [`SessionError::InvalidGrant`] for anything but a refresh token of this issuer.
    pub async fn redeem(&self, token: impl AsRef<[u8]>) -> Result<RefreshGrant, SessionError> {
        match self.inner.refresh_tokens.verify(token).await {
            Ok(claims) => self.redeem_claims(claims),
            Err(AuthError::Unavailable { retry_after }) => {
                Err(SessionError::Unavailable { retry_after })
            }
            Err(_) => Err(SessionError::InvalidGrant),
        }
    }

    /// Redeems the claims of a refresh token that `#[require(refresh)]` has verified.
    ///
    /// # Errors
    /// [`SessionError::InvalidGrant`] for claims of another token.
    pub fn redeem_claims(&self, claims: VerifiedClaims) -> Result<RefreshGrant, SessionError> {
        if claims.issuer() != Some(self.inner.issuer.name())
            || claims.find_text("token_use") != Some("refresh")
        {
            return Err(SessionError::InvalidGrant);
        }
        let complete = [claims.subject(), claims.token_id()].iter().all(Option::is_some)
            && claims.find_text("sid").is_some();
        if !complete {
            return Err(SessionError::InvalidGrant);
        }
        Ok(RefreshGrant { sessions: self.clone(), claims })
    }

    fn refresh_token(
        &self,
        subject: &str,
        session_id: &str,
        session: &SessionClaims,
    ) -> Result<IssuedToken, IssuingError> {
        let SessionsInner { issuer, idle, .. } = &*self.inner;
        let mut claims = Map::new();
        for (name, value) in [
            ("sub", subject.into()),
            ("sid", session_id.into()),
            ("token_use", "refresh".into()),
            ("auth_time", session.login.at.into()),
            ("session_exp", session.ends_at.as_secs().into()),
        ] {
            claims.insert(name.to_owned(), value);
        }
        let Login { acr, amr, .. } = &session.login;
        for (name, value) in [("acr", acr), ("amr", amr)] {
            claims.extend(value.iter().map(|value| (name.to_owned(), value.clone())));
        }
        let left = session.ends_at.saturating_sub(issuer.now());
        // 256 bits, so that it cannot be guessed even by an attacker who can sign.
        let id = random_name::<32>()?;
        issuer.sign(REFRESH_TYPE, claims, issuer.name().into(), id, left.min(*idle))
    }
}
