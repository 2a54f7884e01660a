//! `cnf` (RFC 7800 §3.1, RFC 8705 §3, RFC 9449 §6): a token bound to a key is no bearer token. A
//! binding that nothing here can check is refused whoever shows the token; accepting it would undo it.

use crate::{Claims, InvalidTokenReason, key::Thumbprint};

/// Accepts a token that is bound to nothing, or to a key that a DPoP proof can prove.
pub(super) fn check(claims: &Claims) -> Result<(), InvalidTokenReason> {
    binding(claims).map(drop)
}

/// The key that a token is bound to, if it is bound.
pub(crate) fn binding(claims: &Claims) -> Result<Option<Thumbprint>, InvalidTokenReason> {
    let Some(confirmation) = claims.find("cnf") else { return Ok(None) };
    let mut methods = confirmation.members();
    match (methods.next(), methods.next()) {
        (Some(("jkt", key)), None) => key.as_str().and_then(Thumbprint::parse).map(Some),
        // Of two methods each would have to hold.
        _ => None,
    }
    .ok_or(InvalidTokenReason::Confirmation)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::validation::claims;

    const KEY: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

    #[test]
    fn a_token_is_bound_to_a_key_or_to_nothing() {
        assert_eq!(check(&Claims::default()), Ok(()));
        assert_eq!(binding(&Claims::default()), Ok(None));
        let bound = claims(&json!({ "cnf": { "jkt": KEY } }));
        assert_eq!(check(&bound), Ok(()));
        assert_eq!(binding(&bound), Ok(Thumbprint::parse(KEY)));
    }

    #[test]
    fn any_other_confirmation_is_refused() {
        for cnf in [
            json!({ "jkt": "x" }),
            json!({ "jkt": 5 }),
            json!({ "jkt": null }),
            json!({ "jkt": format!("{KEY}=") }),
            json!({ "jkt": &KEY[1..] }),
            json!({ "jkt": KEY, "x5t#S256": KEY }),
            json!({ "x5t#S256": KEY }),
            json!({ "JKT": KEY }),
            json!({ "foo": "x" }),
            json!([{ "jkt": KEY }]),
            json!(KEY),
            json!(null),
            json!({}),
        ] {
            let refused = Err(InvalidTokenReason::Confirmation);
            assert_eq!(check(&claims(&json!({ "cnf": cnf }))), refused, "{cnf}");
        }
    }
}
