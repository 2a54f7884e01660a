//! An API that receives security events.

use std::sync::LazyLock;

use actix_web::{App, HttpResponse, web};
use jwt_verify::{
    Algorithm, JwkSet, JwtAuth, TrustedIssuer, VerificationKey,
    revocation::{MemoryRevocation, RevocationStore},
    security_events::{SecurityEventReceiver, SecurityEventReceiverBuilder, Transmitter},
};
use jwt_verify_tests::{AUDIENCE, Response, START, SigningKey, TestClock, TestServer, Token};
use serde_json::{Value, json};

pub(crate) const TRANSMITTER: &str = "https://signals.example";
pub(crate) const ISSUER: &str = "https://login.example";
pub(crate) const RECEIVER: &str = "https://api.example/events";
pub(crate) const CAEP: &str = "https://schemas.openid.net/secevent/caep/event-type/";
pub(crate) const RISC: &str = "https://schemas.openid.net/secevent/risc/event-type/";
pub(crate) const SSF: &str = "https://schemas.openid.net/secevent/ssf/event-type/";

/// An API with a receiver, and both of their keys.
pub(crate) struct EventBed {
    pub(crate) key: &'static SigningKey,
    pub(crate) issuer_key: &'static SigningKey,
    pub(crate) clock: TestClock,
    pub(crate) store: MemoryRevocation,
    pub(crate) server: TestServer,
}

pub(crate) fn keys(key: &SigningKey) -> JwkSet {
    JwkSet::new([VerificationKey::from_jwk(&key.jwk().to_string()).unwrap()])
}

impl EventBed {
    pub(crate) fn new() -> Self {
        Self::with(|events| events)
    }

    pub(crate) fn with(
        change: impl FnOnce(SecurityEventReceiverBuilder) -> SecurityEventReceiverBuilder,
    ) -> Self {
        let clock = TestClock::new();
        let store = MemoryRevocation::with_clock(clock.clone());
        Self::on(clock, store.clone(), store, change)
    }

    pub(crate) fn on(
        clock: TestClock,
        store: MemoryRevocation,
        of_receiver: impl RevocationStore,
        change: impl FnOnce(SecurityEventReceiverBuilder) -> SecurityEventReceiverBuilder,
    ) -> Self {
        Self::of(clock, store, of_receiver, None, change)
    }

    /// An API whose transmitter may speak about the users of another issuer too, if there is one.
    pub(crate) fn of(
        clock: TestClock,
        store: MemoryRevocation,
        of_receiver: impl RevocationStore,
        other: Option<&str>,
        change: impl FnOnce(SecurityEventReceiverBuilder) -> SecurityEventReceiverBuilder,
    ) -> Self {
        static KEYS: LazyLock<[SigningKey; 2]> = LazyLock::new(|| {
            ["transmitter", "issuer"].map(|name| SigningKey::new(Algorithm::RS256, name))
        });

        let [key, issuer_key] = &*KEYS;
        let transmitter = Transmitter::new(TRANSMITTER, RECEIVER).keys(keys(key));
        let issuers = std::iter::once(ISSUER).chain(other);
        let transmitter = issuers.fold(transmitter, Transmitter::subjects_of);
        let events = SecurityEventReceiver::builder(transmitter, of_receiver).clock(clock.clone());
        let events = change(events).build().unwrap();
        let issuer = TrustedIssuer::new(ISSUER, AUDIENCE).keys(keys(issuer_key));
        let auth = JwtAuth::for_issuer(issuer).clock(clock.clone()).security_events(&events);
        let auth = auth.build().unwrap();
        let server = TestServer::start(move || {
            let api = web::scope("/api").wrap(auth.clone());
            App::new()
                .service(auth.security_event_route().unwrap())
                .service(api.route("", web::get().to(HttpResponse::NoContent)))
        });
        Self { key, issuer_key, clock, store, server }
    }

    pub(crate) fn push(&self, token: &str) -> Response {
        let request = self.server.request("POST", "/ssf/events");
        request.body("application/secevent+jwt", token).send()
    }

    pub(crate) fn send(&self, token: &Token) -> Response {
        self.push(&token.sign(self.key))
    }

    pub(crate) fn access(&self, name: &str, session: &str, issued_at: u64) -> String {
        let token = Token::of(ISSUER).claim("jti", name).claim("sid", session);
        token.claim("iat", issued_at).claim("exp", START + 1_000_000).sign(self.issuer_key)
    }

    pub(crate) fn answer(&self, access: &str) -> Response {
        self.server.get("/api").bearer(access).send()
    }

    /// The status of a token of the user.
    pub(crate) fn status(&self, name: &str, session: &str, issued_at: u64) -> u16 {
        self.answer(&self.access(name, session, issued_at)).status
    }
}

/// A token about the user of `Token::of`.
pub(crate) fn event(name: &str) -> Token {
    event_with(&format!("{CAEP}{name}"), &json!({}))
}

pub(crate) fn event_with(uri: &str, payload: &Value) -> Token {
    let token = Token::of(TRANSMITTER).header("typ", "secevent+jwt").claim("aud", RECEIVER);
    let subject = Token::of(ISSUER).payload();
    let subject: Value = serde_json::from_str(&subject).unwrap();
    let user = json!({"format": "iss_sub", "iss": ISSUER, "sub": subject["sub"]});
    token
        .without("exp")
        .without("sub")
        .claim("jti", "event-1")
        .claim("sub_id", user)
        .claim("events", json!({ uri: payload }))
}

pub(crate) fn user() -> String {
    let claims: Value = serde_json::from_str(&Token::of(ISSUER).payload()).unwrap();
    claims["sub"].as_str().unwrap().to_owned()
}

pub(crate) fn check_refusal(id: &str, answer: &Response, code: &str) {
    assert_eq!(answer.status, 400, "{id}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{id}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{id}");
    let body = answer.json();
    assert_eq!(body["err"], code, "{id}");
    assert!(body["description"].as_str().is_some_and(|text| !text.is_empty()), "{id}");
    assert_eq!(body.as_object().unwrap().len(), 2, "{id}");
}
