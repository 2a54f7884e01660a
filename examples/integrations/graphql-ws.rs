//! A WebSocket whose first message authenticates the caller: the protocol `graphql-transport-ws`, which
//! GraphQL clients speak.
//!
//! A page cannot set `Authorization` on a WebSocket. Its `connection_init` message has the token, and a
//! `StreamLogin` verifies it; until then the caller is unknown. After that a `StreamGuard` ends the
//! connection with the access of the caller. There is an answer to each subscription, and no GraphQL
//! engine.

use std::{error::Error, time::Duration};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer, get,
    rt::{self, time::timeout},
    web,
};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, CloseReason, Session};
use example_support::demo::{Demo, announce, bind_address};
use jwt_verify::{
    Requirement, public,
    streams::{StreamGuard, StreamLogin, close_code},
};
use serde::Deserialize;
use serde_json::{Value, json};

const PROTOCOL: &str = "graphql-transport-ws";
const MAX_MESSAGE_BYTES: usize = 16 * 1024;

/// Time for the first message.
const LOGIN_TIME: Duration = Duration::from_secs(3);

/// Time for the close frame: a client that reads nothing does not take it.
const CLOSE_TIME: Duration = Duration::from_secs(5);

/// A message of a client.
#[derive(Deserialize)]
struct Message {
    r#type: String,
    id: Option<String>,
    payload: Option<Value>,
}

#[public]
#[get("/graphql")]
async fn graphql(
    login: StreamLogin,
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, actix_web::Error> {
    let (response, session, messages) =
        actix_ws::handle_with_protocols(&request, body, &[PROTOCOL])?;
    let messages = messages
        .max_frame_size(MAX_MESSAGE_BYTES)
        .aggregate_continuations()
        .max_continuation_size(MAX_MESSAGE_BYTES);
    rt::spawn(async move {
        let reason = serve(&login, session.clone(), messages).await;
        let _ = timeout(CLOSE_TIME, session.close(reason)).await;
    });
    Ok(response)
}

/// Serves a connection until its end. Returns the reason that the client is told.
async fn serve(
    login: &StreamLogin,
    mut session: Session,
    mut messages: AggregatedMessageStream,
) -> Option<CloseReason> {
    let first = timeout(LOGIN_TIME, next(&mut session, &mut messages)).await;
    let first = match first {
        Ok(Ok(first)) => first,
        Ok(Err(reason)) => return reason,
        Err(_) => return Some(because(4408, "Connection initialisation timeout")),
    };
    let guard = match log_in(login, &first).await {
        Ok(guard) => guard,
        Err(reason) => return reason,
    };
    // Nothing is received after the end of the access.
    match guard.run(talk(&guard, &mut session, &mut messages)).await {
        Ok(reason) => reason,
        Err(end) => Some(because(end.close_code(), end.as_str())),
    }
}

/// Verifies the token of the first message.
async fn log_in(login: &StreamLogin, first: &Message) -> Result<StreamGuard, Option<CloseReason>> {
    let token = first.payload.as_ref().and_then(|payload| payload.get("authorization")?.as_str());
    let Some(token) = token.filter(|_| first.r#type == "connection_init") else {
        return Err(Some(because(4401, "Unauthorized")));
    };
    let guard = login.authenticate(token, &Requirement::authenticated()).await;
    guard.map_err(|refusal| Some(because(close_code(&refusal), refusal.code())))
}

/// Answers messages until the client leaves or has to leave.
async fn talk(
    guard: &StreamGuard,
    session: &mut Session,
    messages: &mut AggregatedMessageStream,
) -> Option<CloseReason> {
    let mut answers = vec![json!({ "type": "connection_ack" })];
    loop {
        for answer in answers {
            session.text(answer.to_string()).await.ok()?;
        }
        let message = match next(session, messages).await {
            Ok(message) => message,
            Err(reason) => return reason,
        };
        answers = match (&*message.r#type, message.id) {
            ("ping", _) => vec![json!({ "type": "pong" })],
            ("pong" | "complete", _) => Vec::new(),
            ("subscribe", Some(id)) => {
                let data = json!({ "me": guard.claims().subject() });
                let answer = json!({ "type": "next", "id": id, "payload": { "data": data } });
                vec![answer, json!({ "type": "complete", "id": id })]
            }
            ("connection_init", _) => {
                return Some(because(4429, "Too many initialisation requests"));
            }
            _ => return Some(because(4400, "Invalid message")),
        };
    }
}

/// Waits for the next message. The error is the reason for which the connection ends.
async fn next(
    session: &mut Session,
    messages: &mut AggregatedMessageStream,
) -> Result<Message, Option<CloseReason>> {
    while let Some(Ok(message)) = messages.recv().await {
        match message {
            AggregatedMessage::Text(text) => {
                return serde_json::from_str(&text)
                    .map_err(|_| Some(because(4400, "Invalid message")));
            }
            AggregatedMessage::Ping(bytes) => {
                session.pong(&bytes).await.map_err(|_| None::<CloseReason>)?;
            }
            AggregatedMessage::Pong(_) => {}
            AggregatedMessage::Binary(_) | AggregatedMessage::Close(_) => break,
        }
    }
    Err(None)
}

fn because(code: u16, text: &str) -> CloseReason {
    CloseReason { code: code.into(), description: Some(text.into()) }
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let demo = Demo::start();
    let auth = demo.auth().build()?;
    demo.print_token("alice", |token| token.subject("alice"));
    let server = HttpServer::new(move || App::new().app_data(auth.clone()).service(graphql))
        .workers(2)
        .bind(bind_address())?;
    announce(&server.addrs())?;
    Ok(server.run().await?)
}
