//! Result of a check of routes.

use std::fmt;

use crate::http::route_table::access_matrix::{AccessMatrix, RouteInfo};

/// Routes of an application that have neither `#[require]` nor `#[public]`, and declared ones that
/// no request reaches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnprotectedRoutes {
    pub(crate) unprotected: Vec<String>,
    pub(crate) unreached: Vec<String>,
}

impl UnprotectedRoutes {
    /// Returns methods and patterns of the undeclared routes, as `GET /forgotten`; `*` for every
    /// method.
    pub fn routes(&self) -> &[String] {
        &self.unprotected
    }

    /// Returns the routes whose requests another declared handler answers: a second route of one
    /// method and path, or one behind a pattern that has its path too. Nothing is open, but their
    /// requirement protects nothing, and the matrix would name it.
    ///
    /// Two routes of one method and path that differ in a guard look the same. Ignore them with
    /// [`RouteCheck::ignore`](crate::routes::RouteCheck::ignore).
    pub fn unreached(&self) -> &[String] {
        &self.unreached
    }

    /// Sorts and removes duplicates; returns the matrix if there are none.
    pub(crate) fn into_result(mut self, decided: Vec<RouteInfo>) -> Result<AccessMatrix, Self> {
        for routes in [&mut self.unprotected, &mut self.unreached] {
            routes.sort_unstable();
            routes.dedup();
        }
        if self.unprotected.is_empty() && self.unreached.is_empty() {
            return Ok(decided.into_iter().collect());
        }
        Err(self)
    }
}

impl fmt::Display for UnprotectedRoutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (what, routes) in [
            (
                "routes without `#[require]` or `#[public]` in an `AuthScope` (elsewhere they count with \
                 `RouteCheck::probe_handlers`):",
                &self.unprotected,
            ),
            ("routes that are not reached, since another one answers:", &self.unreached),
        ] {
            if !routes.is_empty() {
                write!(f, "{separator}{what}")?;
                routes.iter().try_for_each(|route| write!(f, "\n  {route}"))?;
                separator = "\n";
            }
        }
        Ok(())
    }
}

impl std::error::Error for UnprotectedRoutes {}
