//! Auth0: an API with its own audience, permissions, and roles in a claim of an action.

use jwt_verify::{Algorithm, ClaimsMapping, Requirement, TrustedIssuer};
use jwt_verify_tests::SigningKey;
use serde_json::json;

use super::setup::{Keys, Setup, token};

#[test]
fn auth0() {
    let tenant = "https://tenant.eu.auth0.com/";
    let keys = format!("{tenant}.well-known/jwks.json");
    let key = SigningKey::new(Algorithm::RS256, "Zk0nC5q1u8Wm3xT7vB2dY");
    let next = SigningKey::new(Algorithm::RS256, "pL6sD3fG0hJq9wZ4mT1rX");
    let with_certificate = |key: &SigningKey| {
        let mut jwk = key.jwk();
        jwk["x5t"] = json!(key.id());
        jwk["x5c"] = json!(["MIIDHTCCAgWgAwIBAgIJQw=="]);
        jwk
    };
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": key.id()});
    let claims = json!({
        "iss": tenant, "sub": "auth0|66b1f0c2a9", "azp": "Zk0nC5q1", "scope": "openid read:posts",
        "aud": ["https://api.example.com", "https://tenant.eu.auth0.com/userinfo"],
        "permissions": ["read:posts"], "https://myapp.com/roles": ["editor"],
    });
    let with = |changed| token(&key, &header, &claims, &changed);
    let machine = json!({
        "sub": "Bq7dR2wX@clients", "azp": "Bq7dR2wX", "aud": "https://api.example.com",
        "gty": "client-credentials", "scope": "read:posts", "https://myapp.com/roles": null,
    });
    let profile = token(
        &key,
        &json!({"alg": "RS256", "typ": "at+jwt", "kid": key.id()}),
        &claims,
        &json!({"azp": null, "client_id": "Zk0nC5q1", "jti": "Wq3x"}),
    );
    let id_token = json!({"aud": "Zk0nC5q1", "scope": null, "nonce": "n1", "sid": "s1"});
    let setup = Setup::of("auth0")
        .publish(
            &format!("{tenant}.well-known/openid-configuration"),
            &json!({
                "issuer": tenant, "jwks_uri": keys,
                "authorization_endpoint": format!("{tenant}authorize"),
                "token_endpoint": format!("{tenant}oauth/token"),
                "id_token_signing_alg_values_supported": ["HS256", "RS256", "PS256"],
            }),
        )
        .publish(&keys, &json!({"keys": [with_certificate(&key), with_certificate(&next)]}))
        .route("/posts", Requirement::permissions(["read:posts"]))
        .route("/clients", Requirement::scopes(["read:posts"]))
        .route("/editors", Requirement::roles(["editor"]));
    let cases = [
        ("an access token", "/", with(json!({})), 200),
        ("the profile of RFC 9068", "/", profile, 200),
        ("a permission", "/posts", with(json!({})), 200),
        ("a scope without the permission", "/posts", with(json!({"permissions": []})), 403),
        ("a scope", "/clients", with(json!({})), 200),
        ("another scope", "/clients", with(json!({"scope": "openid"})), 403),
        ("a role", "/editors", with(json!({})), 200),
        ("a machine", "/posts", with(machine.clone()), 200),
        ("a machine without role", "/editors", with(machine), 403),
        ("another API", "/", with(json!({"aud": "https://other.example.com"})), 401),
        ("another tenant", "/", with(json!({"iss": "https://other.eu.auth0.com/"})), 401),
        ("without the slash", "/", with(json!({"iss": "https://tenant.eu.auth0.com"})), 401),
        ("an ID token", "/", with(id_token), 401),
    ];
    setup.expect(&cases);
    let keys = Keys::Discovered("https://tenant.eu.auth0.com/");
    setup.expect_in_code((issuer(), keys, include_str!("auth0.rs")), &cases);
}

// [code]
fn issuer() -> TrustedIssuer {
    TrustedIssuer::new("https://tenant.eu.auth0.com/", "https://api.example.com")
        .claims_mapping(ClaimsMapping::auth0("https://myapp.com"))
}
// [end]
