//! Settings of a provider.

use std::{sync::Arc, time::Duration};

use crate::{clock::Clock, key::JwkSet, secret::Secret, store::CacheStore};

/// Settings that the parts of a provider are built from.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) cache_ttl: Option<Duration>,
    pub(super) stale_if_error: Duration,
    pub(super) negative_cache_ttl: Duration,
    pub(super) missing_entries: usize,
    pub(super) max_refetches: usize,
    pub(super) refetch_window: Duration,
    pub(super) fetch_timeout: Duration,
    pub(super) max_keys: usize,
    pub(super) store: Option<Arc<dyn CacheStore>>,
    pub(super) integrity_key: Option<Secret>,
    pub(super) initial_keys: Option<JwkSet>,
    pub(super) clock: Arc<dyn Clock>,
    /// Name of the issuer in metrics; none for one of many tenants.
    pub(super) metrics_label: Option<String>,
}
