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

use dashmap::{DashMap, Entry};
use quick_cache::{OptionsBuilder, UnitWeighter, sync::Cache};
use tokio::sync::watch;

use super::issuer::{DefaultKeys, Issuer, TrustedIssuer};
use crate::{
    AuthError, Clock, InvalidTokenReason,
    limits::{
        LOG_PAUSE, MAX_ISSUER_BYTES, MAX_RESOLVER_QUESTIONS, REFUSED_ISSUER_TTL, REFUSED_ISSUERS,
        RESOLVED_ISSUER_STALE, RESOLVED_ISSUER_TTL, RESOLVER_PATIENCE, RESOLVER_RETRY,
        RESOLVER_TIMEOUT,
    },
    negative::NegativeCache,
    seldom::Seldom,
};

/// Says which issuers are trusted, where they cannot be listed beforehand: one for each tenant of
/// an application, for example.
///
/// It is asked with the `iss` of a token whose signature nobody has looked at yet, so the text is
/// whatever a stranger has put there. Trust an issuer because it is on a list or in a table of
/// yours, never because of how it looks: what it returns decides whose keys are fetched and
/// believed.
///
/// However many requests ask about an issuer, there is one question, which belongs to none of them
/// and may take 5 s. An answer is used for 10 minutes, and up to 1 h longer while the resolver is out
/// of reach; a refusal for 30 s. The 100 issuers used most stay in memory
/// ([`resolved_issuers`](crate::VerifierBuilder::resolved_issuers)). Strangers can name issuers
/// without end, and each is one question: answer from an index, not by a search.
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
/// let verifier = Verifier::resolving(move |issuer: &str| {
///     let tenant = entra.tenant(issuer)?;
///     customers.contains(&tenant).then(|| TrustedIssuer::new(issuer, API))
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

    /// Whether the resolver's word counts without asking it again.
    pub(super) fn is_fresh(&self, now: Duration) -> bool {
        nanos(now) < self.ask_again_at.load(Ordering::Acquire) && self.is_usable(now)
    }

    /// Whether it counts while the resolver cannot be asked.
    fn is_usable(&self, now: Duration) -> bool {
        now < self.confirmed_at.saturating_add(RESOLVED_ISSUER_TTL + RESOLVED_ISSUER_STALE)
    }

    fn ask_again_at(&self, time: Duration) {
        self.ask_again_at.store(nanos(time), Ordering::Release);
    }

    /// Whoever still holds it finds that it no longer counts.
    fn expire(&self) {
        self.ask_again_at(Duration::ZERO);
    }
}

/// What a question has brought.
type Answer = Result<Arc<Tenant>, AuthError>;

/// A question that is being answered.
struct Question {
    id: u64,
    answer: watch::Receiver<Option<Answer>>,
}

/// The resolver, and what it has said.
#[derive(Clone)]
pub(super) struct Tenants {
    inner: Arc<Inner>,
}

struct Inner {
    resolver: Box<dyn IssuerResolver>,
    default_keys: DefaultKeys,
    known: Cache<String, Arc<Tenant>>,
    questions: DashMap<String, Question>,
    next_question: AtomicU64,
    refused: NegativeCache,
    /// Names about which it has just failed to answer, or answered with what cannot be used.
    failed: NegativeCache,
    broken: NegativeCache,
    /// Of failures, in the log.
    failures: Seldom,
    clock: Arc<dyn Clock>,
}

impl Tenants {
    pub(super) fn new(
        resolver: Box<dyn IssuerResolver>,
        default_keys: DefaultKeys,
        most: usize,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let inner = Inner {
            resolver,
            default_keys,
            known: bounded(most),
            questions: DashMap::new(),
            next_question: AtomicU64::new(0),
            refused: NegativeCache::new(REFUSED_ISSUERS),
            failed: NegativeCache::new(REFUSED_ISSUERS),
            broken: NegativeCache::new(REFUSED_ISSUERS),
            failures: Seldom::new(LOG_PAUSE),
            clock,
        };
        Self { inner: Arc::new(inner) }
    }

    /// What is known without asking; `None` means that the resolver has to be asked.
    pub(super) fn find(&self, name: &str) -> Option<Answer> {
        let (inner, now) = (&self.inner, self.inner.clock.monotonic());
        if let Some(tenant) = inner.known.get(name) {
            return tenant.is_fresh(now).then_some(Ok(tenant));
        }
        if name.len() > MAX_ISSUER_BYTES || inner.refused.contains(name, now) {
            return Some(Err(InvalidTokenReason::Issuer.into()));
        }
        if inner.broken.contains(name, now) {
            return Some(Err(AuthError::Misconfigured));
        }
        inner.failed.contains(name, now).then(|| Err(unavailable()))
    }

    /// Waits for what the resolver says.
    pub(super) async fn resolve(&self, name: &str) -> Answer {
        // A question that was overtaken by `forget` is put once more.
        for _ in 0..2 {
            if let Some(answer) = self.find(name) {
                return answer;
            }
            let Some(mut answer) = self.question(name) else { break };
            if let Ok(answer) = answer.wait_for(Option::is_some).await
                && let Some(answer) = answer.clone()
            {
                return answer;
            }
        }
        Err(unavailable())
    }

    /// The question about this issuer that is being answered, or a new one, which belongs to nobody
    /// who waits: whoever hangs up can neither end nor delay it. `None` if there are too many.
    fn question(&self, name: &str) -> Option<watch::Receiver<Option<Answer>>> {
        let is_full = self.inner.questions.len() >= MAX_RESOLVER_QUESTIONS;
        let (sender, receiver) = watch::channel(None);
        let id = self.inner.next_question.fetch_add(1, Ordering::Relaxed);
        match self.inner.questions.entry(name.to_owned()) {
            Entry::Occupied(asked) => return Some(asked.get().answer.clone()),
            Entry::Vacant(_) if is_full => return None,
            Entry::Vacant(place) => {
                // Answered since this one looked: an answer is in its place before its question ends.
                if let Some(answer) = self.find(name) {
                    return Some(watch::channel(Some(answer)).1);
                }
                place.insert(Question { id, answer: receiver.clone() });
            }
        }
        let ending = Ending { tenants: self.clone(), name: name.to_owned(), id };
        let job = async move {
            let answer = ending.tenants.ask(&ending.name).await;
            if let Some(answer) = ending.settle(answer) {
                sender.send_replace(Some(answer));
            }
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(job);
        } else {
            // The job is dropped with its `Ending`: whoever waits learns that there is no answer.
            tracing::error!("an issuer resolver needs a Tokio runtime");
        }
        Some(receiver)
    }

    async fn ask(&self, name: &str) -> Result<Option<TrustedIssuer>, ResolverError> {
        let answer = self.inner.resolver.resolve(name);
        tokio::time::timeout(RESOLVER_TIMEOUT, answer).await.unwrap_or(Err(ResolverError))
    }

    /// Forgets what the resolver has said about an issuer, and what it is about to say.
    pub(super) fn forget(&self, name: &str) {
        self.inner.questions.remove(name);
        if let Some((_, tenant)) = self.inner.known.remove(name) {
            tenant.expire();
        }
        for memory in [&self.inner.refused, &self.inner.failed, &self.inner.broken] {
            memory.remove(name);
        }
    }

    pub(super) fn known(&self) -> impl Iterator<Item = Arc<Tenant>> {
        self.inner.known.iter().map(|(_, tenant)| tenant).collect::<Vec<_>>().into_iter()
    }
}

/// Takes the question off the list when it has been answered, or when it is lost.
struct Ending {
    tenants: Tenants,
    name: String,
    id: u64,
}

impl Ending {
    /// Takes over what the resolver said. `None` if nobody wants to know any more.
    fn settle(&self, answer: Result<Option<TrustedIssuer>, ResolverError>) -> Option<Answer> {
        let (inner, name) = (&*self.tenants.inner, self.name.as_str());
        // Held until the answer is in its place, so that `forget` comes before or after it.
        let Entry::Occupied(question) = inner.questions.entry(name.to_owned()) else { return None };
        if question.get().id != self.id {
            return None;
        }
        let old = inner.known.get(name);
        let outcome = inner.judge(name, answer, old.as_deref());
        let now = inner.clock.monotonic();
        let settled = match (outcome, old) {
            (Ok(tenant), old) => {
                inner.known.insert(name.to_owned(), tenant.clone());
                if let Some(old) = old {
                    old.expire();
                }
                Ok(tenant)
            }
            (Err(AuthError::InvalidToken(reason)), old) => {
                inner.refused.insert(name, now, now.saturating_add(REFUSED_ISSUER_TTL));
                inner.known.remove(name);
                if let Some(old) = old {
                    old.expire();
                }
                Err(reason.into())
            }
            // Its last word counts on for a while.
            (Err(_), Some(old)) if old.is_usable(now) => {
                old.ask_again_at(now.saturating_add(RESOLVER_PATIENCE));
                Ok(old)
            }
            (Err(error), _) => {
                let (memory, time) = match error {
                    AuthError::Misconfigured => (&inner.broken, REFUSED_ISSUER_TTL),
                    _ => (&inner.failed, RESOLVER_RETRY),
                };
                inner.known.remove(name);
                memory.insert(name, now, now.saturating_add(time));
                Err(error)
            }
        };
        question.remove();
        Some(settled)
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.tenants.inner.questions.remove_if(&self.name, |_, question| question.id == self.id);
    }
}

impl Inner {
    fn judge(
        &self,
        name: &str,
        answer: Result<Option<TrustedIssuer>, ResolverError>,
        old: Option<&Tenant>,
    ) -> Answer {
        let settings = match answer {
            Ok(Some(settings)) if settings.name() == name => settings,
            Ok(Some(_)) => {
                tracing::error!("the issuer resolver has named another issuer than asked for");
                return Err(InvalidTokenReason::Issuer.into());
            }
            Ok(None) => return Err(InvalidTokenReason::Issuer.into()),
            Err(ResolverError) => {
                if let Some(others) = self.failures.turn(self.clock.monotonic()) {
                    tracing::warn!(others, "the issuer resolver is out of reach");
                }
                return Err(unavailable());
            }
        };
        let before = old.map(|old| &old.issuer);
        let issuer = settings.prepare_tenant(before, &self.default_keys, &self.clock);
        let issuer = issuer.map_err(|error| {
            tracing::error!(%error, "the issuer resolver has returned settings that cannot be used");
            AuthError::Misconfigured
        })?;
        Ok(Arc::new(Tenant::new(issuer, self.clock.monotonic())))
    }
}

impl fmt::Debug for Tenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenants").field("known", &self.inner.known.len()).finish_non_exhaustive()
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
