//! Token introspection (RFC 7662): the issuer tells about tokens that only it can read.
//!
//! A cached answer is read as a cached JWT is. Otherwise a question goes to the endpoint, one for
//! each token however many requests wait for it, on a thread of its own.

mod answer;
mod answer_cache;
mod assertion;
mod breaker;
mod builder;
mod client_authentication;
mod client_key;
mod flights;
mod form;
mod introspector;
mod key_epoch;
mod question;
mod shared_answers;
mod token_form;

pub use builder::Introspection;
pub use client_key::ClientKey;
pub(crate) use introspector::Introspector;

#[cfg(test)]
mod tests;
