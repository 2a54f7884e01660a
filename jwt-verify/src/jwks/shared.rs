//! Key sets in a store that instances share.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::location::Location;
use crate::{CacheStore, limits::STORE_TIMEOUT};

/// The entry of one issuer in a shared store.
#[derive(Debug)]
pub(super) struct SharedKeySet {
    store: Arc<dyn CacheStore>,
    key: String,
    max_bytes: usize,
    longest: Duration,
}

/// A key set document with its age. The age is inside, since the store's own expiry can be undone
/// by whoever operates it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    /// Wall-clock seconds when it was fetched.
    pub(super) fetched: u64,
    /// Seconds for which it is fresh from then on.
    pub(super) ttl: u64,
    pub(super) body: String,
}

impl SharedKeySet {
    /// The location is hashed into the name of the entry, so that nothing in it can lead elsewhere.
    /// Documents above `max_bytes`, or that claim to be fresh for longer than `longest`, are not
    /// believed: the store may be in other hands.
    pub(super) fn new(
        store: Arc<dyn CacheStore>,
        location: &Location,
        max_bytes: usize,
        longest: Duration,
    ) -> Self {
        let hash = digest(&SHA256, location.identity().as_bytes());
        let mut key = String::from("jwt-verify:1:keys:");
        URL_SAFE_NO_PAD.encode_string(hash, &mut key);
        Self { store, key, max_bytes, longest }
    }

    /// The document, unless it is not there, out of reach, unreadable, or no longer fresh.
    pub(super) async fn read(&self, now: Duration) -> Option<Document> {
        let answer = tokio::time::timeout(STORE_TIMEOUT, self.store.get(&self.key)).await;
        let bytes = answer.ok()?.ok()??;
        // The document is kept as a JSON string, in which a byte takes up to six.
        if bytes.len() > self.max_bytes.saturating_mul(6) {
            return None;
        }
        let document: Document = serde_json::from_slice(&bytes).ok()?;
        let age = now.as_secs().checked_sub(document.fetched)?;
        let ttl = Duration::from_secs(document.ttl).min(self.longest).as_secs();
        (age < ttl).then_some(Document { ttl, ..document })
    }

    /// Keeps a document for the other instances. Failing to is not worth a word: they will fetch.
    pub(super) async fn write(&self, document: &Document) {
        if let Ok(bytes) = serde_json::to_vec(document) {
            let write = self.store.set(&self.key, &bytes, Duration::from_secs(document.ttl));
            let _ = tokio::time::timeout(STORE_TIMEOUT, write).await;
        }
    }
}
