//! Authentication, once per request, which keeps the outcome.

pub(crate) mod app_data;
#[cfg(feature = "testing")]
mod assumed;
pub(crate) mod client_certificate;
pub(crate) mod cross_site;
pub(crate) mod csrf;
pub(crate) mod demands;
pub(crate) mod failed_check;
pub(crate) mod noted_refusal;
mod other_credential;
pub(crate) mod sender;
pub(crate) mod sender_constraint;

pub use client_certificate::MutualTls;
pub use csrf::CsrfProtection;

use std::{cell::RefCell, rc::Rc, sync::Arc};

use actix_web::{HttpMessage, HttpRequest};
use tokio::sync::OnceCell;

use crate::http::{
    auth::context::AuthContext,
    authentication::{
        app_data::DataAddress, demands::Demands, failed_check::FailedCheck,
        noted_refusal::NotedRefusal,
    },
    authenticators,
    credentials::Way,
    step::Step,
};
use crate::{
    claims::{CredentialKind, VerifiedClaims, VerifiedToken},
    error::AuthError,
    verifier::{Progress, Verified},
};

/// The outcome for a request. An `Rc` of it is in its extensions: later uses share it without
/// changing counters that other workers use too.
#[derive(Clone)]
pub(crate) struct Authentication {
    /// Handle that authenticated the request. Another one with other rules has to authenticate it
    /// again.
    pub(crate) by: AuthContext,
    /// `None` for a request without credentials.
    pub(crate) token: Option<Arc<VerifiedToken>>,
    /// True if a refresh token was expected.
    pub(crate) is_for_refresh: bool,
    /// True if the token was part of the URL.
    pub(crate) is_in_url: bool,
    /// Requirements that the request has met.
    pub(crate) demands: Demands,
    /// Last requirement that the handler has found unmet itself.
    pub(crate) failed_check: RefCell<Option<Rc<FailedCheck>>>,
    pub(crate) refusal: NotedRefusal,
    /// Address of the `JwtAuth` in the app's data at that point. An inner scope may have put
    /// another there, or the same once more.
    data_address: DataAddress,
}

/// A pending authentication. Several arguments of one handler wait for it together.
struct Ongoing {
    by: AuthContext,
    is_for_refresh: bool,
    credential: PendingCredential,
    outcome: OnceCell<Result<Rc<Authentication>, AuthError>>,
}

/// A credential that has to be waited for.
enum PendingCredential {
    Token(PendingToken),
    /// A credential of an authenticator, which is asked again.
    Other,
}

/// A token for the verifier, extracted once from the request.
struct PendingToken {
    token: Box<[u8]>,
    way: Way,
    has_proof: bool,
    /// Result of the token cache.
    cached: Option<Verified>,
}

impl Authentication {
    /// Returns the outcome for the request so far.
    pub(crate) fn of(request: &HttpRequest) -> Option<Rc<Self>> {
        request.extensions().get::<Rc<Self>>().cloned()
    }

    /// Returns the outcome that is valid for a handler with this in the app's data. A `JwtAuth`
    /// that was added in an inner scope decides itself.
    pub(crate) fn valid_for(
        self: &Rc<Self>,
        nearest: Option<&AuthContext>,
        address: DataAddress,
    ) -> Option<Rc<Self>> {
        match nearest {
            Some(nearest) if self.data_address != address => nearest
                .is_same(&self.by)
                .then(|| Rc::new(Self { by: nearest.clone(), ..Self::clone(self) })),
            _ => Some(self.clone()),
        }
    }

    /// Returns the claims, or the refusal of a request without.
    pub(crate) fn claims(&self) -> Result<VerifiedClaims, AuthError> {
        self.token.clone().map(VerifiedClaims::new).ok_or(AuthError::MissingToken)
    }
}

/// Marks the caller of a request as authenticated, for a test, unless the claims have expired.
#[cfg(feature = "testing")]
pub(crate) fn assume(
    context: &AuthContext,
    extensions: &mut actix_web::dev::Extensions,
    claims: &VerifiedClaims,
) {
    if assumed::note(context, extensions, claims.verified().claims()) {
        let token = VerifiedToken::clone(claims.verified());
        extensions.insert(Rc::new(Authentication {
            by: context.clone(),
            token: Some(Arc::new(token.by_clock(context.verifier().own_clock()))),
            is_for_refresh: false,
            is_in_url: false,
            demands: Demands::default(),
            failed_check: RefCell::default(),
            refusal: NotedRefusal::default(),
            data_address: DataAddress::default(),
        }));
    }
}

/// Authenticates a request once: the outcome stays with the request. Calls `on_other` if another
/// `JwtAuth` has authenticated it.
pub(crate) fn authenticate(
    context: &AuthContext,
    request: &HttpRequest,
    is_for_refresh: bool,
    on_other: fn(&AuthContext, &HttpRequest),
) -> Step<Rc<Authentication>, AuthError> {
    match known(context, request, is_for_refresh, on_other) {
        Some(known) => Step::Ready(Ok(known)),
        None => {
            authenticate_first(context, request, is_for_refresh, || app_data::locate(request).1)
        }
    }
}

/// Warns, once for each, of a middleware inside that of another `JwtAuth`: a token has to satisfy
/// both.
#[cold]
pub(crate) fn warn_of_nesting(inner: &AuthContext, request: &HttpRequest) {
    if inner.note_nested() {
        tracing::warn!(
            route = request.match_pattern(),
            "two different JwtAuth are wrapped around one route, and a token must satisfy both: wrap \
             it in one, and add issuers to that with `issuer(…)`"
        );
    }
}

/// Authenticates a request for an explanation. Afterwards no more is known of the request than
/// before: the handle that explains may have other rules than the one that protects the route.
pub(crate) async fn authenticate_for_explanation(
    context: &AuthContext,
    request: &HttpRequest,
) -> Result<VerifiedClaims, AuthError> {
    let known = Authentication::of(request);
    let ongoing = request.extensions().get::<Rc<Ongoing>>().cloned();
    let outcome = authenticate(context, request, false, |_, _| {}).get().await;
    let mut extensions = request.extensions_mut();
    extensions.remove::<Rc<Authentication>>();
    extensions.remove::<Rc<Ongoing>>();
    if let Some(known) = known {
        extensions.insert(known);
    }
    if let Some(ongoing) = ongoing {
        extensions.insert(ongoing);
    }
    outcome?.claims()
}

/// Authenticates a request without an earlier outcome.
pub(crate) fn authenticate_first(
    context: &AuthContext,
    request: &HttpRequest,
    is_for_refresh: bool,
    address: impl FnOnce() -> DataAddress,
) -> Step<Rc<Authentication>, AuthError> {
    #[cfg(feature = "testing")]
    if let Err(refusal) = assumed::check(context, request) {
        return Step::Ready(Err(refusal));
    }
    let Some(source) = context.token_source(is_for_refresh) else {
        return Step::Ready(Err(no_sessions()));
    };
    if let Some(ongoing) = ongoing(context, request, is_for_refresh) {
        return wait_for(context, request, ongoing);
    }
    let credential = match source.extractor.extract(request) {
        Ok(credential) => credential,
        Err(reason) => return Step::Ready(Err(reason.into())),
    };
    if !is_for_refresh && !context.authenticators().is_empty() {
        let credential = credential.as_ref();
        match authenticators::select(context.authenticators(), request, credential) {
            Ok(None) => {}
            Ok(Some(selected)) => {
                return match other_credential::accept_now(context, request, credential, selected) {
                    Some(accepted) => Step::Ready(accepted.and_then(|(token, way)| {
                        attach(context, request, Some(token), way, is_for_refresh, address())
                    })),
                    None => {
                        start_waiting(context, request, is_for_refresh, PendingCredential::Other)
                    }
                };
            }
            Err(reason) => return Step::Ready(Err(reason.into())),
        }
    }
    let Some(credential) = credential else {
        let way = Way::default();
        return Step::Ready(attach(context, request, None, way, is_for_refresh, address()));
    };
    let (way, has_proof) = (credential.way(), credential.has_proof());
    let cached = if has_proof {
        None
    } else {
        match source.verifier.start(credential.as_bytes()) {
            Progress::Done(outcome) => {
                let kind = CredentialKind::Jwt;
                let accepted = sender_constraint::accept_bearer(
                    context,
                    request,
                    kind,
                    outcome,
                    is_for_refresh,
                );
                return Step::Ready(accepted.and_then(|token| {
                    attach(context, request, Some(token), way, is_for_refresh, address())
                }));
            }
            Progress::Unfinished(cached) => cached,
        }
    };
    let token = credential.as_bytes().into();
    let token = PendingToken { token, way, has_proof, cached };
    start_waiting(context, request, is_for_refresh, PendingCredential::Token(token))
}

/// Keeps the pending authentication with the request, and waits for it.
fn start_waiting(
    context: &AuthContext,
    request: &HttpRequest,
    is_for_refresh: bool,
    credential: PendingCredential,
) -> Step<Rc<Authentication>, AuthError> {
    let outcome = OnceCell::new();
    let ongoing = Rc::new(Ongoing { by: context.clone(), is_for_refresh, credential, outcome });
    request.extensions_mut().insert(ongoing.clone());
    wait_for(context, request, ongoing)
}

/// Returns the pending authentication of the request.
fn ongoing(
    context: &AuthContext,
    request: &HttpRequest,
    is_for_refresh: bool,
) -> Option<Rc<Ongoing>> {
    let extensions = request.extensions();
    let ongoing = extensions.get::<Rc<Ongoing>>()?;
    let is_same = ongoing.by.is_same(context) && ongoing.is_for_refresh == is_for_refresh;
    is_same.then(|| ongoing.clone())
}

fn wait_for(
    context: &AuthContext,
    request: &HttpRequest,
    ongoing: Rc<Ongoing>,
) -> Step<Rc<Authentication>, AuthError> {
    let (context, request) = (context.clone(), request.clone());
    Step::pending(async move {
        let finish = || finish(&context, &request, &ongoing);
        ongoing.outcome.get_or_init(finish).await.clone()
    })
}

/// Verifies the token of a request, checks its sender constraint, and keeps the outcome.
async fn finish(
    context: &AuthContext,
    request: &HttpRequest,
    ongoing: &Ongoing,
) -> Result<Rc<Authentication>, AuthError> {
    let Ongoing { is_for_refresh, credential, .. } = ongoing;
    let source = context.token_source(*is_for_refresh).ok_or_else(no_sessions)?;
    let (token, way) = match credential {
        PendingCredential::Other => {
            other_credential::accept(context, request, &*source.extractor).await?
        }
        PendingCredential::Token(PendingToken { token, way, has_proof: true, .. }) => {
            let (kind, verify) = (CredentialKind::Jwt, source.verifier.verify_token(token));
            (sender_constraint::accept_dpop(context, request, kind, token, verify).await?, *way)
        }
        PendingCredential::Token(PendingToken { token, way, cached, .. }) => {
            let outcome = source.verifier.finish(token, cached.as_ref()).await;
            let kind = CredentialKind::Jwt;
            let by_bearer = sender_constraint::accept_bearer;
            (by_bearer(context, request, kind, outcome, *is_for_refresh)?, *way)
        }
    };
    attach(context, request, Some(token), way, *is_for_refresh, app_data::locate(request).1)
}

fn known(
    context: &AuthContext,
    request: &HttpRequest,
    is_for_refresh: bool,
    on_other: fn(&AuthContext, &HttpRequest),
) -> Option<Rc<Authentication>> {
    let known = Authentication::of(request)?;
    if !known.by.is_same(context) {
        on_other(context, request);
        return None;
    }
    if known.is_for_refresh != is_for_refresh {
        return None;
    }
    #[cfg(feature = "testing")]
    assumed::note_met(request);
    if known.by.is_report_only() == context.is_report_only() {
        return Some(known);
    }
    // The innermost handle decides from here on if refusals are enforced.
    let known = Rc::new(Authentication { by: context.clone(), ..Authentication::clone(&known) });
    request.extensions_mut().insert(known.clone());
    Some(known)
}

/// Keeps the caller of a message of a stream with the request that has opened the stream.
pub(crate) fn attach_caller(
    context: &AuthContext,
    request: &HttpRequest,
    token: Arc<VerifiedToken>,
) -> Result<Rc<Authentication>, AuthError> {
    let address = app_data::locate(request).1;
    attach(context, request, Some(token), Way::default(), false, address)
}

fn attach(
    context: &AuthContext,
    request: &HttpRequest,
    token: Option<Arc<VerifiedToken>>,
    way: Way,
    is_for_refresh: bool,
    data_address: DataAddress,
) -> Result<Rc<Authentication>, AuthError> {
    if let Some(token) = &token {
        context.settings().cross_site.check(request, token.claims(), way.attached_by)?;
    }
    let (by, is_in_url) = (context.clone(), way.is_in_url);
    let authentication = Rc::new(Authentication {
        by,
        token,
        is_for_refresh,
        is_in_url,
        demands: Demands::default(),
        failed_check: RefCell::default(),
        refusal: NotedRefusal::default(),
        data_address,
    });
    let before = request.extensions_mut().insert(authentication.clone());
    if let Some(before) = before {
        // Of a request, not of its credential.
        authentication.refusal.is_recorded.swap(&before.refusal.is_recorded);
    }
    Ok(authentication)
}

fn no_sessions() -> AuthError {
    tracing::error!(
        "a route takes refresh tokens, but there are no sessions: make the JwtAuth with \
         `JwtAuth::for_sessions(&sessions)`"
    );
    AuthError::Misconfigured
}
