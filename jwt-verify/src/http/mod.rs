//! The layer that knows Actix, in the order of a request: credential, sender, authorization, entry
//! into the handler, refusal.

mod auth;
mod authentication;
mod authenticators;
mod authorization;
mod credentials;
mod endpoints;
mod entry;
mod explain;
#[cfg(feature = "mcp")]
mod mcp;
mod no_store;
mod refusal;
mod route_table;
mod sessions;
mod step;
mod streams;

pub use actix_web::HttpRequest;
pub use auth::{JwtAuth, JwtAuthBuilder};
pub use authentication::{CsrfProtection, MutualTls};
pub use authenticators::{Attempt, Authenticated, Authenticator, Presented};
#[cfg(feature = "testing")]
pub(crate) use authorization::coverage;
pub use authorization::{
    IntoDecision, Policy, PolicyFuture, ask_authorizer, ask_policy, no_policy,
};
pub use credentials::{
    BearerExtractor, CookieExtractor, Credential, FirstOf, HeaderExtractor, QueryExtractor,
    SubprotocolExtractor, TokenExtractor,
};
#[cfg(feature = "issuing")]
pub use endpoints::JwksEndpoint;
#[cfg(feature = "security-events")]
pub use endpoints::SecurityEventEndpoint;
pub use endpoints::{
    BackChannelLogoutEndpoint, HealthEndpoints, ResourceMetadata, ResourceMetadataEndpoint,
};
pub use entry::{
    Authorized, ClaimsArg, CurrentUser, FromClaims, HandlerRequirement, IsPublic, OptionalClaims,
    Otherwise, Probe, PublicRoute, RequireMiddleware, UserLoader, UserLoaderData,
    VerifiedClaimsExt,
};
#[cfg(feature = "mcp")]
pub use mcp::{McpGuard, McpGuardBuilder};
pub use refusal::BearerChallenge;
#[cfg(feature = "utoipa")]
pub use route_table::WithRequirements;
#[cfg(feature = "cli")]
pub(crate) use route_table::access_matrix::INCLUDED;
pub use route_table::{AccessMatrix, Annotated, AuthScope, RouteInfo};
#[cfg(feature = "introspection")]
pub use route_table::{RouteCheck, UnprotectedRoutes, check_routes};
#[cfg(feature = "issuing")]
pub use sessions::{SameSite, SessionCookieError, SessionCookies, SessionCookiesBuilder};
pub use streams::{
    AccessEnded, EndOfAccess, GuardedEvents, GuardedStream, StreamGuard, StreamLogin, close_code,
};
