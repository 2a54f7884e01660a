//! The layer that knows Actix: credentials out of requests, claims into handlers, errors into
//! responses.

mod auth;
mod authentication;
mod authorized;
mod back_channel_logout;
mod challenge;
mod credentials;
mod csrf;
mod current_user;
#[cfg(feature = "jwks")]
mod env;
mod extractors;
mod health;
mod id_token;
#[cfg(feature = "issuing")]
mod key_set;
mod middleware;
mod response;
#[cfg(feature = "issuing")]
mod session_cookies;
#[cfg(feature = "issuing")]
mod session_error;

pub use auth::{ErrorResponse, JwtAuth, JwtAuthBuilder};
pub use authorized::{Authorized, Requires};
pub use back_channel_logout::BackChannelLogout;
pub use challenge::BearerChallenge;
pub use credentials::{
    BearerExtractor, CookieExtractor, Credential, FirstOf, QueryExtractor, TokenExtractor,
};
pub use csrf::CsrfProtection;
pub use current_user::{CurrentUser, UserFuture, UserLoader, UserLoaderError, Users};
pub use extractors::{OptionalClaims, VerifiedClaimsExt};
pub use health::HealthRoutes;
#[cfg(feature = "issuing")]
pub use key_set::KeySetRoute;
pub use middleware::{AuthFuture, JwtAuthService, Required};
#[cfg(feature = "issuing")]
pub use session_cookies::{SameSite, SessionCookieError, SessionCookies, SessionCookiesBuilder};
