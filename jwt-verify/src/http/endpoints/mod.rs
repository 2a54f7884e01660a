//! Routes that the library serves itself.

pub(crate) mod back_channel_logout;
mod document_route;
pub(crate) mod health;
#[cfg(feature = "issuing")]
pub(crate) mod jwks;
pub(crate) mod metadata_document;
pub(crate) mod resource_metadata;
#[cfg(feature = "security-events")]
pub(crate) mod security_events;

pub use back_channel_logout::BackChannelLogoutEndpoint;
pub use health::HealthEndpoints;
#[cfg(feature = "issuing")]
pub use jwks::JwksEndpoint;
pub use metadata_document::ResourceMetadata;
pub use resource_metadata::ResourceMetadataEndpoint;
#[cfg(feature = "security-events")]
pub use security_events::SecurityEventEndpoint;
