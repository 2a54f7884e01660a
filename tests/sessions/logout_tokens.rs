//! OIDC Back-Channel Logout: what an issuer sends, and what it ends.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use actix_web::{
    App, HttpResponse,
    test::{TestRequest, call_service, init_service},
    web,
};
use jwt_verify::{
    Algorithm, Claims, JwkSet, JwtAuth, Lookup, TrustedIssuer, VerificationKey, Verifier,
    endpoints::BackChannelLogoutEndpoint,
    oidc::LogoutTokenVerifier,
    revocation::{MemoryRevocation, RevocationKeys, RevocationStore as _},
};
use jwt_verify_tests::{AUDIENCE, START, SigningKey, TestClock, TestServer, Token};
use serde_json::{Value, json};
use tracing_subscriber::{filter::LevelFilter, util::SubscriberInitExt as _};

const ISSUER: &str = "https://login.example";
const CLIENT: &str = "my-client";
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What the issuer sends.
fn logout_token() -> Token {
    let events: Value = json!({ EVENT: {} });
    let token = Token::of(ISSUER).claim("aud", CLIENT).header("typ", "logout+jwt");
    token.claim("jti", "l-1").claim("sid", "session-1").claim("events", events)
}

struct LogoutBed {
    key: SigningKey,
    clock: TestClock,
    server: TestServer,
}

impl LogoutBed {
    fn new() -> Self {
        Self::with(|logout| logout)
    }

    fn with(change: fn(BackChannelLogoutEndpoint) -> BackChannelLogoutEndpoint) -> Self {
        let clock = TestClock::new();
        let store = MemoryRevocation::with_clock(clock.clone());
        Self::on(clock, store, change)
    }

    fn on(
        clock: TestClock,
        store: MemoryRevocation,
        change: impl Fn(BackChannelLogoutEndpoint) -> BackChannelLogoutEndpoint + Clone + Send + 'static,
    ) -> Self {
        let key = SigningKey::new(Algorithm::RS256, "k");
        let keys = || JwkSet::new([VerificationKey::from_jwk(&key.jwk().to_string()).unwrap()]);
        let issuer = TrustedIssuer::new(ISSUER, CLIENT).keys(keys());
        let tokens = LogoutTokenVerifier::for_issuer(issuer).clock(clock.clone()).build().unwrap();
        let api = Verifier::for_issuer(TrustedIssuer::new(ISSUER, AUDIENCE).keys(keys()))
            .clock(clock.clone());
        let auth = JwtAuth::new(api.revocation(store.clone()).build().unwrap());
        let server = TestServer::start(move || {
            App::new()
                .service(change(BackChannelLogoutEndpoint::new(
                    "/logout",
                    tokens.clone(),
                    store.clone(),
                )))
                .service(
                    web::scope("/api")
                        .wrap(auth.clone())
                        .route("", web::get().to(HttpResponse::NoContent)),
                )
        });
        Self { key, clock, server }
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
    let bed = LogoutBed::new();
    assert_eq!(bed.status("session-1", START), 204);
    let answer = bed.send(&logout_token());
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    assert_eq!(bed.status("session-1", START + 1), 401);
    assert_eq!(bed.status("session-2", START + 1), 204);
    assert_eq!(bed.send(&logout_token()).status, 200, "said twice is said once");
}

/// WEA-13: most access tokens do not say which session they belong to.
#[test]
fn tokens_that_name_no_session_are_over_too() {
    let bed = LogoutBed::new();
    let nameless = Token::of(ISSUER).claim("jti", "x").sign(&bed.key);
    let status = || bed.server.get("/api").bearer(&nameless).send().status;
    assert_eq!(status(), 204);
    assert_eq!(bed.send(&logout_token()).status, 200);
    assert_eq!(status(), 401);
    assert_eq!(bed.status("session-2", START + 1), 204, "it began later");
}

/// WEA-13: as long as a token of a month.
#[test]
fn what_has_ended_stays_so() {
    let bed = LogoutBed::new();
    let month = 30 * 24 * 3600;
    let token = Token::of(ISSUER).claim("jti", "x").claim("sid", "session-1");
    let token = token.claim("exp", START + month).sign(&bed.key);
    assert_eq!(bed.send(&logout_token()).status, 200);
    for _ in 0..29 {
        bed.clock.advance(Duration::from_secs(24 * 3600));
        assert_eq!(bed.server.get("/api").bearer(&token).send().status, 401);
    }
}

#[test]
fn without_a_session_all_of_the_subject_are_over() {
    let bed = LogoutBed::new();
    assert_eq!(bed.send(&logout_token().without("sid")).status, 200);
    assert_eq!(bed.status("session-1", START), 401);
    assert_eq!(bed.status("session-2", START + 1), 204, "it began later");
}

/// WEA-13: for issuers whose access tokens name their session, and users with several devices.
#[test]
fn a_session_can_be_over_alone() {
    let bed = LogoutBed::with(BackChannelLogoutEndpoint::sessions_only);
    assert_eq!(bed.send(&logout_token()).status, 200);
    assert_eq!(bed.status("session-1", START), 401);
    assert_eq!(bed.status("session-2", START), 204);
    assert_eq!(bed.send(&logout_token().without("sid")).status, 200);
    assert_eq!(bed.status("session-2", START), 401, "there is nothing else to go by");
}

fn is_marked(store: &MemoryRevocation) -> bool {
    let claims = json!({"iss": ISSUER, "sid": "session-1"}).to_string();
    let claims: Claims = serde_json::from_str(&claims).unwrap();
    match store.check(&RevocationKeys::of(&claims)) {
        Lookup::Ready(answer) => answer.unwrap(),
        Lookup::Pending(_) => panic!("it is in memory"),
    }
}

/// WEA-13: as long as the longest token that the API accepts.
#[test]
fn what_has_ended_is_kept_for_what_the_api_accepts() {
    let hour = Duration::from_secs(3600);
    let api = |longest: Option<Duration>| {
        let key = SigningKey::new(Algorithm::RS256, "k");
        let keys = JwkSet::new([VerificationKey::from_jwk(&key.jwk().to_string()).unwrap()]);
        let issuer = TrustedIssuer::new(ISSUER, AUDIENCE).keys(keys);
        let issuer = longest.into_iter().fold(issuer, TrustedIssuer::max_lifetime);
        Verifier::for_issuer(issuer).build().unwrap()
    };
    // The store keeps it ten minutes longer.
    for (longest, kept) in [(Some(hour), hour), (None, 30 * 24 * hour)] {
        let clock = TestClock::new();
        let store = MemoryRevocation::with_clock(clock.clone());
        let api = api(longest);
        let bed =
            LogoutBed::on(clock.clone(), store.clone(), move |logout| logout.retention_for(&api));
        assert_eq!(bed.send(&logout_token()).status, 200);
        clock.advance(kept + Duration::from_secs(599));
        assert!(is_marked(&store), "{kept:?}");
        clock.advance(Duration::from_secs(1));
        assert!(!is_marked(&store), "{kept:?}");
    }
}

/// Ory Hydra and older versions of Keycloak and authentik send no `exp`.
#[test]
fn without_exp_it_counts_for_five_minutes() {
    for (iat, status) in [
        (START + 60, 200),
        (START, 200),
        (START - 300, 200),
        (START - 359, 200),
        (START - 360, 400),
        (START - 86_400, 400),
        (START + 61, 400),
    ] {
        let bed = LogoutBed::new();
        let token = logout_token().without("exp").claim("iat", iat);
        assert_eq!(bed.send(&token).status, status, "{iat}");
        let is_over = bed.status("session-1", START - 400) == 401;
        assert_eq!(is_over, status == 200, "{iat}");
    }
    // Sent again it ends nothing more, and later it is refused.
    let bed = LogoutBed::new();
    let token = logout_token().without("exp");
    assert_eq!(bed.send(&token).status, 200);
    bed.clock.advance(Duration::from_secs(359));
    assert_eq!(bed.send(&token).status, 200);
    assert_eq!(bed.status("session-2", START + 1), 204);
    bed.clock.advance(Duration::from_secs(1));
    assert_eq!(bed.send(&token).status, 400);
    // Tokens of other kinds need it.
    let access = Token::of(ISSUER).claim("jti", "x").without("exp").sign(&bed.key);
    assert_eq!(bed.server.get("/api").bearer(access).send().status, 401);
}

/// Users stay logged in where the issuer believes that they are not.
#[test]
fn a_refused_token_is_a_warning_and_many_are_one() {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let log = Log::default();
    let writer = log.clone();
    let _default = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(LevelFilter::WARN)
        .with_writer(move || writer.clone())
        .finish()
        .set_default();
    let (key, clock) = (SigningKey::new(Algorithm::RS256, "k"), TestClock::new());
    let keys = JwkSet::new([VerificationKey::from_jwk(&key.jwk().to_string()).unwrap()]);
    let issuer = TrustedIssuer::new(ISSUER, CLIENT).keys(keys);
    let tokens = LogoutTokenVerifier::for_issuer(issuer).clock(clock.clone()).build().unwrap();
    let store = MemoryRevocation::with_clock(clock.clone());
    let old = logout_token().without("exp").claim("iat", START - 360).sign(&key);
    actix_web::rt::System::new().block_on(async {
        // As each worker has it.
        for pause in [0, 0, 10] {
            clock.advance(Duration::from_secs(pause));
            let endpoint = BackChannelLogoutEndpoint::new("/logout", tokens.clone(), store.clone());
            let app = init_service(App::new().service(endpoint)).await;
            for token in [old.as_str(), "x.y.z"] {
                let request = TestRequest::post().uri("/logout");
                let request = request.set_form([("logout_token", token)]).to_request();
                assert_eq!(call_service(&app, request).await.status().as_u16(), 400);
            }
        }
    });
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_eq!(log.matches("refused a logout token").count(), 2, "{log}");
    assert!(log.contains(r#"reason="token_expired" others=0"#), "{log}");
    assert!(log.contains(r#"reason="token_expired" others=3"#), "{log}");
    assert!(!log.contains(&old[old.len() - 20..]), "{log}");
}

#[test]
fn anything_else_is_refused_and_ends_nothing() {
    let bed = LogoutBed::new();
    for (what, token) in [
        ("no event", logout_token().without("events")),
        ("another event", logout_token().claim("events", json!({"x": {}}))),
        ("a nonce", logout_token().claim("nonce", "n")),
        ("another issuer", logout_token().claim("iss", "https://evil.example")),
        ("another client", logout_token().claim("aud", "another")),
        ("no jti", logout_token().without("jti")),
        ("no iat", logout_token().without("iat")),
        ("exp is no date", logout_token().claim("exp", "soon")),
        ("no exp, no iat", logout_token().without("exp").without("iat")),
        ("no exp, no jti", logout_token().without("exp").without("jti")),
        ("no exp, a nonce", logout_token().without("exp").claim("nonce", "n")),
        ("no exp, no event", logout_token().without("exp").without("events")),
        ("no exp, too old", logout_token().without("exp").claim("iat", START - 360)),
        ("no exp, in the future", logout_token().without("exp").claim("iat", START + 61)),
        ("expired", logout_token().claim("exp", START - 61)),
        ("nobody", logout_token().without("sid").without("sub")),
        ("an access token", Token::of(ISSUER).claim("aud", CLIENT).claim("sid", "session-1")),
        ("another type", logout_token().header("typ", "at+jwt")),
    ] {
        let answer = bed.send(&token);
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
        bed.server.request("POST", "/logout").body(content_type, body).send().status
    };
    assert_eq!(post("application/x-www-form-urlencoded", &form), 400);
    assert_eq!(post("application/x-www-form-urlencoded", "x=y"), 400);
    assert_eq!(post("application/json", "{}"), 400);
    assert_eq!(bed.status("session-1", START), 204);
}
