//! What may stand in front of an issuer: TLS, and a proxy.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    date_time_ymd,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::TcpStream,
    runtime::Runtime,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ClientConfig, RootCertStore, ServerConfig,
        crypto::{self, CryptoProvider},
        pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
        server::WebPkiClientVerifier,
    },
};

use crate::listen::listen;

/// An authority that signs servers' certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
pub struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
    /// What it shows besides.
    above: Vec<CertificateDer<'static>>,
}

impl Authority {
    /// An authority that nobody knows.
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "an authority of the tests");
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its own certificate in DER.
    pub fn der(&self) -> &[u8] {
        self.0.der()
    }

    /// The same in PEM.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for a host.
    pub fn certify(&self, host: &str) -> Identity {
        self.sign(&CertificateParams::new(vec![host.to_owned()]).unwrap())
    }

    /// One that is over.
    pub fn certify_long_ago(&self, host: &str) -> Identity {
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
        self.sign(&params)
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        roots
    }

    fn sign(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.clone().signed_by(&key, &self.0).unwrap();
        Identity { certificate, key, above: Vec::new() }
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(crypto::aws_lc_rs::default_provider())
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Identity {
    /// One that vouches for itself.
    pub fn self_signed(host: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        Self { certificate: params.self_signed(&key).unwrap(), key, above: Vec::new() }
    }

    /// The certificate in PEM.
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// The key in PEM.
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        self.certificate.der()
    }

    /// What a client uses that trusts an authority, and shows a certificate if it has one.
    pub fn client_config(authority: &Authority, shows: Option<&Self>) -> Arc<ClientConfig> {
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(authority.roots());
        Arc::new(match shows {
            None => config.with_no_client_auth(),
            Some(one) => config.with_client_auth_cert(one.chain(), one.private_key()).unwrap(),
        })
    }

    /// What a server uses that asks clients for certificates of an authority. They may have none.
    pub fn asking_config(&self, authority: &Authority) -> ServerConfig {
        let roots = Arc::new(authority.roots());
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
        ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.allow_unauthenticated().build().unwrap())
            .with_single_cert(self.chain(), self.private_key())
            .unwrap()
    }

    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(self.chain(), self.private_key())
            .unwrap();
        Arc::new(config)
    }

    /// The same, which also shows the certificate of its authority.
    #[must_use]
    pub fn with_chain(mut self, authority: &Authority) -> Self {
        self.above.push(authority.0.der().clone());
        self
    }

    fn chain(&self) -> Vec<CertificateDer<'static>> {
        std::iter::once(self.certificate.der()).chain(&self.above).cloned().collect()
    }

    fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()))
    }
}

/// Speaks TLS in front of a server that does not. It ends when it is dropped.
pub struct TlsFront {
    address: SocketAddr,
    runtime: Option<Runtime>,
}

impl TlsFront {
    /// In front of the server at a URL such as `http://127.0.0.1:1234`.
    pub fn start(identity: &Identity, behind: &str) -> Self {
        let (acceptor, behind) = (TlsAcceptor::from(identity.config()), authority(behind));
        let (address, runtime) = listen(move |stream| {
            let (acceptor, behind) = (acceptor.clone(), behind.clone());
            async move {
                if let Ok(mut stream) = acceptor.accept(stream).await
                    && let Ok(mut server) = TcpStream::connect(&behind).await
                {
                    let _ = copy_bidirectional(&mut stream, &mut server).await;
                }
            }
        });
        Self { address, runtime: Some(runtime) }
    }

    /// A URL on it, by the name of this machine.
    pub fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.address.port())
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A proxy that makes tunnels. It ends when it is dropped.
pub struct ConnectProxy {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    refuses: Arc<AtomicBool>,
    runtime: Option<Runtime>,
}

impl ConnectProxy {
    /// A proxy that lets everybody through.
    pub fn start() -> Self {
        let (heads, refuses) = (Arc::new(Mutex::default()), Arc::new(AtomicBool::new(false)));
        let (to_heads, to_refuses) = (Arc::clone(&heads), Arc::clone(&refuses));
        let (address, runtime) =
            listen(move |stream| tunnel(stream, Arc::clone(&to_heads), Arc::clone(&to_refuses)));
        Self { address, heads, refuses, runtime: Some(runtime) }
    }

    /// Its host and port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests so far.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// Lets nobody through any more.
    pub fn refuse(&self) {
        self.refuses.store(true, Ordering::SeqCst);
    }
}

impl Drop for ConnectProxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn tunnel(mut stream: TcpStream, heads: Arc<Mutex<Vec<String>>>, refuses: Arc<AtomicBool>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let place = head.split(' ').nth(1).unwrap_or_default().to_owned();
    heads.lock().unwrap().push(head);
    if refuses.load(Ordering::SeqCst) {
        let _ = stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await;
        return;
    }
    let Ok(mut server) = TcpStream::connect(place).await else { return };
    if stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.is_ok() {
        let _ = copy_bidirectional(&mut stream, &mut server).await;
    }
}

fn authority(url: &str) -> String {
    url.trim_start_matches("http://").trim_end_matches('/').to_owned()
}
