//! Issuers that are not listed beforehand but resolved when a token names them.

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
    default_keys::DefaultKeys,
    issuer::TrustedIssuer,
    resolver::IssuerResolver,
    tenant_cache::{Tenant, TenantCache},
};
use crate::error::StoreUnavailable;
use crate::{
    clock::Clock,
    defaults::{
        LOG_PAUSE, MAX_ISSUER_BYTES, MAX_RESOLVER_QUESTIONS, NEWCOMER_INTERVAL, REFUSED_ISSUER_TTL,
        REFUSED_ISSUERS, RESOLVER_PATIENCE, RESOLVER_RETRY, RESOLVER_TIMEOUT,
    },
    error::{AuthError, InvalidTokenReason},
    key::KeyLookupError,
    log_limiter::LogLimiter,
    negative_cache::NegativeCache,
    refetch_limiter::RefetchLimiter,
};

/// Result of a call of the resolver.
type Resolution = Result<Arc<Tenant>, AuthError>;

/// A resolver call in flight.
struct InFlight {
    id: u64,
    answer: watch::Receiver<Option<Resolution>>,
}

/// The resolver and its cached answers.
#[derive(Clone)]
pub(super) struct ResolvedIssuers {
    inner: Arc<ResolvedIssuersInner>,
}

struct ResolvedIssuersInner {
    resolver: Box<dyn IssuerResolver>,
    default_keys: DefaultKeys,
    known: TenantCache,
    /// Limits how many issuers without a valid token may have keys looked up within a window.
    newcomers: Mutex<RefetchLimiter>,
    in_flight: DashMap<String, InFlight>,
    next_id: AtomicU64,
    untrusted: NegativeCache,
    /// Names for which the resolver recently failed, or returned unusable settings.
    failed: NegativeCache,
    invalid: NegativeCache,
    out_of_reach: LogLimiter,
    other_name: LogLimiter,
    unusable: LogLimiter,
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
            newcomers: Mutex::new(RefetchLimiter::new(most, NEWCOMER_INTERVAL)),
            in_flight: DashMap::new(),
            next_id: AtomicU64::new(0),
            untrusted: NegativeCache::new(REFUSED_ISSUERS),
            failed: NegativeCache::new(REFUSED_ISSUERS),
            invalid: NegativeCache::new(REFUSED_ISSUERS),
            out_of_reach: LogLimiter::new(LOG_PAUSE),
            other_name: LogLimiter::new(LOG_PAUSE),
            unusable: LogLimiter::new(LOG_PAUSE),
            clock,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Returns the cached answer; `None` means that the resolver has to be asked.
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

    /// Asks the resolver and waits for its answer.
    pub(super) async fn resolve(&self, name: &str) -> Resolution {
        // A call that was overtaken by `forget` is made once more.
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

    /// Returns the resolver's previous answer, if it may be used while the resolver is unreachable.
    fn last_word(&self, name: &str) -> Option<Arc<Tenant>> {
        let now = self.inner.clock.monotonic();
        self.inner.known.get(name).filter(|tenant| tenant.is_usable(now))
    }

    /// Joins the resolver call in flight for this issuer, or starts one. The call is independent of
    /// the requests that wait for it: a client that disconnects can neither end nor delay it.
    /// `None` if there are too many. Known names have capacity reserved for them.
    fn question(&self, name: &str) -> Option<watch::Receiver<Option<Resolution>>> {
        let places = if self.last_word(name).is_some() { 2 } else { 1 } * MAX_RESOLVER_QUESTIONS;
        let is_full = self.inner.in_flight.len() >= places;
        let (sender, receiver) = watch::channel(None);
        let id = self.inner.next_id.fetch_add(1, Ordering::Relaxed);
        match self.inner.in_flight.entry(name.to_owned()) {
            Entry::Occupied(asked) => return Some(asked.get().answer.clone()),
            Entry::Vacant(_) if is_full => return None,
            Entry::Vacant(place) => {
                // Answered since this request looked: an answer is stored before its call ends.
                if let Some(answer) = self.find(name) {
                    return Some(watch::channel(Some(answer)).1);
                }
                place.insert(InFlight { id, answer: receiver.clone() });
            }
        }
        // Made before the job is handed over, so that a job dropped before it runs still ends the
        // call.
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

    /// Returns an error if keys may not be waited for on behalf of an unverified token of this
    /// issuer.
    ///
    /// Keys of an issuer with a valid token may always be waited for. Issuers without one share a
    /// number of slots; each slot is taken for a window, or until a valid token arrives.
    pub(super) fn admit(&self, tenant: &Tenant) -> Result<(), KeyLookupError> {
        let now = self.inner.clock.monotonic();
        if tenant.is_admitted(now) {
            return Ok(());
        }
        let newcomers = self.inner.newcomers.lock().unwrap_or_else(PoisonError::into_inner);
        // Another request may have taken the slot meanwhile.
        if tenant.is_admitted(now) {
            return Ok(());
        }
        if !newcomers.try_pass(now) {
            return Err(KeyLookupError::Limited { retry_after: newcomers.opens_in(now) });
        }
        tenant.admit_until(now.saturating_add(NEWCOMER_INTERVAL));
        Ok(())
    }

    /// Records a valid token of this issuer. An issuer that had none before gives its slot back.
    pub(super) fn note_good(&self, tenant: &Tenant) {
        if !tenant.has_been_good()
            && let Some(until) = tenant.take_admission()
        {
            let newcomers = self.inner.newcomers.lock().unwrap_or_else(PoisonError::into_inner);
            newcomers.take_back(until.saturating_sub(NEWCOMER_INTERVAL));
        }
        tenant.note_good(self.inner.clock.monotonic());
    }

    /// Discards the resolver's answer about an issuer, and the answer of a call in flight.
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

/// Ends a call exactly once, however its task ends.
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
        let answer = self.record_answer(answer);
        self.has_ended = true;
        if let Some(answer) = answer {
            self.sender.send_replace(Some(answer));
        }
    }

    /// Stores the resolver's answer. `None` if no request waits for it any more.
    fn record_answer(
        &self,
        answer: Result<Option<TrustedIssuer>, StoreUnavailable>,
    ) -> Option<Resolution> {
        let (inner, name) = (&*self.tenants.inner, self.name.as_str());
        // Held until the answer is stored, so that `forget` comes before or after it.
        let Entry::Occupied(question) = inner.in_flight.entry(name.to_owned()) else { return None };
        if question.get().id != self.id {
            return None;
        }
        let old = inner.known.get(name);
        let outcome = inner.accept_settings(name, answer, old.as_deref());
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
            // Its previous answer remains usable for a while.
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
    /// A lost call, because the resolver panicked or its runtime ended, counts as a failure and is
    /// cached as one.
    fn drop(&mut self) {
        if !self.has_ended {
            self.end(Err(StoreUnavailable::new()));
        }
    }
}

impl ResolvedIssuersInner {
    fn accept_settings(
        &self,
        name: &str,
        answer: Result<Option<TrustedIssuer>, StoreUnavailable>,
        old: Option<&Tenant>,
    ) -> Resolution {
        let now = self.clock.monotonic();
        let settings = match answer {
            Ok(Some(settings)) if settings.name() == Some(name) => settings,
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
