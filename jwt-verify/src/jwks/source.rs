//! Getting a key set: from the store, or from the issuer at the place that its metadata names.

use std::{
    sync::{Arc, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::time::timeout_at;

use super::{
    discovery::{self, MetadataError},
    endpoint::{Endpoint, SafeUrl},
    entry_codec::millis,
    fetch_error::{Failure, FetchError, Step},
    http_client::HttpDocument,
    key_query::QueryDigest,
    lookup::Ask,
    provider::Inner,
    shared_store::{KeySetDocument, Lease, LeaseAttempt, SharedKeyStore},
};
use crate::{
    CacheError, JwkSet, JwkSetError, KeyRejection,
    limits::{DISCOVERY_TTL, KEY_SET_TTL, LEASE, LEASE_POLL, MAX_CLOCK_SKEW, STORE_BUDGET},
    telemetry,
};

/// What a flight takes home.
pub(super) enum Obtained {
    /// The issuer's own words. With a lease, others wait to be told.
    Fetched { set: JwkSet, document: KeySetDocument, lease: Option<Lease> },
    /// What another instance has fetched.
    Shared { set: JwkSet, document: KeySetDocument },
    /// Nothing newer.
    NoNews,
    /// Nothing: the instances together have asked often enough, until this time has passed.
    Refused { opens_in: Duration },
    /// Nothing: another instance knows that there is no such key, for this long.
    KnownMissing(Duration),
    /// Nothing: the issuer has just failed to answer another instance, and is left alone for this
    /// long.
    Resting(Duration),
}

/// A fetch that failed. With a lease, others wait to be told.
pub(super) struct Failed {
    pub(super) error: FetchError,
    pub(super) lease: Option<Lease>,
}

impl From<FetchError> for Failed {
    fn from(error: FetchError) -> Self {
        Self { error, lease: None }
    }
}

/// Who is to fetch, as the instances have agreed.
enum Turn {
    /// This one, for all. The others wait for what it leaves in the store.
    ForAll(Lease),
    /// This one, for itself: there are no others, or they cannot be reached.
    ForItself,
    /// Nobody, because there is an answer already.
    Nobody(Obtained),
}

impl Inner {
    /// Gets a key set from the store, if another instance left a newer one there, or from the
    /// issuer, within the time that a fetch may take as a whole.
    pub(super) async fn obtain(&self, ask: &Ask) -> Result<Obtained, Failed> {
        let end = tokio::time::Instant::now() + self.settings.fetch_timeout;
        let lease = match &self.shared {
            None => None,
            Some(shared) => match timeout_at(end, self.turn(shared, ask)).await {
                Ok(Ok(Turn::Nobody(obtained))) => return Ok(obtained),
                Ok(Ok(Turn::ForAll(lease))) => Some(lease),
                Ok(Ok(Turn::ForItself) | Err(CacheError)) => None,
                Err(_) => return Err(FetchError::from(Failure::Timeout).into()),
            },
        };
        match timeout_at(end, self.fetch_now()).await {
            Ok(Ok((set, document))) => Ok(Obtained::Fetched { set, document, lease }),
            Ok(Err(error)) => Err(Failed { error, lease }),
            Err(_) => Err(Failed { error: Failure::Timeout.into(), lease }),
        }
    }

    /// Agrees with the other instances who fetches, and waits for a while if one of them does. A
    /// store that takes its time is as good as none.
    async fn turn(&self, shared: &Arc<SharedKeyStore>, ask: &Ask) -> Result<Turn, CacheError> {
        if matches!(ask, Ask::Store) {
            return Ok(Turn::Nobody(self.told(shared).await.unwrap_or(Obtained::NoNews)));
        }
        let wait_until = Instant::now() + self.settings.fetch_timeout / 2;
        let mut seen = (Vec::new(), Instant::now());
        let (lease, began) = loop {
            let began = Instant::now();
            if let Some(obtained) = self.newer(shared).await? {
                return Ok(Turn::Nobody(obtained));
            }
            let dead = (seen.1.elapsed() > LEASE).then_some(&*seen.0);
            match shared.acquire_lease(dead).await? {
                LeaseAttempt::Acquired(lease) => break (lease, began),
                LeaseAttempt::Held(sign) if sign != seen.0 => seen = (sign, Instant::now()),
                LeaseAttempt::Held(_) => {}
            }
            if began.elapsed() > STORE_BUDGET || Instant::now() >= wait_until {
                return Ok(Turn::ForItself);
            }
            tokio::time::sleep(LEASE_POLL).await;
        };
        // What its last holder has left while this one was asking for the lease.
        if let Some(obtained) = self.newer(shared).await? {
            return Ok(Turn::Nobody(obtained));
        }
        if let Some(time) = shared.issuer_paused_for().await? {
            return Ok(Turn::Nobody(Obtained::Resting(time)));
        }
        if began.elapsed() > STORE_BUDGET {
            return Ok(Turn::ForItself);
        }
        if let Ask::Issuer { wanted, .. } = ask
            && let Some(time) = shared.missing_for(&QueryDigest::new(&wanted.as_query())).await?
        {
            return Ok(Turn::Nobody(Obtained::KnownMissing(time)));
        }
        if !ask.is_counted() {
            return Ok(Turn::ForAll(lease));
        }
        Ok(match shared.allow_refetch().await? {
            Ok(()) => Turn::ForAll(lease),
            Err(opens_in) => Turn::Nobody(Obtained::Refused { opens_in }),
        })
    }

    /// What other instances have found out since this one last took over a key set, be it that the
    /// issuer does not answer.
    async fn told(&self, shared: &SharedKeyStore) -> Result<Obtained, CacheError> {
        if let Some(obtained) = self.newer(shared).await? {
            return Ok(obtained);
        }
        Ok(shared.issuer_paused_for().await?.map_or(Obtained::NoNews, Obtained::Resting))
    }

    /// What another instance has fetched since this one last took over a key set.
    async fn newer(&self, shared: &SharedKeyStore) -> Result<Option<Obtained>, CacheError> {
        let known = self.known_from();
        let found = shared.document().await?;
        telemetry::cache("store", found.is_some());
        let Some(document) = found else { return Ok(None) };
        if document.fetched <= known {
            return Ok(None);
        }
        let set = self.parse(document.body.as_bytes());
        Ok(set.ok().map(|set| Obtained::Shared { set, document }))
    }

    /// When the document at hand left the issuer, in wall-clock milliseconds; 0 if there is none, or
    /// if it is from a future that no clock of another instance explains.
    fn known_from(&self) -> u64 {
        let known = self.snapshot.load().as_ref().map_or(0, |snapshot| snapshot.document_from);
        let now = self.settings.clock.now();
        if known > millis(now.saturating_add(MAX_CLOCK_SKEW)) { 0 } else { known }
    }

    async fn fetch_now(&self) -> Result<(JwkSet, KeySetDocument), FetchError> {
        // Dated from the question: the answer may have waited for a process that was stopped. And
        // after the document that it replaces, even if that one's clock was ahead.
        let asked = millis(self.settings.clock.now()).max(self.known_from() + 1);
        let (fetched, set) = self.fetch().await?;
        let ttl = self.settings.ttl.or(fetched.max_age).unwrap_or(KEY_SET_TTL);
        let document = KeySetDocument {
            fetched: asked,
            ttl: ttl.as_secs().max(1),
            body: String::from_utf8(fetched.body).map_err(|_| Failure::KeySetDocument)?,
        };
        Ok((set, document))
    }

    async fn fetch(&self) -> Result<(HttpDocument, JwkSet), FetchError> {
        let url = match &self.location {
            Endpoint::KeySet(url) => url.clone(),
            Endpoint::Discovery { issuer, base } => self.discovered(issuer, base).await?,
        };
        let fetched = self.transport.get(url.uri()).await?;
        let set = self.parse(&fetched.body)?;
        Ok((fetched, set))
    }

    /// Where the issuer's metadata says that the key set is. What it said before serves on if it
    /// cannot be read now.
    async fn discovered(&self, issuer: &str, base: &SafeUrl) -> Result<SafeUrl, FetchError> {
        let known = self.key_set_url().clone();
        let now = self.monotonic();
        if let Some((url, until)) = &known
            && now < *until
        {
            return Ok(url.clone());
        }
        // With an address from before, there is time left for the keys even if this one hangs.
        let share = if known.is_some() { 2 } else { 1 };
        let patience = self.settings.fetch_timeout / share;
        let discovered = tokio::time::timeout(patience, self.discover(issuer, base)).await;
        match (discovered.unwrap_or(Err(Failure::Timeout.into())), known) {
            (Ok(url), _) => {
                *self.key_set_url() = Some((url.clone(), now + DISCOVERY_TTL));
                Ok(url)
            }
            (Err(_), Some((url, _))) => Ok(url),
            (Err(error), None) => Err(FetchError { step: Step::Discovery, ..error }),
        }
    }

    async fn discover(&self, issuer: &str, base: &SafeUrl) -> Result<SafeUrl, FetchError> {
        let mut last = FetchError::from(Failure::NotFound);
        for address in discovery::metadata_urls(base) {
            match self.transport.get(address.uri()).await {
                Ok(fetched) => {
                    return discovery::key_set_url(&fetched.body, issuer, base).map_err(
                        |mismatch| match mismatch {
                            MetadataError::Malformed => Failure::DiscoveryDocument.into(),
                            MetadataError::Issuer => Failure::DiscoveryIssuer.into(),
                            MetadataError::Url => Failure::DiscoveryUrl.into(),
                        },
                    );
                }
                Err(error) if error.failure == Failure::NotFound => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    pub(super) fn key_set_url(&self) -> MutexGuard<'_, Option<(SafeUrl, Duration)>> {
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
            let reason = rejection.code();
            telemetry::key_skipped(reason);
            if *rejection == KeyRejection::Private {
                tracing::error!(reason, "skipped a key that somebody has published by mistake");
            } else {
                tracing::warn!(reason, "skipped a key of the key set");
            }
        }
        if set.is_empty() { Err(Failure::NoUsableKeys) } else { Ok(set) }
    }
}
