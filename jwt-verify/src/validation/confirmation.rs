//! `cnf` (RFC 7800 §3.1, RFC 8705 §3, RFC 9449 §6): a token bound to a key is no bearer token. As
//! long as nothing checks the binding, accepting it would undo it.

use crate::{Claims, InvalidTokenReason};

pub(super) fn check(claims: &Claims) -> Result<(), InvalidTokenReason> {
    match claims.find("cnf") {
        None => Ok(()),
        Some(_) => Err(InvalidTokenReason::Confirmation),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::validation::claims;

    #[test]
    fn any_confirmation_is_refused() {
        for cnf in [json!({"jkt": "x"}), json!({"foo": "x"}), json!("x"), json!(null), json!({})] {
            assert_eq!(
                check(&claims(&json!({ "cnf": cnf }))),
                Err(InvalidTokenReason::Confirmation),
                "{cnf}"
            );
        }
        assert_eq!(check(&Claims::default()), Ok(()));
    }
}
