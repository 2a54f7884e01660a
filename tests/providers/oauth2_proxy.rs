//! oauth2-proxy: the ID token of the login in `Authorization`, or the access token in a header.

use jwt_verify::{Algorithm, ClaimsMapping, Requirement, TrustedIssuer};
use jwt_verify_tests::SigningKey;
use serde_json::{Value, json};

use super::setup::{Keys, Setup, token};

const ISSUER: &str = "https://login.example.com";
const SOURCE: &str = include_str!("oauth2_proxy.rs");

#[test]
fn id_token() {
    let key = SigningKey::new(Algorithm::RS256, "2026-11");
    let claims = json!({
        "iss": ISSUER, "sub": "7b2e", "aud": ["oauth2-proxy"], "azp": "oauth2-proxy",
        "nonce": "Xk4Tz8Qv", "at_hash": "x4Qn0v2LrT8mYc6ZbW1dKg", "auth_time": 1_790_000_000,
        "email": "ada@example.com", "email_verified": true, "groups": ["editors"],
    });
    let with = |changed| token(&key, &header(&key), &claims, &changed);
    let logout = "http://schemas.openid.net/event/backchannel-logout";
    let setup = publish(Setup::of("oauth2-proxy"), &key);
    let cases = [
        ("the ID token", "/", with(json!({})), 200),
        ("a group", "/editors", with(json!({})), 200),
        ("another group", "/editors", with(json!({"groups": ["readers"]})), 403),
        ("an ID token of another client", "/", with(json!({"aud": ["front-end"]})), 401),
        ("another issuer", "/", with(json!({"iss": "https://login.example.org"})), 401),
        ("a logout token", "/", with(json!({"events": {logout: {}}})), 401),
        ("a refresh token", "/", with(json!({"typ": "Refresh"})), 401),
    ];
    setup.expect(&cases);
    setup.expect_in_code((issuer(), Keys::Discovered(ISSUER), SOURCE), &cases);
}

#[test]
fn access_token() {
    let key = SigningKey::new(Algorithm::RS256, "2026-11");
    let claims = json!({
        "iss": ISSUER, "sub": "7b2e", "aud": "https://api.example.com", "azp": "oauth2-proxy",
        "scope": "openid groups", "groups": ["editors"],
    });
    let with = |changed| token(&key, &header(&key), &claims, &changed);
    let id_token =
        json!({"aud": "oauth2-proxy", "nonce": "Xk4Tz8Qv", "at_hash": "x4Qn", "scope": null});
    let setup = publish(Setup::variant("oauth2-proxy", "access token"), &key)
        .header("X-Forwarded-Access-Token");
    let cases = [
        ("the access token", "/", with(json!({})), 200),
        ("a group", "/editors", with(json!({})), 200),
        ("another group", "/editors", with(json!({"groups": ["readers"]})), 403),
        ("a token for another API", "/", with(json!({"aud": "https://other.example.com"})), 401),
        ("the ID token", "/", with(id_token), 401),
        ("with a scheme", "/", format!("Bearer {}", with(json!({}))), 400),
    ];
    setup.expect(&cases);
    setup.expect_in_code((access_token_issuer(), Keys::Discovered(ISSUER), SOURCE), &cases);
}

fn header(key: &SigningKey) -> Value {
    json!({"alg": "RS256", "typ": "JWT", "kid": key.id()})
}

fn publish(setup: Setup, key: &SigningKey) -> Setup {
    let keys = format!("{ISSUER}/keys");
    setup
        .publish(
            &format!("{ISSUER}/.well-known/openid-configuration"),
            &json!({"issuer": ISSUER, "jwks_uri": keys}),
        )
        .publish(&keys, &json!({"keys": [key.jwk()]}))
        .route("/editors", Requirement::roles(["editors"]))
}

// [code]
fn issuer() -> TrustedIssuer {
    TrustedIssuer::new("https://login.example.com", "oauth2-proxy")
        .accept_id_tokens()
        .claims_mapping(ClaimsMapping::default().roles_claim("groups"))
}
// [end]

// [code]
fn access_token_issuer() -> TrustedIssuer {
    TrustedIssuer::new("https://login.example.com", "https://api.example.com")
        .claims_mapping(ClaimsMapping::default().roles_claim("groups"))
}
// [end]
