//! What the API says of itself (RFC 9728): the document, and where challenges say it is.

use actix_web::{App, HttpRequest, HttpResponse, ResponseError as _, get, web};
use jwt_verify::{
    Algorithm, AuthError, JwtAuth, TrustedIssuer, VerifiedClaims,
    dpop::Dpop,
    endpoints::ResourceMetadata,
    extract::{CookieExtractor, FirstOf, QueryExtractor},
    mtls::MutualTls,
    require,
    testing::{ProofKey, TestIssuer},
};
use jwt_verify_tests::{FakeIssuer, Process, SigningKey, TestServer, Token};
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
    let dpop = || Dpop::new("https://api.example.com").algorithms([Algorithm::ES256]);
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

/// Clients choose the algorithm of their proofs by the document or by a challenge (RFC 9449 §5.1,
/// §7.1).
#[test]
fn the_algorithms_of_proofs_that_are_named_are_those_that_are_accepted() {
    const ADDRESS: &str = "https://api.example.com/";

    let issuer = TestIssuer::start();
    let dpop = || Dpop::new("https://api.example.com");
    let asymmetric = || Algorithm::ALL.into_iter().filter(|one| !one.is_symmetric());
    let keys: Vec<(Algorithm, ProofKey)> = asymmetric()
        .map(|one| (one, ProofKey::with_clock(one, jwt_verify::SystemClock::new())))
        .collect();
    let usual: Vec<Algorithm> = asymmetric().filter(|one| *one != Algorithm::ES256K).collect();
    let new = [Algorithm::Ed25519, Algorithm::ES512, Algorithm::MlDsa65];
    for (dpop, accepted) in [
        (dpop(), &usual[..]),
        (dpop().algorithms(new), &new),
        (dpop().algorithms([Algorithm::ES256K]), &[Algorithm::ES256K]),
    ] {
        let auth = issuer.auth().dpop(dpop).resource_metadata(metadata()).build().unwrap();
        let api = api(auth);
        let names: Vec<&str> = accepted.iter().map(|one| one.name()).collect();
        let document = api.get(DOCUMENT).send().json();
        assert_eq!(document["dpop_signing_alg_values_supported"], json!(names));
        let refused = api.get("/").send();
        let challenges = refused.headers("www-authenticate");
        let algs = format!(r#"algs="{}""#, names.join(" "));
        assert!(challenges.iter().any(|one| one.contains(&algs)), "{challenges:?}");
        for (algorithm, key) in &keys {
            let token = issuer.token().bound_to(key).sign();
            let proof = key.proof("GET", ADDRESS, &token).sign();
            let request = api.get("/").header("authorization", format!("DPoP {token}"));
            let status = request.header("dpop", proof).send().status;
            let expected = if accepted.contains(algorithm) { 200 } else { 401 };
            assert_eq!(status, expected, "{algorithm} of {names:?}");
        }
    }
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

#[test]
fn the_first_challenge_says_which_scopes_to_request() {
    let issuer = TestIssuer::start();
    let hook = |error: &AuthError, _: &HttpRequest| -> HttpResponse { error.error_response() };
    let auth = || issuer.auth().challenge_scopes(["read:posts", "write:posts"]);
    for auth in [auth(), auth().error_response(hook)] {
        let api = api(auth.build().unwrap());
        let first = api.get("/").send();
        assert_eq!(first.challenge(), Some(r#"Bearer scope="read:posts write:posts""#));
        // Another token of the same scopes would do.
        let bad = api.get("/").bearer("a.b.c").send();
        assert!(!bad.challenge().unwrap().contains("scope="), "{}", bad.everything());
    }
    // Under both schemes.
    let dpop = auth().dpop(Dpop::new("https://api.example.com")).build().unwrap();
    let challenges = api(dpop).get("/").send();
    let challenges = challenges.headers("www-authenticate");
    assert_eq!(challenges.len(), 2);
    let scope = r#" scope="read:posts write:posts""#;
    assert!(challenges.iter().all(|challenge| challenge.contains(scope)), "{challenges:?}");
    let none = api(issuer.auth().challenge_scopes([""; 0]).build().unwrap());
    assert_eq!(none.get("/").send().challenge(), Some("Bearer"));
    for bad in ["", "a b", "a\"b", "a\\b", "ü"] {
        let error = issuer.auth().challenge_scopes([bad]).build().unwrap_err().to_string();
        assert!(error.starts_with("challenge_scopes: "), "{bad}: {error}");
    }
}

#[test]
fn the_environment_alone_publishes_a_resource() {
    let key = SigningKey::new(Algorithm::RS256, "k");
    let issuer = FakeIssuer::start(&[&key]);
    let resource = ("JWT_RESOURCE", "https://api.example.com/shop");
    let scopes = ("JWT_RESOURCE_SCOPES", "read:posts, write:posts read:posts");
    let server = Process::start(&issuer, &[resource, scopes]);
    let place = format!(r#"resource_metadata="https://api.example.com{DOCUMENT}/shop""#);
    let first = server.request("GET", "/protected").send();
    assert_eq!(first.status, 401);
    let challenge = format!(r#"Bearer scope="read:posts write:posts", {place}"#);
    assert_eq!(first.challenge(), Some(&*challenge));
    let invalid = server.get("/protected", "a.b.c");
    let challenge = invalid.challenge().unwrap();
    assert!(challenge.ends_with(&place) && !challenge.contains(" scope="), "{challenge}");
    let token = Token::now(issuer.url()).sign(&key);
    let forbidden = server.get("/posts", &token);
    let challenge = forbidden.challenge().unwrap();
    assert!(challenge.contains(r#"scope="read:posts""#) && challenge.ends_with(&place));
    assert_eq!(server.get("/protected", &token).status, 200);

    // No token is needed for the document, and no other path is open.
    let document = server.request("GET", &format!("{DOCUMENT}/shop")).send();
    assert_eq!((document.status, document.header("content-type")), (200, Some("application/json")));
    assert_eq!(
        document.json(),
        json!({
            "resource": "https://api.example.com/shop",
            "authorization_servers": [issuer.url()],
            "scopes_supported": ["read:posts", "write:posts"],
            "bearer_methods_supported": ["header"],
        })
    );
    assert_eq!(server.request("GET", DOCUMENT).send().status, 401);
    assert_eq!(server.request("POST", &format!("{DOCUMENT}/shop")).send().status, 405);
}

/// What is missing of several kinds is in one challenge, and in the log.
#[test]
fn a_refusal_names_everything_that_is_missing() {
    let key = SigningKey::new(Algorithm::RS256, "k");
    let issuer = FakeIssuer::start(&[&key]);
    let server = Process::start(&issuer, &[("RUST_LOG", "jwt_verify=debug"), ("NO_COLOR", "1")]);
    let edit = |permissions: &[&str]| {
        let token = Token::now(issuer.url()).permissions(permissions).sign(&key);
        server.request("PUT", "/posts/7").bearer(token).json("{}").send()
    };
    let both = edit(&[]);
    assert_eq!(both.status, 403);
    assert!(both.challenge().unwrap().contains(r#"scope="read:posts write:posts""#));
    assert!(!both.everything().contains("editor"), "roles are not told");
    let role = edit(&["read:posts", "write:posts"]);
    assert_eq!(role.status, 403);
    assert!(!role.challenge().unwrap().contains("scope="), "{}", role.everything());
    let log = server.log();
    let names = r#"scope="read:posts write:posts" roles=["editor", "admin"]"#;
    assert!(log.contains(names), "{log}");
    assert!(log.contains(r#"permissions" roles=["editor", "admin"]"#), "{log}");
}

#[test]
fn a_resource_without_scopes_names_none() {
    let issuer = FakeIssuer::start(&[]);
    let server = Process::start(&issuer, &[("JWT_RESOURCE", "http://127.0.0.1:8080")]);
    let place = format!(r#"Bearer resource_metadata="http://127.0.0.1:8080{DOCUMENT}""#);
    assert_eq!(server.request("GET", "/protected").send().challenge(), Some(&*place));
    let document = server.request("GET", DOCUMENT).send().json();
    assert_eq!(document["resource"], "http://127.0.0.1:8080");
    assert_eq!(document.get("scopes_supported"), None);

    let log = Process::start(&issuer, &[]).log();
    assert!(!log.contains("resource metadata"), "{log}");
}

#[test]
fn a_resource_that_cannot_be_published_stops_the_start() {
    const BASE: [(&str, &str); 2] =
        [("JWT_ISSUER", "https://issuer.example"), ("JWT_AUDIENCE", "api")];
    for (named, resource, scopes) in [
        ("JWT_RESOURCE_SCOPES", None, Some("read:posts")),
        ("JWT_RESOURCE_SCOPES", Some("https://api.example"), Some("sec\"ret")),
        ("JWT_RESOURCE_SCOPES", Some("https://api.example"), Some("sec,,ret")),
        ("JWT_RESOURCE", Some("sec-ret"), None),
        ("JWT_RESOURCE", Some("http://sec-ret.example"), Some("read:posts")),
    ] {
        let mut variables = BASE.to_vec();
        variables.extend(resource.map(|value| ("JWT_RESOURCE", value)));
        variables.extend(scopes.map(|value| ("JWT_RESOURCE_SCOPES", value)));
        let (good, message) = Process::outcome("resource-server", &variables);
        assert!(!good && message.contains(&format!("{named}: ")), "{message}");
        assert!(!message.contains("sec-ret") && !message.contains("sec,"), "{message}");
    }
}

#[test]
fn the_document_is_at_the_root_too_if_that_is_set() {
    let issuer = TestIssuer::start();
    let of_mcp = || ResourceMetadata::new("https://api.example.com/mcp");
    let at_both = [200, 200];
    let at_its_path = [200, 401];
    for (metadata, expected) in [(of_mcp().also_at_root(), at_both), (of_mcp(), at_its_path)] {
        let api = api(issuer.auth().resource_metadata(metadata).build().unwrap());
        let path_form = format!("{DOCUMENT}/mcp");
        let found = [&*path_form, DOCUMENT].map(|path| api.get(path).send().status);
        assert_eq!(found, expected);
        // Challenges name the path form.
        let challenge = api.get("/").send();
        let challenge = challenge.header("www-authenticate").unwrap();
        assert!(challenge.contains(&path_form), "{challenge}");
    }
    // Without a path both are one.
    let api = api(issuer.auth().resource_metadata(metadata().also_at_root()).build().unwrap());
    assert_eq!(api.get(DOCUMENT).send().status, 200);
}

#[test]
fn pages_of_other_origins_read_it_if_that_is_set() {
    let issuer = TestIssuer::start();
    for is_set in [true, false] {
        let metadata = if is_set { metadata().cross_origin() } else { metadata() };
        let api = api(issuer.auth().resource_metadata(metadata).build().unwrap());
        let origin = ("origin", "https://app.example");
        let read = api.get(DOCUMENT).header(origin.0, origin.1).send();
        assert_eq!(read.status, 200);
        assert_eq!(read.header("access-control-allow-origin"), is_set.then_some("*"));
        let preflight = api
            .request("OPTIONS", DOCUMENT)
            .header(origin.0, origin.1)
            .header("access-control-request-method", "GET")
            .header("access-control-request-headers", "mcp-protocol-version")
            .send();
        assert_eq!(preflight.status == 204, is_set);
        assert_eq!(preflight.header("access-control-allow-origin"), is_set.then_some("*"));
        assert_eq!(preflight.header("access-control-allow-headers"), is_set.then_some("*"));
    }
}
