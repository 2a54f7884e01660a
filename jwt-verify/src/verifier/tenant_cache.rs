//! Bounded cache of the issuers that a resolver has named.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use dashmap::DashMap;

use super::prepared_issuer::Issuer;
use crate::{
    atomic_time::AtomicTime,
    clock::millis,
    defaults::{RESOLVED_ISSUER_STALE, RESOLVED_ISSUER_TTL},
    mix::mix,
};

/// An issuer that the resolver has named.
#[derive(Debug)]
pub(super) struct Tenant {
    pub(super) issuer: Issuer,
    /// Time of the resolver's answer, on the monotonic clock.
    confirmed_at: Duration,
    /// Time of the next call of the resolver.
    ask_again_at: AtomicTime,
    /// Time of its last valid token, to about a second; zero if there was none.
    good_at: AtomicTime,
    /// Time until which keys may be waited for without a valid token.
    admitted_until: AtomicTime,
}

impl Tenant {
    /// Makes a tenant, which takes over the state of the one that it replaces.
    pub(super) fn new(issuer: Issuer, now: Duration, before: Option<&Self>) -> Self {
        let taken_over = |time: fn(&Self) -> &AtomicTime| {
            AtomicTime::new(before.map_or(Duration::ZERO, |before| time(before).load()))
        };
        Self {
            issuer,
            confirmed_at: now,
            ask_again_at: AtomicTime::new(now.saturating_add(RESOLVED_ISSUER_TTL)),
            good_at: taken_over(|before| &before.good_at),
            admitted_until: taken_over(|before| &before.admitted_until),
        }
    }

    /// Returns a number that is another one for each answer of the resolver.
    pub(super) fn stamp(&self) -> u64 {
        mix(std::ptr::from_ref(self).addr() as u64) ^ millis(self.confirmed_at)
    }

    /// Returns `true` if the resolver's answer is used without asking again.
    pub(super) fn is_fresh(&self, now: Duration) -> bool {
        now < self.ask_again_at.load() && self.is_usable(now)
    }

    /// Returns `true` if the answer may be used while the resolver is unreachable.
    pub(super) fn is_usable(&self, now: Duration) -> bool {
        now < self.confirmed_at.saturating_add(RESOLVED_ISSUER_TTL + RESOLVED_ISSUER_STALE)
    }

    pub(super) fn ask_again_at(&self, time: Duration) {
        self.ask_again_at.store(time);
    }

    /// Marks it as expired for all who hold a reference to it.
    pub(super) fn expire(&self) {
        self.ask_again_at(Duration::ZERO);
    }

    /// Records a valid token of this issuer.
    pub(super) fn note_good(&self, now: Duration) {
        let before = self.good_at.load();
        // Written only from time to time, so that workers can share the cache line.
        if before.is_zero() || now >= before.saturating_add(Duration::from_secs(1)) {
            self.good_at.store(now.max(Duration::from_nanos(1)));
        }
    }

    /// Returns `true` if the issuer has had a valid token.
    pub(super) fn has_been_good(&self) -> bool {
        !self.good_at.load().is_zero()
    }

    /// Returns `true` if keys may be waited for without a valid token.
    pub(super) fn is_admitted(&self, now: Duration) -> bool {
        self.has_been_good() || now < self.admitted_until.load()
    }

    pub(super) fn admit_until(&self, time: Duration) {
        self.admitted_until.store(time);
    }

    /// Takes its admission, if it has one, and returns when that ends.
    pub(super) fn take_admission(&self) -> Option<Duration> {
        Some(self.admitted_until.take()).filter(|until| !until.is_zero())
    }
}

/// A bounded number of tenants. Those with valid tokens are not evicted for those that were only
/// named.
///
/// It has room for a number of tenants with valid tokens, and for as many without. Those without
/// are evicted first, oldest first; those with one are evicted only when they exceed their number.
#[derive(Debug)]
pub(super) struct TenantCache {
    tenants: DashMap<String, Arc<Tenant>>,
    most: usize,
    /// Held while room is made for a tenant.
    arrival: Mutex<()>,
    has_warned: AtomicBool,
}

impl TenantCache {
    pub(super) fn new(most: usize) -> Self {
        let has_warned = AtomicBool::new(false);
        Self { tenants: DashMap::new(), most, arrival: Mutex::default(), has_warned }
    }

    pub(super) fn get(&self, name: &str) -> Option<Arc<Tenant>> {
        self.tenants.get(name).map(|tenant| tenant.clone())
    }

    /// Inserts a tenant, and replaces the one of that name if there is one.
    pub(super) fn insert(&self, name: &str, tenant: Arc<Tenant>, now: Duration) {
        let _turn = self.arrival.lock().unwrap_or_else(PoisonError::into_inner);
        while self.tenants.len() >= self.most.saturating_mul(2) && !self.tenants.contains_key(name)
        {
            let Some((_, gone)) = self.least().and_then(|name| self.tenants.remove(&name)) else {
                break;
            };
            let is_early = now < gone.confirmed_at.saturating_add(RESOLVED_ISSUER_TTL);
            if is_early && !self.has_warned.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    kept = self.most,
                    "there are more issuers than are kept: raise `max_resolved_issuers`"
                );
            }
        }
        self.tenants.insert(name.to_owned(), tenant);
    }

    /// Returns the name of the tenant to evict when the cache is full.
    fn least(&self) -> Option<String> {
        let (mut newcomer, mut proven) = (None, None);
        let mut number_of_proven = 0;
        let keep_lesser =
            |least: &mut Option<(Duration, String)>, time: Duration, name: &String| {
                if least.as_ref().is_none_or(|(earliest, _)| time < *earliest) {
                    *least = Some((time, name.clone()));
                }
            };
        for entry in &self.tenants {
            let good_at = entry.good_at.load();
            if good_at.is_zero() {
                keep_lesser(&mut newcomer, entry.confirmed_at, entry.key());
            } else {
                number_of_proven += 1;
                keep_lesser(&mut proven, good_at, entry.key());
            }
        }
        let least = if number_of_proven > self.most { proven } else { newcomer.or(proven) };
        least.map(|(_, name)| name)
    }

    pub(super) fn remove(&self, name: &str) -> Option<Arc<Tenant>> {
        self.tenants.remove(name).map(|(_, tenant)| tenant)
    }

    pub(super) fn all(&self) -> Vec<Arc<Tenant>> {
        self.tenants.iter().map(|tenant| tenant.clone()).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.tenants.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::{Clock, SystemClock},
        key::JwkSet,
        verifier::TrustedIssuer,
    };

    fn tenant(now: u64) -> Arc<Tenant> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let settings = TrustedIssuer::new("https://tenant.example", "api").keys(JwkSet::default());
        Arc::new(Tenant::new(settings.prepare(&clock).unwrap(), Duration::from_secs(now), None))
    }

    fn is_known(known: &TenantCache, number: u64) -> bool {
        known.get(&number.to_string()).is_some()
    }

    /// WEA-05: however many names there are, tenants with a valid token stay.
    #[test]
    fn mere_names_push_out_nobody_who_has_shown_a_good_token() {
        let known = TenantCache::new(10);
        for number in 0..10 {
            let tenant = tenant(number);
            tenant.note_good(Duration::from_secs(number));
            known.insert(&number.to_string(), tenant, Duration::from_secs(number));
        }
        for number in 10..100 {
            known.insert(&number.to_string(), tenant(number), Duration::from_secs(number));
        }
        assert_eq!(known.len(), 20);
        assert!((0..10).chain(90..100).all(|number| is_known(&known, number)));
    }

    /// Names have room of their own: tenants with valid tokens leave some for new ones.
    #[test]
    fn beyond_their_number_the_one_whose_good_token_is_oldest_makes_room() {
        let known = TenantCache::new(2);
        for number in [3, 1, 2, 4] {
            let tenant = tenant(9);
            tenant.note_good(Duration::from_secs(number));
            known.insert(&number.to_string(), tenant, Duration::from_secs(9));
        }
        for (number, gone) in [(5, 1), (6, 2), (7, 5), (8, 6)] {
            known.insert(&number.to_string(), tenant(number), Duration::from_secs(9));
            assert!(is_known(&known, number) && !is_known(&known, gone), "{number}");
        }
        assert!(is_known(&known, 3) && is_known(&known, 4));
        assert_eq!(known.len(), 4);
    }

    #[test]
    fn a_good_token_is_noted_once_a_second_and_outlives_new_settings() {
        let first = tenant(0);
        assert!(!first.has_been_good());
        first.note_good(Duration::ZERO);
        assert!(first.has_been_good());
        first.note_good(Duration::from_millis(500));
        assert_eq!(first.good_at.load(), Duration::from_nanos(1));
        first.note_good(Duration::from_secs(2));
        let issuer = Arc::into_inner(tenant(0)).unwrap().issuer;
        let second = Tenant::new(issuer, Duration::from_secs(3), Some(&first));
        assert!(second.has_been_good() && second.is_admitted(Duration::from_secs(3)));
        assert_eq!(second.good_at.load(), Duration::from_secs(2));
    }
}
