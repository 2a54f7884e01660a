//! The document says what the attribute says.

use actix_web::{App, get, http::Method, post, put, web};
use example_openapi as documented;
use jwt_verify::{AuthScope, public, require};
use jwt_verify_tests::{TestBed, TestServer};
use serde_json::{Value, json};
use utoipa::{Modify as _, OpenApi};

#[utoipa::path(get, path = "/posts", responses((status = 200)))]
#[require(permissions = "read:posts")]
#[get("/posts")]
async fn above() -> &'static str {
    "posts"
}

#[require(permissions = ["write:posts", "edit:posts"])]
#[utoipa::path(post, path = "/posts", responses((status = 200)))]
#[post("/posts")]
async fn below(_: web::Json<u32>) -> &'static str {
    "posts"
}

#[require(permissions = ["a", "b"], scopes = ["s", "t"], all)]
#[utoipa::path(put, path = "/posts/{id}", params(("id" = u32, Path)), responses((status = 200)))]
#[put("/posts/{id:\\d+}")]
async fn both(_: web::Path<u32>) -> &'static str {
    "posts"
}

#[utoipa::path(delete, path = "/posts/{id}", params(("id" = u32, Path)), responses((status = 200)))]
#[require(roles = "admin", any(permissions = "x", claim("y" == true)))]
async fn roles_only(_: web::Path<u32>) -> &'static str {
    "posts"
}

#[public]
#[utoipa::path(get, path = "/news", responses((status = 200)))]
#[get("/news")]
async fn open() -> &'static str {
    "news"
}

#[utoipa::path(get, path = "/elsewhere", responses((status = 200)))]
#[expect(dead_code, clippy::unused_async, reason = "it is only documented")]
async fn elsewhere() -> &'static str {
    "elsewhere"
}

#[derive(OpenApi)]
#[openapi(paths(above, below, both, roles_only, open, elsewhere))]
struct Document;

fn api() -> AuthScope {
    AuthScope::new("").service(above).service(below).service(both).service(open).route(
        Method::DELETE,
        "/posts/{id}",
        roles_only,
    )
}

#[test]
fn both_orders_of_attributes_show_the_same_security() {
    let mut document = Document::openapi();
    let before = serde_json::to_value(&document).unwrap();
    api().access_matrix().modify(&mut document);
    let document = serde_json::to_value(&document).unwrap();
    for (method, path, security) in [
        ("get", "/posts", json!([{"bearer": ["read:posts"]}])),
        ("post", "/posts", json!([{"bearer": ["write:posts"]}, {"bearer": ["edit:posts"]}])),
        ("put", "/posts/{id}", json!([{"bearer": ["a", "b", "s", "t"]}])),
        ("delete", "/posts/{id}", json!([{"bearer": ["x"]}, {"bearer": []}])),
        ("get", "/news", json!([])),
        ("get", "/elsewhere", Value::Null),
    ] {
        let operation = &document["paths"][path][method];
        assert_eq!(operation["security"], security, "{method} {path}");
        assert_eq!(operation["operationId"], before["paths"][path][method]["operationId"]);
        assert_eq!(operation["parameters"], before["paths"][path][method]["parameters"]);
        assert_eq!(operation["requestBody"], before["paths"][path][method]["requestBody"]);
    }
    let scheme = &document["components"]["securitySchemes"]["bearer"];
    assert_eq!((&scheme["type"], &scheme["scheme"]), (&json!("http"), &json!("bearer")));
}

#[test]
fn what_the_document_and_the_routes_do_not_share_is_named() {
    let document = Document::openapi();
    assert_eq!(api().access_matrix().differences(&document), ["GET /elsewhere"]);
    #[require]
    async fn new() -> &'static str {
        "new"
    }
    let more = api().route(Method::PATCH, "/new/{a:.*}", new).access_matrix();
    assert_eq!(more.differences(&document), ["PATCH /new/{a}", "GET /elsewhere"]);
}

macro_rules! handlers {
    ($($name:ident: #[$attribute:meta];)+) => {
        $(#[$attribute] async fn $name() -> &'static str { "ran" })+

        fn demanding() -> AuthScope {
            AuthScope::new("")$(.route(Method::GET, concat!("/", stringify!($name)), $name))+
        }
    };
}

handlers! {
    either_kind: #[require(any(permissions = "a", scopes = "b"))];
    two_lists: #[require(any(permissions = "a", permissions = "b"))];
    two_that_count: #[require(permissions = "a", all_of(permissions = ["b", "c"]))];
    groups: #[require(any(all_of(permissions = ["a", "b"], all), scopes = ["c", "d"]))];
    beside_a_role: #[require(any(roles = "admin", permissions = "a", policy = no))];
    the_same_way: #[require(any(all_of(permissions = "a", scopes = "b"), all_of(permissions = "b", scopes = "a"), scopes = "c"))];
    forbidden: #[require(not(permissions = "a"))];
    a_role: #[require(roles = "admin", max_age = "5m")];
    refreshing: #[require(refresh)];
}

fn no(_: &jwt_verify::VerifiedClaims) -> jwt_verify::Decision {
    jwt_verify::Decision::Deny
}

/// A document with an operation at each route.
fn document_of(matrix: &jwt_verify::routes::AccessMatrix) -> utoipa::openapi::OpenApi {
    use utoipa::openapi::{HttpMethod, PathItem, path::OperationBuilder};
    let mut document = Document::openapi();
    document.paths.paths.clear();
    for route in matrix.routes() {
        let item = PathItem::new(HttpMethod::Get, OperationBuilder::new());
        document.paths.paths.insert(route.path().to_owned(), item);
    }
    matrix.modify(&mut document);
    document
}

/// DEV-05: a document never says that any token will do where names are demanded.
#[test]
fn every_way_is_an_alternative() {
    let matrix = demanding().access_matrix();
    let document = serde_json::to_value(document_of(&matrix)).unwrap();
    for (name, security) in [
        ("either_kind", json!([{"bearer": ["a"]}, {"bearer": ["b"]}])),
        ("two_lists", json!([{"bearer": ["a"]}, {"bearer": ["b"]}])),
        ("two_that_count", json!([{"bearer": ["a", "b"]}, {"bearer": ["a", "c"]}])),
        ("groups", json!([{"bearer": ["a", "b"]}, {"bearer": ["c"]}, {"bearer": ["d"]}])),
        ("beside_a_role", json!([{"bearer": []}, {"bearer": ["a"]}])),
        ("the_same_way", json!([{"bearer": ["a", "b"]}, {"bearer": ["c"]}])),
        ("forbidden", json!([{"bearer": []}])),
        ("a_role", json!([{"bearer": []}])),
        ("refreshing", json!([{"refresh": []}])),
    ] {
        let operation = &document["paths"][format!("/{name}")]["get"];
        assert_eq!(operation["security"], security, "{name}");
    }
    assert_eq!(document["components"]["securitySchemes"]["refresh"]["scheme"], "bearer");
}

/// DEV-05: 256 alternatives are listed; more are one that is enough for all.
#[test]
fn more_alternatives_than_are_listed_are_one() {
    struct Many<const NAMES: usize, const LISTS: usize>;

    impl<const NAMES: usize, const LISTS: usize> jwt_verify::authorization::HandlerRequirement
        for Many<NAMES, LISTS>
    {
        const HANDLER: &'static str = "many";

        fn requirement() -> &'static jwt_verify::Requirement {
            let list = |list: usize| {
                jwt_verify::Requirement::scopes(
                    (0..NAMES).map(move |name| format!("{list}-{name}")),
                )
            };
            Box::leak(Box::new(jwt_verify::Requirement::all_of((0..LISTS).map(list))))
        }
    }

    async fn many<const NAMES: usize, const LISTS: usize>(
        _: jwt_verify::Authorized<Many<NAMES, LISTS>>,
    ) -> &'static str {
        "many"
    }

    let matrix = AuthScope::new("")
        .route(Method::GET, "/33", many::<33, 1>)
        .route(Method::GET, "/256", many::<256, 1>)
        .route(Method::GET, "/16x16", many::<16, 2>)
        .route(Method::GET, "/257", many::<257, 1>)
        .route(Method::GET, "/16x16x16", many::<16, 3>)
        .route(Method::GET, "/2-to-the-40", many::<2, 40>)
        .access_matrix();
    let document = serde_json::to_value(document_of(&matrix)).unwrap();
    for (path, alternatives, names) in [
        ("/33", 33, 1),
        ("/256", 256, 1),
        ("/16x16", 256, 2),
        ("/257", 1, 257),
        ("/16x16x16", 1, 48),
        ("/2-to-the-40", 1, 80),
    ] {
        let security = document["paths"][path]["get"]["security"].as_array().unwrap();
        assert_eq!(security.len(), alternatives, "{path}");
        for alternative in security {
            assert_eq!(alternative["bearer"].as_array().unwrap().len(), names, "{path}");
        }
    }
}

/// What a route for every method demands is in each operation that has no route of its own.
#[actix_web::test]
async fn a_route_for_every_method_is_in_every_operation() {
    use utoipa::openapi::{HttpMethod, PathItem, path::OperationBuilder};

    #[require(permissions = "read")]
    async fn read() -> &'static str {
        "read"
    }
    #[require(permissions = "other")]
    async fn other() -> &'static str {
        "other"
    }
    let app = App::new().service(web::resource("/x").route(web::get().to(read)).to(other));
    let matrix = jwt_verify::routes::RouteCheck::new().probe_handlers().run(app).await.unwrap();
    let mut document = Document::openapi();
    document.paths.paths.clear();
    assert_eq!(matrix.differences(&document), ["* /x", "GET /x"]);
    let mut item = PathItem::new(HttpMethod::Get, OperationBuilder::new());
    item.post = Some(OperationBuilder::new().build());
    document.paths.paths.insert("/x".to_owned(), item);
    assert_eq!(matrix.differences(&document), [""; 0]);
    matrix.modify(&mut document);
    let document = serde_json::to_value(document).unwrap();
    for (method, name) in [("get", "read"), ("post", "other")] {
        assert_eq!(document["paths"]["/x"][method]["security"], json!([{"bearer": [name]}]));
    }
}

#[test]
fn the_example_documents_every_route_it_has() {
    let matrix = documented::api().access_matrix();
    assert_eq!(matrix.differences(&documented::document()), [""; 0]);
}

#[test]
fn the_example_serves_its_document() {
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let server =
        TestServer::start(move || App::new().configure(documented::configure(&auth.clone())));
    let document = server.get("/openapi.json").send().json();
    for (method, path, security) in [
        ("get", "/api/news", json!([])),
        ("get", "/api/posts", json!([{"bearer": ["read:posts"]}])),
        ("put", "/api/posts/{id}", json!([{"bearer": ["write:posts"]}])),
        ("delete", "/api/posts/{id}", json!([{"bearer": []}])),
    ] {
        assert_eq!(document["paths"][path][method]["security"], security, "{method} {path}");
    }
    let page = server.get("/docs/").send();
    assert!(page.text().contains("swagger-ui"), "{}", page.everything());
    // And the routes do what the document says.
    let writer = bed.token_with(&json!({"sub": "rita", "permissions": ["write:posts"]}));
    let change =
        |id: u8| server.request("PUT", &format!("/api/posts/{id}")).json("{\"title\":\"x\"}");
    assert_eq!(change(2).bearer(&writer).send().status, 200);
    assert_eq!(change(1).bearer(&writer).send().status, 403);
    assert_eq!(change(9).bearer(&writer).send().status, 404);
    assert_eq!(change(2).send().status, 401);
    assert_eq!(server.get("/api/me").bearer(&writer).send().json()["sub"], "rita");
    assert_eq!(server.get("/api/news").send().status, 200);
}
