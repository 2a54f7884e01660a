//! The one value an application makes and shares.

use std::{fmt, sync::Arc};

use actix_web::{Error, HttpRequest, HttpResponse, error::InternalError};

use super::{
    auth_builder::{AuthSettings, JwtAuthBuilder},
    credentials::TokenExtractor,
    cross_site::CrossSite,
    health::HealthEndpoints,
    middleware::RequireMiddleware,
    mutual_tls::CertificateRules,
    possession::Scheme,
    resource_metadata::{PublishedMetadata, ResourceMetadataEndpoint},
    response::{self, ResponseContext},
};
use crate::{
    authz::{AuditSink, Authorizer, Requirement},
    dpop::ProofRules,
    error::AuthError,
    key::KeyHealth,
    revocation::RevocationHealth,
    verifier::Verifier,
};

/// Protection for an Actix application: make one, clone it into the app factory.
///
/// Wrap an app or a scope with it and every route inside needs a token; or put it into the app's
/// data, and handlers with `#[require]` or [`VerifiedClaims`](crate::VerifiedClaims) verify by
/// themselves. Clones share keys, caches and settings across all workers.
///
/// ```no_run
/// use actix_web::{App, HttpServer, Responder, get};
/// use jwt_verify::{JwtAuth, VerifiedClaims};
///
/// #[get("/profile")]
/// async fn profile(claims: VerifiedClaims) -> impl Responder {
///     format!("hello {}", claims.subject().unwrap_or("stranger"))
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
#[derive(Clone)]
pub struct JwtAuth {
    handle: Arc<RefCountCell>,
    optional: bool,
    report_only: bool,
}

/// Counts references. Each request is one, and workers that count in one place wait for each other,
/// so that the middleware of each has a handle [of its own](JwtAuth::unshared).
struct RefCountCell {
    shared: Arc<AuthContext>,
}

struct AuthContext {
    access: Door,
    settings: AuthSettings,
}

/// Where tokens of one kind are found, and who verifies them.
pub(super) struct Door {
    pub(super) verifier: Verifier,
    pub(super) extractor: Box<dyn TokenExtractor>,
}

impl JwtAuth {
    /// For the tokens of one issuer, meant for this API; see [`Verifier::builder`].
    ///
    /// With nothing else set: keys by discovery at the issuer, `RS256`, bearer tokens, roles and
    /// permissions from the claims of these names.
    pub fn builder(issuer: impl Into<String>, audience: impl Into<String>) -> JwtAuthBuilder {
        JwtAuthBuilder::new(Verifier::builder(issuer, audience))
    }

    /// For the tokens of sessions of the application's own. With `#[require(refresh)]` a route takes
    /// refresh tokens; see [`Sessions`](crate::Sessions).
    #[cfg(feature = "issuing")]
    pub fn for_sessions(sessions: &crate::issuing::Sessions) -> JwtAuthBuilder {
        JwtAuthBuilder::new(sessions.verifier()).refresh_tokens(sessions.refresh_tokens().clone())
    }

    /// Around a verifier that is ready, with bearer tokens and the default answers.
    pub fn new(verifier: Verifier) -> Self {
        Self::around(verifier, AuthSettings::default())
    }

    pub(super) fn around(verifier: Verifier, mut settings: AuthSettings) -> Self {
        let access = Door { verifier, extractor: settings.take_extractor() };
        let shared = Arc::new(AuthContext { access, settings });
        Self { handle: Arc::new(RefCountCell { shared }), optional: false, report_only: false }
    }

    /// The same, for routes that anonymous callers may use too: a request without credentials
    /// passes, and [`OptionalClaims`](crate::OptionalClaims) is `None` there. A credential that is
    /// present and bad is still refused.
    #[must_use]
    pub fn optional(&self) -> Self {
        Self { optional: true, ..self.clone() }
    }

    /// The same, for introducing requirements in a live system: a caller who lacks what a requirement
    /// demands is let through, and the log says at `WARN` at which route one would have been refused,
    /// and why.
    /// An [`AuditSink`] gets [`AuditOutcome::Reported`](crate::AuditOutcome::Reported).
    ///
    /// **Security:** roles, permissions, policies and all else that a requirement can demand protect
    /// nothing meanwhile. Callers still have to be authenticated. Of several around each other, in
    /// middlewares and in the app's data, the innermost counts. To try a single requirement of a scope
    /// there is [`RequireMiddleware::report_only`].
    #[must_use]
    pub fn report_only(&self) -> Self {
        Self { report_only: true, ..self.clone() }
    }

    /// A middleware that demands something of every request to a scope or resource. It
    /// authenticates by itself where nobody has before.
    ///
    /// ```
    /// # use actix_web::web;
    /// # use jwt_verify::{JwtAuth, Requirement};
    /// # fn example(auth: JwtAuth) {
    /// let admin = web::scope("/admin").wrap(auth.require(Requirement::roles(["admin"])));
    /// # let _: actix_web::Scope<_> = admin;
    /// # }
    /// ```
    pub fn require(&self, requirement: Requirement) -> RequireMiddleware {
        RequireMiddleware::new(self.clone(), requirement)
    }

    /// What verifies the tokens.
    pub fn verifier(&self) -> &Verifier {
        &self.handle.shared.access.verifier
    }

    /// Begins to fetch keys, so that the first request need not wait. Returns at once; failures
    /// show in [`health`](Self::health) and in the log.
    pub fn warm_up(&self) {
        self.handle.shared.access.verifier.warm_up();
    }

    /// Waits until there are keys of every issuer and it can be told what is revoked, or until an
    /// attempt to get there has failed; see [`Verifier::wait_until_ready`]. For applications that want to be ready
    /// before the first request; others need not wait.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`] if one of them is lacking.
    pub async fn wait_until_ready(&self) -> Result<(), AuthError> {
        self.handle.shared.access.verifier.wait_until_ready().await
    }

    /// Routes that say whether the application is alive, and whether it is ready: see
    /// [`HealthEndpoints`].
    pub fn health_routes(&self) -> HealthEndpoints {
        HealthEndpoints::new(self.clone())
    }

    /// The route that publishes what [`ResourceMetadata`](crate::ResourceMetadata) says. Without such a
    /// setting there is none, and the log says so.
    pub fn resource_metadata_route(&self) -> ResourceMetadataEndpoint {
        ResourceMetadataEndpoint::new(self.clone())
    }

    /// The state of each issuer's keys, with the issuer's name, for readiness checks.
    pub fn health(&self) -> Vec<(String, KeyHealth)> {
        self.handle.shared.access.verifier.health()
    }

    /// Reports the state of the store of revocations, where there is one: whether it can answer, and the
    /// age of a copy. It is asked nothing.
    pub fn revocation_health(&self) -> Option<RevocationHealth> {
        self.handle.shared.access.verifier.revocation_health()
    }

    /// The door for tokens of a kind, if there is one.
    pub(super) fn door(&self, is_for_refresh: bool) -> Option<&Door> {
        if is_for_refresh {
            self.handle.shared.settings.refresh.as_ref()
        } else {
            Some(&self.handle.shared.access)
        }
    }

    /// Rules for credentials that the browser has attached by itself.
    pub(super) fn cross_site(&self) -> &CrossSite {
        &self.handle.shared.settings.cross_site
    }

    /// What proofs must say, where tokens may be bound.
    pub(super) fn proofs(&self) -> Option<&ProofRules> {
        self.handle.shared.settings.proofs.as_deref()
    }

    /// Where the certificate of a client is found, where tokens may be bound to one.
    pub(super) fn certificates(&self) -> Option<&CertificateRules> {
        self.handle.shared.settings.certificates.as_deref()
    }

    pub(super) fn published_metadata(&self) -> Option<&PublishedMetadata> {
        self.handle.shared.settings.metadata.as_ref()
    }

    pub(super) fn authorizer(&self) -> Option<&dyn Authorizer> {
        self.handle.shared.settings.authorizer.as_deref()
    }

    pub(super) fn audit(&self) -> Option<&dyn AuditSink> {
        self.handle.shared.settings.audit.as_deref()
    }

    pub(super) fn is_optional(&self) -> bool {
        self.optional
    }

    pub(super) fn is_report_only(&self) -> bool {
        self.report_only
    }

    /// The same, whose references are counted apart from those of all others.
    pub(super) fn unshared(&self) -> Self {
        let shared = Arc::clone(&self.handle.shared);
        Self { handle: Arc::new(RefCountCell { shared }), ..*self }
    }

    /// Whether both are clones of one, so that what one has found out holds for the other.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.handle.shared, &other.handle.shared)
    }

    /// The answer to a request that is refused.
    pub(super) fn refuse(&self, error: &AuthError, request: &HttpRequest) -> HttpResponse {
        response::record(error);
        let settings = &self.handle.shared.settings;
        let context = ResponseContext {
            realm: settings.realm.as_ref(),
            reveal_roles: settings.reveal_roles,
            metadata: settings.metadata.as_ref().map(PublishedMetadata::url),
            proofs: settings.proofs.as_deref(),
            takes_certificates: settings.certificates.is_some(),
            scheme: Scheme::of(request),
        };
        let Some(custom) = &settings.error_response else {
            return response::error_response(error, &context);
        };
        let mut response = custom(error, request);
        response::merge_challenges(&mut response, error, &context);
        response
    }

    /// The same, in the form in which extractors fail.
    pub(super) fn refuse_as_error(&self, error: AuthError, request: &HttpRequest) -> Error {
        let response = self.refuse(&error, request);
        InternalError::from_response(error, response).into()
    }
}

impl fmt::Debug for JwtAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtAuth")
            .field("verifier", self.verifier())
            .field("optional", &self.optional)
            .field("report_only", &self.report_only)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::JwkSet;

    #[test]
    fn one_that_is_counted_apart_is_the_same() {
        let verifier = Verifier::builder("https://issuer.example", "api").keys(JwkSet::new([]));
        let auth = JwtAuth::new(verifier.build().unwrap()).report_only();
        let unshared = auth.unshared();
        assert!(unshared.is_same(&auth) && unshared.is_report_only() && !unshared.is_optional());
        assert!(!Arc::ptr_eq(&unshared.handle, &auth.handle));
        let other = JwtAuth::new(auth.verifier().clone());
        assert!(!other.is_same(&auth));
    }
}
