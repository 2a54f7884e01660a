//! A scope in which every route declares who may use it.

use std::{any::Any, fmt};

use actix_web::{
    Error, FromRequest, Handler, Responder, Scope,
    body::MessageBody,
    dev::{AppService, HttpServiceFactory, ServiceRequest, ServiceResponse, Transform},
    guard::Guard,
    http::Method,
    web,
};

use crate::authz::Requirement;
#[cfg(feature = "introspection")]
use crate::http::route_table::route_check::ScopeMarker;
use crate::http::{
    auth::JwtAuth,
    auth::context::AuthContext,
    entry::{middleware::RequireMiddleware, scope_requirement::ScopeRequirement},
    route_table::{
        access_matrix::{AccessMatrix, Annotated, Guarded, RouteInfo, join},
        inner_routes::InnerRoutes,
        known_auth::KnownAuth,
        layers::{Layers, ScopedService, layer},
        scope_guard::ScopeGuard,
    },
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
///
/// [`require`](Self::require) sets a requirement for every route. Everything that is around the whole
/// scope, such as [`guard`](Self::guard), [`app_data`](Self::app_data) and [`wrap`](Self::wrap), can be
/// at any place of the chain. Services other than handlers, such as files, do not go into it: register
/// them in the `App` or in a `web::scope`, beside the `AuthScope` or around it.
#[must_use]
pub struct AuthScope {
    prefix: String,
    scope: Scope,
    routes: Vec<RouteInfo>,
    guards: Vec<ScopeGuard>,
    /// The one in the scope's data.
    auth: Option<JwtAuth>,
    /// Those of the middleware in the chain.
    auth_around: KnownAuth,
    /// The requirement of every route.
    requirement: Option<Requirement>,
    /// The requirements of middlewares in the chain.
    demanded_around: Option<Requirement>,
    /// Its routes, for its middlewares.
    inner: InnerRoutes,
    layers: Layers,
}

impl AuthScope {
    /// Creates a scope at a prefix, like [`web::scope`]. A slash at its end is ignored. A route
    /// whose path is empty is at the prefix itself; if all prefixes around it are empty too, Actix
    /// cannot reach it, and a warning is logged: give it the path `/`.
    pub fn new(prefix: &str) -> Self {
        let prefix = prefix.trim_end_matches('/');
        Self {
            prefix: prefix.to_owned(),
            scope: web::scope(prefix),
            routes: Vec::new(),
            guards: Vec::new(),
            auth: None,
            auth_around: KnownAuth::default(),
            requirement: None,
            demanded_around: None,
            inner: InnerRoutes::default(),
            layers: Layers::default(),
        }
    }

    /// Verifies the tokens of requests to this scope, for handlers and a [`require`](Self::require) that
    /// need one.
    pub fn auth(self, auth: JwtAuth) -> Self {
        self.app_data(auth)
    }

    /// Sets a requirement for every route. Like the middleware of [`JwtAuth::require`] it is decided
    /// before a handler is reached, for requests to unknown paths and methods too. It adds to the
    /// requirements of handlers and nested scopes, and to that of an earlier call.
    ///
    /// The [`AccessMatrix`], OpenAPI documents and `check_routes` list it with each route. A `#[public]`
    /// handler in this scope is not open: it has the requirement of the scope, is listed with it, and an
    /// event at `WARN` names it at start-up.
    ///
    /// Tokens are verified with the [`JwtAuth`] that the handlers use: that of [`auth`](Self::auth), of
    /// [`wrap`](Self::wrap), or of a scope around this one. Without one the answer is 500, and the log has
    /// the reason. A path parameter in the requirement has to be one of a scope's prefix, since those of
    /// the routes are not known yet. For refresh tokens use `#[require(refresh)]` on the handler.
    ///
    /// ```
    /// use actix_web::{delete, get};
    /// use jwt_verify::{AuthScope, Requirement, require};
    ///
    /// #[require]
    /// #[get("/users")]
    /// async fn users() -> &'static str {
    ///     "users"
    /// }
    ///
    /// #[require(permissions = "write")]
    /// #[delete("/users/{id}")]
    /// async fn remove() -> &'static str {
    ///     "removed"
    /// }
    ///
    /// let admin = AuthScope::new("/admin")
    ///     .require(Requirement::roles(["admin"]))
    ///     .service(users)
    ///     .service(remove);
    /// assert_eq!(
    ///     admin.access_matrix().to_string(),
    ///     concat!(
    ///         "GET     /admin/users       users   roles = \"admin\"\n",
    ///         "DELETE  /admin/users/{id}  remove  roles = \"admin\", permissions = \"write\"\n",
    ///     ),
    /// );
    /// ```
    pub fn require(mut self, requirement: Requirement) -> Self {
        self.requirement = Some(match self.requirement {
            Some(known) => known.joined(requirement),
            None => requirement,
        });
        self
    }

    /// Puts a middleware around the scope: a [`JwtAuth`], CORS, a logger, `middleware::from_fn`. As with
    /// Actix, the one that was added last sees a request first. Each of them is around the
    /// [requirement](Self::require) of the scope, so CORS answers preflights and a logger sees refusals.
    ///
    /// With a [`JwtAuth`] every request beneath the prefix needs a valid token, including those to unknown
    /// paths and methods and to `#[public]` handlers; with [`optional`](JwtAuth::optional), a valid one or
    /// none. It replaces [`auth`](Self::auth). The requirement of a [`JwtAuth::require`] is listed in the
    /// [`AccessMatrix`] too, unless it is [report-only](crate::authorization::RequireMiddleware::report_only).
    ///
    /// ```
    /// # use actix_web::{App, get, middleware::{DefaultHeaders, Logger}};
    /// # use jwt_verify::{AuthScope, JwtAuth, require};
    /// #[require]
    /// #[get("/posts")]
    /// async fn posts() -> &'static str {
    ///     "posts"
    /// }
    ///
    /// # fn app(auth: JwtAuth) {
    /// let api = AuthScope::new("/api")
    ///     .service(posts)
    ///     .wrap(auth)
    ///     .wrap(DefaultHeaders::new().add(("x-api-version", "1")))
    ///     .wrap(Logger::default());
    /// # let _: App<_> = App::new().service(api);
    /// # }
    /// ```
    pub fn wrap<M, B>(mut self, mut middleware: M) -> Self
    where
        M: Transform<
                ScopedService,
                ServiceRequest,
                Response = ServiceResponse<B>,
                Error = Error,
                InitError = (),
            > + 'static,
        B: MessageBody + 'static,
    {
        let of_any_type: &mut dyn Any = &mut middleware;
        if let Some(auth) = of_any_type.downcast_mut::<JwtAuth>() {
            auth.inner = Some(self.inner.clone());
            self.auth_around = known(&auth.context);
        }
        if let Some(demanding) = of_any_type.downcast_mut::<RequireMiddleware>() {
            demanding.around_routes(self.inner.clone());
            self.auth_around = known(demanding.context());
            if let Some(demanded) = demanding.enforced().cloned() {
                self.demanded_around = Some(match self.demanded_around {
                    Some(known) => demanded.joined(known),
                    None => demanded,
                });
            }
        }
        self.layers.push(layer(middleware));
        self
    }

    /// Adds data for the handlers of this scope, as [`Scope::app_data`] does. A [`JwtAuth`] as data has
    /// the effect of [`auth`](Self::auth).
    pub fn app_data<T: 'static>(mut self, data: T) -> Self {
        let of_any_type: &dyn Any = &data;
        let wrapped = || of_any_type.downcast_ref::<web::Data<JwtAuth>>().map(|auth| &***auth);
        if let Some(auth) = of_any_type.downcast_ref::<JwtAuth>().or_else(wrapped) {
            self.auth = Some(auth.clone());
        }
        self.scope = self.scope.app_data(data);
        self
    }

    /// Serves only requests that meet a guard, such as one for the host or a header; all others are
    /// offered to the routes after this scope, as with [`Scope::guard`].
    ///
    /// **Security:** a guard decides which routes a request reaches, not who may use them.
    pub fn guard<G: Guard + 'static>(mut self, guard: G) -> Self {
        self.guards.push(ScopeGuard::new(guard));
        self
    }

    /// Calls a function that adds routes, so that the handlers of a module can stay private.
    ///
    /// The function takes an `AuthScope` and not the `ServiceConfig` of Actix, which would accept handlers
    /// without a requirement.
    ///
    /// ```
    /// use jwt_verify::AuthScope;
    ///
    /// mod posts {
    ///     use actix_web::get;
    ///     use jwt_verify::{AuthScope, require};
    ///
    ///     #[require]
    ///     #[get("/posts")]
    ///     async fn list() -> &'static str {
    ///         "posts"
    ///     }
    ///
    ///     pub fn routes(scope: AuthScope) -> AuthScope {
    ///         scope.service(list)
    ///     }
    /// }
    ///
    /// let api = AuthScope::new("/api").configure(posts::routes);
    /// assert_eq!(api.access_matrix().routes().len(), 1);
    /// ```
    pub fn configure(self, add: impl FnOnce(Self) -> Self) -> Self {
        add(self)
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

    /// Adds a scope beneath this one. It keeps its own [`auth`](Self::auth), middlewares and guards, and
    /// the [requirement](Self::require) of this one holds for its routes too.
    pub fn scope(mut self, scope: Self) -> Self {
        let Assembled { prefix: _, mut scope, routes, guards, layers } = scope.assemble();
        self.routes.extend(routes.into_iter().map(|route| route.beneath(&self.prefix)));
        for guard in guards {
            scope = scope.guard(guard);
        }
        self.scope = if layers.is_empty() {
            self.scope.service(scope)
        } else {
            self.scope.service(scope.wrap(layers.into_middleware()))
        };
        self
    }

    /// Returns every route with its requirement.
    pub fn access_matrix(&self) -> AccessMatrix {
        self.demanding_routes().collect()
    }

    /// The routes, with what this scope demands of all of them.
    fn demanding_routes(&self) -> impl Iterator<Item = RouteInfo> {
        let demanded = match (&self.demanded_around, &self.requirement) {
            (Some(around), Some(requirement)) => Some(around.clone().joined(requirement.clone())),
            (around, requirement) => around.as_ref().or(requirement.as_ref()).cloned(),
        };
        let own = self.auth.as_ref().map(|auth| known(&auth.context));
        let around = &self.auth_around;
        let known_auth = if around.is_known() { around.clone() } else { own.unwrap_or_default() };
        let routes =
            self.routes.iter().map(move |route| route.clone().with_known_auth(&known_auth));
        routes.map(move |route| match &demanded {
            Some(demanded) => route.demanding(demanded),
            None => route,
        })
    }

    fn assemble(mut self) -> Assembled {
        let routes: Vec<RouteInfo> = self.demanding_routes().collect();
        for (own, demanding) in self.routes.iter().zip(&routes) {
            if let (None, Some(requirement)) = (own.requirement(), demanding.requirement()) {
                tracing::warn!(
                    handler = own.handler(),
                    %requirement,
                    "a `#[public]` handler is in an AuthScope that demands something of every route: \
                     it is not open"
                );
            }
        }
        for route in &routes {
            if let Some(credential) = route.unknown_credential() {
                tracing::warn!(
                    handler = route.handler(),
                    credential,
                    "a requirement names a kind of credential that the JwtAuth does not accept: \
                     no caller has it, and `not(credential = …)` of it lets every caller in"
                );
            }
        }
        self.inner.set(&routes);
        if let Some(requirement) = self.requirement {
            let demanding = ScopeRequirement::new(self.auth, requirement, self.inner);
            self.layers.push_inside(layer(demanding));
        }
        let Self { prefix, scope, guards, layers, .. } = self;
        Assembled { prefix, scope, routes, guards, layers }
    }
}

fn known(context: &AuthContext) -> KnownAuth {
    KnownAuth::of(context.verifier(), context.credential_kinds())
}

impl AccessMatrix {
    /// Adds what is known of a [`JwtAuth`]: which scopes and permissions include those of the routes,
    /// and, for OpenAPI documents, which credentials it accepts. For a matrix that is made before the application: routes of an [`AuthScope`] with a
    /// [`JwtAuth`] of its own know it, and are unchanged.
    ///
    /// ```
    /// use actix_web::get;
    /// use jwt_verify::{AuthScope, ClaimsMapping, JwtAuth, ScopeHierarchy, TrustedIssuer, require};
    ///
    /// #[require(scopes = "orders:read")]
    /// #[get("/orders")]
    /// async fn orders() -> &'static str {
    ///     "orders"
    /// }
    ///
    /// let hierarchy = ScopeHierarchy::new().scope("orders", ["orders:read"]);
    /// let issuer = TrustedIssuer::new("https://issuer.example", "https://api.example")
    ///     .claims_mapping(ClaimsMapping::default().scope_hierarchy(hierarchy));
    /// let auth = JwtAuth::for_issuer(issuer).build()?;
    /// assert_eq!(
    ///     AuthScope::new("").service(orders).access_matrix().for_auth(&auth).to_string(),
    ///     "GET  /orders  orders  scopes = \"orders:read\"  # scope \"orders:read\" by \"orders\"\n",
    /// );
    /// # Ok::<(), jwt_verify::ConfigError>(())
    /// ```
    #[must_use]
    pub fn for_auth(self, auth: &JwtAuth) -> Self {
        self.with_known_auth(&known(&auth.context))
    }
}

/// A scope to which nothing is added any more.
struct Assembled {
    prefix: String,
    scope: Scope,
    routes: Vec<RouteInfo>,
    guards: Vec<ScopeGuard>,
    layers: Layers,
}

impl HttpServiceFactory for AuthScope {
    fn register(self, config: &mut AppService) {
        let Assembled { prefix, mut scope, routes, guards, layers } = self.assemble();
        warn_of_nowhere(&routes, config);
        #[cfg(feature = "introspection")]
        let marker = ScopeMarker::of(&prefix, &routes);
        let _ = prefix;
        for guard in guards {
            #[cfg(feature = "introspection")]
            let guard = guard.of_scope(marker.as_ref().map(ScopeMarker::name));
            scope = scope.guard(guard);
        }
        // A check of the routes finds the scope by it.
        #[cfg(feature = "introspection")]
        if let Some(marker) = marker {
            scope = scope.guard(marker);
        }
        if layers.is_empty() {
            scope.register(config);
        } else {
            scope.wrap(layers.into_middleware()).register(config);
        }
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

impl fmt::Debug for AuthScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthScope")
            .field("prefix", &self.prefix)
            .field("routes", &self.routes)
            .field("requirement", &self.requirement)
            .field("middlewares", &self.layers.len())
            .finish_non_exhaustive()
    }
}
