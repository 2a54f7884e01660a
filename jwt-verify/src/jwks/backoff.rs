//! When to try again after a failure.

use std::time::Duration;

use crate::{
    jitter::random_fraction,
    limits::{RETRY_FIRST, RETRY_MOST},
};

/// The pause after the n-th failure in a row: a random part of a span that doubles from 1 s to
/// 60 s, and at least half of the first span, so that instances do not knock together and none
/// knocks at once. What the issuer asks for with `Retry-After` counts up to the longest span.
pub(super) fn pause(failures: u32, retry_after: Option<Duration>) -> Duration {
    let doubled = RETRY_FIRST
        .saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
    let span = doubled.min(RETRY_MOST);
    let pause = span.mul_f64(random_fraction()).max(RETRY_FIRST / 2);
    pause.max(retry_after.unwrap_or_default().min(RETRY_MOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_are_never_tiny() {
        for failures in [1, 2, 5, 20, 40, u32::MAX] {
            for _ in 0..100 {
                let pause = pause(failures, None);
                assert!(pause >= RETRY_FIRST / 2 && pause <= RETRY_MOST, "{failures}: {pause:?}");
                assert!(failures > 1 || pause <= RETRY_FIRST, "{pause:?}");
            }
        }
    }

    #[test]
    fn the_issuers_wish_counts_up_to_the_bound() {
        assert!(pause(1, Some(Duration::from_secs(7))) >= Duration::from_secs(7));
        assert_eq!(pause(1, Some(Duration::from_secs(3600))), RETRY_MOST);
    }
}
