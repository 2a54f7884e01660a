//! A fetch of keys when a test asks for it.

use crate::{error::AuthError, verifier::Verifier};

/// Fetches the keys of all issuers now, however fresh the cached ones are, and waits for them.
///
/// A verifier notices by itself that keys were withdrawn only when it refreshes the key set. This is
/// that refresh, without the time that a test would have to wait for. It does not count against the
/// limit for unknown keys, and pauses after failures do not apply.
///
/// ```
/// use jwt_verify::testing::{self, TestIssuer};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let issuer = TestIssuer::start();
/// let auth = issuer.auth().build().unwrap();
/// let old = issuer.token().sign();
/// assert!(auth.verifier().verify(&old).await.is_ok());
///
/// issuer.rotate();
/// issuer.withdraw_old_keys();
/// testing::fetch_keys(auth.verifier()).await.unwrap();
/// assert!(auth.verifier().verify(&old).await.is_err());
/// # });
/// ```
///
/// # Errors
/// [`AuthError::Unavailable`] if an issuer cannot be reached. Its cached keys are used as before.
pub async fn fetch_keys(verifier: &Verifier) -> Result<(), AuthError> {
    verifier.fetch_keys().await
}
