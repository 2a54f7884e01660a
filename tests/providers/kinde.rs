//! Kinde: access tokens with an empty list of audiences, or with that of a registered API.

use jwt_verify::{Algorithm, ConfigError, Requirement, TrustedIssuer};
use jwt_verify_tests::SigningKey;
use serde_json::{Value, json};

use super::setup::{Keys, Setup, token};

const CLIENT: &str = "2c9f0a6e4b7d4d0f8a53c1e7b9f2d640";

#[test]
fn kinde() {
    let key = SigningKey::new(Algorithm::RS256, "d3:8a:1f:6b:55:e0");
    let (header, claims) = (json!({"alg": "RS256", "kid": key.id(), "typ": "JWT"}), access_token());
    let with = |changed| token(&key, &header, &claims, &changed);
    let machine = json!({
        "gty": ["client_credentials"], "sub": null, "permissions": null, "roles": null, "scp": [],
    });
    let id_token = json!({
        "aud": [CLIENT], "at_hash": "Hh0p2b1x", "rat": 1_790_000_000, "scp": null,
        "email": "ada@example.com",
    });
    let setup = publish(Setup::of("kinde"), &key)
        .route("/admins", Requirement::roles(["admin"]))
        .route("/posts", Requirement::permissions(["read:posts"]))
        .route("/profiles", Requirement::scopes(["profile"]));
    let named = json!({"roles": [{"id": "018e", "key": "reader", "name": "admin"}]});
    let cases = [
        ("an access token", "/", with(json!({})), 200),
        ("without aud", "/", with(json!({"aud": null})), 200),
        ("a machine", "/", with(machine), 200),
        ("a role", "/admins", with(json!({})), 200),
        ("a role by its displayed name", "/admins", with(named), 403),
        ("a permission", "/posts", with(json!({})), 200),
        ("another permission", "/posts", with(json!({"permissions": ["list:posts"]})), 403),
        ("a scope", "/profiles", with(json!({})), 200),
        ("another scope", "/profiles", with(json!({"scp": ["openid"]})), 403),
        ("another client", "/", with(json!({"azp": "77aa"})), 401),
        ("without client", "/", with(json!({"azp": null})), 401),
        ("for another API", "/", with(json!({"aud": ["https://other.example.com"]})), 401),
        ("another business", "/", with(json!({"iss": "https://other.kinde.com"})), 401),
        ("an ID token", "/", with(id_token), 401),
    ];
    setup.expect(&cases);
    let keys = Keys::Discovered("https://example.kinde.com");
    setup.expect_in_code((issuer().unwrap(), keys, include_str!("kinde.rs")), &cases);
}

#[test]
fn kinde_with_an_api() {
    let key = SigningKey::new(Algorithm::RS256, "d3:8a:1f:6b:55:e0");
    let (header, claims) = (json!({"alg": "RS256", "kid": key.id(), "typ": "JWT"}), access_token());
    let with = |aud| token(&key, &header, &claims, &json!({ "aud": aud }));
    publish(Setup::variant("kinde", "api"), &key).expect(&[
        ("for this API", "/", with(json!(["https://api.example.com"])), 200),
        ("for another API", "/", with(json!(["https://other.example.com"])), 401),
        ("for none", "/", with(json!([])), 401),
    ]);
}

fn publish(setup: Setup, key: &SigningKey) -> Setup {
    let domain = "https://example.kinde.com";
    let keys = format!("{domain}/.well-known/jwks");
    let metadata = json!({
        "issuer": domain, "jwks_uri": keys,
        "authorization_endpoint": format!("{domain}/oauth2/auth"),
        "token_endpoint": format!("{domain}/oauth2/token"),
        "id_token_signing_alg_values_supported": ["RS256"], "subject_types_supported": ["public"],
    });
    setup
        .publish(&format!("{domain}/.well-known/openid-configuration"), &metadata)
        .publish(&keys, &json!({"keys": [key.jwk()]}))
}

fn access_token() -> Value {
    json!({
        "aud": [], "azp": CLIENT, "iss": "https://example.kinde.com", "gty": ["authorization_code"],
        "jti": "5f2d8c1e-8f1a-4c38-9d7e-0b6a3e9f4c21", "org_code": "org_5e1f", "org_name": "Acme",
        "permissions": ["read:posts"], "scp": ["openid", "profile"], "sub": "kp_8f2c0d",
        "roles": [{"id": "018e", "key": "admin", "name": "Admin"}],
    })
}

// [code]
fn issuer() -> Result<TrustedIssuer, ConfigError> {
    let issuer = TrustedIssuer::without_audience("https://example.kinde.com")
        .allowed_clients(["2c9f0a6e4b7d4d0f8a53c1e7b9f2d640"])
        .claims_mapping("kinde".parse()?);
    Ok(issuer)
}
// [end]
