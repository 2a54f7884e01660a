//! A scope in which every route says who may use it.

use std::fmt;

use actix_web::{
    FromRequest, Handler, Responder, Scope,
    dev::{AppService, HttpServiceFactory},
    http::Method,
    web,
};

use super::{
    auth::JwtAuth,
    routes::{AccessMatrix, Annotated, Guarded, RouteInfo, join},
};

/// A scope that takes only handlers with `#[require]` or `#[public]`: a forgotten one does not
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
///     "everybody reads this"
/// }
///
/// let api = AuthScope::new("/api").service(forgotten);
/// ```
///
/// `#[require]` has to stand *above* the routing attribute here, which gives away its route only
/// then. The scope itself authenticates nobody: its handlers do, with [`auth`](Self::auth) or with
/// [`JwtAuth`] as middleware around it, which then guards the public routes too.
#[must_use]
pub struct AuthScope {
    prefix: String,
    scope: Scope,
    routes: Vec<RouteInfo>,
}

impl AuthScope {
    /// A scope at a prefix, as [`web::scope`]. A slash at its end does not count.
    pub fn new(prefix: &str) -> Self {
        let prefix = prefix.trim_end_matches('/');
        Self { prefix: prefix.to_owned(), scope: web::scope(prefix), routes: Vec::new() }
    }

    /// Verifies the tokens of requests to this scope, where its handlers demand one.
    pub fn auth(mut self, auth: JwtAuth) -> Self {
        self.scope = self.scope.app_data(auth);
        self
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

    /// Every route, with what it demands.
    pub fn access_matrix(&self) -> AccessMatrix {
        self.routes.iter().cloned().collect()
    }
}

impl HttpServiceFactory for AuthScope {
    fn register(self, config: &mut AppService) {
        #[cfg(feature = "introspection")]
        if let Some(marker) = super::route_audit::Marker::of(&self.prefix, &self.routes) {
            return self.scope.guard(marker).register(config);
        }
        self.scope.register(config);
    }
}

impl fmt::Debug for AuthScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthScope")
            .field("prefix", &self.prefix)
            .field("routes", &self.routes)
            .finish_non_exhaustive()
    }
}
