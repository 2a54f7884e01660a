//! A new key, before it is shown.

use std::fmt;

use zeroize::Zeroizing;

/// A new API key: show it to its owner once, and store only its
/// [`ApiKeyRecord`](super::ApiKeyRecord).
///
/// Its memory is zeroized when it is dropped. `Debug` hides it, and there is no `Display`.
pub struct ApiKey(pub(super) Zeroizing<String>);

impl ApiKey {
    /// Returns the key itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(..)")
    }
}
