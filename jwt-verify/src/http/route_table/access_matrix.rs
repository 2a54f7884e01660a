//! Routes and their requirements.

use std::{borrow::Cow, fmt};

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::authz::{IncludingNames, Requirement};
use crate::http::route_table::known_auth::KnownAuth;

/// Stands for all methods.
pub(crate) const ANY: &str = "*";

/// Comes before the names that include those of a requirement.
pub(crate) const INCLUDED: &str = "  # ";

/// Usual methods of routes.
#[cfg(any(feature = "introspection", feature = "utoipa"))]
pub(crate) const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// A route and its requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteInfo {
    method: Cow<'static, str>,
    /// Joined as by Actix, so that it is empty if every part is.
    path: String,
    handler: &'static str,
    requirement: Option<Cow<'static, Requirement>>,
    known_auth: KnownAuth,
    /// Distinguishes handlers with one name.
    #[cfg(feature = "introspection")]
    access: std::any::TypeId,
}

impl RouteInfo {
    pub(crate) fn of<A: Access>(method: impl Into<Cow<'static, str>>, path: String) -> Self {
        Self {
            method: method.into(),
            path,
            handler: A::HANDLER,
            requirement: A::requirement().map(Cow::Borrowed),
            known_auth: KnownAuth::default(),
            #[cfg(feature = "introspection")]
            access: std::any::TypeId::of::<A::Marker>(),
        }
    }

    #[cfg(feature = "introspection")]
    pub(crate) fn access(&self) -> std::any::TypeId {
        self.access
    }

    /// Returns the method, such as `GET`; `*` for all methods without another route of this path.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Returns the pattern of the path, with the known prefixes of scopes.
    pub fn path(&self) -> &str {
        if self.path.is_empty() { "/" } else { &self.path }
    }

    pub(crate) fn has_empty_path(&self) -> bool {
        self.path.is_empty()
    }

    /// Returns the name of the function.
    pub fn handler(&self) -> &'static str {
        self.handler
    }

    /// Returns the requirement of the handler, with those of every [`AuthScope`](crate::AuthScope)
    /// around it. `None` if the handler is [`#[public]`](crate::public) and its scopes have none.
    pub fn requirement(&self) -> Option<&Requirement> {
        self.requirement.as_deref()
    }

    /// Adds the settings of a `JwtAuth` around the handler, unless there is a nearer one.
    pub(crate) fn with_known_auth(mut self, around: &KnownAuth) -> Self {
        if !self.known_auth.is_known() {
            self.known_auth = around.clone();
        }
        self
    }

    /// Returns the kinds of credentials that the route may be called with.
    #[cfg(feature = "utoipa")]
    pub(crate) fn kinds(&self) -> &[crate::claims::CredentialKind] {
        self.known_auth.kinds()
    }

    /// Returns a kind of credential that the requirement names, and that the `JwtAuth` of the route
    /// does not accept.
    pub(crate) fn unknown_credential(&self) -> Option<&str> {
        let accepted = self.known_auth.is_known().then(|| self.known_auth.kinds())?;
        let is_accepted = |name: &str| accepted.iter().any(|kind| kind.as_str() == name);
        let named = self.requirement()?.named_credentials(true);
        named.into_iter().find(|name| !is_accepted(name))
    }

    /// Returns what includes the names of the requirement, for each issuer.
    pub(crate) fn including(&self) -> Vec<IncludingNames> {
        let requirement = self.requirement();
        requirement.map(|it| self.known_auth.including(it)).unwrap_or_default()
    }

    /// Adds the requirement of a scope around the handler.
    pub(crate) fn demanding(mut self, outer: &Requirement) -> Self {
        let joined = match self.requirement {
            Some(own) => outer.clone().joined(own.into_owned()),
            None => outer.clone(),
        };
        self.requirement = Some(Cow::Owned(joined));
        self
    }

    pub(crate) fn beneath(mut self, prefix: &str) -> Self {
        self.path = join(prefix, &self.path);
        self
    }
}

/// Joins a path to a prefix, as Actix does: each begins with a slash unless it is empty.
pub(crate) fn join(prefix: &str, path: &str) -> String {
    let rooted = |part: &str| if part.is_empty() || part.starts_with('/') { "" } else { "/" };
    format!("{}{prefix}{}{path}", rooted(prefix), rooted(path))
}

impl Serialize for RouteInfo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("method", &self.method)?;
        map.serialize_entry("path", self.path())?;
        map.serialize_entry("handler", &self.handler)?;
        match self.requirement() {
            Some(requirement) => map.serialize_entry("requirement", requirement)?,
            None => map.serialize_entry("public", &true)?,
        }
        let including = self.including();
        if !including.is_empty() {
            map.serialize_entry("included_by", &including)?;
        }
        map.end()
    }
}

/// Routes and their requirements, in the order of paths and methods, for review.
///
/// Displayed as a table, one line for each route, and serialized as an array. Commit either, and
/// compare it in a test: a change that opens a route then shows up in review.
///
/// ```text
/// GET   /posts       list_posts   permissions = "read:posts"
/// POST  /posts       create_post  permissions = "write:posts"
/// PUT   /posts/{id}  edit_post    any(roles = "admin", policy = owns_post)
/// GET   /public      public       public
/// ```
///
/// Where the [`JwtAuth`](crate::JwtAuth) is known and its [`ScopeHierarchy`](crate::ScopeHierarchy)
/// includes a required name, the names that include it follow behind `#`, and are `included_by` when
/// serialized. If the `JwtAuth` has several issuers, each with a hierarchy is named:
///
/// ```text
/// GET  /orders  orders  scopes = "orders:read"  # scope "orders:read" by "orders", "orders:*"
/// GET  /posts   posts   permissions = "read"  # of "https://one.example": permission "read" by "manage"
/// ```
///
/// It is that of the [`AuthScope`](crate::AuthScope), or of [`for_auth`](Self::for_auth). Up to 64
/// names that include one are listed. Issuers that an [`IssuerResolver`](crate::IssuerResolver) finds
/// are not known beforehand.
#[doc(alias = "acl", alias = "routes")]
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct AccessMatrix(Vec<RouteInfo>);

impl AccessMatrix {
    /// Returns the routes, in order.
    pub fn routes(&self) -> &[RouteInfo] {
        &self.0
    }

    pub(crate) fn with_known_auth(self, around: &KnownAuth) -> Self {
        Self(self.0.into_iter().map(|route| route.with_known_auth(around)).collect())
    }
}

impl FromIterator<RouteInfo> for AccessMatrix {
    fn from_iter<I: IntoIterator<Item = RouteInfo>>(routes: I) -> Self {
        let mut routes: Vec<RouteInfo> = routes.into_iter().collect();
        // Of one path and method only the first is reached; it stays the first.
        routes.sort_by(|one, other| (one.path(), &one.method).cmp(&(other.path(), &other.method)));
        Self(routes)
    }
}

impl fmt::Display for AccessMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: fn(&RouteInfo) -> &str| {
            self.0.iter().map(|route| column(route).chars().count()).max().unwrap_or_default()
        };
        let (methods, paths) = (width(RouteInfo::method), width(RouteInfo::path));
        let handlers = width(|route| route.handler);
        for route in &self.0 {
            let RouteInfo { method, handler, requirement, .. } = route;
            let path = route.path();
            write!(f, "{method:methods$}  {path:paths$}  {handler:handlers$}  ")?;
            match requirement {
                Some(requirement) => write!(f, "{requirement}")?,
                None => write!(f, "public")?,
            }
            for including in route.including() {
                write!(f, "{INCLUDED}{including}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// Argument of a handler that defines who may call it: [`Authorized`](crate::Authorized) or
/// [`PublicRoute`](crate::authorization::PublicRoute).
#[diagnostic::on_unimplemented(
    message = "this handler says neither `#[require]` nor `#[public]`",
    label = "a handler here says nothing about who may call it",
    note = "put `#[require]` or `#[public]` on the function"
)]
pub trait Access: 'static {
    /// Type that distinguishes the handler from all others, whatever its other arguments are.
    type Marker: 'static;

    /// Name of the handler.
    const HANDLER: &'static str;

    /// Returns the requirement; `None` if there is none.
    fn requirement() -> Option<&'static Requirement>;
}

/// A service that one of Actix' routing attributes makes of a handler with `#[require]` or
/// `#[public]` *above* it. Implemented by generated code.
#[diagnostic::on_unimplemented(
    message = "the route `{Self}` says neither `#[require]` nor `#[public]`",
    label = "above this route's attribute there is neither",
    note = "put `#[require]` or `#[public]` above the routing attribute; below it, it is not seen here",
    note = "a scope goes in with `.scope(AuthScope::new(…))`, a function without a routing attribute with \
            `.route(…)`; other services stand beside the `AuthScope`, in the `App` or a `web::scope`"
)]
pub trait Annotated {
    /// Access of the handler.
    type Access: Access;

    /// Methods and paths.
    const ROUTES: &'static [(&'static str, &'static str)];
}

/// The arguments of a handler with `#[require]` or `#[public]`.
#[diagnostic::on_unimplemented(
    message = "this handler says neither `#[require]` nor `#[public]`",
    label = "this handler says nothing about who may call it",
    note = "put `#[require]` or `#[public]` on the function"
)]
pub trait Guarded {
    /// Access of the handler.
    type Access: Access;
}

macro_rules! guarded {
    ($($argument:ident)*) => {
        impl<A: Access, $($argument),*> Guarded for (A, $($argument,)*) {
            type Access = A;
        }
    };
}

guarded! {}
guarded! { B }
guarded! { B C }
guarded! { B C D }
guarded! { B C D E }
guarded! { B C D E F }
guarded! { B C D E F G }
guarded! { B C D E F G H }
guarded! { B C D E F G H I }
guarded! { B C D E F G H I J }
guarded! { B C D E F G H I J K }
guarded! { B C D E F G H I J K L }
guarded! { B C D E F G H I J K L M }
guarded! { B C D E F G H I J K L M N }
guarded! { B C D E F G H I J K L M N O }
guarded! { B C D E F G H I J K L M N O P }
