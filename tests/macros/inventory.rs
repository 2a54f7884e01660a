//! All routes of an application: what is known of them, and what is found when one is forgotten.

use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::{App, HttpResponse, get, http::Method, post, route, routes, web};
use example_resource_server as resource_server;
use jwt_verify::{
    AuthScope, public, require,
    routes::{RouteCheck, check_routes},
};
use jwt_verify_tests::{TestBed, TestServer};
use serde_json::json;

#[require(permissions = "read:posts")]
#[get("/posts")]
async fn posts() -> &'static str {
    "posts"
}

#[require(permissions = "write:posts")]
#[route("/posts/{id:\\d+}", method = "PUT", method = "PATCH", guard = "has_agent")]
async fn edit(_: web::Path<u32>) -> &'static str {
    "edit"
}

fn has_agent(_: &actix_web::guard::GuardContext<'_>) -> bool {
    true
}

#[require]
#[routes]
#[get("/a")]
#[post("/b")]
async fn several() -> &'static str {
    "several"
}

#[public]
#[get("/news")]
async fn news() -> &'static str {
    "news"
}

#[require(roles = "admin")]
async fn plain(_: actix_web::HttpRequest) -> &'static str {
    "plain"
}

static RAN: AtomicUsize = AtomicUsize::new(0);

#[get("/forgotten")]
async fn forgotten() -> &'static str {
    RAN.fetch_add(1, Ordering::SeqCst);
    "forgotten"
}

#[require]
#[post("/elsewhere")]
async fn elsewhere() -> &'static str {
    RAN.fetch_add(1, Ordering::SeqCst);
    "elsewhere"
}

fn api() -> AuthScope {
    AuthScope::new("/v1").service(posts).service(edit).service(news).scope(
        AuthScope::new("/{tenant}")
            .service(several)
            .route(Method::DELETE, "/users/{name}", plain)
            .route(Method::DELETE, "", plain),
    )
}

const MATRIX: &str = r#"GET     /v1/news                   news     public
GET     /v1/posts                  posts    permissions = "read:posts"
PATCH   /v1/posts/{id:\d+}         edit     permissions = "write:posts"
PUT     /v1/posts/{id:\d+}         edit     permissions = "write:posts"
DELETE  /v1/{tenant}               plain    roles = "admin"
GET     /v1/{tenant}/a             several  authenticated
POST    /v1/{tenant}/b             several  authenticated
DELETE  /v1/{tenant}/users/{name}  plain    roles = "admin"
"#;

#[test]
fn a_scope_knows_its_routes() {
    let matrix = api().access_matrix();
    assert_eq!(matrix.to_string(), MATRIX);
    let as_json = serde_json::to_value(&matrix).unwrap();
    assert_eq!(
        as_json[1],
        json!({
            "method": "GET",
            "path": "/v1/posts",
            "handler": "posts",
            "requirement": {"permissions": ["read:posts"]},
        })
    );
    assert_eq!(
        as_json[0],
        json!({"method": "GET", "path": "/v1/news", "handler": "news", "public": true})
    );
}

#[test]
fn a_scope_protects_what_it_lists() {
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let server = TestServer::start(move || {
        App::new().service(web::scope("/api").service(api().auth(auth.clone())))
    });
    let all = ["read:posts", "write:posts"];
    let boss = bed.token_with(&json!({"roles": ["admin"], "permissions": all}));
    let user = bed.token_with(&json!({}));
    for (method, path, demands_more) in [
        ("GET", "/api/v1/posts", true),
        ("PUT", "/api/v1/posts/5", true),
        ("PATCH", "/api/v1/posts/5", true),
        ("GET", "/api/v1/acme/a", false),
        ("POST", "/api/v1/acme/b", false),
        ("DELETE", "/api/v1/acme/users/bob", true),
        ("DELETE", "/api/v1/acme", true),
    ] {
        let request = server.request(method, path);
        assert_eq!(request.clone().send().status, 401, "{method} {path}");
        let status = request.clone().bearer(&user).send().status;
        assert_eq!(status, if demands_more { 403 } else { 200 }, "{method} {path}");
        assert_eq!(request.bearer(&boss).send().status, 200, "{method} {path}");
    }
    assert_eq!(server.get("/api/v1/news").send().status, 200);
}

#[test]
fn a_scope_behind_the_middleware_lets_nobody_in_without_a_token() {
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let app = {
        let auth = auth.clone();
        move || App::new().service(api().wrap(auth.clone()))
    };
    let audited = actix_web::rt::System::new().block_on(check_routes(app())).unwrap();
    assert_eq!(audited.to_string(), MATRIX);
    let server = TestServer::start(app);
    let user = bed.token_with(&json!({"permissions": ["read:posts"]}));
    for (method, path, status) in [
        ("GET", "/v1/posts", 200),
        ("GET", "/v1/news", 200),
        ("GET", "/v1/acme/a", 200),
        ("DELETE", "/v1/acme", 403),
        ("GET", "/v1/no/such/path", 404),
        ("OPTIONS", "/v1/posts", 404),
    ] {
        let request = server.request(method, path);
        assert_eq!(request.clone().send().status, 401, "{method} {path}");
        assert_eq!(request.bearer(&user).send().status, status, "{method} {path}");
    }
}

#[test]
fn an_application_in_which_everything_is_decided_passes() {
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let app = App::new().service(web::scope("/api").wrap(auth.clone()).service(api()).service(
        web::scope("").service(AuthScope::new("/x/").route(
            Method::GET,
            "/{a}-{b:[a-z]{2}}/{tail}*",
            plain,
        )),
    ));
    let matrix = actix_web::rt::System::new().block_on(check_routes(app)).unwrap();
    let expected: String = MATRIX.replace(" /v1", " /api/v1");
    let shown = matrix.to_string();
    for line in expected.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let has = |line: &str| line.split_whitespace().collect::<Vec<_>>() == words;
        assert!(shown.lines().any(has), "{line} in\n{shown}");
    }
    assert_eq!(shown.lines().count(), 9, "{shown}");
}

#[actix_web::test]
async fn a_forgotten_route_is_found() {
    let app = || {
        App::new()
            .service(api())
            .service(forgotten)
            .service(elsewhere)
            .service(
                web::resource("/both").route(web::get().to(news_again)).route(web::put().to(plain)),
            )
            .service(web::redirect("/old", "/new"))
            .service(web::scope("/static").default_service(web::to(HttpResponse::NotFound)))
    };
    let found = check_routes(app()).await.unwrap_err();
    assert_eq!(
        found.routes(),
        ["* /old", "* /static", "GET /both", "GET /forgotten", "POST /elsewhere", "PUT /both",]
    );
    assert!(found.to_string().contains("\n  GET /forgotten\n"));
    assert_eq!(RAN.load(Ordering::SeqCst), 0, "nothing was called");
    let excepted = RouteCheck::new().ignore("/old").ignore("/static").ignore("/both");
    let found = excepted.clone().ignore("/elsewhere").run(app()).await.unwrap_err();
    assert_eq!(found.routes(), ["GET /forgotten"]);
    // Asked, the one with a requirement says so, and the one without runs.
    let found = excepted.probe_handlers().run(app()).await.unwrap_err();
    assert_eq!(found.routes(), ["GET /forgotten"]);
    assert_eq!(RAN.load(Ordering::SeqCst), 1);
}

async fn news_again() -> &'static str {
    "news"
}

/// The list of an application has each method of a path once, whoever answers.
#[actix_web::test]
async fn a_route_that_hides_another_is_found() {
    async fn hides() -> &'static str {
        "hides"
    }
    let app = App::new().route("/v1/posts", web::get().to(hides)).service(api());
    let found = check_routes(app).await.unwrap_err();
    assert_eq!(found.routes(), ["GET /v1/posts"]);
    let behind = App::new().service(api()).route("/v1/posts", web::get().to(hides));
    check_routes(behind).await.unwrap();
}

/// Behind a handler that is decided about, the same path may be open for all other methods.
#[actix_web::test]
async fn a_route_for_the_other_methods_is_found() {
    let app = App::new()
        .service(web::resource("/x").route(web::get().to(plain)).to(news_again))
        .service(api());
    let found = RouteCheck::new().probe_handlers().run(app).await.unwrap_err();
    assert!(found.routes().contains(&"POST /x".to_owned()), "{found}");
    assert!(!found.routes().contains(&"GET /x".to_owned()), "{found}");
    assert!(found.routes().iter().all(|route| route.ends_with(" /x")), "{found}");
}

/// DEV-04: a handler with a requirement counts at a route for every method too, and one without runs
/// when it is asked.
#[actix_web::test]
async fn a_route_for_every_method_is_asked() {
    static OPEN: AtomicUsize = AtomicUsize::new(0);
    async fn open() -> &'static str {
        OPEN.fetch_add(1, Ordering::SeqCst);
        "open"
    }
    #[require]
    async fn list() -> &'static str {
        "list"
    }
    let decided = || {
        App::new()
            .service(web::resource("/all/{id}").to(plain))
            .route("/route", web::to(plain))
            .service(web::resource("/some").route(web::get().to(list)).to(plain))
            .service(web::scope("/default").default_service(web::to(plain)))
            .service(AuthScope::new("/api").route(Method::GET, "/x", list).route(
                Method::PUT,
                "/x",
                plain,
            ))
    };
    let asking = RouteCheck::new().probe_handlers();
    let matrix = asking.run(decided()).await.unwrap();
    assert_eq!(
        matrix.to_string(),
        r#"*    /all/{id}  plain  roles = "admin"
GET  /api/x     list   authenticated
PUT  /api/x     plain  roles = "admin"
*    /default   plain  roles = "admin"
*    /route     plain  roles = "admin"
*    /some      plain  roles = "admin"
GET  /some      list   authenticated
"#
    );
    // Without being asked they are named.
    let named = check_routes(decided()).await.unwrap_err();
    assert_eq!(named.routes(), ["* /all/{id}", "* /default", "* /route", "GET /some"]);
    let found = asking.run(decided().service(web::resource("/open").to(open))).await.unwrap_err();
    assert_eq!(found.routes(), ["* /open"]);
    assert_eq!(OPEN.load(Ordering::SeqCst), 1);
}

/// DEV-11: a second route of one path and method protects nothing, and nothing is open.
#[actix_web::test]
async fn a_route_that_no_request_reaches_is_no_open_one() {
    #[public]
    async fn other() -> &'static str {
        "other"
    }
    let twice = || {
        AuthScope::new("/api")
            .service(posts)
            .route(Method::GET, "/posts", other)
            .route(Method::GET, "/{any}", plain)
            .route(Method::GET, "/late", other)
    };
    let found = check_routes(App::new().service(twice())).await.unwrap_err();
    assert_eq!(found.routes(), [""; 0]);
    assert_eq!(found.unreached(), ["GET /api/late", "GET /api/posts"]);
    let text = found.to_string();
    assert!(text.contains("not reached") && !text.contains("without `#[require]`"), "{text}");
    // Where a guard tells them apart, they are left out.
    let check = RouteCheck::new().ignore("/api/late").ignore("/api/posts");
    let matrix = check.run(App::new().service(twice())).await.unwrap();
    assert_eq!(matrix.routes().len(), 4);
    // What is open is still named, and first.
    let both = || App::new().service(twice()).service(forgotten);
    let found = check.run(both()).await.unwrap_err();
    assert_eq!((found.routes(), found.unreached()), (&["GET /forgotten".to_owned()][..], &[][..]));
    let found = RouteCheck::new().run(both()).await.unwrap_err().to_string();
    let lines: Vec<&str> = found.lines().map(str::trim).collect();
    assert_eq!(lines[1], "GET /forgotten", "{found}");
    assert_eq!(lines[3], "GET /api/late", "{found}");
    // The same handler twice is one.
    let same = AuthScope::new("/api").service(posts).service(posts);
    passes(same).await;
}

async fn passes(scope: AuthScope) {
    check_routes(App::new().service(scope)).await.unwrap();
}

/// DEV-09: with the feature Actix joins the patterns of nested scopes when an application starts, and
/// panics where two segments have one name.
#[actix_web::test]
#[should_panic(expected = "{id}")]
async fn two_segments_of_one_name_stop_an_application_that_is_introspected() {
    let inner = web::scope("/{id}").route("/x", web::get().to(news_again));
    actix_web::test::init_service(App::new().service(web::scope("/{id}").service(inner))).await;
}

#[test]
fn nobody_can_ask_from_outside() {
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let server = TestServer::start(move || App::new().service(api().auth(auth.clone())));
    assert_eq!(server.get("/v1/posts").header("probe", "1").send().status, 401);
}

/// Who may use which route of the example; the file is committed. `UPDATE_MATRIX=1` writes it anew.
#[test]
fn the_access_matrix_of_the_example_is_as_agreed() {
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let app = App::new().configure(resource_server::configure(&auth));
    // Whether it is up, everybody may ask.
    let check = RouteCheck::new().ignore("/health/live").ignore("/health/ready").probe_handlers();
    let matrix = actix_web::rt::System::new().block_on(check.run(app)).unwrap().to_string();
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../examples/resource-server/resource-server.routes.txt"
    );
    if std::env::var_os("UPDATE_MATRIX").is_some() {
        std::fs::write(file, &matrix).unwrap();
    }
    assert_eq!(std::fs::read_to_string(file).unwrap_or_default(), matrix);
}
