//! Policies: functions of the application that decide by more than the claims.

use std::{future::Future, pin::Pin};

use actix_web::{Error, FromRequest, HttpRequest, dev::Payload, web::Data};

use crate::{
    authz::{Authorizer, Decision, Requirement},
    claims::VerifiedClaims,
    error::AuthError,
};

/// Future returned by [`Policy::decide`].
pub type PolicyFuture = Pin<Box<dyn Future<Output = Result<Decision, Error>>>>;

/// A function that decides about a request, for `#[require(policy = …)]`.
///
/// It takes `&VerifiedClaims` and then up to eight extractors, is async or not, and returns a
/// [`Decision`], or a `Result` of one or of `()`, whose error becomes the response. Implemented for
/// every such function; `Args` distinguishes them.
///
/// ```
/// use actix_web::{error::ErrorNotFound, web};
/// use jwt_verify::{Decision, VerifiedClaims, require};
///
/// # struct Posts;
/// # impl Posts { async fn author(&self, _: u64) -> Option<String> { None } }
/// async fn owns_post(
///     claims: &VerifiedClaims,
///     id: web::Path<u64>,
///     posts: web::Data<Posts>,
/// ) -> Result<Decision, actix_web::Error> {
///     let author = posts.author(*id).await.ok_or_else(|| ErrorNotFound("no such post"))?;
///     Ok(Decision::from(claims.subject() == Some(&author)))
/// }
///
/// #[require(permissions = "write:posts", any(roles = "admin", policy = owns_post))]
/// async fn edit(id: web::Path<u64>) -> String {
///     format!("{id} is yours to edit")
/// }
/// ```
///
/// A policy is called only if the decision depends on it. It gets the request without its body,
/// which belongs to the handler. [`AuthError::Forbidden`] is equivalent to [`Decision::Deny`];
/// every other error ends the decision and becomes the response, inside of `any(…)` and `not(…)`
/// too.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a policy",
    label = "expected `fn(&VerifiedClaims, extractors…) -> Decision`, async or not",
    note = "a policy takes `&VerifiedClaims` first, then up to eight extractors, and returns a \
            `Decision`, `Result<Decision, _>` or `Result<(), _>`"
)]
pub trait Policy<Args> {
    /// Decides about a request.
    fn decide(self, request: &HttpRequest, claims: &VerifiedClaims) -> PolicyFuture;
}

/// A result of a policy.
#[diagnostic::on_unimplemented(
    message = "a policy cannot return `{Self}`",
    label = "expected `Decision`, `Result<Decision, _>` or `Result<(), _>`",
    note = "make a `Decision` of a `bool` with `Decision::from`"
)]
pub trait IntoDecision {
    /// Returns the decision, or the response if there is none.
    ///
    /// # Errors
    /// Any error of the policy.
    fn into_decision(self) -> Result<Decision, Error>;
}

impl IntoDecision for Decision {
    fn into_decision(self) -> Result<Decision, Error> {
        Ok(self)
    }
}

impl<E: Into<Error>> IntoDecision for Result<Decision, E> {
    fn into_decision(self) -> Result<Decision, Error> {
        self.map_err(Into::into)
    }
}

impl<E: Into<Error>> IntoDecision for Result<(), E> {
    fn into_decision(self) -> Result<Decision, Error> {
        self.map(|()| Decision::Allow).map_err(Into::into)
    }
}

/// Marks a function that returns its result directly.
#[doc(hidden)]
#[derive(Debug)]
pub enum AtOnce {}

/// Marks a function that returns a future.
#[doc(hidden)]
#[derive(Debug)]
pub enum Awaited {}

macro_rules! policies {
    ($($argument:ident)*) => {
        impl<F, R, $($argument),*> Policy<(AtOnce, R, $($argument),*)> for F
        where
            F: Fn(&VerifiedClaims, $($argument),*) -> R + 'static,
            R: IntoDecision,
            $($argument: FromRequest + 'static),*
        {
            #[allow(non_snake_case, unused_variables)]
            fn decide(self, request: &HttpRequest, claims: &VerifiedClaims) -> PolicyFuture {
                let arguments = <($($argument,)*)>::from_request(request, &mut Payload::None);
                let claims = claims.clone();
                Box::pin(async move {
                    let ($($argument,)*) = arguments.await.map_err(Into::<Error>::into)?;
                    self(&claims, $($argument),*).into_decision()
                })
            }
        }

        impl<F, R, $($argument),*> Policy<(Awaited, R, $($argument),*)> for F
        where
            F: AsyncFn(&VerifiedClaims, $($argument),*) -> R + 'static,
            R: IntoDecision,
            $($argument: FromRequest + 'static),*
        {
            #[allow(non_snake_case, unused_variables)]
            fn decide(self, request: &HttpRequest, claims: &VerifiedClaims) -> PolicyFuture {
                let arguments = <($($argument,)*)>::from_request(request, &mut Payload::None);
                let claims = claims.clone();
                Box::pin(async move {
                    let ($($argument,)*) = arguments.await.map_err(Into::<Error>::into)?;
                    self(&claims, $($argument),*).await.into_decision()
                })
            }
        }
    };
}

policies! {}
policies! { A }
policies! { A B }
policies! { A B C }
policies! { A B C D }
policies! { A B C D E }
policies! { A B C D E G }
policies! { A B C D E G H }
policies! { A B C D E G H I }

/// For generated code: calls a policy.
#[doc(hidden)]
pub fn ask_policy<Args, P: Policy<Args>>(
    policy: P,
    request: &HttpRequest,
    claims: &VerifiedClaims,
) -> PolicyFuture {
    policy.decide(request, claims)
}

/// For generated code: calls the authorizer of this type in the app's data.
#[doc(hidden)]
pub fn ask_authorizer<A: Authorizer>(
    request: &HttpRequest,
    claims: &VerifiedClaims,
    requirement: &'static Requirement,
) -> PolicyFuture {
    let authorizer = request.app_data::<Data<A>>().cloned();
    let claims = claims.clone();
    Box::pin(async move {
        let Some(authorizer) = authorizer else {
            tracing::error!(
                authorizer = std::any::type_name::<A>(),
                "a handler has an authorizer of its own that is not in the app's data: add \
                 `.app_data(web::Data::new(…))`"
            );
            return Err(AuthError::Misconfigured.into());
        };
        authorizer.authorize(&claims, requirement).await?;
        Ok(Decision::Allow)
    })
}

/// For generated code: the fallback for an unknown policy index.
#[doc(hidden)]
pub fn no_policy() -> PolicyFuture {
    Box::pin(async { Err(AuthError::Misconfigured.into()) })
}
