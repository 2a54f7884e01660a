//! `iat` (RFC 7519 §4.1.6): a token cannot come from the future.

use std::time::Duration;

use crate::{claims::Claims, error::InvalidTokenReason};

pub(super) fn check(
    claims: &Claims,
    now: Duration,
    leeway: Duration,
) -> Result<(), InvalidTokenReason> {
    match claims.issued_at() {
        Some(issued) if issued.since_epoch() > now.saturating_add(leeway) => {
            Err(InvalidTokenReason::IssuedAt)
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
    fn the_future_begins_after_the_leeway() {
        let claims = claims(&json!({ "iat": 1000 }));
        let at =
            |now, leeway| check(&claims, Duration::from_secs(now), Duration::from_secs(leeway));
        assert_eq!(at(1000, 0), Ok(()));
        assert_eq!(at(999, 0), Err(InvalidTokenReason::IssuedAt));
        assert_eq!(at(940, 60), Ok(()));
        assert_eq!(at(939, 60), Err(InvalidTokenReason::IssuedAt));
        assert_eq!(check(&Claims::default(), Duration::ZERO, Duration::ZERO), Ok(()));
    }
}
