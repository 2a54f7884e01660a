//! Application-wide authorization rules.

use super::Requirement;
use crate::lookup::Lookup;
use crate::{
    claims::{Claims, VerifiedClaims},
    error::AuthError,
};

/// Adds rules of the application to the requirements of all routes, such as a check for suspended
/// users.
///
/// It is called for every requirement that a request has met, and receives that requirement: once
/// for a handler's `#[require]`, once for [`JwtAuth::require`], and once, with an empty
/// requirement, for [`JwtAuth`] as middleware. If none of those has called it, and
/// [`VerifiedClaims`], [`OptionalClaims`] or [`CurrentUser`] are arguments of a handler, they call
/// it once for the request, with an empty requirement too. So a caller who is refused here is
/// refused wherever claims are taken. It can only add refusals: it cannot admit a caller whom the
/// requirement has refused. It is not called for a request without credentials, where that is
/// allowed.
///
/// Beside an `Option<Authorized<…>>`, whose handler runs after a refusal too, claims as arguments
/// count as checked while its decision is pending.
///
/// [`JwtAuth`]: crate::JwtAuth
/// [`JwtAuth::require`]: crate::JwtAuth::require
/// [`OptionalClaims`]: crate::OptionalClaims
/// [`CurrentUser`]: crate::CurrentUser
///
/// ```
/// use jwt_verify::{
///     AuthError, ForbiddenReason, Lookup, Requirement, VerifiedClaims, authorization::Authorizer,
/// };
///
/// struct NotSuspended;
///
/// impl Authorizer for NotSuspended {
///     fn authorize(
///         &self,
///         claims: &VerifiedClaims,
///         _: &Requirement,
///     ) -> Lookup<'static, Result<(), AuthError>> {
///         let is_suspended = claims.get("suspended").is_some_and(|flag| flag == true);
///         Lookup::Ready(if is_suspended { Err(AuthError::Forbidden(ForbiddenReason::Policy)) } else { Ok(()) })
///     }
/// }
/// ```
///
/// An authorizer that has to wait:
///
/// ```
/// use std::sync::Arc;
///
/// use jwt_verify::{
///     AuthError, ForbiddenReason, Lookup, Requirement, VerifiedClaims, authorization::Authorizer,
/// };
///
/// # struct Database;
/// # impl Database {
/// #     async fn is_suspended(&self, _: &str) -> Result<bool, std::io::Error> { Ok(false) }
/// # }
/// struct NotSuspended(Arc<Database>);
///
/// impl Authorizer for NotSuspended {
///     fn authorize(
///         &self,
///         claims: &VerifiedClaims,
///         _: &Requirement,
///     ) -> Lookup<'static, Result<(), AuthError>> {
///         let (database, claims) = (self.0.clone(), claims.clone());
///         Lookup::Pending(Box::pin(async move {
///             match database.is_suspended(claims.subject().unwrap_or_default()).await {
///                 Ok(false) => Ok(()),
///                 Ok(true) => Err(AuthError::Forbidden(ForbiddenReason::Policy)),
///                 Err(_) => Err(AuthError::Unavailable { retry_after: std::time::Duration::from_secs(5) }),
///             }
///         }))
///     }
/// }
/// ```
pub trait Authorizer: Send + Sync + 'static {
    /// Allows or refuses the request. There is no time limit: set one if you call another service.
    ///
    /// # Errors
    /// Usually [`AuthError::Forbidden`]; any other refusal works as well.
    fn authorize(
        &self,
        claims: &VerifiedClaims<Claims>,
        requirement: &Requirement,
    ) -> Lookup<'static, Result<(), AuthError>>;
}
