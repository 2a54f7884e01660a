//! Entry of a request into protected code: the middleware, and the arguments of handlers.

pub(crate) mod authorized;
pub(crate) mod claims_arg;
pub(crate) mod current_user;
pub(crate) mod extractors;
pub(crate) mod handler_error;
mod handler_probe;
pub(crate) mod middleware;
pub(crate) mod payload_gate;
pub(crate) mod public;
pub(crate) mod scope_requirement;

pub use authorized::{Authorized, HandlerRequirement};
pub use claims_arg::{ClaimsArg, FromClaims};
pub use current_user::{CurrentUser, UserLoader, UserLoaderData};
pub use extractors::{OptionalClaims, VerifiedClaimsExt};
pub use handler_probe::{Otherwise, Probe};
pub use middleware::RequireMiddleware;
pub use public::{IsPublic, PublicRoute};
