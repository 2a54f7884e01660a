//! The Redis that instances of the application share.

use super::environment::Environment;
#[cfg(feature = "redis")]
use super::variable_names::name_variable;
use crate::{
    dpop::Dpop, error::ConfigError, introspection::Introspection, jwks::JwksProviderBuilder,
};

/// State that instances of the application share.
#[cfg(feature = "redis")]
pub(super) struct SharedCache {
    cache: Option<crate::store::RedisCache>,
    integrity_key: Option<String>,
}

#[cfg(feature = "redis")]
pub(super) fn shared(environment: &Environment<'_>) -> Result<SharedCache, ConfigError> {
    let (url, integrity_key) =
        (environment.text("REDIS_URL")?, environment.text("JWT_CACHE_INTEGRITY_KEY")?);
    if url.is_none() && integrity_key.is_some() {
        return Err(ConfigError::invalid("JWT_CACHE_INTEGRITY_KEY", "needs REDIS_URL"));
    }
    let cache = url.map(|url| crate::store::RedisCache::builder(url).build()).transpose();
    Ok(SharedCache { cache: cache.map_err(name_variable)?, integrity_key })
}

#[cfg(feature = "redis")]
impl SharedCache {
    pub(super) fn keys(&self, keys: JwksProviderBuilder) -> JwksProviderBuilder {
        let Some(cache) = &self.cache else { return keys };
        let keys = keys.cache(cache.clone());
        match &self.integrity_key {
            Some(secret) => keys.cache_integrity_key(secret.clone()),
            None => keys,
        }
    }

    /// Shares answers about tokens, if entries are sealed.
    pub(super) fn answers(&self, introspection: Introspection) -> Introspection {
        match (&self.cache, &self.integrity_key) {
            (Some(cache), Some(secret)) => {
                introspection.cache(cache.clone()).cache_integrity_key(secret.clone())
            }
            _ => introspection,
        }
    }

    /// Returns a receiver whose revocations all instances have.
    #[cfg(feature = "security-events")]
    pub(super) fn security_events(
        &self,
        transmitter: crate::security_events::Transmitter,
    ) -> crate::security_events::SecurityEventReceiverBuilder {
        use crate::{
            revocation::{MemoryRevocation, RedisRevocation},
            security_events::SecurityEventReceiver,
        };

        match &self.cache {
            Some(cache) => {
                let store = RedisRevocation::new(cache.clone());
                SecurityEventReceiver::builder(transmitter, store).seen(cache.clone())
            }
            None => SecurityEventReceiver::builder(transmitter, MemoryRevocation::new()),
        }
    }

    pub(super) fn proofs(&self, dpop: Dpop) -> Dpop {
        match &self.cache {
            Some(cache) => dpop.replay_store(crate::dpop::RedisReplay::new(cache.clone())),
            None => dpop,
        }
    }
}

#[cfg(not(feature = "redis"))]
pub(super) struct SharedCache;

#[cfg(not(feature = "redis"))]
pub(super) fn shared(environment: &Environment<'_>) -> Result<SharedCache, ConfigError> {
    for name in ["REDIS_URL", "JWT_CACHE_INTEGRITY_KEY"] {
        if environment.text(name)?.is_some() {
            return Err(ConfigError::invalid(name, "this build has no Redis support"));
        }
    }
    Ok(SharedCache)
}

#[cfg(not(feature = "redis"))]
impl SharedCache {
    #[expect(clippy::unused_self, reason = "nothing is shared by this build")]
    pub(super) fn keys(&self, keys: JwksProviderBuilder) -> JwksProviderBuilder {
        keys
    }

    #[expect(clippy::unused_self, reason = "nothing is shared by this build")]
    pub(super) fn answers(&self, introspection: Introspection) -> Introspection {
        introspection
    }

    #[cfg(feature = "security-events")]
    #[expect(clippy::unused_self, reason = "nothing is shared by this build")]
    pub(super) fn security_events(
        &self,
        transmitter: crate::security_events::Transmitter,
    ) -> crate::security_events::SecurityEventReceiverBuilder {
        let store = crate::revocation::MemoryRevocation::new();
        crate::security_events::SecurityEventReceiver::builder(transmitter, store)
    }

    #[expect(clippy::unused_self, reason = "nothing is shared by this build")]
    pub(super) fn proofs(&self, dpop: Dpop) -> Dpop {
        dpop
    }
}
