//! Requests that tell how an issuer answers, for a diagnosis. They are made as the provider makes
//! them: the same TLS, proxy, credential and limits.

use std::{cell::RefCell, time::Duration};

use awc::http::{
    StatusCode, Uri,
    header::{self, HeaderMap},
};

use super::{
    discovery::{key_set_url, metadata_urls},
    endpoint::{Endpoint, SafeUrl},
    fetch_error::Failure,
    http_client::HttpClient,
    http_hosts::HttpHosts,
};

/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Class of a failure after the connection: the certificate is not trusted, or no version of TLS is
/// common.
pub(crate) const TLS: &str = "tls";

/// Asks an issuer for its documents.
pub(crate) struct Prober {
    pub(super) endpoint: Endpoint,
    pub(super) hosts: HttpHosts,
    pub(super) client: HttpClient,
}

/// One answer.
#[derive(Debug, Default)]
pub(crate) struct Visit {
    pub(crate) url: String,
    pub(crate) status: Option<u16>,
    /// Target of a redirect.
    pub(crate) location: Option<String>,
    pub(crate) date: Option<String>,
    pub(crate) cache_control: Option<String>,
    pub(crate) content_type: Option<String>,
    /// Class of the failure, as the log and the health route name it.
    pub(crate) failure: Option<&'static str>,
    pub(crate) body: Option<Vec<u8>>,
}

impl Prober {
    /// Asks for the metadata at each of its addresses, until one of them answers with a document.
    /// Empty if the URL of the key set is configured.
    pub(crate) async fn metadata(&self) -> Vec<Visit> {
        let Endpoint::Discovery { base, .. } = &self.endpoint else { return Vec::new() };
        let mut visits = Vec::new();
        for url in metadata_urls(base) {
            let visit = self.visit(&url).await;
            let is_there = visit.body.is_some();
            visits.push(visit);
            if is_there {
                break;
            }
        }
        visits
    }

    /// Asks for the key set at the configured URL, or at the one that the metadata names. `None` if
    /// it is not fetched from there.
    pub(crate) async fn key_set(&self, metadata: Option<&[u8]>) -> Option<Visit> {
        let url = match &self.endpoint {
            Endpoint::Url(url) => url.clone(),
            Endpoint::Discovery { issuer, base, .. } => {
                key_set_url(metadata?, issuer, base, &self.hosts).ok()?
            }
        };
        Some(self.visit(&url).await)
    }

    /// Returns `true` if the host takes connections, so that a failure to connect is one of TLS.
    async fn is_listening(&self, uri: &Uri) -> bool {
        let (Some(host), true) = (uri.host(), uri.scheme_str() == Some("https")) else {
            return false;
        };
        if self.client.connector.proxy.is_some() {
            return false;
        }
        let host = host.trim_matches(['[', ']']);
        let connection = tokio::net::TcpStream::connect((host, uri.port_u16().unwrap_or(443)));
        matches!(tokio::time::timeout(PATIENCE, connection).await, Ok(Ok(_)))
    }

    async fn visit(&self, url: &SafeUrl) -> Visit {
        // Without the query, which may hold a secret.
        let visit = RefCell::new(Visit { url: format!("{url:?}"), ..Visit::default() });
        let uri = url.uri();
        let observe = |status: StatusCode, headers: &HeaderMap| {
            let text = |name| {
                let value = headers.get(name).and_then(|value| value.to_str().ok());
                value.map(|value| value.chars().take(200).collect())
            };
            let mut visit = visit.borrow_mut();
            visit.status = Some(status.as_u16());
            visit.location = text(header::LOCATION);
            visit.date = text(header::DATE);
            visit.cache_control = text(header::CACHE_CONTROL);
            visit.content_type = text(header::CONTENT_TYPE);
        };
        let answer = tokio::time::timeout(PATIENCE, self.client.get_observed(uri, observe)).await;
        let mut visit = visit.into_inner();
        match answer {
            Ok(Ok(document)) => visit.body = Some(document.body),
            Ok(Err(error)) if error.failure == Failure::Connect && self.is_listening(uri).await => {
                visit.failure = Some(TLS);
            }
            Ok(Err(error)) => visit.failure = Some(error.failure.code()),
            Err(_) => visit.failure = Some(Failure::Timeout.code()),
        }
        visit
    }
}
