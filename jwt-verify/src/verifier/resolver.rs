//! Resolution of issuers that are not listed.

use std::future::ready;

use super::issuer::TrustedIssuer;
use crate::{error::StoreUnavailable, lookup::BoxFuture};

/// Decides which issuers are trusted if they cannot be listed beforehand: one for each tenant of an
/// application, for example.
///
/// It is called with the `iss` of a token whose signature is not verified yet, so the text is under
/// the sender's control. Trust an issuer because it is on a list or in a table that you own, never
/// because of how it looks: the result decides whose keys are fetched and trusted.
///
/// Concurrent requests for one issuer share one call, which belongs to none of them and may take 5
/// s. An answer is used for 10 minutes, and up to 1 h longer while the resolver is unreachable; a
/// refusal for 30 s. 100 issuers with valid tokens stay in memory, and as many others
/// ([`max_resolved_issuers`](crate::VerifierBuilder::max_resolved_issuers)). Tokens can name any
/// number of issuers, and each causes one call: answer from an index, not by a search. Up to 256
/// such calls run at a time; known issuers have a separate limit of 256, and keep their old answer
/// if that is reached. A resolver that panics counts as unreachable.
///
/// Settings without keys keep the keys that were fetched before when they are renewed. A provider
/// in the settings replaces them, so return clones of one that you keep.
///
/// If nothing has to be waited for, use a function:
///
/// ```
/// use jwt_verify::{IssuerTemplate, TrustedIssuer, Verifier};
///
/// // Entra names the tenant in its issuer, and the API's client ID as the audience. Tokens of the
/// // customers' tenants are accepted.
/// let entra = IssuerTemplate::new("https://login.microsoftonline.com/{tenantid}/v2.0")?;
/// const API: &str = "2f1d6c1e-93b5-4c6c-8d0a-0b8f6b7c2d11";
/// let customers = ["72f988bf-86f1-41af-91ab-2d7cd011db47"];
/// let verifier = Verifier::with_resolver(move |issuer: &str| {
///     let tenant = entra.tenant(issuer)?;
///     customers.contains(&tenant).then(|| TrustedIssuer::new(issuer, API))
/// })
/// .build()?;
/// # Ok::<(), jwt_verify::ConfigError>(())
/// ```
#[doc(alias = "multi-tenant", alias = "tenant")]
pub trait IssuerResolver: Send + Sync + 'static {
    /// Returns the settings for this issuer, or `None` if it is not trusted.
    ///
    /// The settings must name exactly the requested issuer; others are refused.
    fn resolve<'a>(
        &'a self,
        issuer: &'a str,
    ) -> BoxFuture<'a, Result<Option<TrustedIssuer>, StoreUnavailable>>;
}

impl<F> IssuerResolver for F
where
    F: Fn(&str) -> Option<TrustedIssuer> + Send + Sync + 'static,
{
    fn resolve<'a>(
        &'a self,
        issuer: &'a str,
    ) -> BoxFuture<'a, Result<Option<TrustedIssuer>, StoreUnavailable>> {
        Box::pin(ready(Ok(self(issuer))))
    }
}
