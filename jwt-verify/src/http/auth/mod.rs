//! The one value that an application makes and shares.

mod builder;
pub(crate) mod context;
#[cfg(feature = "jwks")]
mod env;

pub use builder::JwtAuthBuilder;
pub use context::JwtAuth;

#[cfg(feature = "jwks")]
use crate::error::ConfigError;
use crate::http::{
    auth::context::{AuthContext, AuthSettings},
    endpoints::{health::HealthEndpoints, resource_metadata::ResourceMetadataEndpoint},
    entry::middleware::RequireMiddleware,
};
use crate::{
    authz::Requirement, error::AuthError, key::KeyHealth, revocation::RevocationHealth,
    verifier::Verifier,
};

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
        Self { context: AuthContext::new(verifier, AuthSettings::default()) }
    }

    /// The same, for routes that anonymous callers may use too: a request without credentials
    /// passes, and [`OptionalClaims`](crate::OptionalClaims) is `None` there. A credential that is
    /// present and bad is still refused.
    #[must_use]
    pub fn optional(&self) -> Self {
        Self { context: self.context.optional() }
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
        Self { context: self.context.report_only() }
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
        RequireMiddleware::new(self.context.clone(), requirement)
    }

    /// What verifies the tokens.
    pub fn verifier(&self) -> &Verifier {
        self.context.verifier()
    }

    /// Begins to fetch keys, so that the first request need not wait. Returns at once; failures
    /// show in [`health`](Self::health) and in the log.
    pub fn warm_up(&self) {
        self.context.verifier().warm_up();
    }

    /// Waits until there are keys of every issuer and it can be told what is revoked, or until an
    /// attempt to get there has failed; see [`Verifier::wait_until_ready`]. For applications that want to be ready
    /// before the first request; others need not wait.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`] if one of them is lacking.
    pub async fn wait_until_ready(&self) -> Result<(), AuthError> {
        self.context.verifier().wait_until_ready().await
    }

    /// Routes that say whether the application is alive, and whether it is ready: see
    /// [`HealthEndpoints`].
    pub fn health_routes(&self) -> HealthEndpoints {
        HealthEndpoints::new(self.context.clone())
    }

    /// The route that publishes what [`ResourceMetadata`](crate::ResourceMetadata) says. Without such a
    /// setting there is none, and the log says so.
    pub fn resource_metadata_route(&self) -> ResourceMetadataEndpoint {
        ResourceMetadataEndpoint::new(self.context.clone())
    }

    /// The state of each issuer's keys, with the issuer's name, for readiness checks.
    pub fn health(&self) -> Vec<(String, KeyHealth)> {
        self.context.verifier().health()
    }

    /// Reports the state of the store of revocations, where there is one: whether it can answer, and the
    /// age of a copy. It is asked nothing.
    pub fn revocation_health(&self) -> Option<RevocationHealth> {
        self.context.verifier().revocation_health()
    }

    /// Settings from the environment. Durations are whole seconds. A variable that is set must not
    /// be empty. Instead of any `NAME`, `NAME_FILE` may name a file that holds the value, such as a
    /// mounted secret; a line break at its end does not count.
    ///
    /// | variable | meaning |
    /// | --- | --- |
    /// | `JWT_ISSUER` | the issuer, exactly as in `iss`; required, or: |
    /// | `AUTH0_DOMAIN` | the Auth0 domain, if `JWT_ISSUER` is not set |
    /// | `JWT_AUDIENCE` | audiences of this API, separated by commas; required, or: |
    /// | `AUTH0_API_IDENTIFIER` | the same, if `JWT_AUDIENCE` is not set |
    /// | `JWT_JWKS_URI` | the key set's URL, instead of discovery |
    /// | `JWT_ALGORITHMS` | accepted algorithms, separated by commas |
    /// | `JWT_LEEWAY` | difference of clocks |
    /// | `JWT_KEY_CACHE_TTL` | how long a key set is fresh |
    /// | `JWT_NEGATIVE_CACHE_TTL` | how long "no such key" is believed |
    /// | `JWT_REFRESH_MIN_INTERVAL` | the span in which unknown keys cause at most two refetches |
    /// | `JWT_STALE_TTL` | how long old keys serve while the issuer is out of reach |
    /// | `JWT_FETCH_TIMEOUT` | the longest a fetch may take |
    /// | `JWT_TOKEN_CACHE` | how many verified tokens are remembered; 0 is off |
    /// | `JWT_ROLES_CLAIM`, `JWT_PERMISSIONS_CLAIM`, `JWT_SINGLE_ROLE_CLAIM` | see [`ClaimsMapping`] |
    /// | `JWT_COOKIE` | a cookie that may carry the token instead of the `Authorization` field |
    /// | `JWT_COOKIE_ORIGINS` | origins of pages, separated by commas, that may send the cookie besides those of this one; see [`JwtAuthBuilder::cookie_origins`] |
    /// | `JWT_DPOP_URL` | addresses at which clients reach this API, separated by commas: takes tokens that are bound to a key; see [`Dpop`] |
    /// | `JWT_DPOP_NONCE_SECRET` | the secret of the nonces that proofs must say, at least 32 bytes |
    /// | `JWT_MTLS_PROXIES` | addresses and networks of proxies, separated by commas, that say which certificate a client has shown: takes tokens that are bound to one; see [`MutualTls`] |
    /// | `JWT_MTLS_FIELD` | the field that they say it in, instead of `Client-Cert` |
    /// | `JWT_ROOT_CERTIFICATES` | PEM of authorities that may vouch for the issuer, besides the built-in ones |
    /// | `JWT_PROXY` | the HTTP proxy for fetches, or `environment` for what `HTTPS_PROXY` and `NO_PROXY` say |
    /// | `JWT_SEED_KEYS` | a key set in JSON to start from while the issuer has not been reached |
    /// | `REDIS_URL` | a Redis server through which instances share the key set and the DPoP proofs that were used (feature `redis`) |
    /// | `JWT_CACHE_INTEGRITY_KEY` | the secret that entries in Redis are signed with, at least 32 bytes |
    ///
    /// With `JWT_COOKIE`, a request that carries both is refused (RFC 6750 §2). Browsers send cookies
    /// with requests that other sites cause (CSRF): so the cookie counts for what changes something, and
    /// for a WebSocket, only in requests of pages of this origin, by `Sec-Fetch-Site` or else `Origin`; see
    /// [`JwtAuthBuilder::csrf`]. The environment cannot switch that off.
    ///
    /// # Errors
    /// A required variable that is missing, a value that does not parse, or a file that cannot be
    /// read; the error names the variable. `REDIS_URL` and `JWT_CACHE_INTEGRITY_KEY` are refused by a
    /// build without feature `redis`, since ignoring them would be worse.
    #[cfg(feature = "jwks")]
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::builder_from_env()?.build().map_err(env::name_variable)
    }

    /// The same, for settings that the environment cannot give to be added.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    #[cfg(feature = "jwks")]
    pub fn builder_from_env() -> Result<JwtAuthBuilder, ConfigError> {
        env::read_process()
    }

    /// Takes the caller of a request as authenticated, as a test says.
    #[cfg(feature = "testing")]
    pub(crate) fn assume(
        &self,
        extensions: &mut actix_web::dev::Extensions,
        claims: &crate::claims::VerifiedClaims,
    ) {
        crate::http::authentication::assume(&self.context, extensions, claims);
    }
}
