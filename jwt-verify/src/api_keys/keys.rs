//! API keys that an application accepts.

use std::{fmt, sync::Arc, time::Duration};

use aws_lc_rs::hmac;

use super::{
    form::KeyForm,
    hash::ApiKeyHash,
    key::ApiKey,
    last_use::LastUses,
    record::{ApiKeyRecord, ApiKeyRecordBuilder},
    store::ApiKeyStore,
};
use crate::{claims::ClaimsMapping, clock::Clock, error::StoreUnavailable};

/// API keys that a [`JwtAuth`](crate::JwtAuth) accepts besides tokens.
///
/// A key is `PREFIX_` and 40 characters of base62: 34 random ones, and six that are the CRC-32 of all
/// before. A client sends it as `X-Api-Key: KEY`, as `Authorization: ApiKey KEY` or as a bearer token.
/// The caller has the claims `sub`, `jti`, `exp`, `name`, `roles`, `permissions` and `scope` of the
/// [`ApiKeyRecord`], and routes decide about it as about a token with the same grants.
///
/// A key that is malformed, unknown or expired is refused with 401 `invalid_token`. While the store is
/// unreachable the answer is 503. Clones share the store.
#[derive(Clone)]
#[doc(alias = "x-api-key")]
pub struct ApiKeys {
    pub(super) source: Arc<KeySource>,
    pub(super) mapping: Option<ClaimsMapping>,
    pub(super) clock: Option<Arc<dyn Clock>>,
}

/// Store and secret, with what belongs to them.
pub(super) struct KeySource {
    pub(super) form: KeyForm,
    pub(super) secret: hmac::Key,
    pub(super) store: Arc<dyn ApiKeyStore>,
    pub(super) uses: Arc<LastUses>,
    /// Time for which keys of a store without a generation are cached.
    pub(super) cache_ttl: Duration,
    pub(super) cache_capacity: usize,
}

impl ApiKeys {
    /// Makes a new key, with the prefix that is set. It is accepted once its
    /// [`record`](Self::record) is in the store.
    ///
    /// # Errors
    /// If the system has no random bytes.
    pub fn generate(&self) -> Result<ApiKey, StoreUnavailable> {
        let key = self.source.form.generate().map_err(StoreUnavailable::caused_by)?;
        Ok(ApiKey(key))
    }

    /// Returns the hash under which a key is stored.
    pub fn hash(&self, key: &ApiKey) -> ApiKeyHash {
        ApiKeyHash::of(&self.source.secret, key.expose().as_bytes())
    }

    /// Returns a builder for the record of a key, which belongs to this owner.
    pub fn record(&self, key: &ApiKey, subject: impl Into<String>) -> ApiKeyRecordBuilder {
        ApiKeyRecord::builder(self.hash(key), subject)
    }
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeys").field("store", &self.source.store).finish_non_exhaustive()
    }
}
