//! Builder of [`JwtAuth`].

use std::{fmt, sync::Arc};

use actix_web::{HttpRequest, HttpResponse};

#[cfg(feature = "api-keys")]
use crate::http::authenticators::ApiKeyAuthenticator;
#[cfg(feature = "security-events")]
use crate::http::authorization::demanded_login::DemandedLogins;
#[cfg(feature = "issuing")]
use crate::http::{auth::context::TokenSource, credentials::BearerExtractor};
use crate::http::{
    auth::{
        announcement::announced,
        context::{AuthContext, AuthSettings, JwtAuth},
    },
    authentication::{client_certificate::MutualTls, csrf::CsrfProtection},
    authenticators::Authenticator,
    credentials::TokenExtractor,
    endpoints::metadata_document::{OtherSettings, ResourceMetadata},
};
use crate::{
    authz::{AuditSink, Authorizer},
    claims::is_scope_token,
    clock::Clock,
    dpop::Dpop,
    error::{AuthError, ConfigError},
    revocation::RevocationStore,
    verifier::{IssuerResolver, TrustedIssuer, VerifierBuilder},
};

/// Settings of [`JwtAuth`] as a whole. Every one has a default.
///
/// Keys, algorithms, leeway and all other rules for the tokens of one issuer are set on its
/// [`TrustedIssuer`].
#[must_use]
pub struct JwtAuthBuilder {
    verifier: VerifierBuilder,
    dpop: Option<Dpop>,
    mutual_tls: Option<MutualTls>,
    resource_metadata: Option<ResourceMetadata>,
    #[cfg(feature = "jwks")]
    introspection: Vec<crate::introspection::Introspection>,
    challenge_scopes: Vec<String>,
    reports_details_in_release: bool,
    /// Bytes in a signature of the sessions that it is for.
    #[cfg(feature = "issuing")]
    session_signature: usize,
    #[cfg(feature = "issuing")]
    has_session_cookies: bool,
    #[cfg(feature = "api-keys")]
    api_keys: Option<crate::api_keys::ApiKeys>,
    #[cfg(feature = "security-events")]
    security_events: Vec<crate::security_events::SecurityEventReceiver>,
    settings: AuthSettings,
}

impl JwtAuthBuilder {
    pub(crate) fn new(verifier: VerifierBuilder) -> Self {
        Self {
            verifier,
            dpop: None,
            mutual_tls: None,
            resource_metadata: None,
            #[cfg(feature = "jwks")]
            introspection: Vec::new(),
            challenge_scopes: Vec::new(),
            reports_details_in_release: false,
            #[cfg(feature = "issuing")]
            session_signature: 0,
            #[cfg(feature = "issuing")]
            has_session_cookies: false,
            #[cfg(feature = "api-keys")]
            api_keys: None,
            #[cfg(feature = "security-events")]
            security_events: Vec::new(),
            settings: AuthSettings::default(),
        }
    }

    /// Accepts refresh tokens too, on routes that require them. The signatures of these sessions have
    /// so many bytes.
    #[cfg(feature = "issuing")]
    pub(crate) fn refresh_tokens(
        mut self,
        verifier: crate::verifier::Verifier,
        signature: usize,
    ) -> Self {
        self.settings.refresh =
            Some(TokenSource { verifier, extractor: Box::new(BearerExtractor) });
        self.session_signature = signature;
        self
    }

    /// Adds a trusted issuer; see [`VerifierBuilder::issuer`].
    pub fn issuer(mut self, issuer: TrustedIssuer) -> Self {
        self.verifier = self.verifier.issuer(issuer);
        self
    }

    /// Finds issuers that are not listed; see [`IssuerResolver`]. Default: none.
    pub fn issuer_resolver(mut self, resolver: impl IssuerResolver) -> Self {
        self.verifier = self.verifier.issuer_resolver(resolver);
        self
    }

    /// Limits how many issuers that the [`IssuerResolver`] has named are kept; see
    /// [`VerifierBuilder::max_resolved_issuers`]. Default: 100.
    pub fn max_resolved_issuers(mut self, most: usize) -> Self {
        self.verifier = self.verifier.max_resolved_issuers(most);
        self
    }

    /// Changes how the keys of issuers that the [`IssuerResolver`] names are fetched; see
    /// [`VerifierBuilder::resolved_jwks`].
    #[cfg(feature = "jwks")]
    pub fn resolved_jwks<F>(mut self, configure: F) -> Self
    where
        F: Fn(crate::jwks::JwksProviderBuilder) -> crate::jwks::JwksProviderBuilder
            + Send
            + Sync
            + 'static,
    {
        self.verifier = self.verifier.resolved_jwks(configure);
        self
    }

    /// Sets the maximum token size in bytes. Default: 16 KiB.
    pub fn max_token_bytes(mut self, most: usize) -> Self {
        self.verifier = self.verifier.max_token_bytes(most);
        self
    }

    /// Sets how many verified tokens are cached; see
    /// [`VerifierBuilder::token_cache_capacity`]. Default: 10,000; 0 switches it off.
    pub fn token_cache_capacity(mut self, entries: usize) -> Self {
        self.verifier = self.verifier.token_cache_capacity(entries);
        self
    }

    /// Refuses tokens that this store knows as revoked; see [`VerifierBuilder::revocation`].
    /// Default: none, and tokens are good until they expire.
    pub fn revocation(mut self, store: impl RevocationStore) -> Self {
        self.verifier = self.verifier.revocation(store);
        self
    }

    /// Ends access when an identity provider tells so; see
    /// [`SecurityEventReceiver`](crate::security_events::SecurityEventReceiver). Default: none.
    ///
    /// Tokens are checked against the receiver's store, so that they must have a `jti`, and a
    /// [`revocation`](Self::revocation) besides does not build: give the receiver that store. Requests
    /// of users who have to log in again are refused too. Serve
    /// [`JwtAuth::security_event_route`] where the transmitter pushes events.
    #[cfg(feature = "security-events")]
    pub fn security_events(
        mut self,
        receiver: &crate::security_events::SecurityEventReceiver,
    ) -> Self {
        self.security_events.push(receiver.clone());
        self
    }

    /// Accepts tokens while the revocation store is unreachable. Default: no.
    ///
    /// **Security:** revoked tokens count again meanwhile; see
    /// [`VerifierBuilder::revocation_fails_open`].
    pub fn revocation_fails_open(mut self) -> Self {
        self.verifier = self.verifier.revocation_fails_open();
        self
    }

    /// Limits how many streams may be open at the same time, as counted by the
    /// [`StreamGuard`](crate::streams::StreamGuard)s of this `JwtAuth`. A further one is refused with
    /// 503 and `Retry-After`. Default: no limit; an open stream takes two or three kilobytes
    /// besides its connection. Zero is an error.
    ///
    /// A stream counts until the server has closed it: also one whose access has ended while its client
    /// reads nothing.
    pub fn max_open_streams(mut self, streams: usize) -> Self {
        self.settings.max_open_streams = Some(streams);
        self
    }

    /// Sets the clock, also that of the default key provider. Default: the system clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.verifier = self.verifier.clock(clock);
        self
    }

    /// Sets the extractor that finds the token in a request. Default:
    /// [`BearerExtractor`](crate::extract::BearerExtractor).
    pub fn extractor(mut self, extractor: impl TokenExtractor) -> Self {
        self.settings.extractor = Some(Box::new(extractor));
        self
    }

    /// Accepts another credential than tokens that the verifier reads; see [`Authenticator`]. Can be
    /// repeated. Default: none.
    ///
    /// A request with credentials of two kinds is refused with 400 `ambiguous_credential`.
    pub fn authenticator(mut self, authenticator: impl Authenticator) -> Self {
        self.settings.authenticators.push(Box::new(authenticator));
        self
    }

    /// Asks the issuer about tokens that are not JWTs, such as opaque ones; see
    /// [`Introspection`](crate::introspection::Introspection). Default: none; every token has to be a
    /// JWT.
    ///
    /// Every [`authenticator`](Self::authenticator) is asked first. A second introspection does not
    /// build: an opaque token does not name its issuer, and would be shown to both.
    #[cfg(feature = "jwks")]
    pub fn introspection(mut self, introspection: crate::introspection::Introspection) -> Self {
        self.introspection.push(introspection);
        self
    }

    /// Accepts API keys besides tokens, in `X-Api-Key`, as `Authorization: ApiKey …`, and as bearer
    /// tokens in that header, whatever the [`extractor`](Self::extractor) reads; see
    /// [`ApiKeys`](crate::api_keys::ApiKeys). Default: none.
    ///
    /// A key decides about a route by the roles, permissions and scopes of its record. A request with a
    /// key and a token, or with two keys, is refused with 400.
    ///
    /// **Security:** a stolen key works from everywhere until it expires or is revoked. Where every
    /// token has to be bound ([`Dpop::require_bound_tokens`],
    /// [`MutualTls::require_bound_tokens`]) keys do not build.
    #[cfg(feature = "api-keys")]
    pub fn api_keys(mut self, keys: crate::api_keys::ApiKeys) -> Self {
        self.api_keys = Some(keys);
        self
    }

    /// Accepts tokens that are bound to a key of their client and come with a proof (DPoP); see
    /// [`Dpop`]. Default: none; a bound token is refused.
    ///
    /// `Authorization: DPoP …` is accepted in addition to the credential of the
    /// [`extractor`](Self::extractor); a request with both is refused (RFC 6750 §2). Refresh tokens
    /// are not bound, and are accepted as before.
    pub fn dpop(mut self, dpop: Dpop) -> Self {
        self.dpop = Some(dpop);
        self
    }

    /// Accepts tokens that are bound to the certificate of their client, over connections on which
    /// it was presented; see [`MutualTls`]. Default: none; a bound token is refused. Refresh tokens
    /// need not be bound.
    pub fn mutual_tls(mut self, mutual_tls: MutualTls) -> Self {
        self.mutual_tls = Some(mutual_tls);
        self
    }

    /// Enables CSRF protection for requests with ambient credentials, such as a cookie that a
    /// [`CookieExtractor`](crate::extract::CookieExtractor) finds, by a token that the
    /// page has to repeat; see [`CsrfProtection`].
    ///
    /// Default: none. Then such a token is accepted for a request that changes something, or that
    /// opens a WebSocket, only from a page of the same origin: `Sec-Fetch-Site` is `same-origin` or
    /// `none`, or else `Origin` names the host and port of the request (`:authority` or `Host`).
    /// All others get 403, [`AuthError::Csrf`]: another origin, `Origin: null`, and neither header.
    /// So a client that is not a browser has to send the token in the `Authorization` header
    /// instead.
    ///
    /// Behind a proxy that changes `Host`, list the origin in
    /// [`cookie_origins`](Self::cookie_origins) for browsers that do not send `Sec-Fetch-Site`;
    /// `X-Forwarded-Host` is ignored.
    pub fn csrf(mut self, protection: CsrfProtection) -> Self {
        self.settings.cross_site.csrf = Some(protection);
        self
    }

    /// Sets trusted origins whose pages, besides those of this origin, may send requests with a
    /// token in a cookie or in a header that a proxy adds, and open a WebSocket with it; as in `https://app.example`, the format of
    /// `Origin`. To read the responses they need CORS as well. With [`csrf`](Self::csrf) the list
    /// applies to handshakes only. Default: none.
    ///
    /// **Security:** all code on a page of such an origin acts in the name of its user.
    pub fn cookie_origins<S: Into<String>>(mut self, origins: impl IntoIterator<Item = S>) -> Self {
        self.settings.cross_site.origins = origins.into_iter().map(Into::into).collect();
        self
    }

    /// Accepts tokens in cookies from any site.
    ///
    /// **Security:** any page of any site can make its visitors' browsers send requests that change
    /// something, and open a WebSocket, in the name of these visitors. Only for an application with
    /// its own protection against other sites.
    pub fn dangerously_accept_cross_site_cookies(mut self) -> Self {
        self.settings.cross_site.accepts_all = true;
        self
    }

    /// Accepts access and refresh tokens from cookies too, with CSRF protection; see
    /// [`SessionCookies`](crate::sessions::SessionCookies). A request with both a
    /// bearer token and a cookie is refused (RFC 6750 §2).
    ///
    /// Sessions that sign with `ML-DSA-65` or `ML-DSA-87` do not build with it: the signature alone is
    /// longer than a cookie may be (RFC 6265bis §5.6).
    #[cfg(feature = "issuing")]
    pub fn cookies(mut self, cookies: &crate::http::sessions::cookies::SessionCookies) -> Self {
        self.settings.extractor = Some(Box::new(cookies.access_extractor()));
        if let Some(refresh) = &mut self.settings.refresh {
            refresh.extractor = Box::new(cookies.refresh_extractor());
        }
        self.settings.cross_site.csrf = Some(cookies.csrf().clone());
        self.has_session_cookies = true;
        self
    }

    /// Adds rules of the application to the requirements of its routes; see [`Authorizer`].
    /// Default: none.
    pub fn authorizer(mut self, authorizer: impl Authorizer) -> Self {
        self.settings.authorizer = Some(Box::new(authorizer));
        self
    }

    /// Records every decision about a requirement of a handler or a middleware, with its caller;
    /// see [`AuditSink`] and [`TracingAudit`](crate::authorization::TracingAudit). Default: none.
    pub fn audit_log(mut self, sink: impl AuditSink) -> Self {
        self.settings.audit = Some(Box::new(sink));
        self
    }

    /// Names missing roles in the body of the refusal, as `required_roles`. Default: they are not
    /// named, since roles describe the inside of an application. Scopes and permissions are always
    /// named, in the challenge (RFC 6750 §3).
    pub fn reveal_roles(mut self) -> Self {
        self.settings.reveal_roles = true;
        self
    }

    /// Logs the explanation of each refused token at `DEBUG`, target `jwt_verify::http::refusal`:
    /// every check with what was expected, what was found, and what mends it. Default: off, and the
    /// log has the reason alone.
    ///
    /// For development. A build in release mode does not start with it, unless
    /// [`report_details_in_release`](Self::report_details_in_release) is set as well. The text has no
    /// value of the token; **security:** readers of the log learn which checks a forged token
    /// passes, and each refused token is read once more.
    pub fn report_details(mut self) -> Self {
        self.settings.reports_details = true;
        self
    }

    /// Allows [`report_details`](Self::report_details) in a build in release mode. Default: not
    /// allowed.
    pub fn report_details_in_release(mut self) -> Self {
        self.reports_details_in_release = true;
        self
    }

    /// Sets the `realm` of challenges (RFC 9110 §11.5). Default: none.
    pub fn realm(mut self, realm: impl Into<Arc<str>>) -> Self {
        self.settings.realm = Some(realm.into());
        self
    }

    /// Tells clients where to get tokens (RFC 9728), in challenges and at
    /// [`JwtAuth::resource_metadata_route`]; see [`ResourceMetadata`]. Default: none.
    pub fn resource_metadata(mut self, metadata: ResourceMetadata) -> Self {
        self.resource_metadata = Some(metadata);
        self
    }

    /// Sets the scopes that the challenge to a caller without a token names (RFC 6750 §3), so that a
    /// client requests them with its first token. Default: none.
    ///
    /// A name that is not a scope (RFC 6749 §3.3) does not build. **Security:** all callers can read
    /// them.
    pub fn challenge_scopes<S: Into<String>>(
        mut self,
        scopes: impl IntoIterator<Item = S>,
    ) -> Self {
        self.challenge_scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Replaces the response to refused requests, for example by `application/problem+json`.
    ///
    /// The response should keep the challenge, `Retry-After` and `Cache-Control: no-store` of the
    /// default, which [`ResponseError::error_response`] of the error gives. Unchanged challenges
    /// get the realm, and the parameters of [`dpop`](Self::dpop) and
    /// [`resource_metadata`](Self::resource_metadata). **Security:** the response goes to callers
    /// who were refused: do not put data of the request into it.
    ///
    /// One hook handles every case:
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

    /// Checks the settings. Nothing is fetched yet. Logs issuer, audience, algorithms and the source of
    /// keys at `INFO`, and at `WARN` that another [`JwtAuth`] of the same issuer and audience is alive,
    /// other than a clone: each has its own keys and caches.
    ///
    /// # Errors
    /// Everything that [`VerifierBuilder::build`] refuses, and invalid settings of [`Dpop`],
    /// [`MutualTls`], [`ResourceMetadata`], of the [`extractor`](Self::extractor), of an
    /// [`authenticator`](Self::authenticator), of the introspection, of
    /// [`challenge_scopes`](Self::challenge_scopes) and of the protection of cookies. API keys where
    /// every token has to be bound.
    pub fn build(mut self) -> Result<JwtAuth, ConfigError> {
        #[cfg(feature = "security-events")]
        let receiver = only_receiver(std::mem::take(&mut self.security_events))?;
        #[cfg(feature = "security-events")]
        if let Some(receiver) = &receiver {
            if self.verifier.has_revocation() {
                let problem = "the receiver has the store of what is revoked; give it this one";
                let (first, second) = ("security_events", "revocation");
                return Err(ConfigError::Conflict { first, second, problem });
            }
            self.verifier = self.verifier.shared_revocation(receiver.store().clone());
        }
        let verifier = self.verifier.build()?;
        let settings = &mut self.settings;
        check_details(settings.reports_details, self.reports_details_in_release)?;
        settings.cross_site.validate()?;
        #[cfg(feature = "issuing")]
        if self.has_session_cookies {
            crate::http::sessions::cookies::check_signature(self.session_signature)?;
        }
        if settings.max_open_streams == Some(0) {
            let problem = "must be at least 1; leave it out for no limit";
            return Err(ConfigError::invalid("max_open_streams", problem));
        }
        if let Some(extractor) = &settings.extractor {
            extractor.validate()?;
        }
        #[cfg(feature = "jwks")]
        for (count, introspection) in self.introspection.into_iter().enumerate() {
            if count > 0 {
                let problem = "must be set once: an opaque token does not name its issuer, and \
                               would be shown to both";
                return Err(ConfigError::invalid("introspection", problem));
            }
            // The last, since it takes whatever is not a JWT.
            settings.authenticators.push(Box::new(introspection.prepare(&verifier)?));
        }
        check_kinds(&settings.authenticators)?;
        let proofs = self.dpop.map(|dpop| dpop.build(verifier.clock())).transpose()?;
        settings.proofs = proofs.map(Box::new);
        let certificates = self.mutual_tls.map(MutualTls::build).transpose()?;
        settings.certificates = certificates.map(Box::new);
        #[cfg(feature = "api-keys")]
        if let Some(keys) = self.api_keys {
            check_bearers(settings)?;
            let finder = keys.finder(verifier.first_mapping(), verifier.clock());
            settings.authenticators.insert(0, Box::new(ApiKeyAuthenticator(finder)));
        }
        if let Some(metadata) = self.resource_metadata {
            settings.metadata = Some(metadata.build(&OtherSettings {
                issuers: verifier.listed_issuers().collect(),
                is_header_only: settings.extractor.is_none(),
                proofs: settings.proofs.as_deref(),
                takes_certificates: settings.certificates.is_some(),
            })?);
        }
        settings.challenge_scopes = scope_parameter(&self.challenge_scopes)?;
        #[cfg(feature = "security-events")]
        if let Some(receiver) = receiver {
            receiver.serve(&verifier, !settings.authenticators.is_empty())?;
            if receiver.may_step_up() {
                settings.authorizer = Some(Box::new(DemandedLogins {
                    events: receiver.clone(),
                    fails_open: verifier.revocation_fails_open(),
                    next: settings.authorizer.take(),
                }));
            }
            settings.security_events = Some(receiver);
        }
        Ok(JwtAuth::of(announced(AuthContext::new(verifier, self.settings))))
    }
}

/// Returns the receiver of security events: there can be one, since it has the store.
#[cfg(feature = "security-events")]
fn only_receiver(
    receivers: Vec<crate::security_events::SecurityEventReceiver>,
) -> Result<Option<crate::security_events::SecurityEventReceiver>, ConfigError> {
    if receivers.len() > 1 {
        let problem = "must be set once; further transmitters have receivers of their own, with \
                       this store and a route each";
        return Err(ConfigError::invalid("security_events", problem));
    }
    Ok(receivers.into_iter().next())
}

/// Refuses kinds of credentials whose names are not names.
fn check_kinds(authenticators: &[Box<dyn Authenticator>]) -> Result<(), ConfigError> {
    if authenticators.iter().all(|authenticator| authenticator.credential_kind().is_valid()) {
        return Ok(());
    }
    let problem = "has a kind of credential whose name is not lower-case letters, digits and hyphens, \
                   or is the name of another kind";
    Err(ConfigError::invalid("authenticator", problem))
}

/// Refuses API keys where every credential has to be bound: they are not.
#[cfg(feature = "api-keys")]
fn check_bearers(settings: &AuthSettings) -> Result<(), ConfigError> {
    let by_proof = settings.proofs.as_ref().is_some_and(|rules| rules.is_required());
    let by_certificate = settings.certificates.as_ref().is_some_and(|rules| rules.is_required());
    let second = match (by_proof, by_certificate) {
        (true, _) => "dpop.require_bound_tokens",
        (false, true) => "mutual_tls.require_bound_tokens",
        (false, false) => return Ok(()),
    };
    let problem = "an API key is not bound to its client, and would be accepted without a proof";
    Err(ConfigError::Conflict { first: "api_keys", second, problem })
}

/// Refuses the reports of refusals in a release build, unless they are allowed there by a second
/// setting.
fn check_details(is_on: bool, in_release: bool) -> Result<(), ConfigError> {
    if is_on && !in_release && !cfg!(debug_assertions) {
        let problem = "is for development; in a release build set `report_details_in_release` too";
        return Err(ConfigError::invalid("report_details", problem));
    }
    if in_release && !is_on {
        let problem = "needs `report_details`";
        return Err(ConfigError::invalid("report_details_in_release", problem));
    }
    Ok(())
}

/// Joins scopes for a challenge; `None` if there are none.
fn scope_parameter(scopes: &[String]) -> Result<Option<Arc<str>>, ConfigError> {
    if !scopes.iter().all(|scope| is_scope_token(scope)) {
        let problem = "must be printable ASCII, without spaces, quotes and backslashes";
        return Err(ConfigError::invalid("challenge_scopes", problem));
    }
    Ok(Some(scopes.join(" ")).filter(|scopes| !scopes.is_empty()).map(Into::into))
}

impl fmt::Debug for JwtAuthBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtAuthBuilder").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}
