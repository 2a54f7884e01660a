//! The value that an application creates once and shares.

mod announcement;
mod builder;
pub(crate) mod context;
#[cfg(feature = "jwks")]
mod env;

pub use builder::JwtAuthBuilder;
pub use context::JwtAuth;

#[cfg(feature = "jwks")]
use crate::error::ConfigError;
use crate::http::{
    auth::{
        announcement::announced,
        context::{AuthContext, AuthSettings},
    },
    endpoints::{health::HealthEndpoints, resource_metadata::ResourceMetadataEndpoint},
    entry::middleware::RequireMiddleware,
};
use crate::{
    authz::Requirement,
    error::AuthError,
    key::KeyHealth,
    revocation::RevocationHealth,
    verifier::{IssuerResolver, TrustedIssuer, Verifier},
};

impl JwtAuth {
    /// Returns a builder for the tokens of one issuer, meant for this API: short for
    /// [`for_issuer`](Self::for_issuer) with [`TrustedIssuer::new`].
    ///
    /// Defaults: keys by discovery at the issuer, `RS256`, bearer tokens, roles and permissions
    /// from the claims of these names.
    pub fn builder(issuer: impl Into<String>, audience: impl Into<String>) -> JwtAuthBuilder {
        Self::for_issuer(TrustedIssuer::new(issuer, audience))
    }

    /// Returns a builder for the tokens of one issuer, with the settings of that issuer. More are added
    /// with [`JwtAuthBuilder::issuer`].
    ///
    /// ```
    /// use jwt_verify::{Algorithm, JwtAuth, TrustedIssuer};
    ///
    /// let issuer = TrustedIssuer::new("https://issuer.example", "https://api.example")
    ///     .algorithms([Algorithm::ES256])
    ///     .require_subject();
    /// let auth = JwtAuth::for_issuer(issuer).realm("api").build()?;
    /// # Ok::<(), jwt_verify::ConfigError>(())
    /// ```
    pub fn for_issuer(issuer: TrustedIssuer) -> JwtAuthBuilder {
        JwtAuthBuilder::new(Verifier::for_issuer(issuer))
    }

    /// Returns a builder for the tokens of issuers that are not known beforehand; see
    /// [`IssuerResolver`]. Issuers that are known can be added.
    pub fn with_resolver(resolver: impl IssuerResolver) -> JwtAuthBuilder {
        JwtAuthBuilder::new(Verifier::with_resolver(resolver))
    }

    /// Returns a builder for the tokens of the application's own sessions. With `#[require(refresh)]` a
    /// route takes refresh tokens; see [`Sessions`](crate::sessions::Sessions).
    #[cfg(feature = "issuing")]
    pub fn for_sessions(sessions: &crate::issuing::sessions::Sessions) -> JwtAuthBuilder {
        Self::for_sessions_with(sessions, |issuer| issuer)
    }

    /// Returns a builder with the settings of [`for_sessions`](Self::for_sessions), and changes those of
    /// the issuer, such as its [`leeway`](TrustedIssuer::leeway).
    #[cfg(feature = "issuing")]
    pub fn for_sessions_with(
        sessions: &crate::issuing::sessions::Sessions,
        change: impl FnOnce(TrustedIssuer) -> TrustedIssuer,
    ) -> JwtAuthBuilder {
        JwtAuthBuilder::new(sessions.verifier_with(change))
            .refresh_tokens(sessions.refresh_tokens().clone(), sessions.issuer().signature_length())
    }

    /// Wraps an existing verifier, with bearer tokens and the default responses.
    pub fn new(verifier: Verifier) -> Self {
        Self::of(announced(AuthContext::new(verifier, AuthSettings::default())))
    }

    /// Returns a handle for routes that anonymous callers may use too: a request without
    /// credentials passes, and [`OptionalClaims`](crate::OptionalClaims) is `None` there. A
    /// credential that is present and invalid is still refused.
    #[must_use]
    pub fn optional(&self) -> Self {
        Self::of(self.context.optional())
    }

    /// Returns a handle that evaluates requirements without enforcing them, to introduce them in a
    /// live system. Requests that would have been refused are logged at `WARN` with route and
    /// reason. An [`AuditSink`](crate::authorization::AuditSink) gets [`AuditOutcome::Reported`](crate::authorization::AuditOutcome::Reported).
    ///
    /// **Security:** roles, permissions, policies and all other parts of requirements protect
    /// nothing meanwhile. Callers still have to be authenticated. Of several nested handles, in
    /// middlewares and in the app's data, the innermost applies. For a single requirement of a
    /// scope use [`RequireMiddleware::report_only`].
    #[must_use]
    pub fn report_only(&self) -> Self {
        Self::of(self.context.report_only())
    }

    /// Returns a middleware with a requirement for every request to a scope or resource. It
    /// authenticates requests that are not authenticated yet.
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
        RequireMiddleware::new(self.context.clone(), requirement)
    }

    /// Returns the verifier of the tokens.
    pub fn verifier(&self) -> &Verifier {
        self.context.verifier()
    }

    /// Starts fetching keys, so that the first request need not wait. Returns at once; failures
    /// appear in [`health`](Self::health) and in the log.
    pub fn warm_up(&self) {
        self.context.verifier().warm_up();
        #[cfg(feature = "security-events")]
        if let Some(receiver) = self.security_events() {
            receiver.warm_up();
        }
    }

    /// Waits until the keys of every issuer are loaded and the revocation store can answer, or
    /// until an attempt has failed; see [`Verifier::wait_until_ready`]. For applications that have
    /// to be ready before the first request; others need not wait.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`] if one of them is missing.
    pub async fn wait_until_ready(&self) -> Result<(), AuthError> {
        self.context.verifier().wait_until_ready().await
    }

    /// Returns liveness and readiness routes: see [`HealthEndpoints`].
    pub fn health_routes(&self) -> HealthEndpoints {
        HealthEndpoints::new(self.context.clone())
    }

    /// Returns the route that publishes the [`ResourceMetadata`](crate::endpoints::ResourceMetadata). Without
    /// such a setting there is none, and an error is logged.
    pub fn resource_metadata_route(&self) -> ResourceMetadataEndpoint {
        ResourceMetadataEndpoint::new(self.context.clone())
    }

    /// Returns the route at which a transmitter pushes security events, `/ssf/events`; `None` without
    /// [`JwtAuthBuilder::security_events`]. Register it outside the scope that needs a token.
    #[cfg(feature = "security-events")]
    pub fn security_event_route(
        &self,
    ) -> Option<crate::http::endpoints::security_events::SecurityEventEndpoint> {
        let receiver = self.security_events()?.clone();
        Some(crate::http::endpoints::security_events::SecurityEventEndpoint::new(receiver))
    }

    /// Returns the receiver of security events, if there is one.
    #[cfg(feature = "security-events")]
    pub fn security_events(&self) -> Option<&crate::security_events::SecurityEventReceiver> {
        self.context.settings().security_events.as_ref()
    }

    /// Returns the URL at which clients find the [`ResourceMetadata`](crate::endpoints::ResourceMetadata), if it
    /// is set: that of the challenges.
    pub fn resource_metadata_url(&self) -> Option<&str> {
        self.context.settings().metadata.as_ref().map(|published| &**published.url())
    }

    /// Returns the state of each issuer's keys, with the issuer's name, for readiness checks.
    pub fn health(&self) -> Vec<(String, KeyHealth)> {
        self.context.verifier().health()
    }

    /// Returns the state of the revocation store, if there is one: whether it can answer, and the
    /// age of a copy. It makes no remote call.
    pub fn revocation_health(&self) -> Option<RevocationHealth> {
        self.context.verifier().revocation_health()
    }

    /// Creates it with settings from the environment. Durations are whole seconds. A variable that
    /// is set must not be empty. Instead of any `NAME`, `NAME_FILE` may name a file with the value,
    /// such as a mounted secret; a line break at its end is ignored.
    ///
    /// | variable | meaning |
    /// | --- | --- |
    /// | `JWT_ISSUER` | the issuer, exactly as in `iss`; `none` for tokens without `iss`, which needs `JWT_SECRET` or `JWT_PUBLIC_KEY`; required, or: |
    /// | `AUTH0_DOMAIN` | the Auth0 domain, if `JWT_ISSUER` is not set |
    /// | `JWT_PROVIDER` | `kubernetes`, or `spiffe:TRUST_DOMAIN`, instead of `JWT_ISSUER`; see [`TrustedIssuer::kubernetes`] and [`TrustedIssuer::spiffe`] |
    /// | `JWT_SERVICE_ACCOUNTS` | the accepted service accounts of Kubernetes, `NAMESPACE/NAME`, separated by commas; default: any |
    /// | `JWT_KUBERNETES_FOLDER` | the folder of the service account, if it is not the usual one of a pod |
    /// | `JWT_AUDIENCE` | audiences of this API, separated by commas; `none` for tokens without `aud`, which needs `JWT_CLIENTS`, or `JWT_SECRET` or `JWT_PUBLIC_KEY` as the only keys; required, or: |
    /// | `AUTH0_API_IDENTIFIER` | the same, if `JWT_AUDIENCE` is not set |
    /// | `JWT_JWKS_URI` | the key set's URL, instead of discovery |
    /// | `JWT_CLIENTS` | accepted clients, separated by commas; see [`TrustedIssuer::allowed_clients`]; default: any |
    /// | `JWT_ALGORITHMS` | accepted algorithms, separated by commas; default: `RS256`, or that of `JWT_SECRET` or `JWT_PUBLIC_KEY` |
    /// | `JWT_SECRET` | the shared secret for the symmetric algorithms, as text; beside other keys, name all algorithms in `JWT_ALGORITHMS` |
    /// | `JWT_PUBLIC_KEY` | the public key in PEM form, instead of a key set |
    /// | `JWT_ACCEPT_ID_TOKENS` | `true` accepts ID tokens; see [`TrustedIssuer::accept_id_tokens`] |
    /// | `JWT_TOKEN_TYPES` | further values of `typ`, separated by commas; see [`TrustedIssuer::token_type`] |
    /// | `JWT_LEEWAY` | tolerated clock difference |
    /// | `JWT_KEY_CACHE_TTL` | freshness lifetime of a key set |
    /// | `JWT_NEGATIVE_CACHE_TTL` | lifetime of unknown keys in the negative cache |
    /// | `JWT_REFRESH_MIN_INTERVAL` | window in which unknown keys cause at most two refetches |
    /// | `JWT_STALE_TTL` | how long expired keys are still used while the issuer is unreachable |
    /// | `JWT_FETCH_TIMEOUT` | timeout of a fetch |
    /// | `JWT_TOKEN_CACHE` | capacity of the cache of verified tokens; 0 is off |
    /// | `JWT_NUMERIC_SUBJECT` | `true` accepts a subject that is a number; see [`TrustedIssuer::numeric_subject`] |
    /// | `JWT_CLAIMS_MAPPING` | a preset for the claims with roles and permissions, such as `keycloak:my-api`; see [`ClaimsMapping`](crate::ClaimsMapping) |
    /// | `JWT_ROLES_CLAIM`, `JWT_PERMISSIONS_CLAIM` | claims with roles or permissions, separated by commas, instead of those of the preset or the default |
    /// | `JWT_SINGLE_ROLE_CLAIM` | a claim with one role |
    /// | `JWT_ROLES_DELIMITER` | one character that separates roles in a string; see [`ClaimsMapping::roles_delimiter`](crate::ClaimsMapping::roles_delimiter) |
    /// | `JWT_SCOPES_CLAIM` | the claim with the scopes, instead of `scope` or else `scp` |
    /// | `JWT_COOKIE` | a cookie that may carry the token instead of the `Authorization` header |
    /// | `JWT_HEADER` | the header in which a proxy passes on the token alone, instead of `Authorization`; see [`HeaderExtractor`](crate::extract::HeaderExtractor) |
    /// | `JWT_COOKIE_ORIGINS` | origins of pages, separated by commas, that may send the cookie, or cause the header of `JWT_HEADER`, besides those of this one; see [`JwtAuthBuilder::cookie_origins`] |
    /// | `JWT_DPOP_URL` | addresses at which clients reach this API, separated by commas: accepts tokens that are bound to a key; see [`Dpop`](crate::dpop::Dpop) |
    /// | `JWT_DPOP_NONCE_SECRET` | the secret of the nonces that proofs must contain, at least 32 bytes |
    /// | `JWT_MTLS_PROXIES` | addresses and networks of proxies, separated by commas, that pass on client certificates: accepts tokens that are bound to one; see [`MutualTls`](crate::mtls::MutualTls) |
    /// | `JWT_MTLS_FIELD` | the header with the certificate, instead of `Client-Cert` |
    /// | `JWT_INTROSPECTION_URL` | the endpoint that tells about tokens that are not JWTs, or `discover` for the one that the metadata of the issuer name; see [`Introspection`](crate::introspection::Introspection) |
    /// | `JWT_INTROSPECTION_CLIENT_ID`, `JWT_INTROSPECTION_CLIENT_SECRET` | the client that this API is at that endpoint, and its secret (`client_secret_basic`); required with it |
    /// | `JWT_INTROSPECTION_CACHE` | bound of the time for which an answer is used; 0 is off |
    /// | `JWT_INTROSPECTION_ALWAYS` | `true` asks about JWTs too; see [`Introspection::all_tokens`](crate::introspection::Introspection::all_tokens) |
    /// | `JWT_RESOURCE` | the URL of this API as a protected resource: challenges name its metadata, which [`resource_metadata_route`](Self::resource_metadata_route) serves; see [`ResourceMetadata`](crate::endpoints::ResourceMetadata) |
    /// | `JWT_RESOURCE_SCOPES` | scopes that clients may request, separated by commas or spaces, in the metadata and in the challenge to a caller without a token; see [`JwtAuthBuilder::challenge_scopes`] |
    /// | `JWT_ROOT_CERTIFICATES` | PEM of trusted authorities for the issuer's certificate, besides the built-in ones |
    /// | `JWT_PROXY` | the HTTP proxy for fetches, or `environment` to use `HTTPS_PROXY` and `NO_PROXY` |
    /// | `JWT_ALLOW_HTTP` | hosts, separated by commas, that may be reached by plain http, such as `keycloak` or `keycloak:8080`; see [`JwksProviderBuilder::allow_http`](crate::keys::JwksProviderBuilder::allow_http) |
    /// | `JWT_JWKS_BEARER_TOKEN` | a bearer token for fetches, sent to the host of the issuer or of `JWT_JWKS_URI` alone |
    /// | `JWT_JWKS_BEARER_TOKEN_FILE` | the same in a file, which is read again for each request |
    /// | `JWT_JWKS_HEADER` | a header for fetches, `Name: value`, instead of the bearer token |
    /// | `JWT_SEED_KEYS` | a key set in JSON to start with until the issuer has been reached |
    /// | `SSF_ISSUER` | the transmitter of security events, exactly as in the `iss` of its tokens (feature `security-events`): access ends when it tells so, [`security_event_route`](Self::security_event_route) takes its events, and access tokens must have a `jti` |
    /// | `SSF_AUDIENCE` | the audiences of its tokens, separated by commas; required with it |
    /// | `SSF_JWKS_URI` | the URL of its key set, instead of that in its metadata; `JWT_LEEWAY`, `JWT_FETCH_TIMEOUT`, `JWT_PROXY`, `JWT_ROOT_CERTIFICATES`, `JWT_ALLOW_HTTP` and the times of the key cache apply to it too |
    /// | `SSF_ALGORITHMS` | the algorithms of its tokens, separated by commas; default: `RS256` and the asymmetric ones of `JWT_ALGORITHMS` |
    /// | `SSF_AUTHORIZATION` | the `Authorization` header that it must send, at least 16 bytes |
    /// | `REDIS_URL` | a Redis server through which instances share the key set, used DPoP proofs and what security events have revoked (feature `redis`) |
    /// | `JWT_CACHE_INTEGRITY_KEY` | the secret that entries in Redis are signed with, at least 32 bytes; with it, instances share answers of the introspection endpoint too |
    ///
    /// With `JWT_COOKIE`, a request that carries both is refused (RFC 6750 §2). Browsers send
    /// cookies with requests that other sites cause (CSRF): so for requests that change something,
    /// and for a WebSocket, the cookie is accepted only from pages of this origin, by
    /// `Sec-Fetch-Site` or else `Origin`; see [`JwtAuthBuilder::csrf`]. The environment cannot
    /// switch that off. `JWT_HEADER` excludes `JWT_COOKIE`; a proxy adds the header for browsers, so
    /// such requests from pages of other origins are refused too.
    ///
    /// A variable that begins with `JWT_`, `API_KEY` or `SSF_` and is nearly one of these, such as
    /// `JWT_ROLE_CLAIM`, has no effect and is logged at `WARN`.
    ///
    /// # Errors
    /// A required variable that is missing, a value that does not parse, or a file that cannot be
    /// read; the error names the variable. A build without feature `redis` refuses `REDIS_URL` and
    /// `JWT_CACHE_INTEGRITY_KEY`, since ignoring them would be worse.
    #[cfg(feature = "jwks")]
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::builder_from_env()?.build().map_err(env::name_variable)
    }

    /// Creates it with settings from another lookup of variables, and changes those of the issuer.
    #[cfg(feature = "cli")]
    pub(crate) fn from_lookup(
        lookup: &dyn Fn(&str) -> Result<String, std::env::VarError>,
        change: impl FnOnce(TrustedIssuer) -> TrustedIssuer,
    ) -> Result<Self, ConfigError> {
        env::read_from(lookup, change)?.build().map_err(env::name_variable)
    }

    /// Returns the source of the keys that these variables name; `None` if none can be asked.
    #[cfg(feature = "cli")]
    pub(crate) fn key_source(
        lookup: &dyn Fn(&str) -> Result<String, std::env::VarError>,
    ) -> Result<Option<crate::jwks::JwksProviderBuilder>, ConfigError> {
        env::source_from(lookup).map_err(env::name_variable)
    }

    /// Returns the text of a variable, or of the file that its `_FILE` variable names.
    #[cfg(feature = "cli")]
    pub(crate) fn variable(
        lookup: &dyn Fn(&str) -> Result<String, std::env::VarError>,
        name: &'static str,
    ) -> Result<Option<String>, ConfigError> {
        env::text_from(lookup, name)
    }

    /// Creates it with settings from a list, for [`test_hooks`](crate::test_hooks).
    #[cfg(all(feature = "jwks", feature = "internals"))]
    pub(crate) fn from_list(variables: &[(&str, &str)]) -> Result<Self, ConfigError> {
        env::read_list(variables)?.build().map_err(env::name_variable)
    }

    /// Returns a builder with the settings of [`from_env`](Self::from_env), for those that the
    /// environment cannot give to be added.
    ///
    /// # Errors
    /// As for [`from_env`](Self::from_env).
    #[cfg(feature = "jwks")]
    pub fn builder_from_env() -> Result<JwtAuthBuilder, ConfigError> {
        env::read_process(|issuer| issuer)
    }

    /// Returns a builder with the settings of [`from_env`](Self::from_env), and changes those of the
    /// issuer.
    ///
    /// ```no_run
    /// use jwt_verify::{JwtAuth, TrustedIssuer};
    ///
    /// let auth = JwtAuth::builder_from_env_with(TrustedIssuer::require_subject)?.build()?;
    /// # Ok::<(), jwt_verify::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// As for [`from_env`](Self::from_env).
    #[cfg(feature = "jwks")]
    pub fn builder_from_env_with(
        change: impl FnOnce(TrustedIssuer) -> TrustedIssuer,
    ) -> Result<JwtAuthBuilder, ConfigError> {
        env::read_process(change)
    }

    /// Marks the caller of a request as authenticated, for a test, unless the claims have expired.
    #[cfg(feature = "testing")]
    pub(crate) fn assume(
        &self,
        extensions: &mut actix_web::dev::Extensions,
        claims: &crate::claims::VerifiedClaims,
    ) {
        crate::http::authentication::assume(&self.context, extensions, claims);
    }
}
