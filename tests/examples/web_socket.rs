//! The example `websocket`, with a client that speaks as little of the protocol as will do.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use jwt_verify_tests::Process;

use super::{start, token};

/// An open connection (RFC 6455).
pub(super) struct Connection(TcpStream);

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    Text(String),
    /// With the status and its text.
    Close(u16, String),
}

impl Connection {
    /// Opens it with header fields of these lines, or says how it was refused.
    pub(super) fn open(
        server: &Process,
        path: &str,
        fields: &[&str],
    ) -> Result<(Self, String), String> {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let fields = fields.join("\r\n");
        let fields = if fields.is_empty() { fields } else { fields + "\r\n" };
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{fields}\r\n",
            server.address()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
        let answer = String::from_utf8(answer).unwrap().to_lowercase();
        if answer.starts_with("http/1.1 101") { Ok((Self(stream), answer)) } else { Err(answer) }
    }

    pub(super) fn send(&mut self, text: &str) {
        let length = u8::try_from(text.len()).unwrap();
        // Masked with zeros, which changes nothing.
        self.0.write_all(&[0x81, 0x80 | length, 0, 0, 0, 0]).unwrap();
        self.0.write_all(text.as_bytes()).unwrap();
    }

    /// Sends a text of more than 125 bytes.
    pub(super) fn send_long(&mut self, text: &str) {
        let length = u16::try_from(text.len()).unwrap().to_be_bytes();
        self.0.write_all(&[0x81, 0x80 | 0x7e, length[0], length[1], 0, 0, 0, 0]).unwrap();
        self.0.write_all(text.as_bytes()).unwrap();
    }

    /// Whether the server takes it.
    fn try_send(&mut self, text: &str) -> bool {
        let length = u8::try_from(text.len()).unwrap();
        let mut frame = vec![0x81, 0x80 | length, 0, 0, 0, 0];
        frame.extend_from_slice(text.as_bytes());
        self.0.write_all(&frame).is_ok()
    }

    pub(super) fn receive(&mut self) -> Frame {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).unwrap();
        let mut body = vec![0; usize::from(head[1])];
        self.0.read_exact(&mut body).unwrap();
        match head[0] & 0x0F {
            1 => Frame::Text(String::from_utf8(body).unwrap()),
            8 => {
                let status = u16::from_be_bytes([body[0], body[1]]);
                Frame::Close(status, String::from_utf8(body[2..].to_vec()).unwrap())
            }
            other => panic!("a frame of kind {other}"),
        }
    }
}

#[test]
fn it_is_open_as_long_as_the_token_is_good() {
    let server = start("websocket");
    let alice = token("alice").sign();
    let offer = format!("sec-websocket-protocol: chat.v1, bearer.{alice}");
    let (mut page, answer) = Connection::open(&server, "/chat", &[&offer]).unwrap();
    assert!(answer.contains("sec-websocket-protocol: chat.v1\r\n"), "{answer}");
    assert!(!answer.contains("bearer."), "the token comes back: {answer}");
    page.send("hello");
    assert_eq!(page.receive(), Frame::Text("alice: hello".into()));

    let bob = format!("authorization: Bearer {}", token("bob").sign());
    let (mut program, _) = Connection::open(&server, "/chat", &[&bob]).unwrap();
    assert_eq!(server.request("POST", "/logout").bearer(&alice).send().status, 204);
    assert_eq!(page.receive(), Frame::Close(4401, "revoked".into()));
    program.send("still here");
    assert_eq!(program.receive(), Frame::Text("bob: still here".into()));

    let refused = Connection::open(&server, "/chat", &[&offer]).err().unwrap();
    assert!(refused.starts_with("http/1.1 401"), "{refused}");
    let refused = Connection::open(&server, "/chat", &[&offer, &bob]).err().unwrap();
    assert!(refused.starts_with("http/1.1 400"), "two credentials: {refused}");
    let refused = Connection::open(&server, "/chat", &[]).err().unwrap();
    assert!(refused.starts_with("http/1.1 401"), "{refused}");
}

#[test]
fn who_does_not_read_does_not_stay() {
    let server = start("websocket");
    let alice = token("alice").sign();
    let field = format!("authorization: Bearer {alice}");
    let (mut connection, _) = Connection::open(&server, "/chat", &[&field]).unwrap();
    // More answers than anybody holds for a client that takes none of them.
    connection.0.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let message = "x".repeat(100);
    while connection.try_send(&message) {}
    assert_eq!(server.request("POST", "/logout").bearer(&alice).send().status, 204);
    // Reading nothing but the end of the connection: it is closed, although the talk was stuck.
    connection.0.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut rest = Vec::new();
    let ended = connection.0.read_to_end(&mut rest);
    assert!(ended.is_ok() || ended.unwrap_err().kind() == std::io::ErrorKind::ConnectionReset);
}

#[test]
fn it_ends_with_the_token() {
    let server = start("websocket");
    let short = token("alice").lifetime(Duration::from_secs(2)).sign();
    let field = format!("authorization: Bearer {short}");
    let (mut connection, _) = Connection::open(&server, "/chat", &[&field]).unwrap();
    connection.send("hello");
    assert_eq!(connection.receive(), Frame::Text("alice: hello".into()));
    assert_eq!(connection.receive(), Frame::Close(4401, "expired".into()));
}

#[test]
fn it_goes_on_with_a_newer_token_of_the_same_caller() {
    let server = start("websocket");
    let short = token("alice").lifetime(Duration::from_secs(2)).sign();
    let field = format!("authorization: Bearer {short}");
    let (mut connection, _) = Connection::open(&server, "/chat", &[&field]).unwrap();
    connection.send_long(&format!("bearer {}", token("alice").sign()));
    assert_eq!(connection.receive(), Frame::Text("welcome back".into()));
    std::thread::sleep(Duration::from_secs(3));
    connection.send("still here");
    assert_eq!(connection.receive(), Frame::Text("alice: still here".into()));
    connection.send_long(&format!("bearer {}", token("bob").sign()));
    assert_eq!(connection.receive(), Frame::Close(4403, "invalid_token".into()));
}

#[test]
fn events_end_with_the_token() {
    let server = start("websocket");
    let short = token("alice").lifetime(Duration::from_secs(3)).sign();
    let answer = server.request("GET", "/events").bearer(&short).send();
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("event: tick\ndata: "), "{}", answer.text());
    let last = "event: access-ended\ndata: {\"reason\":\"expired\"}\n\n";
    assert!(answer.text().contains(last), "{}", answer.text());
}
