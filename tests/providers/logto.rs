//! Logto: an API resource, with permissions as scopes, signed with ES384.

use jwt_verify::{Algorithm, ConfigError, Requirement, TrustedIssuer};
use jwt_verify_tests::SigningKey;
use serde_json::json;

use super::setup::{Keys, Setup, token};

#[test]
fn logto() {
    let tenant = "https://tenant.logto.app/oidc";
    let keys = format!("{tenant}/jwks");
    let key = SigningKey::new(Algorithm::ES384, "Q1vT9xKk3mPz7Lw2Bn5cYd8RfHs0JgUa");
    let mut published = key.jwk();
    published.as_object_mut().unwrap().remove("alg");
    let header = json!({"alg": "ES384", "typ": "at+jwt", "kid": key.id()});
    let claims = json!({
        "jti": "x3Kq9Lw2Bn5c", "sub": "f8d2k1m4n7p0", "scope": "read:posts",
        "client_id": "0rx8h2k5m7p1q4t6", "iss": tenant, "aud": "https://api.example.com",
    });
    let with = |changed| token(&key, &header, &claims, &changed);
    let machine = json!({"sub": "m2m4c7e9", "client_id": "m2m4c7e9"});
    let organization = json!({"organization_id": "bk9y2t5r8w1q"});
    let organization_alone = json!({"aud": "urn:logto:organization:bk9y2t5r8w1q"});
    let id_token = token(
        &key,
        &json!({"alg": "ES384", "typ": "JWT", "kid": key.id()}),
        &json!({
            "iss": tenant, "sub": "f8d2k1m4n7p0", "aud": "0rx8h2k5m7p1q4t6",
            "at_hash": "Hh0p2b1x", "roles": ["admin"],
        }),
        &json!({}),
    );
    let setup = Setup::of("logto")
        .publish(
            &format!("{tenant}/.well-known/openid-configuration"),
            &json!({
                "issuer": tenant, "jwks_uri": keys,
                "authorization_endpoint": format!("{tenant}/auth"),
                "token_endpoint": format!("{tenant}/token"),
                "id_token_signing_alg_values_supported": ["ES384"],
            }),
        )
        .publish(&keys, &json!({"keys": [published]}))
        .route("/posts", Requirement::permissions(["read:posts"]))
        .route("/clients", Requirement::scopes(["read:posts"]))
        .route("/admins", Requirement::roles(["admin"]));
    let cases = [
        ("an access token", "/", with(json!({})), 200),
        ("a machine", "/posts", with(machine), 200),
        ("in an organization", "/posts", with(organization), 200),
        ("a permission", "/posts", with(json!({})), 200),
        ("another permission", "/posts", with(json!({"scope": "list:posts"})), 403),
        ("without scopes", "/posts", with(json!({"scope": ""})), 403),
        ("a scope", "/clients", with(json!({})), 200),
        ("a claim that is not Logto's", "/admins", with(json!({"roles": ["admin"]})), 403),
        ("another resource", "/", with(json!({"aud": "https://other.example.com"})), 401),
        ("for an organization alone", "/", with(organization_alone), 401),
        ("another tenant", "/", with(json!({"iss": "https://other.logto.app/oidc"})), 401),
        ("an ID token", "/", id_token, 401),
    ];
    setup.expect(&cases);
    let keys = Keys::Discovered("https://tenant.logto.app/oidc");
    setup.expect_in_code((issuer().unwrap(), keys, include_str!("logto.rs")), &cases);
}

// [code]
fn issuer() -> Result<TrustedIssuer, ConfigError> {
    let issuer = TrustedIssuer::new("https://tenant.logto.app/oidc", "https://api.example.com")
        .algorithms([Algorithm::ES384])
        .claims_mapping("logto".parse()?);
    Ok(issuer)
}
// [end]
