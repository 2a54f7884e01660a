//! A scope in which every route declares who may use it.

use std::fmt;

use actix_web::{
    Error, FromRequest, Handler, Responder, Scope,
    body::MessageBody,
    dev::{AppService, HttpServiceFactory, ServiceFactory, ServiceRequest, ServiceResponse},
    http::Method,
    web,
};

use crate::http::{
    auth::JwtAuth,
    route_table::access_matrix::{AccessMatrix, Annotated, Guarded, RouteInfo, join},
};

/// A scope that accepts only handlers with `#[require]` or `#[public]`: a forgotten one does not
/// compile. So it knows every route with its requirement.
///
/// ```
/// use actix_web::{App, get, http::Method};
/// use jwt_verify::{AuthScope, JwtAuth, public, require};
///
/// #[require(permissions = "read:posts")]
/// #[get("/posts")]
/// async fn posts() -> &'static str {
///     "posts"
/// }
///
/// #[public]
/// async fn news() -> &'static str {
///     "news"
/// }
///
/// fn api() -> AuthScope {
///     AuthScope::new("/api").service(posts).route(Method::GET, "/news", news)
/// }
///
/// # fn app(auth: JwtAuth) {
/// let app = App::new().service(api().auth(auth));
/// # let _: App<_> = app;
/// # }
/// assert_eq!(
///     api().access_matrix().to_string(),
///     "GET  /api/news   news   public\nGET  /api/posts  posts  permissions = \"read:posts\"\n",
/// );
/// ```
///
/// ```compile_fail
/// # use actix_web::get;
/// # use jwt_verify::AuthScope;
/// #[get("/forgotten")]
/// async fn forgotten() -> &'static str {
///     "all callers read this"
/// }
///
/// let api = AuthScope::new("/api").service(forgotten);
/// ```
///
/// Here, `#[require]` has to be *above* the routing attribute, since only then can it see the
/// route. The scope itself does not authenticate requests: its handlers do, with
/// [`auth`](Self::auth), or a middleware around it, with [`wrap`](Self::wrap), which then guards
/// the public routes too.
#[must_use]
pub struct AuthScope {
    prefix: String,
    scope: Scope,
    routes: Vec<RouteInfo>,
}

impl AuthScope {
    /// Creates a scope at a prefix, like [`web::scope`]. A slash at its end is ignored. A route
    /// whose path is empty is at the prefix itself; if all prefixes around it are empty too, Actix
    /// cannot reach it, and a warning is logged: give it the path `/`.
    pub fn new(prefix: &str) -> Self {
        let prefix = prefix.trim_end_matches('/');
        Self { prefix: prefix.to_owned(), scope: web::scope(prefix), routes: Vec::new() }
    }

    /// Verifies the tokens of requests to this scope, for handlers that require one.
    pub fn auth(mut self, auth: JwtAuth) -> Self {
        self.scope = self.scope.app_data(auth);
        self
    }

    /// Puts the middleware around the scope: every request beneath its prefix then needs a valid
    /// token, including those to unknown paths and methods and to `#[public]` handlers; with
    /// [`optional`](JwtAuth::optional), a valid one or none.
    ///
    /// It replaces [`auth`](Self::auth), and is the last call. A `web::scope` with the middleware
    /// around this one protects as well, but each scope costs every request a search for its route.
    ///
    /// ```
    /// # use actix_web::{App, get};
    /// # use jwt_verify::{AuthScope, JwtAuth, require};
    /// #[require]
    /// #[get("/posts")]
    /// async fn posts() -> &'static str {
    ///     "posts"
    /// }
    ///
    /// # fn app(auth: JwtAuth) {
    /// let app = App::new().service(AuthScope::new("/api").service(posts).wrap(auth));
    /// # let _: App<_> = app;
    /// # }
    /// ```
    pub fn wrap(self, auth: JwtAuth) -> impl HttpServiceFactory + fmt::Debug + 'static {
        WrappedScope { scope: self, auth }
    }

    /// Adds a handler that has one of Actix' routing attributes.
    pub fn service<S>(mut self, service: S) -> Self
    where
        S: Annotated + HttpServiceFactory + 'static,
    {
        for (method, path) in S::ROUTES {
            let path = join(&self.prefix, path);
            self.routes.push(RouteInfo::of::<S::Access>(*method, path));
        }
        self.scope = self.scope.service(service);
        self
    }

    /// Adds a handler at a path.
    pub fn route<F, Args>(mut self, method: Method, path: &str, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + Guarded + 'static,
        F::Output: Responder + 'static,
    {
        let name = method.as_str().to_owned();
        let full_path = join(&self.prefix, path);
        self.routes.push(RouteInfo::of::<Args::Access>(name, full_path));
        self.scope = self.scope.route(path, web::method(method).to(handler));
        self
    }

    /// Adds a scope beneath this one.
    pub fn scope(mut self, scope: Self) -> Self {
        let prefix = &self.prefix;
        self.routes.extend(scope.routes.into_iter().map(|route| route.beneath(prefix)));
        self.scope = self.scope.service(scope.scope);
        self
    }

    /// Returns every route with its requirement.
    pub fn access_matrix(&self) -> AccessMatrix {
        self.routes.iter().cloned().collect()
    }
}

impl HttpServiceFactory for AuthScope {
    fn register(self, config: &mut AppService) {
        warn_of_nowhere(&self.routes, config);
        register(self.scope, &self.prefix, &self.routes, config);
    }
}

/// A scope with the middleware around it.
#[derive(Debug)]
struct WrappedScope {
    scope: AuthScope,
    auth: JwtAuth,
}

impl HttpServiceFactory for WrappedScope {
    fn register(self, config: &mut AppService) {
        let AuthScope { prefix, scope, routes } = self.scope;
        warn_of_nowhere(&routes, config);
        register(scope.wrap(self.auth), &prefix, &routes, config);
    }
}

/// Warns about routes that requests cannot reach: within a scope Actix does not accept an empty
/// path for `/`.
fn warn_of_nowhere(routes: &[RouteInfo], config: &AppService) {
    for route in routes.iter().filter(|route| config.is_root() && route.has_empty_path()) {
        tracing::warn!(
            handler = route.handler(),
            "a route with an empty path in a scope without a prefix is served nowhere: write `/`"
        );
    }
}

/// Registers a scope, and reports it to a running check of routes.
fn register<T, B>(scope: Scope<T>, prefix: &str, routes: &[RouteInfo], config: &mut AppService)
where
    T: ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<B>,
            Error = Error,
            InitError = (),
        > + 'static,
    B: MessageBody + 'static,
{
    #[cfg(feature = "introspection")]
    if let Some(marker) = crate::http::route_table::route_check::ScopeMarker::of(prefix, routes) {
        return scope.guard(marker).register(config);
    }
    let _ = (prefix, routes);
    scope.register(config);
}

impl fmt::Debug for AuthScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthScope")
            .field("prefix", &self.prefix)
            .field("routes", &self.routes)
            .finish_non_exhaustive()
    }
}
