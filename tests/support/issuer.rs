//! An issuer on a real socket that answers, or fails to, as a test wants.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::Runtime,
};

use crate::{SigningKey, listen::listen};

/// What the issuer does with a request.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A complete response.
    Full {
        /// The status code.
        status: u16,
        /// Further header fields.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// These bytes, and the connection is closed.
    Raw(Vec<u8>),
    /// These bytes one by one with a pause after each, for ever.
    Drip(Vec<u8>, Duration),
    /// A chunked body that does not end.
    Endless,
    /// Nothing, while the connection stays open.
    Hang,
    /// The connection is reset.
    Reset,
    /// Another answer after a pause.
    After(Duration, Box<Answer>),
}

impl Answer {
    /// A JSON document.
    pub fn json(body: &Value) -> Self {
        Self::Full {
            status: 200,
            headers: vec![("content-type".into(), "application/json".into())],
            body: body.to_string().into_bytes(),
        }
    }

    /// A status with a short body.
    pub fn status(status: u16) -> Self {
        Self::Full { status, headers: Vec::new(), body: b"upstream says no".to_vec() }
    }

    /// The same with one more header field.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        if let Self::Full { headers, .. } = &mut self {
            headers.push((name.into(), value.into()));
        }
        self
    }

    /// The same after a pause.
    #[must_use]
    pub fn after(self, pause: Duration) -> Self {
        Self::After(pause, Box::new(self))
    }
}

/// A running issuer. It ends when it is dropped.
pub struct FakeIssuer {
    url: String,
    state: Arc<Mutex<State>>,
    runtime: Option<Runtime>,
}

#[derive(Default)]
struct State {
    answers: HashMap<String, Answer>,
    requests: HashMap<String, usize>,
    answered: usize,
    heads: Vec<String>,
}

const DISCOVERY: &str = "/.well-known/openid-configuration";
const KEYS: &str = "/jwks.json";

impl FakeIssuer {
    /// An issuer with discovery and these keys.
    pub fn start(keys: &[&SigningKey]) -> Self {
        let issuer = Self::silent();
        let discovery = json!({"issuer": issuer.url, "jwks_uri": issuer.jwks_uri()});
        issuer.set(DISCOVERY, Answer::json(&discovery));
        issuer.publish(keys);
        issuer
    }

    /// An issuer that answers everything with 404.
    pub fn silent() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        let (address, runtime) = listen(move |stream| serve(stream, shared.clone()));
        let url = format!("http://{address}");
        Self { url, state, runtime: Some(runtime) }
    }

    /// The issuer's name, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where the key set is.
    pub fn jwks_uri(&self) -> String {
        format!("{}{KEYS}", self.url)
    }

    /// Publishes these keys and no others.
    pub fn publish(&self, keys: &[&SigningKey]) {
        let keys: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
        self.publish_json(&json!({ "keys": keys }));
    }

    /// Publishes a document as the key set.
    pub fn publish_json(&self, document: &Value) {
        self.set(KEYS, Answer::json(document));
    }

    /// Sets the answer to requests for the key set.
    pub fn answer_keys(&self, answer: Answer) {
        self.set(KEYS, answer);
    }

    /// Sets the answer to requests for the metadata.
    pub fn answer_discovery(&self, answer: Answer) {
        self.set(DISCOVERY, answer);
    }

    /// Sets the answer to requests for a path.
    pub fn set(&self, path: &str, answer: Answer) {
        self.state.lock().unwrap().answers.insert(path.into(), answer);
    }

    /// How often the key set was asked for.
    pub fn key_fetches(&self) -> usize {
        self.fetches(KEYS)
    }

    /// How often a path was asked for.
    pub fn fetches(&self, path: &str) -> usize {
        self.state.lock().unwrap().requests.get(path).copied().unwrap_or_default()
    }

    /// How many requests there were at all.
    pub fn all_fetches(&self) -> usize {
        self.state.lock().unwrap().requests.values().sum()
    }

    /// How many answers are complete.
    pub fn answers(&self) -> usize {
        self.state.lock().unwrap().answered
    }

    /// The head of every request so far.
    pub fn heads(&self) -> Vec<String> {
        self.state.lock().unwrap().heads.clone()
    }
}

impl Drop for FakeIssuer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let answer = {
        let mut state = state.lock().unwrap();
        *state.requests.entry(path.clone()).or_default() += 1;
        state.heads.push(head);
        state.answers.get(&path).cloned().unwrap_or_else(|| Answer::status(404))
    };
    // The peer may hang up at any time, which is none of the issuer's business.
    let _ = reply(&mut stream, answer).await;
    state.lock().unwrap().answered += 1;
}

pub(crate) async fn reply(stream: &mut TcpStream, answer: Answer) -> std::io::Result<()> {
    match answer {
        Answer::Full { status, headers, body } => {
            let mut head = format!("HTTP/1.1 {status} Status\r\nconnection: close\r\n");
            let has_length = headers
                .iter()
                .any(|(name, _)| name == "content-length" || name == "transfer-encoding");
            if !has_length {
                head += &format!("content-length: {}\r\n", body.len());
            }
            for (name, value) in headers {
                head += &format!("{name}: {value}\r\n");
            }
            head += "\r\n";
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&body).await?;
            stream.shutdown().await
        }
        Answer::Raw(bytes) => {
            stream.write_all(&bytes).await?;
            stream.shutdown().await
        }
        Answer::Drip(bytes, pause) => {
            for byte in bytes {
                stream.write_all(&[byte]).await?;
                stream.flush().await?;
                tokio::time::sleep(pause).await;
            }
            std::future::pending().await
        }
        Answer::Endless => {
            let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n8\r\n{\"keys\":\r\n";
            stream.write_all(head.as_bytes()).await?;
            let chunk = format!("{:x}\r\n{}\r\n", 16_384, " ".repeat(16_384));
            loop {
                stream.write_all(chunk.as_bytes()).await?;
            }
        }
        Answer::Hang => std::future::pending().await,
        Answer::Reset =>
        {
            #[expect(deprecated, reason = "a reset is what is wanted, and it does not block")]
            stream.set_linger(Some(Duration::ZERO))
        }
        Answer::After(pause, answer) => {
            tokio::time::sleep(pause).await;
            Box::pin(reply(stream, *answer)).await
        }
    }
}
