//! What says which issuers are trusted, where they are not listed.

use std::future::ready;

use super::issuer::TrustedIssuer;
use crate::{error::StoreUnavailable, lookup::BoxFuture};

/// Says which issuers are trusted, where they cannot be listed beforehand: one for each tenant of
/// an application, for example.
///
/// It is asked with the `iss` of a token whose signature nobody has looked at yet, so the text is
/// whatever its sender has put there. Trust an issuer because it is on a list or in a table of
/// yours, never because of how it looks: what it returns decides whose keys are fetched and
/// believed.
///
/// However many requests ask about an issuer, there is one question, which belongs to none of them
/// and may take 5 s. An answer is used for 10 minutes, and up to 1 h longer while the resolver is out
/// of reach; a refusal for 30 s. 100 issuers that have shown good tokens stay in memory, and as many
/// others ([`max_resolved_issuers`](crate::VerifierBuilder::max_resolved_issuers)). Tokens can name issuers
/// without end, and each is one question: answer from an index, not by a search. 256 such questions
/// are open at a time; issuers that are known have 256 places of their own, and keep their old answer
/// where those are taken, too. A resolver that panics is out of reach.
///
/// Settings without keys of their own keep the keys that were fetched before when they are renewed.
/// A provider that the settings bring takes their place, so return clones of one that you keep.
///
/// A function will do where nothing needs to be waited for:
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
    /// The settings for this issuer, or `None` if it is not trusted.
    ///
    /// The settings must name exactly the issuer that was asked about; others are refused.
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
