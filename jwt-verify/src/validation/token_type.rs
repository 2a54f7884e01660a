//! Claims that reveal a token of another kind, for issuers that do not declare it in the header
//! (RFC 8725 §3.11, §3.12).

use crate::{claims::Claims, error::InvalidTokenReason, json::Json};

/// Hashes that only an ID token has (OIDC Core §3.1.3.6, §3.3.2.11; FAPI `s_hash`).
const ID_TOKEN_CLAIMS: [&str; 3] = ["at_hash", "c_hash", "s_hash"];

/// Values of the `typ` claim that Keycloak gives to tokens other than access and ID tokens.
const OTHER_TYPES: [&str; 3] = ["Refresh", "Offline", "Logout"];

/// Claims in which issuers without other marks declare a kind: Flask-JWT-Extended writes `type`,
/// Django `SimpleJWT` `token_type`.
const DECLARATIONS: [&str; 2] = ["type", "token_type"];

/// Value of `drn` in Descope's refresh tokens, which have the other claims of a session token.
const DESCOPE_REFRESH: &str = "DSR";

pub(super) fn check(claims: &Claims, accept_id_tokens: bool) -> Result<(), InvalidTokenReason> {
    let typ = claims.find_text("typ");
    // Access tokens have a scope; an ID token that answers a request with a nonce does not.
    let has_scopes = || {
        let is_there = |name: &&str| claims.find(name).is_some_and(|scopes| !scopes.is_null());
        ["scope", "scp"].iter().any(is_there)
    };
    let is_id_token = ID_TOKEN_CLAIMS.iter().any(|name| claims.find(name).is_some())
        || claims.find("nonce").is_some() && !has_scopes()
        || typ == Some("ID");
    let is_event = claims.find("events").is_some_and(are_events);
    // Amazon Cognito and others write `token_use`.
    let is_for_other_use = claims
        .find("token_use")
        .is_some_and(|use_| !(use_.is_text("access") || accept_id_tokens && use_.is_text("id")));
    let is_other_type = typ.is_some_and(|typ| OTHER_TYPES.contains(&typ));
    let is_refresh = DECLARATIONS
        .iter()
        .filter_map(|name| claims.find_text(name))
        .any(|kind| kind.eq_ignore_ascii_case("refresh"));
    let is_refresh = is_refresh || claims.find_text("drn") == Some(DESCOPE_REFRESH);
    let is_unwanted_id_token = is_id_token && !accept_id_tokens;
    if is_unwanted_id_token || is_event || is_for_other_use || is_other_type || is_refresh {
        return Err(InvalidTokenReason::TokenType);
    }
    Ok(())
}

/// Returns whether the claim makes the token a security event token (RFC 8417 §2.2), such as a
/// logout token. Apple writes the object as text.
fn are_events(events: Json<'_>) -> bool {
    events.is_object() || events.as_str().is_some_and(|text| text.trim_start().starts_with('{'))
}

/// Checks the declared kind of a token without issuer, whose key may sign tokens of every kind: if
/// it declares one, it must be that of an access token.
pub(super) fn check_declared(claims: &Claims) -> Result<(), InvalidTokenReason> {
    let is_access = |kind: Json<'_>| {
        let names = ["access", "bearer", "sliding"];
        kind.as_str().is_some_and(|kind| names.iter().any(|name| kind.eq_ignore_ascii_case(name)))
    };
    if DECLARATIONS.iter().filter_map(|name| claims.find(name)).all(is_access) {
        Ok(())
    } else {
        Err(InvalidTokenReason::TokenType)
    }
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
            json!({"events": "{\"type\":\"account-delete\"}"}),
            json!({"token_use": "id"}),
            json!({"token_use": "refresh"}),
            json!({"token_use": 5}),
            json!({"nonce": "n"}),
            json!({"nonce": "n", "scope": null, "scp": null}),
            json!({"typ": "ID"}),
            json!({"typ": "Refresh"}),
            json!({"type": "refresh"}),
            json!({"token_type": "refresh"}),
            json!({"drn": "DSR"}),
        ] {
            assert_eq!(
                check(&claims(&other), false),
                Err(InvalidTokenReason::TokenType),
                "{other}"
            );
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
            json!({"drn": "DS"}),
            json!({"events": 3}),
            json!({"events": "concerts"}),
        ] {
            assert_eq!(check(&claims(&access), false), Ok(()), "{access}");
        }
    }

    #[test]
    fn id_tokens_pass_on_request_and_nothing_else_with_them() {
        for id in [
            json!({"at_hash": "x"}),
            json!({"nonce": "n"}),
            json!({"token_use": "id"}),
            json!({"typ": "ID"}),
        ] {
            assert_eq!(check(&claims(&id), true), Ok(()), "{id}");
        }
        for other in [
            json!({"events": {}}),
            json!({"events": " {}"}),
            json!({"token_use": "refresh"}),
            json!({"typ": "Refresh"}),
            json!({"typ": "Offline"}),
            json!({"typ": "Logout"}),
            json!({"type": "refresh"}),
            json!({"nonce": "n", "token_type": "Refresh"}),
        ] {
            let outcome = check(&claims(&other), true);
            assert_eq!(outcome, Err(InvalidTokenReason::TokenType), "{other}");
        }
    }

    #[test]
    fn a_declared_kind_has_to_be_that_of_access_tokens() {
        for good in [json!({}), json!({"type": "access"}), json!({"token_type": "Bearer"})] {
            assert_eq!(check_declared(&claims(&good)), Ok(()), "{good}");
        }
        for bad in [json!({"type": "refresh"}), json!({"token_type": "mfa"}), json!({"type": 1})] {
            let outcome = check_declared(&claims(&bad));
            assert_eq!(outcome, Err(InvalidTokenReason::TokenType), "{bad}");
        }
    }
}
