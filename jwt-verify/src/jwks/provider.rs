//! The provider: where a question for a key meets snapshot, gate, memory and fetch.

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use tokio::sync::watch;

use super::{
    backoff::Attempts,
    builder::{JwksProviderBuilder, Settings},
    endpoint::{Endpoint, SafeUrl},
    entry_codec::EntryCodec,
    fetch_error::Failure,
    flight::Flights,
    http_client::HttpClient,
    lookup::Ask,
    put_off::PutOff,
    shared_store::{SharedKeyStore, SharedLimits},
    snapshot::Snapshot,
    thread::FetchThread,
};
use crate::{
    KeyError, KeyHealth, KeyLookup, KeyProvider, KeyQuery, KeysReady, RefreshGate,
    limits::KEY_SET_TTL_CEILING, negative::NegativeCache, telemetry,
};

/// The keys of a remote issuer.
///
/// A [`KeyProvider`] that fetches a key set (RFC 7517 §5) and keeps it fresh. Clones share
/// everything. Nothing is fetched before the first token, or before
/// somebody asks for it: [`warm_up`](KeyProvider::warm_up), [`ready`](KeyProvider::ready), a health
/// route.
///
/// While there are usable keys, no request waits for a refresh; while there are none and none can
/// be had, the answer is "try later" (503), never "unauthorized". An issuer that fails is asked again
/// after 1 to 60 s, and once a second as long as requests need keys: there are none, they have outlived
/// their time, or the one that a token names is not among them. A key that the issuer may not be asked for,
/// because unknown keys have been asked for often enough, is "ask later" (429).
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
        seal: EntryCodec,
        location: Endpoint,
        transport: HttpClient,
        thread: Arc<FetchThread>,
    ) -> Self {
        let shared = settings.store.clone().map(|store| {
            let limits = SharedLimits {
                document_bytes: transport.max_bytes,
                document_ttl: settings.ttl.unwrap_or(KEY_SET_TTL_CEILING),
                missing_ttl: settings.missing_ttl,
                refetches: settings.refetches,
                refetch_interval: settings.refetch_interval,
            };
            Arc::new(SharedKeyStore::new(store, seal, settings.clock.clone(), &location, limits))
        });
        let inner = Inner {
            gate: RefreshGate::new(settings.refetches, settings.refetch_interval),
            missing: NegativeCache::new(settings.missing_entries),
            snapshot: ArcSwapOption::new(settings.seed.clone().map(|seed| {
                let now = settings.clock.monotonic();
                Arc::new(Snapshot::of_seed(seed, now, settings.stale_ttl))
            })),
            flights: Flights::default(),
            attempts: Attempts::default(),
            put_off: PutOff::new(settings.missing_entries),
            will_put: AtomicBool::new(false),
            alarm: watch::Sender::new(None),
            alarm_is_set_up: AtomicBool::new(false),
            store_rests_until: AtomicU64::new(0),
            all_may_ask_at: AtomicU64::new(0),
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
        if let Some(key) = snapshot.select(&wanted) {
            telemetry::cache("keys", true);
            return KeyLookup::Ready(Ok(key));
        }
        if self.inner.is_missing(&snapshot, &wanted, now) {
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
        match &*self.inner.snapshot.load() {
            Some(keys) if now < keys.refresh_at => {}
            Some(keys) => self.inner.refresh(now, keys),
            None => self.inner.start_if_due(now, Attempts::wanted_at, None),
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
            next_refresh: snapshot.as_ref().map(|snapshot| {
                snapshot.refresh_at.max(self.inner.attempts.planned_at()).saturating_sub(now)
            }),
            stale: snapshot.is_some_and(|snapshot| now >= snapshot.stale_at),
            last_error: self.inner.attempts.last_failure().map(Failure::code),
        }
    }
}

pub(super) struct Inner {
    pub(super) settings: Settings,
    pub(super) location: Endpoint,
    pub(super) transport: HttpClient,
    pub(super) thread: Arc<FetchThread>,
    pub(super) shared: Option<Arc<SharedKeyStore>>,
    pub(super) snapshot: ArcSwapOption<Snapshot>,
    pub(super) flights: Flights,
    pub(super) gate: RefreshGate,
    pub(super) missing: NegativeCache,
    pub(super) attempts: Attempts,
    /// Questions that are put as soon as that is allowed.
    pub(super) put_off: PutOff,
    /// Whether that is planned.
    pub(super) will_put: AtomicBool,
    /// When the next flight is due without anybody asking.
    pub(super) alarm: watch::Sender<Option<tokio::time::Instant>>,
    pub(super) alarm_is_set_up: AtomicBool,
    /// Until when unknown keys cannot have the shared store asked, in nanoseconds of the monotonic clock.
    pub(super) store_rests_until: AtomicU64,
    /// From when on the instances together may ask for unknown keys again, in the same.
    pub(super) all_may_ask_at: AtomicU64,
    /// What discovery found, and until when it is believed.
    pub(super) key_set_url: Mutex<Option<(SafeUrl, Duration)>>,
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

    /// The snapshot, unless it is too old to be used. A refresh that is due is started on the way,
    /// in case the timer that should have done it could not, as in a process that was suspended.
    pub(super) fn usable(self: &Arc<Self>, now: Duration) -> Option<Arc<Snapshot>> {
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
            self.refresh(now, snapshot);
        }
        (now < snapshot.unusable_at).then(|| read(snapshot))
    }

    /// Has keys replaced that are due. As long as they have not outlived their time, an issuer that
    /// fails is left to the timer.
    fn refresh(self: &Arc<Self>, now: Duration, keys: &Snapshot) {
        let is_stale = now >= keys.stale_at;
        let due_at = if is_stale { Attempts::wanted_at } else { Attempts::planned_at };
        self.start_if_due(now, due_at, Some(keys.flight));
    }

    /// Starts a flight, unless one is in the air or one has landed since the one that was `seen`.
    fn start_if_due(
        self: &Arc<Self>,
        now: Duration,
        due_at: fn(&Attempts) -> Duration,
        seen: Option<u64>,
    ) {
        let is_due = || now >= due_at(&self.attempts);
        if is_due() && !self.flights.is_flying(now) {
            // One may have failed since.
            let reason = || (self.last_flight() == seen && is_due()).then_some(Ask::Anybody);
            self.join_or_start(now, reason);
        }
    }

    /// Which flight brought the snapshot.
    pub(super) fn last_flight(&self) -> Option<u64> {
        self.snapshot.load().as_ref().map(|snapshot| snapshot.flight)
    }
}
