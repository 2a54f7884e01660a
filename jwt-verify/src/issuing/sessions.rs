//! Logins that go on: a refresh token works once, and brings the next.

use std::{sync::Arc, time::Duration};

use serde::{Serialize, Serializer, ser::SerializeStruct};
use serde_json::Map;

use super::{
    AccessToken, IssuedToken, IssuingError, MemoryRefreshStore, RefreshStore, RefreshStoreError,
    Rotation, RotationOutcome, SessionRecord, TokenIssuer, random_name, refresh_store::hashed,
    token::subject_name,
};
use crate::{
    AuthError, Claims, ConfigError, Revocation, RevocationError, RevocationLookup, RevocationStore,
    TokenMarks, VerifiedClaims, Verifier, VerifierBuilder,
    json::Json,
    limits::{
        MAX_ACCESS_LIFETIME, MAX_LEEWAY, MAX_SESSION_LIFETIME, REFRESH_GRACE, SESSION_IDLE,
        SESSION_LIFETIME, STORE_RETRY,
    },
    validation::{REFRESH_TYPE, TokenKind},
};

/// Sessions of users: begun by a login, carried on by refresh tokens, ended by a logout.
///
/// * A refresh token works once and brings its successor. Of several that are redeemed at the same
///   time exactly one wins.
/// * One that comes again shortly after, such as a client's repetition, is refused and does no harm
///   ([`grace`](SessionsBuilder::grace)). One that comes later has been stolen, or its successor has:
///   the whole session ends (RFC 9700 §4.14.2).
/// * A session is over after 30 days, and after 7 without a refresh.
/// * With a [`RevocationStore`], access tokens of a session that has ended are refused at once, not
///   only when they expire.
///
/// Access tokens carry the session's name as `sid`.
///
/// ```
/// use jwt_verify::{Algorithm, MemoryRevocation, Sessions, SigningKey, TokenIssuer};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = SigningKey::generate(Algorithm::ES256)?;
/// let issuer = TokenIssuer::builder("https://app.example", "https://api.example", key).build()?;
/// let sessions = Sessions::builder(issuer).revocation(MemoryRevocation::new()).build()?;
///
/// // After the password was checked:
/// let tokens = sessions.begin(&"alice", |token| token.roles(["editor"])).await?;
///
/// // When the access token has expired. What the user may do is looked up anew.
/// let renewal = sessions.refresh(tokens.refresh.as_str()).await?;
/// assert_eq!(renewal.subject(), "alice");
/// let tokens = renewal.issue(|token| token.roles(["editor"])).await?;
///
/// // Logging out everywhere:
/// sessions.end_all("alice").await?;
/// assert!(sessions.refresh(tokens.refresh.as_str()).await?.issue(|token| token).await.is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Sessions {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    issuer: TokenIssuer,
    refresh_tokens: Verifier,
    store: Arc<dyn RefreshStore>,
    revocation: Option<Arc<dyn RevocationStore>>,
    lifetime: Duration,
    idle: Duration,
    grace: Duration,
}

/// Settings of [`Sessions`].
#[derive(Debug)]
#[must_use]
pub struct SessionsBuilder {
    issuer: TokenIssuer,
    store: Option<Arc<dyn RefreshStore>>,
    revocation: Option<Arc<dyn RevocationStore>>,
    lifetime: Duration,
    idle: Duration,
    grace: Duration,
}

impl SessionsBuilder {
    /// Where sessions are kept. Default: in the memory of the process.
    pub fn store(mut self, store: impl RefreshStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Where ended sessions are noted, so that their access tokens are refused at once. Give the
    /// verifier the same one. Default: nowhere, and access tokens are good until they expire.
    pub fn revocation(mut self, store: impl RevocationStore) -> Self {
        self.revocation = Some(Arc::new(store));
        self
    }

    /// How long a session lasts at most, however often it is refreshed. Default: 30 d.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// How long a session lasts without a refresh. Default: 7 d.
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// How long after its use a refresh token may come again without ending the session: it is
    /// refused either way. Default: 10 s; at most a minute.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// Lifetimes that make no sense, or are longer than the issuer keeps its keys.
    pub fn build(self) -> Result<Sessions, ConfigError> {
        let access = self.issuer.access_lifetime();
        if self.lifetime < access || self.lifetime > MAX_SESSION_LIFETIME {
            return Err(ConfigError::invalid(
                "lifetime",
                "must be at least that of access tokens, and at most a year",
            ));
        }
        if self.lifetime > self.issuer.inner.longest_lifetime {
            return Err(ConfigError::invalid(
                "lifetime",
                "is longer than the issuer's longest_lifetime, for which it keeps keys",
            ));
        }
        if self.idle < access || self.idle > self.lifetime {
            return Err(ConfigError::invalid(
                "idle",
                "must be at least the lifetime of access tokens, and at most that of a session",
            ));
        }
        if self.grace > Duration::from_secs(60) {
            return Err(ConfigError::invalid("grace", "must be at most one minute"));
        }
        let store = self.store.unwrap_or_else(|| {
            Arc::new(MemoryRefreshStore::with_shared_clock(self.issuer.clock()))
        });
        Ok(Sessions {
            inner: Arc::new(Inner {
                refresh_tokens: self.issuer.own_verifier(TokenKind::Refresh).build()?,
                issuer: self.issuer,
                store,
                revocation: self.revocation,
                lifetime: self.lifetime,
                idle: self.idle,
                grace: self.grace,
            }),
        })
    }
}

/// What a refresh token says besides who it is for.
struct SessionClaims<'a> {
    session_id: &'a str,
    logged_in_at: u64,
    /// When the session is over, however often it is refreshed.
    ends_at: Duration,
}

impl Sessions {
    /// Sessions whose tokens this issuer mints.
    pub fn builder(issuer: TokenIssuer) -> SessionsBuilder {
        // A session of whoever set a shorter life for keys is shorter as well.
        let lifetime = SESSION_LIFETIME.min(issuer.inner.longest_lifetime);
        SessionsBuilder {
            issuer,
            store: None,
            revocation: None,
            lifetime,
            idle: SESSION_IDLE.min(lifetime),
            grace: REFRESH_GRACE,
        }
    }

    /// Who mints the tokens.
    pub fn issuer(&self) -> &TokenIssuer {
        &self.inner.issuer
    }

    /// A verifier of the access tokens, which refuses those of sessions that have ended.
    pub fn verifier(&self) -> VerifierBuilder {
        let verifier = self.inner.issuer.verifier();
        match &self.inner.revocation {
            Some(store) => verifier.shared_revocation(store.clone()),
            None => verifier,
        }
    }

    /// What refresh tokens are verified with.
    pub fn refresh_tokens(&self) -> &Verifier {
        &self.inner.refresh_tokens
    }

    /// Begins a session for a user who has just logged in. The access token is fresh; `grant` says
    /// what else it grants.
    ///
    /// # Errors
    /// [`SessionError::Issuing`] for a mistake in what is granted, [`SessionError::Unavailable`] if
    /// the store is out of reach.
    pub async fn begin<F>(
        &self,
        subject: &impl Serialize,
        grant: F,
    ) -> Result<TokenPair, SessionError>
    where
        F: FnOnce(AccessToken<'_>) -> AccessToken<'_>,
    {
        let inner = &*self.inner;
        let subject = subject_name(subject).ok_or(IssuingError::Subject)?;
        let now = inner.issuer.now();
        let session_id = random_name::<16>()?;
        let claims = SessionClaims {
            session_id: &session_id,
            logged_in_at: now.as_secs(),
            ends_at: now.saturating_add(inner.lifetime),
        };
        let access = grant(inner.issuer.access_token(&subject)).fresh().session(&session_id);
        let access = access.ends_before(claims.ends_at).sign()?;
        let refresh = self.refresh_token(&subject, &claims)?;
        let record = SessionRecord {
            current: hashed(refresh.id()),
            until: refresh.expires_at(),
            subject,
            session_id: session_id.clone(),
        };
        inner.store.begin(&record).await?;
        Ok(TokenPair { access, refresh, session_id })
    }

    /// Verifies a refresh token. Nothing is used up yet: look up who the user is and what they may
    /// do now, then [`issue`](Renewal::issue).
    ///
    /// # Errors
    /// [`SessionError::InvalidGrant`] for anything that is no refresh token of this issuer.
    pub async fn refresh(&self, token: impl AsRef<[u8]>) -> Result<Renewal, SessionError> {
        match self.inner.refresh_tokens.verify(token).await {
            Ok(claims) => self.renewal(claims),
            Err(AuthError::Unavailable { retry_after }) => {
                Err(SessionError::Unavailable { retry_after })
            }
            Err(_) => Err(SessionError::InvalidGrant),
        }
    }

    /// The same for the claims of a refresh token that was verified by `#[require(refresh)]`.
    ///
    /// # Errors
    /// [`SessionError::InvalidGrant`] for claims of another token.
    pub fn renewal(&self, claims: VerifiedClaims) -> Result<Renewal, SessionError> {
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
        Ok(Renewal { sessions: self.clone(), claims })
    }

    /// Ends the session that a token belongs to: a verified access token or refresh token. Both stop
    /// working; without a [`RevocationStore`], the refresh token only.
    ///
    /// # Errors
    /// [`SessionError::InvalidGrant`] for a token of another issuer or without a session,
    /// [`SessionError::Unavailable`] if a store is out of reach: the access token is still good then,
    /// and the call can be repeated.
    pub async fn end<T>(&self, claims: &VerifiedClaims<T>) -> Result<(), SessionError> {
        let (subject, session_id) = self.session_of(claims.standard())?;
        // The access token last: with it the call can be repeated.
        self.inner.store.end(subject, session_id).await?;
        self.revoke_access(session_id).await
    }

    /// Ends a session by its name, as [`TokenPair::session_id`] has it.
    ///
    /// # Errors
    /// [`SessionError::Unavailable`] if a store is out of reach; the call can be repeated.
    pub async fn end_session(
        &self,
        subject: &impl Serialize,
        session_id: &str,
    ) -> Result<(), SessionError> {
        let subject = subject_name(subject).ok_or(IssuingError::Subject)?;
        self.end_one(&subject, session_id).await
    }

    /// Ends all sessions of a user, those included that a store has lost: of these, access tokens
    /// that were issued within the last second are good until they expire.
    ///
    /// # Errors
    /// [`SessionError::Unavailable`] if a store is out of reach: some sessions may have ended then,
    /// and the call can be repeated.
    pub async fn end_all(&self, subject: &str) -> Result<(), SessionError> {
        let Inner { issuer, revocation, .. } = &*self.inner;
        if let Some(revocation) = revocation {
            let (now, second) = (issuer.now(), Duration::from_secs(1));
            // Dates are whole seconds: a login that follows at once must not be caught.
            let before = Duration::from_secs(now.as_secs()).saturating_sub(second);
            let what = Revocation::subject(issuer.name(), subject, before);
            let until = now.saturating_add(self.inner.lifetime.max(MAX_ACCESS_LIFETIME));
            revocation.revoke(&what, until).await?;
        }
        self.end_except(subject, None).await
    }

    /// Ends all sessions of the user but the one that a verified token belongs to, as after a change
    /// of the password.
    ///
    /// # Errors
    /// As [`end`](Self::end) and [`end_all`](Self::end_all).
    pub async fn end_others<T>(&self, claims: &VerifiedClaims<T>) -> Result<(), SessionError> {
        let (subject, session_id) = self.session_of(claims.standard())?;
        self.end_except(subject, Some(session_id)).await
    }

    async fn end_except(&self, subject: &str, except: Option<&str>) -> Result<(), SessionError> {
        for session_id in self.inner.store.sessions_of(subject).await? {
            if except != Some(session_id.as_str()) {
                self.end_one(subject, &session_id).await?;
            }
        }
        Ok(())
    }

    /// What was revoked without the help of these sessions counts for refresh tokens as well.
    async fn check_not_revoked(&self, claims: &Claims) -> Result<(), SessionError> {
        let Some(revocation) = &self.inner.revocation else { return Ok(()) };
        let marks = TokenMarks::of(claims);
        let is_revoked = match revocation.check(&marks) {
            RevocationLookup::Ready(answer) => answer?,
            RevocationLookup::Pending(answer) => answer.await?,
        };
        if is_revoked { Err(SessionError::InvalidGrant) } else { Ok(()) }
    }

    /// The session that the claims of a token of this issuer name, and whose it is.
    fn session_of<'a>(&self, claims: &'a Claims) -> Result<(&'a str, &'a str), SessionError> {
        let session_id = claims.find_text("sid");
        match (claims.subject(), session_id) {
            (Some(subject), Some(session_id))
                if claims.issuer() == Some(self.inner.issuer.name()) =>
            {
                Ok((subject, session_id))
            }
            _ => Err(SessionError::InvalidGrant),
        }
    }

    /// Access tokens first: a session that is still listed can be ended again.
    async fn end_one(&self, subject: &str, session_id: &str) -> Result<(), SessionError> {
        self.revoke_access(session_id).await?;
        Ok(self.inner.store.end(subject, session_id).await?)
    }

    async fn revoke_access(&self, session_id: &str) -> Result<(), SessionError> {
        let Inner { issuer, revocation, .. } = &*self.inner;
        let Some(revocation) = revocation else { return Ok(()) };
        // The session can bring no new ones, so the youngest is as old as now.
        let until = issuer.now().saturating_add(MAX_ACCESS_LIFETIME + MAX_LEEWAY);
        Ok(revocation.revoke(&Revocation::session(issuer.name(), session_id), until).await?)
    }

    fn refresh_token(
        &self,
        subject: &str,
        session: &SessionClaims<'_>,
    ) -> Result<IssuedToken, IssuingError> {
        let Inner { issuer, idle, .. } = &*self.inner;
        let mut claims = Map::new();
        for (name, value) in [
            ("sub", subject.into()),
            ("sid", session.session_id.into()),
            ("token_use", "refresh".into()),
            ("auth_time", session.logged_in_at.into()),
            ("session_exp", session.ends_at.as_secs().into()),
        ] {
            claims.insert(name.to_owned(), value);
        }
        let left = session.ends_at.saturating_sub(issuer.now());
        // 256 bits, so that it cannot be guessed even where its signature could be made.
        let id = random_name::<32>()?;
        issuer.sign(REFRESH_TYPE, claims, issuer.name().into(), id, left.min(*idle))
    }
}

/// A refresh token that is good as far as it can be told without using it up.
#[derive(Debug)]
pub struct Renewal {
    sessions: Sessions,
    claims: VerifiedClaims,
}

impl Renewal {
    /// Whose session it is.
    pub fn subject(&self) -> &str {
        self.claims.subject().unwrap_or_default()
    }

    /// The session's name (`sid`).
    pub fn session_id(&self) -> &str {
        self.claims.find_text("sid").unwrap_or_default()
    }

    /// Uses the refresh token up, and brings the next one with an access token that is not fresh;
    /// `grant` says what else it grants.
    ///
    /// # Errors
    /// [`SessionError::InvalidGrant`] if the session is over or the token was used before, which may
    /// end the session; [`SessionError::Issuing`], after which the refresh token is as good as
    /// before; [`SessionError::Unavailable`] if a store is out of reach.
    pub async fn issue<F>(self, grant: F) -> Result<TokenPair, SessionError>
    where
        F: FnOnce(AccessToken<'_>) -> AccessToken<'_>,
    {
        let inner = &*self.sessions.inner;
        let (subject, session_id) = (self.subject(), self.session_id());
        let number = |name: &str| self.claims.find(name).and_then(Json::as_integer);
        let (Some(logged_in_at), Some(ends_at)) = (number("auth_time"), number("session_exp"))
        else {
            return Err(SessionError::InvalidGrant);
        };
        let ends_at = Duration::from_secs(ends_at);
        if ends_at <= inner.issuer.now() {
            return Err(SessionError::InvalidGrant);
        }
        self.sessions.check_not_revoked(&self.claims).await?;
        // All that can fail without a store comes before the token is used up.
        let access = grant(inner.issuer.access_token(&subject)).logged_in_at(logged_in_at);
        let access = access.session(session_id).ends_before(ends_at).sign()?;
        let session = SessionClaims { session_id, logged_in_at, ends_at };
        let refresh = self.sessions.refresh_token(subject, &session)?;
        let (presented, next) =
            (hashed(self.claims.token_id().unwrap_or_default()), hashed(refresh.id()));
        let rotation = Rotation {
            session_id,
            subject,
            presented: &presented,
            next: &next,
            now: inner.issuer.now(),
            until: refresh.expires_at(),
            grace: inner.grace,
        };
        match inner.store.rotate(&rotation).await? {
            RotationOutcome::Rotated => {
                Ok(TokenPair { access, refresh, session_id: session_id.to_owned() })
            }
            RotationOutcome::Repeated => {
                tracing::debug!("a refresh token came twice within the time of grace");
                Err(SessionError::InvalidGrant)
            }
            // The token is genuine, so there was a session: whoever ended it may not have come to
            // the access tokens.
            RotationOutcome::Unknown => {
                self.sessions.revoke_access(session_id).await?;
                Err(SessionError::InvalidGrant)
            }
            RotationOutcome::Reused => {
                tracing::warn!("a refresh token was used twice; its session has been ended");
                self.sessions.end_one(subject, session_id).await?;
                Err(SessionError::InvalidGrant)
            }
        }
    }
}

/// An access token and the refresh token that goes with it. Serializes as the answer of a token
/// endpoint (RFC 6749 §5.1); `Debug` shows neither.
#[derive(Debug, Clone)]
pub struct TokenPair {
    /// For the API.
    pub access: IssuedToken,
    /// For the next pair.
    pub refresh: IssuedToken,
    /// The session's name (`sid`).
    pub session_id: String,
}

impl Serialize for TokenPair {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut answer = serializer.serialize_struct("TokenPair", 4)?;
        answer.serialize_field("access_token", self.access.as_str())?;
        answer.serialize_field("token_type", "Bearer")?;
        answer.serialize_field("expires_in", &self.access.lifetime().as_secs())?;
        answer.serialize_field("refresh_token", self.refresh.as_str())?;
        answer.end()
    }
}

/// Why a session did not begin, go on or end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The refresh token is not good, or not any more. The caller is not told why (RFC 6749 §5.2).
    #[error("the refresh token is not valid")]
    InvalidGrant,
    /// A store is out of reach; nothing is wrong with the token as far as is known.
    #[error("sessions are temporarily unavailable")]
    Unavailable {
        /// When another attempt makes sense.
        retry_after: Duration,
    },
    /// The application asked for something that cannot be issued.
    #[error("no token could be issued: {0}")]
    Issuing(#[from] IssuingError),
}

impl From<RefreshStoreError> for SessionError {
    fn from(_: RefreshStoreError) -> Self {
        Self::Unavailable { retry_after: STORE_RETRY }
    }
}

impl From<RevocationError> for SessionError {
    fn from(_: RevocationError) -> Self {
        Self::Unavailable { retry_after: STORE_RETRY }
    }
}
