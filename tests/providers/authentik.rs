//! authentik: access tokens with a nonce and without a scope.

use jwt_verify::{Algorithm, ClaimsMapping, Requirement, TrustedIssuer};
use jwt_verify_tests::SigningKey;
use serde_json::json;

use super::setup::{Keys, Setup, token};

#[test]
fn authentik() {
    let name = "https://authentik.example.com/application/o/my-api/";
    let keys = format!("{name}jwks/");
    let key = SigningKey::new(Algorithm::RS256, "5d0c2a7e");
    let header = json!({"alg": "RS256", "kid": key.id(), "typ": "JWT"});
    let claims = json!({
        "iss": name, "sub": "9a1f3c", "aud": "k3J8wq2L", "azp": "k3J8wq2L", "uid": "u1",
        "auth_time": 1, "acr": "goauthentik.io/providers/oauth2/default", "nonce": "n",
        "email": "ada@example.com", "groups": ["editors"],
    });
    let with = |changed| token(&key, &header, &claims, &changed);
    let setup = Setup::of("authentik")
        .publish(
            &format!("{name}.well-known/openid-configuration"),
            &json!({"issuer": name, "jwks_uri": keys}),
        )
        .publish(&keys, &json!({"keys": [key.jwk()]}))
        .route("/editors", Requirement::roles(["editors"]));
    let cases = [
        ("an access token", "/", with(json!({})), 200),
        ("a group", "/editors", with(json!({})), 200),
        ("another group", "/editors", with(json!({"groups": ["readers"]})), 403),
        ("a token of another provider", "/", with(json!({"aud": "other"})), 401),
        ("a token of another application", "/", with(json!({"iss": format!("{name}x/")})), 401),
        ("a refresh token", "/", with(json!({"token_use": "refresh"})), 401),
    ];
    setup.expect(&cases);
    let keys = Keys::Discovered("https://authentik.example.com/application/o/my-api/");
    setup.expect_in_code((issuer(), keys, include_str!("authentik.rs")), &cases);
}

// [code]
fn issuer() -> TrustedIssuer {
    TrustedIssuer::new("https://authentik.example.com/application/o/my-api/", "k3J8wq2L")
        .accept_id_tokens()
        .claims_mapping(ClaimsMapping::default().roles_claim("groups"))
}
// [end]
