//! Where an issuer says that a session is over (OIDC Back-Channel Logout §2.5).

use std::{fmt, sync::Arc, time::Duration};

use actix_web::{
    HttpResponse, ResponseError as _,
    dev::{AppService, HttpServiceFactory},
    http::header::CACHE_CONTROL,
    web,
};
use serde::Deserialize;

use super::response::Body;
use crate::{AuthError, LogoutTokenVerifier, RevocationStore, limits::STORE_RETRY};

/// A route that takes logout tokens and revokes what they are about, so that access tokens of the
/// session are refused at once. Give the verifier of the API the same [`RevocationStore`]. Access
/// tokens must carry the session's name (`sid`) and, as always where something can be revoked, a
/// `jti`; where they do not name their session see [`whole_subject`](Self::whole_subject).
///
/// The issuer calls it, without credentials: register it outside the scope that needs a token. The
/// answers are those of the standard: 200, or 400 `invalid_request`; 503 while keys or store are out
/// of reach, so that the issuer can repeat it.
///
/// ```no_run
/// # use actix_web::App;
/// # use jwt_verify::{BackChannelLogout, LogoutTokenVerifier, MemoryRevocation};
/// # fn example(revocations: MemoryRevocation) -> Result<(), Box<dyn std::error::Error>> {
/// let tokens = LogoutTokenVerifier::new("https://login.example", "my-client", |keys| keys)?;
/// let app = App::new().service(BackChannelLogout::new("/logout/back-channel", tokens, revocations));
/// # let _ = app;
/// # Ok(())
/// # }
/// ```
pub struct BackChannelLogout {
    path: String,
    tokens: LogoutTokenVerifier,
    store: Arc<dyn RevocationStore>,
    keep: Duration,
    whole_subject: bool,
}

impl BackChannelLogout {
    /// At this path.
    pub fn new(
        path: impl Into<String>,
        tokens: LogoutTokenVerifier,
        store: impl RevocationStore,
    ) -> Self {
        let keep = Duration::from_secs(24 * 3600);
        Self { path: path.into(), tokens, store: Arc::new(store), keep, whole_subject: false }
    }

    /// How long a revocation is remembered: at least as long as an access token can be good for.
    /// Default: one day.
    #[must_use]
    pub fn keep(mut self, keep: Duration) -> Self {
        self.keep = keep;
        self
    }

    /// Revokes all tokens of the subject that were issued until then, also where the logout token
    /// names a session. For issuers whose access tokens do not say which session they belong to
    /// (`sid`): without it, nothing of theirs would be revoked.
    #[must_use]
    pub fn whole_subject(mut self) -> Self {
        self.whole_subject = true;
        self
    }
}

impl fmt::Debug for BackChannelLogout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackChannelLogout").field("path", &self.path).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Form {
    logout_token: String,
}

impl HttpServiceFactory for BackChannelLogout {
    fn register(self, config: &mut AppService) {
        let Self { path, tokens, store, keep, whole_subject } = self;
        let receive = move |form: Result<web::Form<Form>, actix_web::Error>| {
            let (tokens, store) = (tokens.clone(), store.clone());
            async move {
                let outcome = match &form {
                    Ok(form) => {
                        let until = tokens.now().saturating_add(keep);
                        log_out(&tokens, &*store, until, whole_subject, &form.logout_token).await
                    }
                    Err(_) => Err(Refusal::Invalid),
                };
                answer(&outcome)
            }
        };
        web::resource(path).route(web::post().to(receive)).register(config);
    }
}

enum Refusal {
    Invalid,
    Unavailable(Duration),
}

async fn log_out(
    tokens: &LogoutTokenVerifier,
    store: &dyn RevocationStore,
    until: Duration,
    whole_subject: bool,
    token: &str,
) -> Result<(), Refusal> {
    let token = tokens.verify(token).await.map_err(|error| {
        tracing::debug!(reason = error.reason(), "refused a logout token");
        match error {
            AuthError::Unavailable { retry_after } => Refusal::Unavailable(retry_after),
            _ => Refusal::Invalid,
        }
    })?;
    let revocations = token.revocations(whole_subject);
    if revocations.is_empty() {
        return Err(Refusal::Invalid);
    }
    for revocation in &revocations {
        let revoked = store.revoke(revocation, until).await;
        revoked.map_err(|_| Refusal::Unavailable(STORE_RETRY))?;
    }
    Ok(())
}

fn answer(outcome: &Result<(), Refusal>) -> HttpResponse {
    match outcome {
        Ok(()) => HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).finish(),
        Err(Refusal::Invalid) => HttpResponse::BadRequest()
            .insert_header((CACHE_CONTROL, "no-store"))
            .json(Body::new("invalid_request", "the logout token is not valid", "invalid_request")),
        Err(Refusal::Unavailable(retry_after)) => {
            AuthError::Unavailable { retry_after: *retry_after }.error_response()
        }
    }
}
