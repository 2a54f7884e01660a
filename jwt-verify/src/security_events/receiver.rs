//! The receiver: verifies a token, acts on its events, and keeps its `jti`.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

use super::{
    builder::SecurityEventReceiverBuilder,
    effect::{Effect, Effects},
    event_token::{SecurityEvent, content_digest, events},
    event_type::EventKind,
    handler::SecurityEventHandler,
    poll::Poller,
    refusal::EventRefusal,
    seen::{SeenEvents, Sighting},
    subject::SubjectResolver,
    targets::TargetFinder,
    transmitter::Transmitter,
};
use crate::{
    background::BackgroundThread,
    claims::VerifiedClaims,
    clock::millis,
    defaults::{LONGEST_ACCESS_TOKEN, STORE_RETRY},
    detached::to_the_end,
    error::{
        AuthError, ConfigError,
        InvalidTokenReason::{Malformed, UnknownKey},
        StoreUnavailable,
    },
    jwks::thread_for_events,
    log_limiter::LogLimiter,
    metrics,
    revocation::{Revocation, RevocationStore, revoke_to_the_end},
    secret::Secret,
    verifier::Verifier,
};

/// Receives security event tokens (RFC 8417) of one transmitter, and ends the access that they tell
/// about: the Shared Signals Framework, with the events of CAEP and RISC.
///
/// It is given to [`JwtAuthBuilder::security_events`](crate::JwtAuthBuilder::security_events), which
/// refuses what it has revoked. Events come by push, at the route of
/// [`JwtAuth::security_event_route`](crate::JwtAuth::security_event_route). Clones share everything.
///
/// A token is acted on once it is verified: `typ` is `secevent+jwt`, the key is one of the
/// transmitter, `iss` and `aud` are those of the stream, `iat` is recent, `jti` is there (RFC 8417
/// §2.2). One without `exp` is accepted, one that has expired is not. It is acknowledged after the
/// revocation is stored.
///
/// ```
/// use jwt_verify::{
///     JwtAuth,
///     revocation::MemoryRevocation,
///     security_events::{SecurityEventReceiver, Transmitter},
/// };
///
/// let transmitter = Transmitter::new("https://tenant.okta.com", "https://api.example.com");
/// let events = SecurityEventReceiver::builder(transmitter, MemoryRevocation::new()).build()?;
/// let auth = JwtAuth::builder("https://tenant.okta.com", "https://api.example.com")
///     .security_events(&events)
///     .build()?;
/// # Ok::<(), jwt_verify::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct SecurityEventReceiver {
    inner: Arc<ReceiverInner>,
}

pub(super) struct ReceiverInner {
    pub(super) verifier: Verifier,
    pub(super) transmitter: String,
    /// Issuers that the transmitter may speak about.
    pub(super) issuers: Vec<String>,
    pub(super) store: Arc<dyn RevocationStore>,
    pub(super) seen: SeenEvents,
    pub(super) effects: Effects,
    pub(super) resolver: Option<Box<dyn SubjectResolver>>,
    pub(super) handler: Option<Box<dyn SecurityEventHandler>>,
    pub(super) authorization: Option<Secret>,
    pub(super) has_own_retention: bool,
    /// In milliseconds; 0 as long as no verifier has told it.
    pub(super) retention: AtomicU64,
    /// True once requests are checked for a demanded login.
    pub(super) steps_up: AtomicBool,
    /// The `state` of the latest verification event.
    pub(super) verified_state: Mutex<Option<String>>,
    pub(super) refusals: LogLimiter,
    /// Polls, once it is started.
    pub(super) poller: Mutex<Option<Poller>>,
    /// The thread on which it polls.
    pub(super) polling: Mutex<Option<Arc<BackgroundThread>>>,
    /// Tells what polls that the last user is dropped.
    pub(super) ended: Arc<Notify>,
}

impl Drop for ReceiverInner {
    fn drop(&mut self) {
        self.ended.notify_one();
    }
}

impl ReceiverInner {
    fn poller(&self) -> MutexGuard<'_, Option<Poller>> {
        self.poller.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SecurityEventReceiver {
    /// Returns a builder for the events of a transmitter, which are written into this store.
    pub fn builder(
        transmitter: Transmitter,
        store: impl RevocationStore,
    ) -> SecurityEventReceiverBuilder {
        SecurityEventReceiverBuilder::new(transmitter, Arc::new(store))
    }

    pub(super) fn of(inner: ReceiverInner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    pub(super) fn from_inner(inner: Arc<ReceiverInner>) -> Self {
        Self { inner }
    }

    /// Starts to poll, if [`poll`](SecurityEventReceiverBuilder::poll) is set and it has not begun. It
    /// ends when the last clone of the receiver, and the last [`JwtAuth`](crate::JwtAuth) that has it,
    /// are dropped. A `JwtAuth` starts it by itself.
    pub fn start_polling(&self) {
        if self.inner.poller().is_none() {
            return;
        }
        let (receiver, ended) = (Arc::downgrade(&self.inner), self.inner.ended.clone());
        let thread = thread_for_events();
        // Taken by what runs: without a thread it stays, for another try.
        let job = move || async move {
            let poller = receiver.upgrade().and_then(|inner| inner.poller().take());
            if let Some(poller) = poller {
                poller.run(receiver, ended).await;
            }
        };
        if thread.run(job) {
            let mut polling = self.inner.polling.lock().unwrap_or_else(PoisonError::into_inner);
            *polling = Some(thread);
        }
    }

    /// Returns the name of the transmitter.
    pub fn transmitter(&self) -> &str {
        &self.inner.transmitter
    }

    /// Returns the `state` of the latest verification event that arrived at this process (SSF
    /// §8.1.4.1): the stream works if it is the one that was asked for. One above 256 bytes is not kept.
    pub fn verified_state(&self) -> Option<String> {
        self.inner.verified_state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Starts fetching the keys of the transmitter. Returns at once.
    pub fn warm_up(&self) {
        self.inner.verifier.warm_up();
    }

    /// Returns the store of what is revoked.
    pub(crate) fn store(&self) -> &Arc<dyn RevocationStore> {
        &self.inner.store
    }

    /// Returns `true` if some event demands another login.
    pub(crate) fn may_step_up(&self) -> bool {
        self.inner.effects.step_up()
    }

    /// Notes the verifier whose tokens are checked against the store, and that requests are checked
    /// for demanded logins.
    ///
    /// `has_others` tells of other credentials, whose lifetime is not known.
    ///
    /// # Errors
    /// A retention of its own that is shorter than the lifetime of a token.
    pub(crate) fn serve(&self, verifier: &Verifier, has_others: bool) -> Result<(), ConfigError> {
        let inner = &self.inner;
        let retention = Duration::from_millis(inner.retention.load(Ordering::Relaxed));
        if inner.has_own_retention && verifier.max_lifetime().is_some_and(|max| retention < max) {
            let problem = "must be at least `max_lifetime`, or revoked tokens become valid again";
            return Err(ConfigError::invalid("security_events.retention", problem));
        }
        tracing::info!(transmitter = inner.transmitter, "security events end access");
        inner.steps_up.store(true, Ordering::Relaxed);
        if !inner.has_own_retention {
            let longest = verifier.max_lifetime().filter(|_| !has_others);
            let longest = longest.unwrap_or(LONGEST_ACCESS_TOKEN);
            inner.retention.fetch_max(millis(longest), Ordering::Relaxed);
        }
        self.start_polling();
        Ok(())
    }

    /// Returns `true` if the transmitter need not show a credential, or has shown it.
    pub(crate) fn admits(&self, authorization: Option<&[u8]>) -> bool {
        let Some(expected) = &self.inner.authorization else { return true };
        authorization.is_some_and(|shown| {
            aws_lc_rs::constant_time::verify_slices_are_equal(expected.expose(), shown).is_ok()
        })
    }

    /// Verifies a token and acts on its events, even if the caller does not wait for it.
    pub(crate) async fn receive(&self, token: &[u8]) -> Result<(), EventRefusal> {
        let outcome = self.verify_and_act(token).await;
        if let Err(refusal) = &outcome {
            self.note_refusal(refusal);
        }
        outcome
    }

    /// Counts and logs a refusal: access stays open that the transmitter wants to end. Anyone can
    /// cause it, so most of many are logged at a lower level.
    pub(crate) fn note_refusal(&self, refusal: &EventRefusal) {
        let code = refusal.code().unwrap_or("unavailable");
        metrics::security_event("none", if refusal.code().is_some() { "refused" } else { code });
        let now = self.inner.verifier.clock().monotonic();
        if let Some(others) = self.inner.refusals.turn(now) {
            tracing::warn!(code, others, "refused a security event token");
        } else {
            tracing::debug!(code, "refused a security event token");
        }
    }

    async fn verify_and_act(&self, token: &[u8]) -> Result<(), EventRefusal> {
        let claims = self.verify(token).await?;
        let inner = self.inner.clone();
        let acted = to_the_end(async move { inner.act(&claims).await }).await;
        acted.unwrap_or_else(|| Err(unavailable()))
    }

    async fn verify(&self, token: &[u8]) -> Result<VerifiedClaims, EventRefusal> {
        let verifier = &self.inner.verifier;
        // Without any key nothing is known about it.
        let lacks_keys = |outcome: &Result<VerifiedClaims, AuthError>| {
            outcome.as_ref().is_err_and(|error| *error == UnknownKey.into())
                && !verifier.listed_health().all(|keys| keys.ready)
        };
        let mut outcome = verifier.verify(token).await;
        if lacks_keys(&outcome) {
            verifier.wait_until_ready().await?;
            outcome = verifier.verify(token).await;
            if lacks_keys(&outcome) {
                return Err(unavailable());
            }
        }
        outcome.map_err(|error| {
            tracing::debug!(reason = error.reason(), "could not verify a security event token");
            if error == Malformed.into() && is_unsigned(token) {
                return EventRefusal::InvalidKey;
            }
            error.into()
        })
    }
}

/// Returns `true` for a token whose signature is empty, as with the algorithm `none`.
fn is_unsigned(token: &[u8]) -> bool {
    let segments: Vec<&[u8]> = token.splitn(4, |byte| *byte == b'.').collect();
    matches!(segments[..], [[_, ..], [_, ..], []])
}

impl ReceiverInner {
    async fn act(&self, claims: &VerifiedClaims) -> Result<(), EventRefusal> {
        let (Some(issuer), Some(token_id)) = (claims.issuer(), claims.token_id()) else {
            return Err(EventRefusal::InvalidRequest);
        };
        let events = events(claims).ok_or(EventRefusal::InvalidRequest)?;
        let (name, content) = (self.seen.name(issuer, token_id), content_digest(claims));
        match self.seen.find(&name, &content).await? {
            Sighting::New => {}
            Sighting::Again => {
                metrics::security_event("none", "repeated");
                return Ok(());
            }
            Sighting::Other => return Err(EventRefusal::InvalidRequest),
        }
        let mut revocations = Vec::new();
        let mut results = Vec::with_capacity(events.len());
        for event in &events {
            results.push((event.kind(), self.plan(event, &mut revocations).await?));
        }
        if !revocations.is_empty() {
            let mut retention = match self.retention.load(Ordering::Relaxed) {
                0 => LONGEST_ACCESS_TOKEN,
                millis => Duration::from_millis(millis),
            };
            // A login outlives its access tokens: the next one has the `auth_time` of the same login.
            if results.iter().any(|(_, result)| *result == STEP_UP) {
                retention = retention.max(LONGEST_ACCESS_TOKEN);
            }
            let until = self.verifier.now().saturating_add(retention);
            revoke_to_the_end(self.store.clone(), revocations, until).await?;
        }
        for event in &events {
            self.note_stream(event);
            if let Some(handler) = &self.handler {
                handler.handle(*event).await?;
            }
        }
        self.seen.note(&name, &content).await?;
        for (kind, result) in results {
            metrics::security_event(kind.label(), result);
            match result {
                "ignored" | "noted" => {
                    tracing::debug!(event = kind.label(), result, "received a security event");
                }
                _ => tracing::info!(event = kind.label(), result, "received a security event"),
            }
        }
        Ok(())
    }

    /// Adds what an event revokes. Returns its result, for metrics.
    async fn plan(
        &self,
        event: &SecurityEvent<'_>,
        revocations: &mut Vec<Revocation>,
    ) -> Result<&'static str, EventRefusal> {
        let EventKind::Known(known) = event.kind() else {
            return Ok(if event.kind() == EventKind::Unknown { "ignored" } else { "noted" });
        };
        let effect = match self.effects.of(known) {
            // Where no request is checked for a login.
            Effect::StepUp if !self.steps_up.load(Ordering::Relaxed) => Effect::Revoke,
            effect => effect,
        };
        let effect = match effect {
            Effect::Revoke if known.is_about_account() => Effect::RevokeUser,
            effect => effect,
        };
        if effect == Effect::Ignore || event.is_improvement() {
            return Ok("ignored");
        }
        let subject = event.subject().ok_or(EventRefusal::InvalidRequest)?;
        let finder = TargetFinder { issuers: &self.issuers, resolver: self.resolver.as_deref() };
        let targets = finder.find(event, &subject).await?;
        let new = targets.revocations(effect, event.revoked_until());
        let result = match effect {
            _ if new.is_empty() => "unresolved",
            Effect::StepUp if targets.name_users() => STEP_UP,
            _ => "revoked",
        };
        revocations.extend(new);
        Ok(result)
    }

    /// Notes what an event says about the stream itself.
    fn note_stream(&self, event: &SecurityEvent<'_>) {
        let text = |name| event.payload().get(name).and_then(serde_json::Value::as_str);
        match event.kind() {
            // Transmitters also send some that were not asked for, without a state.
            EventKind::Verification => {
                let state = text("state").filter(|state| state.len() <= LONGEST_STATE);
                if let Some(state) = state {
                    *self.verified_state.lock().unwrap_or_else(PoisonError::into_inner) =
                        Some(state.to_owned());
                }
            }
            EventKind::StreamUpdated if text("status") == Some("enabled") => {
                tracing::info!("the stream of security events is enabled");
            }
            EventKind::StreamUpdated => {
                tracing::warn!("the stream of security events is paused or disabled");
            }
            EventKind::Known(_) | EventKind::Unknown => {}
        }
    }
}

/// Result of an event that demands another login.
const STEP_UP: &str = "step_up";

/// Longest `state` that is kept.
const LONGEST_STATE: usize = 256;

pub(super) fn unavailable() -> EventRefusal {
    EventRefusal::Later(AuthError::Unavailable { retry_after: STORE_RETRY })
}

impl From<StoreUnavailable> for EventRefusal {
    fn from(_: StoreUnavailable) -> Self {
        unavailable()
    }
}

impl fmt::Debug for SecurityEventReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecurityEventReceiver")
            .field("transmitter", &self.inner.transmitter)
            .field("issuers", &self.inner.issuers)
            .field("effects", &self.inner.effects)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{super::event_type::SecurityEventType, *};
    use crate::{
        claims::{GrantedAuthorities, VerifiedToken},
        lookup::BoxFuture,
        lookup::Lookup,
        revocation::RevocationKeys,
        validation::claims,
    };

    /// Notes for how long something is revoked.
    #[derive(Debug, Clone, Default)]
    struct Notes(Arc<Mutex<Vec<(Revocation, Duration)>>>);

    impl RevocationStore for Notes {
        fn check<'a>(
            &'a self,
            _: &'a RevocationKeys,
        ) -> Lookup<'a, Result<bool, StoreUnavailable>> {
            Lookup::Ready(Ok(false))
        }

        fn revoke<'a>(
            &'a self,
            what: &'a Revocation,
            until: Duration,
        ) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
            self.0.lock().unwrap().push((what.clone(), until));
            Box::pin(std::future::ready(Ok(())))
        }
    }

    const ISSUER: &str = "https://t.example";
    const MINUTE: Duration = Duration::from_secs(60);

    /// Returns what an event about a session of the user writes, each with the time for which.
    fn written(event: SecurityEventType) -> Vec<(String, Duration)> {
        written_with(event, true)
    }

    fn written_with(event: SecurityEventType, steps_up: bool) -> Vec<(String, Duration)> {
        let notes = Notes::default();
        let transmitter = Transmitter::new(ISSUER, "https://api.example");
        let events = SecurityEventReceiver::builder(transmitter, notes.clone());
        let events = events.retention(MINUTE).build().unwrap();
        events.inner.steps_up.store(steps_up, Ordering::Relaxed);
        let subject = json!({
            "format": "complex",
            "user": {"format": "iss_sub", "iss": ISSUER, "sub": "u"},
            "session": {"format": "opaque", "id": "s"},
        });
        let token: Value = json!({
            "iss": ISSUER, "jti": "j", "iat": 1000, "sub_id": subject, "events": {event.uri(): {}},
        });
        let token = VerifiedToken::new(claims(&token), GrantedAuthorities::default());
        let token = VerifiedClaims::new(Arc::new(token));
        let begin = events.inner.verifier.now();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(events.inner.act(&token)).unwrap();
        let notes = notes.0.lock().unwrap();
        let written =
            notes.iter().map(|(what, until)| (what.key().to_owned(), until.saturating_sub(begin)));
        written.collect()
    }

    #[test]
    fn a_demanded_login_is_kept_for_longer_than_access_tokens() {
        let [(key, time)] = &*written(SecurityEventType::AssuranceLevelChange) else { panic!() };
        assert_eq!(key, Revocation::step_up(ISSUER, "u", Duration::ZERO).key());
        assert!(*time >= LONGEST_ACCESS_TOKEN);
        assert!(written(SecurityEventType::SessionRevoked)[0].1 < 2 * MINUTE);
    }

    #[test]
    fn an_event_of_the_account_is_about_all_of_its_sessions() {
        let session = Revocation::session(ISSUER, "s");
        let user = Revocation::subject(ISSUER, "u", Duration::ZERO);
        for event in SecurityEventType::ALL {
            let mut keys: Vec<_> = written(event).into_iter().map(|(key, _)| key).collect();
            keys.retain(|key| key == session.key() || key == user.key());
            let (is_session, is_user) = (
                keys.iter().any(|key| key == session.key()),
                keys.iter().any(|key| key == user.key()),
            );
            let expected = match event {
                SecurityEventType::AssuranceLevelChange
                | SecurityEventType::AccountCredentialChangeRequired => (false, false),
                event => (true, event.is_about_account()),
            };
            assert_eq!((is_session, is_user), expected, "{event:?}");
        }
    }

    #[test]
    fn what_cannot_demand_a_login_revokes() {
        for (event, number) in [
            (SecurityEventType::AssuranceLevelChange, 1),
            (SecurityEventType::AccountCredentialChangeRequired, 2),
        ] {
            let written = written_with(event, false);
            let keys: Vec<_> = written.iter().map(|(key, _)| &**key).collect();
            assert_eq!(keys.len(), number, "{event:?}");
            assert!(keys.contains(&Revocation::session(ISSUER, "s").key()), "{event:?}");
            let user = Revocation::subject(ISSUER, "u", Duration::ZERO);
            assert_eq!(keys.contains(&user.key()), event.is_about_account(), "{event:?}");
        }
    }
}
