//! A client that sends exactly the bytes it is given and shows exactly the bytes it gets.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

use serde_json::Value;
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, HandshakeKind, StreamOwned, pki_types::ServerName,
};

use crate::setting;

/// A request, put together field by field. Nothing is checked, so that it can be malformed.
#[derive(Clone)]
pub struct Request {
    address: SocketAddr,
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Request {
    /// A request without header fields but `Host` and `Connection: close`.
    pub fn new(address: SocketAddr, method: &str, path: &str) -> Self {
        let head = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
        Self { address, head: head.into_bytes(), body: Vec::new() }
    }

    /// The same to another host, as the field says.
    #[must_use]
    pub fn host(mut self, host: &str) -> Self {
        let own = format!("host: {}\r\n", self.address);
        let head =
            String::from_utf8_lossy(&self.head).replacen(&own, &format!("host: {host}\r\n"), 1);
        self.head = head.into_bytes();
        self
    }

    /// Adds a header field; several of one name stay several.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.head.extend_from_slice(name.as_bytes());
        self.head.extend_from_slice(b": ");
        self.head.extend_from_slice(value.as_ref());
        self.head.extend_from_slice(b"\r\n");
        self
    }

    /// Adds `Authorization: Bearer …`, or the header of the [setting] that is tried.
    ///
    /// [setting]: crate::setting
    #[must_use]
    pub fn bearer(self, token: impl AsRef<str>) -> Self {
        let (name, value) = setting::header(token.as_ref());
        self.header(name, value)
    }

    /// Adds a body of type JSON.
    #[must_use]
    pub fn json(self, body: &str) -> Self {
        self.body("application/json", body)
    }

    /// Adds a body of any type.
    #[must_use]
    pub fn body(self, content_type: &str, body: &str) -> Self {
        let mut request = self
            .header("content-type", content_type)
            .header("content-length", body.len().to_string());
        request.body = body.as_bytes().to_vec();
        request
    }

    /// Adds the bytes of a body, without fields about it.
    #[must_use]
    pub fn raw_body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    /// Sends the head alone, whatever body it announces, and reads the response. `None` if there is none
    /// within this time: the server waits for the body.
    pub fn send_head(&self, wait: Duration) -> Option<Response> {
        let mut stream = self.connect().unwrap();
        stream.set_read_timeout(Some(wait)).unwrap();
        stream.write_all(&self.head).unwrap();
        stream.write_all(b"\r\n").unwrap();
        Response::read_one(stream)
    }

    /// Sends the request and reads the response as far as it says that it goes: a server that has not
    /// read the body leaves the connection open for a while.
    pub fn send_and_leave(&self) -> Response {
        let mut stream = self.connect().unwrap();
        for part in [&*self.head, b"\r\n", &*self.body] {
            stream.write_all(part).unwrap();
        }
        Response::read_one(stream).expect("the server answers")
    }

    /// Sends the request and reads the response to its end.
    pub fn send(&self) -> Response {
        self.try_send().expect("the server answers")
    }

    /// The same, for servers that may hang up.
    ///
    /// # Errors
    /// Whatever the connection meets.
    pub fn try_send(&self) -> std::io::Result<Response> {
        self.send_over(self.connect()?)
    }

    /// The same over TLS, to a server that is called `localhost`. Says too whether the connection went on
    /// with the session of an earlier one.
    pub fn send_tls(&self, config: Arc<ClientConfig>) -> (Response, bool) {
        let name = ServerName::try_from("localhost").unwrap();
        let tls = ClientConnection::new(config, name).unwrap();
        let mut stream = StreamOwned::new(tls, self.connect().unwrap());
        let response = self.send_over(&mut stream).expect("the server answers");
        (response, stream.conn.handshake_kind() == Some(HandshakeKind::Resumed))
    }

    /// Sends requests one after the other over one connection, and reads all of the responses.
    pub fn send_all(requests: &[Self]) -> Vec<Response> {
        let mut stream = requests[0].connect().unwrap();
        for (index, request) in requests.iter().enumerate() {
            let is_last = index + 1 == requests.len();
            let head = String::from_utf8(request.head.clone()).unwrap();
            let head = if is_last { head } else { head.replace("connection: close\r\n", "") };
            write!(stream, "{head}\r\n").unwrap();
        }
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let mut responses = Vec::new();
        while let Some(mut response) = Response::parse(&bytes) {
            let length = response.header("content-length").unwrap().parse().unwrap();
            bytes = response.body.split_off(length);
            responses.push(response);
        }
        responses
    }

    fn connect(&self) -> std::io::Result<TcpStream> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(stream)
    }

    fn send_over(&self, mut stream: impl Read + Write) -> std::io::Result<Response> {
        stream.write_all(&self.head)?;
        stream.write_all(b"\r\n")?;
        stream.write_all(&self.body)?;
        let mut bytes = Vec::new();
        match stream.read_to_end(&mut bytes) {
            // A server of TLS need not say goodbye.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {}
            outcome => drop(outcome?),
        }
        Response::parse(&bytes).ok_or_else(|| std::io::Error::other("no complete response"))
    }

    /// Sends the request and waits for nothing. The connection is reset when the answer is dropped,
    /// as by a client that is gone: mere silence would let the server go on.
    pub fn open(&self) -> OpenRequest {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(&self.head).unwrap();
        stream.write_all(b"\r\n").unwrap();
        socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
        OpenRequest { _stream: stream }
    }
}

/// A request whose answer nobody waits for.
pub struct OpenRequest {
    _stream: TcpStream,
}

/// A response with all its bytes.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status code.
    pub status: u16,
    head: String,
    body: Vec<u8>,
}

impl Response {
    /// Reads one response, whose length is announced unless the connection ends with it.
    fn read_one(mut stream: impl Read) -> Option<Self> {
        const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

        let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
        loop {
            let length = stream.read(&mut piece).ok()?;
            bytes.extend_from_slice(&piece[..length]);
            let response = Self::parse(bytes.strip_prefix(CONTINUE).unwrap_or(&bytes));
            let announced =
                response.as_ref().and_then(|response| response.header("content-length"));
            let announced = announced.and_then(|length| length.parse().ok());
            match response {
                Some(response) if length == 0 || Some(response.body.len()) == announced => {
                    return Some(response);
                }
                None if length == 0 => return None,
                _ => {}
            }
        }
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Self { status, head, body: bytes[end + 4..].to_vec() })
    }

    /// Every value of a header field.
    pub fn headers(&self, name: &str) -> Vec<&str> {
        self.head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(':'))
            .filter(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .collect()
    }

    /// The only value of a header field.
    pub fn header(&self, name: &str) -> Option<&str> {
        match self.headers(name)[..] {
            [] => None,
            [value] => Some(value),
            _ => panic!("more than one {name}"),
        }
    }

    /// The challenge.
    pub fn challenge(&self) -> Option<&str> {
        self.header("www-authenticate")
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Status line, header fields and body, to search for what must not be there.
    pub fn everything(&self) -> String {
        format!("{}\n{}", self.head, String::from_utf8_lossy(&self.body))
    }
}
