//! A URL that the metadata of an issuer name.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    discovery::{self, MetadataError, MetadataUrl},
    endpoint::SafeUrl,
    fetch_error::{Failure, FetchError, FetchStep, IssuerMismatch},
    http_client::HttpClient,
    http_hosts::HttpHosts,
};
use crate::defaults::DISCOVERY_TTL;

/// One URL of the metadata, cached for a while.
pub(super) struct DiscoveredUrl {
    wanted: MetadataUrl,
    /// The URL, and the time until which it is used unchecked.
    known: Mutex<Option<(SafeUrl, Duration)>>,
}

/// The place of the metadata.
pub(super) struct Metadata<'a> {
    pub(super) client: &'a HttpClient,
    pub(super) issuer: &'a str,
    pub(super) base: &'a SafeUrl,
    /// Hosts that the metadata may name with plain http.
    pub(super) http: &'a HttpHosts,
}

impl DiscoveredUrl {
    pub(super) fn new(wanted: MetadataUrl) -> Self {
        Self { wanted, known: Mutex::default() }
    }

    /// Makes the next call read the metadata again: after a failure the place may have moved.
    pub(super) fn expire(&self) {
        if let Some((_, until)) = &mut *self.known() {
            *until = Duration::ZERO;
        }
    }

    /// Returns the URL that the metadata name. The previous one stays in use if the metadata cannot
    /// be read now.
    pub(super) async fn get(
        &self,
        metadata: &Metadata<'_>,
        now: Duration,
        timeout: Duration,
    ) -> Result<SafeUrl, FetchError> {
        let known = self.known().clone();
        if let Some((url, until)) = &known
            && now < *until
        {
            return Ok(url.clone());
        }
        // With a previous URL, time is left for the request itself even if this one hangs.
        let share = if known.is_some() { 2 } else { 1 };
        let discovered = tokio::time::timeout(timeout / share, metadata.find(self.wanted)).await;
        match (discovered.unwrap_or(Err(Failure::Timeout.into())), known) {
            (Ok(url), _) => {
                *self.known() = Some((url.clone(), now + DISCOVERY_TTL));
                Ok(url)
            }
            (Err(_), Some((url, _))) => Ok(url),
            (Err(error), None) => Err(FetchError { step: FetchStep::Discovery, ..error }),
        }
    }

    fn known(&self) -> MutexGuard<'_, Option<(SafeUrl, Duration)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Metadata<'_> {
    async fn find(&self, wanted: MetadataUrl) -> Result<SafeUrl, FetchError> {
        let mut first = None;
        for url in wanted.places(self.base) {
            match self.find_at(&url, wanted).await {
                Err(error) if error.may_be_elsewhere => {
                    first.get_or_insert(error);
                }
                result => return result,
            }
        }
        Err(first.unwrap_or(Failure::NotFound.into()))
    }

    /// Reads the metadata at this URL.
    async fn find_at(&self, url: &SafeUrl, wanted: MetadataUrl) -> Result<SafeUrl, FetchError> {
        let document = self.client.get(url.uri()).await?;
        let url = discovery::url_in(&document.body, self.issuer, self.base, self.http, wanted);
        url.map_err(|error| match error {
            MetadataError::Malformed => Failure::DiscoveryDocument.into(),
            MetadataError::Issuer { found } => {
                let names = IssuerMismatch { configured: self.issuer.into(), found: found.into() };
                FetchError { issuers: Some(names), ..Failure::DiscoveryIssuer.into() }
            }
            MetadataError::Url => Failure::DiscoveryUrl.into(),
        })
    }
}
