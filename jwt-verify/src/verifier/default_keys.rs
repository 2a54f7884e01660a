//! The key provider of an issuer for which none is set.

use std::sync::Arc;

use crate::{clock::Clock, error::ConfigError, key::KeyProvider};

/// Makes the key provider of an issuer without one.
#[derive(Default)]
pub(super) struct DefaultKeys {
    #[cfg(feature = "jwks")]
    pub(super) configure: Option<Box<Configure>>,
}

/// Configures the builder of a provider.
#[cfg(feature = "jwks")]
pub(super) type Configure =
    dyn Fn(crate::jwks::JwksProviderBuilder) -> crate::jwks::JwksProviderBuilder + Send + Sync;

#[cfg(feature = "jwks")]
impl DefaultKeys {
    pub(super) fn of_listed(
        &self,
        issuer: &str,
        clock: &Arc<dyn Clock>,
    ) -> Result<Arc<dyn KeyProvider>, ConfigError> {
        self.build(crate::jwks::JwksProvider::discover(issuer), clock)
    }

    pub(super) fn of_tenant(
        &self,
        issuer: &str,
        clock: &Arc<dyn Clock>,
    ) -> Result<Arc<dyn KeyProvider>, ConfigError> {
        self.build(crate::jwks::JwksProvider::discover(issuer).tenant(), clock)
    }

    fn build(
        &self,
        provider: crate::jwks::JwksProviderBuilder,
        clock: &Arc<dyn Clock>,
    ) -> Result<Arc<dyn KeyProvider>, ConfigError> {
        let provider = provider.shared_clock(clock.clone());
        let provider = match &self.configure {
            Some(configure) => configure(provider),
            None => provider,
        };
        Ok(Arc::new(provider.build()?))
    }
}

#[cfg(not(feature = "jwks"))]
const NO_FETCHING: ConfigError = ConfigError::invalid(
    "keys",
    "this build fetches none; enable the feature `jwks`, or give keys",
);

#[cfg(not(feature = "jwks"))]
#[expect(clippy::unused_self, reason = "with feature `jwks` it is used")]
impl DefaultKeys {
    pub(super) fn of_listed(
        &self,
        _: &str,
        _: &Arc<dyn Clock>,
    ) -> Result<Arc<dyn KeyProvider>, ConfigError> {
        Err(NO_FETCHING)
    }

    pub(super) fn of_tenant(
        &self,
        _: &str,
        _: &Arc<dyn Clock>,
    ) -> Result<Arc<dyn KeyProvider>, ConfigError> {
        Err(NO_FETCHING)
    }
}
