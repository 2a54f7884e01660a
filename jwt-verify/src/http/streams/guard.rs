//! The guard of a stream, as an argument of a handler.

use std::{fmt, sync::Arc, time::Duration};

use actix_web::{Error, FromRequest, HttpRequest, HttpResponse, body::MessageBody, dev::Payload};

use crate::http::{
    auth::context::AuthContext,
    authentication::Authentication,
    authorization::decide_again,
    entry::extractors::{Extraction, Wanted, admitted, extract},
    step::Step,
    streams::{
        access_ended::{AccessEnded, Watched},
        credential::StreamCredential,
        credential_check::credential_of,
        end_of_access::EndOfAccess,
        guarded_stream::{GuardedEvents, GuardedStream, guard_response},
        message::MessageCaller,
        open_stream::StreamAccess,
        sweeper,
    },
};
use crate::{
    claims::{VerifiedClaims, VerifiedToken},
    error::AuthError,
};

/// Ends a stream with the access of its caller: a WebSocket, server-sent events, any response that
/// continues after its request was authenticated.
///
/// As an argument of a handler it refuses a caller as [`VerifiedClaims`] does. From then on it
/// watches the access by which the caller was let in, until the last clone of it, and what it has
/// [wrapped](Self::wrap), is dropped. The access ends with one of the reasons of [`EndOfAccess`].
///
/// The access ends at `exp`, by the clock of the [`JwtAuth`](crate::JwtAuth), without the leeway: a
/// stream has no use of it. A token that was accepted within the leeway after its `exp` opens a
/// stream that ends at once. A clock that is set forward ends it within half a second, and one that
/// is set back does not prolong it.
///
/// ```
/// use actix_web::{HttpResponse, get};
/// use jwt_verify::{require, streams::StreamGuard};
///
/// # fn news() -> actix_web::dev::Payload { actix_web::dev::Payload::None }
/// #[require(scopes = "news:read")]
/// #[get("/news")]
/// async fn events(guard: StreamGuard) -> HttpResponse {
///     HttpResponse::Ok().content_type("text/event-stream").streaming(guard.wrap_events(news()))
/// }
/// ```
///
/// All streams of a process are watched by one thread, without a timer for each. A request that
/// takes no guard costs nothing.
///
/// **Security:** the guard ends what is wrapped in it, or what waits for [`ended`](Self::ended).
/// A handler ends anything else that it has started.
#[derive(Clone)]
pub struct StreamGuard {
    watched: Arc<Watched>,
}

impl StreamGuard {
    /// Opens a stream for the caller of a request, with claims that were verified in this context.
    pub(crate) fn of_request(
        context: &AuthContext,
        request: &HttpRequest,
        claims: &VerifiedClaims,
    ) -> Result<Self, AuthError> {
        let credential = credential_of(context, request, claims.credential_kind());
        Self::open(context, claims.token(), credential)
    }

    /// Opens a stream for claims that were verified in this context.
    pub(crate) fn open(
        context: &AuthContext,
        token: Arc<VerifiedToken>,
        credential: Option<StreamCredential>,
    ) -> Result<Self, AuthError> {
        let login = context.login_keys(token.claims());
        let access = StreamAccess::new(token, credential, login, context.verifier());
        let most = context.settings().max_open_streams;
        let Some((number, stream)) = context.streams().table.insert(access, most) else {
            tracing::warn!(most, "as many streams are open as there may be");
            return Err(AuthError::Unavailable { retry_after: sweeper::RETRY });
        };
        let watched = Watched { context: context.clone(), number, stream };
        // After it is in the table: a sweeper that ends meanwhile ends this stream, too.
        sweeper::start(context)?;
        Ok(Self { watched: Arc::new(watched) })
    }

    /// Replaces the access by that of a newer credential, which the client sends in a message: a token,
    /// with `Bearer` in front or without, or an API key. `request` is the one that has opened the
    /// stream. From then on the stream ends with the new access.
    ///
    /// The credential is verified as that of a request. It has to be of the same caller: of the issuer,
    /// the subject and the kind of credential that the stream was opened with. Requirements that the
    /// request has met, of scopes and of the handler with its policies, are decided once more, and an
    /// [`Authorizer`](crate::authorization::Authorizer) is asked again. A token that is bound to a key is
    /// refused, since no proof can be in a message (RFC 9449 §7); one that is bound to a certificate
    /// is accepted on the connection of that certificate.
    ///
    /// # Errors
    /// The refusal that a request would get; [`close_code`](crate::streams::close_code) is its code.
    /// [`InvalidTokenReason::Subject`](crate::InvalidTokenReason::Subject) for another caller, or one
    /// without a subject; [`AuthError::ExpiredToken`] if the access has ended already;
    /// [`AuthError::Misconfigured`] for another request than the one that has opened the stream. After an
    /// error the access is the one before.
    pub async fn authenticate(
        &self,
        request: &HttpRequest,
        text: &str,
    ) -> Result<VerifiedClaims, AuthError> {
        let Watched { context, number, stream } = &*self.watched;
        if self.end().is_some() {
            return Err(AuthError::ExpiredToken);
        }
        let caller = MessageCaller::verify(context, request, text).await?;
        caller.check_same(&stream.access().token)?;
        let known = Authentication::of(request).filter(|known| known.by.is_same(context));
        let Some(known) = known else {
            tracing::error!("the request is not the one that has opened the stream");
            return Err(AuthError::Misconfigured);
        };
        decide_again(&known.by, request, &caller.claims(), &known.demands).await?;
        let claims = caller.claims();
        let MessageCaller { token, credential } = caller;
        let login = context.login_keys(token.claims());
        let access = StreamAccess::new(token, Some(credential), login, context.verifier());
        if !context.streams().table.replace(*number, access) {
            return Err(AuthError::ExpiredToken);
        }
        Ok(claims)
    }

    /// Returns the claims of the access.
    pub fn claims(&self) -> VerifiedClaims {
        VerifiedClaims::new(self.watched.stream.access().token)
    }

    /// Returns the time until the access expires, as [`VerifiedClaims::time_left`] does.
    pub fn time_left(&self) -> Option<Duration> {
        self.claims().time_left()
    }

    /// Returns the reason if the access has ended.
    pub fn end(&self) -> Option<EndOfAccess> {
        self.watched.end()
    }

    /// Returns a future that is ready when the access ends, with the reason. It holds the guard, may
    /// be polled anywhere, and any number of them can be made.
    pub fn ended(&self) -> AccessEnded {
        AccessEnded::of(self.watched.clone())
    }

    /// Runs a future for as long as the access lasts, such as the talk on a WebSocket. At the end of
    /// the access the future is dropped where it stands.
    ///
    /// # Errors
    /// The reason, if the access has ended first.
    pub async fn run<F: Future>(&self, future: F) -> Result<F::Output, EndOfAccess> {
        let mut ended = self.ended();
        tokio::select! {
            biased;
            end = &mut ended => Err(end),
            output = future => Ok(output),
        }
    }

    /// Wraps a stream: its items pass as long as the access lasts, and then it ends. The stream
    /// itself is dropped at that moment.
    pub fn wrap<S>(&self, stream: S) -> GuardedStream<S> {
        GuardedStream::new(self.ended(), stream)
    }

    /// Wraps a stream of server-sent events as [`wrap`](Self::wrap) does, and sends a last event at
    /// the end of the access, so that the page can tell it from a connection that was lost:
    ///
    /// ```text
    /// event: access-ended
    /// data: {"reason":"expired"}
    /// ```
    ///
    /// The reason is that of [`EndOfAccess::as_str`]. An event that is not complete at that moment is
    /// closed by an empty line. Nothing is added to a stream that ends by itself.
    pub fn wrap_events<S>(&self, stream: S) -> GuardedEvents<S> {
        GuardedEvents::new(self.ended(), stream)
    }

    /// Wraps the body of a response. What the client gets at the end of the access depends on it:
    ///
    /// | response | last |
    /// | --- | --- |
    /// | 101, a WebSocket | a close frame with [`EndOfAccess::close_code`] and [`EndOfAccess::as_str`] |
    /// | of the type `text/event-stream` | the event of [`wrap_events`](Self::wrap_events) |
    /// | any other | nothing: the connection is cut off, so that the body is seen to be incomplete |
    ///
    /// It takes responses of `actix_ws` and of every other crate that writes WebSocket frames into the
    /// body. **Security:** it ends what the server sends. A client that reads nothing holds its end
    /// of the connection up, and may send more: [`run`](Self::run) the loop that receives.
    pub fn wrap_response<B: MessageBody + 'static>(
        &self,
        response: HttpResponse<B>,
    ) -> HttpResponse {
        guard_response(self.ended(), response)
    }
}

impl FromRequest for StreamGuard {
    type Error = Error;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        extract(request, payload, Wanted::Any, |authentication, request| {
            if authentication.is_for_refresh {
                tracing::error!(
                    "a stream is opened by an access token, and not by a refresh token"
                );
                return Step::Ready(Err(AuthError::Misconfigured.into()));
            }
            match authentication.claims() {
                Ok(claims) => admitted(&authentication.by, request, claims, |claims, _| Ok(claims))
                    .and_then(&authentication.by, request, |context, request, claims| {
                        Step::Ready(Self::of_request(context, request, claims).map_err(Into::into))
                    }),
                Err(error) => Step::Ready(Err(error.into())),
            }
        })
    }
}

/// Contains nothing of the claims.
impl fmt::Debug for StreamGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamGuard").field("end", &self.end()).finish_non_exhaustive()
    }
}
