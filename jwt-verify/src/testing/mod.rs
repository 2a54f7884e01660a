//! What implementations of your own can be held against.
//!
//! With feature `testing`, for the `[dev-dependencies]` of an application. The functions panic with
//! what is wrong, as assertions do.

mod cache_store;
#[cfg(feature = "issuing")]
mod refresh_store;
mod revocation_store;

pub use cache_store::cache_store;
#[cfg(feature = "issuing")]
pub use refresh_store::refresh_store;
pub use revocation_store::revocation_store;
