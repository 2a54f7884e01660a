//! Clerk: session tokens, which name the origin of the front end and no audience.

use jwt_verify::{Algorithm, ConfigError, Requirement, TrustedIssuer};
use jwt_verify_tests::SigningKey;
use serde_json::json;

use super::setup::{Keys, Setup, token};

#[test]
fn clerk() {
    let frontend_api = "https://clerk.example.com";
    let keys = format!("{frontend_api}/.well-known/jwks.json");
    let key = SigningKey::new(Algorithm::RS256, "ins_2XvK0tQd8s5bYpLmNc1RzWfJ4aG");
    let header = json!({
        "alg": "RS256", "cat": "cl_B7d4PD111AAA", "kid": key.id(), "typ": "JWT",
    });
    let claims = json!({
        "azp": "https://app.example.com", "fva": [7, -1], "iss": frontend_api,
        "jti": "9f2b1c5e7a0d4386", "nbf": 1_700_000_000, "sid": "sess_2Xw0aQmT", "sts": "active",
        "sub": "user_2Xw09PzK", "v": 2, "pla": "o:pro", "fea": "o:posts",
        "o": {"id": "org_2Xw0", "slg": "acme", "rol": "admin", "per": "read", "fpm": "1"},
    });
    let with = |changed| token(&key, &header, &claims, &changed);
    let first_version = json!({
        "v": null, "o": null, "org_id": "org_2Xw0", "org_slug": "acme", "org_role": "admin",
        "org_permissions": ["org:posts:read"],
    });
    let id_token = json!({
        "aud": "oa_app_7Yt", "azp": null, "sts": null, "v": null, "at_hash": "Hh0p2b1x",
        "nonce": "n1",
    });
    let oauth = json!({
        "azp": null, "client_id": "oa_app_7Yt", "scope": "profile", "sid": null, "v": null,
    });
    let setup = Setup::of("clerk")
        .publish(
            &format!("{frontend_api}/.well-known/openid-configuration"),
            &json!({
                "issuer": frontend_api, "jwks_uri": keys,
                "authorization_endpoint": format!("{frontend_api}/oauth/authorize"),
                "token_endpoint": format!("{frontend_api}/oauth/token"),
                "id_token_signing_alg_values_supported": ["RS256"],
            }),
        )
        .publish(&keys, &json!({"keys": [key.jwk()]}))
        .route("/admins", Requirement::roles(["admin"]))
        .route("/posts", Requirement::permissions(["org:posts:read"]));
    let cases = [
        ("a session token", "/", with(json!({})), 200),
        ("a user without organization", "/", with(json!({"o": null})), 200),
        ("a role of the organization", "/admins", with(json!({})), 200),
        ("without organization", "/admins", with(json!({"o": null})), 403),
        ("a role that users may write", "/admins", with(json!({"o": null, "role": "admin"})), 403),
        ("the first version", "/admins", with(first_version.clone()), 200),
        ("a permission of the first version", "/posts", with(first_version), 200),
        ("encoded permissions", "/posts", with(json!({})), 403),
        ("another front end", "/", with(json!({"azp": "https://evil.example.com"})), 401),
        ("without front end", "/", with(json!({"azp": null})), 401),
        ("another instance", "/", with(json!({"iss": "https://clerk.other.example.com"})), 401),
        ("a template for another API", "/", with(json!({"aud": "other-api"})), 401),
        ("an ID token", "/", with(id_token), 401),
        ("an OAuth application", "/", with(oauth), 401),
    ];
    setup.expect(&cases);
    let keys = Keys::Discovered("https://clerk.example.com");
    setup.expect_in_code((issuer().unwrap(), keys, include_str!("clerk.rs")), &cases);
}

// [code]
fn issuer() -> Result<TrustedIssuer, ConfigError> {
    let issuer = TrustedIssuer::without_audience("https://clerk.example.com")
        .allowed_clients(["https://app.example.com"])
        .claims_mapping("clerk".parse()?);
    Ok(issuer)
}
// [end]
