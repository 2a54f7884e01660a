//! Workloads: service accounts of Kubernetes, and SPIFFE.

use jwt_verify::{Algorithm, JwksProvider, Requirement, TrustedIssuer};
use jwt_verify_tests::SigningKey;
use serde_json::json;

use super::setup::{Keys, Setup, token};

#[test]
fn spiffe() {
    let key = SigningKey::new(Algorithm::ES256, "sMq3");
    let mut jwk = key.jwk();
    jwk["use"] = json!("jwt-svid");
    let header = json!({"alg": "ES256", "typ": "JWT", "kid": key.id()});
    let claims = json!({
        "sub": "spiffe://example.org/ns/shop/sa/orders",
        "aud": ["https://api.example.org"],
    });
    let with = |changed| token(&key, &header, &claims, &changed);
    let sub = |id: &str| with(json!({ "sub": id }));
    let setup = Setup::of("spiffe").publish(
        "https://spire.example.org/keys",
        &json!({"keys": [jwk], "spiffe_sequence": 7, "spiffe_refresh_hint": 300}),
    );
    let cases = [
        ("a workload", "/", with(json!({})), 200),
        ("another trust domain", "/", sub("spiffe://example.com/ns/shop/sa/orders"), 401),
        ("a longer trust domain", "/", sub("spiffe://example.org.evil/a"), 401),
        ("the trust domain itself", "/", sub("spiffe://example.org"), 401),
        ("a subject that is no ID", "/", sub("orders"), 401),
        ("no subject", "/", with(json!({"sub": null})), 401),
        ("another audience", "/", with(json!({"aud": "https://other.example.org"})), 401),
        ("no audience", "/", with(json!({"aud": null})), 401),
        ("an issuer", "/", with(json!({"iss": "https://spire.example.org"})), 401),
    ];
    setup.expect(&cases);
    let keys = Keys::At("https://spire.example.org/keys");
    setup.expect_in_code((issuer().unwrap(), keys, include_str!("workloads.rs")), &cases);
}

#[test]
fn kubernetes() {
    let name = "https://kubernetes.default.svc.cluster.local";
    let key = SigningKey::new(Algorithm::RS256, "h7dQ");
    let header = json!({"alg": "RS256", "kid": key.id()});
    let claims = json!({
        "iss": name, "aud": ["orders-api"], "jti": "6d2c", "nbf": 1,
        "sub": "system:serviceaccount:shop:orders",
        "kubernetes.io": {
            "namespace": "shop",
            "node": {"name": "n1", "uid": "u1"},
            "pod": {"name": "orders-5d", "uid": "u2"},
            "serviceaccount": {"name": "orders", "uid": "u3"},
        },
    });
    let with = |changed| token(&key, &header, &claims, &changed);
    let sub = |id: &str| with(json!({"sub": id, "kubernetes.io": null}));
    let folder = std::env::temp_dir().join(format!("jwt-verify-cluster-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("token"), with(json!({"aud": name})) + "\n").unwrap();
    let setup = Setup::of("kubernetes")
        .publish("https://kubernetes.default.svc/openid/v1/jwks", &json!({"keys": [key.jwk()]}))
        .wanting("https://kubernetes.default.svc/openid/v1/jwks", with(json!({"aud": name})));
    std::fs::write(folder.join("ca.crt"), setup.roots()).unwrap();
    let setup = setup
        .variable("JWT_KUBERNETES_FOLDER", folder.to_str().unwrap())
        .variable("KUBERNETES_SERVICE_HOST", "kubernetes.default.svc")
        .variable("KUBERNETES_SERVICE_PORT", "443")
        .route("/shop", Requirement::authenticated());
    let cases = [
        ("a service account", "/", with(json!({})), 200),
        ("another one", "/", sub("system:serviceaccount:shop:billing"), 401),
        ("the name in another namespace", "/", sub("system:serviceaccount:bank:orders"), 401),
        ("a colon in the name", "/", sub("system:serviceaccount:shop:orders:x"), 401),
        ("a node", "/", sub("system:node:n1"), 401),
        ("details of another one", "/", with(json!({"kubernetes.io": {"namespace": "bank"}})), 401),
        ("for the API server", "/", with(json!({"aud": name})), 401),
        ("another cluster", "/", with(json!({"iss": "https://other.example"})), 401),
    ];
    setup.expect(&cases);
    std::fs::remove_dir_all(&folder).unwrap();
}

// [code]
fn issuer() -> Result<TrustedIssuer, jwt_verify::ConfigError> {
    let bundle = JwksProvider::builder("https://spire.example.org/keys").build()?;
    let issuer = TrustedIssuer::spiffe("example.org", "https://api.example.org")?;
    Ok(issuer.keys(bundle))
}
// [end]
