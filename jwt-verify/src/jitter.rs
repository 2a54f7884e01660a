//! Jitter, so that instances do not act at the same time.

use std::hash::{BuildHasher as _, RandomState};
#[cfg(feature = "redis")]
use std::time::Duration;

/// Returns a number from 0 up to 1. It may be guessed: nothing is kept secret by it.
pub(crate) fn random_fraction() -> f64 {
    // Not from the random generator of the cryptography, which ends a process with SIGABRT when a thread
    // in the background asks it while the process exits.
    let [.., a, b, c, d] = RandomState::new().hash_one(()).to_be_bytes();
    f64::from(u32::from_be_bytes([a, b, c, d])) / (f64::from(u32::MAX) + 1.0)
}

/// Returns a time between two others.
#[cfg(feature = "redis")]
pub(crate) fn between(least: Duration, most: Duration) -> Duration {
    least + most.saturating_sub(least).mul_f64(random_fraction())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_spread() {
        let fractions: Vec<f64> = (0..100).map(|_| random_fraction()).collect();
        assert!(fractions.iter().all(|one| (0.0..1.0).contains(one)));
        assert!(fractions.iter().any(|one| *one < 0.3) && fractions.iter().any(|one| *one > 0.7));
    }

    #[cfg(feature = "redis")]
    #[test]
    fn chance_stays_within_its_bounds() {
        let (least, most) = (Duration::from_millis(10), Duration::from_millis(20));
        let times: Vec<Duration> = (0..100).map(|_| between(least, most)).collect();
        assert!(times.iter().all(|time| (least..=most).contains(time)));
        assert!(times.iter().any(|time| *time != least));
        assert_eq!(between(most, least), most);
    }
}
