//! Arguments of handlers that are made of claims.

use std::{fmt, ops::Deref};

use actix_web::{Error, FromRequest, HttpRequest, dev::Payload};

use crate::http::{
    entry::extractors::{Extraction, Wanted, admitted, extract},
    step::Step,
};
use crate::{
    claims::{ServiceAccount, VerifiedClaims},
    error::{AuthError, ForbiddenReason},
};

/// A type of the application that is made of the verified claims, such as the tenant of the caller.
///
/// A handler takes it as [`ClaimsArg`].
///
/// ```
/// use actix_web::get;
/// use jwt_verify::{
///     AuthError, ForbiddenReason, VerifiedClaims, extract::{ClaimsArg, FromClaims}, require,
/// };
///
/// struct Tenant(String);
///
/// impl FromClaims for Tenant {
///     fn from_claims(claims: &VerifiedClaims) -> Result<Self, AuthError> {
///         let tenant = claims.get_as("org_id").map(Tenant);
///         tenant.ok_or(AuthError::Forbidden(ForbiddenReason::UnmetCondition))
///     }
/// }
///
/// #[require(permissions = "read:posts")]
/// #[get("/posts")]
/// async fn posts(ClaimsArg(tenant): ClaimsArg<Tenant>) -> String {
///     format!("posts of {}", tenant.0)
/// }
/// ```
///
/// It needs no database and does not wait. What has to be looked up is a
/// [`UserLoader`](crate::extract::UserLoader) or a [`Policy`](crate::authorization::Policy); claims that only need names and
/// types are a struct with `Deserialize` in [`VerifiedClaims`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not made of claims",
    label = "this type does not implement `FromClaims`",
    note = "implement `FromClaims` for it; a struct with `Deserialize` is `VerifiedClaims<_>` instead"
)]
pub trait FromClaims: Sized + 'static {
    /// Makes the value. Called once for each argument, after the token has been verified.
    ///
    /// # Errors
    /// The refusal, which is answered like every other, by the hook of
    /// [`JwtAuthBuilder::error_response`](crate::JwtAuthBuilder::error_response) too.
    /// [`ForbiddenReason`](crate::ForbiddenReason) is 403: the token is valid, but the caller lacks
    /// something. [`InvalidTokenReason::ClaimsShape`](crate::InvalidTokenReason::ClaimsShape) is 401:
    /// another token is needed.
    fn from_claims(claims: &VerifiedClaims) -> Result<Self, AuthError>;
}

impl FromClaims for ServiceAccount {
    /// Returns the service account, or 403 for another caller.
    fn from_claims(claims: &VerifiedClaims) -> Result<Self, AuthError> {
        let account = Self::of(claims.standard());
        account.ok_or(AuthError::Forbidden(ForbiddenReason::UnmetCondition))
    }
}

/// An argument of a handler that is made of the verified claims, by [`FromClaims`].
///
/// The request is authenticated as by [`VerifiedClaims`], once however many arguments ask for it.
/// It derefs to the value, and [`into_inner`](Self::into_inner) takes it out.
#[derive(Clone)]
pub struct ClaimsArg<T>(pub T);

impl<T> ClaimsArg<T> {
    /// Takes the value out.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for ClaimsArg<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Shows no claims.
impl<T> fmt::Debug for ClaimsArg<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClaimsArg(..)")
    }
}

impl<T: FromClaims> FromRequest for ClaimsArg<T> {
    type Error = Error;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        extract(request, payload, Wanted::Any, |authentication, request| {
            let make = |claims, _: &HttpRequest| T::from_claims(&claims).map(Self);
            match authentication.claims() {
                Ok(claims) => admitted(&authentication.by, request, claims, make),
                Err(error) => Step::Ready(Err(error.into())),
            }
        })
    }
}
