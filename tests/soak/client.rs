//! A client that keeps connections open, as those of an API do, and gives up after ten seconds.

use std::{
    io,
    net::SocketAddr,
    sync::Mutex,
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// Longer than anything takes that the library waits for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Actix closes a connection after five seconds without a request.
const IDLE: Duration = Duration::from_secs(3);

/// Connections to one server.
pub(crate) struct Connections {
    address: SocketAddr,
    idle: Mutex<Vec<(TcpStream, Instant)>>,
}

/// A response, as far as it is looked at.
pub(crate) struct Answer {
    pub(crate) status: u16,
    body: Vec<u8>,
}

impl Answer {
    /// A member of the JSON in the body.
    pub(crate) fn text(&self, member: &str) -> Option<String> {
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        body.get(member)?.as_str().map(str::to_owned)
    }
}

impl Connections {
    pub(crate) fn to(address: SocketAddr) -> Self {
        Self { address, idle: Mutex::default() }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Asks with a token, over a connection that is open already if there is one. Where the server closes
    /// that one at the same moment, the request is sent once more, as every client of HTTP does.
    pub(crate) async fn get(&self, path: &str, fields: &str) -> io::Result<Answer> {
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {}\r\n{fields}\r\n", self.address).into_bytes();
        let whole = async {
            if let Some(stream) = self.take_idle()
                && let Ok(answer) = self.exchange(stream, &request).await
            {
                return Ok(answer);
            }
            let stream = TcpStream::connect(self.address).await?;
            self.exchange(stream, &request).await
        };
        timeout(PATIENCE, whole).await?
    }

    /// Sends what must not be sent twice, over a new connection.
    pub(crate) async fn post(
        &self,
        path: &str,
        media_type: &str,
        fields: &str,
        body: &str,
    ) -> io::Result<Answer> {
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: {media_type}\r\n\
             content-length: {}\r\n{fields}\r\n{body}",
            self.address,
            body.len()
        );
        let whole = async {
            let stream = TcpStream::connect(self.address).await?;
            self.exchange(stream, request.as_bytes()).await
        };
        timeout(PATIENCE, whole).await?
    }

    fn take_idle(&self) -> Option<TcpStream> {
        let mut idle = self.idle.lock().unwrap();
        idle.retain(|(_, since)| since.elapsed() < IDLE);
        idle.pop().map(|(stream, _)| stream)
    }

    async fn exchange(&self, mut stream: TcpStream, request: &[u8]) -> io::Result<Answer> {
        stream.set_nodelay(true)?;
        stream.write_all(request).await?;
        let mut bytes = Vec::with_capacity(1024);
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            read_some(&mut stream, &mut bytes).await?;
        };
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let malformed = || io::Error::other("no HTTP");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status: u16 = status.ok_or_else(malformed)?;
        let field = |name: &str| {
            head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
        };
        let length = field("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        while bytes.len() < end + length {
            read_some(&mut stream, &mut bytes).await?;
        }
        if field("connection") != Some("close") {
            self.idle.lock().unwrap().push((stream, Instant::now()));
        }
        Ok(Answer { status, body: bytes.split_off(end) })
    }
}

async fn read_some(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> io::Result<()> {
    match stream.read_buf(bytes).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}
