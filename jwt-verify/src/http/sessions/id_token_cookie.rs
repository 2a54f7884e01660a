//! ID tokens in cookies.

use actix_web::HttpRequest;

use crate::http::credentials::{CookieExtractor, TokenExtractor as _};
use crate::{
    claims::VerifiedClaims,
    error::AuthError,
    verifier::{IdTokenChecks, IdTokenVerifier},
};

impl IdTokenVerifier {
    /// Verifies the ID token in a cookie of this name, for an application that has stored it there
    /// after a login.
    ///
    /// **Security:** the browser sends the cookie with requests that other sites cause too, which
    /// this method does not check: if a request changes something, call
    /// [`CsrfProtection::comes_from_here`](crate::extract::CsrfProtection::comes_from_here) as well, or let
    /// a [`JwtAuth`](crate::JwtAuth) take the cookie.
    ///
    /// # Errors
    /// [`AuthError::MissingToken`] without such a cookie, [`AuthError::InvalidRequest`] with two,
    /// [`AuthError::Misconfigured`] for a name that no cookie can have, and those of [`verify`](Self::verify).
    pub async fn verify_cookie(
        &self,
        request: &HttpRequest,
        cookie: &str,
        checks: &IdTokenChecks<'_>,
    ) -> Result<VerifiedClaims, AuthError> {
        let extractor = CookieExtractor::new(cookie);
        extractor.validate().map_err(|_| AuthError::Misconfigured)?;
        let credential = extractor.extract(request)?;
        let credential = credential.ok_or(AuthError::MissingToken)?;
        self.verify(credential.as_bytes(), checks).await
    }
}
