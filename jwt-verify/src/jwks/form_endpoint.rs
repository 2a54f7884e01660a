//! An endpoint of an issuer that takes forms, such as that of token introspection.

use std::{cell::Cell, fmt, sync::Arc, time::Duration};

use awc::http::{StatusCode, header::HeaderValue};

use super::{
    backoff::min_pause,
    connection::Connection,
    discovered_url::{DiscoveredUrl, Metadata},
    discovery::MetadataUrl,
    endpoint::{Endpoint, SafeUrl},
    fetch_error::{Failure, FetchError},
    fetch_thread::{self, FetchThread},
    http_client::{HttpClient, PostedForm},
    http_hosts::HttpHosts,
};
use crate::{clock::Clock, error::ConfigError};

/// Place of the endpoint, as it was configured.
#[derive(Debug, Clone, Copy)]
pub(crate) enum FormPlace<'a> {
    /// At this URL.
    Url(&'a str),
    /// Named by the metadata of this issuer. With a certificate of the client there may be another
    /// one (RFC 8705 §5).
    Introspection { issuer: &'a str, with_certificate: bool },
}

/// A form, and what goes with it.
pub(crate) struct EncodedForm {
    /// Encoded pairs.
    pub(crate) body: String,
    /// Media type of the wanted answer.
    pub(crate) accept: &'static str,
    /// Value of `Authorization`.
    pub(crate) authorization: Option<String>,
}

/// An answer with status 200.
pub(crate) struct FormAnswer {
    /// Media type in lower case, without its parameters.
    pub(crate) media_type: String,
    pub(crate) body: Vec<u8>,
}

/// A question without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FormFailure {
    /// Class of the failure.
    pub(crate) code: &'static str,
    /// True if the endpoint does not accept this client (401, 403).
    pub(crate) is_refusal: bool,
    /// True if it may be because of what was asked, so that other questions may be answered.
    pub(crate) is_about_form: bool,
    /// Time after which another attempt makes sense.
    pub(crate) retry_after: Duration,
}

/// An endpoint that takes forms.
pub(crate) struct FormEndpoint {
    place: Endpoint,
    client: HttpClient,
    http: HttpHosts,
    url: DiscoveredUrl,
    clock: Arc<dyn Clock>,
    timeout: Duration,
    thread: Arc<FetchThread>,
}

impl FormEndpoint {
    /// Checks the place and the settings for connections. Nothing is asked yet.
    pub(crate) fn new(
        place: FormPlace<'_>,
        connection: &Connection,
        timeout: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConfigError> {
        let http = connection.hosts()?;
        let (place, wanted) = match place {
            FormPlace::Url(url) => {
                let url = SafeUrl::parse(url, &http)
                    .map_err(|problem| ConfigError::invalid("introspection.url", problem))?;
                (Endpoint::Url(url), MetadataUrl::Introspection)
            }
            FormPlace::Introspection { issuer, with_certificate } => {
                let wanted = if with_certificate {
                    MetadataUrl::IntrospectionWithCertificate
                } else {
                    MetadataUrl::Introspection
                };
                (Endpoint::discovery(issuer, &http)?, wanted)
            }
        };
        if !http.is_empty() {
            let hosts = connection.host_names();
            tracing::warn!(%hosts, "tokens may go to these hosts by plain http");
        }
        let client = connection.client(None, clock.clone())?;
        let thread = fetch_thread::for_questions();
        let url = DiscoveredUrl::new(wanted);
        Ok(Self { place, client, http, url, clock, timeout, thread })
    }

    /// Returns `true` unless it is reached by plain http.
    pub(crate) fn is_https(&self) -> bool {
        self.place.url().is_https()
    }

    /// Returns the time limit of a question.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Runs a job on the thread on which the endpoint can be asked. Returns `true` if it runs.
    pub(crate) fn run<F, Fut>(&self, job: F) -> bool
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = ()> + 'static,
    {
        self.thread.run(job)
    }

    /// Posts a form, within the time limit. To be called on the endpoint's thread.
    pub(crate) async fn post(&self, form: EncodedForm) -> Result<FormAnswer, FormFailure> {
        let status = Cell::new(None);
        let answer = tokio::time::timeout(self.timeout, self.post_unbounded(form, &status)).await;
        answer.unwrap_or(Err(Failure::Timeout.into())).map_err(|error| {
            let status = status.get();
            let is_about_form = match error.failure {
                Failure::Status => matches!(
                    status,
                    Some(
                        StatusCode::BAD_REQUEST
                            | StatusCode::PAYLOAD_TOO_LARGE
                            | StatusCode::UNPROCESSABLE_ENTITY
                    )
                ),
                Failure::TooLarge | Failure::Empty => status == Some(StatusCode::OK),
                _ => false,
            };
            // Otherwise callers could make the metadata be read with each question.
            if !is_about_form {
                self.url.expire();
            }
            FormFailure {
                code: error.failure.code(),
                is_refusal: matches!(
                    status,
                    Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
                ),
                is_about_form,
                retry_after: min_pause(error.retry_after),
            }
        })
    }

    async fn post_unbounded(
        &self,
        form: EncodedForm,
        status: &Cell<Option<StatusCode>>,
    ) -> Result<FormAnswer, FetchError> {
        let url = match &self.place {
            Endpoint::Url(url) => url.clone(),
            Endpoint::Discovery { issuer, base, .. } => {
                let metadata = Metadata { client: &self.client, issuer, base, http: &self.http };
                self.url.get(&metadata, self.clock.monotonic(), self.timeout).await?
            }
        };
        let authorization = form.authorization.map(|value| HeaderValue::from_str(&value));
        let authorization = authorization.transpose().map_err(|_| Failure::Credential)?;
        let form = PostedForm { body: form.body, accept: form.accept, authorization };
        let media_type = Cell::new(String::new());
        let answer = self.client.post_form(url.uri(), form, |code, headers| {
            status.set(Some(code));
            let text = headers.get("content-type").and_then(|value| value.to_str().ok());
            let essence = text.unwrap_or_default().split(';').next().unwrap_or_default();
            media_type.set(essence.trim().to_ascii_lowercase());
        });
        let body = answer.await?.body;
        Ok(FormAnswer { media_type: media_type.into_inner(), body })
    }
}

/// The place without a query, which may hold a secret.
impl fmt::Display for FormEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Endpoint::Url(url) => write!(f, "{url:?}"),
            Endpoint::Discovery { issuer, .. } => write!(f, "discovery at {issuer}"),
        }
    }
}

impl fmt::Debug for FormEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FormEndpoint").field(&self.to_string()).finish()
    }
}
