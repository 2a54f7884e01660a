//! What an `AuthScope` demands of all its routes, and what can be put around one.

use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::{
    App, HttpRequest, HttpResponse,
    body::MessageBody,
    delete,
    dev::{ServiceRequest, ServiceResponse},
    get, guard,
    http::{Method, StatusCode},
    middleware::{Condition, DefaultHeaders, Logger, Next, from_fn},
    web,
};
use jwt_verify::{
    AuthError, AuthScope, JwtAuth, Requirement, VerifiedClaims, VerifiedClaimsExt as _, public,
    require,
    routes::{RouteCheck, check_routes},
};
use jwt_verify_tests::{TestBed, TestServer};
use serde_json::json;
use utoipa::{Modify as _, OpenApi};

static READ: AtomicUsize = AtomicUsize::new(0);

#[utoipa::path(get, path = "/admin/{tenant}/users", responses((status = 200)))]
#[require]
#[get("/users")]
async fn users() -> &'static str {
    "users"
}

#[utoipa::path(delete, path = "/admin/{tenant}/users/{id}", responses((status = 200)))]
#[require(permissions = "write")]
#[delete("/users/{id}")]
async fn remove(_: web::Path<(String, u32)>) -> &'static str {
    "removed"
}

#[utoipa::path(get, path = "/admin/{tenant}/motd", responses((status = 200)))]
#[public]
#[get("/motd")]
async fn motd() -> &'static str {
    "hello"
}

#[require]
async fn upload(body: web::Bytes) -> String {
    READ.fetch_add(1, Ordering::SeqCst);
    body.len().to_string()
}

#[require]
async fn who(claims: VerifiedClaims) -> String {
    claims.subject().unwrap_or_default().to_owned()
}

#[derive(OpenApi)]
#[openapi(paths(users, remove, motd))]
struct Document;

fn admin() -> AuthScope {
    AuthScope::new("/admin")
        .require(Requirement::roles(["admin"]))
        .route(Method::POST, "/upload", upload)
        .scope(
            AuthScope::new("/{tenant}")
                .configure(|scope| scope.service(users).service(remove).service(motd))
                .require(Requirement::claim_equals_segment("org", "tenant")),
        )
}

const MATRIX: &str = r#"POST    /admin/upload               upload  roles = "admin"
GET     /admin/{tenant}/motd        motd    roles = "admin", claim("org" == path.tenant)
GET     /admin/{tenant}/users       users   roles = "admin", claim("org" == path.tenant)
DELETE  /admin/{tenant}/users/{id}  remove  roles = "admin", permissions = "write", claim("org" == path.tenant)
"#;

#[test]
fn what_a_scope_demands_is_shown_with_every_route() {
    let matrix = admin().access_matrix();
    assert_eq!(matrix.to_string(), MATRIX);
    let as_json = serde_json::to_value(&matrix).unwrap();
    assert_eq!(as_json[0]["requirement"], json!({"roles": ["admin"]}));
    assert_eq!(as_json[1]["public"], json!(null), "it is not open");
    let checked = actix_web::rt::System::new().block_on(check_routes(App::new().service(admin())));
    assert_eq!(checked.unwrap().to_string(), MATRIX);

    let twice = AuthScope::new("")
        .require(Requirement::roles(["admin"]))
        .require(Requirement::permissions(["a"]))
        .service(users)
        .require(Requirement::roles(["boss"]));
    assert_eq!(
        twice.access_matrix().to_string(),
        "GET  /users  users  roles = \"admin\", permissions = \"a\", all_of(roles = \"boss\")\n"
    );

    let scopes = AuthScope::new("/admin")
        .require(Requirement::scopes(["admin"]))
        .scope(AuthScope::new("/{tenant}").service(users).service(remove).service(motd));
    let mut document = Document::openapi();
    scopes.access_matrix().modify(&mut document);
    let document = serde_json::to_value(&document).unwrap();
    for (method, path, security) in [
        ("get", "/admin/{tenant}/users", json!([{"bearer": ["admin"]}])),
        ("delete", "/admin/{tenant}/users/{id}", json!([{"bearer": ["write", "admin"]}])),
        ("get", "/admin/{tenant}/motd", json!([{"bearer": ["admin"]}])),
    ] {
        assert_eq!(document["paths"][path][method]["security"], security, "{method} {path}");
    }
}

#[test]
fn what_a_scope_demands_is_demanded() {
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let server = TestServer::start(move || App::new().service(admin().auth(auth.clone())));
    let token = |roles: &[&str], permissions: &[&str]| {
        bed.token_with(&json!({"roles": roles, "permissions": permissions, "org": "acme"}))
    };
    let (user, admin) = (token(&[], &["write"]), token(&["admin"], &[]));
    let boss = token(&["admin"], &["write"]);
    for (method, path, of_user, of_admin, of_boss) in [
        ("GET", "/admin/acme/users", 403, 200, 200),
        ("GET", "/admin/other/users", 403, 403, 403),
        ("DELETE", "/admin/acme/users/7", 403, 403, 200),
        ("DELETE", "/admin/other/users/7", 403, 403, 403),
        ("GET", "/admin/acme/motd", 403, 200, 200),
        ("GET", "/admin/other/motd", 403, 403, 403),
        ("POST", "/admin/upload", 403, 200, 200),
        ("GET", "/admin/acme/no/such/path", 403, 404, 404),
        ("PUT", "/admin/acme/users", 403, 404, 404),
    ] {
        let request = server.request(method, path);
        assert_eq!(request.clone().send().status, 401, "{method} {path}");
        for (token, status) in [(&user, of_user), (&admin, of_admin), (&boss, of_boss)] {
            assert_eq!(request.clone().bearer(token).send().status, status, "{method} {path}");
        }
    }
    let before = READ.load(Ordering::SeqCst);
    let upload = server.request("POST", "/admin/upload").body("text/plain", "body");
    assert_eq!(upload.clone().bearer(&user).send().status, 403);
    assert_eq!(READ.load(Ordering::SeqCst), before);
    assert_eq!(upload.bearer(&admin).send().text(), "4");
    let refused = server.get("/admin/acme/users").bearer(&user).send();
    assert_eq!(refused.json()["code"], "insufficient_scope");
}

/// It is judged by the `JwtAuth` that the handlers use, wherever that is.
#[test]
fn a_scope_finds_the_jwt_auth_of_its_handlers() {
    fn demanding() -> AuthScope {
        AuthScope::new("/api").require(Requirement::roles(["admin"])).route(
            Method::GET,
            "/who",
            who,
        )
    }

    let (bed, other) = (TestBed::new(), TestBed::new());
    let auth = bed.auth().build().unwrap();
    let other_auth = other.auth().build().unwrap();
    let admin = json!({"roles": ["admin"]});
    let (token, foreign) = (bed.token_with(&admin), other.token_with(&admin));
    let statuses = |server: &TestServer, path: &str| {
        let request = server.get(path);
        [
            request.clone().send().status,
            request.clone().bearer(&foreign).send().status,
            request.clone().bearer(bed.token_with(&json!({}))).send().status,
            request.bearer(&token).send().status,
        ]
    };
    let (one, two) = (auth.clone(), other_auth.clone());
    let server =
        TestServer::start(move || {
            let data = web::Data::new(one.clone());
            App::new()
                .app_data(two.clone())
                .service(web::scope("/own").service(demanding().auth(one.clone())))
                .service(web::scope("/data").service(demanding().app_data(one.clone())))
                .service(web::scope("/wrapped").service(demanding().wrap(one.clone())))
                .service(web::scope("/around").wrap(one.clone()).service(demanding()))
                .service(web::scope("/near").app_data(one.clone()).service(demanding()))
                .service(AuthScope::new("/outer").auth(one.clone()).scope(demanding()))
                .service(AuthScope::new("/outer-wrapped").wrap(one.clone()).scope(demanding()))
                .service(AuthScope::new("/outer-data").app_data(data).scope(
                    AuthScope::new("").require(Requirement::authenticated()).scope(demanding()),
                ))
        });
    for path in ["/own", "/data", "/near", "/outer"] {
        assert_eq!(statuses(&server, &format!("{path}/api/who")), [401, 401, 403, 200], "{path}");
    }
    // One in the app's data and another around the scope: each decides where it stands.
    for path in ["/wrapped", "/around", "/outer-wrapped"] {
        assert_eq!(statuses(&server, &format!("{path}/api/who")), [401, 401, 403, 200], "{path}");
    }
    // Of two that differ, in the two forms, neither is taken.
    assert_eq!(statuses(&server, "/outer-data/api/who"), [500, 500, 500, 500]);

    let nowhere = TestServer::start(|| App::new().service(demanding()));
    assert_eq!(statuses(&nowhere, "/api/who"), [500, 500, 500, 500]);

    let wrapped = web::Data::new(auth);
    let server = TestServer::start(move || {
        App::new().app_data(other_auth.clone()).service(demanding().app_data(wrapped.clone()))
    });
    // The handler sees both forms, as without a requirement.
    assert_eq!(statuses(&server, "/api/who"), [401, 401, 403, 500]);
}

async fn preflight<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    if request.method() == Method::OPTIONS {
        let response = HttpResponse::NoContent().finish();
        return Ok(request.into_response(response).map_into_right_body());
    }
    Ok(next.call(request).await?.map_into_left_body())
}

#[test]
fn middlewares_are_around_what_a_scope_demands() {
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let server = TestServer::start(move || {
        let api = AuthScope::new("/api")
            .wrap(DefaultHeaders::new().add(("x-inner", "1")).add(("x-both", "inner")))
            .wrap(auth.clone())
            .wrap(DefaultHeaders::new().add(("x-outer", "1")).add(("x-both", "outer")))
            .route(Method::GET, "/who", who)
            .wrap(from_fn(preflight))
            .require(Requirement::roles(["admin"]))
            .wrap(Condition::new(true, DefaultHeaders::new().add(("x-condition", "1"))))
            .wrap(Logger::default());
        let inner = AuthScope::new("/inner")
            .route(Method::GET, "/who", who)
            .wrap(DefaultHeaders::new().add(("x-nested", "1")));
        App::new().service(api.scope(inner))
    });
    let admin = bed.token_with(&json!({"roles": ["admin"]}));
    let shown = |response: &jwt_verify_tests::Response| {
        let header = |name: &str| response.header(name).map(str::to_owned);
        (response.status, header("x-inner"), header("x-outer"), header("x-both"))
    };
    let text = |text: &str| Some(text.to_owned());
    // Refused by the `JwtAuth`: what is inside of it has not seen it.
    let response = server.get("/api/who").send();
    assert_eq!(shown(&response), (401, None, text("1"), text("outer")));
    // Refused by what the scope demands: all of them have.
    let response = server.get("/api/who").bearer(bed.token_with(&json!({}))).send();
    assert_eq!(shown(&response), (403, text("1"), text("1"), text("inner")));
    let response = server.get("/api/who").bearer(&admin).send();
    assert_eq!(shown(&response), (200, text("1"), text("1"), text("inner")));
    assert_eq!(server.request("OPTIONS", "/api/who").send().status, 204);
    let response = server.get("/api/inner/who").bearer(&admin).send();
    assert_eq!((response.status, response.header("x-nested")), (200, Some("1")));
}

#[test]
fn a_middleware_that_demands_something_is_shown() {
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let scope = |auth: &JwtAuth| {
        AuthScope::new("")
            .service(users)
            .service(motd)
            .require(Requirement::permissions(["p"]))
            .wrap(auth.require(Requirement::roles(["admin"])))
    };
    assert_eq!(
        scope(&auth).access_matrix().to_string(),
        concat!(
            "GET  /motd   motd   roles = \"admin\", permissions = \"p\"\n",
            "GET  /users  users  roles = \"admin\", permissions = \"p\"\n",
        )
    );
    let reported = AuthScope::new("")
        .service(users)
        .wrap(auth.require(Requirement::roles(["admin"])).report_only());
    assert_eq!(reported.access_matrix().to_string(), "GET  /users  users  authenticated\n");
    let server = TestServer::start(move || App::new().service(scope(&auth)));
    for (roles, permissions, status) in
        [(["admin"], ["p"], 200), (["admin"], [""], 403), ([""], ["p"], 403)]
    {
        let token = bed.token_with(&json!({"roles": roles, "permissions": permissions}));
        assert_eq!(server.get("/users").bearer(token).send().status, status);
    }
}

#[test]
fn handlers_find_the_data_of_their_scope() {
    #[require]
    async fn greeting(greeting: web::Data<String>, request: HttpRequest) -> String {
        let claims = request.verified_claims();
        format!("{} {}", **greeting, claims.unwrap().subject().unwrap_or_default())
    }

    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let server = TestServer::start(move || {
        let of = |prefix: &str, word: &str| {
            AuthScope::new(prefix)
                .route(Method::GET, "/greeting", greeting)
                .app_data(web::Data::new(word.to_owned()))
        };
        App::new().app_data(auth.clone()).service(of("/en", "hello").scope(of("/fr", "bonjour")))
    });
    let token = bed.token_with(&json!({}));
    for (path, word) in [("/en/greeting", "hello alice"), ("/en/fr/greeting", "bonjour alice")] {
        assert_eq!(server.get(path).bearer(&token).send().text(), word);
    }
}

#[public]
async fn second() -> &'static str {
    "second"
}

#[public]
async fn first() -> &'static str {
    "first"
}

fn versions() -> [AuthScope; 2] {
    let of =
        |version: &'static str| AuthScope::new("/api").guard(guard::Header("x-version", version));
    [
        of("1").route(Method::GET, "/both", first).route(Method::GET, "/old", first),
        of("2").route(Method::GET, "/both", second).route(Method::GET, "/new", second),
    ]
}

#[test]
fn a_guard_decides_which_scope_a_request_reaches() {
    let server = TestServer::start(|| {
        let [one, two] = versions();
        let inner = AuthScope::new("/in").guard(guard::Header("x", "1"));
        let nested = AuthScope::new("/nested").scope(inner.route(Method::GET, "/it", first));
        App::new().service(one).service(two).service(nested)
    });
    let ask = |path: &str, version: &str| {
        let response = server.get(path).header("x-version", version).send();
        (response.status, response.text().to_owned())
    };
    assert_eq!(ask("/api/both", "1"), (200, "first".to_owned()));
    assert_eq!(ask("/api/both", "2"), (200, "second".to_owned()));
    assert_eq!(ask("/api/new", "1").0, 404);
    assert_eq!(ask("/api/both", "3").0, 404);
    assert_eq!(server.get("/nested/in/it").send().status, 404);
    assert_eq!(server.get("/nested/in/it").header("x", "1").send().status, 200);
}

/// A check asks the routes themselves, whatever stands in front of them.
#[actix_web::test]
async fn guards_and_middlewares_hide_no_route_from_a_check() {
    async fn closed<B: MessageBody + 'static>(
        _: ServiceRequest,
        _: Next<B>,
    ) -> Result<ServiceResponse<B>, actix_web::Error> {
        Err(AuthError::Misconfigured.into())
    }

    async fn open() -> HttpResponse {
        HttpResponse::build(StatusCode::OK).finish()
    }

    let [one, two] = versions();
    let inner = AuthScope::new("/in").guard(guard::Header("x", "1")).wrap(from_fn(closed));
    let nested = AuthScope::new("/nested")
        .require(Requirement::authenticated())
        .scope(inner.route(Method::GET, "/it", first))
        .wrap(from_fn(closed));
    let app = App::new().service(one).service(two).service(nested);
    let matrix = check_routes(app).await.unwrap();
    assert_eq!(
        matrix.to_string(),
        "\
GET  /api/both      first   public
GET  /api/both      second  public
GET  /api/new       second  public
GET  /api/old       first   public
GET  /nested/in/it  first   authenticated
"
    );

    // A route that nobody has decided about is still found beside them.
    let [one, two] = versions();
    let app = App::new().route("/api/both", web::get().to(open)).service(one).service(two);
    let found = RouteCheck::new().run(app).await.unwrap_err();
    assert_eq!(found.routes(), ["GET /api/both"]);
}
