//! `#[require(fresh)]` and `#[require(refresh)]`.

use std::time::Duration;

use actix_web::{App, HttpResponse, Responder, get, web};
use jwt_verify::{
    JwtAuth, Requirement, VerifiedClaims, require,
    sessions::{Sessions, TokenPair},
};
use jwt_verify_tests::{TestClock, TestServer};

use crate::{issuer, wait};

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

struct World {
    clock: TestClock,
    sessions: Sessions,
    server: TestServer,
}

fn world() -> World {
    let clock = TestClock::new();
    let sessions = Sessions::builder(issuer(&clock)).build().unwrap();
    let auth = JwtAuth::for_sessions(&sessions).build().unwrap();
    let server = TestServer::start(move || {
        let renewals = auth.require(Requirement::authenticated().refresh_token());
        App::new()
            .app_data(auth.clone())
            .service((fresh, recent, fresh_admin, refresh, any))
            .service(
                web::scope("/renewals").wrap(renewals).route("", web::get().to(HttpResponse::Ok)),
            )
    });
    World { clock, sessions, server }
}

impl World {
    fn status(&self, path: &str, token: &str) -> u16 {
        self.server.get(path).bearer(token).send().status
    }

    fn login(&self) -> TokenPair {
        wait(self.sessions.create(&1, |token| token)).unwrap()
    }
}

#[test]
fn a_login_is_fresh_and_a_refresh_is_not() {
    let world = world();
    let login = world.login();
    for path in ["/fresh", "/recent", "/any"] {
        assert_eq!(world.status(path, login.access.as_str()), 204, "{path}");
    }
    let renewed = wait(async {
        world.sessions.redeem(login.refresh.as_str()).await.unwrap().issue(|token| token).await
    });
    let renewed = renewed.unwrap();
    assert_eq!(world.status("/any", renewed.access.as_str()), 204);
    for path in ["/fresh", "/recent"] {
        let refused = world.server.get(path).bearer(renewed.access.as_str()).send();
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
    let world = world();
    let token = wait(world.sessions.create(&1, |token| token.lifetime(Duration::from_secs(3600))));
    let token = token.unwrap();
    world.clock.advance(Duration::from_secs(600));
    assert_eq!(world.status("/recent", token.access.as_str()), 204);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.status("/recent", token.access.as_str()), 401);
    assert_eq!(world.status("/fresh", token.access.as_str()), 204);
}

#[test]
fn who_may_not_do_it_anyway_need_not_log_in_again() {
    let world = world();
    assert_eq!(world.status("/fresh-admin", world.login().access.as_str()), 403);
    let admin = wait(world.sessions.create(&1, |token| token.roles(["admin"]))).unwrap();
    assert_eq!(world.status("/fresh-admin", admin.access.as_str()), 204);
}

#[test]
fn a_route_for_refresh_tokens_takes_no_others() {
    let world = world();
    let tokens = world.login();
    let taken = world.server.get("/refresh").bearer(tokens.refresh.as_str()).send();
    assert_eq!((taken.status, taken.text()), (200, "\"refresh\""));
    assert_eq!(world.status("/renewals", tokens.refresh.as_str()), 200);
    for path in ["/refresh", "/renewals"] {
        assert_eq!(world.status(path, tokens.access.as_str()), 401, "{path}");
    }
    for path in ["/any", "/fresh", "/recent"] {
        assert_eq!(world.status(path, tokens.refresh.as_str()), 401, "{path}");
    }
    assert_eq!(world.server.get("/refresh").send().challenge(), Some("Bearer"));
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
