//! The one value an application makes and shares.

use std::{fmt, sync::Arc, time::Duration};

use actix_web::{Error, HttpRequest, HttpResponse, error::InternalError};

use super::{
    credentials::{BearerExtractor, TokenExtractor},
    csrf::CsrfProtection,
    health::HealthRoutes,
    middleware::Required,
    response,
};
use crate::{
    Algorithm, AuthError, Authorizer, ClaimsMapping, ConfigError, KeyHealth, KeyProvider,
    RbacAuthorizer, Requirement, TrustedIssuer, VerifiedClaims, Verifier, VerifierBuilder,
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
    shared: Arc<Shared>,
    optional: bool,
}

struct Shared {
    access: Door,
    refresh: Option<Door>,
    csrf: Option<CsrfProtection>,
    authorizer: Box<dyn Authorizer>,
    realm: Option<Arc<str>>,
    error_response: Option<Box<ErrorResponse>>,
}

/// Where tokens of one kind are found, and who verifies them.
pub(super) struct Door {
    pub(super) verifier: Verifier,
    pub(super) extractor: Box<dyn TokenExtractor>,
}

/// Makes a response of a refusal.
pub type ErrorResponse = dyn Fn(&AuthError, &HttpRequest) -> HttpResponse + Send + Sync;

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
    pub fn for_sessions(sessions: &crate::Sessions) -> JwtAuthBuilder {
        let mut builder = JwtAuthBuilder::new(sessions.verifier());
        builder.shared.refresh = Some(Door {
            verifier: sessions.refresh_tokens().clone(),
            extractor: Box::new(BearerExtractor),
        });
        builder
    }

    /// Around a verifier that is ready, with bearer tokens and the default answers.
    pub fn new(verifier: Verifier) -> Self {
        Self {
            shared: Arc::new(Shared {
                access: Door { verifier, extractor: Box::new(BearerExtractor) },
                refresh: None,
                csrf: None,
                authorizer: Box::new(RbacAuthorizer),
                realm: None,
                error_response: None,
            }),
            optional: false,
        }
    }

    /// The same, for routes that anonymous callers may use too: a request without credentials
    /// passes, and [`OptionalClaims`](crate::OptionalClaims) is `None` there. A credential that is
    /// present and bad is still refused.
    #[must_use]
    pub fn optional(&self) -> Self {
        Self { optional: true, ..self.clone() }
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
    pub fn require(&self, requirement: Requirement) -> Required {
        Required { auth: self.clone(), requirement }
    }

    /// What verifies the tokens.
    pub fn verifier(&self) -> &Verifier {
        &self.shared.access.verifier
    }

    /// Begins to fetch keys, so that the first request need not wait. Returns at once; failures
    /// show in [`health`](Self::health) and in the log.
    pub fn warm_up(&self) {
        self.shared.access.verifier.warm_up();
    }

    /// Waits until there are keys of every issuer, or until an attempt to get them has failed; see
    /// [`Verifier::ready`]. For applications that want keys before the first request; others need
    /// not wait.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`] if there are none.
    pub async fn ready(&self) -> Result<(), AuthError> {
        self.shared.access.verifier.ready().await
    }

    /// Routes that say whether the application is alive, and whether it is ready: see
    /// [`HealthRoutes`].
    pub fn health_routes(&self) -> HealthRoutes {
        HealthRoutes::new(self.clone())
    }

    /// The state of each issuer's keys, with the issuer's name, for readiness checks.
    pub fn health(&self) -> Vec<(String, KeyHealth)> {
        self.shared.access.verifier.health()
    }

    /// The door for tokens of a kind, if there is one.
    pub(super) fn door(&self, is_for_refresh: bool) -> Option<&Door> {
        if is_for_refresh { self.shared.refresh.as_ref() } else { Some(&self.shared.access) }
    }

    pub(super) fn csrf(&self) -> Option<&CsrfProtection> {
        self.shared.csrf.as_ref()
    }

    /// Whether a caller may do what a requirement is about.
    pub(super) fn authorize(
        &self,
        claims: &VerifiedClaims,
        requirement: &Requirement,
    ) -> Result<(), AuthError> {
        self.shared.authorizer.authorize(claims, requirement)?;
        requirement.check_login(claims, self.verifier().now())
    }

    pub(super) fn is_optional(&self) -> bool {
        self.optional
    }

    /// Whether both are clones of one, so that what one has found out holds for the other.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// The answer to a request that is refused.
    pub(super) fn refuse(&self, error: &AuthError, request: &HttpRequest) -> HttpResponse {
        response::record(error);
        match &self.shared.error_response {
            Some(custom) => custom(error, request),
            None => response::respond(error, self.shared.realm.as_ref()),
        }
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
            .finish_non_exhaustive()
    }
}

/// Settings of [`JwtAuth`]. Nothing but issuer and audience is needed.
#[must_use]
pub struct JwtAuthBuilder {
    verifier: VerifierBuilder,
    shared: SharedSettings,
}

struct SharedSettings {
    extractor: Box<dyn TokenExtractor>,
    refresh: Option<Door>,
    csrf: Option<CsrfProtection>,
    authorizer: Box<dyn Authorizer>,
    realm: Option<Arc<str>>,
    error_response: Option<Box<ErrorResponse>>,
}

impl JwtAuthBuilder {
    pub(super) fn new(verifier: VerifierBuilder) -> Self {
        Self {
            verifier,
            shared: SharedSettings {
                extractor: Box::new(BearerExtractor),
                refresh: None,
                csrf: None,
                authorizer: Box::new(RbacAuthorizer),
                realm: None,
                error_response: None,
            },
        }
    }

    /// Where keys come from; see [`VerifierBuilder::keys`]. Default: discovery at the issuer.
    pub fn keys(self, keys: impl KeyProvider) -> Self {
        self.verifier(|verifier| verifier.keys(keys))
    }

    /// The algorithms that are accepted; see [`VerifierBuilder::algorithms`]. Default: `RS256`.
    pub fn algorithms(self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.verifier(|verifier| verifier.algorithms(algorithms))
    }

    /// Trusts one more issuer; see [`VerifierBuilder::issuer`].
    pub fn issuer(self, issuer: TrustedIssuer) -> Self {
        self.verifier(|verifier| verifier.issuer(issuer))
    }

    /// By how much clocks may differ; see [`VerifierBuilder::leeway`]. Default: 60 s.
    pub fn leeway(self, leeway: Duration) -> Self {
        self.verifier(|verifier| verifier.leeway(leeway))
    }

    /// Where the issuer puts roles and permissions; see [`VerifierBuilder::claims_mapping`].
    pub fn claims_mapping(self, mapping: ClaimsMapping) -> Self {
        self.verifier(|verifier| verifier.claims_mapping(mapping))
    }

    /// Any other setting of the verifier.
    ///
    /// ```
    /// # use jwt_verify::{JwtAuth, TokenProfile};
    /// let builder = JwtAuth::builder("https://issuer.example", "https://api.example")
    ///     .verifier(|verifier| verifier.token_profile(TokenProfile::AccessToken).require_subject());
    /// ```
    pub fn verifier(mut self, configure: impl FnOnce(VerifierBuilder) -> VerifierBuilder) -> Self {
        self.verifier = configure(self.verifier);
        self
    }

    /// Where the token is in a request. Default: [`BearerExtractor`].
    pub fn extractor(mut self, extractor: impl TokenExtractor) -> Self {
        self.shared.extractor = Box::new(extractor);
        self
    }

    /// Protects requests whose token the browser attaches by itself, as it does with one that a
    /// [`CookieExtractor`](super::CookieExtractor) finds. Default: not protected, so cookies need
    /// `SameSite` and an API that only reads.
    pub fn csrf(mut self, protection: CsrfProtection) -> Self {
        self.shared.csrf = Some(protection);
        self
    }

    /// Takes access and refresh tokens from cookies too, and protects requests that they come with
    /// against other sites; see [`SessionCookies`](super::SessionCookies). A request with both a
    /// bearer token and a cookie is refused (RFC 6750 §2).
    #[cfg(feature = "issuing")]
    pub fn cookies(mut self, cookies: &super::SessionCookies) -> Self {
        self.shared.extractor = Box::new(cookies.access_extractor());
        if let Some(refresh) = &mut self.shared.refresh {
            refresh.extractor = Box::new(cookies.refresh_extractor());
        }
        self.shared.csrf = Some(cookies.csrf().clone());
        self
    }

    /// Who decides about requirements. Default: [`RbacAuthorizer`].
    pub fn authorizer(mut self, authorizer: impl Authorizer) -> Self {
        self.shared.authorizer = Box::new(authorizer);
        self
    }

    /// The `realm` of challenges (RFC 9110 §11.5). Default: none.
    pub fn realm(mut self, realm: impl Into<Arc<str>>) -> Self {
        self.shared.realm = Some(realm.into());
        self
    }

    /// Replaces the answer to refused requests, for example by `application/problem+json`.
    ///
    /// The response should keep the challenge, `Retry-After` and `Cache-Control: no-store` of the
    /// default, which [`ResponseError::error_response`] of the error gives. What is in it goes to
    /// callers who were refused: nothing of the request should be.
    ///
    /// One hook serves every case:
    ///
    /// ```
    /// use actix_web::{HttpRequest, HttpResponse, ResponseError as _};
    /// use jwt_verify::{AuthError, InvalidTokenReason};
    ///
    /// fn refusal(error: &AuthError, _: &HttpRequest) -> HttpResponse {
    ///     let text = match error {
    ///         AuthError::MissingToken => "log in first",
    ///         AuthError::ExpiredToken => "your session has ended; log in again",
    ///         AuthError::InvalidToken(InvalidTokenReason::Revoked) => "you have logged out",
    ///         AuthError::NotFresh { .. } => "enter your password once more",
    ///         _ => return error.error_response(),
    ///     };
    ///     error.error_response().set_body(text.to_owned()).map_into_boxed_body()
    /// }
    /// # let builder = jwt_verify::JwtAuth::builder("https://issuer.example", "https://api.example");
    /// let builder = builder.error_response(refusal);
    /// ```
    ///
    /// [`ResponseError::error_response`]: actix_web::ResponseError::error_response
    pub fn error_response<F>(mut self, make: F) -> Self
    where
        F: Fn(&AuthError, &HttpRequest) -> HttpResponse + Send + Sync + 'static,
    {
        self.shared.error_response = Some(Box::new(make));
        self
    }

    /// Checks the settings. Nothing is fetched yet.
    ///
    /// # Errors
    /// What [`VerifierBuilder::build`] refuses.
    pub fn build(self) -> Result<JwtAuth, ConfigError> {
        let SharedSettings { extractor, refresh, csrf, authorizer, realm, error_response } =
            self.shared;
        let access = Door { verifier: self.verifier.build()?, extractor };
        let shared = Shared { access, refresh, csrf, authorizer, realm, error_response };
        Ok(JwtAuth { shared: Arc::new(shared), optional: false })
    }
}

/// For a verifier that has no first issuer, such as [`Verifier::resolving`].
impl From<VerifierBuilder> for JwtAuthBuilder {
    fn from(verifier: VerifierBuilder) -> Self {
        Self::new(verifier)
    }
}

impl fmt::Debug for JwtAuthBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtAuthBuilder").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}
