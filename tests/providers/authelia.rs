//! Authelia: a client whose access tokens are signed, in the profile of RFC 9068.

use jwt_verify::{Algorithm, ClaimsMapping, Requirement, TrustedIssuer};
use jwt_verify_tests::SigningKey;
use serde_json::json;

use super::setup::{Keys, Setup, token};

#[test]
fn authelia() {
    let authelia = "https://auth.example.com";
    let keys = format!("{authelia}/jwks.json");
    let key = SigningKey::new(Algorithm::RS256, "main");
    let header = json!({"alg": "RS256", "typ": "at+jwt", "kid": key.id()});
    let claims = json!({
        "aud": ["https://api.example.com"], "client_id": "front-end", "iss": authelia,
        "jti": "2f0c5d1e-8b3a-4e67-9d12-5a6f7c8b9e01", "nbf": 1_790_000_000,
        "scope": "openid groups posts.read", "sub": "e79b6494-8852-4439-860c-159f2cba83dc",
        "groups": ["editors"],
    });
    let with = |changed| token(&key, &header, &claims, &changed);
    let list = json!({"scope": null, "scp": ["openid", "posts.read"]});
    let id_token = |audience: &str| {
        token(
            &key,
            &json!({"alg": "RS256", "typ": "JWT", "kid": key.id()}),
            &claims,
            &json!({
                "aud": [audience], "client_id": null, "scope": null, "nonce": "n0Sx",
                "at_hash": "x4Qn0v2LrT8mYc6ZbW1dKg", "azp": "front-end", "amr": ["pwd", "otp"],
            }),
        )
    };
    let setup = Setup::of("authelia")
        .publish(
            &format!("{authelia}/.well-known/openid-configuration"),
            &json!({
                "issuer": authelia, "jwks_uri": keys,
                "authorization_endpoint": format!("{authelia}/api/oidc/authorization"),
                "token_endpoint": format!("{authelia}/api/oidc/token"),
                "id_token_signing_alg_values_supported": ["RS256"],
            }),
        )
        .publish(&keys, &json!({"keys": [key.jwk()]}))
        .route("/editors", Requirement::roles(["editors"]))
        .route("/posts", Requirement::scopes(["posts.read"]));
    let cases = [
        ("an access token", "/", with(json!({})), 200),
        ("a group", "/editors", with(json!({})), 200),
        ("without groups", "/editors", with(json!({"groups": null})), 403),
        ("a scope", "/posts", with(json!({})), 200),
        ("scopes as a list", "/posts", with(list), 200),
        ("another scope", "/posts", with(json!({"scope": "openid"})), 403),
        ("without audience", "/", with(json!({"aud": []})), 401),
        ("another audience", "/", with(json!({"aud": ["https://other.example.com"]})), 401),
        ("another issuer", "/", with(json!({"iss": "https://auth.example.org"})), 401),
        ("an ID token", "/", id_token("front-end"), 401),
        ("an ID token for the API", "/", id_token("https://api.example.com"), 401),
    ];
    setup.expect(&cases);
    let keys = Keys::Discovered("https://auth.example.com");
    setup.expect_in_code((issuer(), keys, include_str!("authelia.rs")), &cases);
}

// [code]
fn issuer() -> TrustedIssuer {
    TrustedIssuer::new("https://auth.example.com", "https://api.example.com")
        .claims_mapping(ClaimsMapping::default().roles_claim("groups"))
}
// [end]
