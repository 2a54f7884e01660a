//! The layer that knows Actix: credentials out of requests, claims into handlers, errors into
//! responses.

mod admission;
mod auth;
mod auth_builder;
mod auth_scope;
mod authentication;
mod authorized;
mod back_channel_logout;
mod challenge;
mod credentials;
mod cross_site;
mod csrf;
mod current_user;
mod decision;
#[cfg(feature = "jwks")]
mod env;
mod extractors;
mod gate;
mod health;
mod id_token;
#[cfg(feature = "issuing")]
mod key_set;
mod middleware;
mod mutual_tls;
#[cfg(feature = "utoipa")]
mod open_api;
mod policy;
mod possession;
mod probe;
mod public;
mod resource_metadata;
mod response;
#[cfg(feature = "introspection")]
mod route_audit;
mod routes;
mod segments;
mod sender;
#[cfg(feature = "issuing")]
mod session_cookies;
#[cfg(feature = "issuing")]
mod session_error;
mod step;
#[cfg(feature = "introspection")]
mod unprotected_routes;

pub use actix_web::HttpRequest;
pub use auth::JwtAuth;
pub use auth_builder::JwtAuthBuilder;
pub use auth_scope::AuthScope;
pub use authorized::{Authorized, HandlerRequirement};
pub use back_channel_logout::BackChannelLogoutEndpoint;
pub use challenge::BearerChallenge;
pub use credentials::{
    BearerExtractor, CookieExtractor, Credential, FirstOf, QueryExtractor, TokenExtractor,
};
pub use csrf::CsrfProtection;
pub use current_user::{CurrentUser, UserLoader, UserLoaderData};
pub use extractors::{OptionalClaims, VerifiedClaimsExt};
pub use health::HealthEndpoints;
#[cfg(feature = "issuing")]
pub use key_set::JwksEndpoint;
pub use middleware::{AuthFuture, JwtAuthService, RequireMiddleware};
pub use mutual_tls::MutualTls;
pub use policy::{IntoDecision, Policy, PolicyFuture, ask_authorizer, ask_policy, no_policy};
pub use probe::{Otherwise, Probe};
pub use public::PublicRoute;
pub use resource_metadata::{ResourceMetadata, ResourceMetadataEndpoint};
#[cfg(feature = "introspection")]
pub use route_audit::{RouteCheck, check_routes};
pub use routes::{AccessMatrix, Annotated, IsPublic, RouteInfo};
#[cfg(feature = "issuing")]
pub use session_cookies::{SameSite, SessionCookieError, SessionCookies, SessionCookiesBuilder};
#[cfg(feature = "introspection")]
pub use unprotected_routes::UnprotectedRoutes;
