//! Credentials other than tokens that the verifier reads.

#[cfg(feature = "api-keys")]
mod api_key;
mod attempt;
mod authenticated;
#[cfg(feature = "jwks")]
mod introspection;
mod selection;

#[cfg(feature = "api-keys")]
pub(crate) use api_key::ApiKeyAuthenticator;
pub use attempt::Attempt;
pub(crate) use attempt::AttemptOutcome;
pub use authenticated::Authenticated;
pub(crate) use selection::{Selected, kind_taken, select};

use actix_web::{HttpRequest, http::header::HeaderMap};

use crate::claims::CredentialKind;

/// Authenticates requests by another credential than a token for the verifier, such as a session of
/// an older system or a signed URL.
///
/// Claims that it returns are [`VerifiedClaims`](crate::VerifiedClaims) like those of a token:
/// `#[require]`, challenges, revocation, audit log and metrics apply to them. Authenticators are added
/// with [`JwtAuthBuilder::authenticator`](crate::JwtAuthBuilder::authenticator). Routes that take
/// refresh tokens do not ask them.
///
/// A request with credentials of two kinds is refused with 400 (RFC 6750 §2), so that no credential
/// can hide another.
///
/// ```
/// use actix_web::web;
/// use jwt_verify::{
///     AuthError, InvalidTokenReason,
///     extract::{Attempt, Authenticated, Authenticator, CredentialKind, Presented},
/// };
/// use serde_json::json;
///
/// /// Sessions of the application that is being replaced.
/// struct LegacySessions;
///
/// async fn user_of(session: String) -> Option<String> {
/// #   let _ = session;
/// #   None
///     // … asks the old database.
/// }
///
/// impl Authenticator for LegacySessions {
///     fn credential_kind(&self) -> CredentialKind {
///         CredentialKind::Other("legacy-session")
///     }
///
///     fn authenticate<'r>(&'r self, presented: Presented<'r>) -> Attempt<'r> {
///         let Some(cookie) = presented.request().cookie("old_session") else {
///             return Attempt::not_mine();
///         };
///         Attempt::pending(async move {
///             let user = user_of(cookie.value().to_owned()).await;
///             let user = user.ok_or(InvalidTokenReason::Credential)?;
///             let claims = json!({ "sub": user, "roles": ["member"] });
///             // Browsers attach cookies by themselves.
///             Ok(Authenticated::from_json(&claims)?.ambient())
///         })
///     }
/// }
///
/// let auth = jwt_verify::JwtAuth::builder("https://issuer.example", "https://api.example")
///     .authenticator(LegacySessions)
///     .build()?;
/// # Ok::<(), jwt_verify::ConfigError>(())
/// ```
pub trait Authenticator: Send + Sync + 'static {
    /// Returns the kind of its credentials, for `#[require(credential = "…")]`, logs and metrics.
    fn credential_kind(&self) -> CredentialKind;

    /// Looks for a credential of its kind, and authenticates the request by it. It must not read the
    /// body.
    ///
    /// It may be called more than once for a request: again if the attempt is pending, and for the log
    /// of a refusal. A future may be dropped unpolled.
    fn authenticate<'r>(&'r self, presented: Presented<'r>) -> Attempt<'r>;

    /// Removes credentials of its kind from the header fields of a request, and returns `true`. Default:
    /// removes nothing, and returns `false`. See
    /// [`TokenExtractor::remove`](crate::extract::TokenExtractor::remove).
    fn remove(&self, headers: &mut HeaderMap) -> bool {
        let _ = headers;
        false
    }

    /// Returns the text of a credential that [`authenticate`](Self::authenticate) has accepted: the
    /// text alone has to be enough for [`authenticate_text`](Self::authenticate_text). It is kept with
    /// a stream that the request opens, and checked again from time to time. Default: `None`, and a
    /// stream ends by its claims alone: at `exp`, and by a revocation.
    fn credential_text<'r>(&self, presented: Presented<'r>) -> Option<&'r [u8]> {
        let _ = presented;
        None
    }

    /// Authenticates by a text without a request: one that is checked again, or the first message of a
    /// stream. Default: the text is not a credential of this kind.
    fn authenticate_text<'r>(&'r self, text: &'r [u8]) -> Attempt<'r> {
        let _ = text;
        Attempt::not_mine()
    }
}

/// A request with the token that was found in it.
#[derive(Clone, Copy)]
pub struct Presented<'r> {
    request: &'r HttpRequest,
    token: Option<&'r [u8]>,
}

impl<'r> Presented<'r> {
    pub(crate) fn new(request: &'r HttpRequest, token: Option<&'r [u8]>) -> Self {
        Self { request, token }
    }

    /// Returns the request.
    pub fn request(&self) -> &'r HttpRequest {
        self.request
    }

    /// Returns the token that the [`TokenExtractor`](crate::extract::TokenExtractor) has found,
    /// unless another authenticator has taken it. An attempt by this token is marked with
    /// [`Attempt::by_token`].
    pub fn token(&self) -> Option<&'r [u8]> {
        self.token
    }
}

impl std::fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Presented").field("token", &self.token.is_some()).finish_non_exhaustive()
    }
}
