//! Flask-JWT-Extended: one secret, no issuer and no audience.

use jwt_verify::{Algorithm, ConfigError, Requirement, Secret, TrustedIssuer, VerificationKey};
use jwt_verify_tests::SigningKey;
use serde_json::json;

use super::setup::{Keys, Setup, token};

const SECRET: &str = "the JWT_SECRET_KEY of the application, long enough";

#[test]
fn flask_jwt_extended() {
    let key = SigningKey::from_secret(Algorithm::HS256, "", SECRET.as_bytes());
    let other = SigningKey::from_secret(Algorithm::HS256, "", &[7; 32]);
    let header = json!({"alg": "HS256", "typ": "JWT"});
    let claims = json!({
        "fresh": false, "jti": "8c4a2f", "type": "access", "sub": "42", "nbf": 1, "csrf": "c0de",
        "roles": ["editor"],
    });
    let with = |changed| token(&key, &header, &claims, &changed);
    let setup = Setup::of("flask-jwt-extended")
        .value("JWT_SECRET", SECRET)
        .route("/editors", Requirement::roles(["editor"]));
    let cases = [
        ("an access token", "/", with(json!({})), 200),
        ("a role in a further claim", "/editors", with(json!({})), 200),
        ("without the role", "/editors", with(json!({"roles": []})), 403),
        ("a refresh token", "/", with(json!({"type": "refresh"})), 401),
        ("another secret", "/", token(&other, &header, &claims, &json!({})), 401),
        ("a token of an issuer", "/", with(json!({"iss": "https://issuer.example"})), 401),
        ("a token for another API", "/", with(json!({"aud": "other"})), 401),
        ("a number as subject", "/", with(json!({"sub": 42})), 401),
        ("without end", "/", with(json!({"exp": null})), 401),
    ];
    setup.expect(&cases);
    let settings = issuer(&Secret::from(SECRET)).unwrap();
    setup.expect_in_code((settings, Keys::Given, include_str!("flask_jwt_extended.rs")), &cases);
    Setup::variant("flask-jwt-extended", "numbers").value("JWT_SECRET", SECRET).expect(&[(
        "a number as subject",
        "/",
        with(json!({"sub": 42})),
        200,
    )]);
}

// [code]
fn issuer(secret: &Secret) -> Result<TrustedIssuer, ConfigError> {
    Ok(TrustedIssuer::of_key(VerificationKey::from_secret(Algorithm::HS256, secret)?))
}
// [end]
