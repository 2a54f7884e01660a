//! Detection of routes without a decision about access.

use std::{any::TypeId, cell::RefCell, collections::BTreeSet, fmt, rc::Rc};

use actix_service::IntoServiceFactory;
use actix_web::{
    Error, HttpMessage as _, HttpRequest, HttpResponse, ResponseError,
    dev::{AppConfig, ResourceDef, Service as _, ServiceFactory, ServiceResponse},
    guard::{Guard, GuardContext},
    http::{Method, StatusCode},
    introspection::{IntrospectionNode, IntrospectionTree, ResourceType},
    test::{TestRequest, init_service},
    web::Data,
};

use crate::http::route_table::{
    access_matrix::{ANY, AccessMatrix, METHODS, RouteInfo, join},
    pattern::{PatternPart, parts},
    unprotected_routes::UnprotectedRoutes,
};

/// Finds the routes of an application that are outside of every
/// [`AuthScope`](crate::AuthScope): short for [`RouteCheck::new`]
/// and [`RouteCheck::run`].
///
/// ```
/// # use actix_web::{App, get};
/// # use jwt_verify::{AuthScope, require, routes::check_routes};
/// #[require]
/// #[get("/posts")]
/// async fn posts() -> &'static str { "posts" }
///
/// #[get("/forgotten")]
/// async fn forgotten() -> &'static str { "all callers read this" }
///
/// # #[actix_web::main]
/// # async fn main() {
/// let unprotected = check_routes(App::new().service(AuthScope::new("/api").service(posts)).service(forgotten))
///     .await
///     .unwrap_err();
/// assert_eq!(unprotected.routes(), ["GET /forgotten"]);
/// # }
/// ```
///
/// # Errors
/// [`UnprotectedRoutes`], if there are any.
pub async fn check_routes<R, S, B, E>(app: R) -> Result<AccessMatrix, UnprotectedRoutes>
where
    R: IntoServiceFactory<S, actix_http::Request>,
    S: ServiceFactory<
            actix_http::Request,
            Config = AppConfig,
            Response = ServiceResponse<B>,
            Error = E,
        >,
    S::InitError: fmt::Debug,
{
    RouteCheck::new().run(app).await
}

/// Finds every route of an application that has neither a requirement nor `#[public]`. For a test,
/// or to refuse to start.
///
/// Actix lists an application's routes without their handlers. So a route counts as declared if it
/// is in an [`AuthScope`](crate::AuthScope), and each of those is
/// probed with a request to find the handler that answers: this reveals a route without a
/// requirement that has the same method and path and was registered before, and one for the other
/// methods of that path. Its handler runs.
///
/// Routes outside of an [`AuthScope`](crate::AuthScope) are reported
/// unless they are ignored. With [`probe_handlers`](Self::probe_handlers) they are probed too.
///
/// A route of an [`AuthScope`](crate::AuthScope) whose requests
/// another handler with a requirement or `#[public]` answers is reported separately, as unreached.
///
/// Enable the feature `introspection` for tests only. With it Actix joins the patterns of nested
/// scopes when an application starts, and panics if two segments have one name, as in `/{id}`
/// within `/{id}`; without it the same application works.
///
/// Guards and middlewares of an [`AuthScope`](crate::AuthScope) do not
/// apply to the requests of the check.
///
/// Not detected: default services, unless a scope contains nothing else; and a route on the path of
/// a declared one, if it has a guard other than for methods, such as one for a header.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct RouteCheck {
    excepted: BTreeSet<String>,
    asks_others: bool,
}

impl RouteCheck {
    /// Creates a check without exceptions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ignores all routes with this pattern, such as `/static/{file}`: undeclared ones, and those
    /// that another one [answers](UnprotectedRoutes::unreached).
    pub fn ignore(mut self, pattern: impl Into<String>) -> Self {
        self.excepted.insert(pattern.into());
        self
    }

    /// Probes the routes outside of every
    /// [`AuthScope`](crate::AuthScope) as well, so that handlers
    /// with `#[require]` count wherever they are. A route for every method is probed with each
    /// usual one and with an invented one, and is listed with the method `*`.
    ///
    /// **A handler without a requirement runs when it is probed**, with an artificial request. For
    /// tests only, and not if that does harm.
    pub fn probe_handlers(mut self) -> Self {
        self.asks_others = true;
        self
    }

    /// Starts the application without a server and checks its routes. The result contains every
    /// declared route.
    ///
    /// # Errors
    /// [`UnprotectedRoutes`], if there are any.
    ///
    /// # Panics
    /// If the application cannot be started, as its server would.
    pub async fn run<R, S, B, E>(&self, app: R) -> Result<AccessMatrix, UnprotectedRoutes>
    where
        R: IntoServiceFactory<S, actix_http::Request>,
        S: ServiceFactory<
                actix_http::Request,
                Config = AppConfig,
                Response = ServiceResponse<B>,
                Error = E,
            >,
        S::InitError: fmt::Debug,
    {
        let found = Rc::new(RefCell::new(Vec::new()));
        let service = FOUND.scope(found.clone(), init_service(app)).await;
        let ask_in = async |scope: Option<&str>, method: &str, path: &str| -> Option<Reply> {
            let method = Method::from_bytes(method.as_bytes()).ok()?;
            let request = TestRequest::with_uri(path).method(method).to_request();
            request.extensions_mut().insert(CheckRequest { scope: scope.map(str::to_owned) });
            let response = service.call(request).await.ok()?;
            let tree = response.request().app_data::<Data<IntrospectionTree>>().cloned();
            let answer = response.response().extensions().get::<HandlerAccess>().cloned();
            Some(Reply { status: response.status(), answer, tree })
        };
        let ask = async |method: &str, path: &str| ask_in(None, method, path).await;
        let Some(tree) = ask("GET", NO_ROUTE).await.and_then(|reply| reply.tree) else {
            let unprotected = vec!["the routes cannot be listed".to_owned()];
            return Err(UnprotectedRoutes { unprotected, ..UnprotectedRoutes::default() });
        };
        let mut listed = Listed::default();
        listed.walk(&tree.root);

        let mut decided = Vec::new();
        for Registered { marker, prefix, routes } in found.take() {
            let outer = listed.outside(&marker, &prefix);
            let scoped = |route: RouteInfo| (marker.clone(), route.beneath(&outer));
            decided.extend(routes.into_iter().map(scoped));
        }
        let mut findings = UnprotectedRoutes::default();
        for (marker, route) in &decided {
            let reply = match example(route.path()) {
                Some(path) => ask_in(Some(marker), route.method(), &path).await,
                None => None,
            };
            let answer = reply.and_then(|reply| reply.answer);
            let name = format!("{} {}", route.method(), route.path());
            match answer {
                None => findings.unprotected.push(name),
                Some(answer) if answer.access == route.access() => {}
                Some(_) if self.excepted.contains(route.path()) => {}
                Some(_) => findings.unreached.push(name),
            }
        }
        let mut decided: Vec<RouteInfo> = decided.into_iter().map(|(_, route)| route).collect();
        for (method, pattern) in listed.routes {
            let is_decided =
                decided.iter().any(|route| route.method() == method && route.path() == pattern);
            if is_decided || self.excepted.contains(&pattern) {
                continue;
            }
            let path = example(&pattern).filter(|_| self.asks_others);
            // A route for every method is probed with each known one, and with one that does not
            // exist.
            let methods = if method == ANY { probed_methods().collect() } else { vec![&*method] };
            let mut answers = Vec::new();
            for method in methods {
                let Some(path) = &path else { break };
                let answer = ask(method, path).await.and_then(|reply| reply.answer);
                let Some(answer) = answer else { break };
                answers.push((method, answer));
            }
            match answers.last() {
                Some((last, _)) if method != ANY || *last == OTHER => {
                    decided.extend(answered(&answers, &pattern));
                }
                _ => findings.unprotected.push(format!("{method} {pattern}")),
            }
        }
        let paths: BTreeSet<String> = decided.iter().map(|route| route.path().to_owned()).collect();
        for pattern in paths {
            let Some(path) = example(&pattern) else { continue };
            let mut others = Vec::new();
            for method in probed_methods() {
                let is_decided = |route: &RouteInfo| {
                    route.path() == pattern && [method, ANY].contains(&route.method())
                };
                if decided.iter().any(is_decided) {
                    continue;
                }
                let usual = ask(method, NO_ROUTE).await.map(|reply| reply.status);
                let Some(reply) = ask(method, &path).await else { continue };
                let is_nothing = usual == Some(reply.status)
                    || matches!(
                        reply.status,
                        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED
                    );
                // Another pattern may have this path too.
                let is_known = |answer: &HandlerAccess| {
                    decided.iter().any(|route| {
                        route.access() == answer.access
                            && [method, ANY].contains(&route.method())
                            && ResourceDef::new(route.path()).is_match(&path)
                    })
                };
                match reply.answer {
                    Some(answer) if is_known(&answer) => {}
                    Some(answer) => others.push((method, answer)),
                    None if is_nothing => {}
                    None => findings.unprotected.push(format!("{method} {pattern}")),
                }
            }
            decided.extend(answered(&others, &pattern));
        }
        findings.into_result(decided)
    }
}

/// A method that only a route for every method answers.
const OTHER: &str = "AUDIT";

/// Returns the methods to probe besides those that are known for a path.
fn probed_methods() -> impl Iterator<Item = &'static str> {
    METHODS.into_iter().chain([OTHER])
}

/// A path that no application has.
const NO_ROUTE: &str = "/.jwt-verify/no-such-route";

/// Result of a probe.
struct Reply {
    status: StatusCode,
    answer: Option<HandlerAccess>,
    tree: Option<Data<IntrospectionTree>>,
}

tokio::task_local! {
    /// Registrations of the scopes of an application under check.
    static FOUND: Rc<RefCell<Vec<Registered>>>;
}

struct Registered {
    marker: String,
    prefix: String,
    routes: Vec<RouteInfo>,
}

/// Marks the location of a scope: guards are the only part of one that Actix lists.
pub(crate) struct ScopeMarker(String);

impl ScopeMarker {
    /// Records a scope that is being registered, during a check.
    pub(crate) fn of(prefix: &str, routes: &[RouteInfo]) -> Option<Self> {
        FOUND
            .try_with(|found| {
                let mut found = found.borrow_mut();
                let marker = format!("jwt_verify::AuthScope {}", found.len());
                found.push(Registered {
                    marker: marker.clone(),
                    prefix: prefix.to_owned(),
                    routes: routes.to_vec(),
                });
                Self(marker)
            })
            .ok()
    }
}

impl ScopeMarker {
    pub(crate) fn name(&self) -> &str {
        &self.0
    }
}

impl Guard for ScopeMarker {
    fn check(&self, _: &GuardContext<'_>) -> bool {
        true
    }

    fn name(&self) -> String {
        self.0.clone()
    }
}

/// Routes as listed by Actix.
#[derive(Default)]
struct Listed {
    /// Methods and patterns.
    routes: BTreeSet<(String, String)>,
    /// Guards of scopes, with the scopes' paths.
    scopes: Vec<(String, String)>,
}

impl Listed {
    fn walk(&mut self, node: &IntrospectionNode) {
        let path = if node.full_path.is_empty() { "/" } else { &node.full_path };
        for guard in &node.guards {
            self.scopes.push((guard.clone(), path.to_owned()));
        }
        let is_route = match node.kind {
            ResourceType::Resource => true,
            // Without listed services, there may be a default service. Services in a scope without
            // a prefix are listed beside it.
            ResourceType::Scope => node.children.is_empty() && path != "/",
            _ => false,
        };
        if is_route && node.methods.is_empty() {
            self.routes.insert((ANY.to_owned(), path.to_owned()));
        } else if is_route {
            let methods = node.methods.iter().map(|method| (method.to_string(), path.to_owned()));
            self.routes.extend(methods);
        }
        node.children.iter().for_each(|child| self.walk(child));
    }

    /// Returns the path around a scope. An empty one is listed as `/`.
    fn outside(&self, marker: &str, prefix: &str) -> String {
        let path = self.scopes.iter().find(|(guard, _)| guard == marker).map(|(_, path)| &**path);
        let around = path.and_then(|path| path.strip_suffix(&*join(prefix, "")));
        around.filter(|around| *around != "/").unwrap_or_default().to_owned()
    }
}

/// Values to try for segments until the pattern matches.
const SAMPLES: [&str; 7] =
    ["1", "a", "A", "00000000-0000-4000-8000-000000000000", "2026-01-01", "a.txt", "aa"];

/// Returns a path that a pattern matches.
fn example(pattern: &str) -> Option<String> {
    let route = ResourceDef::new(pattern);
    let is_parameter = |part: &PatternPart<'_>| matches!(part, PatternPart::Parameter(_));
    let mut choices = vec![0_usize; parts(pattern).into_iter().filter(is_parameter).count()];
    // Seven to the fourth: of more segments than that the last are tried with the first sample
    // only.
    for _ in 0..2401 {
        let mut path = String::new();
        let values = choices.iter().map(|choice| SAMPLES.get(*choice).copied().unwrap_or("1"));
        if route.resource_path_from_iter(&mut path, values) && route.is_match(&path) {
            return Some(path);
        }
        let mut is_next = false;
        for choice in &mut choices {
            *choice = (*choice + 1) % SAMPLES.len();
            is_next = *choice != 0;
            if is_next {
                break;
            }
        }
        if !is_next {
            return None;
        }
    }
    None
}

/// Marks a request that probes who may use a route. Only this module can create one.
struct CheckRequest {
    /// The marker of the scope that the probed route belongs to, if it is known.
    scope: Option<String>,
}

/// Tells whether a probe passes the guards of a scope, whatever they are; `None` for all other
/// requests. Of scopes that differ in their guards alone, the one with the probed route answers.
pub(crate) fn is_probe_for(context: &GuardContext<'_>, scope: Option<&str>) -> Option<bool> {
    let extensions = context.req_data();
    let probed = extensions.get::<CheckRequest>()?.scope.as_deref();
    Some(probed.is_none() || scope.is_none() || probed == scope)
}

/// Returns `true` if a request only probes who may use its route.
pub(crate) fn is_probe(request: &HttpRequest) -> bool {
    request.extensions().contains::<CheckRequest>()
}

/// Access declared by a handler, in response to a probe.
#[derive(Clone)]
struct HandlerAccess {
    access: TypeId,
    route: fn(String, String) -> RouteInfo,
}

/// Returns the routes of a path whose handlers have answered. One that answers every method is one
/// route, but for the methods that have a handler of their own.
fn answered(answers: &[(&str, HandlerAccess)], pattern: &str) -> Vec<RouteInfo> {
    let of_others = answers.iter().find(|(method, _)| *method == OTHER);
    let of_others = of_others.map(|(_, answer)| answer.access);
    let own = |(method, answer): &&(&str, HandlerAccess)| {
        *method == OTHER || Some(answer.access) != of_others
    };
    let route = |(method, answer): &(&str, HandlerAccess)| {
        let method = if *method == OTHER { ANY } else { method };
        (answer.route)(method.to_owned(), pattern.to_owned())
    };
    answers.iter().filter(own).map(route).collect()
}

/// Returns the response of a handler to a probe.
pub(crate) fn answer<A: crate::http::route_table::access_matrix::Access>() -> Error {
    Asked(HandlerAccess {
        access: TypeId::of::<A::Marker>(),
        route: |method, path| RouteInfo::of::<A>(method, path),
    })
    .into()
}

struct Asked(HandlerAccess);

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asked")
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the route was asked who may use it")
    }
}

impl ResponseError for Asked {
    fn status_code(&self) -> StatusCode {
        StatusCode::NO_CONTENT
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::NoContent().finish();
        response.extensions_mut().insert(self.0.clone());
        response
    }
}
