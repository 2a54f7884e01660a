//! Descope: session tokens with an audience by template, and refresh tokens beside them.

use jwt_verify::{Algorithm, ConfigError, Requirement, TrustedIssuer};
use jwt_verify_tests::SigningKey;
use serde_json::{Value, json};

use super::setup::{Keys, Setup, token};

const KEYS: &str = "https://api.descope.com/v2/keys/P2abCdEfGhIjKlMnOpQrStUvWxYz";

#[test]
fn descope() {
    let key = SigningKey::new(Algorithm::RS256, "SK2abCdEfGhIjKlMnOpQrStUvWxYz");
    let other_key = SigningKey::new(Algorithm::RS256, "SK2zyXwVuTsRqPoNmLkJiHgFeDcBa");
    let (header, claims) = (json!({"alg": "RS256", "kid": key.id(), "typ": "JWT"}), session());
    let with = |changed| token(&key, &header, &claims, &changed);
    let other_header = json!({"alg": "RS256", "kid": other_key.id(), "typ": "JWT"});
    let forged = token(&other_key, &other_header, &claims, &json!({}));
    let other_tenant = json!({"roles": [], "tenants": {"T2other": {"roles": ["editor"]}}});
    let id_token = json!({"aud": "P2abCdEfGhIjKlMnOpQrStUvWxYz", "drn": null, "nonce": "n1"});
    let setup = Setup::of("descope")
        .publish(KEYS, &json!({"keys": [key.jwk()]}))
        .route("/editors", Requirement::roles(["editor"]))
        .route("/posts", Requirement::permissions(["Posts Read"]));
    let permissions = json!({"permissions": ["User Admin"]});
    let cases = [
        ("a session token", "/", with(json!({})), 200),
        ("a role", "/editors", with(json!({})), 200),
        ("a role in a tenant", "/editors", with(other_tenant), 403),
        ("another role", "/editors", with(json!({"roles": ["reader"]})), 403),
        // A list's names are whole, also with a space in them.
        ("another permission", "/posts", with(permissions), 403),
        ("a refresh token", "/", with(json!({"drn": "DSR"})), 401),
        ("without template", "/", with(json!({"aud": null})), 401),
        ("for another API", "/", with(json!({"aud": "https://other.example.com"})), 401),
        ("another project", "/", with(json!({"iss": "P2zyXwVuTsRqPoNmLkJiHgFeDcBa"})), 401),
        ("a key of another project", "/", forged, 401),
        ("an ID token", "/", with(id_token), 401),
    ];
    setup.expect(&cases);
    let keys = Keys::At(KEYS);
    setup.expect_in_code((issuer().unwrap(), keys, include_str!("descope.rs")), &cases);
}

#[test]
fn descope_in_a_tenant() {
    let key = SigningKey::new(Algorithm::RS256, "SK2abCdEfGhIjKlMnOpQrStUvWxYz");
    let header = json!({"alg": "RS256", "kid": key.id(), "typ": "JWT"});
    let with = |changed| token(&key, &header, &session(), &changed);
    let other_tenant = json!({"tenants": {"T2other": {"roles": ["owner"]}}});
    Setup::variant("descope", "tenant")
        .publish(KEYS, &json!({"keys": [key.jwk()]}))
        .route("/owners", Requirement::roles(["owner"]))
        .route("/editors", Requirement::roles(["editor"]))
        .expect(&[
            ("a role in the tenant", "/owners", with(json!({})), 200),
            ("a role of the project", "/editors", with(json!({})), 403),
            ("a role in another tenant", "/owners", with(other_tenant), 403),
        ]);
}

fn session() -> Value {
    json!({
        "amr": ["email"], "aud": "https://api.example.com", "drn": "DS", "dct": "T2acme",
        "iss": "P2abCdEfGhIjKlMnOpQrStUvWxYz", "sub": "U2kLmNoPqRsTuVwXyZ",
        "roles": ["editor"], "permissions": ["Posts Read"], "rexp": "2027-01-10T10:00:00Z",
        "tenants": {"T2acme": {"roles": ["owner"], "permissions": ["Posts Write"]}},
    })
}

// [code]
fn issuer() -> Result<TrustedIssuer, ConfigError> {
    let project = "P2abCdEfGhIjKlMnOpQrStUvWxYz";
    let issuer = TrustedIssuer::new(project, "https://api.example.com");
    Ok(issuer.claims_mapping("descope".parse()?))
}
// [end]
