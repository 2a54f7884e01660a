//! The user behind a token, as the application knows them.

use std::{fmt, future::Future, ops::Deref, pin::Pin, rc::Rc, sync::Arc};

use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, dev::Payload};
use tokio::sync::OnceCell;

use crate::http::{
    authentication::{Authentication, app_data},
    refusal::{event::RefusedBy, refuse_as_error},
};
use crate::{
    claims::VerifiedClaims,
    error::{AuthError, InvalidTokenReason},
};
use crate::{error::StoreUnavailable, lookup::BoxFuture};

/// Loads the user of a verified token, from a database for example.
///
/// ```
/// use jwt_verify::{BoxFuture, StoreUnavailable, VerifiedClaims, extract::UserLoader};
///
/// struct User { name: String }
/// struct Directory;
///
/// impl UserLoader for Directory {
///     type User = User;
///
///     fn load<'a>(&'a self, claims: &'a VerifiedClaims) -> BoxFuture<'a, Result<Option<User>, StoreUnavailable>> {
///         Box::pin(async move {
///             let found = find_by_id(claims.subject().unwrap_or_default()).await;
///             found.map_err(StoreUnavailable::caused_by)
///         })
///     }
/// }
/// # async fn find_by_id(id: &str) -> Result<Option<User>, std::io::Error> {
/// #     Ok(Some(User { name: id.into() }))
/// # }
/// ```
pub trait UserLoader: Send + Sync + 'static {
    /// User type of the application.
    type User: Send + Sync + 'static;

    /// Returns the user; `None` if there is none, or not any more. Called once per request.
    ///
    /// # Errors
    /// [`StoreUnavailable`] if the user cannot be loaded now. The caller gets 503.
    fn load<'a>(
        &'a self,
        claims: &'a VerifiedClaims,
    ) -> BoxFuture<'a, Result<Option<Self::User>, StoreUnavailable>>;
}

/// The user loader of an application, for its data:
/// `App::new().app_data(UserLoaderData::new(loader))`.
pub struct UserLoaderData<U>(Arc<dyn UserLoader<User = U>>);

impl<U: Send + Sync + 'static> UserLoaderData<U> {
    /// Wraps this loader.
    pub fn new(loader: impl UserLoader<User = U>) -> Self {
        Self(Arc::new(loader))
    }
}

impl<U> Clone for UserLoaderData<U> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<U> fmt::Debug for UserLoaderData<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserLoaderData")
    }
}

/// The user who makes the request, as an argument of a handler.
///
/// The request is authenticated as by [`VerifiedClaims`], and then the [`UserLoader`] is called,
/// once per request. It must be in the app's data as [`UserLoaderData`]. A token with an unknown
/// user is refused with 401; while the loader fails, the answer is 503.
///
/// ```
/// # use actix_web::{Responder, get};
/// # use jwt_verify::{CurrentUser, require};
/// # struct User { name: String }
/// #[require]
/// #[get("/me")]
/// async fn me(user: CurrentUser<User>) -> impl Responder {
///     format!("hello {}", user.name)
/// }
/// ```
#[doc(alias = "identity")]
pub struct CurrentUser<U>(Arc<U>);

impl<U> Deref for CurrentUser<U> {
    type Target = U;

    fn deref(&self) -> &U {
        &self.0
    }
}

impl<U> Clone for CurrentUser<U> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// Omits the user.
impl<U> fmt::Debug for CurrentUser<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CurrentUser(..)")
    }
}

impl<U: Send + Sync + 'static> FromRequest for CurrentUser<U> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let claims = VerifiedClaims::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let claims = claims.await?;
            let Some(users) = request.app_data::<UserLoaderData<U>>() else {
                tracing::error!(
                    "a handler needs the current user, but there are no users: add \
                     `.app_data(UserLoaderData::new(loader))`"
                );
                return Err(refuse(&request, AuthError::Misconfigured));
            };
            let load = async || users.0.load(&claims).await.map(|user| user.map(Arc::new));
            match Loading::of(&request, &claims).get_or_init(load).await {
                Ok(Some(user)) => Ok(Self(user.clone())),
                Ok(None) => Err(refuse(&request, InvalidTokenReason::UnknownUser.into())),
                Err(_) => {
                    let retry_after = crate::defaults::STORE_RETRY;
                    Err(refuse(&request, AuthError::Unavailable { retry_after }))
                }
            }
        })
    }
}

type UserCell<U> = OnceCell<Result<Option<Arc<U>>, StoreUnavailable>>;

/// A pending lookup, shared by several arguments of one handler.
struct Loading<U> {
    /// Another token belongs to another user.
    claims: VerifiedClaims,
    outcome: Rc<UserCell<U>>,
}

impl<U: 'static> Loading<U> {
    fn of(request: &HttpRequest, claims: &VerifiedClaims) -> Rc<UserCell<U>> {
        let mut extensions = request.extensions_mut();
        if let Some(loading) = extensions.get::<Self>()
            && loading.claims.is_of_same_token(claims)
        {
            return loading.outcome.clone();
        }
        let outcome = Rc::new(OnceCell::new());
        extensions.insert(Self { claims: claims.clone(), outcome: outcome.clone() });
        outcome
    }
}

/// Responds like the handle that authenticated the request.
fn refuse(request: &HttpRequest, error: AuthError) -> Error {
    let by = Authentication::of(request).map(|known| known.by.clone());
    let nearest = || app_data::locate(request).0.ok().flatten().cloned();
    match by.or_else(nearest) {
        Some(context) => refuse_as_error(&context, error, request, RefusedBy::default()),
        None => error.into(),
    }
}
