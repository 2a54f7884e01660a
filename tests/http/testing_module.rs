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
    Algorithm, ClaimsMapping, JwtAuth, VerifiedClaims, VerifiedClaimsExt as _, require,
    testing::{
        self, ChallengeAssertions as _, TestClaims, TestClock, TestIssuer, TestRequestExt as _,
    },
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

fn without_issuer() -> JwtAuth {
    JwtAuth::builder("https://issuer.example.com", "https://api.example.com").build().unwrap()
}

/// What a call panics with.
async fn panic_of(call: impl Future) -> String {
    let mut call = std::pin::pin!(call);
    std::future::poll_fn(|context| {
        let poll = AssertUnwindSafe(|| call.as_mut().poll(context).map(drop));
        match std::panic::catch_unwind(poll) {
            Ok(poll) => poll.map(|()| panic!("it must panic")),
            Err(panic) => std::task::Poll::Ready(panic_text(&*panic)),
        }
    })
    .await
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap()
}

#[test]
fn claims_that_were_handed_over_for_another_auth_are_a_mistake_and_no_refusal() {
    rt::System::new().block_on(async {
        let (own, other) = (without_issuer(), without_issuer());
        let claims = || TestClaims::new().role("admin");
        let wrapped = init_service(App::new().wrap(own.clone()).service(admin)).await;
        let as_data = init_service(App::new().app_data(own.clone()).service(admin)).await;
        let request = |auth: &JwtAuth| TestRequest::default().to_request_as(auth, claims());
        assert!(call_service(&wrapped, request(&own)).await.status().is_success());
        assert!(call_service(&as_data, request(&own)).await.status().is_success());
        assert!(call_service(&wrapped, request(&own.optional())).await.status().is_success());
        for said in [
            panic_of(call_service(&wrapped, request(&other))).await,
            panic_of(call_service(&as_data, request(&other))).await,
            panic_of(call_service(&wrapped, {
                let old = claims().claim("exp", 1);
                TestRequest::default().to_request_as(&other, old)
            }))
            .await,
        ] {
            assert!(said.contains("for another JwtAuth than the application's"), "{said}");
        }

        // An inner scope with a JwtAuth of its own refuses the callers of the outer one, as it would
        // with tokens.
        let inner = actix_web::web::scope("").wrap(other.clone()).service(admin);
        let nested = init_service(App::new().service(inner).wrap(own.clone())).await;
        call_service(&nested, request(&own)).await.assert_missing_token();
    });
}

#[get("/whoami")]
async fn whoami(claims: VerifiedClaims) -> String {
    claims.subject().unwrap_or_default().to_owned()
}

#[test]
fn the_dates_of_its_claims_are_checked_by_the_clock_of_the_auth() {
    rt::System::new().block_on(async {
        let clock = TestClock::new();
        let issuer = TestIssuer::with_clock(Algorithm::ES256, clock.clone());
        for (auth, now) in
            [(issuer.auth().build().unwrap(), Some(&clock)), (without_issuer(), None::<&TestClock>)]
        {
            let wrapped = App::new().wrap(auth.clone()).service(admin).service(whoami);
            let as_data = App::new().app_data(auth.clone()).service(admin).service(whoami);
            let (wrapped, as_data) = (init_service(wrapped).await, init_service(as_data).await);
            let now = match now {
                Some(clock) => jwt_verify::Clock::now(clock).as_secs(),
                None => std::time::UNIX_EPOCH.elapsed().unwrap().as_secs(),
            };
            let claims = || TestClaims::new().role("admin");
            for path in ["/", "/whoami"] {
                let request = |claims| TestRequest::with_uri(path).to_request_as(&auth, claims);
                for good in
                    [claims(), claims().claim("exp", now + 5), claims().claim("nbf", now - 1)]
                {
                    let status = call_service(&wrapped, request(good.clone())).await.status();
                    assert!(status.is_success(), "{path} {good:?}");
                    let status = call_service(&as_data, request(good.clone())).await.status();
                    assert!(status.is_success(), "{path} {good:?}");
                }
                for bad in [
                    claims().claim("exp", now - 1),
                    claims().claim("exp", now),
                    claims().claim("exp", 1),
                    claims().claim("nbf", now + 5),
                ] {
                    call_service(&wrapped, request(bad.clone())).await.assert_invalid_token();
                    call_service(&as_data, request(bad)).await.assert_invalid_token();
                }
            }
            let old = TestRequest::default().to_http_request_as(&auth, claims().claim("exp", 1));
            assert!(old.verified_claims().is_none());
        }
    });
}

#[test]
fn keys_are_fetched_when_a_test_asks_for_it() {
    rt::System::new().block_on(async {
        let issuer = TestIssuer::signing_with(Algorithm::ES256);
        let auth = issuer.auth().build().unwrap();
        let app = init_service(App::new().wrap(auth.clone()).service(admin)).await;
        let old = issuer.token().role("admin").sign();
        assert!(ask(&app, "/", &old).await.status().is_success());
        issuer.rotate();
        issuer.withdraw_old_keys();
        assert!(ask(&app, "/", &old).await.status().is_success(), "it is not noticed yet");
        testing::fetch_keys(auth.verifier()).await.unwrap();
        ask(&app, "/", &old).await.assert_invalid_token();
        assert!(ask(&app, "/", &issuer.token().role("admin").sign()).await.status().is_success());
        assert_eq!(issuer.key_fetches(), 2);

        issuer.fail();
        for _ in 0..3 {
            let error = testing::fetch_keys(auth.verifier()).await.unwrap_err();
            assert_eq!(error.code(), "temporarily_unavailable");
        }
        issuer.recover();
        for _ in 0..5 {
            testing::fetch_keys(auth.verifier()).await.unwrap();
        }
        assert!(issuer.key_fetches() >= 7);
        assert!(ask(&app, "/", &issuer.token().role("admin").sign()).await.status().is_success());
    });
}
