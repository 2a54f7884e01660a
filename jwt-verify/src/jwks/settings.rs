//! Settings of a provider.

use std::{sync::Arc, time::Duration};

use crate::{clock::Clock, key::JwkSet, secret::Secret, store::CacheStore};

/// Settings that the parts of a provider are built from.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) ttl: Option<Duration>,
    pub(super) stale_ttl: Duration,
    pub(super) missing_ttl: Duration,
    pub(super) missing_entries: usize,
    pub(super) refetches: usize,
    pub(super) refetch_interval: Duration,
    pub(super) fetch_timeout: Duration,
    pub(super) max_keys: usize,
    pub(super) store: Option<Arc<dyn CacheStore>>,
    pub(super) integrity_key: Option<Secret>,
    pub(super) seed: Option<JwkSet>,
    pub(super) clock: Arc<dyn Clock>,
    /// Name of the issuer in metrics; none for one of many tenants.
    pub(super) metrics_label: Option<String>,
}
