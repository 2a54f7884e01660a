//! Reasons for a refresh.

use super::key_query::OwnedKeyQuery;

/// Reason for a refresh; it decides where keys may come from, and against which limits it counts.
#[derive(Debug)]
pub(super) enum RefreshReason {
    /// A key set is needed, from the shared store or from the issuer.
    KeySet,
    /// A key that is not in the current set. It counts against the limit for unknown keys, unless
    /// the last attempt failed: then there is one a second at most.
    UnknownKey { query: OwnedKeyQuery, is_counted: bool },
    /// Queries that were deferred by the limit for unknown keys. It counts.
    DeferredQueries,
    /// A key set that another instance may have put into the shared store. The issuer is not asked.
    StoreOnly,
}

impl RefreshReason {
    /// Returns true if a fetch counts against the limit for unknown keys.
    pub(super) fn is_counted(&self) -> bool {
        matches!(self, Self::DeferredQueries | Self::UnknownKey { is_counted: true, .. })
    }
}
