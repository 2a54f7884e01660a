//! `sub` (RFC 7519 §4.1.2): present and not empty, if the application requires it.

use crate::{claims::Claims, error::InvalidTokenReason};

pub(super) fn check(claims: &Claims, required: bool) -> Result<(), InvalidTokenReason> {
    let named = claims.subject().is_some_and(|subject| !subject.is_empty());
    if named || !required { Ok(()) } else { Err(InvalidTokenReason::Subject) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::validation::claims;

    #[test]
    fn a_subject_is_needed_only_on_request() {
        assert_eq!(check(&Claims::default(), false), Ok(()));
        assert_eq!(check(&Claims::default(), true), Err(InvalidTokenReason::Subject));
        assert_eq!(check(&claims(&json!({"sub": ""})), true), Err(InvalidTokenReason::Subject));
        assert_eq!(check(&claims(&json!({"sub": "s"})), true), Ok(()));
    }
}
