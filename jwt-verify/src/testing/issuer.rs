//! Token issuer for tests, on a real socket.

use std::{
    fmt,
    net::TcpListener,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use actix_web::{App, HttpResponse, HttpServer, dev::ServerHandle, rt, web};
use serde_json::{Value, json};

use super::{AUDIENCE, TestToken};
use crate::{
    algorithm::Algorithm,
    clock::{Clock, SystemClock},
    http::{JwtAuth, JwtAuthBuilder},
    issuing::SigningKey,
    verifier::{TrustedIssuer, Verifier, VerifierBuilder},
};

/// An issuer with newly generated keys, which serves discovery and key set over HTTP on the
/// loopback interface, in a thread of its own. It stops when it is dropped.
///
/// Tokens are available to its owner only, not over HTTP.
///
/// ```
/// use jwt_verify::testing::TestIssuer;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let issuer = TestIssuer::start();
/// let verifier = issuer.verifier().build().unwrap();
/// let claims = verifier.verify(&issuer.token().subject("ada").sign()).await.unwrap();
/// assert_eq!(claims.subject(), Some("ada"));
/// assert!(verifier.verify(&issuer.token().signed_by_unknown_key().sign()).await.is_err());
/// # });
/// ```
pub struct TestIssuer {
    url: String,
    algorithm: Algorithm,
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<IssuerState>>,
    unknown_key: OnceLock<SigningKey>,
    server: Option<(ServerHandle, JoinHandle<()>)>,
}

/// State that the server thread shares with the test.
struct IssuerState {
    /// Published keys; the last one signs.
    keys: Vec<SigningKey>,
    fails: bool,
    delay: Duration,
    key_fetches: usize,
}

impl TestIssuer {
    /// Starts an issuer that signs with RS256, as most do.
    ///
    /// # Panics
    /// If no key can be made or no port is free.
    pub fn start() -> Self {
        Self::signing_with(Algorithm::RS256)
    }

    /// Starts an issuer that signs with another asymmetric algorithm. [`auth`](Self::auth) and
    /// [`verifier`](Self::verifier) expect that one.
    ///
    /// # Panics
    /// As for [`start`](Self::start), and for an algorithm that needs a shared secret.
    pub fn signing_with(algorithm: Algorithm) -> Self {
        Self::with_clock(algorithm, SystemClock::new())
    }

    /// Starts an issuer with a clock of the test, such as a [`TestClock`](crate::testing::TestClock): it
    /// sets the dates of tokens, and [`auth`](Self::auth) and [`verifier`](Self::verifier) use it
    /// too.
    ///
    /// # Panics
    /// As for [`signing_with`](Self::signing_with).
    #[expect(clippy::expect_used, reason = "a test cannot go on without its issuer")]
    pub fn with_clock(algorithm: Algorithm, clock: impl Clock) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let url = format!("http://{address}");
        let state = Arc::new(Mutex::new(IssuerState {
            keys: vec![new_key(algorithm)],
            fails: false,
            delay: Duration::ZERO,
            key_fetches: 0,
        }));
        let server = serve(listener, url.clone(), state.clone());
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

    /// Returns its public keys (RFC 7517 §5).
    pub fn key_set(&self) -> Value {
        key_set(&self.state())
    }

    /// Returns the settings of an application that trusts it, for [`AUDIENCE`]. A [`JwtAuth`] or
    /// [`Verifier`] that is made of them needs the clock of the test too, where there is one.
    pub fn trusted_issuer(&self) -> TrustedIssuer {
        TrustedIssuer::new(&self.url, AUDIENCE).algorithms([self.algorithm])
    }

    /// Returns a builder of a [`JwtAuth`] that trusts it, for [`AUDIENCE`].
    pub fn auth(&self) -> JwtAuthBuilder {
        JwtAuth::for_issuer(self.trusted_issuer()).clock(self.clock.clone())
    }

    /// Returns a builder of a [`Verifier`] that trusts it, for [`AUDIENCE`].
    pub fn verifier(&self) -> VerifierBuilder {
        Verifier::for_issuer(self.trusted_issuer()).clock(self.clock.clone())
    }

    /// Starts a token, by default valid for ten minutes.
    pub fn token(&self) -> TestToken<'_> {
        TestToken::new(self)
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

    /// Delays each response by this time.
    pub fn delay(&self, delay: Duration) {
        self.state().delay = delay;
    }

    /// Returns the number of requests for the key set, including those answered with 503.
    pub fn key_fetches(&self) -> usize {
        self.state().key_fetches
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

    fn state(&self) -> MutexGuard<'_, IssuerState> {
        lock(&self.state)
    }
}

/// A test that failed while it held the lock has reported its failure already.
fn lock(state: &Mutex<IssuerState>) -> MutexGuard<'_, IssuerState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(clippy::expect_used, reason = "a test cannot go on without a key")]
fn new_key(algorithm: Algorithm) -> SigningKey {
    SigningKey::generate(algorithm).expect("an asymmetric algorithm, and random numbers")
}

fn key_set(state: &IssuerState) -> Value {
    let keys: Vec<&Value> = state.keys.iter().filter_map(SigningKey::public_jwk).collect();
    json!({ "keys": keys })
}

#[expect(clippy::expect_used, reason = "a test cannot go on without its issuer")]
fn serve(
    listener: TcpListener,
    url: String,
    state: Arc<Mutex<IssuerState>>,
) -> (ServerHandle, JoinHandle<()>) {
    let (sender, receiver) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        rt::System::new().block_on(async move {
            let server = HttpServer::new(move || {
                App::new()
                    .app_data(web::Data::from(state.clone()))
                    .app_data(web::Data::new(url.clone()))
                    .route("/.well-known/openid-configuration", web::get().to(discovery))
                    .route("/jwks.json", web::get().to(keys))
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

async fn discovery(url: web::Data<String>, state: web::Data<Mutex<IssuerState>>) -> HttpResponse {
    let document = json!({ "issuer": url.as_str(), "jwks_uri": format!("{}/jwks.json", **url) });
    answer(&state, document).await
}

async fn keys(state: web::Data<Mutex<IssuerState>>) -> HttpResponse {
    let document = {
        let mut state = lock(&state);
        state.key_fetches += 1;
        key_set(&state)
    };
    answer(&state, document).await
}

async fn answer(state: &Mutex<IssuerState>, document: Value) -> HttpResponse {
    let (fails, delay) = {
        let state = lock(state);
        (state.fails, state.delay)
    };
    if delay > Duration::ZERO {
        rt::time::sleep(delay).await;
    }
    if fails {
        return HttpResponse::ServiceUnavailable().finish();
    }
    HttpResponse::Ok().json(document)
}

impl Drop for TestIssuer {
    fn drop(&mut self) {
        if let Some((server, thread)) = self.server.take() {
            // Sent at once; the future only waits for the end, and so does the thread.
            drop(server.stop(false));
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for TestIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestIssuer").field("url", &self.url).finish_non_exhaustive()
    }
}
