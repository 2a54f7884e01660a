//! Apple: the ID tokens of *Sign in with Apple*.

use jwt_verify::{Algorithm, Requirement, TrustedIssuer};
use jwt_verify_tests::SigningKey;
use serde_json::json;

use super::setup::{Keys, Setup, token};

#[test]
fn apple() {
    let apple = "https://appleid.apple.com";
    let keys = format!("{apple}/auth/keys");
    let key = SigningKey::new(Algorithm::RS256, "T8tIJ1zSrO");
    let other = SigningKey::new(Algorithm::RS256, "Sf2lFqwkpX");
    let header = json!({"alg": "RS256", "kid": key.id()});
    let claims = json!({
        "iss": apple, "aud": "com.example.app", "auth_time": 1_790_000_000, "nonce": "n0Sx",
        "sub": "001234.5f6a7b8c9d0e1f2a3b4c5d6e7f8a9b0c.1234", "nonce_supported": true,
        "email": "q8w7e6r5t4@privaterelay.appleid.com", "email_verified": "true",
        "is_private_email": "true", "c_hash": "Kx2Lm9QpRtVbYc1Zw3Xa5D", "real_user_status": 2,
    });
    let with = |changed| token(&key, &header, &claims, &changed);
    let notification = json!({"events": "{\"type\":\"account-delete\",\"sub\":\"001234.5f6a\"}"});
    let setup = Setup::of("apple")
        .publish(
            &format!("{apple}/.well-known/openid-configuration"),
            &json!({
                "issuer": apple, "jwks_uri": keys,
                "authorization_endpoint": format!("{apple}/auth/authorize"),
                "token_endpoint": format!("{apple}/auth/token"),
                "id_token_signing_alg_values_supported": ["RS256"],
            }),
        )
        .publish(&keys, &json!({"keys": [other.jwk(), key.jwk()]}))
        .route("/editors", Requirement::roles(["editor"]));
    let cases = [
        ("an ID token of the app", "/", with(json!({})), 200),
        ("one of the website", "/", with(json!({"aud": "com.example.web"})), 200),
        ("without nonce and `c_hash`", "/", with(json!({"nonce": null, "c_hash": null})), 200),
        ("there are no roles", "/editors", with(json!({})), 403),
        ("another app", "/", with(json!({"aud": "com.example.other"})), 401),
        ("another issuer", "/", with(json!({"iss": "https://appleid.apple.com/"})), 401),
        ("another key", "/", token(&other, &header, &claims, &json!({})), 401),
        ("a notification about an account", "/", with(notification), 401),
    ];
    setup.expect(&cases);
    let keys = Keys::Discovered("https://appleid.apple.com");
    setup.expect_in_code((issuer(), keys, include_str!("apple.rs")), &cases);
}

// [code]
fn issuer() -> TrustedIssuer {
    TrustedIssuer::new("https://appleid.apple.com", "com.example.app")
        .audience("com.example.web")
        .accept_id_tokens()
}
// [end]
