//! The example `graphql-ws`, whose first message authenticates the caller.

use std::time::Duration;

use jwt_verify_tests::Process;
use serde_json::{Value, json};

use super::{
    start, token,
    web_socket::{Connection, Frame},
};

fn open(server: &Process) -> Connection {
    let offer = "sec-websocket-protocol: graphql-transport-ws";
    let (connection, answer) = Connection::open(server, "/graphql", &[offer]).unwrap();
    assert!(answer.contains(&format!("{offer}\r\n")), "{answer}");
    connection
}

fn init(token: &str) -> String {
    let payload = json!({ "authorization": format!("Bearer {token}") });
    json!({ "type": "connection_init", "payload": payload }).to_string()
}

fn receive(connection: &mut Connection) -> Value {
    match connection.receive() {
        Frame::Text(text) => serde_json::from_str(&text).unwrap(),
        Frame::Close(code, text) => panic!("closed with {code}: {text}"),
    }
}

#[test]
fn the_first_message_authenticates() {
    let server = start("graphql-ws");
    let mut connection = open(&server);
    connection.send_long(&init(&token("alice").sign()));
    assert_eq!(receive(&mut connection), json!({ "type": "connection_ack" }));
    connection.send(r#"{"type":"ping"}"#);
    assert_eq!(receive(&mut connection), json!({ "type": "pong" }));
    connection.send(r#"{"type":"subscribe","id":"1","payload":{"query":"{ me }"}}"#);
    let data = json!({ "data": { "me": "alice" } });
    assert_eq!(receive(&mut connection), json!({ "type": "next", "id": "1", "payload": data }));
    assert_eq!(receive(&mut connection), json!({ "type": "complete", "id": "1" }));
    connection.send_long(&init(&token("alice").sign()));
    let again = "Too many initialisation requests";
    assert_eq!(connection.receive(), Frame::Close(4429, again.into()));
}

#[test]
fn an_unknown_caller_is_told_why() {
    let server = start("graphql-ws");
    for (message, code, text) in [
        (r#"{"type":"subscribe","id":"1"}"#, 4401, "Unauthorized"),
        (r#"{"type":"connection_init"}"#, 4401, "Unauthorized"),
        (r#"{"type":"connection_init","payload":{"authorization":"x"}}"#, 4401, "invalid_token"),
        ("hello", 4400, "Invalid message"),
    ] {
        let mut connection = open(&server);
        connection.send(message);
        assert_eq!(connection.receive(), Frame::Close(code, text.into()), "{message}");
    }
    let late = "Connection initialisation timeout";
    assert_eq!(open(&server).receive(), Frame::Close(4408, late.into()));
}

#[test]
fn the_connection_ends_with_the_token() {
    let server = start("graphql-ws");
    let mut connection = open(&server);
    let short = token("alice").lifetime(Duration::from_secs(2)).sign();
    connection.send_long(&init(&short));
    assert_eq!(receive(&mut connection), json!({ "type": "connection_ack" }));
    assert_eq!(connection.receive(), Frame::Close(4401, "expired".into()));
}
