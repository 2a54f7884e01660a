//! WorkOS: access tokens of `AuthKit`, which name the client and no audience.

use jwt_verify::{Algorithm, ConfigError, Requirement, TrustedIssuer};
use jwt_verify_tests::SigningKey;
use serde_json::json;

use super::setup::{Keys, Setup, token};

#[test]
fn workos() {
    let client = "client_01HXA5K3V2Q7";
    let key = SigningKey::new(Algorithm::RS256, "sso_oidc_key_pair_01HXA5K3");
    let other_key = SigningKey::new(Algorithm::RS256, "sso_oidc_key_pair_01J0ZZ99");
    let mut published = key.jwk();
    published["x5c"] = json!(["MIICuTCCAaGgAwIBAgIUQw=="]);
    published["x5t#S256"] = json!("ZTFh0m3p9s1Qe7");
    let header = json!({"alg": "RS256", "kid": key.id()});
    let claims = json!({
        "iss": format!("https://api.workos.com/user_management/{client}"), "client_id": client,
        "sub": "user_01HBEQKA", "sid": "session_01HQSXZG", "jti": "01HQSXZXPP",
        "org_id": "org_01HRDMC6", "role": "member", "roles": ["member"],
        "permissions": ["posts:read"], "entitlements": ["audit-logs"], "feature_flags": [],
    });
    let with = |changed| token(&key, &header, &claims, &changed);
    let other_client = json!({
        "iss": "https://api.workos.com/user_management/client_01J0ZZ99",
        "client_id": "client_01J0ZZ99",
    });
    let other_header = json!({"alg": "RS256", "kid": other_key.id()});
    let forged = token(&other_key, &other_header, &claims, &json!({}));
    let id_token = json!({"client_id": null, "aud": client, "nonce": "n1", "role": null});
    let setup = Setup::of("workos")
        .publish(
            &format!("https://api.workos.com/sso/jwks/{client}"),
            &json!({"keys": [published]}),
        )
        .route("/members", Requirement::roles(["member"]))
        .route("/posts", Requirement::permissions(["posts:read"]));
    let cases = [
        ("an access token", "/", with(json!({})), 200),
        ("a role", "/members", with(json!({})), 200),
        ("outside of an organization", "/members", with(json!({"role": null, "roles": null})), 403),
        ("a permission", "/posts", with(json!({})), 200),
        ("another permission", "/posts", with(json!({"permissions": ["posts:list"]})), 403),
        ("another client", "/", with(json!({"client_id": "client_01J0ZZ99"})), 401),
        ("without client", "/", with(json!({"client_id": null})), 401),
        ("another environment", "/", with(other_client), 401),
        ("a key of another environment", "/", forged, 401),
        ("a template for another API", "/", with(json!({"aud": "SuperApp"})), 401),
        ("an ID token", "/", with(id_token), 401),
    ];
    setup.expect(&cases);
    let keys = Keys::At("https://api.workos.com/sso/jwks/client_01HXA5K3V2Q7");
    setup.expect_in_code((issuer().unwrap(), keys, include_str!("workos.rs")), &cases);
}

// [code]
fn issuer() -> Result<TrustedIssuer, ConfigError> {
    let name = "https://api.workos.com/user_management/client_01HXA5K3V2Q7";
    let issuer = TrustedIssuer::without_audience(name)
        .allowed_clients(["client_01HXA5K3V2Q7"])
        .claims_mapping("workos".parse()?);
    Ok(issuer)
}
// [end]
