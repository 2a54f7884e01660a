//! The introspector against an endpoint that answers as a test wants it to.

mod caching;
mod faults;
mod settings;

use std::{
    collections::HashMap,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::{Introspection, Introspector};
use crate::{
    claims::VerifiedToken,
    clock::Clock,
    error::AuthError,
    key::{KeyLookupError, KeyProvider, KeyQuery, VerificationKey},
    lookup::Lookup,
    verifier::{TrustedIssuer, Verifier},
};

const ISSUER: &str = "https://issuer.example";
const SECOND: Duration = Duration::from_secs(1);
/// The time at which tests begin, on both clocks.
const START: u64 = 1_800_000_000;

/// A clock that a test moves.
#[derive(Debug, Clone, Default)]
struct HandClock(Arc<AtomicU64>);

impl HandClock {
    fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    fn set_back(&self, seconds: u64) {
        self.0.fetch_sub(seconds, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Duration {
        Duration::from_secs(START + self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        self.now()
    }
}

/// Keys that are not there, with a generation that a test changes.
#[derive(Debug, Clone)]
struct NoKeys(Arc<Mutex<Option<u64>>>);

impl Default for NoKeys {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Some(0))))
    }
}

impl NoKeys {
    fn set(&self, generation: Option<u64>) {
        *self.0.lock().unwrap() = generation;
    }
}

impl KeyProvider for NoKeys {
    fn find<'a>(
        &'a self,
        _: KeyQuery<'a>,
    ) -> Lookup<'a, Result<Arc<VerificationKey>, KeyLookupError>> {
        Lookup::Ready(Err(KeyLookupError::NotFound))
    }

    fn generation(&self) -> Option<u64> {
        *self.0.lock().unwrap()
    }
}

type EndpointReply = Box<dyn Fn(&Question) -> Vec<u8> + Send + Sync>;

/// A question as it arrived.
#[derive(Debug, Clone)]
struct Question {
    head: String,
    form: HashMap<String, String>,
}

impl Question {
    fn token(&self) -> &str {
        &self.form["token"]
    }
}

/// An endpoint, each of whose connections has a thread.
#[derive(Clone)]
struct FakeEndpoint {
    url: String,
    questions: Arc<Mutex<Vec<Question>>>,
    concurrent: Arc<AtomicUsize>,
    most_concurrent: Arc<AtomicUsize>,
    reply: Arc<Mutex<Arc<EndpointReply>>>,
}

impl FakeEndpoint {
    fn new(reply: impl Fn(&Question) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = Self {
            url: format!("http://{}/introspect?tenant=1", listener.local_addr().unwrap()),
            questions: Arc::default(),
            concurrent: Arc::default(),
            most_concurrent: Arc::default(),
            reply: Arc::new(Mutex::new(Arc::new(Box::new(reply)))),
        };
        let serving = endpoint.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serving = serving.clone();
                std::thread::spawn(move || serving.serve(stream));
            }
        });
        endpoint
    }

    /// An endpoint that always sends this.
    fn sending(response: impl Into<Vec<u8>>) -> Self {
        let response = response.into();
        Self::new(move |_| response.clone())
    }

    fn reply_with(&self, reply: impl Fn(&Question) -> Vec<u8> + Send + Sync + 'static) {
        *self.reply.lock().unwrap() = Arc::new(Box::new(reply));
    }

    fn serve(&self, mut stream: TcpStream) {
        let now = self.concurrent.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_concurrent.fetch_max(now, Ordering::SeqCst);
        if let Some(question) = read_question(&mut stream) {
            self.questions.lock().unwrap().push(question.clone());
            let reply = self.reply.lock().unwrap().clone();
            let response = reply(&question);
            self.concurrent.fetch_sub(1, Ordering::SeqCst);
            let _ = stream.write_all(&response);
        } else {
            self.concurrent.fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn count(&self) -> usize {
        self.questions.lock().unwrap().len()
    }

    fn last(&self) -> Question {
        self.questions.lock().unwrap().last().unwrap().clone()
    }
}

fn read_question(stream: &mut TcpStream) -> Option<Question> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let length = stream.read(&mut buffer).ok().filter(|length| *length > 0)?;
        bytes.extend_from_slice(&buffer[..length]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let head = head.to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1)?;
        let length: usize = length.split("\r\n").next()?.parse().ok()?;
        if body.len() == length {
            let plain = |text: &str| {
                let text = text.replace('+', " ");
                String::from_utf8(crate::url::percent_decoded(text.as_bytes()).unwrap()).unwrap()
            };
            let pairs = body.split('&').map(|pair| pair.split_once('=').unwrap());
            let form = pairs.map(|(name, value)| (plain(name), plain(value))).collect();
            return Some(Question { head: text.split("\r\n\r\n").next()?.to_owned(), form });
        }
    }
}

fn response(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\n\r\n{body}").into_bytes()
}

fn json(body: &str) -> Vec<u8> {
    response(200, "Content-Type: application/json;charset=UTF-8\r\n", body)
}

/// The answer about a valid token, which expires after 100 s.
fn active(sub: &str) -> Vec<u8> {
    let exp = START + 100;
    json(&format!(r#"{{"active":true,"sub":"{sub}","aud":"api","exp":{exp},"scope":"read"}}"#))
}

fn inactive() -> Vec<u8> {
    json(r#"{"active":false}"#)
}

/// An introspector with its issuer.
struct Bed {
    endpoint: FakeEndpoint,
    introspector: Introspector,
    clock: HandClock,
    keys: NoKeys,
}

impl Bed {
    fn new(endpoint: FakeEndpoint) -> Self {
        Self::with(endpoint, |introspection| introspection, |issuer| issuer)
    }

    fn with(
        endpoint: FakeEndpoint,
        change: impl FnOnce(Introspection) -> Introspection,
        change_issuer: impl FnOnce(TrustedIssuer) -> TrustedIssuer,
    ) -> Self {
        let (clock, keys) = (HandClock::default(), NoKeys::default());
        let issuer = change_issuer(TrustedIssuer::new(ISSUER, "api").keys(keys.clone()));
        let verifier = Verifier::for_issuer(issuer).clock(clock.clone()).build().unwrap();
        let introspection = Introspection::at(&endpoint.url).client_secret_basic("rs", "s3cret");
        let introspector = change(introspection).prepare(&verifier).unwrap();
        Self { endpoint, introspector, clock, keys }
    }

    fn ask(&self, token: &str) -> Result<Arc<VerifiedToken>, AuthError> {
        block_on(async { self.introspector.introspect(token.as_bytes()).await })
    }

    /// Returns `true` if the token is answered without waiting.
    fn is_ready(&self, token: &str) -> bool {
        matches!(self.introspector.introspect(token.as_bytes()), Lookup::Ready(_))
    }

    fn subject(&self, token: &str) -> String {
        self.ask(token).unwrap().claims().subject().unwrap().to_owned()
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}
