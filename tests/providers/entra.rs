//! Microsoft Entra: both versions of its tokens, and External ID.

use jwt_verify::{Algorithm, ClaimsMapping, Requirement, TrustedIssuer};
use jwt_verify_tests::SigningKey;
use serde_json::{Value, json};

use super::setup::{Keys, Setup, token};

const TENANT: &str = "3f2a6c1e-5b7d-4e90-8a41-0c9d2e7f6b35";
const OTHER_TENANT: &str = "b7e1d0c9-2a3f-4c58-9d6e-1f4a8b5c7d20";
const API: &str = "5c0e9a72-1f34-4b8d-9e6a-7d20c4f8b913";
const CLIENT: &str = "e7d1b3f0-42c6-4a58-b9e4-1a6f0d83c27e";
const VERSION_2: &str =
    "https://login.microsoftonline.com/3f2a6c1e-5b7d-4e90-8a41-0c9d2e7f6b35/v2.0";

#[test]
fn version_2() {
    let setup = Setup::of("entra");
    second_version(
        setup,
        "login.microsoftonline.com",
        Some((issuer(), Keys::Discovered(VERSION_2))),
    );
}

#[test]
fn external_id() {
    second_version(Setup::variant("entra", "external"), &format!("{TENANT}.ciamlogin.com"), None);
}

/// External ID differs in its host alone.
fn second_version(setup: Setup, host: &str, in_code: Option<(TrustedIssuer, Keys)>) {
    let key = SigningKey::new(Algorithm::RS256, "nOo3ZDrODXEK1jKWhXslHR_KXEg");
    let at = |path: &str| format!("https://{host}/{TENANT}/{path}");
    let jwk = published(&key, Some(&at("v2.0")));
    let claims = json!({
        "aud": API, "iss": at("v2.0"), "aio": "AWQAm/8XAAAAk3Vt0qLw", "azp": CLIENT, "azpacr": "0",
        "name": "Ada Lovelace", "oid": "0a94d6c3-8e2b-47f1-a5d0-c3b7e9f14682",
        "preferred_username": "ada@contoso.com", "rh": "1.AXkAHmwqP31bkE6KQQydLn9rNQ.",
        "roles": ["Posts.Editor"], "scp": "Posts.Read Posts.Write", "tid": TENANT, "ver": "2.0",
        "sid": "00213ac7-5c19-4e0f-8f6e-6b2d1c7a9e44", "uti": "kP3xW8uTq0y5Lr7ZbVn2AA",
        "sub": "q3ZsN0m_7Kx1uVtYb5RcLwE2hJf8PaD4iGoTeXvB6nM",
    });
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": key.id()});
    let with = |changed| token(&key, &header, &claims, &changed);
    let application = |roles: Value| {
        with(json!({
            "azpacr": "1", "idtyp": "app", "name": null, "preferred_username": null, "scp": null,
            "sid": null, "roles": roles,
        }))
    };
    let other_tenant = json!({"iss": format!("https://{host}/{OTHER_TENANT}/v2.0")});
    let version_1 = json!({"iss": format!("https://sts.windows.net/{TENANT}/"), "ver": "1.0"});
    let id_token = |audience: &str| {
        with(json!({
            "aud": audience, "azp": null, "azpacr": null, "scp": null, "roles": null,
            "nonce": "b2Rk7Lq0",
        }))
    };
    let setup = setup
        .publish(
            &at("v2.0/.well-known/openid-configuration"),
            &json!({
                "issuer": at("v2.0"), "jwks_uri": at("discovery/v2.0/keys"),
                "authorization_endpoint": at("oauth2/v2.0/authorize"),
                "token_endpoint": at("oauth2/v2.0/token"), "kerberos_endpoint": at("kerberos"),
                "id_token_signing_alg_values_supported": ["RS256"], "tenant_region_scope": "EU",
                "cloud_instance_name": "microsoftonline.com", "rbac_url": "https://pas.windows.net",
            }),
        )
        .publish(&at("discovery/v2.0/keys"), &json!({"keys": [jwk]}))
        .route("/editors", Requirement::roles(["Posts.Editor"]))
        .route("/write", Requirement::scopes(["Posts.Write"]));
    let cases = [
        ("a user's token", "/", with(json!({})), 200),
        ("an application's token", "/", application(json!(["Posts.Read.All"])), 200),
        ("an app role", "/editors", with(json!({})), 200),
        ("an application's role", "/editors", application(json!(["Posts.Editor"])), 200),
        ("another app role", "/editors", with(json!({"roles": ["Posts.Reader"]})), 403),
        ("without app role", "/editors", with(json!({"roles": null})), 403),
        ("a scope", "/write", with(json!({})), 200),
        ("another scope", "/write", with(json!({"scp": "Posts.Read"})), 403),
        ("an application has no scope", "/write", application(json!(["Posts.Write"])), 403),
        ("another tenant", "/", with(other_tenant), 401),
        ("another API", "/", with(json!({"aud": CLIENT})), 401),
        ("the other version", "/", with(version_1), 401),
        ("an ID token", "/", id_token(CLIENT), 401),
        ("an ID token of a registration that is shared", "/", id_token(API), 401),
    ];
    setup.expect(&cases);
    if let Some((issuer, keys)) = in_code {
        setup.expect_in_code((issuer, keys, include_str!("entra.rs")), &cases);
    }
}

#[test]
fn version_1() {
    let key = SigningKey::new(Algorithm::RS256, "nOo3ZDrODXEK1jKWhXslHR_KXEg");
    let keys =
        "https://login.microsoftonline.com/3f2a6c1e-5b7d-4e90-8a41-0c9d2e7f6b35/discovery/keys";
    let claims = json!({
        "aud": format!("api://{API}"), "iss": format!("https://sts.windows.net/{TENANT}/"),
        "acr": "1", "aio": "AWQAm/8XAAAAk3Vt0qLw", "amr": ["pwd", "mfa"], "appid": CLIENT,
        "appidacr": "0", "family_name": "Lovelace", "given_name": "Ada", "ipaddr": "203.0.113.7",
        "oid": "0a94d6c3-8e2b-47f1-a5d0-c3b7e9f14682", "roles": ["Posts.Editor"],
        "scp": "Posts.Read", "sub": "q3ZsN0m_7Kx1uVtYb5RcLwE2hJf8PaD4iGoTeXvB6nM", "tid": TENANT,
        "unique_name": "ada@contoso.com", "upn": "ada@contoso.com", "ver": "1.0",
    });
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": key.id(), "x5t": key.id()});
    let with = |changed| token(&key, &header, &claims, &changed);
    let graph = json!({"aud": "00000003-0000-0000-c000-000000000000"});
    let other_tenant = json!({"iss": format!("https://sts.windows.net/{OTHER_TENANT}/")});
    let setup = Setup::variant("entra", "version 1")
        .publish(keys, &json!({"keys": [published(&key, None)]}))
        .route("/editors", Requirement::roles(["Posts.Editor"]))
        .route("/read", Requirement::scopes(["Posts.Read"]));
    let cases = [
        ("a token for the URI", "/", with(json!({})), 200),
        ("a token for the client ID", "/", with(json!({"aud": API})), 200),
        ("an app role", "/editors", with(json!({})), 200),
        ("without app role", "/editors", with(json!({"roles": null})), 403),
        ("a scope", "/read", with(json!({})), 200),
        ("without scope", "/read", with(json!({"scp": null})), 403),
        ("another tenant", "/", with(other_tenant), 401),
        ("a token for Microsoft Graph", "/", with(graph), 401),
        ("the other version", "/", with(json!({"iss": VERSION_2, "ver": "2.0"})), 401),
        ("an ID token", "/", with(json!({"aud": CLIENT})), 401),
    ];
    setup.expect(&cases);
    let settings = (version_1_issuer(), Keys::At(keys), include_str!("entra.rs"));
    setup.expect_in_code(settings, &cases);
}

/// A key of the directory, which has no `alg`. The keys of version 2 name their issuer.
fn published(key: &SigningKey, issuer: Option<&str>) -> Value {
    let mut jwk = key.jwk();
    let members = jwk.as_object_mut().unwrap();
    members.remove("alg");
    members.insert("x5t".into(), key.id().into());
    members.insert("x5c".into(), json!(["MIIC/TCCAeWgAwIBAgIIUd7j/OIahkYwDQYJKoZIhvcNAQELBQAw"]));
    members.extend(issuer.map(|issuer| ("issuer".to_owned(), issuer.into())));
    jwk
}

// [code]
fn issuer() -> TrustedIssuer {
    TrustedIssuer::new(
        "https://login.microsoftonline.com/3f2a6c1e-5b7d-4e90-8a41-0c9d2e7f6b35/v2.0",
        "5c0e9a72-1f34-4b8d-9e6a-7d20c4f8b913",
    )
    .claims_mapping(ClaimsMapping::entra())
}
// [end]

// [code]
fn version_1_issuer() -> TrustedIssuer {
    TrustedIssuer::new(
        "https://sts.windows.net/3f2a6c1e-5b7d-4e90-8a41-0c9d2e7f6b35/",
        "api://5c0e9a72-1f34-4b8d-9e6a-7d20c4f8b913",
    )
    .audience("5c0e9a72-1f34-4b8d-9e6a-7d20c4f8b913")
    .claims_mapping(ClaimsMapping::entra())
}
// [end]
