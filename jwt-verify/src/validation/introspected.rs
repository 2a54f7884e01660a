//! The kind of a token of which an introspection endpoint has told (RFC 7662 §2.2). An endpoint also
//! tells about refresh tokens, and some tell about ID tokens.

use super::{
    confirmation::{Binding, binding},
    token_type,
};
use crate::{claims::Claims, error::InvalidTokenReason};

/// The type of an access token, as RFC 6749 §5.1 has it.
const TOKEN_TYPE: &str = "token_type";

pub(super) fn check(claims: &Claims) -> Result<(), InvalidTokenReason> {
    // Ory Hydra writes `access_token`.
    let is_access =
        |use_: crate::json::Json<'_>| use_.is_text("access") || use_.is_text("access_token");
    token_type::check_with(claims, false, is_access)?;
    let has_audience = claims.audience().is_some_and(|audience| !audience.is_empty());
    let Some(token_type) = claims.find(TOKEN_TYPE).filter(|declared| !declared.is_null()) else {
        // Otherwise nothing would tell it from a refresh token.
        return if has_audience {
            Ok(())
        } else {
            Err(InvalidTokenReason::MissingClaim(TOKEN_TYPE))
        };
    };
    let is = |name: &str| token_type.as_str().is_some_and(|text| text.eq_ignore_ascii_case(name));
    if is("DPoP") {
        // The endpoint says that the token is bound, so its key has to be known (RFC 9449 §6.2).
        return match binding(claims)? {
            Some(Binding::Key(_)) => Ok(()),
            _ => Err(InvalidTokenReason::SenderConstraint),
        };
    }
    if is("Bearer") { Ok(()) } else { Err(InvalidTokenReason::TokenTypeClaim(TOKEN_TYPE)) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::validation::claims;

    const KEY: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

    #[test]
    fn access_tokens_pass() {
        for good in [
            json!({"aud": "api"}),
            json!({"aud": "api", "token_type": null}),
            json!({"token_type": "Bearer"}),
            json!({"token_type": "bearer"}),
            json!({"token_type": "dPoP", "cnf": {"jkt": KEY}}),
            json!({"token_type": "Bearer", "cnf": {"x5t#S256": KEY}}),
            json!({"token_type": "Bearer", "token_use": "access_token"}),
            json!({"aud": "api", "typ": "Bearer", "nonce": "n", "scope": "r"}),
        ] {
            assert_eq!(check(&claims(&good)), Ok(()), "{good}");
        }
    }

    #[test]
    fn other_tokens_and_unknown_ones_are_refused() {
        use InvalidTokenReason::{MissingClaim, SenderConstraint, TokenTypeClaim};
        for (bad, reason) in [
            (json!({}), MissingClaim("token_type")),
            (json!({"aud": []}), MissingClaim("token_type")),
            (json!({"aud": "api", "token_type": "refresh_token"}), TokenTypeClaim("token_type")),
            (json!({"aud": "api", "token_type": "N_A"}), TokenTypeClaim("token_type")),
            (json!({"aud": "api", "token_type": ["Bearer"]}), TokenTypeClaim("token_type")),
            (json!({"aud": "api", "token_type": "mac"}), TokenTypeClaim("token_type")),
            (
                json!({"token_type": "Bearer", "token_use": "refresh_token"}),
                TokenTypeClaim("token_use"),
            ),
            (json!({"aud": "api", "typ": "Refresh"}), TokenTypeClaim("typ")),
            (json!({"aud": "api", "typ": "ID"}), TokenTypeClaim("typ")),
            (json!({"aud": "api", "at_hash": "x"}), TokenTypeClaim("at_hash")),
            (json!({"aud": "api", "nonce": "n"}), TokenTypeClaim("nonce")),
            (json!({"aud": "api", "token_type": "DPoP"}), SenderConstraint),
            (json!({"token_type": "DPoP", "cnf": {"x5t#S256": KEY}}), SenderConstraint),
        ] {
            assert_eq!(check(&claims(&bad)), Err(reason), "{bad}");
        }
    }
}
