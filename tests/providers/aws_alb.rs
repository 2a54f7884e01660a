//! AWS Application Load Balancer: the access token of the provider in a header of its own, and a
//! token of the balancer, which cannot be verified.

use base64::{Engine as _, engine::general_purpose::URL_SAFE};
use jwt_verify::{Algorithm, ClaimsMapping, Requirement, TrustedIssuer};
use jwt_verify_tests::SigningKey;
use serde_json::json;

use super::setup::{Keys, Setup, token};

#[test]
fn aws_alb() {
    let pool = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab1Cd2Ef3";
    let keys = format!("{pool}/.well-known/jwks.json");
    let key = SigningKey::new(Algorithm::RS256, "kT3s+8vQ0mZ1wq7p9yR5uA==");
    let header = json!({"alg": "RS256", "kid": key.id()});
    let claims = json!({
        "sub": "4d2f8a10-7c3b-4e65-9b1d-0f6a8c2e5d97", "cognito:groups": ["editors"], "iss": pool,
        "version": 2, "client_id": "7q1n5c0v3k2m8x4p6r9t0w1y2z", "token_use": "access",
        "scope": "openid", "jti": "e91a7f26-d40c-4b83-a5e7-3c8b2d6f0149", "username": "ada",
    });
    let with = |changed| token(&key, &header, &claims, &changed);
    let setup = Setup::of("aws-alb")
        .publish(
            &format!("{pool}/.well-known/openid-configuration"),
            &json!({"issuer": pool, "jwks_uri": keys}),
        )
        .publish(&keys, &json!({"keys": [key.jwk()]}))
        .header("X-Amzn-Oidc-Accesstoken")
        .route("/editors", Requirement::roles(["editors"]));
    let cases = [
        ("the access token", "/", with(json!({})), 200),
        ("a group", "/editors", with(json!({})), 200),
        ("another group", "/editors", with(json!({"cognito:groups": ["readers"]})), 403),
        ("another app client", "/", with(json!({"client_id": "3b8d1f7h2j4l6n9q5s0u8w1y3a"})), 401),
        ("another pool", "/", with(json!({"iss": format!("{pool}x")})), 401),
        ("an ID token", "/", with(json!({"token_use": "id"})), 401),
        ("the balancer's own token", "/", of_the_balancer(), 401),
        ("with a scheme", "/", format!("Bearer {}", with(json!({}))), 400),
    ];
    setup.expect(&cases);
    let keys = Keys::Discovered(pool);
    setup.expect_in_code((issuer(), keys, include_str!("aws_alb.rs")), &cases);
}

/// The token of `X-Amzn-Oidc-Data`: ES256, without `aud`, and its parts are padded.
fn of_the_balancer() -> String {
    let key = SigningKey::new(Algorithm::ES256, "c3d4e5f6-a7b8-4901-8c2d-3e4f5a6b7c8d");
    let balancer = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/api/50dc";
    let header = json!({
        "typ": "JWT", "kid": key.id(), "alg": "ES256", "signer": balancer, "exp": 1_890_000_000,
        "iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab1Cd2Ef3",
        "client": "7q1n5c0v3k2m8x4p6r9t0w1y2z",
    });
    let claims = json!({"sub": "4d2f8a10", "email": "ada@example.com", "username": "ada"});
    let parts = [header.to_string(), claims.to_string()].map(|part| URL_SAFE.encode(part));
    let message = parts.join(".");
    format!("{message}.{}", URL_SAFE.encode(key.sign(message.as_bytes())))
}

// [code]
fn issuer() -> TrustedIssuer {
    let pool = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab1Cd2Ef3";
    TrustedIssuer::without_audience(pool)
        .allowed_clients(["7q1n5c0v3k2m8x4p6r9t0w1y2z"])
        .claims_mapping(ClaimsMapping::cognito())
}
// [end]
