//! GitHub Actions: tokens that jobs ask for with the audience of an API.

use jwt_verify::{Algorithm, ClaimsMapping, Requirement, TrustedIssuer};
use jwt_verify_tests::SigningKey;
use serde_json::json;

use super::setup::{Keys, Setup, token};

#[test]
fn github_actions() {
    let name = "https://token.actions.githubusercontent.com";
    let keys = format!("{name}/.well-known/jwks");
    let key = SigningKey::new(Algorithm::RS256, "38826b17");
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": key.id()});
    let claims = json!({
        "iss": name, "aud": "https://deploy.example.com", "jti": "f2b0c4b8", "nbf": 1,
        "sub": "repo:example/shop:environment:production", "ref": "refs/heads/main",
        "repository": "example/shop", "repository_owner_id": "65001", "repository_id": "74001",
        "ref_protected": "true", "environment": "production", "event_name": "push",
    });
    let with = |changed| token(&key, &header, &claims, &changed);
    let setup = Setup::of("github-actions")
        .publish(
            &format!("{name}/.well-known/openid-configuration"),
            &json!({"issuer": name, "jwks_uri": keys, "subject_types_supported": ["public"]}),
        )
        .publish(&keys, &json!({"keys": [key.jwk()]}))
        .route("/deploy", Requirement::roles(["74001"]));
    let cases = [
        ("a job", "/", with(json!({})), 200),
        ("a job of the project", "/deploy", with(json!({})), 200),
        ("any other project of the host", "/deploy", with(json!({"repository_id": "99999"})), 403),
        ("another audience", "/", with(json!({"aud": "https://vault.example"})), 401),
        ("an issuer of an enterprise", "/", with(json!({"iss": format!("{name}/other")})), 401),
    ];
    setup.expect(&cases);
    let keys = Keys::Discovered("https://token.actions.githubusercontent.com");
    setup.expect_in_code((issuer(), keys, include_str!("github_actions.rs")), &cases);
}

// [code]
fn issuer() -> TrustedIssuer {
    TrustedIssuer::new("https://token.actions.githubusercontent.com", "https://deploy.example.com")
        .claims_mapping(ClaimsMapping::default().roles_claim("repository_id"))
}
// [end]
