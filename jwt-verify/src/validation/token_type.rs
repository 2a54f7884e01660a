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
    // Amazon Cognito and others write `token_use`.
    let is_accepted =
        |use_: Json<'_>| use_.is_text("access") || accept_id_tokens && use_.is_text("id");
    check_with(claims, accept_id_tokens, is_accepted)
}

/// Checks the kind of a token, with the values of `token_use` that an access token may have.
pub(super) fn check_with(
    claims: &Claims,
    accept_id_tokens: bool,
    is_accepted: impl Fn(Json<'_>) -> bool,
) -> Result<(), InvalidTokenReason> {
    let typ = claims.find_text("typ");
    let id_token = if accept_id_tokens { None } else { id_token_claim(claims, typ) };
    match id_token.or_else(|| other_kind_claim(claims, typ, is_accepted)) {
        Some(name) => Err(InvalidTokenReason::TokenTypeClaim(name)),
        None => Ok(()),
    }
}

/// Returns the claim by which the token is an ID token.
fn id_token_claim(claims: &Claims, typ: Option<&str>) -> Option<&'static str> {
    if let Some(name) = ID_TOKEN_CLAIMS.into_iter().find(|name| claims.find(name).is_some()) {
        return Some(name);
    }
    // Access tokens have a scope; an ID token that answers a request with a nonce does not.
    let has_scopes = || {
        let is_there = |name: &&str| claims.find(name).is_some_and(|scopes| !scopes.is_null());
        ["scope", "scp"].iter().any(is_there)
    };
    if claims.find("nonce").is_some() && !has_scopes() {
        return Some("nonce");
    }
    (typ == Some("ID")).then_some("typ")
}

/// Returns the claim by which the token is neither an access token nor an ID token, or by its use
/// is not accepted.
fn other_kind_claim(
    claims: &Claims,
    typ: Option<&str>,
    is_accepted: impl Fn(Json<'_>) -> bool,
) -> Option<&'static str> {
    if claims.find("events").is_some_and(are_events) {
        return Some("events");
    }
    if claims.find("token_use").is_some_and(|use_| !is_accepted(use_)) {
        return Some("token_use");
    }
    if typ.is_some_and(|typ| OTHER_TYPES.contains(&typ)) {
        return Some("typ");
    }
    let is_refresh = |name: &&str| {
        claims.find_text(name).is_some_and(|kind| kind.eq_ignore_ascii_case("refresh"))
    };
    let drn = || (claims.find_text("drn") == Some(DESCOPE_REFRESH)).then_some("drn");
    DECLARATIONS.into_iter().find(is_refresh).or_else(drn)
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
    let is_other = |name: &&str| claims.find(name).is_some_and(|kind| !is_access(kind));
    match DECLARATIONS.into_iter().find(is_other) {
        Some(name) => Err(InvalidTokenReason::TokenTypeClaim(name)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::validation::claims;

    #[test]
    fn tokens_of_other_kinds_are_recognised() {
        for (other, name) in [
            (json!({"at_hash": "x"}), "at_hash"),
            (json!({"c_hash": "x"}), "c_hash"),
            (json!({"s_hash": "x"}), "s_hash"),
            (
                json!({"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}),
                "events",
            ),
            (json!({"events": "{\"type\":\"account-delete\"}"}), "events"),
            (json!({"token_use": "id"}), "token_use"),
            (json!({"token_use": "refresh"}), "token_use"),
            (json!({"token_use": 5}), "token_use"),
            (json!({"nonce": "n"}), "nonce"),
            (json!({"nonce": "n", "scope": null, "scp": null}), "nonce"),
            (json!({"typ": "ID"}), "typ"),
            (json!({"typ": "Refresh"}), "typ"),
            (json!({"type": "refresh"}), "type"),
            (json!({"token_type": "refresh"}), "token_type"),
            (json!({"drn": "DSR"}), "drn"),
        ] {
            let refused = Err(InvalidTokenReason::TokenTypeClaim(name));
            assert_eq!(check(&claims(&other), false), refused, "{other}");
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
        for (other, name) in [
            (json!({"events": {}}), "events"),
            (json!({"events": " {}"}), "events"),
            (json!({"token_use": "refresh"}), "token_use"),
            (json!({"typ": "Refresh"}), "typ"),
            (json!({"typ": "Offline"}), "typ"),
            (json!({"typ": "Logout"}), "typ"),
            (json!({"type": "refresh"}), "type"),
            (json!({"nonce": "n", "token_type": "Refresh"}), "token_type"),
        ] {
            let refused = Err(InvalidTokenReason::TokenTypeClaim(name));
            assert_eq!(check(&claims(&other), true), refused, "{other}");
        }
    }

    #[test]
    fn a_declared_kind_has_to_be_that_of_access_tokens() {
        for good in [json!({}), json!({"type": "access"}), json!({"token_type": "Bearer"})] {
            assert_eq!(check_declared(&claims(&good)), Ok(()), "{good}");
        }
        for (bad, name) in [
            (json!({"type": "refresh"}), "type"),
            (json!({"token_type": "mfa"}), "token_type"),
            (json!({"type": 1}), "type"),
        ] {
            let refused = Err(InvalidTokenReason::TokenTypeClaim(name));
            assert_eq!(check_declared(&claims(&bad)), refused, "{bad}");
        }
    }
}
