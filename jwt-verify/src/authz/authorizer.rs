//! Decisions of the application's own, for every route.

use std::{future::Future, pin::Pin};

use super::Requirement;
use crate::{AuthError, Claims, VerifiedClaims};

/// Adds rules of the application's own to those of the routes, such as users that are suspended.
///
/// It is asked for every requirement that a request has met, and sees what was required: once for a
/// handler's `#[require]`, once for [`JwtAuth::require`], and once, with an empty requirement, for
/// [`JwtAuth`] as middleware. Where none of those has asked it, and [`VerifiedClaims`],
/// [`OptionalClaims`] or [`CurrentUser`] are arguments of a handler, they ask once for the request,
/// with an empty requirement too. So who is refused here is refused wherever claims are taken. It can
/// refuse; it cannot let pass whom the requirement has refused. A request without credentials, where
/// that is allowed, is of nobody to be asked about.
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
/// use jwt_verify::{AuthError, Authorizer, Missing, Requirement, VerifiedClaims};
///
/// struct NotSuspended;
///
/// impl Authorizer for NotSuspended {
///     fn authorize(&self, claims: &VerifiedClaims, _: &Requirement) -> Result<(), AuthError> {
///         if claims.get("suspended").is_some_and(|flag| flag == true) {
///             return Err(AuthError::Forbidden(Missing::Policy));
///         }
///         Ok(())
///     }
/// }
/// ```
///
/// What has to be waited for goes into [`authorize_later`](Self::authorize_later):
///
/// ```
/// use std::sync::Arc;
///
/// use jwt_verify::{
///     AuthError, AuthorizationFuture, Authorizer, Missing, Requirement, VerifiedClaims,
/// };
///
/// # struct Database;
/// # impl Database {
/// #     async fn is_suspended(&self, _: &str) -> Result<bool, std::io::Error> { Ok(false) }
/// # }
/// struct NotSuspended(Arc<Database>);
///
/// impl Authorizer for NotSuspended {
///     fn authorize_later(
///         &self,
///         claims: &VerifiedClaims,
///         _: &Requirement,
///     ) -> Option<AuthorizationFuture> {
///         let (database, claims) = (self.0.clone(), claims.clone());
///         Some(Box::pin(async move {
///             match database.is_suspended(claims.subject().unwrap_or_default()).await {
///                 Ok(false) => Ok(()),
///                 Ok(true) => Err(AuthError::Forbidden(Missing::Policy)),
///                 Err(_) => Err(AuthError::Unavailable { retry_after: std::time::Duration::from_secs(5) }),
///             }
///         }))
///     }
/// }
/// ```
pub trait Authorizer: Send + Sync + 'static {
    /// Lets the caller pass or not, at once. Default: everybody passes.
    ///
    /// # Errors
    /// Usually [`AuthError::Forbidden`]; every other refusal works as well.
    fn authorize(
        &self,
        claims: &VerifiedClaims<Claims>,
        requirement: &Requirement,
    ) -> Result<(), AuthError> {
        let _ = (claims, requirement);
        Ok(())
    }

    /// What has to be waited for before the caller may pass, such as a database. It is asked for
    /// after [`authorize`](Self::authorize) has let the caller pass. Default: nothing.
    ///
    /// It is waited for without a limit; set one where it asks somebody else.
    fn authorize_later(
        &self,
        claims: &VerifiedClaims<Claims>,
        requirement: &Requirement,
    ) -> Option<AuthorizationFuture> {
        let _ = (claims, requirement);
        None
    }
}

/// What an [`Authorizer`] is waited for with.
pub type AuthorizationFuture = Pin<Box<dyn Future<Output = Result<(), AuthError>> + Send>>;

/// Adds nothing: roles, permissions and the other terms of the requirement decide. The default.
#[derive(Debug, Clone, Copy, Default)]
pub struct RbacAuthorizer;

impl Authorizer for RbacAuthorizer {}
