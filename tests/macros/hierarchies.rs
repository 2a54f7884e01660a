//! What a matrix and an OpenAPI document say about scopes and permissions that include others.

use actix_web::http::Method;
use jwt_verify::{
    AuthScope, ClaimsMapping, JwtAuth, Requirement, ScopeHierarchy, TrustedIssuer, public, require,
    routes::AccessMatrix,
};
use serde_json::{Value, json};
use utoipa::{
    Modify as _,
    openapi::{HttpMethod, OpenApiBuilder, PathItem, path::OperationBuilder},
};

#[require(scopes = "orders:read")]
async fn orders() -> &'static str {
    "orders"
}

#[require(permissions = ["read", "write"], all)]
async fn posts() -> &'static str {
    "posts"
}

#[require(roles = "admin")]
async fn users() -> &'static str {
    "users"
}

#[public]
async fn news() -> &'static str {
    "news"
}

fn api() -> AuthScope {
    AuthScope::new("")
        .route(Method::GET, "/orders", orders)
        .route(Method::GET, "/posts", posts)
        .route(Method::GET, "/users", users)
        .route(Method::GET, "/news", news)
}

fn issuer(name: &str, hierarchy: ScopeHierarchy) -> TrustedIssuer {
    TrustedIssuer::new(name, "https://api.example")
        .claims_mapping(ClaimsMapping::default().scope_hierarchy(hierarchy))
}

fn hierarchy() -> ScopeHierarchy {
    ScopeHierarchy::new()
        .scope("orders", ["orders:read"])
        .permission("manage", ["read", "write"])
        .wildcard_segments(':')
}

fn auth() -> JwtAuth {
    JwtAuth::for_issuer(issuer("https://a.example", hierarchy())).build().unwrap()
}

fn two_issuers() -> JwtAuth {
    let other = ScopeHierarchy::new().scope("sales", ["orders:read"]);
    let plain = TrustedIssuer::new("https://c.example", "https://api.example");
    JwtAuth::for_issuer(issuer("https://a.example", hierarchy()))
        .issuer(issuer("https://b.example", other))
        .issuer(plain)
        .build()
        .unwrap()
}

const PLAIN: &str = r#"GET  /news    news    public
GET  /orders  orders  scopes = "orders:read"
GET  /posts   posts   permissions = ["read", "write"], all
GET  /users   users   roles = "admin"
"#;

const INCLUDED: &str = r#"GET  /news    news    public
GET  /orders  orders  scopes = "orders:read"  # scope "orders:read" by "orders", "orders:*"
GET  /posts   posts   permissions = ["read", "write"], all  # permission "read" by "manage"; permission "write" by "manage"
GET  /users   users   roles = "admin"
"#;

const OF_TWO: &str = r#"GET  /news    news    public
GET  /orders  orders  scopes = "orders:read"  # of "https://a.example": scope "orders:read" by "orders", "orders:*"  # of "https://b.example": scope "orders:read" by "sales"
GET  /posts   posts   permissions = ["read", "write"], all  # of "https://a.example": permission "read" by "manage"; permission "write" by "manage"
GET  /users   users   roles = "admin"
"#;

#[test]
fn a_matrix_says_what_includes_a_name() {
    assert_eq!(api().access_matrix().to_string(), PLAIN);
    for matrix in [
        api().access_matrix().for_auth(&auth()),
        api().auth(auth()).access_matrix(),
        api().wrap(auth()).access_matrix(),
        AuthScope::new("").auth(auth()).scope(api()).access_matrix(),
        // The nearest one counts.
        AuthScope::new("").auth(two_issuers()).scope(api().auth(auth())).access_matrix(),
        api().auth(auth()).access_matrix().for_auth(&two_issuers()),
    ] {
        assert_eq!(matrix.to_string(), INCLUDED);
    }
    assert_eq!(api().auth(two_issuers()).access_matrix().to_string(), OF_TWO);
    let json = serde_json::to_value(api().auth(auth()).access_matrix()).unwrap();
    let included = json!([{"scopes": {"orders:read": ["orders", "orders:*"]}}]);
    assert_eq!(json[1]["included_by"], included);
    assert_eq!(json[3].get("included_by"), None);
}

#[test]
fn a_scope_that_demands_names_includes_them_too() {
    let demanding = || api().require(Requirement::scopes(["orders:read"]));
    for matrix in [
        demanding().auth(auth()).access_matrix(),
        api().wrap(auth().require(Requirement::scopes(["orders:read"]))).access_matrix(),
    ] {
        let shown = matrix.to_string();
        let users = shown.lines().last().unwrap();
        assert!(users.ends_with(r#"  # scope "orders:read" by "orders", "orders:*""#), "{shown}");
    }
}

#[test]
fn without_a_hierarchy_nothing_is_added() {
    let plain = JwtAuth::builder("https://a.example", "https://api.example").build().unwrap();
    let matrix = api().auth(plain.clone()).access_matrix();
    assert_eq!(matrix, api().access_matrix());
    assert_eq!(matrix.to_string(), PLAIN);
    let with = serde_json::to_string(&matrix).unwrap();
    assert_eq!(with, serde_json::to_string(&api().access_matrix()).unwrap());
    assert_eq!(operations(&matrix), operations(&api().access_matrix()));
    // One that is known to have none is not overridden.
    assert_eq!(matrix.for_auth(&auth()).to_string(), PLAIN);
}

/// The operation of each path.
fn operations(matrix: &AccessMatrix) -> Vec<(String, Value)> {
    let mut document = OpenApiBuilder::new().build();
    for route in matrix.routes() {
        let item = PathItem::new(HttpMethod::Get, OperationBuilder::new());
        document.paths.paths.insert(route.path().to_owned(), item);
    }
    matrix.modify(&mut document);
    let paths = document.paths.paths.into_iter();
    paths.map(|(path, item)| (path, serde_json::to_value(item.get).unwrap())).collect()
}

/// The `security` of each path.
fn documented(matrix: &AccessMatrix) -> Vec<(String, Value)> {
    let operations = operations(matrix).into_iter();
    operations
        .map(|(path, operation)| (path, operation.get("security").cloned().unwrap()))
        .collect()
}

#[test]
fn a_document_has_an_alternative_for_each_larger_name() {
    let orders = |scopes: &[&str]| -> Value {
        scopes.iter().map(|scope| json!({"bearer": [scope]})).collect()
    };
    let posts = json!([{"bearer": ["read", "write"]}, {"bearer": ["manage"]}]);
    let own = documented(&api().auth(auth()).access_matrix());
    let by_path = |documented: &[(String, Value)], path: &str| {
        documented.iter().find(|(known, _)| known == path).unwrap().1.clone()
    };
    assert_eq!(by_path(&own, "/orders"), orders(&["orders:read", "orders", "orders:*"]));
    assert_eq!(by_path(&own, "/posts"), posts);
    assert_eq!(by_path(&own, "/users"), json!([{"bearer": []}]));
    assert_eq!(by_path(&own, "/news"), json!([]));
    let two = documented(&api().auth(two_issuers()).access_matrix());
    assert_eq!(by_path(&two, "/orders"), orders(&["orders:read", "orders", "orders:*", "sales"]));
    let extension = |auth: JwtAuth, path: &str| {
        let matrix = api().auth(auth).access_matrix();
        let found = operations(&matrix).into_iter().find(|(known, _)| known == path).unwrap();
        found.1.get("x-included-by").cloned()
    };
    let own = json!({"scopes": {"orders:read": ["orders", "orders:*"]}});
    assert_eq!(extension(auth(), "/orders"), Some(json!([own])));
    assert_eq!(extension(auth(), "/users"), None);
    let of_a = json!({"issuer": "https://a.example", "scopes": own["scopes"]});
    let of_b = json!({"issuer": "https://b.example", "scopes": {"orders:read": ["sales"]}});
    assert_eq!(extension(two_issuers(), "/orders"), Some(json!([of_a, of_b])));
}
