//! Amazon Cognito: a user pool, whose access tokens name the app client and no audience.

use jwt_verify::{Algorithm, ClaimsMapping, Requirement, TrustedIssuer};
use jwt_verify_tests::SigningKey;
use serde_json::{Value, json};

use super::setup::{Keys, Setup, token};

const POOL: &str = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab1Cd2Ef3";

#[test]
fn cognito() {
    let key = SigningKey::new(Algorithm::RS256, "kT3s+8vQ0mZ1wq7p9yR5uA==");
    let id_key = SigningKey::new(Algorithm::RS256, "abF2/6nH4cX8eJ0dLrK1tg==");
    let setup = publish(Setup::of("cognito"), &key, &id_key)
        .route("/editors", Requirement::roles(["editors"]))
        .route("/posts", Requirement::scopes(["https://api.example.com/posts.read"]));
    let (header, claims) = (json!({"alg": "RS256", "kid": key.id()}), access_token());
    let with = |changed| token(&key, &header, &claims, &changed);
    let id_token = token(
        &id_key,
        &json!({"alg": "RS256", "kid": id_key.id()}),
        &json!({
            "iss": POOL, "sub": "4d2f8a10", "aud": "7q1n5c0v3k2m8x4p6r9t0w1y2z", "token_use": "id",
            "cognito:groups": ["editors"], "cognito:username": "ada", "at_hash": "Hh0p2b1x",
            "email": "ada@example.com", "email_verified": true, "auth_time": 1_790_000_000,
        }),
        &json!({}),
    );
    let machine = json!({
        "sub": "7q1n5c0v3k2m8x4p6r9t0w1y2z", "cognito:groups": null, "username": null,
        "scope": "https://api.example.com/posts.read",
    });
    let other_pool = json!({"iss": format!("{POOL}x")});
    let cases = [
        ("an access token", "/", with(json!({})), 200),
        ("a group", "/editors", with(json!({})), 200),
        ("another group", "/editors", with(json!({"cognito:groups": ["readers"]})), 403),
        ("a scope", "/posts", with(json!({})), 200),
        ("a login by API", "/posts", with(json!({"scope": "aws.cognito.signin.user.admin"})), 403),
        ("a machine", "/posts", with(machine.clone()), 200),
        ("a machine without group", "/editors", with(machine), 403),
        ("another app client", "/", with(json!({"client_id": "3b8d1f7h2j4l6n9q5s0u8w1y3a"})), 401),
        ("without client", "/", with(json!({"client_id": null})), 401),
        ("for another API", "/", with(json!({"aud": "https://other.example.com"})), 401),
        ("another pool", "/", with(other_pool), 401),
        ("an ID token", "/", id_token, 401),
        ("for another use", "/", with(json!({"token_use": "id"})), 401),
    ];
    setup.expect(&cases);
    setup.expect_in_code((issuer(), Keys::Discovered(POOL), include_str!("cognito.rs")), &cases);
}

#[test]
fn cognito_with_a_resource() {
    let key = SigningKey::new(Algorithm::RS256, "kT3s+8vQ0mZ1wq7p9yR5uA==");
    let id_key = SigningKey::new(Algorithm::RS256, "abF2/6nH4cX8eJ0dLrK1tg==");
    let mut claims = access_token();
    claims["aud"] = json!("https://api.example.com");
    let with = |changed| token(&key, &json!({"alg": "RS256", "kid": key.id()}), &claims, &changed);
    publish(Setup::variant("cognito", "resource"), &key, &id_key).expect(&[
        ("a bound token", "/", with(json!({})), 200),
        ("a token without resource", "/", with(json!({"aud": null})), 401),
        ("another resource", "/", with(json!({"aud": "https://other.example.com"})), 401),
        ("another app client", "/", with(json!({"client_id": "3b8d1f7h2j4l6n9q5s0u8w1y3a"})), 401),
    ]);
}

fn publish(setup: Setup, key: &SigningKey, id_key: &SigningKey) -> Setup {
    let keys = format!("{POOL}/.well-known/jwks.json");
    let domain = "https://my-domain.auth.eu-west-1.amazoncognito.com";
    let metadata = json!({
        "authorization_endpoint": format!("{domain}/oauth2/authorize"),
        "id_token_signing_alg_values_supported": ["RS256"], "issuer": POOL, "jwks_uri": keys,
        "response_types_supported": ["code", "token"], "subject_types_supported": ["public"],
        "scopes_supported": ["openid", "email", "phone", "profile"],
        "token_endpoint": format!("{domain}/oauth2/token"),
    });
    setup
        .publish(&format!("{POOL}/.well-known/openid-configuration"), &metadata)
        .publish(&keys, &json!({"keys": [id_key.jwk(), key.jwk()]}))
}

fn access_token() -> Value {
    json!({
        "sub": "4d2f8a10-7c3b-4e65-9b1d-0f6a8c2e5d97", "cognito:groups": ["editors"], "iss": POOL,
        "version": 2, "client_id": "7q1n5c0v3k2m8x4p6r9t0w1y2z",
        "origin_jti": "b7e06c41-2a9f-4d18-8c53-6e1f0a9d7b24",
        "event_id": "0c58d3f9-61e4-47ab-b2d6-9f7c1a4e8035", "token_use": "access",
        "scope": "openid https://api.example.com/posts.read", "auth_time": 1_790_000_000,
        "jti": "e91a7f26-d40c-4b83-a5e7-3c8b2d6f0149", "username": "ada",
    })
}

// [code]
fn issuer() -> TrustedIssuer {
    let pool = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab1Cd2Ef3";
    TrustedIssuer::without_audience(pool)
        .allowed_clients(["7q1n5c0v3k2m8x4p6r9t0w1y2z"])
        .claims_mapping(ClaimsMapping::cognito())
}
// [end]
