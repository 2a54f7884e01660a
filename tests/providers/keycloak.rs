//! Keycloak: a realm, a client for the API, its roles.

use jwt_verify::{Algorithm, ClaimsMapping, Requirement, TrustedIssuer};
use jwt_verify_tests::SigningKey;
use serde_json::json;

use super::setup::{Keys, Setup, token};

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
        "resource_access": {"my-api": {"roles": ["editor"]}, "account": {"roles": ["view-profile"]}},
    });
    let with = |changed| token(&key, &header, &claims, &changed);
    let other_client = json!({"resource_access": {"other": {"roles": ["editor"]}}});
    let other_realm = json!({"iss": "https://sso.example.com/realms/other"});
    let setup = Setup::of("keycloak")
        .publish(
            &format!("{realm}/.well-known/openid-configuration"),
            &json!({"issuer": realm, "jwks_uri": keys}),
        )
        .publish(&keys, &json!({"keys": [key.jwk(), encryption]}))
        .route("/editors", Requirement::roles(["editor"]))
        .route("/profiles", Requirement::scopes(["profile"]));
    let cases = [
        ("an access token", "/", with(json!({})), 200),
        ("a client role", "/editors", with(json!({})), 200),
        ("a scope", "/profiles", with(json!({})), 200),
        ("without the scope", "/profiles", with(json!({"scope": "email"})), 403),
        ("a role of another client", "/editors", with(other_client), 403),
        ("another audience", "/", with(json!({"aud": "account"})), 401),
        ("another realm", "/", with(other_realm), 401),
        ("an ID token", "/", with(json!({"typ": "ID"})), 401),
        ("a refresh token", "/", with(json!({"typ": "Refresh"})), 401),
    ];
    setup.expect(&cases);
    let keys = Keys::Discovered("https://sso.example.com/realms/main");
    setup.expect_in_code((issuer(), keys, include_str!("keycloak.rs")), &cases);
}

// [code]
fn issuer() -> TrustedIssuer {
    TrustedIssuer::new("https://sso.example.com/realms/main", "my-api")
        .claims_mapping(ClaimsMapping::keycloak("my-api"))
}
// [end]
