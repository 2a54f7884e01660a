//! `exp` (RFC 7519 §4.1.4): required; at `exp` plus leeway the token has expired.

use std::time::Duration;

use crate::{
    claims::Claims,
    error::{AuthError, InvalidTokenReason},
};

pub(super) fn check(claims: &Claims, now: Duration, leeway: Duration) -> Result<(), AuthError> {
    let expires_at = claims.expires_at().ok_or(InvalidTokenReason::MissingExpiry)?;
    if now >= expires_at.since_epoch().saturating_add(leeway) {
        return Err(AuthError::ExpiredToken);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::validation::claims;

    #[test]
    fn the_last_good_moment_is_just_before_exp_plus_leeway() {
        let claims = claims(&json!({ "exp": 1000 }));
        let at =
            |now, leeway| check(&claims, Duration::from_secs(now), Duration::from_secs(leeway));
        assert_eq!(at(999, 0), Ok(()));
        assert_eq!(at(1000, 0), Err(AuthError::ExpiredToken));
        assert_eq!(at(1029, 30), Ok(()));
        assert_eq!(at(1030, 30), Err(AuthError::ExpiredToken));
    }

    #[test]
    fn a_token_without_end_is_refused() {
        assert_eq!(
            check(&Claims::default(), Duration::ZERO, Duration::ZERO),
            Err(InvalidTokenReason::MissingExpiry.into())
        );
    }
}
