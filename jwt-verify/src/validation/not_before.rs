//! `nbf` (RFC 7519 §4.1.5).

use std::time::Duration;

use crate::{claims::Claims, error::InvalidTokenReason};

pub(super) fn check(
    claims: &Claims,
    now: Duration,
    leeway: Duration,
) -> Result<(), InvalidTokenReason> {
    match claims.not_before() {
        Some(start) if start.since_epoch() > now.saturating_add(leeway) => {
            Err(InvalidTokenReason::NotYetValid)
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::validation::claims;

    #[test]
    fn a_token_begins_at_nbf_less_leeway() {
        let claims = claims(&json!({ "nbf": 1000 }));
        let at =
            |now, leeway| check(&claims, Duration::from_secs(now), Duration::from_secs(leeway));
        assert_eq!(at(1000, 0), Ok(()));
        assert_eq!(at(999, 0), Err(InvalidTokenReason::NotYetValid));
        assert_eq!(at(970, 30), Ok(()));
        assert_eq!(at(969, 30), Err(InvalidTokenReason::NotYetValid));
        assert_eq!(check(&Claims::default(), Duration::ZERO, Duration::ZERO), Ok(()));
    }
}
