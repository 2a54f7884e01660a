//! The provider: where a question for a key meets snapshot, gate, memory and fetch.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;

use super::{
    backoff,
    builder::{JwksProviderBuilder, Settings},
    discovery::{self, Mismatch},
    fetch::{Failure, FetchError, Fetched, Transport},
    flight::{Flights, Landing, Origin, Outcome, Ticket},
    gate::RefreshGate,
    location::{Location, SafeUrl},
    missing::MissingKeys,
    shared::{Document, SharedKeySet},
    snapshot::Snapshot,
    thread::FetchThread,
};
use crate::{
    JwkSet, JwkSetError, KeyError, KeyHealth, KeyLookup, KeyProvider, KeyQuery, VerificationKey,
    limits::{KEY_SET_TTL, RETRY_FIRST, RETRY_MOST},
};

/// The keys of a remote issuer.
///
/// A [`KeyProvider`] that fetches a key set (RFC 7517 §5) and keeps it fresh. Clones share
/// everything. Nothing is fetched before the first token or [`warm_up`](KeyProvider::warm_up).
///
/// While there are usable keys, no request waits for a refresh; while there are none and none can
/// be had, the answer is "try later" (503), never "unauthorized".
#[derive(Clone, Debug)]
pub struct JwksProvider {
    inner: Arc<Inner>,
}

impl JwksProvider {
    /// Keys at this URL.
    #[expect(
        clippy::new_ret_no_self,
        reason = "every way to get a provider goes through its builder"
    )]
    pub fn new(jwks_uri: impl Into<String>) -> JwksProviderBuilder {
        JwksProviderBuilder::key_set(jwks_uri.into())
    }

    /// Keys where the issuer's metadata says: OpenID Connect Discovery, or, where that is not
    /// found, RFC 8414. The metadata must name exactly this issuer.
    pub fn discover(issuer: impl Into<String>) -> JwksProviderBuilder {
        JwksProviderBuilder::discovery(issuer.into())
    }

    /// Keys of an Auth0 tenant or custom domain, such as `tenant.eu.auth0.com`. The issuer of its
    /// tokens is `https://tenant.eu.auth0.com/`, with the slash.
    pub fn auth0(domain: impl AsRef<str>) -> JwksProviderBuilder {
        let domain = domain.as_ref().trim_end_matches('/');
        JwksProviderBuilder::key_set(format!("https://{domain}/.well-known/jwks.json"))
    }

    pub(super) fn start(
        settings: Settings,
        location: Location,
        transport: Transport,
        thread: Arc<FetchThread>,
    ) -> Self {
        let shared = settings.store.clone().map(|store| SharedKeySet::new(store, &location));
        let inner = Inner {
            gate: RefreshGate::new(settings.refetches, settings.refetch_interval),
            missing: MissingKeys::new(settings.missing_ttl, settings.missing_entries),
            snapshot: ArcSwapOption::empty(),
            flights: Flights::default(),
            attempts: Mutex::default(),
            retry_at: AtomicU64::new(0),
            timer: AtomicU64::new(0),
            key_set_url: Mutex::default(),
            shared,
            settings,
            location,
            transport,
            thread,
        };
        Self { inner: Arc::new(inner) }
    }
}

impl KeyProvider for JwksProvider {
    fn find<'a>(&'a self, wanted: KeyQuery<'a>) -> KeyLookup<'a> {
        let now = self.inner.monotonic();
        let Some(snapshot) = self.inner.usable(now) else {
            return KeyLookup::Pending(Box::pin(self.inner.clone().fetch_for(wanted)));
        };
        if let Some(key) = select(&snapshot, &wanted) {
            return KeyLookup::Ready(Ok(key));
        }
        if self.inner.missing.contains(&wanted, now) {
            return KeyLookup::Ready(Err(KeyError::NotFound));
        }
        KeyLookup::Pending(Box::pin(self.inner.clone().fetch_for(wanted)))
    }

    fn generation(&self) -> Option<u64> {
        Some(self.inner.usable(self.inner.monotonic())?.generation)
    }

    fn warm_up(&self) {
        let now = self.inner.monotonic();
        if self.inner.snapshot.load().is_none() {
            self.inner.start_if_due(now);
        }
    }

    fn health(&self) -> KeyHealth {
        let now = self.inner.monotonic();
        let snapshot = self.inner.snapshot.load_full();
        KeyHealth {
            usable: snapshot.as_ref().is_some_and(|snapshot| now < snapshot.unusable_at),
            keys: snapshot.as_ref().map_or(0, |snapshot| snapshot.set.keys().len()),
            age: snapshot.as_ref().map(|snapshot| now.saturating_sub(snapshot.fetched_at)),
            stale: snapshot.is_some_and(|snapshot| now >= snapshot.stale_at),
            last_error: self.inner.attempts().last_failure.map(Failure::code),
        }
    }
}

pub(super) struct Inner {
    settings: Settings,
    location: Location,
    transport: Transport,
    thread: Arc<FetchThread>,
    shared: Option<SharedKeySet>,
    snapshot: ArcSwapOption<Snapshot>,
    pub(super) flights: Flights,
    gate: RefreshGate,
    missing: MissingKeys,
    attempts: Mutex<Attempts>,
    /// When the next attempt after a failure is due, in nanoseconds of the monotonic clock.
    retry_at: AtomicU64,
    /// The timer that counts; those set before it do nothing when they go off.
    timer: AtomicU64,
    /// What discovery found; forgotten when it no longer leads to keys.
    key_set_url: Mutex<Option<SafeUrl>>,
}

/// How the last attempts went.
#[derive(Debug, Clone, Copy, Default)]
struct Attempts {
    failures: u32,
    ended_at: Duration,
    /// Before when the issuer does not want to be asked again.
    not_before: Duration,
    last_failure: Option<Failure>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwksProvider")
            .field("location", &self.location)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

fn select(snapshot: &Snapshot, wanted: &KeyQuery<'_>) -> Option<Arc<VerificationKey>> {
    let key = snapshot.set.select(wanted.key_id, wanted.algorithm)?;
    let is_new = wanted.failed.is_none_or(|failed| !failed.is_same(key));
    is_new.then(|| key.clone())
}

impl Inner {
    fn monotonic(&self) -> Duration {
        self.settings.clock.monotonic()
    }

    fn attempts(&self) -> Attempts {
        *self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The snapshot, unless it is too old to be used. A refresh that is due is started on the way,
    /// in case the timer that should have done it could not, as in a process that was suspended.
    fn usable(self: &Arc<Self>, now: Duration) -> Option<Arc<Snapshot>> {
        let snapshot = self.snapshot.load();
        let snapshot = snapshot.as_ref()?;
        if now >= snapshot.refresh_at {
            self.start_if_due(now);
        }
        (now < snapshot.unusable_at).then(|| snapshot.clone())
    }

    fn start_if_due(self: &Arc<Self>, now: Duration) {
        if !self.flights.is_flying() && now >= self.retry_at() {
            self.join_or_start(now, || true);
        }
    }

    fn retry_at(&self) -> Duration {
        Duration::from_nanos(self.retry_at.load(Ordering::Acquire))
    }

    /// The way of a question that the snapshot does not answer.
    async fn fetch_for(
        self: Arc<Self>,
        wanted: KeyQuery<'_>,
    ) -> Result<Arc<VerificationKey>, KeyError> {
        // A flight that was in the air already may have left before the key was published, and a
        // document from the shared store may be older than the key. Then one more is worth it.
        for _ in 0..3 {
            let now = self.monotonic();
            let warm = match self.usable(now) {
                Some(snapshot) => {
                    if let Some(key) = select(&snapshot, &wanted) {
                        return Ok(key);
                    }
                    if self.missing.contains(&wanted, now) {
                        return Err(KeyError::NotFound);
                    }
                    true
                }
                None => false,
            };
            let Some(ticket) = self.ticket(now, warm) else {
                return Err(self.without_fetch(now, warm));
            };
            let is_first = ticket.is_first;
            let Ok(origin) = ticket.landed().await else {
                return Err(self.unavailable(self.monotonic()));
            };
            let now = self.monotonic();
            let Some(snapshot) = self.usable(now) else { continue };
            if let Some(key) = select(&snapshot, &wanted) {
                return Ok(key);
            }
            if is_first && origin == Origin::Issuer {
                self.missing.insert(&wanted, now);
                return Err(KeyError::NotFound);
            }
        }
        Err(KeyError::NotFound)
    }

    /// A place in the flight that is in the air or may be started. With keys at hand a start needs
    /// the gate's consent and no pause after a failure; without, only a second since the last.
    fn ticket(self: &Arc<Self>, now: Duration, warm: bool) -> Option<Ticket> {
        self.join_or_start(now, || {
            if warm {
                now >= self.retry_at() && self.gate.try_pass(now)
            } else {
                now >= self.cold_retry_at()
            }
        })
    }

    /// Without keys requests are being refused, so the pause is short whatever the number of
    /// failures, unless the issuer asked for a longer one.
    fn cold_retry_at(&self) -> Duration {
        let attempts = self.attempts();
        match attempts.failures {
            0 => Duration::ZERO,
            _ => (attempts.ended_at + RETRY_FIRST).min(self.retry_at()).max(attempts.not_before),
        }
    }

    /// What to say when no fetch may be started. A closed gate says nothing about the issuer: as
    /// long as the last attempt went well, an unknown key is an unknown key.
    fn without_fetch(&self, now: Duration, warm: bool) -> KeyError {
        if warm && self.attempts().failures == 0 {
            KeyError::NotFound
        } else {
            self.unavailable(now)
        }
    }

    fn unavailable(&self, now: Duration) -> KeyError {
        let wait = self.cold_retry_at().saturating_sub(now);
        KeyError::Unavailable { retry_after: wait.max(RETRY_FIRST) }
    }

    fn join_or_start(
        self: &Arc<Self>,
        now: Duration,
        may_start: impl FnOnce() -> bool,
    ) -> Option<Ticket> {
        let longest = self.settings.fetch_timeout.saturating_mul(2);
        Flights::join_or_start(self, now, longest, may_start, |landing| {
            self.thread.run(move || fly(landing));
        })
    }

    /// Gets a key set from the shared store, if another instance left a newer one there, or from
    /// the issuer.
    async fn obtain(&self) -> Result<(JwkSet, Document, Origin), FetchError> {
        let known = self.snapshot.load().as_ref().map(|snapshot| snapshot.document_from);
        if let Some(shared) = &self.shared
            && let Some(document) = shared.read(self.settings.clock.now()).await
            && known.is_none_or(|known| document.fetched > known)
            && let Ok(set) = self.parse(document.body.as_bytes())
        {
            return Ok((set, document, Origin::Store));
        }
        let (fetched, set) = self.fetch().await?;
        let ttl = self.settings.ttl.or(fetched.max_age).unwrap_or(KEY_SET_TTL);
        let document = Document {
            fetched: self.settings.clock.now().as_secs(),
            ttl: ttl.as_secs().max(1),
            body: String::from_utf8(fetched.body).map_err(|_| Failure::KeySetDocument)?,
        };
        if let Some(shared) = &self.shared {
            shared.write(&document).await;
        }
        Ok((set, document, Origin::Issuer))
    }

    async fn fetch(&self) -> Result<(Fetched, JwkSet), FetchError> {
        let url = match &self.location {
            Location::KeySet(url) => url.clone(),
            Location::Discovery { issuer, base } => {
                let known = self.key_set_url().clone();
                match known {
                    Some(url) => url,
                    None => self.discover(issuer, base).await?,
                }
            }
        };
        let fetched = self.transport.get(url.uri()).await?;
        let set = self.parse(&fetched.body)?;
        if matches!(self.location, Location::Discovery { .. }) {
            *self.key_set_url() = Some(url);
        }
        Ok((fetched, set))
    }

    async fn discover(&self, issuer: &str, base: &SafeUrl) -> Result<SafeUrl, FetchError> {
        let mut last = FetchError::from(Failure::NotFound);
        for address in discovery::addresses(base) {
            match self.transport.get(address.uri()).await {
                Ok(fetched) => {
                    return discovery::key_set_address(&fetched.body, issuer, base).map_err(
                        |mismatch| match mismatch {
                            Mismatch::Malformed => Failure::DiscoveryDocument.into(),
                            Mismatch::Issuer => Failure::DiscoveryIssuer.into(),
                            Mismatch::Url => Failure::DiscoveryUrl.into(),
                        },
                    );
                }
                Err(error) if error.failure == Failure::NotFound => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    fn key_set_url(&self) -> std::sync::MutexGuard<'_, Option<SafeUrl>> {
        self.key_set_url.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A set without usable keys is a failure: it must not replace one that has some.
    fn parse(&self, body: &[u8]) -> Result<JwkSet, Failure> {
        let set =
            JwkSet::from_json_with_limit(body, self.settings.max_keys).map_err(
                |error| match error {
                    JwkSetError::Malformed => Failure::KeySetDocument,
                    JwkSetError::TooManyKeys => Failure::TooManyKeys,
                },
            )?;
        for rejection in set.skipped() {
            tracing::warn!(reason = rejection.code(), "skipped a key of the key set");
        }
        if set.is_empty() { Err(Failure::NoUsableKeys) } else { Ok(set) }
    }

    /// Replaces the snapshot, and sets the clock for the next refresh.
    fn publish(self: &Arc<Self>, set: &JwkSet, document: &Document, flight: u64) {
        let now = self.monotonic();
        // A document from the store has used up a part of its time.
        let age = Duration::from_secs(
            self.settings.clock.now().as_secs().saturating_sub(document.fetched),
        );
        let ttl = Duration::from_secs(document.ttl);
        let ttl = self.settings.ttl.map_or(ttl, |own| own.min(ttl));
        let fetched_at = now.saturating_sub(age);
        let stale_at = (fetched_at + ttl).max(now);
        let refresh_at = (fetched_at + ttl.mul_f64(0.8)).max(now);
        self.snapshot.rcu(|previous| {
            let generation = match previous {
                Some(previous) if previous.flight > flight => return Some(previous.clone()),
                Some(previous) if set.keeps_all_of(&previous.set) => previous.generation,
                Some(previous) => previous.generation + 1,
                None => 0,
            };
            Some(Arc::new(Snapshot {
                set: set.clone(),
                generation,
                flight,
                fetched_at,
                refresh_at,
                stale_at,
                unusable_at: stale_at + self.settings.stale_ttl,
                document_from: document.fetched,
            }))
        });
        *self.attempts.lock().unwrap_or_else(PoisonError::into_inner) =
            Attempts { ended_at: now, ..Attempts::default() };
        self.retry_at.store(0, Ordering::Release);
        self.wake_after(refresh_at.saturating_sub(now));
    }

    /// Notes a failure, and sets the clock for the next attempt.
    fn record_failure(self: &Arc<Self>, error: FetchError) {
        let now = self.monotonic();
        *self.key_set_url() = None;
        let pause = {
            let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
            attempts.failures = attempts.failures.saturating_add(1);
            attempts.ended_at = now;
            attempts.last_failure = Some(error.failure);
            attempts.not_before = now + error.retry_after.unwrap_or_default().min(RETRY_MOST);
            backoff::pause(attempts.failures, error.retry_after)
        };
        let retry_at = u64::try_from((now + pause).as_nanos()).unwrap_or(u64::MAX);
        self.retry_at.store(retry_at, Ordering::Release);
        self.wake_after(pause);
    }

    /// Starts a flight after a pause, unless another timer is set in the meantime or the provider
    /// is gone by then.
    fn wake_after(self: &Arc<Self>, pause: Duration) {
        let timer = self.timer.fetch_add(1, Ordering::AcqRel) + 1;
        let weak = Arc::downgrade(self);
        self.thread.run(move || wake(weak, timer, pause));
    }
}

async fn wake(weak: Weak<Inner>, timer: u64, pause: Duration) {
    tokio::time::sleep(pause).await;
    if let Some(inner) = weak.upgrade()
        && inner.timer.load(Ordering::Acquire) == timer
    {
        inner.join_or_start(inner.monotonic(), || true);
    }
}

/// One flight, from the departure to the landing: publish, end, wake, in this order.
async fn fly(landing: Landing) {
    let inner = landing.inner.clone();
    let outcome = tokio::time::timeout(inner.settings.fetch_timeout, inner.obtain()).await;
    let outcome: Outcome = match outcome.unwrap_or(Err(Failure::Timeout.into())) {
        Ok((set, document, origin)) => {
            tracing::debug!(keys = set.keys().len(), ?origin, "took over a key set");
            inner.publish(&set, &document, landing.id);
            Ok(origin)
        }
        Err(error) => {
            tracing::warn!(reason = error.failure.code(), "could not fetch the key set");
            inner.record_failure(error);
            Err(error)
        }
    };
    landing.land(outcome);
}
