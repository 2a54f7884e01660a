//! Key queries that outlive the request they come from.

use std::{hash::Hash, sync::Arc};

use crate::{
    algorithm::Algorithm,
    digest,
    key::{KeyQuery, VerificationKey},
};

/// An owned [`KeyQuery`].
#[derive(Debug)]
pub(super) struct OwnedKeyQuery {
    key_id: Option<Box<str>>,
    algorithm: Algorithm,
    exclude: Vec<Arc<VerificationKey>>,
}

impl OwnedKeyQuery {
    pub(super) fn new(query: &KeyQuery<'_>) -> Self {
        Self {
            key_id: query.key_id.map(Into::into),
            algorithm: query.algorithm,
            exclude: query.exclude.to_vec(),
        }
    }

    pub(super) fn as_query(&self) -> KeyQuery<'_> {
        KeyQuery {
            key_id: self.key_id.as_deref(),
            algorithm: self.algorithm,
            exclude: &self.exclude,
        }
    }
}

/// Name of a query in the shared store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct QueryDigest(String);

impl QueryDigest {
    pub(super) fn new(query: &KeyQuery<'_>) -> Self {
        let kind = if query.is_for_replacement() { "failed" } else { "unknown" };
        let (algorithm, key_id) = (query.algorithm.name(), query.key_id);
        let presence = if key_id.is_some() { "named" } else { "unnamed" };
        Self(digest::name(b"", &[kind, algorithm, presence, key_id.unwrap_or_default()]))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Key of a query in the negative cache. A query for a replacement of a key that failed differs
/// from one for a key that is unknown.
pub(super) fn negative_cache_key<'a>(query: &KeyQuery<'a>) -> impl Hash + use<'a> {
    (query.key_id, query.algorithm, query.is_for_replacement())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_for_different_keys_have_different_names() {
        let query = |key_id, algorithm| KeyQuery::new(key_id, algorithm);
        let name = |query: &KeyQuery<'_>| QueryDigest::new(query);
        let known = query(Some("a"), Algorithm::ES256);
        assert_eq!(name(&known), name(&OwnedKeyQuery::new(&known).as_query()));
        for other in [
            query(Some("b"), Algorithm::ES256),
            query(Some("a"), Algorithm::RS256),
            query(Some(""), Algorithm::ES256),
            query(None, Algorithm::ES256),
        ] {
            assert_ne!(name(&known), name(&other), "{other:?}");
        }
        let (unnamed, empty) = (query(None, Algorithm::ES256), query(Some(""), Algorithm::ES256));
        assert_ne!(name(&unnamed), name(&empty));
    }
}
