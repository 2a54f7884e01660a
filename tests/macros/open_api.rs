//! The document says what the attribute says.

use actix_web::{App, get, http::Method, post, put, web};
use jwt_verify::{AuthScope, public, require};
use jwt_verify_examples::documented;
use jwt_verify_tests::TestServer;
use serde_json::{Value, json};
use utoipa::{Modify as _, OpenApi};

use crate::world::World;

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
        ("delete", "/posts/{id}", json!([{"bearer": []}])),
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

#[test]
fn the_example_documents_every_route_it_has() {
    let matrix = documented::api().access_matrix();
    assert_eq!(matrix.differences(&documented::document()), [""; 0]);
}

#[test]
fn the_example_serves_its_document() {
    let world = World::new();
    let auth = world.auth().build().unwrap();
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
    let writer = world.token(&json!({"sub": "rita", "permissions": ["write:posts"]}));
    let change =
        |id: u8| server.request("PUT", &format!("/api/posts/{id}")).json("{\"title\":\"x\"}");
    assert_eq!(change(2).bearer(&writer).send().status, 200);
    assert_eq!(change(1).bearer(&writer).send().status, 403);
    assert_eq!(change(9).bearer(&writer).send().status, 404);
    assert_eq!(change(2).send().status, 401);
    assert_eq!(server.get("/api/me").bearer(&writer).send().json()["sub"], "rita");
    assert_eq!(server.get("/api/news").send().status, 200);
}
