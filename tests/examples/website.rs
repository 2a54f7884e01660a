//! The example `auth0-demo` without a browser: what a browser would not send, and logins by the dozen.

use std::{collections::BTreeMap, net::TcpStream, sync::Arc};

use actix_web::{
    App, HttpRequest,
    web::{self, Form, Json},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jwt_verify_tests::{Process, Request, Response, TestServer, base64url};
use serde_json::{Value, json};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{self, CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use crate::ISSUER;

/// Trusts every certificate: the demo makes its own at every start.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

fn client_config() -> ClientConfig {
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth()
}

/// What a server says to a client that speaks these protocols.
pub(crate) fn negotiate(
    process: &Process,
    mut config: ClientConfig,
    protocols: &[&str],
) -> std::io::Result<Option<Vec<u8>>> {
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = ServerName::try_from("localhost").unwrap();
    let mut tls = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = TcpStream::connect(process.address())?;
    while tls.is_handshaking() {
        tls.complete_io(&mut stream)?;
    }
    Ok(tls.alpn_protocol().map(<[u8]>::to_vec))
}

/// The website, and a browser that visits it.
struct Website {
    process: Process,
    config: Arc<ClientConfig>,
}

impl Website {
    fn start(variables: &[(&str, &str)]) -> Self {
        let process = Process::start_with("auth0-demo", variables);
        Self { process, config: Arc::new(client_config()) }
    }

    fn request(&self, method: &str, path: &str, cookie: &str) -> Response {
        let mut request = self.process.request(method, path);
        if !cookie.is_empty() {
            request = request.header("cookie", cookie);
        }
        request.send_tls(self.config.clone()).0
    }

    fn get(&self, path: &str, cookie: &str) -> Response {
        self.request("GET", path, cookie)
    }

    /// Begins a login: where the browser is sent, and its cookie.
    fn begin(&self) -> (String, String) {
        let answer = self.get("/login", "");
        assert_eq!(answer.status, 303, "{}", answer.text());
        (answer.header("location").unwrap().to_owned(), cookie(&answer))
    }

    /// Logs in at the embedded provider, and returns the cookie.
    fn login(&self, who: &str) -> String {
        let (location, before) = self.begin();
        let (address, query) = location.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let (path, query) = query.split_once('?').unwrap();
        let form = format!("{query}&person={who}");
        let chosen = Request::new(address.parse().unwrap(), "POST", &format!("/{path}"))
            .body("application/x-www-form-urlencoded", &form)
            .send();
        let back = chosen.header("location").unwrap().split_once("/callback").unwrap().1.to_owned();
        let done = self.get(&format!("/callback{back}"), &before);
        assert_eq!((done.status, done.header("location")), (303, Some("/profile")));
        cookie(&done)
    }
}

/// The cookie that an answer sets, as a browser sends it back.
fn cookie(answer: &Response) -> String {
    answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
}

/// EXA-01: Actix decodes and trims the names of cookies; browsers protect only the one that is written
/// as it is.
#[test]
fn a_cookie_that_only_looks_like_the_session_is_refused() {
    let website = Website::start(&[]);
    let cookie = website.login("alice");
    let value = cookie.strip_prefix("__Host-session=").unwrap();
    assert_eq!(website.get("/profile", &cookie).status, 200);
    assert_eq!(website.get("/profile", &format!("a=b; {cookie}; c")).status, 200);
    for name in [
        "%5F_Host-session",
        "__Host%2Dsession",
        "__Host-%73ession",
        "%5f%5fHost-session",
        "\u{a0}__Host-session",
        "\u{2003}__Host-session",
        "__Host-session\u{a0}",
    ] {
        for planted in [
            format!("{name}={value}"),
            format!("{name}=x"),
            format!("{name}={value}; {cookie}"),
            format!("{cookie}; {name}={value}"),
        ] {
            let answer = website.get("/profile", &planted);
            assert_eq!(answer.status, 400, "{name:?}");
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            assert!(answer.headers("set-cookie").is_empty());
        }
    }
    assert_eq!(website.get("/profile", &format!("{cookie}; {cookie}")).status, 400);
    // Other names are other cookies.
    for other in ["__host-session", "__Host-session2", "x__Host-session", "%255F_Host-session"] {
        let answer = website.get("/profile", &format!("{other}={value}"));
        assert_eq!(answer.status, 401, "{other}");
    }
}

/// EXA-05: with HTTP/2 of Actix one client fills the memory, so it is not offered.
#[test]
fn the_website_speaks_no_http_2() {
    let website = Website::start(&[]);
    let ask = |protocols: &[&str]| negotiate(&website.process, client_config(), protocols);
    assert_eq!(ask(&["h2", "http/1.1"]).unwrap().unwrap(), b"http/1.1");
    assert!(ask(&["h2"]).is_err());
    assert_eq!(ask(&[]).unwrap(), None);
}

/// EXA-06: one account does not take the places of all others.
#[test]
fn logging_in_again_and_again_ends_the_own_oldest_session() {
    let website = Website::start(&[]);
    let other = website.login("ada");
    let cookies: Vec<_> = (0..12).map(|_| website.login("alice")).collect();
    let status = |cookie: &String| website.get("/profile", cookie).status;
    let statuses: Vec<_> = cookies.iter().map(status).collect();
    assert_eq!(statuses[..2], [401, 401]);
    assert_eq!(statuses[2..], [200; 10]);
    assert_eq!(status(&other), 200);
}

/// EXA-09.
#[test]
fn pages_can_be_asked_for_their_head() {
    let website = Website::start(&[]);
    let cookie = website.login("ada");
    for path in ["/", "/style.css", "/profile", "/reports", "/admin"] {
        let answer = website.request("HEAD", path, &cookie);
        assert_eq!((answer.status, answer.text().len()), (200, 0), "{path}");
    }
    assert_eq!(website.request("HEAD", "/profile", "").status, 401);
    // Nothing begins or ends by looking.
    assert_eq!(website.request("HEAD", "/login", "").status, 404);
    assert_eq!(website.request("POST", "/profile", &cookie).status, 404);
}

/// EXA-09: an ID token that cannot be used ends the login, and is not an error of the website.
#[test]
fn id_tokens_that_cannot_be_used_end_the_login() {
    let provider = provider();
    let issuer = format!("http://{}", provider.address());
    let website = Website::start(&[
        ("OIDC_ISSUER", &issuer),
        ("AUTH0_CLIENT_ID", "website"),
        ("AUTH0_CLIENT_SECRET", "for-tests-only"),
        ("AUTH0_API_IDENTIFIER", "https://api.example.com"),
    ]);
    let login = |change: Value| {
        let (location, cookie) = website.begin();
        let parameter = |name: &str| {
            let (_, rest) = location.split_once(&format!("{name}=")).unwrap();
            rest.split('&').next().unwrap().to_owned()
        };
        let mut claims = json!({ "nonce": parameter("&nonce"), "sub": "ada" });
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let code = base64url(claims.to_string());
        website.get(&format!("/callback?code={code}&state={}", parameter("&state")), &cookie).status
    };
    assert_eq!(login(json!({ "name": "Ada" })), 303);
    for bad in [
        json!({ "sub": null }),
        json!({ "sub": 7 }),
        json!({ "nonce": null }),
        json!({ "nonce": ["a", "b"] }),
        json!({ "nonce": "another" }),
        json!({ "name": { "first": "Ada" } }),
        json!({ "aud": "another" }),
        json!({ "exp": 1 }),
    ] {
        assert_eq!(login(bad.clone()), 400, "{bad}");
    }
    // An answer that is not one of a token endpoint at all is another matter.
    assert_eq!(login(json!({ "token_type": 7 })), 500);
}

/// A provider whose codes say what is in the ID token: claims, or `null` for those that are left out.
fn provider() -> TestServer {
    TestServer::start(|| {
        App::new()
            .route("/.well-known/openid-configuration", web::get().to(metadata))
            .route("/jwks", web::get().to(key_set))
            .route("/token", web::post().to(token))
    })
}

fn own_url(request: &HttpRequest) -> String {
    format!("http://{}", request.headers().get("host").unwrap().to_str().unwrap())
}

async fn metadata(request: HttpRequest) -> Json<Value> {
    let url = own_url(&request);
    Json(json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }))
}

async fn key_set() -> Json<Value> {
    Json(ISSUER.key_set())
}

async fn token(request: HttpRequest, form: Form<BTreeMap<String, String>>) -> Json<Value> {
    let code = URL_SAFE_NO_PAD.decode(&form["code"]).unwrap();
    let claims: Value = serde_json::from_slice(&code).unwrap();
    let mut token = ISSUER.token().header("typ", "JWT").audience("website");
    token = token.claim("iss", own_url(&request));
    for (name, value) in claims.as_object().unwrap() {
        token =
            if value.is_null() { token.without(name) } else { token.claim(name, value.clone()) };
    }
    Json(json!({
        "access_token": "opaque",
        "id_token": token.sign(),
        "token_type": claims.get("token_type").cloned().unwrap_or("Bearer".into()),
    }))
}
