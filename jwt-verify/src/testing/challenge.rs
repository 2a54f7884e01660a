//! Assertions about refusals.

use actix_web::{
    HttpResponse,
    dev::ServiceResponse,
    http::{
        StatusCode,
        header::{HeaderMap, RETRY_AFTER, WWW_AUTHENTICATE},
    },
};

/// Assertions about refusals: the status and the challenge (RFC 6750 §3) together.
///
/// ```
/// use actix_web::{App, get, test};
/// use jwt_verify::{require, testing::{ChallengeAssertions, TestIssuer}};
///
/// #[require]
/// #[get("/")]
/// async fn index() -> &'static str {
///     "hello"
/// }
///
/// # actix_web::rt::System::new().block_on(async {
/// let auth = TestIssuer::start().auth().build().unwrap();
/// let app = test::init_service(App::new().wrap(auth).service(index)).await;
/// let response = test::call_service(&app, test::TestRequest::default().to_request()).await;
/// response.assert_missing_token();
/// # });
/// ```
///
/// It is sealed: the library implements it for the responses of Actix.
pub trait ChallengeAssertions: sealed::Sealed {
    /// Returns status and headers of the response.
    fn head(&self) -> (StatusCode, &HeaderMap);

    /// Asserts 401 with a challenge without an error: there was no token.
    ///
    /// # Panics
    /// For any other response.
    #[track_caller]
    fn assert_missing_token(&self) {
        assert_challenge(self.head(), StatusCode::UNAUTHORIZED, None);
    }

    /// Asserts 401 `invalid_token`: the token is invalid.
    ///
    /// # Panics
    /// For any other response.
    #[track_caller]
    fn assert_invalid_token(&self) {
        assert_challenge(self.head(), StatusCode::UNAUTHORIZED, Some("invalid_token"));
    }

    /// Asserts 400 `invalid_request`: malformed credentials, or more than one.
    ///
    /// # Panics
    /// For any other response.
    #[track_caller]
    fn assert_invalid_request(&self) {
        assert_challenge(self.head(), StatusCode::BAD_REQUEST, Some("invalid_request"));
    }

    /// Asserts 403 `insufficient_scope`: the token is valid, and not enough.
    ///
    /// # Panics
    /// For any other response.
    #[track_caller]
    fn assert_insufficient_scope(&self) {
        assert_challenge(self.head(), StatusCode::FORBIDDEN, Some("insufficient_scope"));
    }

    /// Asserts 401 `insufficient_user_authentication`: another login is needed (RFC 9470).
    ///
    /// # Panics
    /// For any other response.
    #[track_caller]
    fn assert_step_up(&self) {
        let error = "insufficient_user_authentication";
        assert_challenge(self.head(), StatusCode::UNAUTHORIZED, Some(error));
    }

    /// Asserts 503 with `Retry-After`: the token cannot be checked now.
    ///
    /// # Panics
    /// For any other response.
    #[track_caller]
    fn assert_unavailable(&self) {
        assert_later(self.head(), StatusCode::SERVICE_UNAVAILABLE);
    }

    /// Asserts 429 with `Retry-After`: the key of the token is not cached and was not requested,
    /// because unknown keys have caused too many requests.
    ///
    /// # Panics
    /// For any other response.
    #[track_caller]
    fn assert_key_lookup_limited(&self) {
        assert_later(self.head(), StatusCode::TOO_MANY_REQUESTS);
    }
}

#[track_caller]
fn assert_later((answered, headers): (StatusCode, &HeaderMap), status: StatusCode) {
    assert_eq!(answered, status, "the status");
    assert!(headers.contains_key(RETRY_AFTER), "there is no Retry-After");
    assert!(!headers.contains_key(WWW_AUTHENTICATE), "the caller is asked for another token");
}

#[track_caller]
fn assert_challenge(head: (StatusCode, &HeaderMap), status: StatusCode, error: Option<&str>) {
    let (answered, headers) = head;
    let challenge = headers.get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
    assert_eq!(answered, status, "the status; the challenge is {challenge:?}");
    let parameters = challenge.and_then(|challenge| challenge.strip_prefix("Bearer"));
    assert!(parameters.is_some(), "there is no challenge of the scheme Bearer");
    let named = parameters
        .and_then(|parameters| parameters.split_once("error=\""))
        .and_then(|(_, rest)| rest.split('"').next());
    assert_eq!(named, error, "the error of the challenge {challenge:?}");
}

mod sealed {
    pub trait Sealed {}

    impl<B> Sealed for super::ServiceResponse<B> {}
    impl<B> Sealed for super::HttpResponse<B> {}
}

impl<B> ChallengeAssertions for ServiceResponse<B> {
    fn head(&self) -> (StatusCode, &HeaderMap) {
        (self.status(), self.headers())
    }
}

impl<B> ChallengeAssertions for HttpResponse<B> {
    fn head(&self) -> (StatusCode, &HeaderMap) {
        (self.status(), self.headers())
    }
}
