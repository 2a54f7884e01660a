//! JWT and OAuth 2.0 resource-server protection for Actix-web.
//!
//! An API protected with this crate accepts JSON Web Tokens of an issuer such as Auth0, Keycloak,
//! Entra or your own, verifies them against the issuer's published keys, and decides with roles and
//! permissions what a caller may do.
//!
//! ```no_run
//! use actix_web::{App, HttpServer, Responder, get};
//! use jwt_verify::{JwtAuth, VerifiedClaims, require};
//!
//! #[get("/reports")]
//! #[require(roles = "analyst")]
//! async fn reports(claims: VerifiedClaims) -> impl Responder {
//!     format!("reports for {}", claims.subject().unwrap_or("a machine"))
//! }
//!
//! #[actix_web::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let auth = JwtAuth::builder("https://tenant.auth0.com/", "https://api.example.com").build()?;
//!     HttpServer::new(move || App::new().wrap(auth.clone()).service(reports))
//!         .bind(("127.0.0.1", 8080))?
//!         .run()
//!         .await?;
//!     Ok(())
//! }
//! ```
//!
//! # Three ways in
//!
//! * **Wrap** an app or a scope with [`JwtAuth`]: every route inside needs a valid token.
//! * **Annotate** a handler, a module or an `impl` block with [`#[require]`](macro@require): roles,
//!   permissions, scopes, claims, recent logins, rules of your own.
//! * **Take** [`VerifiedClaims`] as an argument, of the library's [`Claims`] or of a type of yours.
//!
//! They compose: whoever verifies first leaves the outcome with the request, and the others take it
//! from there. Without the middleware, put [`JwtAuth`] into the app's data.
//!
//! # The way of a request
//!
//! ```text
//!            request
//!               │
//!   L6  http    ▼   exactly one credential ─────────────── none: 401 · malformed or two: 400
//!               │
//!   L4  verifier    seen before, and still good? ───────┐
//!               │                                       │
//!   L1  token   ▼   size, three segments, header, alg   │
//!       claims      one parse, no duplicates            │
//!               │                                       │
//!   L3  jwks    ▼   the issuer's key for this token ────│── no key to be had: 503 · asked for too often: 429
//!               │                                       │
//!   L1  key     ▼   signature                           │
//!               │                                       │
//!   L2  validation  iss, aud, typ, cnf, nbf, iat, exp ──│── not good: 401
//!               │                                       │
//!   L3  revocation  not revoked, where somebody knows ◄─┘── revoked: 401 · nobody can tell: 503
//!               │
//!   L3  dpop    ▼   bound to nothing, or shown with its key ─ neither: 401 · nobody can tell: 503
//!               │
//!   L6  http    ▼   VerifiedClaims with the request
//!               │
//!   L5  authz   ▼   roles, permissions, claims, policies ─ not enough: 403
//!               │
//!            handler
//! ```
//!
//! # Choosing a set-up
//!
//! | you have | you write |
//! | --- | --- |
//! | an issuer with discovery (most) | [`JwtAuth::builder`] with issuer and audience |
//! | settings in the environment | [`JwtAuth::from_env`] |
//! | only the URL of a key set | [`JwksProvider::new`] in [`JwtAuthBuilder::keys`] |
//! | a public key or a shared secret | [`JwkSet::single`] of a [`VerificationKey`] in [`JwtAuthBuilder::keys`] |
//! | several issuers, or one for each tenant | [`TrustedIssuer`] in [`JwtAuthBuilder::issuer`], or an [`IssuerResolver`] |
//! | several instances of the application | a [`CacheStore`], such as `RedisCache`, in [`JwksProviderBuilder::cache`] |
//! | an issuer behind a proxy or a private authority | [`JwksProviderBuilder::proxy`], [`JwksProviderBuilder::root_certificates`] |
//! | someone who watches the application | [`JwtAuth::health_routes`], feature `metrics` |
//! | keys somewhere else | a [`KeyProvider`] of your own |
//! | tokens in a cookie | [`CookieExtractor`], alone or in [`FirstOf`]; counts for pages of the same origin, or with [`CsrfProtection`] |
//! | clients that prove to hold a key | [`Dpop`] in [`JwtAuthBuilder::dpop`] |
//! | clients that show a certificate | [`MutualTls`] in [`JwtAuthBuilder::mutual_tls`] |
//! | clients that find out where to get tokens | [`ResourceMetadata`] in [`JwtAuthBuilder::resource_metadata`] |
//! | tokens that end before they expire | a [`RevocationStore`] in [`VerifierBuilder::revocation`] |
//! | users of your own | `TokenIssuer`, `Sessions`, `SessionCookies` (feature `issuing`), [`CurrentUser`] |
//! | a login elsewhere | [`IdTokenVerifier`], [`BackChannelLogoutEndpoint`] |
//! | arguments made of claims, such as a tenant | [`FromClaims`] and [`ClaimsArg`] |
//! | rules that need a database | [`Policy`] functions in `#[require(policy = …)]`, an [`Authorizer`] |
//! | roles that bring others | [`RoleHierarchy`] in [`ClaimsMapping::role_hierarchy`] |
//! | routes that nobody may forget | [`AuthScope`], its [`AccessMatrix`], `check_routes` (feature `introspection`) |
//! | new rules in a live system | [`JwtAuth::report_only`], [`AuditSink`] |
//! | no HTTP at all | [`Verifier`] |
//!
//! # Safe with nothing set
//!
//! Only `RS256`; only the exact issuer and audience; `exp` required; 60 s of leeway; keys over
//! https; redirects refused; bounded sizes, times and memories. An outage of the issuer is answered
//! with 503 and `Retry-After`, so that clients keep their tokens. No refusal says more than its
//! class, and nothing of a token or key reaches a response or a log. Only what you ask for names
//! people: [`TracingAudit`] their issuer and subject.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! | --- | --- | --- |
//! | `macros` | yes | `#[require]` |
//! | `jwks` | yes | [`JwksProvider`], [`JwtAuth::from_env`]: keys over HTTP |
//! | `issuing` | no | `TokenIssuer`, `Sessions`, `SessionCookies`: tokens of one's own |
//! | `redis` | no | `RedisCache`: instances share what they fetched; `RedisRevocation`, `RedisReplay`, `RedisRefreshStore` |
//! | `native-roots` | no | issuers whose certificates the operating system trusts |
//! | `metrics` | no | counters and gauges through the `metrics` facade |
//! | `utoipa` | no | what routes demand, in `OpenAPI` documents |
//! | `introspection` | no | `check_routes`: every route of an application that nobody has decided about. For tests: with it Actix itself panics at start where two segments of nested scopes have one name |
//! | `mutual-tls` | no | `ClientCertificate::capture`: the certificates of clients, from connections of Actix with rustls |
//! | `testing` | no | `testing`: an issuer, tokens, claims and a clock for your tests; what a store of your own must do. Brings `issuing` and `jwks` |
//!
//! # Package name
//!
//! The packages are called `actix-jwt-verify` and `actix-jwt-verify-macros`; the crate is imported as
//! `jwt_verify`. A package `jwt-verify` exists and is somebody else's.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod algorithm;
#[cfg(any(feature = "jwks", feature = "redis"))]
mod background;
mod clock;
mod detached;
mod error;
mod expiry;
mod gate;
#[cfg(any(feature = "jwks", feature = "redis"))]
mod jitter;
mod json;
mod limits;
mod lookup;
mod metrics;
mod negative_cache;
mod secret;
mod seldom;
mod url;

mod claims;
mod key;
mod token;

mod validation;

mod dpop;
#[cfg(feature = "jwks")]
mod jwks;
mod revocation;
mod store;
mod token_cache;

mod verifier;

mod authz;
#[cfg(feature = "issuing")]
mod issuing;

mod http;

#[cfg(feature = "metrics")]
pub use self::metrics::describe_metrics;
pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use authz::{
    AccessName, AuditEvent, AuditOutcome, AuditSink, Authorizer, Decision, Requirement,
    TracingAudit,
};
pub use claims::{Audience, Claims, ClaimsMapping, NumericDate, RoleHierarchy, VerifiedClaims};
pub use clock::{Clock, SystemClock};
#[cfg(feature = "redis")]
pub use dpop::RedisReplay;
pub use dpop::{Dpop, MemoryReplay, ProofId, ReplayError, ReplayStore};
pub use error::{
    AuthError, ConfigError, ForbiddenReason, InvalidKeyError, InvalidProofReason,
    InvalidRequestReason, InvalidTokenReason, StoreUnavailable,
};
pub use http::{
    AccessMatrix, AuthFuture, AuthScope, Authorized, BackChannelLogoutEndpoint, BearerChallenge,
    BearerExtractor, ClaimsArg, CookieExtractor, Credential, CsrfProtection, CurrentUser, FirstOf,
    FromClaims, HandlerRequirement, HealthEndpoints, IntoDecision, JwtAuth, JwtAuthBuilder,
    JwtAuthService, MutualTls, OptionalClaims, Policy, PolicyFuture, PublicRoute, QueryExtractor,
    RequireMiddleware, ResourceMetadata, ResourceMetadataEndpoint, RouteInfo, TokenExtractor,
    UserLoader, UserLoaderData, VerifiedClaimsExt,
};
#[cfg(feature = "issuing")]
pub use http::{JwksEndpoint, SameSite, SessionCookieError, SessionCookies, SessionCookiesBuilder};
#[cfg(feature = "introspection")]
pub use http::{RouteCheck, UnprotectedRoutes, check_routes};
#[cfg(all(feature = "issuing", feature = "redis"))]
pub use issuing::RedisRefreshStore;
#[cfg(feature = "issuing")]
pub use issuing::{
    AccessTokenBuilder, IssuedToken, IssuingError, MemoryRefreshStore, RefreshGrant, RefreshStore,
    Rotation, RotationOutcome, SecretStore, SessionError, SessionRecord, Sessions, SessionsBuilder,
    SigningKey, TokenIssuer, TokenIssuerBuilder, TokenIssuerKeys, TokenPair,
};
#[cfg(feature = "jwks")]
pub use jwks::{JwksProvider, JwksProviderBuilder};
pub use key::{
    ClientCertificate, JwkSet, JwkSetError, KeyHealth, KeyLookupError, KeyProvider, KeyQuery,
    VerificationKey,
};
pub use lookup::{BoxFuture, Lookup};
pub use revocation::{
    MemoryRevocation, Revocation, RevocationHealth, RevocationKeys, RevocationStore,
};
#[cfg(feature = "redis")]
pub use revocation::{RedisRevocation, RevocationReplica};
pub use secret::Secret;
pub use store::{CacheStore, MemoryCache};
#[cfg(feature = "redis")]
pub use store::{RedisCache, RedisCacheBuilder};
pub use validation::{ClaimsValidator, TokenProfile};
pub use verifier::{
    IdTokenChecks, IdTokenVerifier, IdTokenVerifierBuilder, IssuerResolver, IssuerTemplate,
    LogoutToken, LogoutTokenVerifier, TrustedIssuer, Verifier, VerifierBuilder,
};

#[cfg(feature = "macros")]
#[doc = include_str!("require.md")]
pub use jwt_verify_macros::require;

#[cfg(feature = "macros")]
#[doc = include_str!("public.md")]
pub use jwt_verify_macros::public;

#[cfg(feature = "testing")]
pub mod testing;

#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod test_hooks;

/// What generated code refers to. Not for anybody else.
#[doc(hidden)]
pub mod __private {
    pub use std::{sync::LazyLock, time::Duration};

    pub use crate::{
        Authorized, HandlerRequirement, PolicyFuture, PublicRoute, Requirement, VerifiedClaims,
        authz::{authorizer, function, literal, name},
        http::{
            Annotated, HttpRequest, IsPublic, Otherwise, Probe, ask_authorizer, ask_policy,
            no_policy,
        },
    };
}
