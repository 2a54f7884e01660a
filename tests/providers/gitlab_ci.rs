//! GitLab CI: tokens that jobs ask for with the audience of an API.

use jwt_verify::{Algorithm, ClaimsMapping, Requirement, TrustedIssuer};
use jwt_verify_tests::SigningKey;
use serde_json::json;

use super::setup::{Keys, Setup, token};

#[test]
fn gitlab_ci() {
    let name = "https://gitlab.com";
    let keys = format!("{name}/oauth/discovery/keys");
    let key = SigningKey::new(Algorithm::RS256, "38826b17");
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": key.id()});
    let claims = json!({
        "iss": name, "aud": "https://deploy.example.com", "jti": "235b3a54", "nbf": 1,
        "sub": "project_path:example/shop:ref_type:branch:ref:main", "ref": "main",
        "project_path": "example/shop", "project_id": "20001", "namespace_id": "72001",
        "ref_protected": "true", "user_id": "1001", "runner_id": 1,
    });
    let with = |changed| token(&key, &header, &claims, &changed);
    let setup = Setup::of("gitlab-ci")
        .publish(
            &format!("{name}/.well-known/openid-configuration"),
            &json!({"issuer": name, "jwks_uri": keys, "subject_types_supported": ["public"]}),
        )
        .publish(&keys, &json!({"keys": [key.jwk()]}))
        .route("/deploy", Requirement::roles(["20001"]));
    let cases = [
        ("a job", "/", with(json!({})), 200),
        ("a job of the project", "/deploy", with(json!({})), 200),
        ("any other project of the host", "/deploy", with(json!({"project_id": "99999"})), 403),
        ("another audience", "/", with(json!({"aud": "https://vault.example"})), 401),
        ("another GitLab", "/", with(json!({"iss": "https://gitlab.example.com"})), 401),
        ("the ID token of a login", "/", with(json!({"nonce": "n", "aud": "d5a1b7c9"})), 401),
        ("one for a client called like the API", "/", with(json!({"nonce": "n"})), 401),
    ];
    setup.expect(&cases);
    let keys = Keys::Discovered("https://gitlab.com");
    setup.expect_in_code((issuer(), keys, include_str!("gitlab_ci.rs")), &cases);
}

// [code]
fn issuer() -> TrustedIssuer {
    TrustedIssuer::new("https://gitlab.com", "https://deploy.example.com")
        .claims_mapping(ClaimsMapping::default().roles_claim("project_id"))
}
// [end]
