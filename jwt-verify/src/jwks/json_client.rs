//! Requests with JSON to the endpoints of a transmitter of security events.

use std::{cell::Cell, fmt, sync::Arc, time::Duration};

use awc::http::{Method, StatusCode, header::HeaderValue};
use serde_json::Value;
use tokio::sync::oneshot;

use super::{
    connection::Connection,
    discovered_url::{DiscoveredUrl, Metadata},
    discovery::MetadataUrl,
    endpoint::{Endpoint, SafeUrl},
    fetch_error::Failure,
    fetch_thread::{self, FetchThread},
    http_client::{HttpClient, JsonRequest},
    http_hosts::HttpHosts,
};
use crate::{
    clock::Clock, defaults::FETCH_TIMEOUT, error::ConfigError, json::Unique, secret::Secret,
};

/// An endpoint that the metadata of a transmitter name.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TransmitterEndpoint {
    Configuration,
    Status,
    Verification,
    AddSubject,
    RemoveSubject,
}

/// Place of a request.
#[derive(Debug, Clone)]
pub(crate) enum JsonPlace {
    Endpoint(TransmitterEndpoint),
    Url(CheckedUrl),
}

/// A URL that may be asked.
#[derive(Debug, Clone)]
pub(crate) struct CheckedUrl(SafeUrl);

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct JsonQuestion {
    pub(crate) method: &'static str,
    pub(crate) place: JsonPlace,
    /// Added to the URL: a name and its value.
    pub(crate) query: Option<(&'static str, String)>,
    pub(crate) body: Option<String>,
    /// Language of texts in the body, for `Content-Language`.
    pub(crate) language: Option<&'static str>,
}

/// An answer with a status of success.
#[derive(Debug, PartialEq)]
pub(crate) struct JsonAnswer {
    /// `None` for an answer without a body.
    pub(crate) body: Option<Value>,
}

/// Reason why there is no such answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonFailure {
    /// Another status of the answer.
    Status { status: u16, retry_after: Option<Duration> },
    /// The answer is not JSON, or has a member twice.
    Malformed,
    /// There was no answer in time.
    Timeout,
    /// Any other class of failure.
    Other(&'static str),
}

/// Asks one transmitter.
pub(crate) struct JsonClient {
    client: HttpClient,
    http: HttpHosts,
    transmitter: Endpoint,
    urls: [DiscoveredUrl; 5],
    token: Option<HeaderValue>,
    /// Other hosts that may have the token, besides that of the transmitter.
    hosts: Vec<String>,
    clock: Arc<dyn Clock>,
}

impl JsonClient {
    /// Checks the settings. Nothing is asked yet.
    pub(crate) fn new(
        transmitter: &str,
        connection: &Connection,
        access_token: Option<&Secret>,
        hosts: &[String],
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConfigError> {
        let http = connection.hosts()?;
        let token = access_token.map(|token| {
            let invalid = || ConfigError::invalid("access_token", "cannot be in a header");
            let text = std::str::from_utf8(token.expose()).map_err(|_| invalid())?;
            let mut value =
                HeaderValue::from_str(&format!("Bearer {text}")).map_err(|_| invalid())?;
            value.set_sensitive(true);
            Ok::<_, ConfigError>(value)
        });
        Ok(Self {
            client: connection.client(None, clock.clone())?,
            transmitter: Endpoint::transmitter(transmitter, &http)?,
            urls: [
                MetadataUrl::StreamConfiguration,
                MetadataUrl::StreamStatus,
                MetadataUrl::StreamVerification,
                MetadataUrl::StreamAddSubject,
                MetadataUrl::StreamRemoveSubject,
            ]
            .map(DiscoveredUrl::new),
            http,
            token: token.transpose()?,
            hosts: hosts.to_vec(),
            clock,
        })
    }

    /// Checks a URL that was configured or answered.
    pub(crate) fn check_url(&self, url: &str) -> Result<CheckedUrl, &'static str> {
        SafeUrl::parse(url, &self.http).map(CheckedUrl)
    }

    /// Asks from any thread, on that of the fetches.
    pub(crate) async fn ask_from_anywhere(
        self: &Arc<Self>,
        question: JsonQuestion,
    ) -> Result<JsonAnswer, JsonFailure> {
        let (sender, answer) = oneshot::channel();
        let client = self.clone();
        let thread = thread_for_events();
        thread.run(move || async move {
            let _ = sender.send(client.ask(&question, FETCH_TIMEOUT).await);
        });
        answer.await.unwrap_or(Err(JsonFailure::Other(Failure::Aborted.code())))
    }

    /// Asks, on the thread of the fetches.
    pub(crate) async fn ask(
        &self,
        question: &JsonQuestion,
        timeout: Duration,
    ) -> Result<JsonAnswer, JsonFailure> {
        let answer = tokio::time::timeout(timeout, self.ask_unbounded(question)).await;
        answer.unwrap_or(Err(JsonFailure::Timeout))
    }

    async fn ask_unbounded(&self, question: &JsonQuestion) -> Result<JsonAnswer, JsonFailure> {
        let url = match &question.place {
            JsonPlace::Url(CheckedUrl(url)) => url.clone(),
            JsonPlace::Endpoint(endpoint) => self.find(*endpoint).await?,
        };
        let url = match &question.query {
            Some((name, value)) => url
                .with_query(name, value)
                .ok_or(JsonFailure::Other(Failure::DiscoveryUrl.code()))?,
            None => url,
        };
        let method = Method::from_bytes(question.method.as_bytes())
            .map_err(|_| JsonFailure::Other(Failure::Protocol.code()))?;
        let status = Cell::new(StatusCode::OK);
        let request = JsonRequest {
            method,
            body: question.body.clone(),
            language: question.language,
            authorization: self.token.clone(),
        };
        let sent = self.client.send_json(url.uri(), request, |code| status.set(code)).await;
        let body = sent.map_err(|error| match error.failure {
            Failure::Status | Failure::NotFound | Failure::Redirect => JsonFailure::Status {
                status: status.get().as_u16(),
                retry_after: error.retry_after,
            },
            other => JsonFailure::Other(other.code()),
        })?;
        let body = match body.as_slice() {
            [] => None,
            bytes => {
                let text = std::str::from_utf8(bytes).map_err(|_| JsonFailure::Malformed)?;
                let Unique(body) =
                    serde_json::from_str(text).map_err(|_| JsonFailure::Malformed)?;
                Some(body)
            }
        };
        Ok(JsonAnswer { body })
    }

    async fn find(&self, endpoint: TransmitterEndpoint) -> Result<SafeUrl, JsonFailure> {
        let [configuration, status, verification, add, remove] = &self.urls;
        let url = match endpoint {
            TransmitterEndpoint::Configuration => configuration,
            TransmitterEndpoint::Status => status,
            TransmitterEndpoint::Verification => verification,
            TransmitterEndpoint::AddSubject => add,
            TransmitterEndpoint::RemoveSubject => remove,
        };
        let Endpoint::Discovery { issuer, base, .. } = &self.transmitter else {
            return Err(JsonFailure::Other(Failure::DiscoveryUrl.code()));
        };
        let metadata = Metadata { client: &self.client, issuer, base, http: &self.http };
        let found = url.get(&metadata, self.clock.monotonic(), FETCH_TIMEOUT).await;
        let found = found.map_err(|error| JsonFailure::Other(error.failure.code()))?;
        // The token is not shown to any host that metadata name.
        let is_listed = |host: &String| found.is_at(host);
        if found.is_same_origin(base) || self.hosts.iter().any(is_listed) {
            return Ok(found);
        }
        Err(JsonFailure::Other(Failure::DiscoveryUrl.code()))
    }
}

/// Returns the thread on which a transmitter is asked.
pub(crate) fn thread_for_events() -> Arc<FetchThread> {
    fetch_thread::for_questions()
}

/// Hides the credential.
impl fmt::Debug for JsonClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonClient").field("transmitter", &self.transmitter).finish_non_exhaustive()
    }
}
