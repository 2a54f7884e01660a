//! Streams of security events with the transmitter of the test kit: set-up, verification, rotation,
//! polling, and what arrives late, twice or in another order.

use std::time::{Duration, Instant};

use actix_web::{App, HttpResponse, web};
use jwt_verify::{
    Algorithm, JwtAuth,
    endpoints::SecurityEventEndpoint,
    revocation::MemoryRevocation,
    security_events::{
        EventPoll, EventStreams, SecurityEventReceiver, SecurityEventReceiverBuilder,
        SecurityEventType, StreamError, StreamRequest, StreamStatus, Transmitter,
    },
    testing::{TestIssuer, TestTransmitter},
};
use jwt_verify_tests::{Answer, FakeIssuer, TestServer, eventually};
use serde_json::json;

const VERIFICATION: &str = "https://schemas.openid.net/secevent/ssf/event-type/verification";

struct StreamBed {
    issuer: TestIssuer,
    transmitter: TestTransmitter,
    events: SecurityEventReceiver,
    server: TestServer,
}

impl StreamBed {
    fn new() -> Self {
        Self::with(|events, _| events)
    }

    fn with(
        change: impl FnOnce(
            SecurityEventReceiverBuilder,
            &TestTransmitter,
        ) -> SecurityEventReceiverBuilder,
    ) -> Self {
        let (issuer, transmitter) = (TestIssuer::start(), TestTransmitter::start());
        let events = transmitter.receiver(issuer.url(), MemoryRevocation::new());
        let events = change(events, &transmitter).build().unwrap();
        let auth: JwtAuth = issuer.auth().security_events(&events).build().unwrap();
        let endpoint = events.clone();
        let server = TestServer::start(move || {
            let api = web::scope("/api").wrap(auth.clone());
            App::new()
                .service(SecurityEventEndpoint::new(endpoint.clone()))
                .service(api.route("", web::get().to(HttpResponse::NoContent)))
        });
        Self { issuer, transmitter, events, server }
    }

    fn push(&self, token: &str) -> u16 {
        let request = self.server.request("POST", "/ssf/events");
        request.body("application/secevent+jwt", token).send().status
    }

    fn access(&self, user: &str) -> String {
        self.issuer.token().subject(user).claim("iat", seconds() - 5).sign()
    }

    fn status(&self, access: &str) -> u16 {
        self.server.get("/api").bearer(access).send().status
    }
}

/// The time now. Tokens of a user are older than events about it.
fn seconds() -> u64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn a_stream_is_set_up_and_verified() {
    let bed = StreamBed::new();
    let settings = bed.transmitter.transmitter();
    let streams = EventStreams::new(&settings, bed.transmitter.access_token()).unwrap();
    block_on(async {
        let request = StreamRequest::push("https://api.example/ssf/events")
            .authorization("Bearer of-the-transmitter")
            .events([SecurityEventType::SessionRevoked])
            .description("tests");
        assert!(!format!("{request:?}").contains("of-the-transmitter"));
        let stream = streams.create(&request).await.unwrap();
        assert_eq!(stream.endpoint_url(), Some("https://api.example/ssf/events"));
        assert!(!stream.is_polled());
        assert_eq!(stream.audiences(), ["https://api.example.com/events"]);
        assert_eq!(stream.events_delivered(), [SecurityEventType::SessionRevoked.uri()]);
        assert_eq!(streams.create(&request).await.err(), Some(StreamError::Refused(409)));
        let id = stream.id();
        assert_eq!(streams.read(id).await.unwrap().id(), id);
        assert_eq!(streams.read("another").await.err(), Some(StreamError::Refused(404)));
        let polled = streams.update(id, &StreamRequest::poll()).await.unwrap();
        assert!(polled.is_polled());
        assert_eq!(polled.endpoint_url(), Some(&*bed.transmitter.poll_url()));
        let named = StreamRequest::unchanged().audiences(["one", "two"]);
        assert_eq!(streams.update(id, &named).await.unwrap().audiences(), ["one", "two"]);
        assert_eq!(streams.status(id).await, Ok(StreamStatus::Enabled));
        let paused = streams.set_status(id, StreamStatus::Paused).await;
        assert_eq!(
            (paused, streams.status(id).await),
            (Ok(StreamStatus::Paused), Ok(StreamStatus::Paused))
        );
        streams.verify(id, "a state").await.unwrap();
        assert_eq!(bed.transmitter.verifications(), ["a state"]);
        assert_eq!(bed.push(&bed.transmitter.verification("a state").sign()), 202);
        assert_eq!(bed.events.verified_state().as_deref(), Some("a state"));
        // One that nothing has asked for.
        let unasked = bed.transmitter.event(VERIFICATION).sign();
        assert_eq!(bed.push(&unasked), 202);
        assert_eq!(bed.events.verified_state().as_deref(), Some("a state"));
        let user = json!({"format": "iss_sub", "iss": bed.issuer.url(), "sub": "ada"});
        streams.add_subject(id, &user).await.unwrap();
        assert_eq!(bed.transmitter.subjects(), std::slice::from_ref(&user));
        streams.remove_subject(id, &user).await.unwrap();
        assert!(bed.transmitter.subjects().is_empty());
        let another = streams.add_subject("another", &user).await;
        assert_eq!(another, Err(StreamError::Refused(404)));
        streams.delete(id).await.unwrap();
        assert_eq!(streams.delete(id).await, Err(StreamError::Refused(404)));
        let other = EventStreams::new(&settings, "another token").unwrap();
        assert_eq!(other.read(id).await.err(), Some(StreamError::Refused(401)));
        bed.transmitter.fail();
        assert_eq!(other.create(&request).await.err(), Some(StreamError::Refused(503)));
    });
    for name in ["http://signals.example", "not a url"] {
        let transmitter = Transmitter::new(name, "x");
        assert!(EventStreams::new(&transmitter, "token").is_err(), "{name}");
    }
    assert!(EventStreams::new(&settings, "two\nlines").is_err());
}

/// The access token is not shown to any host that the metadata name.
#[test]
fn the_access_token_stays_with_the_transmitter() {
    let (transmitter, other) = (FakeIssuer::start(&[]), FakeIssuer::start(&[]));
    let place = "/.well-known/ssf-configuration";
    let streams = format!("{}/streams", other.url());
    let document = json!({"issuer": transmitter.url(), "configuration_endpoint": streams});
    transmitter.set(place, Answer::json(&document));
    other.set("/streams?stream_id=one", Answer::json(&json!({"stream_id": "one"})));
    let read = |settings: &Transmitter| {
        let streams = EventStreams::new(settings, "a secret token").unwrap();
        block_on(streams.read("one")).map(|stream| stream.id().to_owned())
    };
    let settings = Transmitter::new(transmitter.url(), "x");
    assert_eq!(read(&settings), Err(StreamError::Unavailable("discovery_url")));
    assert_eq!(other.all_fetches(), 0);
    let host = other.url().strip_prefix("http://").unwrap();
    assert!(read(&settings.clone().management_host("127.0.0.1")).is_err(), "another port");
    assert_eq!(read(&settings.management_host(host)), Ok("one".to_owned()));
}

#[test]
fn a_transmitter_changes_its_key() {
    let bed = StreamBed::new();
    let (first, second) = (bed.access("first"), bed.access("second"));
    let event = |user: &str| bed.transmitter.session_revoked().user(bed.issuer.url(), user);
    eventually("the keys are there", || bed.push(&event("nobody-yet").sign()) == 202);
    assert_eq!(bed.push(&event("first").signed_by_unknown_key().sign()), 400);
    assert_eq!(bed.status(&first), 204);
    assert_eq!(bed.push(&event("first").sign()), 202);
    bed.transmitter.rotate();
    eventually("the new key is found", || bed.push(&event("second").sign()) == 202);
    assert_eq!((bed.status(&first), bed.status(&second)), (401, 401));
}

#[test]
fn events_are_the_same_in_any_order_and_number() {
    let bed = StreamBed::new();
    let issuer = bed.issuer.url();
    let seconds = seconds();
    let early = bed.transmitter.session_revoked().user(issuer, "u");
    let early = early.member("event_timestamp", seconds - 100).sign();
    let late = bed.transmitter.session_revoked().user(issuer, "u");
    let late = late.member("event_timestamp", seconds - 10).sign();
    let token = |age: u64| bed.issuer.token().subject("u").claim("iat", seconds - age).sign();
    let (old, middle, new) = (token(200), token(50), token(5));
    eventually("the keys are there", || bed.push(&late) == 202);
    for event in [&early, &late, &early, &early] {
        assert_eq!(bed.push(event), 202);
        assert_eq!([&old, &middle, &new].map(|token| bed.status(token)), [401, 401, 204]);
    }
}

/// Members as these issuers write them, with values of the test.
#[test]
fn events_of_known_transmitters_are_understood() {
    let bed = StreamBed::new();
    let issuer = bed.issuer.url();
    let revoked = || bed.transmitter.session_revoked();
    let changed = || bed.transmitter.event(SecurityEventType::CredentialChange.uri());
    let disabled = || bed.transmitter.event(SecurityEventType::AccountDisabled.uri());
    eventually("the keys are there", || bed.push(&revoked().user(issuer, "x").sign()) == 202);
    for (user, event) in [
        // An administrator has logged out all sessions of a user.
        ("a", revoked().user(issuer, "a").like_keycloak()),
        ("b", changed().user(issuer, "b").like_keycloak()),
        ("c", disabled().user(issuer, "c").like_keycloak()),
        ("d", revoked().user(issuer, "d").like_okta()),
        ("e", revoked().session(issuer, "e", "of another system").like_okta()),
        ("f", changed().user(issuer, "f").like_okta()),
    ] {
        let access = bed.access(user);
        assert_eq!(bed.status(&access), 204);
        assert_eq!((bed.push(&event.sign()), bed.status(&access)), (202, 401), "{user}");
    }
    let in_session = |session: &str| bed.issuer.token().subject("s").claim("sid", session).sign();
    let (ended, other) = (in_session("one"), in_session("two"));
    let session = revoked().session(issuer, "s", "one").like_keycloak();
    assert_eq!(bed.push(&session.sign()), 202);
    assert_eq!((bed.status(&ended), bed.status(&other)), (401, 204));
}

#[test]
fn events_are_polled_and_acknowledged() {
    let bed = StreamBed::with(|events, transmitter| {
        events.poll(EventPoll::at(transmitter.poll_url(), transmitter.access_token()))
    });
    let access = bed.access("u");
    assert_eq!(bed.status(&access), 204);
    let event = bed.transmitter.session_revoked().user(bed.issuer.url(), "u");
    let foreign = bed.transmitter.session_revoked().user(bed.issuer.url(), "u").claim("aud", "x");
    bed.transmitter.enqueue(foreign.name(), foreign.sign());
    bed.transmitter.enqueue(event.name(), event.sign());
    eventually("access is over", || bed.status(&access) == 401);
    eventually("it is acknowledged", || bed.transmitter.acknowledged().contains(&event.name()));
    eventually("the other is reported", || {
        bed.transmitter.refused() == [(foreign.name(), "invalid_audience".to_owned())]
    });
    // A transmitter that fails is asked again, and what comes twice is acknowledged twice.
    bed.transmitter.fail();
    let later = bed.access("later");
    let next = bed.transmitter.session_revoked().user(bed.issuer.url(), "later");
    bed.transmitter.enqueue(next.name(), next.sign());
    bed.transmitter.enqueue(event.name(), event.sign());
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(bed.status(&later), 204);
    bed.transmitter.recover();
    eventually("access is over", || bed.status(&later) == 401);
    eventually("both are acknowledged", || bed.transmitter.acknowledged().len() == 3);
}

#[test]
fn polling_ends_with_its_receiver() {
    let transmitter = TestTransmitter::start();
    let poll = EventPoll::at(transmitter.poll_url(), transmitter.access_token());
    let events = transmitter.receiver("https://login.example", MemoryRevocation::new());
    let events = events.poll(poll).build().unwrap();
    events.start_polling();
    let first = transmitter.verification("first");
    transmitter.enqueue(first.name(), first.sign());
    eventually("it is polled", || transmitter.acknowledged().len() == 1);
    drop(events);
    std::thread::sleep(Duration::from_millis(300));
    let second = transmitter.verification("second");
    transmitter.enqueue(second.name(), second.sign());
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(transmitter.acknowledged().len(), 1);
}

/// RFC 8936 §2.6: descriptions of errors have a language.
#[test]
fn what_is_refused_is_reported_in_a_language() {
    let (transmitter, other) = (TestTransmitter::start(), FakeIssuer::start(&[]));
    let foreign = transmitter.verification("x").claim("aud", "another");
    other.set("/poll", Answer::json(&json!({ "sets": { foreign.name(): foreign.sign() } })));
    let events = transmitter.receiver("https://login.example", MemoryRevocation::new());
    let poll = EventPoll::at(format!("{}/poll", other.url()), "token");
    let events = events.poll(poll).build().unwrap();
    events.start_polling();
    eventually("it is reported", || other.fetches("/poll") >= 2);
    let has_language = |head: &String| head.to_lowercase().contains("\r\ncontent-language: en\r\n");
    let heads: Vec<bool> = other.heads().iter().map(has_language).collect();
    assert_eq!(heads[..2], [false, true]);
}

#[test]
fn a_transmitter_that_ignores_receipts_is_not_asked_all_the_time() {
    let (transmitter, other) = (TestTransmitter::start(), FakeIssuer::start(&[]));
    let event = transmitter.verification("again and again");
    let sets = json!({ event.name(): event.sign() });
    other.set("/poll", Answer::json(&json!({ "sets": sets, "moreAvailable": true })));
    let events = transmitter.receiver("https://login.example", MemoryRevocation::new());
    let poll = EventPoll::at(format!("{}/poll", other.url()), "token");
    let events = events.poll(poll).build().unwrap();
    let start = Instant::now();
    events.start_polling();
    eventually("it is asked three times", || other.fetches("/poll") >= 3);
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[test]
fn settings_of_a_poll_are_checked() {
    let build = |poll: EventPoll| {
        let transmitter = Transmitter::new("https://signals.example", "x");
        let transmitter = transmitter.algorithms([Algorithm::ES256]);
        let events = SecurityEventReceiver::builder(transmitter, MemoryRevocation::new());
        events.poll(poll).build().map(drop).map_err(|error| error.to_string())
    };
    let poll = || EventPoll::at("https://signals.example/poll", "token");
    assert_eq!(build(poll()), Ok(()));
    for (poll, setting) in [
        (EventPoll::at("http://signals.example/poll", "token"), "poll.url"),
        (EventPoll::at("https://signals.example/poll", "two\nlines"), "access_token"),
        (poll().max_events(0), "poll.max_events"),
        (poll().max_events(101), "poll.max_events"),
        (poll().wait(Duration::ZERO), "poll.wait"),
        (poll().wait(Duration::from_secs(301)), "poll.wait"),
    ] {
        assert!(build(poll).unwrap_err().starts_with(setting), "{setting}");
    }
}
