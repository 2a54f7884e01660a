//! Cloudflare Access: a proxy that adds the token in a header of its own.

use jwt_verify::{Algorithm, TrustedIssuer};
use jwt_verify_tests::SigningKey;
use serde_json::json;

use super::setup::{Keys, Setup, token};

#[test]
fn cloudflare_access() {
    let team = "https://team.cloudflareaccess.com";
    let audience = "f709b12f1b8d4f1b9a5d8c3e0a6b7c9d";
    let key = SigningKey::new(Algorithm::RS256, "6b6c8e34bcd4");
    let before = SigningKey::new(Algorithm::RS256, "51c1f4a07d8f");
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": key.id()});
    let claims = json!({
        "iss": team, "aud": [audience], "email": "ada@example.com", "type": "app",
        "identity_nonce": "6ei69kawdKzMIAPF", "sub": "7335d417-61da-459d-899c-0a01c76a2f94",
        "nbf": 1, "country": "US",
    });
    let with = |changed| token(&key, &header, &claims, &changed);
    let published = json!({
        "keys": [key.jwk(), before.jwk()],
        "public_cert": {"kid": key.id(), "cert": "…"},
        "public_certs": [{"kid": key.id(), "cert": "…"}],
    });
    let setup = Setup::of("cloudflare-access")
        .header("Cf-Access-Jwt-Assertion")
        .publish(&format!("{team}/cdn-cgi/access/certs"), &published);
    let cases = [
        ("a token of the proxy", "/", with(json!({})), 200),
        ("another application of the team", "/", with(json!({"aud": ["0000"]})), 401),
        ("another team", "/", with(json!({"iss": "https://other.cloudflareaccess.com"})), 401),
        ("a scheme in the header", "/", format!("Bearer {}", with(json!({}))), 400),
        ("two tokens in the header", "/", format!("{0},{0}", with(json!({}))), 400),
    ];
    setup.expect(&cases);
    let keys = Keys::At("https://team.cloudflareaccess.com/cdn-cgi/access/certs");
    setup.expect_in_code((issuer(), keys, include_str!("cloudflare_access.rs")), &cases);
}

// [code]
fn issuer() -> TrustedIssuer {
    let application = "f709b12f1b8d4f1b9a5d8c3e0a6b7c9d";
    TrustedIssuer::new("https://team.cloudflareaccess.com", application)
}
// [end]
