//! Zitadel: roles are the names of members.

use jwt_verify::{Algorithm, ClaimsMapping, Requirement, TrustedIssuer};
use jwt_verify_tests::SigningKey;
use serde_json::json;

use super::setup::{Keys, Setup, token};

#[test]
fn zitadel() {
    let name = "https://my-instance.zitadel.cloud";
    let keys = format!("{name}/oauth/v2/keys");
    let key = SigningKey::new(Algorithm::RS256, "277145112");
    let header = json!({"alg": "RS256", "kid": key.id(), "typ": "JWT"});
    let of_project = "urn:zitadel:iam:org:project:271514512:roles";
    let claims = json!({
        "iss": name, "sub": "163840776835432705", "nbf": 1, "jti": "V2_2715",
        "aud": ["271514599", "271514512"], "client_id": "271514599",
        of_project: {"editor": {"2698": "acme.zitadel.cloud"}},
    });
    let with = |changed| token(&key, &header, &claims, &changed);
    let setup = Setup::of("zitadel")
        .publish(
            &format!("{name}/.well-known/openid-configuration"),
            &json!({"issuer": name, "jwks_uri": keys}),
        )
        .publish(&keys, &json!({"keys": [key.jwk()]}))
        .route("/editors", Requirement::roles(["editor"]));
    let other = json!({of_project: null, "urn:zitadel:iam:org:project:999:roles": {"editor": {}}});
    let cases = [
        ("an access token", "/", with(json!({})), 200),
        ("a role of the project", "/editors", with(json!({})), 200),
        ("a role of another project", "/editors", with(other), 403),
        ("another role", "/editors", with(json!({of_project: {"reader": {}}})), 403),
        ("a list", "/editors", with(json!({of_project: [{"editor": {}}]})), 403),
        ("another project", "/", with(json!({"aud": ["999"]})), 401),
        ("an ID token", "/", with(json!({"nonce": "n", "at_hash": "h"})), 401),
        ("another instance", "/", with(json!({"iss": "https://other.zitadel.cloud"})), 401),
    ];
    setup.expect(&cases);
    let keys = Keys::Discovered("https://my-instance.zitadel.cloud");
    setup.expect_in_code((issuer(), keys, include_str!("zitadel.rs")), &cases);
}

// [code]
fn issuer() -> TrustedIssuer {
    TrustedIssuer::new("https://my-instance.zitadel.cloud", "271514512")
        .claims_mapping(ClaimsMapping::zitadel_project("271514512"))
}
// [end]
