//! The path that a route is listed with is the one that Actix serves it at.

use actix_web::{
    App, Error, HttpRequest,
    dev::{Service as _, ServiceFactory, ServiceRequest, ServiceResponse},
    http::{Method, StatusCode},
    test::{TestRequest, init_service, read_body},
    web,
};
use jwt_verify::{AuthScope, public, routes::check_routes};
use utoipa::openapi::{HttpMethod, OpenApiBuilder, PathItem, PathsBuilder, path::OperationBuilder};

/// What an application is made of.
trait Factory:
    ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse,
        Error = Error,
        InitError = (),
    > + 'static
{
}

impl<T> Factory for T where
    T: ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse,
            Error = Error,
            InitError = (),
        > + 'static
{
}

#[public]
async fn route(request: HttpRequest) -> String {
    request.match_pattern().unwrap_or_default()
}

#[public]
#[actix_web::get("")]
async fn root(request: HttpRequest) -> String {
    request.match_pattern().unwrap_or_default()
}

const OUTER: [&str; 8] = ["", "/", "/a", "a", "/a/", "/a/b", "/{x}", "/a/{x}"];
const INNER: [&str; 7] = ["", "/", "/c", "c", "/c/", "/{y}", "/c/{y}/d"];
const PATHS: [&str; 8] = ["", "/", "/e", "e", "/e/", "/{z}", "/e/{z:\\d+}", "/{z}/f"];

/// A request that fits a pattern.
fn example(pattern: &str) -> String {
    ["{x}", "{y}", "{z}", "{z:\\d+}"]
        .iter()
        .fold(pattern.to_owned(), |path, segment| path.replace(segment, "1"))
}

/// The pattern of what serves a request for a listed path.
async fn served(app: App<impl Factory>, listed: &str) -> (StatusCode, String) {
    let service = init_service(app).await;
    let request = TestRequest::with_uri(&example(listed)).to_request();
    let response = service.call(request).await.unwrap();
    let status = response.status();
    (status, String::from_utf8(read_body(response).await.to_vec()).unwrap())
}

/// The paths that an audit lists.
async fn audited(app: App<impl Factory>) -> Result<Vec<String>, String> {
    let matrix = check_routes(app).await.map_err(|error| error.to_string())?;
    Ok(matrix.routes().iter().map(|route| route.path().to_owned()).collect())
}

/// An `OpenAPI` document with one operation.
fn document(path: &str) -> utoipa::openapi::OpenApi {
    let item = PathItem::new(HttpMethod::Get, OperationBuilder::new());
    let paths = PathsBuilder::new().path(path.replace(":\\d+", ""), item);
    OpenApiBuilder::new().paths(paths).build()
}

/// DEV-02: of all combinations the matrix names the path that Actix serves, an audit passes, and a
/// document with that path has no differences. Actix serves a path that is empty altogether nowhere.
#[actix_web::test]
async fn a_route_is_listed_where_it_is_served() {
    for (outer, inner, path) in OUTER.into_iter().flat_map(|outer| {
        INNER.into_iter().flat_map(move |inner| PATHS.map(|path| (outer, inner, path)))
    }) {
        let inside = || match path {
            "" => AuthScope::new(inner).service(root),
            path => AuthScope::new(inner).route(Method::GET, path, route),
        };
        let scope = || AuthScope::new(outer).scope(inside());
        let case = format!("{outer:?} {inner:?} {path:?}");
        let matrix = scope().access_matrix();
        let listed = matrix.routes()[0].path();
        let (status, pattern) = served(App::new().service(scope()), listed).await;
        if [outer, inner, path].iter().all(|part| part.trim_end_matches('/').is_empty())
            && path.is_empty()
        {
            assert_eq!(status, StatusCode::NOT_FOUND, "{case}");
            assert!(audited(App::new().service(scope())).await.is_err(), "{case}");
            continue;
        }
        assert_eq!((status, &*pattern), (StatusCode::OK, listed), "{case}");
        assert_eq!(audited(App::new().service(scope())).await.unwrap(), [listed], "{case}");
        assert_eq!(matrix.differences(&document(&pattern)), [""; 0], "{case}");
        if outer == "/" || (outer.is_empty() && inner == "/") {
            // A scope of Actix with this prefix is for paths that begin with two.
            continue;
        }
        let around = || App::new().service(web::scope(outer).service(inside()));
        let listed = audited(around()).await.map_err(|error| format!("{case}: {error}")).unwrap();
        let (status, pattern) = served(around(), &listed[0]).await;
        assert_eq!((status, [pattern]), (StatusCode::OK, [listed[0].clone()]), "{case}");
    }
}
