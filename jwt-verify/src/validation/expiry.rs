//! `exp` (RFC 7519 §4.1.4), or the end of a token that needs none: required; at the end plus leeway
//! the token has expired.

use std::time::Duration;

use crate::error::{AuthError, InvalidTokenReason};

pub(super) fn check(
    end: Option<Duration>,
    now: Duration,
    leeway: Duration,
) -> Result<(), AuthError> {
    let end = end.ok_or(InvalidTokenReason::MissingExpiry)?;
    if now >= end.saturating_add(leeway) {
        return Err(AuthError::ExpiredToken);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_good_moment_is_just_before_exp_plus_leeway() {
        let end = Some(Duration::from_secs(1000));
        let at = |now, leeway| check(end, Duration::from_secs(now), Duration::from_secs(leeway));
        assert_eq!(at(999, 0), Ok(()));
        assert_eq!(at(1000, 0), Err(AuthError::ExpiredToken));
        assert_eq!(at(1029, 30), Ok(()));
        assert_eq!(at(1030, 30), Err(AuthError::ExpiredToken));
    }

    #[test]
    fn a_token_without_end_is_refused() {
        assert_eq!(
            check(None, Duration::ZERO, Duration::ZERO),
            Err(InvalidTokenReason::MissingExpiry.into())
        );
    }
}
