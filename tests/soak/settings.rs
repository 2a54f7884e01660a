//! What the environment sets, and the times that follow from it.

use std::{env, time::Duration};

use crate::disturbances::DISTURBANCES;

pub(crate) struct Settings {
    /// The whole run, warm-up included.
    pub(crate) duration: Duration,
    /// Requests a second, of all kinds, at all instances.
    pub(crate) rate: usize,
    /// Decides the order of disturbances and what is sent.
    pub(crate) seed: u64,
    /// Names of the disturbances that are run; all if it is empty.
    pub(crate) only: Vec<String>,
}

/// From here on a run is long enough to measure a slope per hour.
const LONG: Duration = Duration::from_secs(1800);

/// The mode for CI.
const SHORT: Duration = Duration::from_secs(600);

impl Settings {
    pub(crate) fn from_env() -> Self {
        let number = |name: &str, default: u64| match env::var(name) {
            Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} must be a number")),
            Err(_) => default,
        };
        let only = env::var("ONLY").unwrap_or_default();
        let only: Vec<String> =
            only.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let is_known = |name: &String| DISTURBANCES.iter().any(|known| known.name() == name);
        assert!(only.iter().all(is_known), "ONLY names a disturbance that is unknown");
        Self {
            duration: Duration::from_secs(number("DURATION", 3600).max(60)),
            rate: number("RATE", 300) as usize,
            seed: number("SEED", 1),
            only,
        }
    }

    pub(crate) fn is_long(&self) -> bool {
        self.duration >= LONG
    }

    /// Long enough for memory and files to be judged at all.
    pub(crate) fn is_judged(&self) -> bool {
        self.duration >= SHORT
    }

    /// With no other disturbance than hostile clients, until caches are full and the allocator has its pages.
    pub(crate) fn warm_up(&self) -> Duration {
        (self.duration / 5).min(Duration::from_secs(600))
    }

    /// Without a disturbance, at the end.
    pub(crate) fn cool_down(&self) -> Duration {
        (self.duration / 10).clamp(Duration::from_secs(15), Duration::from_secs(180))
    }

    /// How long an outage lasts.
    pub(crate) fn outage(&self) -> Duration {
        Duration::from_secs(if self.is_long() { 45 } else { 10 })
    }

    /// Without a disturbance, between two of them.
    pub(crate) fn pause(&self) -> Duration {
        Duration::from_secs(if self.is_long() { 20 } else { 6 })
    }

    /// Tokens that an instance remembers: the default of the library, if there is time to fill it in the
    /// warm-up.
    pub(crate) fn token_cache(&self) -> usize {
        if self.is_long() { 10_000 } else { 1000 }
    }
}
