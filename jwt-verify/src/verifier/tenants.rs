//! Issuers that are not listed beforehand but found when a token names them.

use std::{
    fmt,
    future::{Future, ready},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use quick_cache::{OptionsBuilder, UnitWeighter, sync::Cache};

use super::issuer::{Issuer, TrustedIssuer};
use crate::{
    AuthError, Clock, InvalidTokenReason,
    limits::{
        MAX_ISSUER_BYTES, REFUSED_ISSUER_TTL, REFUSED_ISSUERS, RESOLVED_ISSUER_PATIENCE,
        RESOLVED_ISSUER_STALE, RESOLVED_ISSUER_TTL, RESOLVER_RETRY,
    },
    negative::NegativeCache,
};

/// Says which issuers are trusted, where they cannot be listed beforehand: one for each tenant of
/// an application, for example.
///
/// It is asked with the `iss` of a token whose signature nobody has looked at yet, so the text is
/// whatever a stranger has put there. Trust an issuer because it is on a list or in a table of
/// yours, never because of how it looks: what it returns decides whose keys are fetched and
/// believed.
///
/// An answer is used for 10 minutes, and up to 1 h longer while the resolver is out of reach; a
/// refusal for 30 s. The 100 issuers used most stay in memory
/// ([`resolved_issuers`](crate::VerifierBuilder::resolved_issuers)).
///
/// A function will do where nothing needs to be waited for:
///
/// ```
/// use jwt_verify::{IssuerTemplate, TrustedIssuer, Verifier};
///
/// // Entra names the tenant in its issuer. Tokens of the customers' tenants are accepted.
/// let entra = IssuerTemplate::new("https://login.microsoftonline.com/{tenantid}/v2.0")?;
/// let customers = ["72f988bf-86f1-41af-91ab-2d7cd011db47"];
/// let verifier = Verifier::resolving(move |issuer: &str| {
///     let tenant = entra.tenant(issuer)?;
///     customers.contains(&tenant).then(|| TrustedIssuer::new(issuer, "api://my-api"))
/// })
/// .build()?;
/// # Ok::<(), jwt_verify::ConfigError>(())
/// ```
pub trait IssuerResolver: Send + Sync + 'static {
    /// The settings for this issuer, or `None` if it is not trusted.
    ///
    /// The settings must name exactly the issuer that was asked about; others are refused.
    fn resolve<'a>(&'a self, issuer: &'a str) -> ResolvedIssuer<'a>;
}

/// The answer of an [`IssuerResolver`].
pub type ResolvedIssuer<'a> =
    Pin<Box<dyn Future<Output = Result<Option<TrustedIssuer>, ResolverError>> + Send + 'a>>;

/// An [`IssuerResolver`] that cannot tell at the moment. The caller gets 503.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the issuer resolver is out of reach")]
pub struct ResolverError;

impl<F> IssuerResolver for F
where
    F: Fn(&str) -> Option<TrustedIssuer> + Send + Sync + 'static,
{
    fn resolve<'a>(&'a self, issuer: &'a str) -> ResolvedIssuer<'a> {
        Box::pin(ready(Ok(self(issuer))))
    }
}

/// An issuer that the resolver has vouched for.
#[derive(Debug)]
pub(super) struct Tenant {
    pub(super) issuer: Issuer,
    /// When the resolver said so, on the clock that never goes backwards.
    confirmed_at: Duration,
    /// When it is to be asked again, in nanoseconds.
    ask_again_at: AtomicU64,
}

impl Tenant {
    fn new(issuer: Issuer, now: Duration) -> Self {
        let again = nanos(now.saturating_add(RESOLVED_ISSUER_TTL));
        Self { issuer, confirmed_at: now, ask_again_at: AtomicU64::new(again) }
    }

    /// Whether the resolver's word still counts without asking it again.
    pub(super) fn is_fresh(&self, now: Duration) -> bool {
        nanos(now) < self.ask_again_at.load(Ordering::Acquire)
    }

    /// Lets one of those who find it outdated ask again, and the others go on meanwhile.
    fn takes_turn(&self, now: Duration) -> bool {
        let due = self.ask_again_at.load(Ordering::Acquire);
        let next = nanos(now.saturating_add(RESOLVED_ISSUER_PATIENCE));
        nanos(now) >= due
            && self
                .ask_again_at
                .compare_exchange(due, next, Ordering::AcqRel, Ordering::Acquire)
                .is_ok()
    }

    fn is_usable(&self, now: Duration) -> bool {
        now < self.confirmed_at.saturating_add(RESOLVED_ISSUER_TTL + RESOLVED_ISSUER_STALE)
    }
}

/// The resolver, and what it has said.
pub(super) struct Tenants {
    resolver: Box<dyn IssuerResolver>,
    known: Cache<String, Arc<Tenant>>,
    refused: NegativeCache,
    clock: Arc<dyn Clock>,
}

impl Tenants {
    pub(super) fn new(
        resolver: Box<dyn IssuerResolver>,
        most: usize,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { resolver, known: bounded(most), refused: NegativeCache::new(REFUSED_ISSUERS), clock }
    }

    /// What is known without asking; `None` means that the resolver has to be asked.
    pub(super) fn find(&self, name: &str) -> Option<Result<Arc<Tenant>, AuthError>> {
        let now = self.clock.monotonic();
        if let Some(tenant) = self.known.get(name) {
            return tenant.is_fresh(now).then_some(Ok(tenant));
        }
        let is_refused = name.len() > MAX_ISSUER_BYTES || self.refused.contains(name, now);
        is_refused.then(|| Err(InvalidTokenReason::Issuer.into()))
    }

    /// Asks the resolver. However many ask about the same issuer, it is asked once.
    pub(super) async fn resolve(&self, name: &str) -> Result<Arc<Tenant>, AuthError> {
        if let Some(answer) = self.find(name) {
            return answer;
        }
        let Some(old) = self.known.get(name) else {
            return self.known.get_or_insert_async(name, self.ask(name, None)).await;
        };
        let now = self.clock.monotonic();
        if old.takes_turn(now) {
            match self.ask(name, Some(&old)).await {
                Ok(tenant) => {
                    self.known.insert(name.to_owned(), tenant.clone());
                    return Ok(tenant);
                }
                Err(AuthError::Unavailable { .. }) => {}
                Err(refusal) => {
                    self.known.remove(name);
                    return Err(refusal);
                }
            }
        }
        if old.is_usable(now) { Ok(old) } else { Err(unavailable()) }
    }

    async fn ask(&self, name: &str, old: Option<&Tenant>) -> Result<Arc<Tenant>, AuthError> {
        // Somebody may have been refused while this one waited for the turn.
        if self.refused.contains(name, self.clock.monotonic()) {
            return Err(InvalidTokenReason::Issuer.into());
        }
        let answer = self.resolver.resolve(name).await;
        let now = self.clock.monotonic();
        let settings = match answer {
            Ok(Some(settings)) if settings.name() == name => settings,
            Ok(answer) => {
                if answer.is_some() {
                    tracing::error!("the issuer resolver has named another issuer than asked for");
                }
                self.refused.insert(name, now, now.saturating_add(REFUSED_ISSUER_TTL));
                return Err(InvalidTokenReason::Issuer.into());
            }
            Err(ResolverError) => {
                tracing::warn!("the issuer resolver is out of reach");
                return Err(unavailable());
            }
        };
        // Keys that are at hand stay: the issuer may be out of reach at the moment.
        let issuer = settings.prepare_tenant(old.map(|old| &old.issuer), &self.clock).map_err(|error| {
            tracing::error!(%error, "the issuer resolver has returned settings that cannot be used");
            AuthError::Misconfigured
        })?;
        Ok(Arc::new(Tenant::new(issuer, now)))
    }

    /// Forgets what the resolver has said about an issuer.
    pub(super) fn forget(&self, name: &str) {
        self.known.remove(name);
        self.refused.remove(name);
    }

    pub(super) fn known(&self) -> impl Iterator<Item = Arc<Tenant>> {
        self.known.iter().map(|(_, tenant)| tenant).collect::<Vec<_>>().into_iter()
    }
}

impl fmt::Debug for Tenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenants").field("known", &self.known.len()).finish_non_exhaustive()
    }
}

/// One shard, so that the bound is exact.
fn bounded(most: usize) -> Cache<String, Arc<Tenant>> {
    let options = OptionsBuilder::new()
        .estimated_items_capacity(most)
        .weight_capacity(most as u64)
        .shards(1)
        .build();
    match options {
        Ok(options) => Cache::with_options(
            options,
            UnitWeighter,
            quick_cache::DefaultHashBuilder::default(),
            quick_cache::sync::DefaultLifecycle::default(),
        ),
        Err(_) => Cache::new(most),
    }
}

fn unavailable() -> AuthError {
    AuthError::Unavailable { retry_after: RESOLVER_RETRY }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
