//! Errors of stores.

use std::{error::Error, fmt, sync::Arc};

/// Failure of a store, or of another extension point, that is unreachable at the moment. The caller
/// gets 503 with `Retry-After`.
///
/// All values are equal, whatever their causes. The cause is [`source()`](Error::source) for your
/// own logs. The library neither logs it nor shows it to a caller: log it where it happens.
#[derive(Clone, Default)]
pub struct StoreUnavailable {
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl StoreUnavailable {
    /// Makes the error without a cause.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the error with its cause.
    ///
    /// ```
    /// use jwt_verify::StoreUnavailable;
    ///
    /// fn read() -> Result<String, StoreUnavailable> {
    ///     std::fs::read_to_string("/no/such/file").map_err(StoreUnavailable::caused_by)
    /// }
    /// assert!(std::error::Error::source(&read().unwrap_err()).is_some());
    /// ```
    pub fn caused_by(source: impl Error + Send + Sync + 'static) -> Self {
        Self { source: Some(Arc::new(source)) }
    }
}

impl PartialEq for StoreUnavailable {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for StoreUnavailable {}

impl fmt::Display for StoreUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store is out of reach")
    }
}

impl fmt::Debug for StoreUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreUnavailable").field("source", &self.source).finish()
    }
}

impl Error for StoreUnavailable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| &**source as &(dyn Error + 'static))
    }
}
