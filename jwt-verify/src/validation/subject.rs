//! `sub` (RFC 7519 §4.1.2): a text, unless numbers are allowed; present and not empty, if the
//! application requires it.

use crate::{claims::Claims, error::InvalidTokenReason};

pub(super) fn check(claims: &Claims, required: bool) -> Result<(), InvalidTokenReason> {
    let named = claims.subject().is_some_and(|subject| !subject.is_empty());
    if named || !required { Ok(()) } else { Err(InvalidTokenReason::Subject) }
}

/// Accepts a number only if the issuer may send one. `42` and `"42"` are then one subject.
pub(super) fn check_type(claims: &Claims, numeric: bool) -> Result<(), InvalidTokenReason> {
    if numeric || !claims.has_numeric_subject() {
        Ok(())
    } else {
        Err(InvalidTokenReason::ClaimType("sub"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::validation::claims;

    #[test]
    fn a_number_is_a_subject_only_where_that_is_allowed() {
        let refused = Err(InvalidTokenReason::ClaimType("sub"));
        for (payload, strict) in [
            (r#"{"sub":42}"#, refused),
            (r#"{"sub":0}"#, refused),
            (r#"{"sub":"42"}"#, Ok(())),
            (r#"{"sub":null}"#, Ok(())),
            ("{}", Ok(())),
        ] {
            let claims = Claims::parse(payload.into()).unwrap();
            assert_eq!(check_type(&claims, false), strict, "{payload}");
            assert_eq!(check_type(&claims, true), Ok(()), "{payload}");
        }
    }

    #[test]
    fn a_subject_is_needed_only_on_request() {
        assert_eq!(check(&Claims::default(), false), Ok(()));
        assert_eq!(check(&Claims::default(), true), Err(InvalidTokenReason::Subject));
        assert_eq!(check(&claims(&json!({"sub": ""})), true), Err(InvalidTokenReason::Subject));
        assert_eq!(check(&claims(&json!({"sub": "s"})), true), Ok(()));
    }
}
