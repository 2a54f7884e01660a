//! Shared context of all stages of a request: the verifier and the settings of a [`JwtAuth`].

use std::{
    fmt,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use actix_web::{HttpRequest, HttpResponse};

use crate::http::{
    authentication::{client_certificate::CertificateRules, cross_site::CrossSite},
    authenticators::Authenticator,
    credentials::{BearerExtractor, DpopExtractor, TokenExtractor},
    endpoints::metadata_document::PublishedMetadata,
    route_table::inner_routes::InnerRoutes,
    streams::table::StreamsOfAuth,
};
use crate::{
    authz::{AuditSink, Authorizer},
    claims::{Claims, CredentialKind},
    dpop::ProofRules,
    error::AuthError,
    revocation::RevocationKeys,
    verifier::Verifier,
};

/// Protection for an Actix application: create one, clone it into the app factory.
///
/// Wrap an app or a scope with it, and every route inside needs a token; or put it into the app's
/// data, and handlers with `#[require]` or [`VerifiedClaims`](crate::VerifiedClaims) verify tokens
/// themselves. Clones share keys, caches and settings across all workers.
///
/// ```no_run
/// use actix_web::{App, HttpServer, Responder, get};
/// use jwt_verify::{JwtAuth, VerifiedClaims};
///
/// #[get("/profile")]
/// async fn profile(claims: VerifiedClaims) -> impl Responder {
///     format!("hello {}", claims.subject().unwrap_or("unknown user"))
/// }
///
/// #[actix_web::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let auth = JwtAuth::builder("https://tenant.auth0.com/", "https://api.example.com").build()?;
///     HttpServer::new(move || App::new().wrap(auth.clone()).service(profile))
///         .bind(("127.0.0.1", 8080))?
///         .run()
///         .await?;
///     Ok(())
/// }
/// ```
///
/// A refusal inside the middleware is an ordinary response, so CORS, logging and error pages of
/// middlewares around it apply to it. Register a CORS middleware *after* this one, so that it is
/// outside and answers preflights, which carry no token.
#[doc(alias = "middleware")]
#[derive(Clone)]
pub struct JwtAuth {
    pub(crate) context: AuthContext,
    /// Routes of the `AuthScope` that it is around.
    pub(crate) inner: Option<InnerRoutes>,
}

impl JwtAuth {
    pub(crate) fn of(context: AuthContext) -> Self {
        Self { context, inner: None }
    }
}

/// Handle to the settings of a [`JwtAuth`], for the stages of a request.
#[derive(Clone)]
pub(crate) struct AuthContext {
    handle: Arc<RefCountCell>,
    is_optional: bool,
    is_report_only: bool,
}

/// A reference count. Each request changes it, and workers that change the same one wait for each
/// other, so the middleware of each worker has a handle [of its own](AuthContext::unshared).
struct RefCountCell {
    state: Arc<AuthState>,
}

struct AuthState {
    access: TokenSource,
    settings: AuthSettings,
    /// True once it was found inside another one.
    is_nested: AtomicBool,
    /// Streams that are open by its tokens.
    streams: StreamsOfAuth,
}

/// Refers to a `JwtAuth` without keeping it alive.
pub(crate) struct WeakContext(Weak<AuthState>);

impl WeakContext {
    /// Returns `true` if a clone is left.
    pub(crate) fn is_alive(&self) -> bool {
        self.0.strong_count() > 0
    }

    /// Returns a handle, if a clone is left.
    pub(crate) fn upgrade(&self) -> Option<AuthContext> {
        let handle = Arc::new(RefCountCell { state: self.0.upgrade()? });
        Some(AuthContext { handle, is_optional: false, is_report_only: false })
    }

    /// Returns the verifier, if a clone is left.
    pub(crate) fn verifier(&self) -> Option<Verifier> {
        self.0.upgrade().map(|state| state.access.verifier.clone())
    }
}

/// Extractor and verifier for tokens of one kind.
pub(crate) struct TokenSource {
    pub(crate) verifier: Verifier,
    pub(crate) extractor: Box<dyn TokenExtractor>,
}

/// Settings around the verifier.
#[derive(Default)]
pub(crate) struct AuthSettings {
    /// `None` for bearer tokens.
    pub(crate) extractor: Option<Box<dyn TokenExtractor>>,
    pub(crate) refresh: Option<TokenSource>,
    /// Credentials that are not for the verifier.
    pub(crate) authenticators: Vec<Box<dyn Authenticator>>,
    pub(crate) cross_site: CrossSite,
    pub(crate) proofs: Option<Box<ProofRules>>,
    pub(crate) certificates: Option<Box<CertificateRules>>,
    pub(crate) metadata: Option<PublishedMetadata>,
    /// Scopes that a caller without a token is told to request, separated by spaces.
    pub(crate) challenge_scopes: Option<Arc<str>>,
    pub(crate) authorizer: Option<Box<dyn Authorizer>>,
    #[cfg(feature = "security-events")]
    pub(crate) security_events: Option<crate::security_events::SecurityEventReceiver>,
    pub(crate) audit: Option<Box<dyn AuditSink>>,
    pub(crate) realm: Option<Arc<str>>,
    pub(crate) reveal_roles: bool,
    /// True if the explanation of a refused token is logged.
    pub(crate) reports_details: bool,
    pub(crate) error_response: Option<Box<ErrorResponse>>,
    /// Number of streams that may be open at the same time.
    pub(crate) max_open_streams: Option<usize>,
}

impl AuthSettings {
    pub(crate) fn take_extractor(&mut self) -> Box<dyn TokenExtractor> {
        let extractor = self.extractor.take().unwrap_or_else(|| Box::new(BearerExtractor));
        match &self.proofs {
            None => extractor,
            Some(_) => Box::new(DpopExtractor(extractor)),
        }
    }
}

/// Makes a response for a refusal.
pub(crate) type ErrorResponse = dyn Fn(&AuthError, &HttpRequest) -> HttpResponse + Send + Sync;

impl AuthContext {
    pub(crate) fn new(verifier: Verifier, mut settings: AuthSettings) -> Self {
        let access = TokenSource { verifier, extractor: settings.take_extractor() };
        let (is_nested, streams) = (AtomicBool::new(false), StreamsOfAuth::default());
        let state = Arc::new(AuthState { access, settings, is_nested, streams });
        let handle = Arc::new(RefCountCell { state });
        Self { handle, is_optional: false, is_report_only: false }
    }

    /// Handle for routes that anonymous callers may use too.
    pub(crate) fn optional(&self) -> Self {
        Self { is_optional: true, ..self.clone() }
    }

    /// Handle for requirements that are reported and not enforced.
    pub(crate) fn report_only(&self) -> Self {
        Self { is_report_only: true, ..self.clone() }
    }

    /// Handle whose references are counted apart from those of all others.
    pub(crate) fn unshared(&self) -> Self {
        let state = Arc::clone(&self.handle.state);
        Self { handle: Arc::new(RefCountCell { state }), ..*self }
    }

    /// Returns `true` if both belong to one `JwtAuth`, so that the outcome of one is valid for the
    /// other.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.handle.state, &other.handle.state)
    }

    pub(crate) fn downgrade(&self) -> WeakContext {
        WeakContext(Arc::downgrade(&self.handle.state))
    }

    /// Returns the keys under which another login of a stream's caller can be demanded, if events may
    /// demand one and it is enforced.
    #[cfg(feature = "security-events")]
    pub(crate) fn login_keys(&self, claims: &Claims) -> Option<Arc<RevocationKeys>> {
        let events = self.settings().security_events.as_ref();
        events.filter(|events| events.may_step_up() && !self.is_report_only)?;
        RevocationKeys::of_login(claims).map(Arc::new)
    }

    /// Returns `None`: nothing demands a login.
    #[cfg(not(feature = "security-events"))]
    #[expect(clippy::unused_self, reason = "the other one has it")]
    pub(crate) fn login_keys(&self, _: &Claims) -> Option<Arc<RevocationKeys>> {
        None
    }

    /// Notes that it protects a route that another one protects too. Returns `true` the first time.
    pub(crate) fn note_nested(&self) -> bool {
        !self.handle.state.is_nested.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn is_optional(&self) -> bool {
        self.is_optional
    }

    pub(crate) fn is_report_only(&self) -> bool {
        self.is_report_only
    }

    pub(crate) fn verifier(&self) -> &Verifier {
        &self.handle.state.access.verifier
    }

    pub(crate) fn settings(&self) -> &AuthSettings {
        &self.handle.state.settings
    }

    /// Returns the streams that are open by its tokens.
    pub(crate) fn streams(&self) -> &StreamsOfAuth {
        &self.handle.state.streams
    }

    /// Returns the source of tokens of a kind, if there is one.
    pub(crate) fn token_source(&self, is_for_refresh: bool) -> Option<&TokenSource> {
        if is_for_refresh {
            self.settings().refresh.as_ref()
        } else {
            Some(&self.handle.state.access)
        }
    }

    /// Returns what authenticates by other credentials than tokens for the verifier.
    pub(crate) fn authenticators(&self) -> &[Box<dyn Authenticator>] {
        &self.settings().authenticators
    }

    /// Returns the kinds of credentials that are accepted, each once.
    pub(crate) fn credential_kinds(&self) -> Vec<CredentialKind> {
        let mut kinds = vec![CredentialKind::Jwt];
        for authenticator in self.authenticators() {
            let kind = authenticator.credential_kind();
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        kinds
    }

    /// Returns the rules for DPoP proofs, if tokens may be bound to a key.
    pub(crate) fn proofs(&self) -> Option<&ProofRules> {
        self.settings().proofs.as_deref()
    }

    /// Returns the source of client certificates, if tokens may be bound to one.
    pub(crate) fn certificates(&self) -> Option<&CertificateRules> {
        self.settings().certificates.as_deref()
    }

    pub(crate) fn authorizer(&self) -> Option<&dyn Authorizer> {
        self.settings().authorizer.as_deref()
    }

    pub(crate) fn audit(&self) -> Option<&dyn AuditSink> {
        self.settings().audit.as_deref()
    }
}

impl fmt::Debug for AuthContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthContext")
            .field("verifier", self.verifier())
            .field("optional", &self.is_optional)
            .field("report_only", &self.is_report_only)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for JwtAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtAuth")
            .field("verifier", self.context.verifier())
            .field("optional", &self.context.is_optional)
            .field("report_only", &self.context.is_report_only)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{key::JwkSet, verifier::TrustedIssuer};

    #[test]
    fn an_unshared_handle_is_of_the_same_settings() {
        let issuer = TrustedIssuer::new("https://issuer.example", "api").keys(JwkSet::new([]));
        let verifier = Verifier::for_issuer(issuer).build().unwrap();
        let context = AuthContext::new(verifier.clone(), AuthSettings::default()).report_only();
        let unshared = context.unshared();
        assert!(unshared.is_same(&context) && unshared.is_report_only() && !unshared.is_optional());
        assert!(!Arc::ptr_eq(&unshared.handle, &context.handle));
        assert!(!AuthContext::new(verifier, AuthSettings::default()).is_same(&context));
    }
}
