//! Builder of [`ApiKeys`].

use std::{sync::Arc, time::Duration};

use super::{
    form::KeyForm,
    keys::{ApiKeys, KeySource},
    last_use::LastUses,
    store::ApiKeyStore,
};
use crate::{
    claims::ClaimsMapping,
    clock::Clock,
    defaults::{API_KEY_CACHE_TTL, API_KEY_USE_PAUSE, MAX_API_KEY_CACHE_TTL, TOKEN_CACHE_ENTRIES},
    error::ConfigError,
    secret::Secret,
};

// The constructor is here, since the keys know nothing of their builder.
impl ApiKeys {
    /// Returns a builder for the keys in this store, whose hashes are made with this secret of at
    /// least 32 random bytes.
    ///
    /// **Security:** keep the secret apart from the store. A reader of the store who has the secret
    /// too gets in with none of the stored hashes, but can check guesses. Another secret makes all
    /// keys unknown.
    pub fn builder(secret: Secret, store: impl ApiKeyStore) -> ApiKeysBuilder {
        ApiKeysBuilder {
            secret,
            store: Arc::new(store),
            prefix: None,
            mapping: None,
            clock: None,
            cache_ttl: API_KEY_CACHE_TTL,
            cache_capacity: TOKEN_CACHE_ENTRIES,
        }
    }
}

/// Settings of [`ApiKeys`].
#[derive(Debug)]
#[must_use]
pub struct ApiKeysBuilder {
    secret: Secret,
    store: Arc<dyn ApiKeyStore>,
    prefix: Option<String>,
    mapping: Option<ClaimsMapping>,
    clock: Option<Arc<dyn Clock>>,
    cache_ttl: Duration,
    cache_capacity: usize,
}

impl ApiKeysBuilder {
    /// Sets the prefix of new keys, and refuses keys with any other: 1 to 32 letters, digits and inner
    /// `_`, not beginning with `ey`. Default: new keys have `ak`, and keys of any prefix are accepted
    /// if they are in the store.
    ///
    /// Choose one that no other application has, so that scanners for leaked secrets can tell whose
    /// key they have found. Bearer tokens with the prefix are API keys, whatever follows it.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// Sets the mapping of the claims `roles`, `permissions` and `scope` that are made of a record.
    /// Default: those names, with the role hierarchy, the scope hierarchy and `scopes_as_permissions` of
    /// the first issuer of the [`JwtAuth`](crate::JwtAuth), so that a route answers a key as it answers
    /// a token with the same grants.
    pub fn claims_mapping(mut self, mapping: ClaimsMapping) -> Self {
        self.mapping = Some(mapping);
        self
    }

    /// Sets for how long a key that was found is accepted without another call of the store, if the
    /// store has no [`generation`](ApiKeyStore::generation). Default: 60 s; at most 1 h; zero asks
    /// the store on every request.
    ///
    /// **Security:** a revoked key is accepted for at most this time. Keys that are not in such a store
    /// are not looked up again for 10 s, or for this time if it is shorter.
    pub fn cache_ttl(mut self, ttl: Duration) -> Self {
        self.cache_ttl = ttl;
        self
    }

    /// Sets how many found keys are cached. Default: 10,000; 0 switches it off.
    pub fn cache_capacity(mut self, entries: usize) -> Self {
        self.cache_capacity = entries;
        self
    }

    /// Sets the clock. Default: that of the [`JwtAuth`](crate::JwtAuth).
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Checks the settings. The store is not called yet.
    ///
    /// # Errors
    /// A secret of fewer than 32 bytes, a wrong prefix, a cached time of more than 1 h, and a mapping
    /// that no issuer may have.
    pub fn build(self) -> Result<ApiKeys, ConfigError> {
        let secret = self.secret.hmac_key("api_keys.secret")?;
        let form = self.prefix.as_deref().map_or_else(|| Ok(KeyForm::any()), KeyForm::only)?;
        if self.cache_ttl > MAX_API_KEY_CACHE_TTL {
            return Err(ConfigError::invalid("api_keys.cache_ttl", "must be at most 1 h"));
        }
        if let Some(mapping) = &self.mapping {
            mapping.check()?;
        }
        let source = KeySource {
            form,
            secret,
            uses: Arc::new(LastUses::new(self.store.clone(), API_KEY_USE_PAUSE)),
            store: self.store,
            cache_ttl: self.cache_ttl,
            cache_capacity: self.cache_capacity,
        };
        Ok(ApiKeys { source: Arc::new(source), mapping: self.mapping, clock: self.clock })
    }
}
