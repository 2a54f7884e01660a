//! The end of a stream by a revocation, and because its credential would be refused now.

use actix_web::http::header::HeaderValue;
use jwt_verify::{
    AuthError, BoxFuture, JwkSet, Lookup, Secret, StoreUnavailable, TrustedIssuer, VerificationKey,
    api_keys::{ApiKeys, ManageApiKeys, MemoryApiKeys},
    extract::{Attempt, Authenticated, Authenticator, CredentialKind, Presented},
    introspection::Introspection,
    revocation::{MemoryRevocation, Revocation, RevocationKeys, RevocationStore},
};
use jwt_verify_tests::{IntrospectionEndpoint, eventually};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use super::*;

/// Longer than a stream may stay open after a change that was not told of.
const SOON: Duration = Duration::from_secs(3);

const REVOKED: Option<EndOfAccess> = Some(EndOfAccess::Revoked);

fn block_on<F: Future>(future: F) -> F::Output {
    actix_web::rt::System::new().block_on(future)
}

fn revoke(store: &MemoryRevocation, what: &Revocation) {
    let until = Duration::from_secs(jwt_verify_tests::START + 3600);
    block_on(store.revoke(what, until)).unwrap();
}

fn assert_ends(guard: &StreamGuard, end: EndOfAccess) {
    let start = Instant::now();
    assert_eq!(end_of(guard), end);
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
}

/// Opens a stream for each token, and returns what becomes of it after a revocation.
fn after_revocation(
    what: impl FnOnce(&str) -> Revocation,
    tokens: &[Value],
) -> Vec<Option<EndOfAccess>> {
    let bed = TestBed::new();
    let store = MemoryRevocation::with_clock(bed.clock.clone());
    let streams = Streams::serve(&bed.auth().revocation(store.clone()).build().unwrap());
    let open = tokens.iter().map(|claims| streams.open(&bed.token_with(claims)));
    let open: Vec<_> = open.collect();
    assert!(open.iter().all(|(guard, _)| guard.end().is_none()));
    revoke(&store, &what(bed.issuer.url()));
    // Nothing passes from that moment on, whether the sweeper has run or not.
    let ends = open.iter().map(|(guard, _)| guard.end()).collect();
    for (guard, body) in open.into_iter().filter(|(guard, _)| guard.end().is_some()) {
        assert_eq!(body.join().unwrap(), format!("data: hello\n\n{}", last_event("revoked")));
        assert_eq!(guard.end(), REVOKED);
    }
    ends
}

/// STR-05: the streams of a token, a session or a subject end when it is revoked, and no others.
#[test]
fn what_is_revoked_ends_its_streams_at_once() {
    let tokens = [
        json!({"jti": "1", "sid": "a", "sub": "ada"}),
        json!({"jti": "2", "sid": "a", "sub": "ada"}),
        json!({"jti": "3", "sid": "b", "sub": "ada"}),
        json!({"jti": "4", "sid": "c", "sub": "bob"}),
    ];
    let of_token = after_revocation(|issuer| Revocation::token(issuer, "1"), &tokens);
    assert_eq!(of_token, [REVOKED, None, None, None]);
    let of_session = after_revocation(|issuer| Revocation::session(issuer, "a"), &tokens);
    assert_eq!(of_session, [REVOKED, REVOKED, None, None]);
    let until = Duration::from_secs(jwt_verify_tests::START);
    let of_subject = after_revocation(|issuer| Revocation::subject(issuer, "ada", until), &tokens);
    assert_eq!(of_subject, [REVOKED, REVOKED, REVOKED, None]);
}

/// STR-05: who waits for the end is woken by the revocation.
#[test]
fn who_waits_is_woken_by_a_revocation() {
    let bed = TestBed::new();
    let store = MemoryRevocation::with_clock(bed.clock.clone());
    let streams = Streams::serve(&bed.auth().revocation(store.clone()).build().unwrap());
    let (guard, body) = streams.open(&bed.token_with(&json!({"jti": "1"})));
    let start = Instant::now();
    revoke(&store, &Revocation::token(bed.issuer.url(), "1"));
    assert!(body.join().unwrap().ends_with(&last_event("revoked")));
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert_eq!(guard.end(), REVOKED);
}

/// A store that tells of no changes, and that can be made to fail.
#[derive(Debug, Clone, Default)]
struct Told {
    answer: Arc<AtomicU8>,
    is_remote: bool,
}

const GOOD: u8 = 0;
const BAD: u8 = 1;
const UNKNOWN: u8 = 2;

impl Told {
    fn tell(&self, answer: u8) {
        self.answer.store(answer, Ordering::SeqCst);
    }
}

impl RevocationStore for Told {
    fn check<'a>(&'a self, _: &'a RevocationKeys) -> Lookup<'a, Result<bool, StoreUnavailable>> {
        let answer = match self.answer.load(Ordering::SeqCst) {
            GOOD => Ok(false),
            BAD => Ok(true),
            _ => Err(StoreUnavailable::new()),
        };
        if !self.is_remote {
            return Lookup::Ready(answer);
        }
        Lookup::Pending(Box::pin(async {
            tokio::task::yield_now().await;
            answer
        }))
    }

    fn revoke<'a>(
        &'a self,
        _: &'a Revocation,
        _: Duration,
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        Box::pin(std::future::ready(Err(StoreUnavailable::new())))
    }

    fn is_immediate(&self) -> bool {
        !self.is_remote
    }
}

/// STR-06: a store that tells of nothing is asked from time to time; while it does not answer,
/// streams end as requests are refused, and stay open with `revocation_fails_open`.
#[test]
fn a_store_that_tells_of_nothing_is_asked() {
    for is_remote in [false, true] {
        for (answer, fails_open, end) in [
            (BAD, false, EndOfAccess::Revoked),
            (UNKNOWN, false, EndOfAccess::Unavailable),
            (BAD, true, EndOfAccess::Revoked),
        ] {
            let bed = TestBed::new();
            let store = Told { is_remote, ..Told::default() };
            let mut auth = bed.auth().revocation(store.clone());
            if fails_open {
                auth = auth.revocation_fails_open();
            }
            let streams = Streams::serve(&auth.build().unwrap());
            let (guard, _) = streams.open(&bed.token_with(&json!({"jti": "1"})));
            if fails_open {
                store.tell(UNKNOWN);
                std::thread::sleep(Duration::from_millis(2800));
                assert_eq!(guard.end(), None);
            }
            store.tell(answer);
            assert_ends(&guard, end);
        }
    }
}

/// STR-07: a stream ends when the key that its token was signed with is withdrawn, and not when
/// another key is published.
#[test]
fn a_stream_ends_when_its_key_is_withdrawn() {
    let bed = TestBed::new();
    let streams = Streams::serve(&bed.auth().build().unwrap());
    let (old, body) = streams.open(&bed.good());
    let newer = SigningKey::new(Algorithm::ES256, "key-2");
    bed.issuer.publish(&[&bed.key, &newer]);
    let (new, _) = streams.open(&bed.token().sign(&newer));
    std::thread::sleep(Duration::from_millis(1200));
    assert_eq!((old.end(), new.end()), (None, None));
    bed.issuer.publish(&[&newer]);
    bed.clock.advance(Duration::from_secs(31));
    // A token of an unknown key has the set fetched.
    let unknown = SigningKey::new(Algorithm::ES256, "unknown");
    let answer = streams.api.get("/").bearer(bed.token().sign(&unknown)).send();
    assert_eq!(answer.status, 401);
    assert_ends(&old, EndOfAccess::KeyWithdrawn);
    assert!(body.join().unwrap().ends_with(&last_event("key_withdrawn")));
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(new.end(), None);
}

/// STR-08: a stream of an API key ends when the key is removed.
#[test]
fn a_stream_ends_when_its_api_key_is_removed() {
    let bed = TestBed::new();
    let store = MemoryApiKeys::new();
    let secret = Secret::from("the secret of the hashes, 32 bytes");
    let keys = ApiKeys::builder(secret, store.clone()).build().unwrap();
    let streams = Streams::serve(&bed.auth().api_keys(keys.clone()).build().unwrap());
    let mut open = Vec::new();
    for number in 0..3 {
        let key = keys.generate().unwrap();
        let record = keys.record(&key, format!("ada-{number}")).build().unwrap();
        let hash = record.hash();
        assert!(store.insert_now(record));
        let key = key.expose().to_owned();
        let request = streams.api.get("/events");
        let request = match number {
            0 => request.header("X-Api-Key", &key),
            1 => request.header("Authorization", format!("ApiKey {key}")),
            _ => request.bearer(&key),
        };
        let (guard, _) = streams.open_by(request);
        assert_eq!((guard.end(), guard.time_left()), (None, None), "it has no end");
        open.push((guard, hash));
    }
    std::thread::sleep(Duration::from_millis(1500));
    for (guard, hash) in open {
        assert_eq!(guard.end(), None);
        assert!(block_on(ManageApiKeys::revoke(&store, hash)).unwrap());
        assert_ends(&guard, EndOfAccess::Revoked);
    }
}

/// STR-08: a stream of an opaque token ends when the issuer says that the token is not active, once
/// its answer is out of use.
#[test]
fn a_stream_ends_when_the_issuer_says_so() {
    let bed = TestBed::new();
    let endpoint = IntrospectionEndpoint::start();
    let now = jwt_verify_tests::START;
    let members = json!({
        "iss": bed.issuer.url(), "sub": "alice", "aud": AUDIENCE, "client_id": "web",
        "token_type": "Bearer", "iat": now, "exp": now + 600,
    });
    let introspection = Introspection::at(endpoint.url()).client_secret_basic("api", "secret");
    let issuer = TrustedIssuer::new(bed.issuer.url(), AUDIENCE).algorithms([bed.key.algorithm()]);
    let auth = JwtAuth::for_issuer(issuer).clock(bed.clock.clone()).introspection(introspection);
    let streams = Streams::serve(&auth.build().unwrap());
    for token in ["opaque-1", "opaque-2"] {
        endpoint.activate(token, &members);
    }
    let (gone, _) = streams.open("opaque-1");
    let (kept, _) = streams.open("opaque-2");
    assert_eq!(gone.time_left(), Some(Duration::from_secs(600)));
    std::thread::sleep(Duration::from_millis(700));
    endpoint.revoke("opaque-1");
    bed.clock.advance(Duration::from_secs(60));
    assert_ends(&gone, EndOfAccess::Revoked);
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(kept.end(), None);
    bed.clock.advance(Duration::from_secs(540));
    assert_eq!(end_of(&kept), EndOfAccess::Expired);
}

/// STR-09: more streams than are allowed are refused with 503, and a closed one makes room.
#[test]
fn only_so_many_streams_are_open() {
    let bed = TestBed::new();
    let streams = Streams::serve(&bed.auth().max_open_streams(2).build().unwrap());
    let token = bed.good();
    let (first, body) = streams.open(&token);
    let (_second, _) = streams.open(&token);
    let refused = streams.api.get("/events").bearer(&token).send();
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    bed.clock.advance(Duration::from_secs(600));
    body.join().unwrap();
    drop(first);
    let later = bed.token().claim("exp", jwt_verify_tests::START + 1200).sign(&bed.key);
    let (third, _) = streams.open(&later);
    assert_eq!(third.end(), None);
    let error = bed.auth().max_open_streams(0).build().unwrap_err().to_string();
    assert!(error.contains("max_open_streams"), "{error}");
}

/// Sessions of the application, by a rule that panics when it looks at Ada's again, and does not answer when
/// it looks at Eve's.
#[derive(Clone, Default)]
struct Fragile {
    is_silent: Arc<AtomicBool>,
}

impl Authenticator for Fragile {
    fn credential_kind(&self) -> CredentialKind {
        CredentialKind::Other("session")
    }

    fn authenticate<'r>(&'r self, presented: Presented<'r>) -> Attempt<'r> {
        match self.credential_text(presented) {
            Some(text) => Attempt::ready(session_of(text)),
            None => Attempt::not_mine(),
        }
    }

    fn credential_text<'r>(&self, presented: Presented<'r>) -> Option<&'r [u8]> {
        presented.request().headers().get("x-session").map(HeaderValue::as_bytes)
    }

    fn authenticate_text<'r>(&'r self, text: &'r [u8]) -> Attempt<'r> {
        assert_ne!(text, b"ada", "the rule of an application that panics");
        if text != b"eve" {
            return Attempt::ready(session_of(text));
        }
        Attempt::pending(async move {
            self.is_silent.store(true, Ordering::SeqCst);
            std::future::pending().await
        })
    }
}

fn session_of(text: &[u8]) -> Result<Authenticated, AuthError> {
    Authenticated::from_json(&json!({ "sub": String::from_utf8_lossy(text) }))
}

/// Answers at once, and panics when it is asked about one token again.
#[derive(Debug)]
struct FragileStore;

impl RevocationStore for FragileStore {
    fn check<'a>(&'a self, keys: &'a RevocationKeys) -> Lookup<'a, Result<bool, StoreUnavailable>> {
        let is_sweeper = std::thread::current().name() == Some("jwt-streams");
        let fragile = Revocation::token("fragile", "1");
        assert!(!is_sweeper || keys.keys().all(|key| key != fragile.key()), "a store that panics");
        Lookup::Ready(Ok(false))
    }

    fn revoke<'a>(
        &'a self,
        _: &'a Revocation,
        _: Duration,
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        Box::pin(std::future::ready(Err(StoreUnavailable::new())))
    }

    fn is_immediate(&self) -> bool {
        true
    }
}

/// STR-16: a store that panics ends the stream that it was asked about, and no other.
#[test]
fn a_store_that_panics_ends_one_stream() {
    let bed = TestBed::new();
    let key = SigningKey::new(Algorithm::ES256, "fragile");
    let fragile = JwkSet::new([VerificationKey::from_jwk(&key.jwk().to_string()).unwrap()]);
    let fragile = TrustedIssuer::new("fragile", AUDIENCE).keys(fragile);
    let fragile = fragile.algorithms([Algorithm::ES256]);
    let auth = bed.auth().issuer(fragile).revocation(FragileStore).build().unwrap();
    let streams = Streams::serve(&auth);
    let kept = streams.open(&bed.token_with(&json!({"jti": "1"}))).0;
    let token = Token::of("fragile").claim("jti", "1").sign(&key);
    let gone = streams.open(&token).0;
    assert_ends(&gone, EndOfAccess::Unavailable);
    assert_eq!(kept.end(), None);
}

/// STR-16: a rule of the application that panics ends the stream that it was asked about, and no
/// other.
#[test]
fn a_rule_that_panics_ends_one_stream() {
    let bed = TestBed::new();
    let streams = Streams::serve(&bed.auth().authenticator(Fragile::default()).build().unwrap());
    let open = |name: &str| streams.open_by(streams.api.get("/events").header("x-session", name)).0;
    let (kept, gone) = (open("bob"), open("ada"));
    assert_ends(&gone, EndOfAccess::Unavailable);
    assert_eq!(kept.end(), None);
    // The others are looked at as before.
    assert_ends(&open("ada"), EndOfAccess::Unavailable);
    assert_eq!(kept.end(), None);
}

/// STR-17: a source that does not answer holds up no stream of another kind of credential.
#[test]
fn a_source_that_does_not_answer_holds_up_no_other() {
    let bed = TestBed::new();
    let (sessions, store) = (Fragile::default(), Told { is_remote: true, ..Told::default() });
    let auth = bed.auth().authenticator(sessions.clone()).revocation(store.clone());
    let streams = Streams::serve(&auth.build().unwrap());
    let held = streams.open_by(streams.api.get("/events").header("x-session", "eve")).0;
    eventually("it is asked", || sessions.is_silent.load(Ordering::SeqCst));
    let (guard, _) = streams.open(&bed.token_with(&json!({"jti": "1"})));
    store.tell(BAD);
    assert_ends(&guard, EndOfAccess::Revoked);
    assert_eq!(held.end(), None);
}
