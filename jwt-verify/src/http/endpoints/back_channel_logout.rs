//! Endpoint for logout notifications of an issuer (OIDC Back-Channel Logout §2.5).

use std::{fmt, sync::Arc, time::Duration};

use actix_web::{
    HttpResponse, ResponseError as _,
    dev::{AppService, HttpServiceFactory},
    web,
};
use serde::Deserialize;

use crate::http::{no_store::NO_STORE, refusal::Body};
use crate::{
    defaults::{LONGEST_ACCESS_TOKEN, STORE_RETRY},
    error::AuthError,
    revocation::{RevocationStore, revoke_to_the_end},
    verifier::{LogoutTokenVerifier, Verifier},
};

/// A route that accepts logout tokens and revokes the session, if the token names one (`sid`), and
/// all tokens of the subject, if it names one (`sub`), that were issued until then. So access
/// tokens are refused at once, with or without the name of their session. The other devices of the
/// user are logged out too; see [`sessions_only`](Self::sessions_only). Give the verifier of the
/// API the same [`RevocationStore`]; access tokens must have a `jti`, as with every revocation
/// store.
///
/// The issuer calls it without credentials: register it outside the scope that needs a token. Its
/// responses follow the standard: 200, or 400 `invalid_request`; 503 while keys or store are
/// unreachable, so that the issuer can retry. A refused token is logged as a warning, at most every
/// ten seconds, with the reason and the number of those left out.
///
/// A token that is sent again ends nothing more: only tokens that were issued until its `iat` are
/// revoked.
///
/// ```no_run
/// # use actix_web::App;
/// # use jwt_verify::{
/// #     endpoints::BackChannelLogoutEndpoint, oidc::LogoutTokenVerifier,
/// #     revocation::MemoryRevocation,
/// # };
/// # fn example(revocations: MemoryRevocation) -> Result<(), Box<dyn std::error::Error>> {
/// let tokens = LogoutTokenVerifier::builder("https://login.example", "my-client").build()?;
/// let app = App::new().service(BackChannelLogoutEndpoint::new("/logout/back-channel", tokens, revocations));
/// # let _ = app;
/// # Ok(())
/// # }
/// ```
#[doc(alias = "logout")]
pub struct BackChannelLogoutEndpoint {
    path: String,
    tokens: LogoutTokenVerifier,
    store: Arc<dyn RevocationStore>,
    retention: Duration,
    sessions_only: bool,
}

impl BackChannelLogoutEndpoint {
    /// Creates the endpoint at this path.
    pub fn new(
        path: impl Into<String>,
        tokens: LogoutTokenVerifier,
        store: impl RevocationStore,
    ) -> Self {
        let (store, retention) = (Arc::new(store), LONGEST_ACCESS_TOKEN);
        Self { path: path.into(), tokens, store, retention, sessions_only: false }
    }

    /// Sets how long revocations are kept. It must be at least the lifetime of access tokens, or a
    /// token becomes valid again after it. Default: 30 days.
    #[must_use]
    pub fn retention(mut self, retention: Duration) -> Self {
        self.retention = retention;
        self
    }

    /// Sets how long revocations are kept to the longest lifetime of tokens that this verifier
    /// accepts: the longest [`max_lifetime`](crate::TrustedIssuer::max_lifetime) of its issuers,
    /// or 30 days if one of them has none or they are resolved. Pass the verifier of the API, not
    /// that of the logout tokens.
    #[must_use]
    pub fn retention_for(self, verifier: &Verifier) -> Self {
        let longest = verifier.max_lifetime().unwrap_or(LONGEST_ACCESS_TOKEN);
        self.retention(longest)
    }

    /// Revokes only the session if the logout token names one, so that other devices of the user
    /// stay logged in. Only for issuers whose access tokens contain their session (`sid`): of
    /// others nothing would be revoked, and the response would still be 200. Default: off. A logout
    /// token without a session still revokes all tokens of the subject.
    #[must_use]
    pub fn sessions_only(mut self) -> Self {
        self.sessions_only = true;
        self
    }
}

impl fmt::Debug for BackChannelLogoutEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackChannelLogoutEndpoint")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Form {
    logout_token: String,
}

impl HttpServiceFactory for BackChannelLogoutEndpoint {
    fn register(self, config: &mut AppService) {
        let Self { path, tokens, store, retention, sessions_only } = self;
        let receive = move |form: Result<web::Form<Form>, actix_web::Error>| {
            let (tokens, store) = (tokens.clone(), store.clone());
            async move {
                let outcome = if let Ok(form) = &form {
                    let until = tokens.now().saturating_add(retention);
                    log_out(&tokens, store, until, sessions_only, &form.logout_token).await
                } else {
                    log_refusal(&tokens, "request_form");
                    Err(LogoutRejection::Invalid)
                };
                answer(&outcome)
            }
        };
        web::resource(path).route(web::post().to(receive)).register(config);
    }
}

enum LogoutRejection {
    Invalid,
    /// Not checked; the response contains the time for a retry.
    Later(AuthError),
}

async fn log_out(
    tokens: &LogoutTokenVerifier,
    store: Arc<dyn RevocationStore>,
    until: Duration,
    sessions_only: bool,
    token: &str,
) -> Result<(), LogoutRejection> {
    let token = tokens.verify(token).await.map_err(|error| match error {
        AuthError::Unavailable { .. } | AuthError::KeyLookupLimited { .. } => {
            tracing::debug!(reason = error.reason(), "could not check a logout token");
            LogoutRejection::Later(error)
        }
        _ => {
            log_refusal(tokens, error.reason());
            LogoutRejection::Invalid
        }
    })?;
    let revocations = token.revocations(sessions_only);
    if revocations.is_empty() {
        log_refusal(tokens, "missing_claim");
        return Err(LogoutRejection::Invalid);
    }
    let revoked = revoke_to_the_end(store, revocations, until).await;
    revoked.map_err(|_| LogoutRejection::Later(AuthError::Unavailable { retry_after: STORE_RETRY }))
}

/// Logs a refusal: users stay logged in where the issuer believes that they are not. Anyone can cause
/// it, so most of many are logged at a lower level.
fn log_refusal(tokens: &LogoutTokenVerifier, reason: &'static str) {
    if let Some(others) = tokens.refusal_to_log() {
        tracing::warn!(reason, others, "refused a logout token");
    } else {
        tracing::debug!(reason, "refused a logout token");
    }
}

fn answer(outcome: &Result<(), LogoutRejection>) -> HttpResponse {
    match outcome {
        Ok(()) => HttpResponse::Ok().insert_header(NO_STORE).finish(),
        Err(LogoutRejection::Invalid) => HttpResponse::BadRequest()
            .insert_header(NO_STORE)
            .json(Body::new("invalid_request", "the logout token is not valid", "invalid_request")),
        Err(LogoutRejection::Later(error)) => error.error_response(),
    }
}
