//! The routes of an application with their requirements.

pub(crate) mod access_matrix;
pub(crate) mod auth_scope;
pub(crate) mod inner_routes;
mod known_auth;
mod layers;
#[cfg(feature = "utoipa")]
mod open_api;
#[cfg(any(feature = "introspection", feature = "utoipa"))]
pub(crate) mod pattern;
#[cfg(feature = "introspection")]
pub(crate) mod route_check;
mod scope_guard;
#[cfg(feature = "introspection")]
pub(crate) mod unprotected_routes;

pub use access_matrix::{AccessMatrix, Annotated, RouteInfo};
pub use auth_scope::AuthScope;
#[cfg(feature = "utoipa")]
pub use open_api::WithRequirements;
#[cfg(feature = "introspection")]
pub use route_check::{RouteCheck, check_routes};
#[cfg(feature = "introspection")]
pub use unprotected_routes::UnprotectedRoutes;
