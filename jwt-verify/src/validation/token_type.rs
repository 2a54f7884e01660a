//! Claims that reveal a token of another kind, for issuers that do not declare it in the header
//! (RFC 8725 §3.11, §3.12).

use crate::{claims::Claims, error::InvalidTokenReason, json::Json};

/// Hashes that only an ID token has (OIDC Core §3.1.3.6, §3.3.2.11; FAPI `s_hash`).
const ID_TOKEN_CLAIMS: [&str; 3] = ["at_hash", "c_hash", "s_hash"];

/// Values of the `typ` claim that Keycloak gives to tokens other than access tokens.
const OTHER_TYPES: [&str; 4] = ["ID", "Refresh", "Offline", "Logout"];

pub(super) fn check(claims: &Claims) -> Result<(), InvalidTokenReason> {
    let is_id_token = ID_TOKEN_CLAIMS.iter().any(|name| claims.find(name).is_some());
    // Access tokens have a scope; an ID token that answers a request with a nonce does not.
    let has_scopes = ["scope", "scp"]
        .iter()
        .any(|name| claims.find(name).is_some_and(|scopes| !scopes.is_null()));
    let is_id_token = is_id_token || claims.find("nonce").is_some() && !has_scopes;
    // Security event tokens (RFC 8417 §2.2), among them logout tokens.
    let is_event = claims.find("events").is_some_and(Json::is_object);
    // Amazon Cognito and others write `token_use`.
    let is_for_other_use = claims.find("token_use").is_some_and(|use_| !use_.is_text("access"));
    let is_other_type = claims.find_text("typ").is_some_and(|typ| OTHER_TYPES.contains(&typ));
    // Flask-JWT-Extended writes it; nothing else distinguishes its tokens.
    let is_refresh = claims.find_text("type") == Some("refresh");
    if is_id_token || is_event || is_for_other_use || is_other_type || is_refresh {
        return Err(InvalidTokenReason::TokenType);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::validation::claims;

    #[test]
    fn tokens_of_other_kinds_are_recognised() {
        for other in [
            json!({"at_hash": "x"}),
            json!({"c_hash": "x"}),
            json!({"s_hash": "x"}),
            json!({"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}),
            json!({"token_use": "id"}),
            json!({"token_use": "refresh"}),
            json!({"token_use": 5}),
            json!({"nonce": "n"}),
            json!({"nonce": "n", "scope": null, "scp": null}),
            json!({"typ": "ID"}),
            json!({"typ": "Refresh"}),
            json!({"type": "refresh"}),
        ] {
            assert_eq!(check(&claims(&other)), Err(InvalidTokenReason::TokenType), "{other}");
        }
    }

    #[test]
    fn access_tokens_pass() {
        for access in [
            json!({}),
            json!({"nonce": "n", "scope": "r"}),
            json!({"nonce": "n", "scp": "r"}),
            json!({"token_use": "access"}),
            json!({"typ": "Bearer"}),
            json!({"type": "access"}),
            json!({"events": 3}),
        ] {
            assert_eq!(check(&claims(&access)), Ok(()), "{access}");
        }
    }
}
