//! Requirements of routes in an OpenAPI document.

use utoipa::{
    Modify,
    openapi::{
        Components, HeaderBuilder, Object, OpenApi, PathItem, ResponseBuilder, SecurityRequirement,
        Type,
        path::Operation,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::http::route_table::{
    access_matrix::{ANY, AccessMatrix, METHODS, RouteInfo},
    pattern::{PatternPart, parts},
};
use crate::{authz::Requirement, claims::CredentialKind};

/// Names of the security schemes in the document.
const ACCESS: &str = "bearer";
const OPAQUE: &str = "opaqueToken";
const API_KEY: &str = "apiKey";
const REFRESH: &str = "refresh";

/// Extension with the requirement of an operation.
const REQUIREMENT: &str = "x-requirement";
/// Extension of an operation with the names that include those of its route.
const INCLUDED_BY: &str = "x-included-by";

/// Writes the accepted tokens into each operation, so that the document agrees with `#[require]`
/// (OpenAPI 3.1 §4.8.30).
///
/// The security scheme `bearer` is added, and `refresh` if an operation accepts refresh tokens. Where
/// the [`JwtAuth`](crate::JwtAuth) accepts other credentials, or a requirement names them, there are
/// `opaqueToken` and `apiKey` (in the header `X-Api-Key`) too. A credential of an
/// [`Authenticator`](crate::extract::Authenticator) of the application stands under the name of its
/// kind; define the scheme of this name in the document.
///
/// An operation gets an entry for each accepted kind of credential and each alternative of its
/// requirement, with the permissions and scopes that it needs: for `any(permissions = "a", scopes = "b")` one with `a` and one with `b`. Roles,
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
/// An operation without responses 401 and 403 gets them, with the challenge: 403 if something is
/// required of the caller. [`with_requirements`](AccessMatrix::with_requirements) adds roles, claims and
/// all the rest.
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
///
/// For utoipa 6.
impl Modify for AccessMatrix {
    fn modify(&self, document: &mut OpenApi) {
        self.write(document, false);
    }
}

/// Writes what [`AccessMatrix`] writes into an OpenAPI document, and the requirement of each operation
/// as `x-requirement`, in the words of `#[require]`; see [`AccessMatrix::with_requirements`].
#[derive(Debug, Clone, Copy)]
pub struct WithRequirements<'m>(&'m AccessMatrix);

impl Modify for WithRequirements<'_> {
    fn modify(&self, document: &mut OpenApi) {
        self.0.write(document, true);
    }
}

impl AccessMatrix {
    /// Returns a modifier that documents requirements whole, with roles, claims and policies, such as
    /// `"x-requirement": "roles = \"admin\""`.
    ///
    /// **Security:** names of roles describe the inside of an application. For documents that not
    /// everyone reads.
    pub fn with_requirements(&self) -> WithRequirements<'_> {
        WithRequirements(self)
    }

    fn write(&self, document: &mut OpenApi, with_requirements: bool) {
        let components = document.components.get_or_insert_with(Components::new);
        self.add_schemes(components);
        // Of one method and path the first route is the one that is reached.
        for route in self.routes().iter().rev() {
            let Some(item) = document.paths.paths.get_mut(&documented(route.path())) else {
                continue;
            };
            for method in methods().filter(|method| self.serves(route, method)) {
                if let Some(operation) = slot(item, method) {
                    operation.security = Some(security(route));
                    add_responses(operation, route);
                    if with_requirements && let Some(requirement) = route.requirement() {
                        let extensions = operation.extensions.get_or_insert_default();
                        extensions.insert(REQUIREMENT.into(), requirement.to_string().into());
                    }
                    name_including(operation, route);
                }
            }
        }
    }

    fn add_schemes(&self, components: &mut Components) {
        let access = "An access token of the API's issuer (RFC 6750)";
        components.add_security_scheme(ACCESS, scheme(access, Some("JWT")));
        let accepts = |kind: CredentialKind| {
            self.routes().iter().any(|route| kinds(route).contains(&kind.as_str()))
        };
        if accepts(CredentialKind::OpaqueToken) {
            let opaque = "An access token that the API asks its issuer about (RFC 7662)";
            components.add_security_scheme(OPAQUE, scheme(opaque, None));
        }
        if accepts(CredentialKind::ApiKey) {
            let key = ApiKeyValue::with_description("X-Api-Key", "A key of a machine");
            components.add_security_scheme(API_KEY, SecurityScheme::ApiKey(ApiKey::Header(key)));
        }
        if self.routes().iter().any(takes_refresh_tokens) {
            let refresh = "A refresh token of a session of the API (RFC 6749 §1.5)";
            components.add_security_scheme(REFRESH, scheme(refresh, Some("JWT")));
        }
    }

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

fn scheme(description: &str, format: Option<&str>) -> SecurityScheme {
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
    let scheme = match format {
        Some(format) => scheme.bearer_format(format),
        None => scheme,
    };
    SecurityScheme::Http(scheme.description(Some(description)).build())
}

fn takes_refresh_tokens(route: &RouteInfo) -> bool {
    route.requirement().is_some_and(Requirement::is_for_refresh)
}

/// Returns the kinds of credentials of a route: those that its `JwtAuth` accepts, and those that its
/// requirement names.
fn kinds(route: &RouteInfo) -> Vec<&str> {
    let mut kinds: Vec<&str> = route.kinds().iter().map(|kind| kind.as_str()).collect();
    for named in route.requirement().map(|it| it.named_credentials(false)).unwrap_or_default() {
        if !kinds.contains(&named) {
            kinds.push(named);
        }
    }
    kinds
}

/// Returns the name of the scheme for a kind of credential.
fn scheme_of(kind: &str) -> &str {
    [
        (CredentialKind::Jwt, ACCESS),
        (CredentialKind::OpaqueToken, OPAQUE),
        (CredentialKind::ApiKey, API_KEY),
    ]
    .into_iter()
    .find(|(known, _)| known.as_str() == kind)
    .map_or(kind, |(_, scheme)| scheme)
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
    let including = route.including();
    let ways = |requirement: &Requirement, scheme: &str| -> Vec<_> {
        let ways = requirement.scope_alternatives_with(&including);
        ways.into_iter().map(|names| SecurityRequirement::new(scheme, names)).collect()
    };
    if takes_refresh_tokens(route) {
        return ways(requirement, REFRESH);
    }
    let of_kind = |kind| {
        let rest = requirement.for_credential(kind)?;
        Some(ways(&rest, scheme_of(kind)))
    };
    let security: Vec<_> = kinds(route).into_iter().filter_map(of_kind).flatten().collect();
    // An empty list would mean that the operation is open.
    if security.is_empty() { ways(requirement, ACCESS) } else { security }
}

/// Adds the refusals, unless the application has described them itself.
fn add_responses(operation: &mut Operation, route: &RouteInfo) {
    let Some(requirement) = route.requirement() else { return };
    let responses = &mut operation.responses.responses;
    let mut add = |status: &str, description: &str| {
        let challenge = HeaderBuilder::new()
            .schema(Some(Object::with_type(Type::String)))
            .description(Some("The challenge (RFC 6750 §3)"))
            .build();
        let response = ResponseBuilder::new()
            .description(description)
            .header("WWW-Authenticate", challenge)
            .build();
        responses.entry(status.into()).or_insert_with(|| response.into());
    };
    add("401", "The request has no credential, or one that is not valid");
    if !requirement.is_empty() && !requirement.is_for_refresh() {
        add("403", "The caller lacks what the operation requires");
    }
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
