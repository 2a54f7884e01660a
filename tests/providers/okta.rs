//! Okta: a custom authorization server, with a claim for groups.

use jwt_verify::{Algorithm, ClaimsMapping, Requirement, TrustedIssuer};
use jwt_verify_tests::SigningKey;
use serde_json::json;

use super::setup::{Keys, Setup, token};

#[test]
fn okta() {
    let server = "https://org.okta.com/oauth2/default";
    let keys = format!("{server}/v1/keys");
    let key = SigningKey::new(Algorithm::RS256, "Wq3Xz7Lm0Nc5Rb8Yt2Vk4Jd6Hf9Sg1Pa");
    // There is no `typ`.
    let header = json!({"alg": "RS256", "kid": key.id()});
    let claims = json!({
        "ver": 1, "jti": "AT.m3Qv7TzL9kXb2Wn5RfYd8HsJ1cGp4Ua6EoViN0xKtBw", "iss": server,
        "aud": "api://default", "cid": "0oa1b2c3d4E5f6G7h8i9", "uid": "00u9i8h7G6f5E4d3c2b1",
        "scp": ["openid", "posts.read"], "sub": "ada@example.com", "groups": ["posts-editors"],
    });
    let with = |changed| token(&key, &header, &claims, &changed);
    let machine = |changed| {
        let mut machine = claims.clone();
        machine["sub"] = json!("0oa9z8y7x6W5v4U3t2s1");
        machine["cid"] = json!("0oa9z8y7x6W5v4U3t2s1");
        machine["scp"] = json!(["posts.write"]);
        machine.as_object_mut().unwrap().retain(|name, _| name != "uid" && name != "groups");
        token(&key, &header, &machine, &changed)
    };
    let org = json!({"iss": "https://org.okta.com", "aud": "https://org.okta.com"});
    let org_type =
        json!({"alg": "RS256", "kid": key.id(), "typ": "application/okta-internal-at+jwt"});
    let id_token = |audience: &str| {
        with(json!({
            "aud": audience, "cid": null, "uid": null, "scp": null, "nonce": "b2Rk7Lq0",
            "at_hash": "qk3Nw7XzP0sVb9Yc1Lr5Tg", "amr": ["pwd"], "idp": "00o1a2b3C4d5E6f7G8h9",
        }))
    };
    let setup = Setup::of("okta")
        .publish(
            &format!("{server}/.well-known/openid-configuration"),
            &json!({
                "issuer": server, "jwks_uri": keys,
                "authorization_endpoint": format!("{server}/v1/authorize"),
                "token_endpoint": format!("{server}/v1/token"),
                "registration_endpoint": "https://org.okta.com/oauth2/v1/clients",
                "id_token_signing_alg_values_supported": ["RS256"],
            }),
        )
        .publish(&keys, &json!({"keys": [key.jwk()]}))
        .route("/editors", Requirement::roles(["posts-editors"]))
        .route("/read", Requirement::scopes(["posts.read"]));
    let cases = [
        ("a user's token", "/", with(json!({})), 200),
        ("a machine's token", "/", machine(json!({})), 200),
        ("a group", "/editors", with(json!({})), 200),
        ("without group", "/editors", machine(json!({})), 403),
        ("a claim `roles`", "/editors", machine(json!({"roles": ["posts-editors"]})), 403),
        ("a scope", "/read", with(json!({})), 200),
        ("another scope", "/read", machine(json!({})), 403),
        ("another server", "/", with(json!({"iss": "https://org.okta.com/oauth2/aus1a2b3"})), 401),
        ("another audience", "/", with(json!({"aud": "api://other"})), 401),
        ("a token of the org", "/", token(&key, &org_type, &claims, &org), 401),
        ("a token of the org's type", "/", token(&key, &org_type, &claims, &json!({})), 401),
        ("an ID token", "/", id_token("0oa1b2c3d4E5f6G7h8i9"), 401),
        ("an ID token of a client called like the API", "/", id_token("api://default"), 401),
    ];
    setup.expect(&cases);
    let keys = Keys::Discovered("https://org.okta.com/oauth2/default");
    setup.expect_in_code((issuer(), keys, include_str!("okta.rs")), &cases);
}

// [code]
fn issuer() -> TrustedIssuer {
    TrustedIssuer::new("https://org.okta.com/oauth2/default", "api://default")
        .claims_mapping(ClaimsMapping::okta())
}
// [end]
