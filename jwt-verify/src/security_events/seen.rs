//! Tokens that were acted on, so that one which is sent again changes nothing (RFC 8935 §2).

use std::{sync::Arc, time::Duration};

use crate::{digest, error::StoreUnavailable, store::CacheStore};

/// State of a token.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sighting {
    New,
    /// It was acted on.
    Again,
    /// Another token had this `jti`.
    Other,
}

#[derive(Debug)]
pub(super) struct SeenEvents {
    store: Arc<dyn CacheStore>,
    ttl: Duration,
    /// Hash of what makes two receivers act differently on one event, if they share the store.
    receiver: String,
}

impl SeenEvents {
    pub(super) fn new(store: Arc<dyn CacheStore>, ttl: Duration, mut receiver: Vec<&str>) -> Self {
        receiver.sort_unstable();
        Self { store, ttl, receiver: digest::name(b"", &receiver) }
    }

    /// Returns the name of a token's entry.
    pub(super) fn name(&self, issuer: &str, token_id: &str) -> String {
        format!("event:{}", digest::name(b"", &[issuer, token_id, &self.receiver]))
    }

    pub(super) async fn find(
        &self,
        name: &str,
        content: &str,
    ) -> Result<Sighting, StoreUnavailable> {
        Ok(match self.store.get(name).await? {
            None => Sighting::New,
            Some(known) if known == content.as_bytes() => Sighting::Again,
            Some(_) => Sighting::Other,
        })
    }

    /// Notes a token once it was acted on.
    pub(super) async fn note(&self, name: &str, content: &str) -> Result<(), StoreUnavailable> {
        self.store.add(name, content.as_bytes(), self.ttl).await.map(drop)
    }
}
