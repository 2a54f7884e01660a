//! `cnf` (RFC 7800 §3.1, RFC 8705 §3, RFC 9449 §6): a token bound to a key is not a bearer token. A
//! binding that this library cannot check is always refused; accepting it would remove the
//! protection.

use crate::{claims::Claims, error::InvalidTokenReason, key::Thumbprint};

/// The sender constraint of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binding {
    /// A key that a DPoP proof can prove (`jkt`).
    Key(Thumbprint),
    /// A certificate presented on the connection (`x5t#S256`).
    Certificate(Thumbprint),
}

/// Accepts a token that is not bound, or whose binding can be checked.
pub(super) fn check(claims: &Claims) -> Result<(), InvalidTokenReason> {
    binding(claims).map(drop)
}

/// Returns the sender constraint of a token, if it has one.
pub(crate) fn binding(claims: &Claims) -> Result<Option<Binding>, InvalidTokenReason> {
    let Some(confirmation) = claims.find("cnf") else { return Ok(None) };
    let mut methods = confirmation.members();
    // With two methods, each would have to be satisfied.
    let (Some((method, value)), None) = (methods.next(), methods.next()) else {
        return Err(InvalidTokenReason::SenderConstraint);
    };
    let binding = match method {
        "jkt" => Binding::Key,
        "x5t#S256" => Binding::Certificate,
        _ => return Err(InvalidTokenReason::SenderConstraint),
    };
    let thumbprint = value.as_str().and_then(Thumbprint::parse);
    thumbprint.map(binding).map(Some).ok_or(InvalidTokenReason::SenderConstraint)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::validation::claims;

    const KEY: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

    #[test]
    fn a_token_is_bound_to_a_key_a_certificate_or_nothing() {
        assert_eq!(check(&Claims::default()), Ok(()));
        assert_eq!(binding(&Claims::default()), Ok(None));
        let bound = claims(&json!({ "cnf": { "jkt": KEY } }));
        assert_eq!(check(&bound), Ok(()));
        assert_eq!(binding(&bound), Ok(Thumbprint::parse(KEY).map(Binding::Key)));
        let bound = claims(&json!({ "cnf": { "x5t#S256": KEY } }));
        assert_eq!(check(&bound), Ok(()));
        assert_eq!(binding(&bound), Ok(Thumbprint::parse(KEY).map(Binding::Certificate)));
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
            json!({ "x5t#S256": &KEY[1..] }),
            json!({ "x5t#S256": [KEY] }),
            json!({ "x5t#s256": KEY }),
            json!({ "x5t": KEY }),
            json!({ "JKT": KEY }),
            json!({ "foo": "x" }),
            json!([{ "jkt": KEY }]),
            json!(KEY),
            json!(null),
            json!({}),
        ] {
            let refused = Err(InvalidTokenReason::SenderConstraint);
            assert_eq!(check(&claims(&json!({ "cnf": cnf }))), refused, "{cnf}");
        }
    }
}
