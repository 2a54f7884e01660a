//! Laravel Passport: one key pair, no issuer, the client as audience, and times with fractions.

use jwt_verify::{
    Algorithm, ClaimsMapping, ConfigError, Requirement, TrustedIssuer, VerificationKey,
};
use jwt_verify_tests::SigningKey;
use serde_json::{Value, json};

use super::setup::{Keys, Setup, token};

#[test]
fn laravel_passport() {
    let key = SigningKey::new(Algorithm::RS256, "");
    let other = SigningKey::new(Algorithm::RS256, "");
    let header = json!({"typ": "JWT", "alg": "RS256"});
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
    let claims = json!({
        "aud": "9f1c2d3e-4b5a-4c6d-8e7f-0a1b2c3d4e5f", "nbf": now, "sub": "7",
        "jti": "9e70128f990e1ef244af074b43306a4f45beab6553396168228bf876ce01005224fa17937d0f0157",
        "scopes": ["read-posts"],
    });
    let sign = |key: &SigningKey, changed: &Value| {
        let mut all = json!({"iat": now, "exp": now + 300.0});
        all.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
        token(key, &header, &claims, &all)
    };
    let with = |changed| sign(&key, &changed);
    let symmetric = SigningKey::from_secret(Algorithm::HS256, "", key.public_pem().as_bytes());
    let confused = json!({"typ": "JWT", "alg": "HS256"});
    let setup = Setup::of("laravel-passport")
        .value("JWT_PUBLIC_KEY", key.public_pem())
        .route("/posts", Requirement::scopes(["read-posts"]));
    let cases = [
        ("an access token", "/", with(json!({})), 200),
        ("a machine's token", "/", with(json!({"sub": ""})), 200),
        ("a scope", "/posts", with(json!({})), 200),
        ("another scope", "/posts", with(json!({"scopes": ["write-posts"]})), 403),
        ("without scopes", "/posts", with(json!({"scopes": []})), 403),
        ("another client", "/", with(json!({"aud": "1"})), 401),
        ("without client", "/", with(json!({"aud": null})), 401),
        ("a token of an issuer", "/", with(json!({"iss": "https://issuer.example"})), 401),
        ("another key", "/", sign(&other, &json!({})), 401),
        ("the public key as secret", "/", token(&symmetric, &confused, &claims, &json!({})), 401),
        ("expired", "/", with(json!({"exp": now - 120.5})), 401),
    ];
    setup.expect(&cases);
    let settings = issuer(key.public_pem().as_bytes()).unwrap();
    setup.expect_in_code((settings, Keys::Given, include_str!("laravel_passport.rs")), &cases);
}

// [code]
fn issuer(public_key: &[u8]) -> Result<TrustedIssuer, ConfigError> {
    let key = VerificationKey::from_pem(Algorithm::RS256, public_key)?;
    Ok(TrustedIssuer::of_key(key)
        .audience("9f1c2d3e-4b5a-4c6d-8e7f-0a1b2c3d4e5f")
        .claims_mapping(ClaimsMapping::default().scopes_claim("scopes")))
}
// [end]
