//! HTTP client for the documents of an issuer.

use std::{sync::Arc, time::Duration};

use awc::{
    Client, ClientRequest, Connector, SendClientRequest,
    error::{ConnectError, PayloadError, SendRequestError},
    http::{Method, StatusCode, Uri, Version, header},
};

use super::{
    cache_control::max_age,
    connector::IssuerConnector,
    fetch_credential::FetchCredential,
    fetch_error::{Failure, FetchError},
    proxy::TunnelRefused,
    retry_after::retry_after,
};
use crate::clock::Clock;

/// A document, and its freshness lifetime if the response states one.
pub(super) struct HttpDocument {
    pub(super) body: Vec<u8>,
    pub(super) max_age: Option<Duration>,
}

/// Some issuers serve the key set only under its own type (RFC 7517 §8.5.2).
const ACCEPT: &str = "application/jwk-set+json, application/json, */*;q=0.1";
/// Some firewalls refuse requests without one.
const USER_AGENT: &str = concat!("actix-jwt-verify/", env!("CARGO_PKG_VERSION"));

/// A form to post.
pub(super) struct PostedForm {
    pub(super) body: String,
    pub(super) accept: &'static str,
    pub(super) authorization: Option<header::HeaderValue>,
}

/// A request with JSON.
#[cfg(feature = "security-events")]
pub(super) struct JsonRequest {
    pub(super) method: Method,
    pub(super) body: Option<String>,
    pub(super) language: Option<&'static str>,
    pub(super) authorization: Option<header::HeaderValue>,
}

/// Fetches documents over HTTPS.
#[derive(Clone)]
pub(super) struct HttpClient {
    pub(super) connector: IssuerConnector,
    pub(super) tls: Arc<rustls::ClientConfig>,
    /// Credential for the host that was configured.
    pub(super) credential: Option<Arc<FetchCredential>>,
    pub(super) connect_timeout: Duration,
    pub(super) max_bytes: usize,
    pub(super) clock: Arc<dyn Clock>,
}

impl HttpClient {
    /// Fetches a document. Redirects are refused. So are compressed responses: a key set is small,
    /// and without inflation there are no decompression bombs. The caller bounds the total time.
    pub(super) async fn get(&self, uri: &Uri) -> Result<HttpDocument, FetchError> {
        self.get_observed(uri, |_, _| {}).await
    }

    /// Fetches a document, and passes on the status and the headers of the answer.
    pub(super) async fn get_observed(
        &self,
        uri: &Uri,
        observe: impl FnOnce(StatusCode, &header::HeaderMap),
    ) -> Result<HttpDocument, FetchError> {
        let client = self.client();
        let mut request = request(&client, Method::GET, uri, ACCEPT);
        if let Some(credential) = &self.credential
            && let Some(header) = credential.header(uri).await?
        {
            request = request.insert_header(header);
        }
        self.receive(request.send(), observe).await
    }

    /// Posts a form, and passes on the status and the headers of the answer.
    pub(super) async fn post_form(
        &self,
        uri: &Uri,
        form: PostedForm,
        observe: impl FnOnce(StatusCode, &header::HeaderMap),
    ) -> Result<HttpDocument, FetchError> {
        let client = self.client();
        let mut request = request(&client, Method::POST, uri, form.accept)
            .content_type("application/x-www-form-urlencoded");
        if let Some(mut value) = form.authorization {
            value.set_sensitive(true);
            request = request.insert_header((header::AUTHORIZATION, value));
        }
        self.receive(request.send_body(form.body), observe).await
    }

    /// Sends JSON, and passes on the status. Returns the body of an answer with a status of success,
    /// which may be empty.
    #[cfg(feature = "security-events")]
    pub(super) async fn send_json(
        &self,
        uri: &Uri,
        question: JsonRequest,
        observe: impl FnOnce(StatusCode),
    ) -> Result<Vec<u8>, FetchError> {
        let client = self.client();
        let mut request = request(&client, question.method, uri, "application/json");
        if let Some(value) = question.authorization {
            request = request.insert_header((header::AUTHORIZATION, value));
        }
        if let Some(language) = question.language {
            request = request.insert_header((header::CONTENT_LANGUAGE, language));
        }
        let sent = match question.body {
            Some(body) => request.content_type("application/json").send_body(body),
            None => request.send(),
        };
        let mut response = sent.await.map_err(|error| classify(&error))?;
        let (status, headers) = (response.status(), response.headers());
        observe(status);
        if !status.is_success() {
            return Err(status_error(status, headers, self.clock.now()));
        }
        if is_encoded(headers) {
            return Err(Failure::Encoding.into());
        }
        let body = response.body().limit(self.max_bytes).await.map_err(|error| match error {
            PayloadError::Overflow => Failure::TooLarge,
            _ => Failure::Truncated,
        })?;
        Ok(body.to_vec())
    }

    fn client(&self) -> Client {
        let connector = Connector::new()
            .connector(self.connector.clone())
            .timeout(self.connect_timeout)
            .handshake_timeout(self.connect_timeout)
            .rustls_0_23(self.tls.clone());
        Client::builder().connector(connector).disable_redirects().disable_timeout().finish()
    }

    async fn receive(
        &self,
        sent: SendClientRequest,
        observe: impl FnOnce(StatusCode, &header::HeaderMap),
    ) -> Result<HttpDocument, FetchError> {
        let mut response = sent.await.map_err(|error| classify(&error))?;
        let version = response.version();
        let headers = response.headers();
        observe(response.status(), headers);
        if response.status() != StatusCode::OK {
            return Err(status_error(response.status(), headers, self.clock.now()));
        }
        if is_encoded(headers) {
            return Err(Failure::Encoding.into());
        }
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let announced: Option<usize> = text(header::CONTENT_LENGTH).and_then(|n| n.parse().ok());
        let ends_with_connection = announced.is_none()
            && version <= Version::HTTP_11
            && !headers.contains_key(header::TRANSFER_ENCODING);
        let age = text(header::AGE).unwrap_or_default();
        let max_age = text(header::CACHE_CONTROL).and_then(|control| max_age(control, age));
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
            return Err(if ends_with_connection {
                Failure::CloseDelimited
            } else {
                Failure::Empty
            }
            .into());
        }
        Ok(HttpDocument { body: body.to_vec(), max_age })
    }
}

fn request(client: &Client, method: Method, uri: &Uri, accept: &'static str) -> ClientRequest {
    client
        .request(method, uri)
        .force_close()
        .no_decompress()
        .insert_header((header::ACCEPT, accept))
        .insert_header((header::ACCEPT_ENCODING, "identity"))
        .insert_header((header::USER_AGENT, USER_AGENT))
}

fn is_encoded(headers: &header::HeaderMap) -> bool {
    headers
        .get_all(header::CONTENT_ENCODING)
        .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
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

fn status_error(status: StatusCode, headers: &header::HeaderMap, now: Duration) -> FetchError {
    let failure = match status {
        StatusCode::NOT_FOUND => Failure::NotFound,
        _ if status.is_redirection() => Failure::Redirect,
        _ => Failure::Status,
    };
    let may_ask = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    let retry_after = headers
        .get(header::RETRY_AFTER)
        .filter(|_| may_ask)
        .and_then(|value| retry_after(value.to_str().ok()?, now));
    let error = FetchError::from(failure);
    // Requests of the others may be repeated later.
    let is_refusal = status.is_client_error()
        && !matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
    FetchError { retry_after, may_be_elsewhere: error.may_be_elsewhere || is_refusal, ..error }
}
