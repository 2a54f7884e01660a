//! API keys: credentials for programs, which are looked up instead of verified.
//!
//! [`ApiKeys`] goes into [`JwtAuthBuilder::api_keys`](crate::JwtAuthBuilder::api_keys); the book has a
//! guide. A store holds an HMAC of each key, so that its reader cannot use any of them.

mod builder;
mod caller;
mod crc32;
mod file;
mod finder;
mod form;
mod hash;
mod key;
mod keys;
mod last_use;
mod memory;
mod record;
#[cfg(feature = "redis")]
mod redis;
mod store;
mod thread;

pub use builder::ApiKeysBuilder;
pub use file::FileApiKeys;
pub(crate) use finder::ApiKeyFinder;
pub use hash::ApiKeyHash;
pub use key::ApiKey;
pub use keys::ApiKeys;
pub use memory::MemoryApiKeys;
pub use record::{ApiKeyRecord, ApiKeyRecordBuilder, InvalidApiKeyRecord};
#[cfg(feature = "redis")]
pub use redis::RedisApiKeys;
pub use store::{ApiKeyStore, ApiKeyUse, ManageApiKeys, StoredApiKey};
