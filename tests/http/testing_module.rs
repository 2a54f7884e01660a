//! The `testing` module for users: its issuer does what it is told, and its assertions can fail.

use std::{panic::AssertUnwindSafe, time::Duration};

use actix_web::{
    App,
    body::MessageBody,
    dev::{Service, ServiceResponse},
    get, rt,
    test::{TestRequest, call_service, init_service},
};
use jwt_verify::{
    Algorithm, ClaimsMapping, VerifiedClaimsExt as _, require,
    testing::{ChallengeAssertions as _, TestClaims, TestClock, TestIssuer, TestRequestExt as _},
};
use serde_json::json;

#[get("/")]
#[require(roles = "admin")]
async fn admin() -> &'static str {
    "hello"
}

#[get("/recent")]
#[require(max_age = "5m")]
async fn recent() -> &'static str {
    "hello"
}

async fn ask<S, B>(app: &S, path: &str, token: &str) -> ServiceResponse<B>
where
    S: Service<actix_http::Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody,
{
    call_service(app, TestRequest::with_uri(path).bearer(token).to_request()).await
}

#[test]
fn its_issuer_rotates_fails_and_waits() {
    rt::System::new().block_on(async {
        let clock = TestClock::new();
        let issuer = TestIssuer::with_clock(Algorithm::ES256, clock.clone());
        let auth = issuer.auth().build().unwrap();
        let app = init_service(App::new().wrap(auth).service(admin).service(recent)).await;
        let token = || issuer.token().role("admin");

        issuer.fail();
        ask(&app, "/", &token().sign()).await.assert_unavailable();
        assert_eq!(issuer.key_fetches(), 0, "discovery has failed before that");
        issuer.recover();
        issuer.delay(Duration::from_millis(50));
        clock.advance(Duration::from_secs(61));
        let start = std::time::Instant::now();
        assert!(ask(&app, "/", &token().sign()).await.status().is_success());
        assert!(start.elapsed() >= Duration::from_millis(50));
        issuer.delay(Duration::ZERO);
        assert_eq!(issuer.key_fetches(), 1);

        let old = token().sign();
        issuer.rotate();
        assert!(ask(&app, "/", &token().sign()).await.status().is_success());
        assert!(ask(&app, "/", &old).await.status().is_success());
        assert_eq!(issuer.key_set()["keys"].as_array().unwrap().len(), 2);
        issuer.withdraw_old_keys();
        assert_eq!(issuer.key_set()["keys"].as_array().unwrap().len(), 1);

        for bad in [token().expired(), token().not_yet_valid(), token().signed_by_unknown_key()] {
            ask(&app, "/", &bad.sign()).await.assert_invalid_token();
        }
        for bad in [token().audience("other"), token().without("exp"), token().header("typ", "x")] {
            ask(&app, "/", &bad.sign()).await.assert_invalid_token();
        }
        ask(&app, "/", "not a token").await.assert_invalid_request();
        ask(&app, "/recent", &token().sign()).await.assert_step_up();
        let short = token().lifetime(Duration::from_secs(10)).sign();
        assert!(ask(&app, "/", &short).await.status().is_success());
        clock.advance(Duration::from_secs(71));
        ask(&app, "/", &short).await.assert_invalid_token();
    });
}

#[test]
fn its_assertions_tell_the_answers_apart() {
    rt::System::new().block_on(async {
        let issuer = TestIssuer::signing_with(Algorithm::ES256);
        let auth = issuer.auth().build().unwrap();
        let app = init_service(App::new().wrap(auth).service(admin)).await;
        let good = ask(&app, "/", &issuer.token().role("admin").sign()).await;
        let missing = call_service(&app, TestRequest::default().to_request()).await;
        let invalid = ask(&app, "/", &issuer.token().signed_by_unknown_key().sign()).await;
        let lacking = ask(&app, "/", &issuer.token().sign()).await;
        missing.assert_missing_token();
        lacking.assert_insufficient_scope();
        let fails = |check: &dyn Fn()| std::panic::catch_unwind(AssertUnwindSafe(check)).is_err();
        assert!(fails(&|| good.assert_missing_token()));
        assert!(fails(&|| invalid.assert_missing_token()));
        assert!(fails(&|| missing.assert_invalid_token()));
        assert!(fails(&|| invalid.assert_insufficient_scope()));
        assert!(fails(&|| invalid.assert_step_up()));
        assert!(fails(&|| invalid.assert_invalid_request()));
        assert!(fails(&|| invalid.assert_unavailable()));
    });
}

#[test]
fn its_claims_are_found_where_they_are_said_to_be() {
    let auth = TestIssuer::signing_with(Algorithm::ES256).auth().build().unwrap();
    let claims = TestClaims::new()
        .subject("ada")
        .scope("a b")
        .claim("realm_access", json!({"roles": ["admin"]}))
        .mapping(ClaimsMapping::keycloak("api"));
    let request = TestRequest::default().to_http_request_as(&auth, claims);
    let claims = request.verified_claims().unwrap();
    assert_eq!(claims.subject(), Some("ada"));
    assert_eq!(claims.roles().collect::<Vec<_>>(), ["admin"]);
    assert_eq!(claims.scopes().collect::<Vec<_>>(), ["a", "b"]);
}
