//! Consistent dates, and a lifetime within the configured maximum.

use std::time::Duration;

use crate::{claims::Claims, error::InvalidTokenReason};

pub(super) fn check(claims: &Claims, longest: Option<Duration>) -> Result<(), InvalidTokenReason> {
    let Some(end) = claims.expires_at() else { return Ok(()) };
    let starts = [claims.issued_at(), claims.not_before()];
    if starts.into_iter().flatten().any(|start| end < start) {
        return Err(InvalidTokenReason::LifetimeTooLong);
    }
    let Some(longest) = longest else { return Ok(()) };
    // Without a start it is unknown how long the token has been valid.
    let start =
        claims.issued_at().or(claims.not_before()).ok_or(InvalidTokenReason::LifetimeTooLong)?;
    if end.since_epoch().saturating_sub(start.since_epoch()) > longest {
        return Err(InvalidTokenReason::LifetimeTooLong);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::validation::claims;

    fn judge(json: &Value, longest: Option<u64>) -> Result<(), InvalidTokenReason> {
        check(&claims(json), longest.map(Duration::from_secs))
    }

    #[test]
    fn a_token_must_not_end_before_it_begins() {
        assert_eq!(judge(&json!({"exp": 10, "iat": 10, "nbf": 10}), None), Ok(()));
        assert_eq!(
            judge(&json!({"exp": 10, "iat": 11}), None),
            Err(InvalidTokenReason::LifetimeTooLong)
        );
        assert_eq!(
            judge(&json!({"exp": 10, "nbf": 11}), None),
            Err(InvalidTokenReason::LifetimeTooLong)
        );
    }

    #[test]
    fn a_lifetime_is_bounded_only_on_request() {
        assert_eq!(judge(&json!({"exp": 100_000, "iat": 0}), None), Ok(()));
        assert_eq!(judge(&json!({"exp": 100, "iat": 0}), Some(100)), Ok(()));
        assert_eq!(
            judge(&json!({"exp": 101, "iat": 0}), Some(100)),
            Err(InvalidTokenReason::LifetimeTooLong)
        );
        assert_eq!(
            judge(&json!({"exp": 101, "nbf": 0}), Some(100)),
            Err(InvalidTokenReason::LifetimeTooLong)
        );
        assert_eq!(judge(&json!({"exp": 50}), Some(100)), Err(InvalidTokenReason::LifetimeTooLong));
    }
}
