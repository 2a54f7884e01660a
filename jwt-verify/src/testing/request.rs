//! Requests of authenticated callers.

use actix_http::{HttpMessage as _, Request};
use actix_web::{HttpRequest, http::header::AUTHORIZATION, test::TestRequest};

use super::TestClaims;
use crate::http::JwtAuth;

/// Creates requests with a token, or with claims instead of one.
///
/// ```
/// use actix_web::{App, get, test};
/// use jwt_verify::{JwtAuth, require, testing::{ChallengeAssertions, TestClaims, TestRequestExt}};
///
/// #[require(permissions = "read:posts")]
/// #[get("/posts")]
/// async fn posts() -> &'static str {
///     "all of them"
/// }
///
/// # actix_web::rt::System::new().block_on(async {
/// // The issuer does not exist: nothing is fetched from it.
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

    /// Creates the request of a caller with these claims, for an application that is protected with
    /// this [`JwtAuth`]. Its middleware and its extractors accept them as if they came from a
    /// token: no token, key or revocation store is used, while roles, permissions, policies and an
    /// [`Authorizer`](crate::authorization::Authorizer) decide as usual. [`TestClaims::mapping`], not the
    /// [`JwtAuth`], defines the claims with roles and permissions. Routes that take refresh tokens
    /// need real ones.
    ///
    /// `exp` and `nbf` are checked by the clock of the [`JwtAuth`], without leeway: claims that have
    /// expired are refused with 401 `invalid_token`.
    ///
    /// # Panics
    /// As for [`TestClaims::verified`]. The application panics at the request if it is protected with
    /// another [`JwtAuth`], which would refuse it: hand over a clone of the application's.
    fn to_request_as(self, auth: &JwtAuth, claims: TestClaims) -> Request;

    /// Creates a request with these claims for code that takes an [`HttpRequest`]. Claims that have
    /// expired are not in it; an extractor refuses the request.
    ///
    /// # Panics
    /// As for [`TestClaims::verified`].
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
        auth.assume(&mut request.extensions_mut(), &claims.verified_at(auth.verifier().clock()));
        request
    }

    fn to_http_request_as(self, auth: &JwtAuth, claims: TestClaims) -> HttpRequest {
        let request = self.to_http_request();
        auth.assume(&mut request.extensions_mut(), &claims.verified_at(auth.verifier().clock()));
        request
    }
}
