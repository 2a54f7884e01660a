//! Fetches the key set of an issuer.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    discovery::{self, MetadataError},
    endpoint::{Endpoint, SafeUrl},
    entry_codec::millis,
    fetch_error::{Failure, FetchError, Step},
    http_client::{HttpClient, HttpDocument},
    key_set_document::{KeySetDocument, parse_key_set},
};
use crate::{
    clock::Clock,
    key::JwkSet,
    limits::{DISCOVERY_TTL, KEY_SET_TTL},
};

/// Fetches the key set of one issuer, at a configured URL or at the one that its metadata names.
pub(super) struct JwksFetcher {
    endpoint: Endpoint,
    client: HttpClient,
    clock: Arc<dyn Clock>,
    settings: FetchSettings,
    /// URL of the key set from the metadata, and the time until which it is used unchecked.
    key_set_url: Mutex<Option<(SafeUrl, Duration)>>,
}

/// Settings of a [`JwksFetcher`].
#[derive(Debug, Clone, Copy)]
pub(super) struct FetchSettings {
    /// Freshness lifetime that overrides the one in the response.
    pub(super) ttl: Option<Duration>,
    pub(super) max_keys: usize,
    /// Time for a fetch as a whole. The caller enforces it; discovery gets a part of it.
    pub(super) timeout: Duration,
}

impl JwksFetcher {
    pub(super) fn new(
        endpoint: Endpoint,
        client: HttpClient,
        clock: Arc<dyn Clock>,
        settings: FetchSettings,
    ) -> Self {
        Self { endpoint, client, clock, settings, key_set_url: Mutex::default() }
    }

    /// Fetches the key set that replaces a document of the time `previous`, 0 if there is none.
    pub(super) async fn fetch(
        &self,
        previous: u64,
    ) -> Result<(JwkSet, KeySetDocument), FetchError> {
        // The time of the request, since the response may have waited for a suspended process. And
        // later than the document that it replaces, even if that one's clock was ahead.
        let requested = millis(self.clock.now()).max(previous + 1);
        let (response, set) = self.fetch_key_set().await?;
        let ttl = self.settings.ttl.or(response.max_age).unwrap_or(KEY_SET_TTL);
        let document = KeySetDocument {
            fetched: requested,
            ttl: ttl.as_secs().max(1),
            body: String::from_utf8(response.body).map_err(|_| Failure::KeySetDocument)?,
        };
        Ok((set, document))
    }

    /// Parses a key set document of another instance.
    pub(super) fn parse(&self, document: &KeySetDocument) -> Option<JwkSet> {
        parse_key_set(document.body.as_bytes(), self.settings.max_keys).ok()
    }

    /// Makes the next fetch read the metadata again: after a failure the key set may have moved.
    pub(super) fn expire_key_set_url(&self) {
        if let Some((_, until)) = &mut *self.key_set_url() {
            *until = Duration::ZERO;
        }
    }

    async fn fetch_key_set(&self) -> Result<(HttpDocument, JwkSet), FetchError> {
        let url = match &self.endpoint {
            Endpoint::KeySet(url) => url.clone(),
            Endpoint::Discovery { issuer, base } => self.discovered_url(issuer, base).await?,
        };
        let response = self.client.get(url.uri()).await?;
        let set = parse_key_set(&response.body, self.settings.max_keys)?;
        Ok((response, set))
    }

    /// Returns the URL that the metadata names. The previous one stays in use if the metadata cannot
    /// be read now.
    async fn discovered_url(&self, issuer: &str, base: &SafeUrl) -> Result<SafeUrl, FetchError> {
        let known = self.key_set_url().clone();
        let now = self.clock.monotonic();
        if let Some((url, until)) = &known
            && now < *until
        {
            return Ok(url.clone());
        }
        // With a previous URL, time is left for the key set even if the metadata request hangs.
        let share = if known.is_some() { 2 } else { 1 };
        let timeout = self.settings.timeout / share;
        let discovered = tokio::time::timeout(timeout, self.discover(issuer, base)).await;
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
        for url in discovery::metadata_urls(base) {
            match self.client.get(url.uri()).await {
                Ok(metadata) => {
                    return discovery::key_set_url(&metadata.body, issuer, base).map_err(|error| {
                        match error {
                            MetadataError::Malformed => Failure::DiscoveryDocument.into(),
                            MetadataError::Issuer => Failure::DiscoveryIssuer.into(),
                            MetadataError::Url => Failure::DiscoveryUrl.into(),
                        }
                    });
                }
                Err(error) if error.failure == Failure::NotFound => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    fn key_set_url(&self) -> MutexGuard<'_, Option<(SafeUrl, Duration)>> {
        self.key_set_url.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for JwksFetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwksFetcher").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
