//! Getting a key set: from the store, or from the issuer at the place that its metadata names.

use std::{
    sync::{MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    discovery::{self, Mismatch},
    fetch::{Failure, FetchError, Fetched, Step},
    flight::Origin,
    location::{Location, SafeUrl},
    provider::{Ask, Inner},
    shared::Document,
};
use crate::{
    JwkSet, JwkSetError, KeyRejection,
    limits::{DISCOVERY_TTL, KEY_SET_TTL},
};

impl Inner {
    /// Gets a key set from the shared store, if another instance left a newer one there, or from
    /// the issuer.
    pub(super) async fn obtain(&self, ask: Ask) -> Result<(JwkSet, Document, Origin), FetchError> {
        let known = self.snapshot.load().as_ref().map(|snapshot| snapshot.document_from);
        if ask == Ask::Anybody
            && let Some(shared) = &self.shared
            && let Some(document) = shared.read(self.settings.clock.now()).await
            && known.is_none_or(|known| document.fetched > known)
            && let Ok(set) = self.parse(document.body.as_bytes())
        {
            return Ok((set, document, Origin::Store));
        }
        // Dated from the question: the answer may have waited for a process that was stopped.
        let asked = self.settings.clock.now().as_secs();
        let (fetched, set) = self.fetch().await?;
        let ttl = self.settings.ttl.or(fetched.max_age).unwrap_or(KEY_SET_TTL);
        let document = Document {
            fetched: asked,
            ttl: ttl.as_secs().max(1),
            body: String::from_utf8(fetched.body).map_err(|_| Failure::KeySetDocument)?,
        };
        Ok((set, document, Origin::Issuer))
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
            if *rejection == KeyRejection::Private {
                tracing::error!(reason, "skipped a key that somebody has published by mistake");
            } else {
                tracing::warn!(reason, "skipped a key of the key set");
            }
        }
        if set.is_empty() { Err(Failure::NoUsableKeys) } else { Ok(set) }
    }
}
