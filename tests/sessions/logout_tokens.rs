//! OIDC Back-Channel Logout: what an issuer sends, and what it ends.

use actix_web::{App, HttpResponse, web};
use jwt_verify::{
    Algorithm, BackChannelLogout, JwkSet, JwtAuth, LogoutTokenVerifier, MemoryRevocation,
    TrustedIssuer, VerificationKey, Verifier,
};
use jwt_verify_tests::{AUDIENCE, START, SigningKey, TestClock, TestServer, Token};
use serde_json::{Value, json};

const ISSUER: &str = "https://login.example";
const CLIENT: &str = "my-client";
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What the issuer sends.
fn logout_token() -> Token {
    let events: Value = json!({ EVENT: {} });
    let token = Token::of(ISSUER).claim("aud", CLIENT).header("typ", "logout+jwt");
    token.claim("jti", "l-1").claim("sid", "session-1").claim("events", events)
}

struct World {
    key: SigningKey,
    server: TestServer,
}

impl World {
    fn new() -> Self {
        Self::with(|logout| logout)
    }

    fn with(change: fn(BackChannelLogout) -> BackChannelLogout) -> Self {
        let (key, clock) = (SigningKey::new(Algorithm::RS256, "k"), TestClock::new());
        let keys = || JwkSet::new([VerificationKey::from_jwk(&key.jwk().to_string()).unwrap()]);
        let store = MemoryRevocation::with_clock(clock.clone());
        let tokens = LogoutTokenVerifier::new(ISSUER, CLIENT, |verifier| {
            verifier.keys(keys()).clock(clock.clone())
        })
        .unwrap();
        let api = Verifier::builder(ISSUER, AUDIENCE).keys(keys()).clock(clock.clone());
        let auth = JwtAuth::new(api.revocation(store.clone()).build().unwrap());
        let server = TestServer::start(move || {
            App::new()
                .service(change(BackChannelLogout::new("/logout", tokens.clone(), store.clone())))
                .service(
                    web::scope("/api")
                        .wrap(auth.clone())
                        .route("", web::get().to(HttpResponse::NoContent)),
                )
        });
        Self { key, server }
    }

    fn send(&self, token: &Token) -> jwt_verify_tests::Response {
        let form = format!("logout_token={}", token.sign(&self.key));
        let form_type = "application/x-www-form-urlencoded";
        self.server.request("POST", "/logout").body(form_type, &form).send()
    }

    fn status(&self, session: &str, issued_at: u64) -> u16 {
        let token = Token::of(ISSUER).claim("jti", session).claim("sid", session);
        let token = token.claim("iat", issued_at).sign(&self.key);
        self.server.get("/api").bearer(token).send().status
    }
}

#[test]
fn a_session_that_the_issuer_has_ended_is_over() {
    let world = World::new();
    assert_eq!(world.status("session-1", START), 204);
    let answer = world.send(&logout_token());
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    assert_eq!(world.status("session-1", START), 401);
    assert_eq!(world.status("session-2", START), 204);
    assert_eq!(world.send(&logout_token()).status, 200, "said twice is said once");
}

#[test]
fn without_a_session_all_of_the_subject_are_over() {
    let world = World::new();
    assert_eq!(world.send(&logout_token().without("sid")).status, 200);
    assert_eq!(world.status("session-1", START), 401);
    assert_eq!(world.status("session-2", START + 1), 204, "it began later");
}

/// An issuer that nobody has listed would be one of access tokens.
#[test]
fn issuers_of_logout_tokens_are_listed() {
    let resolving = LogoutTokenVerifier::new(ISSUER, CLIENT, |verifier| {
        verifier.issuer_resolver(|_: &str| None::<TrustedIssuer>)
    });
    assert!(resolving.is_err());
}

/// For issuers whose access tokens do not name their session.
#[test]
fn all_of_the_subject_can_be_over_with_a_session() {
    let world = World::with(BackChannelLogout::whole_subject);
    assert_eq!(world.send(&logout_token()).status, 200);
    assert_eq!(world.status("session-1", START), 401);
    assert_eq!(world.status("session-2", START), 401);
}

#[test]
fn anything_else_is_refused_and_ends_nothing() {
    let world = World::new();
    for (what, token) in [
        ("no event", logout_token().without("events")),
        ("another event", logout_token().claim("events", json!({"x": {}}))),
        ("a nonce", logout_token().claim("nonce", "n")),
        ("another issuer", logout_token().claim("iss", "https://evil.example")),
        ("another client", logout_token().claim("aud", "another")),
        ("no jti", logout_token().without("jti")),
        ("no iat", logout_token().without("iat")),
        ("no exp", logout_token().without("exp")),
        ("expired", logout_token().claim("exp", START - 61)),
        ("nobody", logout_token().without("sid").without("sub")),
        ("an access token", Token::of(ISSUER).claim("aud", CLIENT).claim("sid", "session-1")),
        ("another type", logout_token().header("typ", "at+jwt")),
    ] {
        let answer = world.send(&token);
        assert_eq!(
            (answer.status, answer.json()["error"].clone()),
            (400, json!("invalid_request")),
            "{what}"
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let stranger = SigningKey::new(Algorithm::RS256, "k");
    let form = format!("logout_token={}", logout_token().sign(&stranger));
    let post = |content_type: &str, body: &str| {
        world.server.request("POST", "/logout").body(content_type, body).send().status
    };
    assert_eq!(post("application/x-www-form-urlencoded", &form), 400);
    assert_eq!(post("application/x-www-form-urlencoded", "x=y"), 400);
    assert_eq!(post("application/json", "{}"), 400);
    assert_eq!(world.status("session-1", START), 204);
}
