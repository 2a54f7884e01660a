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
//! #[require(roles = "analyst")]
//! #[get("/reports")]
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
//!   permissions, scopes, claims, recent logins, custom rules.
//! * **Take** [`VerifiedClaims`] as an argument, of the library's [`Claims`] or of your own type.
//!
//! They work together: the first of them verifies the token and stores the outcome in the request,
//! and the others reuse it. Without the middleware, put [`JwtAuth`] into the app's data.
//!
//! # The path of a request
//!
//! ```text
//!            request
//!               │
//!   L6  http    ▼   exactly one credential ─────────────── none: 401 · malformed or two: 400
//!               │
//!   L4  verifier    cached, and still valid? ───────────┐
//!               │                                       │
//!   L1  token   ▼   size, three segments, header, alg   │
//!       claims      one parse, no duplicates            │
//!               │                                       │
//!   L3  jwks    ▼   the issuer's key for this token ────│── no key available: 503 · requested too often: 429
//!               │                                       │
//!   L1  key     ▼   signature                           │
//!               │                                       │
//!   L2  validation  iss, aud, typ, cnf, nbf, iat, exp ──│── invalid: 401
//!               │                                       │
//!   L3  revocation  not revoked, if there is a store ◄──┘── revoked: 401 · unknown: 503
//!               │
//!   L3  dpop    ▼   not bound, or proved with its key ─────── neither: 401 · unknown: 503
//!               │
//!   L6  http    ▼   VerifiedClaims with the request
//!               │
//!   L5  authz   ▼   roles, permissions, claims, policies ─ not enough: 403
//!               │
//!            handler
//! ```
//!
//! # Choosing a setup
//!
//! | you have | you write |
//! | --- | --- |
//! | an issuer with discovery (most) | [`JwtAuth::builder`] with issuer and audience |
//! | settings in the environment | [`JwtAuth::from_env`] |
//! | only the URL of a key set | [`JwksProvider::builder`] in [`TrustedIssuer::keys`] |
//! | opaque tokens | [`Introspection`](introspection::Introspection) in [`JwtAuthBuilder::introspection`] |
//! | API keys of programs | `ApiKeys` in `JwtAuthBuilder::api_keys` (feature `api-keys`) |
//! | another credential, such as a session of an older system | an [`Authenticator`](extract::Authenticator) in [`JwtAuthBuilder::authenticator`] |
//! | a public key or a shared secret | [`JwkSet::single`] of a [`VerificationKey`] in [`TrustedIssuer::keys`] |
//! | several issuers, or one for each tenant | [`TrustedIssuer`] in [`JwtAuthBuilder::issuer`], or an [`IssuerResolver`] |
//! | several instances of the application | a [`CacheStore`](store::CacheStore), such as `RedisCache`, in [`JwksProviderBuilder::cache`](keys::JwksProviderBuilder::cache) |
//! | an issuer behind a proxy or a private authority | [`JwksProviderBuilder::proxy`](keys::JwksProviderBuilder::proxy), [`JwksProviderBuilder::root_certificates`](keys::JwksProviderBuilder::root_certificates) |
//! | monitoring | [`JwtAuth::health_routes`], feature `metrics` |
//! | keys from another source | your own [`KeyProvider`] |
//! | tokens in a header that a proxy adds | [`HeaderExtractor`](extract::HeaderExtractor); refused from pages of other origins |
//! | tokens in a cookie | [`CookieExtractor`](extract::CookieExtractor), alone or in [`FirstOf`](extract::FirstOf); counts for pages of the same origin, or with [`CsrfProtection`](extract::CsrfProtection) |
//! | clients that prove possession of a key | [`Dpop`](dpop::Dpop) in [`JwtAuthBuilder::dpop`] |
//! | clients that present a certificate | [`MutualTls`](mtls::MutualTls) in [`JwtAuthBuilder::mutual_tls`] |
//! | clients that discover where to get tokens | [`ResourceMetadata`](endpoints::ResourceMetadata) in [`JwtAuthBuilder::resource_metadata`] |
//! | tokens that are revoked before they expire | a [`RevocationStore`](revocation::RevocationStore) in [`JwtAuthBuilder::revocation`] |
//! | an issuer that tells when access has to end | `SecurityEventReceiver` in `JwtAuthBuilder::security_events` (feature `security-events`) |
//! | a WebSocket, server-sent events | [`StreamGuard`](streams::StreamGuard) as an argument: it ends the stream with the token |
//! | your own users | `TokenIssuer`, `Sessions`, `SessionCookies` (feature `issuing`), [`CurrentUser`] |
//! | a login at an external provider | [`IdTokenVerifier`](oidc::IdTokenVerifier), [`BackChannelLogoutEndpoint`](crate::endpoints::BackChannelLogoutEndpoint) |
//! | arguments made of claims, such as a tenant | [`FromClaims`](extract::FromClaims) and [`ClaimsArg`](extract::ClaimsArg) |
//! | rules that need a database | [`Policy`](authorization::Policy) functions in `#[require(policy = …)]`, an [`Authorizer`](authorization::Authorizer) |
//! | roles that include others | [`RoleHierarchy`] in [`ClaimsMapping::role_hierarchy`] |
//! | scopes and permissions that include others | [`ScopeHierarchy`] in [`ClaimsMapping::scope_hierarchy`] |
//! | routes that must not be forgotten | [`AuthScope`], its [`AccessMatrix`](routes::AccessMatrix), `check_routes` (feature `introspection`) |
//! | new rules in a live system | [`JwtAuth::report_only`], [`AuditSink`](authorization::AuditSink) |
//! | a refusal that you do not understand | [`Verifier::explain`], or the command `jwt-verify` (feature `cli`) |
//! | no HTTP at all | [`Verifier`] |
//!
//! # Safe defaults
//!
//! Defaults are strict: only `RS256`; only the exact issuer and audience; `exp` required; 60 s of
//! leeway; keys over https; redirects refused; bounded sizes, times and memory. An outage of the
//! issuer is answered with 503 and `Retry-After`, so that clients keep their tokens. A refusal
//! reveals only its class, and nothing of a token or key reaches a response or a log. Personal data
//! is logged only on request: [`TracingAudit`](authorization::TracingAudit) logs issuer and subject.
//!
//! # Features
//!
//! | feature | default | adds |
//! | --- | --- | --- |
//! | `macros` | yes | `#[require]` |
//! | `jwks` | yes | [`JwksProvider`], [`JwtAuth::from_env`]: keys over HTTP |
//! | `issuing` | no | `TokenIssuer`, `Sessions`, `SessionCookies`: your own tokens |
//! | `redis` | no | `RedisCache`: instances share fetched keys; `RedisRevocation`, `RedisReplay`, `RedisRefreshStore` |
//! | `api-keys` | no | `api_keys`: API keys that routes accept besides tokens |
//! | `mcp` | no | `mcp`: a guard for MCP servers, with rules for each tool |
//! | `cli` | no | the command `jwt-verify`: explains refusals, checks a set-up, lists keys. For `cargo install`, not for libraries |
//! | `native-roots` | no | issuers whose certificates the operating system trusts |
//! | `security-events` | no | `security_events`: a receiver of security events (Shared Signals), which end access. Enables `jwks` |
//! | `metrics` | no | counters, gauges and a histogram through the `metrics` facade |
//! | `utoipa` | no | requirements of routes in `OpenAPI` documents |
//! | `introspection` | no | `check_routes`: finds every route of an application without a decision about access. For tests: with it Actix itself panics at startup if two segments of nested scopes have one name |
//! | `mutual-tls` | no | `ClientCertificate::capture`: the certificates of clients, from connections of Actix with rustls |
//! | `testing` | no | `testing`: an issuer, tokens, claims and a clock for your tests; acceptance suites for your own stores. Enables `issuing` and `jwks` |
//!
//! # Package name
//!
//! The packages are called `actix-jwt-verify` and `actix-jwt-verify-macros`; the crate is imported
//! as `jwt_verify`. The package `jwt-verify` is unrelated.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod algorithm;
mod atomic_time;
mod background;
mod changes;
mod clock;
mod defaults;
mod detached;
mod digest;
mod error;
mod expiry;
mod explanation;
#[cfg(any(feature = "jwks", feature = "redis"))]
mod jitter;
mod json;
mod log_limiter;
mod log_text;
mod lookup;
mod metrics;
mod mix;
mod negative_cache;
mod network;
mod refetch_limiter;
mod secret;
mod url;

mod claims;
mod key;
mod token;

mod validation;

#[cfg(feature = "api-keys")]
pub mod api_keys;
pub mod dpop;
#[cfg(feature = "jwks")]
mod jwks;
pub mod revocation;
pub mod store;
mod token_cache;

mod verifier;

mod authz;
#[cfg(feature = "jwks")]
pub mod introspection;
#[cfg(feature = "issuing")]
pub mod issuing;
#[cfg(feature = "mcp")]
mod mcp_protocol;
#[cfg(feature = "security-events")]
pub mod security_events;

mod http;

#[cfg(feature = "metrics")]
pub use self::metrics::describe_metrics;
pub use algorithm::Algorithm;
pub use authz::{Decision, Requirement};
pub use claims::{
    Audience, Claims, ClaimsMapping, NumericDate, RoleHierarchy, ScopeHierarchy, VerifiedClaims,
};
pub use clock::{Clock, SystemClock};
pub use error::{
    AuthError, ConfigError, ForbiddenReason, InvalidProofReason, InvalidRequestReason,
    InvalidTokenReason, StoreUnavailable,
};
pub use http::{
    AuthScope, Authorized, BearerChallenge, CurrentUser, JwtAuth, JwtAuthBuilder, OptionalClaims,
    VerifiedClaimsExt,
};
#[cfg(feature = "jwks")]
pub use jwks::JwksProvider;
pub use key::{JwkSet, KeyProvider, VerificationKey};
pub use lookup::{BoxFuture, Lookup};
pub use secret::Secret;
pub use validation::{ClaimsValidator, TokenProfile};
pub use verifier::{IssuerResolver, IssuerTemplate, TrustedIssuer, Verifier, VerifierBuilder};

pub mod keys {
    //! Sources of verification keys, and their results.
    //!
    //! The types that most applications need are in the root: [`JwksProvider`](crate::JwksProvider),
    //! [`JwkSet`](crate::JwkSet), [`VerificationKey`](crate::VerificationKey) and the trait
    //! [`KeyProvider`](crate::KeyProvider).

    #[cfg(feature = "jwks")]
    pub use crate::jwks::JwksProviderBuilder;
    pub use crate::{
        algorithm::UnknownAlgorithm,
        error::{InvalidKeyError, SecretLength},
        key::{JwkSetError, KeyHealth, KeyLookupError, KeyQuery},
        lookup::LookupFuture,
    };
}

pub mod explain {
    //! Explanations of refusals, for developers and operators.
    //!
    //! They come from [`Verifier::explain`](crate::Verifier::explain).

    pub use crate::explanation::{Check, CheckStatus, Explanation, Verdict};
}

pub mod authorization {
    //! Rules beyond roles and permissions, and the audit log of decisions.
    //!
    //! [`Requirement`](crate::Requirement), [`Decision`](crate::Decision) and
    //! [`#[require]`](macro@crate::require) are in the root.

    pub use crate::{
        authz::{AccessName, AuditEvent, AuditOutcome, AuditSink, Authorizer, TracingAudit},
        error::MissingGrants,
        http::{HandlerRequirement, IntoDecision, Policy, PublicRoute, RequireMiddleware},
    };
}

pub mod extract {
    //! Extraction of the credential from a request, and the user behind it.

    pub use crate::claims::{CredentialKind, NotAServiceAccount, ServiceAccount};
    pub use crate::http::{
        Attempt, Authenticated, Authenticator, BearerExtractor, ClaimsArg, CookieExtractor,
        Credential, CsrfProtection, FirstOf, FromClaims, HeaderExtractor, Presented,
        QueryExtractor, SubprotocolExtractor, TokenExtractor, UserLoader, UserLoaderData,
    };
}

pub mod mtls {
    //! Mutual TLS: tokens bound to the certificate of their client (RFC 8705).

    pub use crate::{http::MutualTls, key::ClientCertificate};
}

#[cfg(feature = "issuing")]
pub mod sessions {
    //! User sessions with rotating refresh tokens, and their cookies.

    #[cfg(feature = "redis")]
    pub use crate::issuing::refresh_store::RedisRefreshStore;
    pub use crate::{
        http::{SameSite, SessionCookieError, SessionCookies, SessionCookiesBuilder},
        issuing::{
            refresh_store::{
                MemoryRefreshStore, RefreshStore, Rotation, RotationOutcome, SessionRecord,
            },
            sessions::{RefreshGrant, SessionError, Sessions, SessionsBuilder, TokenPair},
        },
    };
}

pub mod oidc {
    //! ID tokens and logout tokens of OpenID Connect.
    //!
    //! The route for logout tokens is
    //! [`BackChannelLogoutEndpoint`](crate::endpoints::BackChannelLogoutEndpoint).

    pub use crate::verifier::{
        IdTokenChecks, IdTokenVerifier, IdTokenVerifierBuilder, LogoutToken, LogoutTokenVerifier,
        LogoutTokenVerifierBuilder,
    };
}

pub mod endpoints {
    //! Routes that the library serves: health, keys, resource metadata, back-channel logout, security
    //! events.

    #[cfg(feature = "issuing")]
    pub use crate::http::JwksEndpoint;
    #[cfg(feature = "security-events")]
    pub use crate::http::SecurityEventEndpoint;
    pub use crate::http::{
        BackChannelLogoutEndpoint, HealthEndpoints, ResourceMetadata, ResourceMetadataEndpoint,
    };
}

pub mod streams {
    //! Streams that end with the access of their caller: a WebSocket, server-sent events.

    pub use crate::http::{
        AccessEnded, EndOfAccess, GuardedEvents, GuardedStream, StreamGuard, StreamLogin,
        close_code,
    };
}

pub mod routes {
    //! The routes of an application with their requirements.

    #[cfg(feature = "utoipa")]
    pub use crate::http::WithRequirements;
    pub use crate::http::{AccessMatrix, RouteInfo};
    #[cfg(feature = "introspection")]
    pub use crate::http::{RouteCheck, UnprotectedRoutes, check_routes};
}

#[cfg(feature = "mcp")]
pub mod mcp {
    //! A guard for servers of the Model Context Protocol: rules for tools, prompts and resources.

    pub use crate::{
        http::{McpGuard, McpGuardBuilder},
        mcp_protocol::Rules,
    };
    #[cfg(feature = "macros")]
    #[doc = include_str!("mcp_tools.md")]
    pub use jwt_verify_macros::tools;
}

#[cfg(feature = "macros")]
#[doc = include_str!("require.md")]
pub use jwt_verify_macros::require;

#[cfg(feature = "macros")]
#[doc = include_str!("public.md")]
pub use jwt_verify_macros::public;

#[cfg(feature = "testing")]
pub mod testing;

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;

#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod test_hooks;

/// Items for generated code. They may change in any version.
#[doc(hidden)]
pub mod __private {
    pub use std::{sync::LazyLock, time::Duration};

    pub use crate::{
        Authorized, Requirement, VerifiedClaims,
        authz::{authorizer, function, literal, name},
        http::{
            Annotated, HandlerRequirement, HttpRequest, IsPublic, Otherwise, PolicyFuture, Probe,
            PublicRoute, ask_authorizer, ask_policy, no_policy,
        },
    };
}
