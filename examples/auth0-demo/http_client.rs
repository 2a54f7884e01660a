//! How the website asks the provider and the API.

use std::{fmt, sync::Arc, time::Duration};

use actix_web::http::header::{HeaderName, HeaderValue};
use awc::{Client, Connector};
use openidconnect::{HttpRequest, HttpResponse, http};
use rustls::{ClientConfig, RootCertStore};

const MAX_BYTES: usize = 256 * 1024;

/// Each worker has its own.
pub(crate) fn new() -> Client {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .map(|config| config.with_root_certificates(roots).with_no_client_auth());
    let client = Client::builder().timeout(Duration::from_secs(5)).disable_redirects();
    match config {
        Ok(config) => client.connector(Connector::new().rustls_0_23(Arc::new(config))).finish(),
        // Not with this cryptography, which has them all; then there is plain HTTP.
        Err(_) => client.finish(),
    }
}

/// A request of `openidconnect`.
pub(crate) async fn send(client: &Client, request: HttpRequest) -> Result<HttpResponse, Failed> {
    let (parts, body) = request.into_parts();
    let method = actix_web::http::Method::from_bytes(parts.method.as_str().as_bytes());
    let mut sending = client.request(method.map_err(|_| Failed)?, parts.uri.to_string());
    for (name, value) in &parts.headers {
        let name = HeaderName::from_bytes(name.as_str().as_bytes()).map_err(|_| Failed)?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| Failed)?;
        sending = sending.insert_header((name, value));
    }
    let mut answer = sending.send_body(body).await.map_err(|_| Failed)?;
    let body = answer.body().limit(MAX_BYTES).await.map_err(|_| Failed)?;
    let mut response = http::Response::builder().status(answer.status().as_u16());
    for (name, value) in answer.headers() {
        response = response.header(name.as_str(), value.as_bytes());
    }
    response.body(body.to_vec()).map_err(|_| Failed)
}

/// The provider cannot be asked.
#[derive(Debug)]
pub(crate) struct Failed;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the provider is out of reach")
    }
}

impl std::error::Error for Failed {}
