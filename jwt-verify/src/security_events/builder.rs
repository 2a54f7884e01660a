//! Settings of a receiver.

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64},
    },
    time::Duration,
};

use super::{
    effect::{Effect, Effects},
    event_type::SecurityEventType,
    handler::SecurityEventHandler,
    poll::EventPoll,
    receiver::{ReceiverInner, SecurityEventReceiver},
    seen::SeenEvents,
    subject::SubjectResolver,
    transmitter::Transmitter,
};
use crate::{
    clock::{Clock, SystemClock, millis},
    defaults::{
        LOG_PAUSE, LONGEST_ACCESS_TOKEN, MAX_LEEWAY, POLL_BYTES, SECURITY_EVENT_AGE,
        SECURITY_EVENTS_SEEN,
    },
    error::ConfigError,
    jwks::JsonClient,
    log_limiter::LogLimiter,
    revocation::RevocationStore,
    secret::Secret,
    store::{CacheStore, MemoryCache},
};

/// Settings of a [`SecurityEventReceiver`]. Every one has a safe default.
#[must_use]
pub struct SecurityEventReceiverBuilder {
    transmitter: Transmitter,
    store: Arc<dyn RevocationStore>,
    seen: Option<Arc<dyn CacheStore>>,
    effects: Effects,
    resolver: Option<Box<dyn SubjectResolver>>,
    handler: Option<Box<dyn SecurityEventHandler>>,
    authorization: Option<Secret>,
    poll: Option<EventPoll>,
    max_age: Duration,
    retention: Option<Duration>,
    clock: Arc<dyn Clock>,
}

impl SecurityEventReceiverBuilder {
    pub(super) fn new(transmitter: Transmitter, store: Arc<dyn RevocationStore>) -> Self {
        Self {
            transmitter,
            store,
            seen: None,
            effects: Effects::default(),
            resolver: None,
            handler: None,
            authorization: None,
            poll: None,
            max_age: SECURITY_EVENT_AGE,
            retention: None,
            clock: Arc::new(SystemClock::new()),
        }
    }

    /// Sets the effect of a type of event. Default: [`Effect::Revoke`], and [`Effect::StepUp`] for
    /// [`AssuranceLevelChange`](SecurityEventType::AssuranceLevelChange) and
    /// [`AccountCredentialChangeRequired`](SecurityEventType::AccountCredentialChangeRequired).
    pub fn effect(mut self, event: SecurityEventType, effect: Effect) -> Self {
        self.effects.set(event, effect);
        self
    }

    /// Sets what finds users by email address and other identifiers. Default: none. An `opaque`
    /// identifier is then taken for the `sub` of a user, and a subject of another format without
    /// issuer is counted as `unresolved` and changes nothing.
    pub fn subject_resolver(mut self, resolver: impl SubjectResolver) -> Self {
        self.resolver = Some(Box::new(resolver));
        self
    }

    /// Sets a hook of the application, which is told of every event; see [`SecurityEventHandler`].
    /// Default: none.
    pub fn on_event(mut self, handler: impl SecurityEventHandler) -> Self {
        self.handler = Some(Box::new(handler));
        self
    }

    /// Sets the store of tokens that were acted on, by which one that is sent again changes nothing.
    /// Default: the memory of the process, for 10,000 tokens.
    ///
    /// Set a `RedisCache` where several instances receive events of one stream. A token that the
    /// store has forgotten is acted on again. That revokes nothing more if the event has a time of its
    /// own (`event_timestamp` or `toe`); otherwise, if it is sent again with a newer `iat`, also tokens
    /// that were issued since.
    pub fn seen(mut self, store: impl CacheStore) -> Self {
        self.seen = Some(Arc::new(store));
        self
    }

    /// Demands this value of the `Authorization` header of pushed events, such as `Bearer …`: the
    /// `authorization_header` of the stream's delivery (RFC 8935 §3). Default: none; the signature
    /// is checked alone. It has at least 16 bytes.
    pub fn push_authorization(mut self, value: impl Into<Secret>) -> Self {
        self.authorization = Some(value.into());
        self
    }

    /// Fetches events of a stream whose delivery is by poll (RFC 8936), from the time at which a
    /// [`JwtAuth`](crate::JwtAuth) is built with this receiver. Default: none; events are pushed.
    pub fn poll(mut self, poll: EventPoll) -> Self {
        self.poll = Some(poll);
        self
    }

    /// Sets how long after its `iat` a token is accepted. Default: 24 h; between 1 min and 30 days.
    ///
    /// Transmitters send an event again until it is acknowledged, so the time has to be longer than
    /// an outage of this application. The `jti` of a token is kept for this time and twice the longest
    /// leeway.
    pub fn max_age(mut self, longest: Duration) -> Self {
        self.max_age = longest;
        self
    }

    /// Sets how long revocations are kept. It must be at least the lifetime of access tokens, or a
    /// token becomes valid again after it. Default: the longest
    /// [`max_lifetime`](crate::TrustedIssuer::max_lifetime), if every issuer of the
    /// [`JwtAuth`](crate::JwtAuth) that has the receiver has one and it accepts nothing but JWTs; else
    /// 30 days. A demanded login is kept for at least 30 days, since a login outlives its access tokens.
    ///
    /// With a retention below a `max_lifetime` the `JwtAuth` does not build.
    pub fn retention(mut self, retention: Duration) -> Self {
        self.retention = Some(retention);
        self
    }

    /// Sets the clock, also that of the keys. Default: the system clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Checks the settings. Nothing is fetched yet.
    ///
    /// # Errors
    /// Symmetric algorithms; keys from two places; a URL other than `https` (or `http` to a loopback
    /// address or a host of [`Transmitter::allow_http`]); a [`max_age`](Self::max_age) out of its
    /// range; an empty name; a [`push_authorization`](Self::push_authorization) that is too short; a
    /// [`poll`](Self::poll) whose URL is not allowed or whose numbers are out of range.
    pub fn build(self) -> Result<SecurityEventReceiver, ConfigError> {
        if !(Duration::from_secs(60)..=LONGEST_ACCESS_TOKEN).contains(&self.max_age) {
            let problem = "must be between 1 minute and 30 days";
            return Err(ConfigError::invalid("security_events.max_age", problem));
        }
        let is_short = |value: &Secret| value.expose().len() < LEAST_AUTHORIZATION;
        if self.authorization.as_ref().is_some_and(is_short) {
            let problem = "must have at least 16 bytes";
            return Err(ConfigError::invalid("security_events.push_authorization", problem));
        }
        let seen =
            self.seen.unwrap_or_else(|| Arc::new(MemoryCache::with_capacity(SECURITY_EVENTS_SEEN)));
        let issuers = self.transmitter.subjects();
        let transmitter = self.transmitter.name().to_owned();
        let poller = match self.poll {
            None => None,
            Some(poll) => {
                let mut connection = self.transmitter.connection().clone();
                connection.max_bytes = POLL_BYTES;
                let (token, clock) = (Some(poll.token()), self.clock.clone());
                let client = JsonClient::new(&transmitter, &connection, token, &[], clock)?;
                Some(poll.prepare(client)?)
            }
        };
        let audiences = self.transmitter.audiences().to_vec();
        let receiver = audiences.iter().chain(&issuers).map(String::as_str).collect();
        let seen = SeenEvents::new(seen, self.max_age + 2 * MAX_LEEWAY, receiver);
        let verifier = self.transmitter.verifier(self.max_age, self.clock)?;
        Ok(SecurityEventReceiver::of(ReceiverInner {
            verifier,
            transmitter,
            issuers,
            store: self.store,
            seen,
            effects: self.effects,
            resolver: self.resolver,
            handler: self.handler,
            authorization: self.authorization,
            has_own_retention: self.retention.is_some(),
            retention: AtomicU64::new(self.retention.map_or(0, millis)),
            steps_up: AtomicBool::new(false),
            verified_state: Mutex::default(),
            refusals: LogLimiter::new(LOG_PAUSE),
            poller: Mutex::new(poller),
            polling: Mutex::default(),
            ended: Arc::default(),
        }))
    }
}

/// Least length of the transmitter's credential.
const LEAST_AUTHORIZATION: usize = 16;

impl fmt::Debug for SecurityEventReceiverBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecurityEventReceiverBuilder")
            .field("transmitter", &self.transmitter)
            .field("effects", &self.effects)
            .finish_non_exhaustive()
    }
}
