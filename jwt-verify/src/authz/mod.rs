//! What a verified caller may do.

mod rbac;
mod requirement;

pub use rbac::{Authorizer, RbacAuthorizer};
pub use requirement::Requirement;
