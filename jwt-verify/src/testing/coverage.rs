//! Coverage of authorization by tests.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use crate::{
    authz::Requirement,
    http::{
        AccessMatrix, RouteInfo,
        coverage::{self, Notes, Place, Seen},
    },
};

/// Asserts that the requests of this process have met and failed every term of every requirement.
///
/// For each route of the matrix that is not public, and each term of its requirement, there has to be
/// a request that was allowed while the term was met, and one that was refused while it was not. A
/// term is a list of names, a `claim(…)`, a `policy`, a `not(…)`, or a condition about the login; groups
/// and alternatives are taken apart. A route without terms needs a request without a valid token.
/// Routes of one path and handler, such as `GET` and `HEAD`, count as one.
///
/// Decisions are noted for the process as a whole: call it at the end of the test that makes the
/// requests, since tests run in any order. Prefixes of scopes around an `AuthScope` need not be in the
/// matrix. Checks that a handler makes itself are not noted.
///
/// ```
/// use actix_web::{App, get, test};
/// use jwt_verify::{
///     AuthScope, JwtAuth, require,
///     testing::{self, TestClaims, TestRequestExt},
/// };
///
/// #[require(roles = "auditor")]
/// #[get("/ledger")]
/// async fn ledger() -> &'static str {
///     "all of it"
/// }
///
/// fn api() -> AuthScope {
///     AuthScope::new("").service(ledger)
/// }
///
/// # actix_web::rt::System::new().block_on(async {
/// let auth = JwtAuth::builder("https://issuer.example.com", "https://api.example.com").build().unwrap();
/// let app = test::init_service(App::new().service(api().auth(auth.clone()))).await;
/// for (claims, status) in [(TestClaims::new().role("auditor"), 200), (TestClaims::new(), 403)] {
///     let request = test::TestRequest::with_uri("/ledger").to_request_as(&auth, claims);
///     assert_eq!(test::call_service(&app, request).await.status(), status);
/// }
/// testing::assert_authorization_covered(&api().access_matrix());
/// # });
/// ```
///
/// **Security:** a request without any role or permission fails all terms at once. It shows that the
/// route is closed, and not that each term closes it.
///
/// # Panics
/// If a term was never met, or never failed; the message lists routes and terms.
#[track_caller]
pub fn assert_authorization_covered(matrix: &AccessMatrix) {
    let missing = missing(matrix, &coverage::all());
    assert!(missing.is_empty(), "the tests do not cover all of the authorization:\n{missing}");
}

/// Rows of a matrix that share a handler.
struct Route<'a> {
    methods: BTreeSet<&'a str>,
    requirement: &'a Requirement,
}

fn missing(matrix: &AccessMatrix, notes: &Notes) -> String {
    let mut routes: BTreeMap<(&str, &str), Route<'_>> = BTreeMap::new();
    for row in matrix.routes() {
        if let Some(requirement) = row.requirement() {
            let methods = BTreeSet::new();
            let route = Route { methods, requirement };
            let key = (row.path(), row.handler());
            routes.entry(key).or_insert(route).methods.insert(row.method());
        }
    }
    let paths: BTreeSet<&str> = matrix.routes().iter().map(RouteInfo::path).collect();
    let mut missing = String::new();
    for ((path, handler), route) in &routes {
        let is_here = |place: &Place| {
            let is_own = place.route == *path
                // It may be below a prefix that the matrix does not know.
                || (place.route.ends_with(path.trim_end_matches('/')) && !paths.contains(&*place.route));
            let is_method = route.methods.contains(&*place.method) || route.methods.contains("*");
            is_own && is_method && place.handler.is_none_or(|name| name == *handler)
        };
        let here: Vec<_> =
            notes.iter().filter(|(place, _)| is_here(place)).map(|(_, terms)| terms).collect();
        let mut listed = BTreeSet::new();
        for term in route.requirement.single_terms() {
            let term = term.to_string();
            let seen = here.iter().filter_map(|terms| terms.get(&term).copied());
            let never = match seen.fold(Seen::default(), Seen::or) {
                Seen { allowed: true, refused: true } => continue,
                Seen { allowed: true, refused: false } => "never refused",
                Seen { allowed: false, refused: true } => "never allowed",
                Seen { allowed: false, refused: false } => "never allowed, never refused",
            };
            if listed.insert(term.clone()) {
                let methods: Vec<&str> = route.methods.iter().copied().collect();
                let methods = methods.join(", ");
                let _ = writeln!(missing, "  {methods} {path} ({handler}): {term}: {never}");
            }
        }
    }
    missing
}
