//! How often something may be tried.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use governor::{
    DefaultDirectRateLimiter, NotUntil, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};

#[derive(Clone, Copy)]
pub(super) struct Limit {
    /// How many attempts may come at once.
    pub(super) at_once: u32,
    /// After how long one more is allowed.
    pub(super) every: Duration,
}

/// Counts attempts by name or by address.
pub(super) struct Throttle {
    quota: Quota,
    counted: Mutex<HashMap<String, Counted>>,
}

struct Counted {
    limiter: DefaultDirectRateLimiter,
    /// When whoever has failed too often may try again.
    refused_until: Option<Instant>,
}

/// How many names or addresses are counted at a time.
const MOST: usize = 10_000;

impl Throttle {
    pub(super) fn new(limit: Limit) -> Self {
        let at_once = NonZeroU32::new(limit.at_once).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(limit.every).map(|quota| quota.allow_burst(at_once));
        Self { quota: quota.unwrap_or(Quota::per_second(at_once)), counted: Mutex::default() }
    }

    /// Counts an attempt before it is made, so that no number of them at once gets through.
    ///
    /// # Errors
    /// After how long to come back, if there were too many.
    pub(super) fn attempt(&self, who: &str) -> Result<(), Duration> {
        self.with(who, |counted| counted.limiter.check().map_err(|until| wait(&until)))?
    }

    /// Whether somebody may try who has not [failed](Self::failed) too often.
    ///
    /// # Errors
    /// After how long to come back.
    pub(super) fn admit(&self, who: &str) -> Result<(), Duration> {
        self.with(who, |counted| {
            let left = counted.refused_until?.checked_duration_since(Instant::now())?;
            Some(left).filter(|left| !left.is_zero())
        })?
        .map_or(Ok(()), Err)
    }

    /// Counts a failure.
    pub(super) fn failed(&self, who: &str) {
        // While too many are counted, nobody new is admitted either.
        let _ = self.with(who, |counted| {
            if let Err(until) = counted.limiter.check() {
                counted.refused_until = Some(Instant::now() + wait(&until));
            }
        });
    }

    /// Forgets the attempts of somebody who has succeeded.
    pub(super) fn forgive(&self, who: &str) {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner).remove(who);
    }

    fn with<T>(&self, who: &str, what: impl FnOnce(&mut Counted) -> T) -> Result<T, Duration> {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.len() >= MOST && !counted.contains_key(who) {
            // Whoever has all attempts left is as good as new.
            let all = self.quota.burst_size();
            counted.retain(|_, counted| !matches!(counted.limiter.check_n(all), Ok(Ok(()))));
            if counted.len() >= MOST {
                return Err(self.quota.replenish_interval());
            }
        }
        let new = || Counted { limiter: RateLimiter::direct(self.quota), refused_until: None };
        Ok(what(counted.entry(who.to_owned()).or_insert_with(new)))
    }
}

fn wait(until: &NotUntil<<DefaultClock as Clock>::Instant>) -> Duration {
    until.wait_time_from(DefaultClock::default().now())
}
