//! Dex: access tokens that look like ID tokens.

use jwt_verify::{Algorithm, ClaimsMapping, Requirement, TrustedIssuer};
use jwt_verify_tests::SigningKey;
use serde_json::json;

use super::setup::{Keys, Setup, token};

#[test]
fn dex() {
    let dex = "https://dex.example.com/dex";
    let keys = format!("{dex}/keys");
    let key = SigningKey::new(Algorithm::RS256, "a1c2f0");
    let header = json!({"alg": "RS256", "kid": key.id()});
    let claims = json!({
        "iss": dex, "sub": "CgNhZGESBWxvY2Fs", "aud": "my-api", "nonce": "n", "at_hash": "x4Fz",
        "email": "ada@example.com", "email_verified": true, "groups": ["editors"], "name": "ada",
    });
    let with = |changed| token(&key, &header, &claims, &changed);
    let discovery = json!({
        "issuer": dex, "authorization_endpoint": format!("{dex}/auth"),
        "token_endpoint": format!("{dex}/token"), "jwks_uri": keys,
        "id_token_signing_alg_values_supported": ["RS256"],
    });
    let setup = Setup::of("dex")
        .publish(&format!("{dex}/.well-known/openid-configuration"), &discovery)
        .publish(&keys, &json!({"keys": [key.jwk()]}))
        .route("/editors", Requirement::roles(["editors"]));
    let logout = "http://schemas.openid.net/event/backchannel-logout";
    let cases = [
        ("a token", "/", with(json!({})), 200),
        ("a group", "/editors", with(json!({})), 200),
        ("another group", "/editors", with(json!({"groups": ["readers"]})), 403),
        ("a token of another client", "/", with(json!({"aud": "another-app"})), 401),
        ("a logout token", "/", with(json!({"events": {logout: {}}})), 401),
        ("another issuer", "/", with(json!({"iss": "https://dex.example.com"})), 401),
    ];
    setup.expect(&cases);
    let keys = Keys::Discovered("https://dex.example.com/dex");
    setup.expect_in_code((issuer(), keys, include_str!("dex.rs")), &cases);
}

// [code]
fn issuer() -> TrustedIssuer {
    TrustedIssuer::new("https://dex.example.com/dex", "my-api")
        .accept_id_tokens()
        .claims_mapping(ClaimsMapping::default().roles_claim("groups"))
}
// [end]
