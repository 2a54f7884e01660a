//! The layer that knows Actix: credentials out of requests, claims into handlers, errors into
//! responses.

mod auth;
mod authentication;
mod authorized;
mod challenge;
mod credentials;
#[cfg(feature = "jwks")]
mod env;
mod extractors;
mod health;
mod middleware;
mod response;

pub use auth::{ErrorResponse, JwtAuth, JwtAuthBuilder};
pub use authorized::{Authorized, Requires};
pub use challenge::BearerChallenge;
pub use credentials::{
    BearerExtractor, CookieExtractor, Credential, FirstOf, QueryExtractor, TokenExtractor,
};
pub use extractors::{OptionalClaims, VerifiedClaimsExt};
pub use health::HealthRoutes;
pub use middleware::{AuthFuture, JwtAuthService, Required};
