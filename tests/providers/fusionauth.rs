//! FusionAuth: an application with RSA keys, or with the secret that it has by default.

use jwt_verify::{Algorithm, ConfigError, Requirement, TrustedIssuer};
use jwt_verify_tests::SigningKey;
use serde_json::{Value, json};

use super::setup::{Keys, Setup, token};

const APPLICATION: &str = "85a03867-dccf-4882-adde-1a79aeec50df";

#[test]
fn fusionauth() {
    let key = SigningKey::new(Algorithm::RS256, "qOmFQ0aXc1PpVn2Y8Zr5");
    let id_key = SigningKey::new(Algorithm::RS256, "tB7dR2wXk9Lh4Jm1Gs6E");
    let published = [&key, &id_key].map(|key| {
        let mut jwk = key.jwk();
        jwk["x5c"] = json!(["MIICuDCCAaCgAwIBAgIQQw=="]);
        jwk["x5t"] = json!(key.id());
        jwk["x5t#S256"] = json!("Zm9vYmFyZm9vYmFyZm9v");
        jwk
    });
    let (header, claims) = (json!({"alg": "RS256", "kid": key.id(), "typ": "JWT"}), claims());
    let with = |changed| token(&key, &header, &claims, &changed);
    let id_token = token(
        &id_key,
        &json!({"alg": "RS256", "kid": id_key.id(), "typ": "JWT"}),
        &claims,
        &json!({"at_hash": "Hh0p2b1x", "nonce": "n1", "email_verified": true}),
    );
    let other = json!({
        "aud": "3c219e58-ed0e-4b18-ad48-f4f92793ae32", "roles": ["admin"],
        "applicationId": "3c219e58-ed0e-4b18-ad48-f4f92793ae32",
    });
    let keys = "https://auth.example.com/.well-known/jwks.json";
    let unregistered = json!({"applicationId": null, "roles": null});
    let setup = Setup::of("fusionauth")
        .publish(
            "https://auth.example.com/.well-known/openid-configuration",
            &json!({
                "issuer": "https://auth.example.com", "jwks_uri": keys,
                "authorization_endpoint": "https://auth.example.com/oauth2/authorize",
                "token_endpoint": "https://auth.example.com/oauth2/token",
                "id_token_signing_alg_values_supported": ["ES256", "HS256", "RS256"],
            }),
        )
        .publish(keys, &json!({ "keys": published }))
        .route("/admins", Requirement::roles(["admin"]))
        .route("/profiles", Requirement::scopes(["profile"]));
    let cases = [
        ("an access token", "/", with(json!({})), 200),
        ("a role", "/admins", with(json!({})), 200),
        ("another role", "/admins", with(json!({"roles": ["reader"]})), 403),
        ("a user who is not registered", "/admins", with(unregistered), 403),
        ("a scope", "/profiles", with(json!({})), 200),
        ("another scope", "/profiles", with(json!({"scope": "openid"})), 403),
        ("another application", "/", with(other), 401),
        ("another tenant", "/", with(json!({"iss": "https://other.example.com"})), 401),
        ("an ID token", "/", id_token, 401),
    ];
    setup.expect(&cases);
    let keys = Keys::Discovered("https://auth.example.com");
    setup.expect_in_code((issuer().unwrap(), keys, include_str!("fusionauth.rs")), &cases);
}

#[test]
fn fusionauth_with_a_secret() {
    let secret = "Lk3vQ8wZ2mT5vB9xK4nR7cY1pL6sD3fG0hJ=";
    let key = SigningKey::from_secret(Algorithm::HS256, "a1b2c3d4e", secret.as_bytes());
    let other = SigningKey::from_secret(Algorithm::HS256, "a1b2c3d4e", &[7; 32]);
    let mut claims = claims();
    claims["iss"] = json!("acme.com");
    let by = |key: &SigningKey, changed| {
        let header = json!({"alg": "HS256", "kid": key.id(), "typ": "JWT"});
        token(key, &header, &claims, &changed)
    };
    Setup::variant("fusionauth", "secret").value("JWT_SECRET", secret).expect(&[
        ("an access token", "/", by(&key, json!({})), 200),
        ("another secret", "/", by(&other, json!({})), 401),
        ("another application", "/", by(&key, json!({"aud": "other"})), 401),
        ("another tenant", "/", by(&key, json!({"iss": "other.com"})), 401),
        ("an ID token", "/", by(&key, json!({"at_hash": "Hh0p2b1x"})), 401),
    ]);
}

fn claims() -> Value {
    json!({
        "aud": APPLICATION, "iss": "https://auth.example.com", "applicationId": APPLICATION,
        "sub": "19016b73-3ffa-4b26-80d8-aa9287738677", "jti": "3dd6434d-79a9-4d15-98b5-7b51dbb2cd31",
        "authenticationType": "PASSWORD", "auth_time": 1_790_000_000, "email": "ada@example.com",
        "email_verified": true, "scope": "openid profile", "roles": ["admin"],
        "sid": "5e1c7a90-2b4d-4e8f-a6c3-9d0b7f2e1a58", "tid": "30663132-6464-6665-3032-326466613934",
        "gty": ["authorization_code"],
    })
}

// [code]
fn issuer() -> Result<TrustedIssuer, ConfigError> {
    let application = "85a03867-dccf-4882-adde-1a79aeec50df";
    let issuer = TrustedIssuer::new("https://auth.example.com", application);
    Ok(issuer.claims_mapping("fusionauth".parse()?))
}
// [end]
