//! Decisions of the application's own, for every route.

use super::Requirement;
use crate::lookup::Lookup;
use crate::{
    claims::{Claims, VerifiedClaims},
    error::AuthError,
};

/// Adds rules of the application's own to those of the routes, such as users that are suspended.
///
/// It is asked for every requirement that a request has met, and sees what was required: once for a
/// handler's `#[require]`, once for [`JwtAuth::require`], and once, with an empty requirement, for
/// [`JwtAuth`] as middleware. Where none of those has asked it, and [`VerifiedClaims`],
/// [`OptionalClaims`] or [`CurrentUser`] are arguments of a handler, they ask once for the request,
/// with an empty requirement too. So a caller who is refused here is refused wherever claims are taken.
/// It can only add refusals: it cannot let pass a caller whom the requirement has refused. It is not
/// asked about a request without credentials, where that is allowed.
///
/// Beside an `Option<Authorized<…>>`, which goes on after a refusal, claims as arguments count as asked
/// while its decision is waited for.
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
/// With a question that has to be waited for:
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
    /// Lets the caller pass, or refuses. Where the answer has to be waited for, the wait has no limit:
    /// set one where another service is asked.
    ///
    /// # Errors
    /// Usually [`AuthError::Forbidden`]; every other refusal works as well.
    fn authorize(
        &self,
        claims: &VerifiedClaims<Claims>,
        requirement: &Requirement,
    ) -> Lookup<'static, Result<(), AuthError>>;
}
