//! Issuers that are not listed beforehand but found when a token names them.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use dashmap::{DashMap, Entry};
use tokio::sync::watch;

use super::{
    issuer::{DefaultKeys, TrustedIssuer},
    resolver::IssuerResolver,
    tenant_cache::{Tenant, TenantCache},
};
use crate::error::StoreUnavailable;
use crate::{
    clock::Clock,
    error::{AuthError, InvalidTokenReason},
    gate::RefreshGate,
    key::KeyLookupError,
    limits::{
        LOG_PAUSE, MAX_ISSUER_BYTES, MAX_RESOLVER_QUESTIONS, NEWCOMER_INTERVAL, REFUSED_ISSUER_TTL,
        REFUSED_ISSUERS, RESOLVER_PATIENCE, RESOLVER_RETRY, RESOLVER_TIMEOUT,
    },
    negative_cache::NegativeCache,
    seldom::Seldom,
};

/// What a question has brought.
type Resolution = Result<Arc<Tenant>, AuthError>;

/// A question that is being answered.
struct InFlight {
    id: u64,
    answer: watch::Receiver<Option<Resolution>>,
}

/// The resolver, and what it has said.
#[derive(Clone)]
pub(super) struct ResolvedIssuers {
    inner: Arc<ResolvedIssuersInner>,
}

struct ResolvedIssuersInner {
    resolver: Box<dyn IssuerResolver>,
    default_keys: DefaultKeys,
    known: TenantCache,
    /// How many issuers may have keys waited for within a span, before a good token was seen of them.
    newcomers: Mutex<RefreshGate>,
    in_flight: DashMap<String, InFlight>,
    next_id: AtomicU64,
    untrusted: NegativeCache,
    /// Names about which it has just failed to answer, or answered with what cannot be used.
    failed: NegativeCache,
    invalid: NegativeCache,
    out_of_reach: Seldom,
    other_name: Seldom,
    unusable: Seldom,
    clock: Arc<dyn Clock>,
}

impl ResolvedIssuers {
    pub(super) fn new(
        resolver: Box<dyn IssuerResolver>,
        default_keys: DefaultKeys,
        most: usize,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let inner = ResolvedIssuersInner {
            resolver,
            default_keys,
            known: TenantCache::new(most),
            newcomers: Mutex::new(RefreshGate::new(most, NEWCOMER_INTERVAL)),
            in_flight: DashMap::new(),
            next_id: AtomicU64::new(0),
            untrusted: NegativeCache::new(REFUSED_ISSUERS),
            failed: NegativeCache::new(REFUSED_ISSUERS),
            invalid: NegativeCache::new(REFUSED_ISSUERS),
            out_of_reach: Seldom::new(LOG_PAUSE),
            other_name: Seldom::new(LOG_PAUSE),
            unusable: Seldom::new(LOG_PAUSE),
            clock,
        };
        Self { inner: Arc::new(inner) }
    }

    /// What is known without asking; `None` means that the resolver has to be asked.
    pub(super) fn find(&self, name: &str) -> Option<Resolution> {
        let (inner, now) = (&self.inner, self.inner.clock.monotonic());
        if let Some(tenant) = inner.known.get(name) {
            return tenant.is_fresh(now).then_some(Ok(tenant));
        }
        if name.len() > MAX_ISSUER_BYTES || inner.untrusted.contains(name, now) {
            return Some(Err(InvalidTokenReason::Issuer.into()));
        }
        if inner.invalid.contains(name, now) {
            return Some(Err(AuthError::Misconfigured));
        }
        inner.failed.contains(name, now).then(|| Err(unavailable()))
    }

    /// Waits for what the resolver says.
    pub(super) async fn resolve(&self, name: &str) -> Resolution {
        // A question that was overtaken by `forget` is put once more.
        for _ in 0..2 {
            if let Some(answer) = self.find(name) {
                return answer;
            }
            let Some(mut answer) = self.question(name) else {
                return self.last_word(name).ok_or_else(unavailable);
            };
            if let Ok(answer) = answer.wait_for(Option::is_some).await
                && let Some(answer) = answer.clone()
            {
                return answer;
            }
        }
        Err(unavailable())
    }

    /// What the resolver said before, where that counts while it cannot be asked.
    fn last_word(&self, name: &str) -> Option<Arc<Tenant>> {
        let now = self.inner.clock.monotonic();
        self.inner.known.get(name).filter(|tenant| tenant.is_usable(now))
    }

    /// The question about this issuer that is being answered, or a new one, which belongs to nobody
    /// who waits: whoever hangs up can neither end nor delay it. `None` if there are too many. Names
    /// that are known have places that others cannot take.
    fn question(&self, name: &str) -> Option<watch::Receiver<Option<Resolution>>> {
        let places = if self.last_word(name).is_some() { 2 } else { 1 } * MAX_RESOLVER_QUESTIONS;
        let is_full = self.inner.in_flight.len() >= places;
        let (sender, receiver) = watch::channel(None);
        let id = self.inner.next_id.fetch_add(1, Ordering::Relaxed);
        match self.inner.in_flight.entry(name.to_owned()) {
            Entry::Occupied(asked) => return Some(asked.get().answer.clone()),
            Entry::Vacant(_) if is_full => return None,
            Entry::Vacant(place) => {
                // Answered since this one looked: an answer is in its place before its question ends.
                if let Some(answer) = self.find(name) {
                    return Some(watch::channel(Some(answer)).1);
                }
                place.insert(InFlight { id, answer: receiver.clone() });
            }
        }
        // Made before the job is handed over, so that a job dropped unrun still ends the question.
        let guard = InFlightGuard {
            tenants: self.clone(),
            name: name.to_owned(),
            id,
            sender,
            has_ended: false,
        };
        let job = async move {
            let answer = guard.tenants.ask(&guard.name).await;
            guard.end_with(answer);
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(job);
        } else {
            tracing::error!("an issuer resolver needs a Tokio runtime");
        }
        Some(receiver)
    }

    async fn ask(&self, name: &str) -> Result<Option<TrustedIssuer>, StoreUnavailable> {
        let answer = self.inner.resolver.resolve(name);
        tokio::time::timeout(RESOLVER_TIMEOUT, answer).await.unwrap_or(Err(StoreUnavailable::new()))
    }

    /// Whether keys may be waited for on behalf of a token of this issuer that is not verified.
    ///
    /// Of an issuer that has shown a good token they always may. Those that are only named share a
    /// number of places, each for one issuer and a span of time, or until a good token comes.
    pub(super) fn admit(&self, tenant: &Tenant) -> Result<(), KeyLookupError> {
        let now = self.inner.clock.monotonic();
        if tenant.is_admitted(now) {
            return Ok(());
        }
        let newcomers = self.inner.newcomers.lock().unwrap_or_else(PoisonError::into_inner);
        // Another request may have taken the place meanwhile.
        if tenant.is_admitted(now) {
            return Ok(());
        }
        if !newcomers.try_pass(now) {
            return Err(KeyLookupError::Limited { retry_after: newcomers.opens_in(now) });
        }
        tenant.admit_until(now.saturating_add(NEWCOMER_INTERVAL));
        Ok(())
    }

    /// Notes that a good token of this issuer has come. If it was a mere name before, it gives its place
    /// among those back.
    pub(super) fn note_good(&self, tenant: &Tenant) {
        if !tenant.has_been_good()
            && let Some(until) = tenant.take_admission()
        {
            let newcomers = self.inner.newcomers.lock().unwrap_or_else(PoisonError::into_inner);
            newcomers.take_back(until.saturating_sub(NEWCOMER_INTERVAL));
        }
        tenant.note_good(self.inner.clock.monotonic());
    }

    /// Forgets what the resolver has said about an issuer, and what it is about to say.
    pub(super) fn forget(&self, name: &str) {
        self.inner.in_flight.remove(name);
        if let Some(tenant) = self.inner.known.remove(name) {
            tenant.expire();
        }
        for memory in [&self.inner.untrusted, &self.inner.failed, &self.inner.invalid] {
            memory.remove(name);
        }
    }

    pub(super) fn known(&self) -> impl Iterator<Item = Arc<Tenant>> {
        self.inner.known.all().into_iter()
    }
}

/// Ends a question exactly once, whatever happens to the task that puts it.
struct InFlightGuard {
    tenants: ResolvedIssuers,
    name: String,
    id: u64,
    sender: watch::Sender<Option<Resolution>>,
    has_ended: bool,
}

impl InFlightGuard {
    fn end_with(mut self, answer: Result<Option<TrustedIssuer>, StoreUnavailable>) {
        self.end(answer);
    }

    fn end(&mut self, answer: Result<Option<TrustedIssuer>, StoreUnavailable>) {
        let answer = self.settle(answer);
        self.has_ended = true;
        if let Some(answer) = answer {
            self.sender.send_replace(Some(answer));
        }
    }

    /// Takes over what the resolver said. `None` if nobody wants to know any more.
    fn settle(
        &self,
        answer: Result<Option<TrustedIssuer>, StoreUnavailable>,
    ) -> Option<Resolution> {
        let (inner, name) = (&*self.tenants.inner, self.name.as_str());
        // Held until the answer is in its place, so that `forget` comes before or after it.
        let Entry::Occupied(question) = inner.in_flight.entry(name.to_owned()) else { return None };
        if question.get().id != self.id {
            return None;
        }
        let old = inner.known.get(name);
        let outcome = inner.judge(name, answer, old.as_deref());
        let now = inner.clock.monotonic();
        let settled = match (outcome, old) {
            (Ok(tenant), old) => {
                inner.known.insert(name, tenant.clone(), now);
                if let Some(old) = old {
                    old.expire();
                }
                Ok(tenant)
            }
            (Err(AuthError::InvalidToken(reason)), old) => {
                inner.untrusted.insert(name, now, now.saturating_add(REFUSED_ISSUER_TTL));
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
                    AuthError::Misconfigured => (&inner.invalid, REFUSED_ISSUER_TTL),
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

impl Drop for InFlightGuard {
    /// A question that is lost, because the resolver has panicked or its runtime has ended, is one to
    /// which there is no answer: that is remembered as any other failure is.
    fn drop(&mut self) {
        if !self.has_ended {
            self.end(Err(StoreUnavailable::new()));
        }
    }
}

impl ResolvedIssuersInner {
    fn judge(
        &self,
        name: &str,
        answer: Result<Option<TrustedIssuer>, StoreUnavailable>,
        old: Option<&Tenant>,
    ) -> Resolution {
        let now = self.clock.monotonic();
        let settings = match answer {
            Ok(Some(settings)) if settings.name() == name => settings,
            Ok(Some(_)) => {
                if let Some(others) = self.other_name.turn(now) {
                    tracing::error!(
                        others,
                        "the issuer resolver has named another issuer than asked for"
                    );
                }
                return Err(InvalidTokenReason::Issuer.into());
            }
            Ok(None) => return Err(InvalidTokenReason::Issuer.into()),
            Err(_) => {
                if let Some(others) = self.out_of_reach.turn(now) {
                    tracing::warn!(others, "the issuer resolver is out of reach");
                }
                return Err(unavailable());
            }
        };
        let before = old.map(|old| &old.issuer);
        let issuer = settings.prepare_tenant(before, &self.default_keys, &self.clock);
        let issuer = issuer.map_err(|error| {
            if let Some(others) = self.unusable.turn(now) {
                tracing::error!(%error, others, "the issuer resolver has returned settings that cannot be used");
            }
            AuthError::Misconfigured
        })?;
        Ok(Arc::new(Tenant::new(issuer, self.clock.monotonic(), old)))
    }
}

impl fmt::Debug for ResolvedIssuers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResolvedIssuers")
            .field("known", &self.inner.known.len())
            .finish_non_exhaustive()
    }
}

fn unavailable() -> AuthError {
    AuthError::Unavailable { retry_after: RESOLVER_RETRY }
}
