//! What the API says of itself (RFC 9728): the document, and where challenges say it is.

use actix_web::{App, HttpRequest, HttpResponse, ResponseError as _, get, web};
use jwt_verify::{
    AuthError, JwtAuth, TrustedIssuer, VerifiedClaims,
    dpop::Dpop,
    endpoints::ResourceMetadata,
    extract::{CookieExtractor, FirstOf, QueryExtractor},
    mtls::MutualTls,
    require,
    testing::TestIssuer,
};
use jwt_verify_tests::TestServer;
use serde_json::{Value, json};

const DOCUMENT: &str = "/.well-known/oauth-protected-resource";

fn api(auth: JwtAuth) -> TestServer {
    TestServer::start(move || {
        App::new()
            .service(auth.resource_metadata_route())
            .service(web::scope("").wrap(auth.clone()).route("/", web::get().to(who)))
    })
}

#[get("/write")]
#[require(permissions = "write:posts")]
async fn write() -> &'static str {
    "written"
}

async fn who(claims: VerifiedClaims) -> String {
    claims.subject().unwrap_or_default().to_owned()
}

fn metadata() -> ResourceMetadata {
    ResourceMetadata::new("https://api.example.com")
}

fn document(auth: JwtAuth) -> Value {
    api(auth).get(DOCUMENT).send().json()
}

#[test]
fn the_document_says_what_the_settings_say() {
    let issuer = TestIssuer::start();
    let auth = issuer.auth().resource_metadata(metadata()).build().unwrap();
    let api = api(auth);
    // Nobody needs a token for it.
    let response = api.get(DOCUMENT).send();
    assert_eq!(response.status, 200);
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.header("cache-control"), Some("public, max-age=300"));
    assert_eq!(
        response.json(),
        json!({
            "resource": "https://api.example.com",
            "authorization_servers": [issuer.url()],
            "bearer_methods_supported": ["header"],
        })
    );
    let head = api.request("HEAD", DOCUMENT).send();
    assert_eq!((head.status, head.text()), (200, ""));
    // Whatever the request says of the host.
    let elsewhere = api.get(DOCUMENT).header("x-forwarded-host", "evil.example").send();
    assert_eq!(elsewhere.json(), response.json());
}

#[test]
fn what_is_added_is_in_it() {
    let issuer = TestIssuer::start();
    let metadata = ResourceMetadata::new("https://api.example.com/shop")
        .scopes(["read:posts", "write:posts"])
        .name("The shop")
        .documentation("https://docs.example.com")
        .additional("resource_name#de", "Der Laden")
        .additional("bearer_methods_supported", json!(["header", "query"]));
    let auth = issuer
        .auth()
        .extractor(FirstOf::bearer().or(QueryExtractor::new("access_token")))
        .issuer(TrustedIssuer::new("https://other.example", "https://api.example.com"))
        .resource_metadata(metadata)
        .build()
        .unwrap();
    let api = api(auth);
    assert_eq!(
        api.get(&format!("{DOCUMENT}/shop")).send().json(),
        json!({
            "resource": "https://api.example.com/shop",
            "authorization_servers": [issuer.url(), "https://other.example"],
            "scopes_supported": ["read:posts", "write:posts"],
            "resource_name": "The shop",
            "resource_name#de": "Der Laden",
            "resource_documentation": "https://docs.example.com",
            "bearer_methods_supported": ["header", "query"],
        })
    );
    // The document of another API of that host.
    assert_eq!(api.get(DOCUMENT).send().status, 401);
}

#[test]
fn it_says_how_tokens_are_shown() {
    let issuer = TestIssuer::start();
    let auth = || issuer.auth().resource_metadata(metadata());
    let dpop = || Dpop::new("https://api.example.com").algorithms([jwt_verify::Algorithm::ES256]);
    let said = |auth: jwt_verify::JwtAuthBuilder| {
        let document = document(auth.build().unwrap());
        [
            "bearer_methods_supported",
            "dpop_signing_alg_values_supported",
            "dpop_bound_access_tokens_required",
            "tls_client_certificate_bound_access_tokens",
        ]
        .map(|name| document[name].clone())
    };
    let (header, null) = (json!(["header"]), Value::Null);
    let es256 = json!(["ES256"]);
    assert_eq!(said(auth()), [header.clone(), null.clone(), null.clone(), null.clone()]);
    let bound = [header.clone(), es256.clone(), null.clone(), null.clone()];
    assert_eq!(said(auth().dpop(dpop())), bound);
    // No bearer token is accepted then.
    let required = [json!([]), es256.clone(), json!(true), null.clone()];
    assert_eq!(said(auth().dpop(dpop().require_bound_tokens())), required);
    let either = [header.clone(), es256, null.clone(), json!(true)];
    assert_eq!(
        said(auth().dpop(dpop().require_bound_tokens()).mutual_tls(MutualTls::direct())),
        either
    );
    let certificate = [header, null.clone(), null.clone(), json!(true)];
    assert_eq!(said(auth().mutual_tls(MutualTls::direct())), certificate);
    let cookie = FirstOf::bearer().or(CookieExtractor::new("access"));
    assert_eq!(said(auth().extractor(cookie)), [const { Value::Null }; 4]);
    let named = metadata().authorization_servers(["https://login.example.com"]).scopes([""; 0]);
    let document = document(issuer.auth().resource_metadata(named).build().unwrap());
    assert_eq!(document["authorization_servers"], json!(["https://login.example.com"]));
    assert_eq!(document.get("scopes_supported"), None);
}

#[test]
fn every_challenge_says_where_it_is() {
    const PLACE: &str =
        r#"resource_metadata="https://api.example.com/.well-known/oauth-protected-resource""#;

    let issuer = TestIssuer::start();
    let hook = |error: &AuthError, _: &HttpRequest| -> HttpResponse { error.error_response() };
    let auth = || issuer.auth().resource_metadata(metadata());
    for auth in [auth(), auth().error_response(hook)] {
        let api = api(auth.realm("posts").build().unwrap());
        let challenge = |response: jwt_verify_tests::Response| {
            assert_eq!(response.status, 401);
            response.challenge().unwrap().to_owned()
        };
        assert_eq!(challenge(api.get("/").send()), format!(r#"Bearer realm="posts", {PLACE}"#));
        let bad = challenge(api.get("/").bearer("a.b.c").send());
        assert!(bad.contains(r#"error="invalid_token""#) && bad.ends_with(PLACE), "{bad}");
    }
    // Also where a token is good and does not grant enough, with a requirement instead of a middleware.
    let auth_here = auth().error_response(hook).dpop(Dpop::new("https://api.example.com"));
    let ours = auth_here.build().unwrap();
    let posts = TestServer::start(move || App::new().app_data(ours.clone()).service(write));
    let forbidden = posts.get("/write").bearer(issuer.token().sign()).send();
    assert_eq!(forbidden.status, 403);
    assert!(forbidden.challenge().unwrap().ends_with(PLACE), "{}", forbidden.everything());
    // Where nothing but proofs will do.
    let dpop = Dpop::new("https://api.example.com").require_bound_tokens();
    let response = api(auth().dpop(dpop).build().unwrap()).get("/").send();
    let challenge = response.challenge().unwrap();
    assert!(challenge.starts_with("DPoP ") && challenge.ends_with(PLACE), "{challenge}");
    // Of both schemes.
    let dpop = auth().dpop(Dpop::new("https://api.example.com")).build().unwrap();
    let response = api(dpop).get("/").send();
    let challenges = response.headers("www-authenticate");
    assert_eq!(challenges.len(), 2);
    assert!(challenges.iter().all(|challenge| challenge.ends_with(PLACE)), "{challenges:?}");
    // And of none where nothing is set.
    let api = api(issuer.auth().build().unwrap());
    assert_eq!(api.get("/").send().challenge(), Some("Bearer"));
    assert_eq!(api.get(DOCUMENT).send().status, 401);
}
