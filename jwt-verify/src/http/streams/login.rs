//! A stream whose first message authenticates its caller.

use std::fmt;

use actix_web::{Error, FromRequest, HttpRequest, dev::Payload};

use crate::http::{
    auth::context::AuthContext,
    authentication::{Authentication, app_data, attach_caller},
    authorization::decide_again,
    entry::extractors::Extraction,
    streams::{guard::StreamGuard, message::MessageCaller},
};
use crate::{authz::Requirement, error::AuthError};

/// Authenticates a stream by its first message, such as `connection_init` of the protocol
/// `graphql-transport-ws`: a page cannot set `Authorization` on a WebSocket.
///
/// As an argument of a handler it refuses no caller. The [`JwtAuth`](crate::JwtAuth) is the one that is
/// around the route, as [`JwtAuth::optional`](crate::JwtAuth::optional), or in the app's data.
/// **Security:** until [`authenticate`](Self::authenticate) has returned a guard, the caller is
/// unknown. Limit the time, the size and the number of messages before, and close the stream after
/// the first refusal.
///
/// ```
/// use jwt_verify::{AuthError, Requirement, streams::{StreamGuard, StreamLogin}};
///
/// async fn first_message(login: &StreamLogin, text: &str) -> Result<StreamGuard, AuthError> {
///     login.authenticate(text, &Requirement::scopes(["chat"])).await
/// }
/// ```
#[derive(Clone)]
pub struct StreamLogin {
    context: AuthContext,
    request: HttpRequest,
}

impl StreamLogin {
    /// Verifies the credential of a message as that of a request, and decides about the caller by the
    /// requirement, and by the [`Authorizer`](crate::authorization::Authorizer) if there is one.
    /// Takes a token, with `Bearer` in front or without, or an API key; see
    /// [`StreamGuard::authenticate`] for tokens that are bound.
    ///
    /// # Errors
    /// The refusal that a request would get; [`close_code`](crate::streams::close_code) is its code.
    pub async fn authenticate(
        &self,
        text: &str,
        requirement: &Requirement,
    ) -> Result<StreamGuard, AuthError> {
        let Self { context, request } = self;
        if requirement.is_for_refresh() {
            tracing::error!("a stream is opened by an access token, and not by a refresh token");
            return Err(AuthError::Misconfigured);
        }
        let caller = MessageCaller::verify(context, request, text).await?;
        let known = attach_caller(context, request, caller.token.clone())?;
        known.demands.note_scope(&requirement.clone().into());
        decide_again(context, request, &caller.claims(), &known.demands).await?;
        StreamGuard::open(context, caller.token, Some(caller.credential))
    }
}

impl FromRequest for StreamLogin {
    type Error = Error;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (nearest, address) = app_data::locate(request);
        let known = Authentication::of(request);
        let context = nearest.and_then(|nearest| {
            let known = known.and_then(|known| known.valid_for(nearest, address));
            known.map(|known| known.by.clone()).or_else(|| nearest.cloned()).ok_or_else(|| {
                tracing::error!(
                    "a stream authenticates its first message, but there is no JwtAuth: add \
                     `.wrap(auth.optional())` to the app or scope, or `.app_data(auth)`"
                );
                AuthError::Misconfigured
            })
        });
        let login = context.map(|context| Self { context, request: request.clone() });
        Extraction::ready(login.map_err(Error::from))
    }
}

impl fmt::Debug for StreamLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamLogin")
    }
}
