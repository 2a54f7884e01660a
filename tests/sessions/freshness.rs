//! `#[require(fresh)]` and `#[require(refresh)]`.

use std::time::Duration;

use actix_web::{App, HttpResponse, Responder, get, web};
use jwt_verify::{JwtAuth, Requirement, VerifiedClaims, require, sessions::Sessions};
use jwt_verify_tests::{TestClock, TestServer};

use crate::{issuer, session_bed::SessionBed, wait};

#[get("/fresh")]
#[require(fresh)]
async fn fresh() -> impl Responder {
    HttpResponse::NoContent()
}

#[get("/recent")]
#[require(fresh = "10m")]
async fn recent() -> impl Responder {
    HttpResponse::NoContent()
}

#[get("/fresh-admin")]
#[require(roles = "admin", fresh)]
async fn fresh_admin() -> impl Responder {
    HttpResponse::NoContent()
}

#[get("/refresh")]
#[require(refresh)]
async fn refresh(claims: VerifiedClaims) -> impl Responder {
    HttpResponse::Ok().body(claims.get("token_use").unwrap().to_string())
}

#[get("/any")]
#[require]
async fn any(_: VerifiedClaims) -> impl Responder {
    HttpResponse::NoContent()
}

/// Sessions, and an API that trusts their tokens.
struct SessionApi {
    bed: SessionBed,
    server: TestServer,
}

impl SessionApi {
    fn start() -> Self {
        let bed = SessionBed::in_memory();
        let auth = JwtAuth::for_sessions(&bed.sessions).build().unwrap();
        let server = TestServer::start(move || {
            let renewals = auth.require(Requirement::authenticated().refresh_token());
            let renewals =
                web::scope("/renewals").wrap(renewals).route("", web::get().to(HttpResponse::Ok));
            App::new()
                .app_data(auth.clone())
                .service((fresh, recent, fresh_admin, refresh, any))
                .service(renewals)
        });
        Self { bed, server }
    }

    fn status(&self, path: &str, token: &str) -> u16 {
        self.server.get(path).bearer(token).send().status
    }
}

#[test]
fn a_login_is_fresh_and_a_refresh_is_not() {
    let api = SessionApi::start();
    let login = api.bed.begin("ada");
    for path in ["/fresh", "/recent", "/any"] {
        assert_eq!(api.status(path, login.access.as_str()), 204, "{path}");
    }
    let renewed = wait(async {
        api.bed.sessions.redeem(login.refresh.as_str()).await.unwrap().issue(|token| token).await
    });
    let renewed = renewed.unwrap();
    assert_eq!(api.status("/any", renewed.access.as_str()), 204);
    for path in ["/fresh", "/recent"] {
        let refused = api.server.get(path).bearer(renewed.access.as_str()).send();
        assert_eq!(refused.status, 401, "{path}");
        let challenge = refused.challenge().unwrap();
        assert!(challenge.contains(r#"error="insufficient_user_authentication""#), "{challenge}");
        assert_eq!(challenge.contains(r#"max_age="600""#), path == "/recent", "{challenge}");
        assert_eq!(refused.json()["code"], "insufficient_user_authentication");
        assert_eq!(refused.header("cache-control"), Some("no-store"));
    }
}

#[test]
fn a_login_is_recent_for_as_long_as_the_handler_says() {
    let api = SessionApi::start();
    let token =
        wait(api.bed.sessions.create(&1, |token| token.lifetime(Duration::from_secs(3600))));
    let token = token.unwrap();
    api.bed.clock.advance(Duration::from_secs(600));
    assert_eq!(api.status("/recent", token.access.as_str()), 204);
    api.bed.clock.advance(Duration::from_secs(1));
    assert_eq!(api.status("/recent", token.access.as_str()), 401);
    assert_eq!(api.status("/fresh", token.access.as_str()), 204);
}

#[test]
fn who_may_not_do_it_anyway_need_not_log_in_again() {
    let api = SessionApi::start();
    assert_eq!(api.status("/fresh-admin", api.bed.begin("ada").access.as_str()), 403);
    let admin = wait(api.bed.sessions.create(&1, |token| token.roles(["admin"]))).unwrap();
    assert_eq!(api.status("/fresh-admin", admin.access.as_str()), 204);
}

#[test]
fn a_route_for_refresh_tokens_takes_no_others() {
    let api = SessionApi::start();
    let tokens = api.bed.begin("ada");
    let taken = api.server.get("/refresh").bearer(tokens.refresh.as_str()).send();
    assert_eq!((taken.status, taken.text()), (200, "\"refresh\""));
    assert_eq!(api.status("/renewals", tokens.refresh.as_str()), 200);
    for path in ["/refresh", "/renewals"] {
        assert_eq!(api.status(path, tokens.access.as_str()), 401, "{path}");
    }
    for path in ["/any", "/fresh", "/recent"] {
        assert_eq!(api.status(path, tokens.refresh.as_str()), 401, "{path}");
    }
    assert_eq!(api.server.get("/refresh").send().challenge(), Some("Bearer"));
}

/// A middleware that lets strangers pass knows the way to refresh tokens.
#[test]
fn a_route_for_refresh_tokens_may_be_inside_an_optional_middleware() {
    let sessions = Sessions::builder(issuer(&TestClock::new())).build().unwrap();
    let auth = JwtAuth::for_sessions(&sessions).build().unwrap();
    let server = TestServer::start(move || App::new().wrap(auth.optional()).service(refresh));
    assert_eq!(server.get("/refresh").send().challenge(), Some("Bearer"));
}

#[test]
fn without_sessions_there_are_no_refresh_tokens() {
    let clock = TestClock::new();
    let auth = JwtAuth::new(issuer(&clock).verifier().build().unwrap());
    let server = TestServer::start(move || App::new().app_data(auth.clone()).service(refresh));
    assert_eq!(server.get("/refresh").bearer("a.b.c").send().status, 500);
}
