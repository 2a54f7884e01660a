//! Supabase: key pairs, and the shared secret of before, under one issuer.

use jwt_verify::{
    Algorithm, ConfigError, JwkSet, Requirement, Secret, TrustedIssuer, VerificationKey,
};
use jwt_verify_tests::SigningKey;
use serde_json::{Value, json};

use super::setup::{Keys, Setup, token};

const ISSUER: &str = "https://abcdefghijklmnopqrst.supabase.co/auth/v1";
const OLD_SECRET: &str = "q8wZ2mT5vB9xK4nR7cY1pL6sD3fG0hJq8wZ2mT5vB9xK4nR7cY1pL6s==";

#[test]
fn supabase() {
    let keys = format!("{ISSUER}/.well-known/jwks.json");
    let key = SigningKey::new(Algorithm::ES256, "8f5d1c3e-2b7a-4a90-9c41-6de0f7b2a853");
    let old = SigningKey::from_secret(Algorithm::HS256, "Jz3kT0pQ", OLD_SECRET.as_bytes());
    let mut published = key.jwk();
    published["ext"] = json!(true);
    published["key_ops"] = json!(["verify"]);
    // The text of the public key as a secret (RFC 8725 §2.1).
    let confused =
        SigningKey::from_secret(Algorithm::HS256, key.id(), published.to_string().as_bytes());
    let header =
        |key: &SigningKey| json!({"alg": key.algorithm().name(), "kid": key.id(), "typ": "JWT"});
    let claims = access_token();
    let by = |key: &SigningKey, changed| token(key, &header(key), &claims, &changed);
    let with = |changed| by(&key, changed);
    let api_key = |role: &str| {
        let claims = json!({"iss": "supabase", "ref": "abcdefghijklmnopqrst", "role": role});
        token(&old, &json!({"alg": "HS256", "typ": "JWT"}), &claims, &json!({}))
    };
    let named_family = token(&old, &header(&key), &claims, &json!({}));
    let edited = json!({"app_metadata": {}, "user_metadata": {"roles": ["editor"]}});
    let other = json!({"iss": "https://zyxwvutsrqponmlkjihg.supabase.co/auth/v1"});
    let setup = Setup::of("supabase")
        .value("JWT_SECRET", OLD_SECRET)
        .publish(
            &format!("{ISSUER}/.well-known/openid-configuration"),
            &json!({
                "issuer": ISSUER, "jwks_uri": keys,
                "authorization_endpoint": format!("{ISSUER}/oauth/authorize"),
                "token_endpoint": format!("{ISSUER}/oauth/token"),
                "id_token_signing_alg_values_supported": ["RS256", "HS256", "ES256"],
            }),
        )
        .publish(&keys, &json!({"keys": [published]}))
        .route("/users", Requirement::roles(["authenticated"]))
        .route("/editors", Requirement::roles(["editor"]));
    let cases = [
        ("a token of the key pair", "/", with(json!({})), 200),
        ("a token of the old secret", "/", by(&old, json!({})), 200),
        ("the role of the database", "/users", with(json!({})), 200),
        ("a role of the application", "/editors", with(json!({})), 200),
        ("with the old secret", "/editors", by(&old, json!({})), 200),
        ("a role that the user wrote", "/editors", with(edited), 403),
        ("the anonymous API key", "/", api_key("anon"), 401),
        ("the API key of the service", "/", api_key("service_role"), 401),
        ("another project", "/", with(other), 401),
        ("another audience", "/", with(json!({"aud": "other"})), 401),
        ("an ID token", "/", with(json!({"aud": "client", "nonce": "n1"})), 401),
        ("the public key as a secret", "/", by(&confused, json!({})), 401),
        ("the secret under the name of the pair", "/", named_family, 401),
    ];
    setup.expect(&cases);
    let issuer = issuer(&Secret::new(OLD_SECRET)).unwrap();
    let keys = Keys::Discovered(ISSUER);
    setup.expect_in_code((issuer, keys, include_str!("supabase.rs")), &cases);
}

#[test]
fn supabase_by_key_pair_alone() {
    let key = SigningKey::new(Algorithm::ES256, "8f5d1c3e-2b7a-4a90-9c41-6de0f7b2a853");
    let old = SigningKey::from_secret(Algorithm::HS256, "Jz3kT0pQ", OLD_SECRET.as_bytes());
    let by = |key: &SigningKey| {
        let header = json!({"alg": key.algorithm().name(), "kid": key.id(), "typ": "JWT"});
        token(key, &header, &access_token(), &json!({}))
    };
    let keys = format!("{ISSUER}/.well-known/jwks.json");
    Setup::variant("supabase", "pair").publish(&keys, &json!({"keys": [key.jwk()]})).expect(&[
        ("a token of the key pair", "/", by(&key), 200),
        ("a token of the old secret", "/", by(&old), 401),
    ]);
}

fn access_token() -> Value {
    json!({
        "aal": "aal1", "amr": [{"method": "password", "timestamp": 1_790_000_000}],
        "app_metadata": {"provider": "email", "providers": ["email"], "roles": ["editor"]},
        "aud": "authenticated", "email": "ada@example.com", "is_anonymous": false, "iss": ISSUER,
        "phone": "", "role": "authenticated", "session_id": "b1f0c2d4-91ab-4f44-a1a5-0e6c5d3b2a17",
        "sub": "6a0c9e52-1f3b-4b1d-9a44-7d5e8c2b0f16", "user_metadata": {"email_verified": true},
    })
}

// [code]
fn issuer(old_secret: &Secret) -> Result<TrustedIssuer, ConfigError> {
    let name = "https://abcdefghijklmnopqrst.supabase.co/auth/v1";
    let old = VerificationKey::from_secret(Algorithm::HS256, old_secret)?;
    let issuer = TrustedIssuer::new(name, "authenticated")
        .algorithms([Algorithm::ES256])
        .and_keys([Algorithm::HS256], JwkSet::single(old))
        .claims_mapping("supabase".parse()?);
    Ok(issuer)
}
// [end]
