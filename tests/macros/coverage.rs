//! Coverage of authorization: an application's tests are told which terms they have not tried.

use actix_web::{
    App, Error,
    body::MessageBody,
    dev::{Service, ServiceResponse},
    error::{ErrorInternalServerError, ErrorNotFound},
    get, post, route,
    test::{TestRequest, call_service, init_service},
    web,
};
use jwt_verify::{
    AuthScope, Decision, JwtAuth, Requirement, VerifiedClaims, public, require,
    routes::AccessMatrix,
    testing::{TestClaims, TestRequestExt as _, assert_authorization_covered},
};
use serde_json::json;

#[require(permissions = ["read:x", "write:x"], all, not(roles = "guest"))]
#[post("/listed")]
async fn listed() -> &'static str {
    "listed"
}

/// Answers by itself where it is told to.
async fn owns(claims: &VerifiedClaims, name: web::Path<String>) -> Result<Decision, Error> {
    match name.as_str() {
        "broken" => Err(ErrorInternalServerError("the database is down")),
        "hidden" => Err(ErrorNotFound("no such thing")),
        name => Ok(Decision::from(claims.subject() == Some(name))),
    }
}

#[require(any(all_of(roles = "support", claim("org" == path.name)), policy = owns))]
#[get("/owned/{name:.*}")]
async fn owned() -> &'static str {
    "owned"
}

#[require]
#[route("/plain", method = "GET", method = "HEAD")]
async fn plain() -> &'static str {
    "plain"
}

#[require(max_age = "5m", acr = "gold")]
#[get("/recent")]
async fn recent() -> &'static str {
    "recent"
}

#[public]
#[get("/open")]
async fn open() -> &'static str {
    "open"
}

/// Below a prefix of their own, since the notes are of the process.
fn api() -> AuthScope {
    AuthScope::new("/covered")
        .service(plain)
        .service(open)
        .service(recent)
        .scope(AuthScope::new("/staff").require(Requirement::roles(["staff"])).service(listed))
        .service(owned)
}

/// The lines of the failure of the coverage.
pub(crate) fn missing(matrix: &AccessMatrix) -> Vec<String> {
    let Err(panic) = std::panic::catch_unwind(|| assert_authorization_covered(matrix)) else {
        return Vec::new();
    };
    let text = panic.downcast_ref::<String>().unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("the tests do not cover all of the authorization:"));
    lines.map(|line| line.trim().to_owned()).collect()
}

pub(crate) async fn status<S, B>(app: &S, request: actix_http::Request) -> u16
where
    S: Service<actix_http::Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    call_service(app, request).await.status().as_u16()
}

const LISTED: &str = "POST /covered/staff/listed (listed)";
const OWNED: &str = "GET /covered/owned/{name:.*} (owned)";
const PLAIN: &str = "GET, HEAD /covered/plain (plain)";
const RECENT: &str = "GET /covered/recent (recent)";

#[actix_web::test]
async fn terms_that_no_request_has_tried_are_listed() {
    let auth = JwtAuth::builder("https://issuer.example.com", "https://api.example.com");
    let auth = auth.build().unwrap();
    // The matrix does not know the outermost prefix.
    let app = App::new().service(web::scope("/outer").service(api().auth(auth.clone())));
    let app = init_service(app).await;
    let matrix = api().access_matrix();
    let staff = || TestClaims::new().role("staff");
    let get = |path: &str| TestRequest::with_uri(&format!("/outer/covered{path}"));
    let post = |path: &str| get(path).method(actix_web::http::Method::POST);

    let never = "never allowed, never refused";
    assert_eq!(
        missing(&matrix),
        [
            format!(r#"{OWNED}: roles = "support": {never}"#),
            format!(r#"{OWNED}: claim("org" == path.name): {never}"#),
            format!("{OWNED}: policy = owns: {never}"),
            format!("{PLAIN}: authenticated: {never}"),
            format!(r#"{RECENT}: max_age = "5m": {never}"#),
            format!(r#"{RECENT}: acr = "gold": {never}"#),
            format!(r#"{LISTED}: roles = "staff": {never}"#),
            format!(r#"{LISTED}: permissions = ["read:x", "write:x"], all: {never}"#),
            format!(r#"{LISTED}: not(roles = "guest"): {never}"#),
        ]
    );

    // The term of the scope, and those of the handler behind it.
    let ask = |claims| status(&app, post("/staff/listed").to_request_as(&auth, claims));
    assert_eq!(ask(TestClaims::new()).await, 403);
    let reader = staff().permission("read:x");
    assert_eq!(ask(reader.clone()).await, 403);
    let has = |text: &str| missing(&matrix).contains(&text.to_owned());
    assert!(!has(&format!(r#"{LISTED}: roles = "staff": never refused"#)));
    assert!(has(&format!(r#"{LISTED}: permissions = ["read:x", "write:x"], all: never allowed"#)));
    assert_eq!(ask(reader.clone().permission("write:x")).await, 200);
    assert!(has(&format!(r#"{LISTED}: not(roles = "guest"): never refused"#)));
    assert_eq!(ask(reader.permission("write:x").role("guest")).await, 403);
    assert!(missing(&matrix).iter().all(|line| !line.starts_with(LISTED)));

    // What could not be decided is neither; what a policy answers itself is a refusal.
    let ask = |path, claims| status(&app, get(path).to_request_as(&auth, claims));
    assert_eq!(ask("/owned/broken", TestClaims::new()).await, 500);
    assert!(has(&format!("{OWNED}: policy = owns: {never}")));
    assert_eq!(ask("/owned/hidden", TestClaims::new()).await, 404);
    assert!(has(&format!("{OWNED}: policy = owns: never allowed")));
    assert_eq!(ask("/owned/ada", TestClaims::new().subject("ada")).await, 200);
    let support = TestClaims::new().role("support").claim("org", json!("acme"));
    assert!(has(&format!(r#"{OWNED}: roles = "support": never allowed"#)));
    assert_eq!(ask("/owned/acme", support).await, 200);
    assert!(missing(&matrix).iter().all(|line| !line.starts_with(OWNED)));

    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let login = |age: u64| TestClaims::new().claim("auth_time", now - age);
    assert_eq!(ask("/recent", login(9).claim("acr", json!("gold"))).await, 200);
    assert_eq!(ask("/recent", login(9)).await, 401);
    assert!(has(&format!(r#"{RECENT}: max_age = "5m": never refused"#)));
    assert_eq!(ask("/recent", login(900)).await, 401);

    assert_eq!(ask("/plain", TestClaims::new()).await, 200);
    assert_eq!(missing(&matrix), [format!("{PLAIN}: authenticated: never refused")]);
    assert_eq!(status(&app, get("/plain").to_request()).await, 401);
    assert_eq!(missing(&matrix), [""; 0]);
    assert_authorization_covered(&matrix);

    // Another handler of that name and path has not been tried.
    let other = AuthScope::new("/covered/other").service(plain).access_matrix();
    let lines = missing(&other);
    assert_eq!(lines, [format!("GET, HEAD /covered/other/plain (plain): authenticated: {never}")]);
}
