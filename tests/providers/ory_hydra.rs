//! Ory Hydra: access tokens as JWTs, with claims of the consent app in `ext`.

use jwt_verify::{Algorithm, ClaimsMapping, Requirement, TrustedIssuer};
use jwt_verify_tests::SigningKey;
use serde_json::json;

use super::setup::{Keys, Setup, token};

#[test]
fn ory_hydra() {
    let hydra = "https://hydra.example.com";
    let keys = format!("{hydra}/.well-known/jwks.json");
    let key = SigningKey::new(Algorithm::RS256, "b1f7c2d0-53a8-4c1e-9e0b-7a6d5f4c3b21");
    let id_key = SigningKey::new(Algorithm::RS256, "0e4d9a83-2b6c-4f75-8d1e-c9b8a7f6e5d4");
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": key.id()});
    let claims = json!({
        "aud": ["https://api.example.com"], "client_id": "front-end", "iss": hydra,
        "ext": {"roles": ["editor"]}, "jti": "7c6f1a90-e5b4-4d23-8c17-b0a9f8e7d6c5",
        "nbf": 1_790_000_000, "scp": ["openid", "posts.read"], "sub": "ada",
    });
    let with = |changed| token(&key, &header, &claims, &changed);
    let id_token = |audience: &str| {
        token(
            &id_key,
            &json!({"alg": "RS256", "typ": "JWT", "kid": id_key.id()}),
            &claims,
            &json!({
                "aud": [audience], "client_id": null, "scp": null, "ext": null, "nonce": "n0Sx",
                "at_hash": "x4Qn0v2LrT8mYc6ZbW1dKg", "rat": 1_790_000_000, "sid": "4f2e",
            }),
        )
    };
    let setup = Setup::of("ory-hydra")
        .publish(
            &format!("{hydra}/.well-known/openid-configuration"),
            &json!({
                "issuer": hydra, "jwks_uri": keys,
                "authorization_endpoint": format!("{hydra}/oauth2/auth"),
                "token_endpoint": format!("{hydra}/oauth2/token"),
                "id_token_signing_alg_values_supported": ["RS256"],
            }),
        )
        .publish(&keys, &json!({"keys": [id_key.jwk(), key.jwk()]}))
        .route("/editors", Requirement::roles(["editor"]))
        .route("/posts", Requirement::scopes(["posts.read"]));
    let at_the_top = json!({"ext": {}, "roles": ["editor"]});
    let cases = [
        ("an access token", "/", with(json!({})), 200),
        ("a role of the consent app", "/editors", with(json!({})), 200),
        ("a role elsewhere", "/editors", with(at_the_top), 403),
        ("a scope", "/posts", with(json!({})), 200),
        ("another scope", "/posts", with(json!({"scp": ["openid"]})), 403),
        ("without audience", "/", with(json!({"aud": []})), 401),
        ("another audience", "/", with(json!({"aud": ["https://other.example.com"]})), 401),
        ("with a slash", "/", with(json!({"iss": "https://hydra.example.com/"})), 401),
        ("an ID token", "/", id_token("front-end"), 401),
        ("an ID token for the API", "/", id_token("https://api.example.com"), 401),
    ];
    setup.expect(&cases);
    let keys = Keys::Discovered("https://hydra.example.com");
    setup.expect_in_code((issuer(), keys, include_str!("ory_hydra.rs")), &cases);
}

// [code]
fn issuer() -> TrustedIssuer {
    TrustedIssuer::new("https://hydra.example.com", "https://api.example.com")
        .claims_mapping(ClaimsMapping::default().roles_claim("ext.roles"))
}
// [end]
