//! `iss` (RFC 7519 §4.1.1): exactly the trusted string. URLs are not normalized: two spellings of
//! one URL are two issuers.

use crate::{claims::Claims, error::InvalidTokenReason};

/// `None` trusts tokens without `iss`, and no others.
pub(super) fn check(claims: &Claims, trusted: Option<&str>) -> Result<(), InvalidTokenReason> {
    if claims.issuer() == trusted { Ok(()) } else { Err(InvalidTokenReason::Issuer) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::validation::claims;

    #[test]
    fn only_the_exact_string_is_trusted() {
        let check = |iss: &str| check(&claims(&json!({ "iss": iss })), Some("https://i.example/"));
        assert_eq!(check("https://i.example/"), Ok(()));
        for iss in [
            "https://i.example",
            "https://I.example/",
            "http://i.example/",
            "https://i.example:443/",
            "https://i.example/x",
            "https://i",
            "",
        ] {
            assert_eq!(check(iss), Err(InvalidTokenReason::Issuer), "{iss}");
        }
        assert_eq!(super::check(&Claims::default(), Some("")), Err(InvalidTokenReason::Issuer));
    }

    #[test]
    fn without_a_trusted_name_any_name_is_refused() {
        assert_eq!(check(&Claims::default(), None), Ok(()));
        assert_eq!(check(&claims(&json!({ "iss": null })), None), Ok(()));
        for iss in ["", "none", "https://i.example"] {
            let named = claims(&json!({ "iss": iss }));
            assert_eq!(check(&named, None), Err(InvalidTokenReason::Issuer), "{iss}");
        }
    }
}
