//! The routes behind a middleware of an `AuthScope`, for what it tells callers whom it refuses.

use std::sync::{Arc, OnceLock};

use actix_web::HttpRequest;

use crate::{
    authz::Requirement,
    http::route_table::access_matrix::{ANY, RouteInfo},
};

/// Routes of an [`AuthScope`](crate::AuthScope), once all are known. A refusal names what the route
/// demands too, so that a client asks once for everything.
#[derive(Debug, Clone, Default)]
pub(crate) struct InnerRoutes(Arc<OnceLock<Box<[RouteInfo]>>>);

impl InnerRoutes {
    pub(crate) fn set(&self, routes: &[RouteInfo]) {
        // A scope is assembled once.
        let _ = self.0.set(routes.into());
    }

    /// Returns the requirement of the route that a request would reach, with those of the scopes
    /// around it. It decides nothing: the route does, once the request gets there.
    pub(crate) fn requirement(&self, request: &HttpRequest) -> Option<&Requirement> {
        let routes = self.0.get()?;
        let pattern = request.match_pattern()?;
        // Prefixes of scopes around this one are not in the table.
        let is_here =
            |route: &&RouteInfo| !route.has_empty_path() && pattern.ends_with(route.path());
        let longest = routes.iter().filter(is_here).map(|route| route.path().len()).max()?;
        let here = || routes.iter().filter(is_here).filter(|route| route.path().len() == longest);
        let own = here().find(|route| route.method() == request.method().as_str());
        own.or_else(|| here().find(|route| route.method() == ANY))?.requirement()
    }
}
