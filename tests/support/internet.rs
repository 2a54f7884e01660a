//! Every https address by its real name: one server answers for all hosts, and a proxy leads to it.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::Runtime,
};
use tokio_rustls::{
    LazyConfigAcceptor,
    rustls::{ServerConfig, server::Acceptor},
};

use crate::{Authority, listen::listen};

/// Documents by their URL, with the bearer token that they want.
type Documents = Arc<Mutex<HashMap<String, (String, Option<String>)>>>;

/// A proxy behind which documents stand at their real URLs. It ends when it is dropped.
pub struct Internet {
    authority: Arc<Authority>,
    address: SocketAddr,
    documents: Documents,
    runtime: Option<Runtime>,
}

impl Internet {
    /// One without any document.
    pub fn start() -> Self {
        let (authority, documents) = (Arc::new(Authority::new()), Arc::default());
        let hosts: Arc<Mutex<HashMap<String, Arc<ServerConfig>>>> = Arc::default();
        let (signer, shared) = (Arc::clone(&authority), Arc::clone(&documents));
        let (address, runtime) = listen(move |mut stream| {
            let (signer, hosts, shared) = (signer.clone(), hosts.clone(), Arc::clone(&shared));
            async move {
                let _: Option<()> = async {
                    head(&mut stream).await?;
                    let ready = b"HTTP/1.1 200 Connection established\r\n\r\n";
                    stream.write_all(ready).await.ok()?;
                    serve(stream, &signer, &hosts, &shared).await
                }
                .await;
            }
        });
        Self { authority, address, documents, runtime: Some(runtime) }
    }

    /// Publishes a document at a URL such as `https://issuer.example/.well-known/jwks.json`.
    pub fn publish(&self, url: &str, document: &Value) {
        self.documents.lock().unwrap().insert(url.to_owned(), (document.to_string(), None));
    }

    /// Answers requests for a published document with 401 unless they have this bearer token.
    pub fn want(&self, url: &str, token: String) {
        self.documents.lock().unwrap().get_mut(url).unwrap().1 = Some(token);
    }

    /// The value of `JWT_PROXY`.
    pub fn proxy(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The value of `JWT_ROOT_CERTIFICATES`.
    pub fn roots(&self) -> String {
        self.authority.pem()
    }
}

impl Drop for Internet {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(
    stream: TcpStream,
    authority: &Authority,
    hosts: &Mutex<HashMap<String, Arc<ServerConfig>>>,
    documents: &Documents,
) -> Option<()> {
    let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await.ok()?;
    let host = hello.client_hello().server_name()?.to_owned();
    let config = {
        let mut hosts = hosts.lock().unwrap();
        let config = || authority.certify(&host).config();
        Arc::clone(hosts.entry(host.clone()).or_insert_with(config))
    };
    let mut stream = hello.into_stream(config).await.ok()?;
    let head = head(&mut stream).await?;
    let url = format!("https://{host}{}", head.split(' ').nth(1)?);
    let found = documents.lock().unwrap().get(&url).cloned();
    let is_wanted = |token: &String| head.contains(&format!("Bearer {token}\r\n"));
    let (status, body) = match found {
        None => ("404 Not Found", String::new()),
        Some((_, Some(token))) if !is_wanted(&token) => ("401 Unauthorized", String::new()),
        Some((body, _)) => ("200 OK", body),
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await.ok()?;
    stream.shutdown().await.ok()
}

/// The head of a request.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}
