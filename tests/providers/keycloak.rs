//! Keycloak: a realm, a client for the API, its roles.

use jwt_verify::Algorithm;
use jwt_verify_tests::SigningKey;
use serde_json::json;

use super::setup::{Setup, token};

#[test]
fn keycloak() {
    let realm = "https://sso.example.com/realms/main";
    let keys = format!("{realm}/protocol/openid-connect/certs");
    let key = SigningKey::new(Algorithm::RS256, "FJ86GcF3jTbNLOco4NvZkUCIUmfYCqoqtOQeMfbhNlE");
    let mut encryption = SigningKey::new(Algorithm::RS256, "encryption").jwk();
    encryption["alg"] = json!("RSA-OAEP");
    encryption["use"] = json!("enc");
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": key.id()});
    let claims = json!({
        "iss": realm, "aud": ["my-api", "account"], "typ": "Bearer", "azp": "front-end",
        "sub": "5f0c8c1e-6a0d-4f0e-9f59-3c1d7f0c7a11", "scope": "openid email profile",
        "realm_access": {"roles": ["offline_access", "uma_authorization"]},
        "resource_access": {"my-api": {"roles": ["admin"]}, "account": {"roles": ["view-profile"]}},
    });
    let with = |changed| token(&key, &header, &claims, &changed);
    let other_client = json!({"resource_access": {"other": {"roles": ["admin"]}}});
    let other_realm = json!({"iss": "https://sso.example.com/realms/other"});
    Setup::of("keycloak")
        .publish(
            &format!("{realm}/.well-known/openid-configuration"),
            &json!({"issuer": realm, "jwks_uri": keys}),
        )
        .publish(&keys, &json!({"keys": [key.jwk(), encryption]}))
        .expect(&[
            ("an access token", "/protected", with(json!({})), 200),
            ("a client role", "/admin", with(json!({})), 200),
            ("a role of another client", "/admin", with(other_client), 403),
            ("another audience", "/protected", with(json!({"aud": "account"})), 401),
            ("another realm", "/protected", with(other_realm), 401),
            ("an ID token", "/protected", with(json!({"typ": "ID"})), 401),
            ("a refresh token", "/protected", with(json!({"typ": "Refresh"})), 401),
        ]);
}
