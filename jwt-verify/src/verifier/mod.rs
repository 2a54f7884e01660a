//! Token verification. The order of the stages is in `pipeline`.

mod builder;
mod cache;
mod candidate;
mod default_keys;
mod explain;
mod id_token;
#[cfg(feature = "jwks")]
mod introspected_issuer;
mod issuer;
#[cfg(feature = "jwks")]
mod kubernetes;
mod logout_token;
mod pipeline;
mod prepared_issuer;
mod refused;
mod resolved_issuers;
mod resolver;
mod revocation;
mod sender_unchecked;
mod spiffe;
mod summary;
mod template;
mod tenant_cache;

use std::{sync::Arc, time::Duration};

#[cfg(feature = "jwks")]
pub(crate) use self::introspected_issuer::{Introspected, IntrospectedIssuer};
#[cfg(feature = "jwks")]
pub(crate) use self::kubernetes::{Cluster, SERVICE_ACCOUNT};
pub use self::{
    builder::VerifierBuilder,
    id_token::{IdTokenChecks, IdTokenVerifier, IdTokenVerifierBuilder},
    issuer::TrustedIssuer,
    logout_token::{LogoutToken, LogoutTokenVerifier, LogoutTokenVerifierBuilder},
    resolver::IssuerResolver,
    template::IssuerTemplate,
};
use self::{
    cache::CachedToken, prepared_issuer::Issuer, resolved_issuers::ResolvedIssuers,
    revocation::Revocations,
};
pub(crate) use self::{
    cache::Verified, pipeline::Progress, refused::TokenDetails, sender_unchecked::SenderUnchecked,
    summary::IssuerSummary,
};
use crate::{
    claims::{CredentialKind, VerifiedClaims},
    clock::Clock,
    error::AuthError,
    key::KeyHealth,
    metrics,
    token::KnownHeaders,
    token_cache::TokenCache,
};

/// Verifies tokens: format, signature and claims.
///
/// Clones share everything and are cheap. It does not depend on HTTP; [`JwtAuth`](crate::JwtAuth)
/// puts it in front of an Actix application.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use jwt_verify::{Algorithm, JwkSet, Secret, TrustedIssuer, VerificationKey, Verifier};
///
/// let secret = Secret::from("a secret of at least thirty-two bytes");
/// let key = VerificationKey::from_secret(Algorithm::HS256, &secret)?;
/// let issuer = TrustedIssuer::new("https://issuer.example/", "https://api.example/")
///     .algorithms([Algorithm::HS256])
///     .keys(JwkSet::single(key));
/// let verifier = Verifier::for_issuer(issuer).build()?;
/// assert!(verifier.verify("not.a.token").await.is_err());
/// # Ok(())
/// # }
/// ```
#[doc(alias = "decode", alias = "validate")]
#[derive(Debug, Clone)]
pub struct Verifier {
    inner: Arc<VerifierInner>,
}

#[derive(Debug)]
struct VerifierInner {
    issuers: Vec<Issuer>,
    tenants: Option<ResolvedIssuers>,
    max_token_bytes: usize,
    headers: KnownHeaders,
    clock: Arc<dyn Clock>,
    /// The clock, if it is not that of the system.
    own_clock: Option<Arc<dyn Clock>>,
    cache: Option<TokenCache<CachedToken>>,
    revocation: Option<Revocations>,
}

impl Verifier {
    /// Returns a builder for the tokens of one issuer with its default settings: short for
    /// [`for_issuer`](Self::for_issuer) with [`TrustedIssuer::new`].
    pub fn builder(issuer: impl Into<String>, audience: impl Into<String>) -> VerifierBuilder {
        Self::for_issuer(TrustedIssuer::new(issuer, audience))
    }

    /// Returns a builder for the tokens of one issuer. More are added with
    /// [`VerifierBuilder::issuer`].
    pub fn for_issuer(issuer: TrustedIssuer) -> VerifierBuilder {
        VerifierBuilder::new().issuer(issuer)
    }

    /// Returns a builder for the tokens of issuers that are not known beforehand, such as those of the
    /// tenants of an application. Issuers that are known can be added.
    pub fn with_resolver(resolver: impl IssuerResolver) -> VerifierBuilder {
        VerifierBuilder::new().issuer_resolver(resolver)
    }

    /// Verifies a token in compact form.
    ///
    /// Waits only if the issuer has to be resolved, its key has to be fetched, or a remote store is
    /// asked about revocations. A token that was verified before is taken from the cache, without
    /// another signature check. Sender-constrained tokens (`cnf`, RFC 7800) are refused here: the
    /// check of possession needs the HTTP request.
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`], [`AuthError::ExpiredToken`], or, if no key is available at the
    /// moment, [`AuthError::Unavailable`] or [`AuthError::KeyLookupLimited`].
    pub async fn verify(&self, token: impl AsRef<[u8]>) -> Result<VerifiedClaims, AuthError> {
        let unchecked = self.verify_token(token.as_ref()).await;
        let outcome = unchecked.and_then(SenderUnchecked::accept_bearer);
        metrics::verification(CredentialKind::Jwt.as_str(), &outcome);
        outcome.map(VerifiedClaims::new)
    }

    /// Starts fetching the keys of the listed issuers, so that the first request need not wait.
    /// Returns at once.
    pub fn warm_up(&self) {
        self.inner.issuers.iter().for_each(|issuer| issuer.keys.warm_up());
    }

    /// Waits until the keys of every listed issuer are loaded and the revocation store can answer,
    /// for example after the first copy of a `RevocationReplica`; or until an attempt has failed.
    /// With [`revocation_fails_open`](VerifierBuilder::revocation_fails_open) it does not wait for
    /// the revocation store.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`] if one of them is missing. Loading continues in the background,
    /// and the verifier can be used meanwhile.
    pub async fn wait_until_ready(&self) -> Result<(), AuthError> {
        self.warm_up();
        for issuer in &self.inner.issuers {
            issuer.keys.wait_until_ready().await?;
        }
        self.revocation_ready().await
    }

    /// Fetches the keys of all issuers now: of the listed ones, and of those that the resolver has
    /// named recently.
    #[cfg(feature = "testing")]
    pub(crate) async fn fetch_keys(&self) -> Result<(), AuthError> {
        for issuer in &self.inner.issuers {
            issuer.keys.fetch_now().await?;
        }
        let known: Vec<_> = self.inner.tenants.iter().flat_map(ResolvedIssuers::known).collect();
        for tenant in known {
            tenant.issuer.keys.fetch_now().await?;
        }
        Ok(())
    }

    /// Returns the state of each issuer's keys, with the issuer's name, or `none` if it has none: the listed issuers, and
    /// those that the resolver has named recently.
    pub fn health(&self) -> Vec<(String, KeyHealth)> {
        let state = |issuer: &Issuer| (issuer.rules.label().to_owned(), issuer.keys.health());
        let listed = self.inner.issuers.iter().map(state);
        let resolved = self.inner.tenants.iter().flat_map(ResolvedIssuers::known);
        listed.chain(resolved.map(|tenant| state(&tenant.issuer))).collect()
    }

    /// Returns the state of the keys of the listed issuers.
    pub(crate) fn listed_health(&self) -> impl Iterator<Item = KeyHealth> {
        self.inner.issuers.iter().map(|issuer| issuer.keys.health())
    }

    /// Returns the names of the listed issuers that have one.
    pub(crate) fn listed_issuers(&self) -> impl Iterator<Item = &str> {
        self.inner.issuers.iter().filter_map(|issuer| issuer.rules.issuer.as_deref())
    }

    /// Returns the mapping of the first listed issuer.
    #[cfg(feature = "api-keys")]
    pub(crate) fn first_mapping(&self) -> Option<&crate::claims::ClaimsMapping> {
        self.inner.issuers.first().map(|issuer| &issuer.mapping)
    }

    /// Discards the [`IssuerResolver`]'s answer about an issuer: the next token asks again, and
    /// cached tokens of this issuer are verified anew.
    pub fn invalidate_issuer(&self, issuer: &str) {
        if let Some(tenants) = &self.inner.tenants {
            tenants.forget(issuer);
        }
    }

    /// Returns the clock used for tokens.
    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    /// Returns the clock used for tokens, if it is not that of the system.
    pub(crate) fn own_clock(&self) -> Option<Arc<dyn Clock>> {
        self.inner.own_clock.clone()
    }

    /// Returns the wall-clock time used for tokens.
    pub(crate) fn now(&self) -> Duration {
        self.inner.clock.now()
    }

    /// Returns an upper bound for the lifetime of accepted tokens, if every issuer has one.
    pub(crate) fn max_lifetime(&self) -> Option<Duration> {
        if self.inner.tenants.is_some() {
            return None;
        }
        let mut issuers = self.inner.issuers.iter();
        issuers.try_fold(Duration::ZERO, |longest, issuer| {
            issuer.rules.max_lifetime.map(|bound| longest.max(bound))
        })
    }
}
