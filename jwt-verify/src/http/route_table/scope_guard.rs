//! Guards of a scope.

use std::fmt;

use actix_web::guard::{Guard, GuardContext};

/// The guard of an [`AuthScope`](crate::AuthScope), which a check of the routes passes.
pub(crate) struct ScopeGuard {
    guard: Box<dyn Guard>,
    /// The name by which a check knows the scope.
    #[cfg(feature = "introspection")]
    marker: Option<String>,
}

impl ScopeGuard {
    pub(crate) fn new(guard: impl Guard + 'static) -> Self {
        Self {
            guard: Box::new(guard),
            #[cfg(feature = "introspection")]
            marker: None,
        }
    }

    /// Sets the name by which a check knows the scope.
    #[cfg(feature = "introspection")]
    pub(crate) fn of_scope(self, marker: Option<&str>) -> Self {
        Self { marker: marker.map(str::to_owned), ..self }
    }
}

impl Guard for ScopeGuard {
    fn check(&self, context: &GuardContext<'_>) -> bool {
        #[cfg(feature = "introspection")]
        if let Some(is_meant) =
            crate::http::route_table::route_check::is_probe_for(context, self.marker.as_deref())
        {
            return is_meant;
        }
        self.guard.check(context)
    }

    #[cfg(feature = "introspection")]
    fn name(&self) -> String {
        self.guard.name()
    }
}

impl fmt::Debug for ScopeGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScopeGuard")
    }
}
