//! Who decides.

use super::Requirement;
use crate::{AuthError, Claims, VerifiedClaims};

/// Decides whether a verified caller meets a requirement.
///
/// It is asked once for every route with a requirement that a request reaches. Replace the default
/// to add rules of your own, such as users that are suspended; a decision of your own usually
/// begins with that of [`RbacAuthorizer`].
///
/// ```
/// use jwt_verify::{AuthError, Authorizer, Missing, RbacAuthorizer, Requirement, VerifiedClaims};
///
/// struct NotSuspended;
///
/// impl Authorizer for NotSuspended {
///     fn authorize(&self, claims: &VerifiedClaims, needed: &Requirement) -> Result<(), AuthError> {
///         RbacAuthorizer.authorize(claims, needed)?;
///         if claims.get("suspended").is_some_and(|flag| flag == true) {
///             return Err(AuthError::Forbidden(Missing::Policy));
///         }
///         Ok(())
///     }
/// }
/// ```
pub trait Authorizer: Send + Sync + 'static {
    /// Lets the caller pass or not.
    ///
    /// # Errors
    /// Usually [`AuthError::Forbidden`]; every other refusal works as well.
    fn authorize(
        &self,
        claims: &VerifiedClaims<Claims>,
        requirement: &Requirement,
    ) -> Result<(), AuthError>;
}

/// Decides by roles and permissions alone; the default.
#[derive(Debug, Clone, Copy, Default)]
pub struct RbacAuthorizer;

impl Authorizer for RbacAuthorizer {
    fn authorize(
        &self,
        claims: &VerifiedClaims<Claims>,
        requirement: &Requirement,
    ) -> Result<(), AuthError> {
        requirement.check(claims).map_err(AuthError::Forbidden)
    }
}
