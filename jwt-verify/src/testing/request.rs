//! Requests of callers who are known.

use actix_http::{HttpMessage as _, Request};
use actix_web::{HttpRequest, http::header::AUTHORIZATION, test::TestRequest};

use super::TestClaims;
use crate::http::JwtAuth;

/// Requests with a token, or with claims as if there had been one.
///
/// ```
/// use actix_web::{App, get, test};
/// use jwt_verify::{JwtAuth, require, testing::{ChallengeAssertions, TestClaims, TestRequestExt}};
///
/// #[get("/posts")]
/// #[require(permissions = "read:posts")]
/// async fn posts() -> &'static str {
///     "all of them"
/// }
///
/// # actix_web::rt::System::new().block_on(async {
/// // Nobody listens there, and nobody is asked.
/// let auth = JwtAuth::builder("https://issuer.example.com", "https://api.example.com").build().unwrap();
/// let app = test::init_service(App::new().wrap(auth.clone()).service(posts)).await;
///
/// let reader = TestClaims::new().permission("read:posts");
/// let request = test::TestRequest::with_uri("/posts").to_request_as(&auth, reader);
/// assert!(test::call_service(&app, request).await.status().is_success());
///
/// let request = test::TestRequest::with_uri("/posts").to_request_as(&auth, TestClaims::new());
/// test::call_service(&app, request).await.assert_insufficient_scope();
/// # });
/// ```
///
/// It is sealed: the library implements it for [`TestRequest`].
pub trait TestRequestExt: Sized + sealed::Sealed {
    /// Adds `Authorization: Bearer …`.
    #[must_use]
    fn bearer(self, token: &str) -> Self;

    /// The request of a caller with these claims, for an application that is protected with this
    /// [`JwtAuth`]. Its middleware and its extractors take them for what a token has said: no
    /// token, no key and no revocation store are looked at, while roles, permissions, policies and
    /// an [`Authorizer`](crate::authorization::Authorizer) decide as ever. Where roles and permissions are found
    /// says [`TestClaims::mapping`], not the [`JwtAuth`]. Routes that take refresh tokens need real
    /// ones.
    ///
    /// # Panics
    /// As [`TestClaims::verified`].
    fn to_request_as(self, auth: &JwtAuth, claims: TestClaims) -> Request;

    /// The same for code that takes an [`HttpRequest`].
    ///
    /// # Panics
    /// As [`TestClaims::verified`].
    fn to_http_request_as(self, auth: &JwtAuth, claims: TestClaims) -> HttpRequest;
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for super::TestRequest {}
}

impl TestRequestExt for TestRequest {
    fn bearer(self, token: &str) -> Self {
        self.insert_header((AUTHORIZATION, format!("Bearer {token}")))
    }

    fn to_request_as(self, auth: &JwtAuth, claims: TestClaims) -> Request {
        let request = self.to_request();
        auth.assume(&mut request.extensions_mut(), &claims.verified());
        request
    }

    fn to_http_request_as(self, auth: &JwtAuth, claims: TestClaims) -> HttpRequest {
        let request = self.to_http_request();
        auth.assume(&mut request.extensions_mut(), &claims.verified());
        request
    }
}
