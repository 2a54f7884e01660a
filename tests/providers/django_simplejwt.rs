//! Django `SimpleJWT`: one secret, no issuer, no audience, and no subject.

use jwt_verify::{Algorithm, ConfigError, Secret, TrustedIssuer, VerificationKey};
use jwt_verify_tests::SigningKey;
use serde_json::json;

use super::setup::{Keys, Setup, token};

const SECRET: &str = "django-insecure-not-quite-fifty-characters-long";

#[test]
fn django_simplejwt() {
    let key = SigningKey::from_secret(Algorithm::HS256, "", SECRET.as_bytes());
    let other = SigningKey::from_secret(Algorithm::HS256, "", &[7; 32]);
    let header = json!({"alg": "HS256", "typ": "JWT"});
    let claims = json!({"token_type": "access", "jti": "3f1c0d", "user_id": "7"});
    let with = |changed| token(&key, &header, &claims, &changed);
    let setup = Setup::of("django-simplejwt").value("JWT_SECRET", SECRET);
    let cases = [
        ("an access token", "/", with(json!({})), 200),
        ("a sliding token", "/", with(json!({"token_type": "sliding"})), 200),
        ("a refresh token", "/", with(json!({"token_type": "refresh"})), 401),
        ("another kind", "/", with(json!({"token_type": "mfa"})), 401),
        ("another secret", "/", token(&other, &header, &claims, &json!({})), 401),
        ("a token of an issuer", "/", with(json!({"iss": "https://issuer.example"})), 401),
        ("a token for another API", "/", with(json!({"aud": "other"})), 401),
    ];
    setup.expect(&cases);
    let settings = issuer(&Secret::from(SECRET)).unwrap();
    setup.expect_in_code((settings, Keys::Given, include_str!("django_simplejwt.rs")), &cases);
}

// [code]
fn issuer(secret: &Secret) -> Result<TrustedIssuer, ConfigError> {
    Ok(TrustedIssuer::of_key(VerificationKey::from_secret(Algorithm::HS256, secret)?))
}
// [end]
