//! The provider: where a question for a key meets snapshot, gate, memory and fetch.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use tokio::sync::watch;

use super::{
    builder::{JwksProviderBuilder, Settings},
    fetch::{Failure, Transport},
    flight::{Arrival, Flights, Ticket, nanos},
    gate::RefreshGate,
    location::{Location, SafeUrl},
    seal::Seal,
    shared::{Limits, Shared},
    snapshot::Snapshot,
    thread::FetchThread,
    upkeep,
    wanted::{WantedKey, memory_of, select},
};
use crate::{
    KeyError, KeyHealth, KeyLookup, KeyProvider, KeyQuery, KeysReady, VerificationKey,
    limits::{KEY_SET_TTL_CEILING, RETRY_FIRST, STORE_REST},
    negative::NegativeCache,
    telemetry,
};

/// The keys of a remote issuer.
///
/// A [`KeyProvider`] that fetches a key set (RFC 7517 §5) and keeps it fresh. Clones share
/// everything. Nothing is fetched before the first token, or before
/// somebody asks for it: [`warm_up`](KeyProvider::warm_up), [`ready`](KeyProvider::ready), a health
/// route.
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
        seal: Seal,
        location: Location,
        transport: Transport,
        thread: Arc<FetchThread>,
    ) -> Self {
        let shared = settings.store.clone().map(|store| {
            let limits = Limits {
                document_bytes: transport.max_bytes,
                document_ttl: settings.ttl.unwrap_or(KEY_SET_TTL_CEILING),
                missing_ttl: settings.missing_ttl,
                refetches: settings.refetches,
                refetch_interval: settings.refetch_interval,
            };
            Arc::new(Shared::new(store, seal, settings.clock.clone(), &location, limits))
        });
        let inner = Inner {
            gate: RefreshGate::new(settings.refetches, settings.refetch_interval),
            missing: NegativeCache::new(settings.missing_entries),
            snapshot: ArcSwapOption::new(settings.seed.clone().map(|seed| {
                let now = settings.clock.monotonic();
                Arc::new(Snapshot::of_seed(seed, now, settings.stale_ttl))
            })),
            flights: Flights::default(),
            attempts: Mutex::default(),
            retry_at: AtomicU64::new(0),
            alarm: watch::Sender::new(None),
            alarm_is_set_up: AtomicBool::new(false),
            store_rests_until: AtomicU64::new(0),
            others_asked_at: AtomicU64::new(0),
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
            telemetry::cache("keys", true);
            return KeyLookup::Ready(Ok(key));
        }
        if self.inner.missing.contains(memory_of(&wanted), now) {
            telemetry::cache("keys", false);
            return KeyLookup::Ready(Err(KeyError::NotFound));
        }
        KeyLookup::Pending(Box::pin(self.inner.clone().fetch_for(wanted)))
    }

    fn generation(&self) -> Option<u64> {
        self.inner.look(self.inner.monotonic(), |snapshot| snapshot.generation)
    }

    fn warm_up(&self) {
        let now = self.inner.monotonic();
        if self.inner.snapshot.load().as_ref().is_none_or(|keys| now >= keys.refresh_at) {
            self.inner.start_if_due(now, self.inner.last_flight());
        }
    }

    fn ready(&self) -> KeysReady<'_> {
        Box::pin(self.inner.clone().arrive())
    }

    fn health(&self) -> KeyHealth {
        let now = self.inner.monotonic();
        let snapshot = self.inner.snapshot.load_full();
        KeyHealth {
            usable: snapshot.as_ref().is_some_and(|snapshot| now < snapshot.unusable_at),
            keys: snapshot.as_ref().map_or(0, |snapshot| snapshot.set.keys().len()),
            age: snapshot
                .as_ref()
                .map(|snapshot| now.saturating_sub(snapshot.published_at) + snapshot.age_then),
            skipped: snapshot.as_ref().map_or(0, |snapshot| snapshot.set.skipped().len()),
            next_refresh: snapshot
                .as_ref()
                .map(|snapshot| snapshot.refresh_at.max(self.inner.retry_at()).saturating_sub(now)),
            stale: snapshot.is_some_and(|snapshot| now >= snapshot.stale_at),
            last_error: self.inner.attempts().last_failure.map(Failure::code),
        }
    }
}

pub(super) struct Inner {
    pub(super) settings: Settings,
    pub(super) location: Location,
    pub(super) transport: Transport,
    pub(super) thread: Arc<FetchThread>,
    pub(super) shared: Option<Arc<Shared>>,
    pub(super) snapshot: ArcSwapOption<Snapshot>,
    pub(super) flights: Flights,
    pub(super) gate: RefreshGate,
    pub(super) missing: NegativeCache,
    pub(super) attempts: Mutex<Attempts>,
    /// When the next attempt after a failure is due, in nanoseconds of the monotonic clock.
    pub(super) retry_at: AtomicU64,
    /// When the next flight is due without anybody asking.
    pub(super) alarm: watch::Sender<Option<tokio::time::Instant>>,
    pub(super) alarm_is_set_up: AtomicBool,
    /// Until when strangers cannot have the shared store asked, in nanoseconds.
    pub(super) store_rests_until: AtomicU64,
    /// When another instance has asked the issuer on behalf of strangers, in wall-clock milliseconds.
    pub(super) others_asked_at: AtomicU64,
    /// What discovery found, and until when it is believed.
    pub(super) key_set_url: Mutex<Option<(SafeUrl, Duration)>>,
}

/// How the last attempts went.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Attempts {
    pub(super) failures: u32,
    pub(super) ended_at: Duration,
    /// Before when the issuer does not want to be asked again.
    pub(super) not_before: Duration,
    pub(super) last_failure: Option<Failure>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwksProvider")
            .field("location", &self.location)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Inner {
    pub(super) fn monotonic(&self) -> Duration {
        self.settings.clock.monotonic()
    }

    fn attempts(&self) -> Attempts {
        *self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The snapshot, unless it is too old to be used. A refresh that is due is started on the way,
    /// in case the timer that should have done it could not, as in a process that was suspended.
    fn usable(self: &Arc<Self>, now: Duration) -> Option<Arc<Snapshot>> {
        self.look(now, Arc::clone)
    }

    /// The same for who needs only a part of it: the snapshot's counter, which every worker would
    /// touch, is left alone.
    fn look<T>(
        self: &Arc<Self>,
        now: Duration,
        read: impl FnOnce(&Arc<Snapshot>) -> T,
    ) -> Option<T> {
        let snapshot = self.snapshot.load();
        let snapshot = snapshot.as_ref()?;
        if now >= snapshot.refresh_at {
            self.start_if_due(now, Some(snapshot.flight));
        }
        (now < snapshot.unusable_at).then(|| read(snapshot))
    }

    /// Starts a flight, unless one is in the air or one has landed since the one that was `seen`.
    fn start_if_due(self: &Arc<Self>, now: Duration, seen: Option<u64>) {
        if !self.flights.is_flying(now) && now >= self.retry_at() {
            self.join_or_start(now, || (self.last_flight() == seen).then_some(Ask::Anybody));
        }
    }

    pub(super) fn retry_at(&self) -> Duration {
        Duration::from_nanos(self.retry_at.load(Ordering::Acquire))
    }

    /// Waits for keys of any kind; one attempt is enough to know that there are none.
    async fn arrive(self: Arc<Self>) -> Result<(), KeyError> {
        let now = self.monotonic();
        if self.usable(now).is_some() {
            return Ok(());
        }
        let reason = || (now >= self.cold_retry_at()).then_some(Ask::Anybody);
        let Some(ticket) = self.join_or_start(now, reason) else {
            return Err(self.unavailable(now));
        };
        let _ = ticket.landed().await;
        let now = self.monotonic();
        self.usable(now).map(drop).ok_or_else(|| self.unavailable(now))
    }

    /// The way of a question that the snapshot does not answer.
    async fn fetch_for(
        self: Arc<Self>,
        wanted: KeyQuery<'_>,
    ) -> Result<Arc<VerificationKey>, KeyError> {
        telemetry::cache("keys", false);
        // A flight that was in the air already may have left before the key was published, and a
        // document from the shared store may be older than the key. Then one more is worth it.
        for _ in 0..3 {
            let (now, seen) = (self.monotonic(), self.last_flight());
            let warm = match self.usable(now) {
                Some(snapshot) => {
                    if let Some(key) = select(&snapshot, &wanted) {
                        return Ok(key);
                    }
                    if self.missing.contains(memory_of(&wanted), now) {
                        return Err(KeyError::NotFound);
                    }
                    true
                }
                None => false,
            };
            let Some(ticket) = self.ticket(now, warm, seen, &wanted) else {
                if self.last_flight() != seen {
                    continue;
                }
                return Err(self.without_fetch(now, warm));
            };
            let is_first = ticket.is_first;
            let Ok(arrival) = ticket.landed().await else {
                return Err(self.unavailable(self.monotonic()));
            };
            let now = self.monotonic();
            if let Some(key) = self.usable(now).and_then(|keys| select(&keys, &wanted)) {
                return Ok(key);
            }
            match arrival {
                Arrival::FromIssuer | Arrival::KnownMissing if is_first => {
                    return Err(KeyError::NotFound);
                }
                Arrival::Refused | Arrival::NoNews if is_first => {
                    return Err(self.without_fetch(now, warm));
                }
                _ => {}
            }
        }
        let now = self.monotonic();
        Err(self.without_fetch(now, self.usable(now).is_some()))
    }

    /// Which flight brought the snapshot.
    fn last_flight(&self) -> Option<u64> {
        self.snapshot.load().as_ref().map(|snapshot| snapshot.flight)
    }

    /// A place in the flight that is in the air or may be started. With keys at hand a start needs
    /// the gate's consent and no pause after a failure; without, only a second since the last. None
    /// is started if one has landed since `seen`: its keys have to be looked at first.
    fn ticket(
        self: &Arc<Self>,
        now: Duration,
        warm: bool,
        seen: Option<u64>,
        wanted: &KeyQuery<'_>,
    ) -> Option<Ticket> {
        self.join_or_start(now, || {
            if self.last_flight() != seen {
                return None;
            }
            if !warm {
                return (now >= self.cold_retry_at()).then_some(Ask::Anybody);
            }
            let rests = now < Duration::from_nanos(self.store_rests_until.load(Ordering::Acquire));
            if now >= self.retry_at() && !rests && self.passes_gate(now) {
                return Some(Ask::Issuer(WantedKey::new(wanted)));
            }
            // Perhaps another instance has found the key: that can be known without a fetch.
            (self.shared.is_some() && !rests).then(|| {
                self.let_store_rest(now);
                Ask::Store
            })
        })
    }

    /// Keeps strangers from having the store asked again at once.
    pub(super) fn let_store_rest(&self, now: Duration) {
        let until = nanos(now.saturating_add(STORE_REST));
        self.store_rests_until.store(until, Ordering::Release);
    }

    fn passes_gate(&self, now: Duration) -> bool {
        let passes = self.gate.try_pass(now);
        if !passes {
            telemetry::refetch_refused();
        }
        passes
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
    /// long as the last attempt went well, an unknown key is an unknown key. Where other instances
    /// have made that attempt, this one must have seen what came of it.
    fn without_fetch(&self, now: Duration, warm: bool) -> KeyError {
        let asked = self.others_asked_at.load(Ordering::Acquire);
        let known = self.snapshot.load().as_ref().map_or(0, |keys| keys.document_from);
        let interval = self.settings.refetch_interval;
        let is_recent = self.settings.clock.now() < Duration::from_millis(asked) + interval;
        let is_behind = known < asked && is_recent;
        if warm && self.attempts().failures == 0 && !is_behind {
            KeyError::NotFound
        } else {
            self.unavailable(now)
        }
    }

    fn unavailable(&self, now: Duration) -> KeyError {
        let wait = self.cold_retry_at().saturating_sub(now);
        KeyError::Unavailable { retry_after: wait.max(RETRY_FIRST) }
    }

    pub(super) fn join_or_start(
        self: &Arc<Self>,
        now: Duration,
        reason: impl FnOnce() -> Option<Ask>,
    ) -> Option<Ticket> {
        let longest = self.settings.fetch_timeout.saturating_mul(2);
        Flights::join_or_start(self, now, longest, reason, |landing, ask| {
            self.thread.run(move || upkeep::fly(landing, ask));
        })
    }
}

/// Why a flight is made.
#[derive(Debug)]
pub(super) enum Ask {
    /// For a key set, from the shared store or from the issuer.
    Anybody,
    /// For a key that is not in the set at hand. It counts towards what strangers may cause.
    Issuer(WantedKey),
    /// For what another instance may have left in the store, and nothing else.
    Store,
}
