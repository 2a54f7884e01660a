//! Transmitter of security events for tests, on a real socket.

use std::{
    collections::VecDeque,
    fmt,
    net::TcpListener,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::JoinHandle,
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, http::header::AUTHORIZATION, rt,
    test::TestRequest, web,
};
use serde_json::{Map, Value, json};

use super::TestEvent;
use crate::{
    algorithm::Algorithm,
    clock::{Clock, SystemClock},
    issuing::SigningKey,
    revocation::RevocationStore,
    security_events::{SecurityEventReceiver, SecurityEventReceiverBuilder, Transmitter},
};

/// A transmitter of security events with newly generated keys, on the loopback interface, in a thread
/// of its own. It stops when it is dropped.
///
/// It serves its metadata (`/.well-known/ssf-configuration`), its key set, the management of one
/// stream, and polling (RFC 8936). Events are pushed by the test, which decides what arrives, in which
/// order and how often: [`push`](Self::push) makes the request.
///
/// ```
/// use actix_web::{App, test, web, HttpResponse};
/// use jwt_verify::{
///     endpoints::SecurityEventEndpoint, revocation::MemoryRevocation,
///     testing::{TestIssuer, TestRequestExt as _, TestTransmitter},
/// };
///
/// # actix_web::rt::System::new().block_on(async {
/// let (issuer, transmitter) = (TestIssuer::start(), TestTransmitter::start());
/// let events = transmitter.receiver(issuer.url(), MemoryRevocation::new()).build().unwrap();
/// let auth = issuer.auth().security_events(&events).build().unwrap();
/// let api = web::scope("/api").wrap(auth).route("", web::get().to(HttpResponse::Ok));
/// let app = App::new().service(SecurityEventEndpoint::new(events)).service(api);
/// let app = test::init_service(app).await;
///
/// let token = issuer.token().subject("ada").sign();
/// let request = || test::TestRequest::with_uri("/api").bearer(&token).to_request();
/// assert_eq!(test::call_service(&app, request()).await.status(), 200);
///
/// let event = transmitter.session_revoked().user(issuer.url(), "ada").sign();
/// let pushed = test::call_service(&app, TestTransmitter::push(&event).to_request()).await;
/// assert_eq!(pushed.status(), 202);
/// assert_eq!(test::call_service(&app, request()).await.status(), 401);
/// # });
/// ```
pub struct TestTransmitter {
    url: String,
    algorithm: Algorithm,
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<TransmitterState>>,
    unknown_key: OnceLock<SigningKey>,
    server: Option<(ServerHandle, JoinHandle<()>)>,
}

/// State that the server thread shares with the test.
struct TransmitterState {
    url: String,
    /// Published keys; the last one signs.
    keys: Vec<SigningKey>,
    fails: bool,
    /// The stream, once it was created.
    stream: Option<Map<String, Value>>,
    status: String,
    /// States of the verification events that were asked for.
    verifications: Vec<String>,
    /// Events to poll, by their `jti`, until they are acknowledged.
    queue: VecDeque<(String, String)>,
    acknowledged: Vec<String>,
    refused: Vec<(String, String)>,
    /// Subjects that were added to the stream.
    subjects: Vec<Value>,
}

/// Audience of the tokens of a [`TestTransmitter`].
pub(super) const RECEIVER: &str = "https://api.example.com/events";

/// Access token with which the stream of a [`TestTransmitter`] is managed and polled.
const ACCESS_TOKEN: &str = "test-access-token";

/// Name of the only stream.
const STREAM: &str = "test-stream";

impl TestTransmitter {
    /// Starts a transmitter that signs with RS256, as most do.
    ///
    /// # Panics
    /// If no key can be made or no port is free.
    pub fn start() -> Self {
        Self::with_clock(Algorithm::RS256, SystemClock::new())
    }

    /// Starts a transmitter with another asymmetric algorithm and a clock of the test, such as a
    /// [`TestClock`](crate::testing::TestClock).
    ///
    /// # Panics
    /// As for [`start`](Self::start), and for an algorithm that needs a shared secret.
    #[expect(clippy::expect_used, reason = "a test cannot go on without its transmitter")]
    pub fn with_clock(algorithm: Algorithm, clock: impl Clock) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let url = format!("http://{address}");
        let state = Arc::new(Mutex::new(TransmitterState {
            url: url.clone(),
            keys: vec![new_key(algorithm)],
            fails: false,
            stream: None,
            status: "enabled".into(),
            verifications: Vec::new(),
            queue: VecDeque::new(),
            acknowledged: Vec::new(),
            refused: Vec::new(),
            subjects: Vec::new(),
        }));
        let server = serve(listener, state.clone());
        Self {
            url,
            algorithm,
            clock: Arc::new(clock),
            state,
            unknown_key: OnceLock::new(),
            server: Some(server),
        }
    }

    /// Returns its name, which is also its address: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the URL of its key set.
    pub fn jwks_uri(&self) -> String {
        format!("{}/jwks.json", self.url)
    }

    /// Returns the URL at which its events are polled.
    pub fn poll_url(&self) -> String {
        format!("{}/poll", self.url)
    }

    /// Returns the access token with which its stream is managed and polled.
    pub fn access_token(&self) -> &'static str {
        ACCESS_TOKEN
    }

    /// Returns the settings of a receiver that accepts its events, by its metadata.
    pub fn transmitter(&self) -> Transmitter {
        Transmitter::new(&self.url, RECEIVER).algorithms([self.algorithm])
    }

    /// Returns a builder of a receiver, with events about users of this issuer.
    pub fn receiver(
        &self,
        issuer: &str,
        store: impl RevocationStore,
    ) -> SecurityEventReceiverBuilder {
        SecurityEventReceiver::builder(self.transmitter().subjects_of(issuer), store)
            .clock(self.clock.clone())
    }

    /// Starts an event of this type, by its URI.
    pub fn event(&self, uri: impl Into<String>) -> TestEvent<'_> {
        static NUMBER: AtomicU64 = AtomicU64::new(1);

        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        TestEvent::new(self, uri.into(), &format!("test-event-{number}"))
    }

    /// Starts a `session-revoked` event (CAEP).
    pub fn session_revoked(&self) -> TestEvent<'_> {
        self.event(crate::security_events::SecurityEventType::SessionRevoked.uri())
    }

    /// Starts a verification event with this `state` (SSF §8.1.4.1).
    pub fn verification(&self, state: &str) -> TestEvent<'_> {
        let uri = "https://schemas.openid.net/secevent/ssf/event-type/verification";
        self.event(uri).member("state", state).subject(json!({ "format": "opaque", "id": STREAM }))
    }

    /// Returns the request of a push to `/ssf/events` (RFC 8935). The same token again is a
    /// retransmission.
    pub fn push(token: &str) -> TestRequest {
        TestRequest::post()
            .uri("/ssf/events")
            .insert_header(("Content-Type", "application/secevent+jwt"))
            .insert_header(("Accept", "application/json"))
            .set_payload(token.to_owned())
    }

    /// Adds an event to those that are polled. It is sent with every answer until it is acknowledged
    /// or reported; the name is its `jti`.
    pub fn enqueue(&self, name: impl Into<String>, token: impl Into<String>) {
        self.state().queue.push_back((name.into(), token.into()));
    }

    /// Returns the names of the events that were acknowledged, in order.
    pub fn acknowledged(&self) -> Vec<String> {
        self.state().acknowledged.clone()
    }

    /// Returns the names of the events that were refused, with the codes.
    pub fn refused(&self) -> Vec<(String, String)> {
        self.state().refused.clone()
    }

    /// Returns the states of the verification events that were asked for.
    pub fn verifications(&self) -> Vec<String> {
        self.state().verifications.clone()
    }

    /// Returns the subjects that were added to the stream.
    pub fn subjects(&self) -> Vec<Value> {
        self.state().subjects.clone()
    }

    /// Publishes a new key beside the others, and signs with it from now on.
    ///
    /// # Panics
    /// If no key can be made.
    pub fn rotate(&self) {
        let key = new_key(self.algorithm);
        self.state().keys.push(key);
    }

    /// Withdraws all keys but the one that signs.
    pub fn withdraw_old_keys(&self) {
        let keys = &mut self.state().keys;
        keys.drain(..keys.len().saturating_sub(1));
    }

    /// Responds with 503 from now on.
    pub fn fail(&self) {
        self.state().fails = true;
    }

    /// Responds normally again.
    pub fn recover(&self) {
        self.state().fails = false;
    }

    pub(super) fn now(&self) -> u64 {
        self.clock.now().as_secs()
    }

    pub(super) fn signing_key(&self) -> Option<SigningKey> {
        self.state().keys.last().cloned()
    }

    /// Returns a key that is never published and has the name of the published one.
    pub(super) fn unknown_key(&self) -> SigningKey {
        let id = self.signing_key().map(|key| key.id().to_owned()).unwrap_or_default();
        self.unknown_key.get_or_init(|| new_key(self.algorithm)).clone().with_id(&id)
    }

    fn state(&self) -> MutexGuard<'_, TransmitterState> {
        lock(&self.state)
    }
}

/// A test that failed while it held the lock has reported its failure already.
fn lock(state: &Mutex<TransmitterState>) -> MutexGuard<'_, TransmitterState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(clippy::expect_used, reason = "a test cannot go on without a key")]
fn new_key(algorithm: Algorithm) -> SigningKey {
    SigningKey::generate(algorithm).expect("an asymmetric algorithm, and random numbers")
}

#[expect(clippy::expect_used, reason = "a test cannot go on without its transmitter")]
fn serve(
    listener: TcpListener,
    state: Arc<Mutex<TransmitterState>>,
) -> (ServerHandle, JoinHandle<()>) {
    let (sender, receiver) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        rt::System::new().block_on(async move {
            let server = HttpServer::new(move || {
                App::new().app_data(web::Data::from(state.clone())).default_service(web::to(answer))
            })
            .workers(1)
            .disable_signals()
            .shutdown_timeout(0)
            .listen(listener)
            .expect("the port is its own")
            .run();
            // The constructor waits for this.
            let _ = sender.send(server.handle());
            let _ = server.await;
        });
    });
    (receiver.recv().expect("the server starts"), thread)
}

async fn answer(
    request: HttpRequest,
    body: web::Bytes,
    state: web::Data<Mutex<TransmitterState>>,
) -> HttpResponse {
    if lock(&state).fails {
        return HttpResponse::ServiceUnavailable().finish();
    }
    let is_open = matches!(request.path(), "/.well-known/ssf-configuration" | "/jwks.json");
    let shown = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if !is_open && shown.and_then(|value| value.strip_prefix("Bearer ")) != Some(ACCESS_TOKEN) {
        return HttpResponse::Unauthorized().finish();
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    if request.path() == "/poll" {
        return poll(&state, &body).await;
    }
    lock(&state).answer(request.method().as_str(), request.path(), request.query_string(), &body)
}

/// Answers a poll: at once if there are events, or after a moment.
async fn poll(state: &Mutex<TransmitterState>, body: &Value) -> HttpResponse {
    lock(state).take_receipts(body);
    let most = body["maxEvents"].as_u64().and_then(|most| usize::try_from(most).ok());
    for _ in 0..20 {
        let waiting = {
            let state = lock(state);
            if state.fails {
                return HttpResponse::ServiceUnavailable().finish();
            }
            let all = state.queue.len();
            let sets = state.queue.iter().take(most.unwrap_or(all));
            let sets: Map<String, Value> =
                sets.map(|(name, token)| (name.clone(), token.clone().into())).collect();
            (!sets.is_empty()).then(|| json!({ "moreAvailable": all > sets.len(), "sets": sets }))
        };
        match waiting {
            Some(answer) => return HttpResponse::Ok().json(answer),
            None if body["returnImmediately"] == true => break,
            None => rt::time::sleep(std::time::Duration::from_millis(20)).await,
        }
    }
    HttpResponse::Ok().json(json!({ "sets": {} }))
}

impl TransmitterState {
    fn take_receipts(&mut self, body: &Value) {
        for name in body["ack"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            self.queue.retain(|(known, _)| known != name);
            self.acknowledged.push(name.to_owned());
        }
        for (name, error) in body["setErrs"].as_object().into_iter().flatten() {
            self.queue.retain(|(known, _)| known != name);
            let code = error["err"].as_str().unwrap_or_default();
            self.refused.push((name.clone(), code.to_owned()));
        }
    }

    fn answer(&mut self, method: &str, path: &str, query: &str, body: &Value) -> HttpResponse {
        let is_known = self.stream.is_some()
            && (query == format!("stream_id={STREAM}") || body["stream_id"] == STREAM);
        match (method, path) {
            ("GET", "/.well-known/ssf-configuration") => HttpResponse::Ok().json(json!({
                "issuer": self.url,
                "jwks_uri": format!("{}/jwks.json", self.url),
                "delivery_methods_supported": ["urn:ietf:rfc:8935", "urn:ietf:rfc:8936"],
                "configuration_endpoint": format!("{}/streams", self.url),
                "status_endpoint": format!("{}/status", self.url),
                "verification_endpoint": format!("{}/verify", self.url),
                "add_subject_endpoint": format!("{}/subjects:add", self.url),
                "remove_subject_endpoint": format!("{}/subjects:remove", self.url),
            })),
            ("GET", "/jwks.json") => {
                let keys: Vec<&Value> =
                    self.keys.iter().filter_map(SigningKey::public_jwk).collect();
                HttpResponse::Ok().json(json!({ "keys": keys }))
            }
            ("POST", "/streams") if self.stream.is_some() => HttpResponse::Conflict().finish(),
            ("POST", "/streams") => HttpResponse::Created().json(self.change(body)),
            (_, "/streams" | "/status" | "/verify" | "/subjects:add" | "/subjects:remove")
                if !is_known =>
            {
                HttpResponse::NotFound().finish()
            }
            ("GET", "/streams") => HttpResponse::Ok().json(&self.stream),
            ("PATCH", "/streams") => HttpResponse::Ok().json(self.change(body)),
            ("DELETE", "/streams") => {
                self.stream = None;
                HttpResponse::NoContent().finish()
            }
            ("GET", "/status") => HttpResponse::Ok().json(self.status()),
            ("POST", "/status") => {
                body["status"].as_str().unwrap_or_default().clone_into(&mut self.status);
                HttpResponse::Ok().json(self.status())
            }
            ("POST", "/subjects:add") => {
                self.subjects.push(body["subject"].clone());
                HttpResponse::Ok().finish()
            }
            ("POST", "/subjects:remove") => {
                self.subjects.retain(|known| *known != body["subject"]);
                HttpResponse::NoContent().finish()
            }
            ("POST", "/verify") => {
                self.verifications.push(body["state"].as_str().unwrap_or_default().to_owned());
                HttpResponse::NoContent().finish()
            }
            _ => HttpResponse::NotFound().finish(),
        }
    }

    fn status(&self) -> Value {
        json!({ "stream_id": STREAM, "status": self.status })
    }

    /// Creates the stream or changes its members.
    fn change(&mut self, body: &Value) -> Value {
        let (url, stream) = (self.url.clone(), self.stream.get_or_insert_default());
        for (name, value) in body.as_object().into_iter().flatten() {
            stream.insert(name.clone(), value.clone());
        }
        if stream.get("delivery").is_some_and(|way| way["method"] == "urn:ietf:rfc:8936") {
            let delivery =
                json!({ "method": "urn:ietf:rfc:8936", "endpoint_url": format!("{url}/poll") });
            stream.insert("delivery".into(), delivery);
        }
        for (name, value) in [
            ("stream_id", json!(STREAM)),
            ("iss", json!(url)),
            ("aud", json!(RECEIVER)),
            ("events_delivered", body["events_requested"].clone()),
        ] {
            stream.entry(name).or_insert(value);
        }
        Value::Object(stream.clone())
    }
}

impl Drop for TestTransmitter {
    fn drop(&mut self) {
        if let Some((server, thread)) = self.server.take() {
            // Sent at once; the future only waits for the end, and so does the thread.
            drop(server.stop(false));
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for TestTransmitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestTransmitter").field("url", &self.url).finish_non_exhaustive()
    }
}
