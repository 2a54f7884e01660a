//! Getting a key set: from the store, or from the issuer at the place that its metadata names.

use std::{
    sync::{MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    discovery::{self, Mismatch},
    fetch::{Failure, FetchError, Fetched, Step},
    flight::Arrival,
    location::{Location, SafeUrl},
    provider::{Ask, Inner},
    seal::millis,
    shared::{Document, Shared},
};
use crate::{
    CacheError, JwkSet, JwkSetError, KeyRejection,
    limits::{DISCOVERY_TTL, KEY_SET_TTL, LEASE_POLL},
    telemetry,
};

/// What a flight takes home.
pub(super) enum Obtained {
    /// The issuer's own words. With a lease, others wait to be told.
    Fetched { set: JwkSet, document: Document, has_lease: bool },
    /// What another instance has fetched.
    Shared { set: JwkSet, document: Document },
    /// Nothing, for a reason that is no failure.
    Nothing(Arrival),
}

/// Who is to fetch, as the instances have agreed.
enum Turn {
    /// This one, for all. The others wait for what it leaves in the store.
    ForAll,
    /// This one, for itself: there are no others, or they cannot be reached.
    ForItself,
    /// Nobody, because there is an answer already.
    Nobody(Obtained),
}

impl Inner {
    /// Gets a key set from the store, if another instance left a newer one there, or from the
    /// issuer.
    pub(super) async fn obtain(&self, ask: &Ask) -> Result<Obtained, FetchError> {
        let Some(shared) = &self.shared else { return self.fetch_now(false).await };
        match self.turn(shared, ask).await.unwrap_or(Turn::ForItself) {
            Turn::Nobody(obtained) => Ok(obtained),
            Turn::ForItself => self.fetch_now(false).await,
            Turn::ForAll => {
                let obtained = tokio::select! {
                    obtained = self.fetch_now(true) => obtained,
                    () = shared.keep_lease() => Err(Failure::Aborted.into()),
                };
                if obtained.is_err() {
                    shared.end_lease().await;
                }
                obtained
            }
        }
    }

    /// Agrees with the other instances who fetches, and waits as long as one of them does.
    async fn turn(&self, shared: &Shared, ask: &Ask) -> Result<Turn, CacheError> {
        loop {
            if let Some(obtained) = self.newer(shared).await? {
                return Ok(Turn::Nobody(obtained));
            }
            if shared.take_lease().await? {
                break;
            }
            tokio::time::sleep(LEASE_POLL).await;
        }
        // What its last holder has left while this one was asking for the lease.
        let mut answer = self.newer(shared).await?;
        if let (None, Ask::Issuer(Some(question))) = (&answer, ask) {
            answer = match shared.missing_for(question).await? {
                Some(time) => Some(Obtained::Nothing(Arrival::KnownMissing(time))),
                None if shared.passes_gate().await? => None,
                None => Some(Obtained::Nothing(Arrival::Refused)),
            };
        }
        let Some(answer) = answer else { return Ok(Turn::ForAll) };
        shared.end_lease().await;
        Ok(Turn::Nobody(answer))
    }

    /// What another instance has fetched since this one last took over a key set.
    async fn newer(&self, shared: &Shared) -> Result<Option<Obtained>, CacheError> {
        let known = self.snapshot.load().as_ref().map(|snapshot| snapshot.document_from);
        let found = shared.document().await?;
        telemetry::cache("store", found.is_some());
        let Some(document) = found else { return Ok(None) };
        if known.is_some_and(|known| document.fetched <= known) {
            return Ok(None);
        }
        let set = self.parse(document.body.as_bytes());
        Ok(set.ok().map(|set| Obtained::Shared { set, document }))
    }

    async fn fetch_now(&self, has_lease: bool) -> Result<Obtained, FetchError> {
        // Dated from the question: the answer may have waited for a process that was stopped.
        let asked = millis(self.settings.clock.now());
        let (fetched, set) = self.fetch().await?;
        let ttl = self.settings.ttl.or(fetched.max_age).unwrap_or(KEY_SET_TTL);
        let document = Document {
            fetched: asked,
            ttl: ttl.as_secs().max(1),
            body: String::from_utf8(fetched.body).map_err(|_| Failure::KeySetDocument)?,
        };
        Ok(Obtained::Fetched { set, document, has_lease })
    }

    async fn fetch(&self) -> Result<(Fetched, JwkSet), FetchError> {
        let url = match &self.location {
            Location::KeySet(url) => url.clone(),
            Location::Discovery { issuer, base } => self.discovered(issuer, base).await?,
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
        match (self.discover(issuer, base).await, known) {
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
