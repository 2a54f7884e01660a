//! How [`JwtAuth`] is set up.

use std::{fmt, sync::Arc, time::Duration};

use actix_web::{HttpRequest, HttpResponse};

#[cfg(feature = "issuing")]
use crate::http::{auth::context::TokenSource, credentials::BearerExtractor};
use crate::http::{
    auth::context::{AuthContext, AuthSettings, JwtAuth},
    authentication::{client_certificate::MutualTls, csrf::CsrfProtection},
    credentials::TokenExtractor,
    endpoints::metadata_document::{OtherSettings, ResourceMetadata},
};
use crate::{
    algorithm::Algorithm,
    authz::{AuditSink, Authorizer},
    claims::ClaimsMapping,
    dpop::Dpop,
    error::{AuthError, ConfigError},
    key::KeyProvider,
    verifier::{TrustedIssuer, VerifierBuilder},
};

/// Settings of [`JwtAuth`]. Nothing but issuer and audience is needed.
#[must_use]
pub struct JwtAuthBuilder {
    verifier: VerifierBuilder,
    dpop: Option<Dpop>,
    mutual_tls: Option<MutualTls>,
    resource_metadata: Option<ResourceMetadata>,
    settings: AuthSettings,
}

impl JwtAuthBuilder {
    pub(crate) fn new(verifier: VerifierBuilder) -> Self {
        let (dpop, mutual_tls, resource_metadata) = (None, None, None);
        Self { verifier, dpop, mutual_tls, resource_metadata, settings: AuthSettings::default() }
    }

    /// Takes refresh tokens too, where a route is about them.
    #[cfg(feature = "issuing")]
    pub(crate) fn refresh_tokens(mut self, verifier: crate::verifier::Verifier) -> Self {
        self.settings.refresh =
            Some(TokenSource { verifier, extractor: Box::new(BearerExtractor) });
        self
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

    /// Where the token is in a request. Default: [`BearerExtractor`](crate::BearerExtractor).
    pub fn extractor(mut self, extractor: impl TokenExtractor) -> Self {
        self.settings.extractor = Some(Box::new(extractor));
        self
    }

    /// Takes tokens that are bound to a key of their client and come with a proof of it; see [`Dpop`].
    /// Default: none; a bound token is refused.
    ///
    /// `Authorization: DPoP …` is looked for besides what the [`extractor`](Self::extractor) finds; a
    /// request with both is refused (RFC 6750 §2). Tokens for refreshing are not bound, and are taken as
    /// ever.
    pub fn dpop(mut self, dpop: Dpop) -> Self {
        self.dpop = Some(dpop);
        self
    }

    /// Takes tokens that are bound to the certificate of their client, over connections on which it was
    /// shown; see [`MutualTls`]. Default: none; a bound token is refused. Tokens for refreshing need not be
    /// bound.
    pub fn mutual_tls(mut self, mutual_tls: MutualTls) -> Self {
        self.mutual_tls = Some(mutual_tls);
        self
    }

    /// Protects requests whose token the browser attaches by itself, as it does with one that a
    /// [`CookieExtractor`](crate::http::credentials::CookieExtractor) finds, by a token that the page has to repeat; see
    /// [`CsrfProtection`].
    ///
    /// Default: none. Then such a token counts for a request that changes something, or that opens a
    /// WebSocket, only if it is of a page of the same origin: `Sec-Fetch-Site` says `same-origin` or
    /// `none`, or else `Origin` names the host and port of the request (`:authority` or `Host`).
    /// Anything else is 403, [`AuthError::Csrf`]: another origin, `Origin: null`, and neither field.
    /// So a client that is no browser sends the token in the `Authorization` field instead.
    ///
    /// Behind a proxy that changes `Host`, browsers that send no `Sec-Fetch-Site` need the origin to be
    /// named ([`cookie_origins`](Self::cookie_origins)); `X-Forwarded-Host` is not looked at.
    pub fn csrf(mut self, protection: CsrfProtection) -> Self {
        self.settings.cross_site.csrf = Some(protection);
        self
    }

    /// Pages of these origins, besides those of this one, may send requests whose token comes in a
    /// cookie, and open a WebSocket with it; as in `https://app.example`, the way browsers write `Origin`.
    /// To read the answers they need CORS as well. With [`csrf`](Self::csrf) they count for handshakes
    /// alone. Default: none.
    ///
    /// **Security:** whatever runs on a page of such an origin acts in the name of its user.
    pub fn cookie_origins<S: Into<String>>(mut self, origins: impl IntoIterator<Item = S>) -> Self {
        self.settings.cross_site.origins = origins.into_iter().map(Into::into).collect();
        self
    }

    /// Lets tokens in cookies count in whatever request they come with.
    ///
    /// **Security:** any page of any site can make its visitors' browsers send requests that change
    /// something, and open a WebSocket, in the name of these visitors. Only for an application that
    /// keeps other sites out by itself.
    pub fn dangerously_accept_cross_site_cookies(mut self) -> Self {
        self.settings.cross_site.accepts_all = true;
        self
    }

    /// Takes access and refresh tokens from cookies too, and protects requests that they come with
    /// against other sites; see [`SessionCookies`](crate::http::sessions::cookies::SessionCookies). A request with both a
    /// bearer token and a cookie is refused (RFC 6750 §2).
    #[cfg(feature = "issuing")]
    pub fn cookies(mut self, cookies: &crate::http::sessions::cookies::SessionCookies) -> Self {
        self.settings.extractor = Some(Box::new(cookies.access_extractor()));
        if let Some(refresh) = &mut self.settings.refresh {
            refresh.extractor = Box::new(cookies.refresh_extractor());
        }
        self.settings.cross_site.csrf = Some(cookies.csrf().clone());
        self
    }

    /// Adds rules of the application's own to the requirements of its routes; see [`Authorizer`].
    /// Default: none.
    pub fn authorizer(mut self, authorizer: impl Authorizer) -> Self {
        self.settings.authorizer = Some(Box::new(authorizer));
        self
    }

    /// Takes note of every decision about a requirement of a handler or a middleware, with who asked;
    /// see [`AuditSink`] and [`TracingAudit`](crate::TracingAudit). Default: nobody.
    pub fn audit_log(mut self, sink: impl AuditSink) -> Self {
        self.settings.audit = Some(Box::new(sink));
        self
    }

    /// Names the roles of which a caller lacks one in the body of the refusal, as `required_roles`.
    /// Default: they are not named, since roles describe the inside of an application. Scopes and
    /// permissions are always named, in the challenge (RFC 6750 §3).
    pub fn reveal_roles(mut self) -> Self {
        self.settings.reveal_roles = true;
        self
    }

    /// The `realm` of challenges (RFC 9110 §11.5). Default: none.
    pub fn realm(mut self, realm: impl Into<Arc<str>>) -> Self {
        self.settings.realm = Some(realm.into());
        self
    }

    /// Tells clients where to get tokens (RFC 9728), in challenges and at
    /// [`JwtAuth::resource_metadata_route`]; see [`ResourceMetadata`]. Default: nothing is said.
    pub fn resource_metadata(mut self, metadata: ResourceMetadata) -> Self {
        self.resource_metadata = Some(metadata);
        self
    }

    /// Replaces the answer to refused requests, for example by `application/problem+json`.
    ///
    /// The response should keep the challenge, `Retry-After` and `Cache-Control: no-store` of the
    /// default, which [`ResponseError::error_response`] of the error gives. Challenges that it has left as
    /// they are get the realm, and say what there is to say about [`dpop`](Self::dpop) and
    /// [`resource_metadata`](Self::resource_metadata). What is in it goes to
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
    ///         AuthError::StepUp { .. } => "enter your password once more",
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
        self.settings.error_response = Some(Box::new(make));
        self
    }

    /// Checks the settings. Nothing is fetched yet.
    ///
    /// # Errors
    /// What [`VerifierBuilder::build`] refuses, and settings of [`Dpop`], [`MutualTls`], [`ResourceMetadata`] and
    /// of the protection of cookies that cannot work.
    pub fn build(mut self) -> Result<JwtAuth, ConfigError> {
        let verifier = self.verifier.build()?;
        let settings = &mut self.settings;
        settings.cross_site.validate()?;
        let proofs = self.dpop.map(|dpop| dpop.build(verifier.clock())).transpose()?;
        settings.proofs = proofs.map(Box::new);
        let certificates = self.mutual_tls.map(MutualTls::build).transpose()?;
        settings.certificates = certificates.map(Box::new);
        if let Some(metadata) = self.resource_metadata {
            settings.metadata = Some(metadata.build(&OtherSettings {
                issuers: verifier.listed_issuers().collect(),
                is_header_only: settings.extractor.is_none(),
                proofs: settings.proofs.as_deref(),
                takes_certificates: settings.certificates.is_some(),
            })?);
        }
        Ok(JwtAuth { context: AuthContext::new(verifier, self.settings) })
    }
}

/// For a verifier that has no first issuer, such as [`Verifier::with_resolver`](crate::Verifier::with_resolver).
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
