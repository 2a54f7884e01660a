//! One GET, bounded in time and size.

use std::{sync::Arc, time::Duration};

use awc::{
    Client, Connector,
    error::{ConnectError, PayloadError, SendRequestError},
    http::{StatusCode, Uri, header},
};

use super::{connector::IssuerConnector, freshness, proxy::TunnelRefused};

/// What came back.
pub(super) struct Fetched {
    pub(super) body: Vec<u8>,
    pub(super) max_age: Option<Duration>,
}

/// Why nothing usable came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FetchError {
    pub(super) failure: Failure,
    /// When the issuer wants to be asked again.
    pub(super) retry_after: Option<Duration>,
    pub(super) step: Step,
}

/// Which of the two documents it was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Discovery,
    KeySet,
}

impl Step {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Discovery => "discovery",
            Self::KeySet => "key_set",
        }
    }
}

/// The classes of failure. Their names are all that is ever told of an upstream's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    Connect,
    Proxy,
    Timeout,
    Protocol,
    NotFound,
    Redirect,
    Status,
    Encoding,
    TooLarge,
    Truncated,
    Empty,
    DiscoveryDocument,
    DiscoveryIssuer,
    DiscoveryUrl,
    KeySetDocument,
    TooManyKeys,
    NoUsableKeys,
    Aborted,
    /// Not asked: it has just failed to answer another instance.
    Elsewhere,
}

impl Failure {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Proxy => "proxy",
            Self::Timeout => "timeout",
            Self::Protocol => "protocol",
            Self::NotFound => "not_found",
            Self::Redirect => "redirect",
            Self::Status => "status",
            Self::Encoding => "encoding",
            Self::TooLarge => "too_large",
            Self::Truncated => "truncated",
            Self::Empty => "empty",
            Self::DiscoveryDocument => "discovery_document",
            Self::DiscoveryIssuer => "discovery_issuer",
            Self::DiscoveryUrl => "discovery_url",
            Self::KeySetDocument => "key_set_document",
            Self::TooManyKeys => "too_many_keys",
            Self::NoUsableKeys => "no_usable_keys",
            Self::Aborted => "aborted",
            Self::Elsewhere => "elsewhere",
        }
    }
}

impl From<Failure> for FetchError {
    fn from(failure: Failure) -> Self {
        Self { failure, retry_after: None, step: Step::KeySet }
    }
}

/// How to reach issuers.
#[derive(Clone)]
pub(super) struct Transport {
    pub(super) connector: IssuerConnector,
    pub(super) tls: Arc<rustls::ClientConfig>,
    pub(super) connect_timeout: Duration,
    pub(super) max_bytes: usize,
}

impl Transport {
    /// Gets a document. Redirects are refused, compressed answers too: a key set is small, and what
    /// is not inflated cannot be a bomb. The caller bounds the time of the whole.
    pub(super) async fn get(&self, uri: &Uri) -> Result<Fetched, FetchError> {
        let connector = Connector::new()
            .connector(self.connector.clone())
            .timeout(self.connect_timeout)
            .handshake_timeout(self.connect_timeout)
            .rustls_0_23(self.tls.clone());
        let client: Client =
            Client::builder().connector(connector).disable_redirects().disable_timeout().finish();
        let mut response = client
            .get(uri)
            .force_close()
            .no_decompress()
            .insert_header((header::ACCEPT, "application/json"))
            .insert_header((header::ACCEPT_ENCODING, "identity"))
            .send()
            .await
            .map_err(|error| classify(&error))?;
        let headers = response.headers();
        if response.status() != StatusCode::OK {
            return Err(refused(response.status(), headers));
        }
        let encoded = headers
            .get_all(header::CONTENT_ENCODING)
            .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"));
        if encoded {
            return Err(Failure::Encoding.into());
        }
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let announced: Option<usize> = text(header::CONTENT_LENGTH).and_then(|n| n.parse().ok());
        let age = text(header::AGE).unwrap_or_default();
        let max_age =
            text(header::CACHE_CONTROL).and_then(|control| freshness::max_age(control, age));
        let body = response.body().limit(self.max_bytes).await.map_err(|error| match error {
            PayloadError::Overflow => Failure::TooLarge,
            _ => Failure::Truncated,
        })?;
        // The client reports neither a connection that ends early nor a body whose end is only
        // marked by the end of the connection (HTTP/1.1), which it reads as empty.
        if announced.is_some_and(|length| length != body.len()) {
            return Err(Failure::Truncated.into());
        }
        if body.is_empty() {
            return Err(Failure::Empty.into());
        }
        Ok(Fetched { body: body.to_vec(), max_age })
    }
}

fn classify(error: &SendRequestError) -> FetchError {
    match error {
        SendRequestError::Timeout | SendRequestError::Connect(ConnectError::Timeout) => {
            Failure::Timeout
        }
        SendRequestError::Connect(ConnectError::Io(error))
            if error
                .get_ref()
                .is_some_and(<dyn std::error::Error + Send + Sync>::is::<TunnelRefused>) =>
        {
            Failure::Proxy
        }
        SendRequestError::Connect(_) => Failure::Connect,
        _ => Failure::Protocol,
    }
    .into()
}

fn refused(status: StatusCode, headers: &header::HeaderMap) -> FetchError {
    let failure = match status {
        StatusCode::NOT_FOUND => Failure::NotFound,
        _ if status.is_redirection() => Failure::Redirect,
        _ => Failure::Status,
    };
    let may_ask = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    let retry_after = headers
        .get(header::RETRY_AFTER)
        .filter(|_| may_ask)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .map(Duration::from_secs);
    FetchError { retry_after, ..failure.into() }
}
