//! Test support for protected applications.
//!
//! With feature `testing`, for the `[dev-dependencies]` of an application. Functions and methods of
//! this module panic with a description, as assertions do.
//!
//! | to test | use |
//! | --- | --- |
//! | a handler, without any token | [`TestClaims::verified`] as its argument |
//! | routes with their requirements, without any key or network | [`TestRequestExt::to_request_as`] |
//! | the whole path of a request, with real tokens, keys and fetches | [`TestIssuer`] |
//! | refusals | [`ChallengeAssertions`], [`TestToken::expired`] and similar methods |
//! | that no term of a requirement is untested | [`assert_authorization_covered`] |
//! | the passing of time | [`TestClock`] |
//! | tokens that are bound to a key (DPoP) | [`ProofKey`], [`TestToken::bound_to`] |
//! | tokens that are bound to a certificate | [`TestToken::bound_to_certificate`] |
//! | a rotation, an issuer that is down or slow | [`TestIssuer::rotate`], [`fail`](TestIssuer::fail), [`delay`](TestIssuer::delay) |
//! | what a verifier does once it has noticed a rotation | [`fetch_keys`] |
//! | security events: push, poll, stream set-up, verification, rotation | `TestTransmitter`, `TestEvent` (feature `security-events`) |
//! | your own store | [`cache_store`], `api_key_store`, [`refresh_store`], [`replay_store`], [`revocation_store`] |
//!
//! ```
//! use actix_web::{App, get, test};
//! use jwt_verify::{VerifiedClaims, require, testing::{ChallengeAssertions, TestIssuer, TestRequestExt}};
//!
//! #[require(roles = "admin")]
//! #[get("/admin")]
//! async fn admin(claims: VerifiedClaims) -> String {
//!     claims.subject().unwrap_or_default().to_owned()
//! }
//!
//! # actix_web::rt::System::new().block_on(async {
//! let issuer = TestIssuer::start();
//! let auth = issuer.auth().build().unwrap();
//! let app = test::init_service(App::new().wrap(auth).service(admin)).await;
//!
//! let token = issuer.token().subject("ada").role("admin").sign();
//! let request = test::TestRequest::with_uri("/admin").bearer(&token).to_request();
//! assert_eq!(test::call_and_read_body(&app, request).await, "ada");
//!
//! let expired = issuer.token().role("admin").expired().sign();
//! let request = test::TestRequest::with_uri("/admin").bearer(&expired).to_request();
//! test::call_service(&app, request).await.assert_invalid_token();
//! # });
//! ```

#[cfg(feature = "api-keys")]
mod api_key_store;
mod cache_store;
mod challenge;
mod claim_set;
mod claims;
mod clock;
mod coverage;
#[cfg(feature = "security-events")]
mod event;
mod fetch_keys;
mod issuer;
mod proof;
mod refresh_store;
mod replay_store;
mod request;
mod revocation_store;
mod token;
#[cfg(feature = "security-events")]
mod transmitter;

#[cfg(feature = "api-keys")]
pub use api_key_store::{api_key_store, managed_api_key_store};
pub use cache_store::cache_store;
pub use challenge::ChallengeAssertions;
pub use claims::TestClaims;
pub use clock::TestClock;
pub use coverage::assert_authorization_covered;
#[cfg(feature = "security-events")]
pub use event::TestEvent;
pub use fetch_keys::fetch_keys;
pub use issuer::TestIssuer;
pub use proof::{ProofKey, TestProof};
pub use refresh_store::refresh_store;
pub use replay_store::replay_store;
pub use request::TestRequestExt;
pub use revocation_store::revocation_store;
pub use token::TestToken;
#[cfg(feature = "security-events")]
pub use transmitter::TestTransmitter;

/// Audience of [`TestIssuer::auth`] and of the tokens that a [`TestIssuer`] signs.
pub const AUDIENCE: &str = "https://api.example.com";
