//! Jitter, so that instances do not act at the same time.

#[cfg(feature = "redis")]
use std::time::Duration;

/// Returns a number from 0 up to 1. A failing random generator costs the spread, nothing else.
pub(crate) fn random_fraction() -> f64 {
    let mut bytes = [0xff; 4];
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    f64::from(u32::from_be_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
}

/// Returns a time between two others.
#[cfg(feature = "redis")]
pub(crate) fn between(least: Duration, most: Duration) -> Duration {
    least + most.saturating_sub(least).mul_f64(random_fraction())
}

#[cfg(all(test, feature = "redis"))]
mod tests {
    use super::*;

    #[test]
    fn chance_stays_within_its_bounds() {
        let (least, most) = (Duration::from_millis(10), Duration::from_millis(20));
        let times: Vec<Duration> = (0..100).map(|_| between(least, most)).collect();
        assert!(times.iter().all(|time| (least..=most).contains(time)));
        assert!(times.iter().any(|time| *time != least));
        assert_eq!(between(most, least), most);
    }
}
