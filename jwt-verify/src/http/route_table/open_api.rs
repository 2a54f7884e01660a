//! Requirements of routes in an OpenAPI document.

use utoipa::{
    Modify,
    openapi::{
        Components, OpenApi, PathItem, SecurityRequirement,
        path::Operation,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::authz::Requirement;
use crate::http::route_table::{
    access_matrix::{ANY, AccessMatrix, METHODS, RouteInfo},
    pattern::{PatternPart, parts},
};

/// Names of the security schemes in the document.
const ACCESS: &str = "bearer";
const REFRESH: &str = "refresh";

/// Extension of an operation with the names that include those of its route.
const INCLUDED_BY: &str = "x-included-by";

/// Writes the accepted tokens into each operation, so that the document agrees with `#[require]`
/// (OpenAPI 3.1 §4.8.30).
///
/// The security scheme `bearer` is added, and `refresh` if an operation accepts refresh tokens. An
/// operation gets an entry for each alternative of its requirement, with the permissions and scopes
/// that it needs: for `any(permissions = "a", scopes = "b")` one with `a` and one with `b`. Roles,
/// claims, logins and policies are not named, as in refusals, so that an alternative with only
/// those has an empty list; forbidden names are left out too. Up to 256 alternatives are listed. If
/// there are more, one stands for all of them, with every name in any: a client with those passes,
/// and one with fewer may.
///
/// If scopes or permissions [include others](crate::ScopeHierarchy), alternatives with those that
/// include a required name follow, for each issuer of the `JwtAuth` of the scope, or of
/// [`AccessMatrix::for_auth`]: `orders:read`, then `orders`. They too count for the 256; if there would
/// be more, they are left out. The extension `x-included-by` of the operation lists them by issuer, as
/// the matrix does.
///
/// A `#[public]` operation gets an empty list. Operations are found by method and path, with the
/// prefixes of the scopes; operations that the matrix does not know are unchanged, and
/// [`AccessMatrix::differences`] names them.
///
/// ```
/// use actix_web::get;
/// use jwt_verify::{AuthScope, require};
/// use utoipa::{Modify, OpenApi};
///
/// #[utoipa::path(get, path = "/posts", responses((status = 200)))]
/// #[require(permissions = "read:posts")]
/// #[get("/posts")]
/// async fn posts() -> &'static str {
///     "posts"
/// }
///
/// #[derive(OpenApi)]
/// #[openapi(paths(posts))]
/// struct Document;
///
/// let matrix = AuthScope::new("").service(posts).access_matrix();
/// let mut document = Document::openapi();
/// matrix.modify(&mut document);
/// assert!(matrix.differences(&document).is_empty());
/// let json = serde_json::to_value(&document).unwrap();
/// assert_eq!(
///     json["paths"]["/posts"]["get"]["security"],
///     serde_json::json!([{"bearer": ["read:posts"]}]),
/// );
/// ```
impl Modify for AccessMatrix {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_with(Components::new);
        let access = "An access token of the API's issuer (RFC 6750)";
        components.add_security_scheme(ACCESS, scheme(access));
        if self.routes().iter().any(takes_refresh_tokens) {
            let refresh = "A refresh token of a session of the API (RFC 6749 §1.5)";
            components.add_security_scheme(REFRESH, scheme(refresh));
        }
        // Of one method and path the first route is the one that is reached.
        for route in self.routes().iter().rev() {
            let Some(item) = document.paths.paths.get_mut(&documented(route.path())) else {
                continue;
            };
            for method in methods().filter(|method| self.serves(route, method)) {
                if let Some(operation) = slot(item, method) {
                    operation.security = Some(security(route));
                    name_including(operation, route);
                }
            }
        }
    }
}

impl AccessMatrix {
    /// Returns routes that the document lacks, and operations of the document that are not among
    /// these routes, as `GET /posts`. For a test that keeps both consistent.
    pub fn differences(&self, document: &OpenApi) -> Vec<String> {
        let mut operations = Vec::new();
        for (path, item) in &document.paths.paths {
            let mut item = item.clone();
            for method in methods() {
                if slot(&mut item, method).is_some() {
                    operations.push((method, path));
                }
            }
        }
        let is_one = |route: &RouteInfo, (method, path): &(&'static str, &String)| {
            self.serves(route, method) && documented(route.path()) == **path
        };
        let lacking = self
            .routes()
            .iter()
            .filter(|route| !operations.iter().any(|operation| is_one(route, operation)))
            .map(|route| format!("{} {}", route.method(), documented(route.path())));
        let unknown = operations
            .iter()
            .filter(|operation| !self.routes().iter().any(|route| is_one(route, operation)))
            .map(|(method, path)| format!("{method} {path}"));
        lacking.chain(unknown).collect()
    }

    /// Returns `true` if requests of a method go to a route with a matching path.
    fn serves(&self, route: &RouteInfo, method: &str) -> bool {
        let is_own = |other: &RouteInfo| other.method() == method;
        let has_own = || self.routes().iter().any(|one| one.path() == route.path() && is_own(one));
        is_own(route) || (route.method() == ANY && !has_own())
    }
}

fn scheme(description: &str) -> SecurityScheme {
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
    SecurityScheme::Http(scheme.description(Some(description)).build())
}

fn takes_refresh_tokens(route: &RouteInfo) -> bool {
    route.requirement().is_some_and(Requirement::is_for_refresh)
}

/// Names what includes the names of the route, for each issuer: alternatives do not say whose they are.
fn name_including(operation: &mut Operation, route: &RouteInfo) {
    let including = route.including();
    if !including.is_empty()
        && let Ok(including) = serde_json::to_value(including)
    {
        let extensions = operation.extensions.get_or_insert_default();
        extensions.insert(INCLUDED_BY.to_owned(), including);
    }
}

fn security(route: &RouteInfo) -> Vec<SecurityRequirement> {
    let Some(requirement) = route.requirement() else { return Vec::new() };
    let scheme = if takes_refresh_tokens(route) { REFRESH } else { ACCESS };
    let including = route.including();
    let ways = requirement.scope_alternatives_with(&including);
    ways.into_iter().map(|scopes| SecurityRequirement::new(scheme, scopes)).collect()
}

/// Methods that a document can describe.
fn methods() -> impl Iterator<Item = &'static str> {
    METHODS.into_iter().chain(["TRACE"])
}

fn slot<'a>(item: &'a mut PathItem, method: &str) -> Option<&'a mut Operation> {
    let slot = match method {
        "GET" => &mut item.get,
        "PUT" => &mut item.put,
        "POST" => &mut item.post,
        "DELETE" => &mut item.delete,
        "OPTIONS" => &mut item.options,
        "HEAD" => &mut item.head,
        "PATCH" => &mut item.patch,
        "TRACE" => &mut item.trace,
        _ => return None,
    };
    slot.as_mut()
}

/// Converts a pattern to OpenAPI: `{id:\d+}` is `{id}`, and `{tail}*` is `{tail}`.
fn documented(pattern: &str) -> String {
    let mut path = String::with_capacity(pattern.len());
    let mut is_after_parameter = false;
    for part in parts(pattern) {
        match part {
            PatternPart::Text(text) => {
                let tail = if is_after_parameter { text.strip_prefix('*') } else { None };
                path.push_str(tail.unwrap_or(text));
            }
            PatternPart::Parameter(name) => {
                path.push('{');
                path.push_str(name);
                path.push('}');
            }
        }
        is_after_parameter = matches!(part, PatternPart::Parameter(_));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::documented;

    #[test]
    fn patterns_become_templates() {
        for (pattern, template) in [
            ("/posts", "/posts"),
            ("/posts/{id}", "/posts/{id}"),
            (r"/posts/{id:\d{1,3}}/x", "/posts/{id}/x"),
            ("/files/{tail}*", "/files/{tail}"),
            ("/files/{tail:.*}", "/files/{tail}"),
            ("/{a}-{b:[a-z]+}", "/{a}-{b}"),
        ] {
            assert_eq!(documented(pattern), template);
        }
    }
}
