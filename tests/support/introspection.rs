//! An introspection endpoint (RFC 7662) on a real socket that answers, or fails to, as a test wants.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use tokio::{io::AsyncReadExt as _, net::TcpStream, runtime::Runtime};

use crate::{Answer, issuer::reply, listen::listen};

/// A running endpoint. It ends when it is dropped.
pub struct IntrospectionEndpoint {
    url: String,
    state: Arc<Mutex<State>>,
    runtime: Option<Runtime>,
}

/// A question as it arrived.
#[derive(Debug, Clone)]
pub struct Question {
    /// Request line and header fields.
    pub head: String,
    /// The body, as it was sent.
    pub body: String,
}

struct State {
    /// Answers by token.
    answers: HashMap<String, Answer>,
    /// The answer about any other token.
    other: Answer,
    questions: Vec<Question>,
    concurrent: usize,
    most_concurrent: usize,
}

impl IntrospectionEndpoint {
    /// An endpoint that knows no token.
    pub fn start() -> Self {
        let state = Arc::new(Mutex::new(State {
            answers: HashMap::new(),
            other: Answer::json(&json!({"active": false})),
            questions: Vec::new(),
            concurrent: 0,
            most_concurrent: 0,
        }));
        let shared = state.clone();
        let (address, runtime) = listen(move |stream| serve(stream, shared.clone()));
        Self { url: format!("http://{address}/introspect"), state, runtime: Some(runtime) }
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Sets the answer about a token.
    pub fn set(&self, token: &str, answer: Answer) {
        self.state.lock().unwrap().answers.insert(token.into(), answer);
    }

    /// Makes a token active, with these members besides `active`.
    pub fn activate(&self, token: &str, members: &Value) {
        let mut answer = members.clone();
        answer["active"] = true.into();
        self.set(token, Answer::json(&answer));
    }

    /// Makes a token inactive.
    pub fn revoke(&self, token: &str) {
        self.state.lock().unwrap().answers.remove(token);
    }

    /// Sets the answer about tokens that have none of their own.
    pub fn answer_all(&self, answer: Answer) {
        let mut state = self.state.lock().unwrap();
        state.answers.clear();
        state.other = answer;
    }

    /// The questions so far.
    pub fn questions(&self) -> Vec<Question> {
        self.state.lock().unwrap().questions.clone()
    }

    /// How many questions there were.
    pub fn count(&self) -> usize {
        self.state.lock().unwrap().questions.len()
    }

    /// How many were under way at once, at most.
    pub fn most_concurrent(&self) -> usize {
        self.state.lock().unwrap().most_concurrent
    }
}

impl Drop for IntrospectionEndpoint {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let Some(question) = read(&mut stream).await else { return };
    let token = question.body.split('&').find_map(|pair| pair.strip_prefix("token="));
    let token = token.unwrap_or_default().to_owned();
    let answer = {
        let mut state = state.lock().unwrap();
        state.questions.push(question);
        state.concurrent += 1;
        state.most_concurrent = state.most_concurrent.max(state.concurrent);
        state.answers.get(&token).unwrap_or(&state.other).clone()
    };
    // Counted as over before the peer can ask again.
    let (pause, answer) = match answer {
        Answer::After(pause, answer) => (Some(pause), *answer),
        answer => (None, answer),
    };
    if let Some(pause) = pause {
        tokio::time::sleep(pause).await;
    }
    state.lock().unwrap().concurrent -= 1;
    let _ = reply(&mut stream, answer).await;
}

async fn read(stream: &mut TcpStream) -> Option<Question> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let lower = head.to_ascii_lowercase();
    let length = lower.split("content-length: ").nth(1)?.split("\r\n").next()?.parse().ok()?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Question { head, body: String::from_utf8(body).ok()? })
}
