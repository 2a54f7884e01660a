//! Google: ID tokens of service accounts, Identity-Aware Proxy, Firebase.

use jwt_verify::{Algorithm, ClaimsMapping, Requirement, TrustedIssuer};
use jwt_verify_tests::SigningKey;
use serde_json::json;

use super::setup::{Keys, Setup, token};

const SOURCE: &str = include_str!("google.rs");

#[test]
fn service_accounts() {
    let (google, keys) =
        ("https://accounts.google.com", "https://www.googleapis.com/oauth2/v3/certs");
    let key = SigningKey::new(Algorithm::RS256, "8a63fe71e53067524cbbc6a3a58463b3864c0787");
    let next = SigningKey::new(Algorithm::RS256, "c37da75c9fbe18c2ce9125b9aa1f300dcb31e8d9");
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": key.id()});
    let claims = json!({
        "aud": "https://api.example.com", "azp": "104958372615049283716", "email_verified": true,
        "email": "scheduler@my-project.iam.gserviceaccount.com", "iss": google,
        "sub": "104958372615049283716",
    });
    let with = |changed| token(&key, &header, &claims, &changed);
    let stranger = json!({
        "azp": "117203948571620394857", "sub": "117203948571620394857",
        "email": "job@other-project.iam.gserviceaccount.com",
    });
    let login = json!({
        "azp": "1234-abc.apps.googleusercontent.com", "aud": "1234-abc.apps.googleusercontent.com",
        "at_hash": "x4Qn0v2LrT8mYc6ZbW1dKg", "nonce": "r5Jw9XkT2q", "hd": "example.com",
    });
    let other_email = json!({"email": "orders@my-project.iam.gserviceaccount.com"});
    let setup = Setup::of("google")
        .publish(
            &format!("{google}/.well-known/openid-configuration"),
            &json!({
                "issuer": google, "jwks_uri": keys, "token_endpoint": "https://oauth2.googleapis.com/token",
                "authorization_endpoint": "https://accounts.google.com/o/oauth2/v2/auth",
                "id_token_signing_alg_values_supported": ["RS256"],
            }),
        )
        .publish(keys, &json!({"keys": [next.jwk(), key.jwk()]}))
        .route("/jobs", Requirement::roles(["scheduler@my-project.iam.gserviceaccount.com"]));
    let cases = [
        ("a service account", "/", with(json!({})), 200),
        ("an account as role", "/jobs", with(json!({})), 200),
        ("another account's role", "/jobs", with(other_email), 403),
        ("without email", "/jobs", with(json!({"email": null, "email_verified": null})), 403),
        ("an account of another project", "/", with(stranger), 401),
        ("without `azp`", "/", with(json!({"azp": null})), 401),
        ("another audience", "/", with(json!({"aud": "https://api.example.com/"})), 401),
        ("another issuer", "/", with(json!({"iss": "accounts.google.com"})), 401),
        ("the ID token of a login", "/", with(login), 401),
    ];
    setup.expect(&cases);
    setup.expect_in_code((service_accounts_issuer(), Keys::Discovered(google), SOURCE), &cases);
}

#[test]
fn identity_aware_proxy() {
    let keys = "https://www.gstatic.com/iap/verify/public_key-jwk";
    let key = SigningKey::new(Algorithm::ES256, "f9R3yg");
    let other = SigningKey::new(Algorithm::ES256, "1BbuOw");
    let header = json!({"alg": "ES256", "typ": "JWT", "kid": key.id()});
    let claims = json!({
        "aud": "/projects/123456789/global/backendServices/987654321",
        "azp": "/projects/123456789/global/backendServices/987654321",
        "email": "ada@example.com", "hd": "example.com", "identity_source": "GOOGLE",
        "google": {"access_levels": ["accessPolicies/1234/accessLevels/office"]},
        "iss": "https://cloud.google.com/iap", "sub": "accounts.google.com:117203948571620394857",
    });
    let with = |changed| token(&key, &header, &claims, &changed);
    let other_service = json!({"aud": "/projects/123456789/global/backendServices/111111111"});
    let other_project = json!({"aud": "/projects/222222222/global/backendServices/987654321"});
    let foreign = token(&other, &header, &claims, &json!({}));
    let setup = Setup::variant("google", "iap")
        .publish(keys, &json!({"keys": [other.jwk(), key.jwk()]}))
        .header("X-Goog-IAP-JWT-Assertion")
        .route("/office", Requirement::roles(["accessPolicies/1234/accessLevels/office"]));
    let cases = [
        ("a user of the proxy", "/", with(json!({})), 200),
        ("an access level", "/office", with(json!({})), 200),
        ("without access level", "/office", with(json!({"google": null})), 403),
        ("another service", "/", with(other_service), 401),
        ("another project", "/", with(other_project), 401),
        ("another key", "/", foreign, 401),
        ("an ID token of Google", "/", with(json!({"iss": "https://accounts.google.com"})), 401),
    ];
    setup.expect(&cases);
    setup.expect_in_code((iap_issuer(), Keys::At(keys), SOURCE), &cases);
}

#[test]
fn firebase() {
    let project = "https://securetoken.google.com/my-project";
    let accounts = "https://www.googleapis.com/service_accounts/v1/jwk";
    let keys = format!("{accounts}/securetoken@system.gserviceaccount.com");
    let key = SigningKey::new(Algorithm::RS256, "6f8e1cb1d5d1a4e7c8b2f3a9d0e5c4b7a6f1e2d3");
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": key.id()});
    let claims = json!({
        "iss": project, "aud": "my-project", "auth_time": 1_790_000_000, "roles": ["editor"],
        "user_id": "Jx3Kq9Zt0Vb2Wn5RfYd8HsJ1cGp4", "sub": "Jx3Kq9Zt0Vb2Wn5RfYd8HsJ1cGp4",
        "email": "ada@example.com", "email_verified": true,
        "firebase": {"identities": {"email": ["ada@example.com"]}, "sign_in_provider": "password"},
    });
    let with = |changed| token(&key, &header, &claims, &changed);
    let other = json!({"iss": "https://securetoken.google.com/other", "aud": "other"});
    let custom = json!({
        "iss": "admin@my-project.iam.gserviceaccount.com",
        "aud": "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit",
    });
    let setup = Setup::variant("google", "firebase")
        .publish(
            &format!("{project}/.well-known/openid-configuration"),
            &json!({
                "issuer": project, "jwks_uri": keys, "response_types_supported": ["id_token"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }),
        )
        .publish(&keys, &json!({"keys": [key.jwk()]}))
        .route("/editors", Requirement::roles(["editor"]));
    let cases = [
        ("a user's token", "/", with(json!({})), 200),
        ("a role in a custom claim", "/editors", with(json!({})), 200),
        ("without the claim", "/editors", with(json!({"roles": null})), 403),
        ("another project", "/", with(other), 401),
        ("another audience", "/", with(json!({"aud": "other"})), 401),
        (
            "a session cookie",
            "/",
            with(json!({"iss": "https://session.firebase.google.com/my-project"})),
            401,
        ),
        ("a custom token", "/", with(custom), 401),
    ];
    setup.expect(&cases);
    let keys = Keys::Discovered("https://securetoken.google.com/my-project");
    setup.expect_in_code((firebase_issuer(), keys, SOURCE), &cases);
}

// [code]
fn service_accounts_issuer() -> TrustedIssuer {
    TrustedIssuer::new("https://accounts.google.com", "https://api.example.com")
        .allowed_clients(["104958372615049283716"])
        .claims_mapping(ClaimsMapping::default().roles_claim("email"))
}
// [end]

// [code]
fn iap_issuer() -> TrustedIssuer {
    let service = "/projects/123456789/global/backendServices/987654321";
    TrustedIssuer::new("https://cloud.google.com/iap", service)
        .algorithms([Algorithm::ES256])
        .claims_mapping(ClaimsMapping::default().roles_claim("google.access_levels"))
}
// [end]

// [code]
fn firebase_issuer() -> TrustedIssuer {
    TrustedIssuer::new("https://securetoken.google.com/my-project", "my-project")
}
// [end]
