//! Management of a stream at its transmitter (SSF 1.0 §8).

use std::{fmt, sync::Arc};

use serde_json::{Map, Value, json};

use super::transmitter::Transmitter;
use crate::{
    clock::SystemClock,
    error::ConfigError,
    jwks::{JsonAnswer, JsonClient, JsonFailure, JsonPlace, JsonQuestion, TransmitterEndpoint},
    secret::Secret,
};

/// Creates, reads and changes streams of events at their transmitter (SSF 1.0 §8.1).
///
/// The endpoints are those of its metadata (see [`Transmitter`]), which must name exactly this
/// transmitter. The access token goes to the host of the transmitter's name and to those of
/// [`Transmitter::management_host`]. Each call is one request, after one for the metadata
/// if they are not known, within 5 s in all: `https` alone, without redirects.
///
/// ```no_run
/// use jwt_verify::security_events::{EventStreams, SecurityEventType, StreamRequest, Transmitter};
///
/// # async fn example(token: String) -> Result<(), Box<dyn std::error::Error>> {
/// let transmitter = Transmitter::new("https://login.example", "https://api.example/events");
/// let streams = EventStreams::new(&transmitter, token)?;
/// let request = StreamRequest::push("https://api.example/ssf/events")
///     .authorization("Bearer of-the-transmitter")
///     .events([SecurityEventType::SessionRevoked, SecurityEventType::AccountDisabled]);
/// let stream = streams.create(&request).await?;
/// streams.verify(stream.id(), "a random text").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct EventStreams {
    client: Arc<JsonClient>,
}

impl EventStreams {
    /// Creates a client with the access token that the transmitter demands. The connections are those
    /// of the transmitter's settings.
    ///
    /// # Errors
    /// A name that is not an `https` URL (or `http` to a loopback address or a host of
    /// [`Transmitter::allow_http`]); certificates or a proxy that cannot be read; an access token that
    /// cannot be in a header.
    pub fn new(
        transmitter: &Transmitter,
        access_token: impl Into<Secret>,
    ) -> Result<Self, ConfigError> {
        let (name, connection) = (transmitter.name(), transmitter.connection());
        let (token, clock) = (access_token.into(), Arc::new(SystemClock::new()));
        let hosts = transmitter.management_hosts();
        let client = JsonClient::new(name, connection, Some(&token), hosts, clock)?;
        Ok(Self { client: Arc::new(client) })
    }

    /// Creates a stream (§8.1.1.1).
    ///
    /// # Errors
    /// See [`StreamError`].
    pub async fn create(&self, request: &StreamRequest) -> Result<EventStream, StreamError> {
        let body = Value::Object(request.members.clone());
        EventStream::read(self.ask("POST", CONFIGURATION, None, Some(body)).await?)
    }

    /// Reads a stream (§8.1.1.2).
    ///
    /// # Errors
    /// See [`StreamError`].
    pub async fn read(&self, id: &str) -> Result<EventStream, StreamError> {
        EventStream::read(self.ask("GET", CONFIGURATION, Some(id), None).await?)
    }

    /// Changes the members that the request has (§8.1.1.3).
    ///
    /// # Errors
    /// See [`StreamError`].
    pub async fn update(
        &self,
        id: &str,
        request: &StreamRequest,
    ) -> Result<EventStream, StreamError> {
        let mut members = request.members.clone();
        members.insert("stream_id".into(), id.into());
        let body = Some(Value::Object(members));
        EventStream::read(self.ask("PATCH", CONFIGURATION, None, body).await?)
    }

    /// Deletes a stream (§8.1.1.5).
    ///
    /// # Errors
    /// See [`StreamError`].
    pub async fn delete(&self, id: &str) -> Result<(), StreamError> {
        self.ask("DELETE", CONFIGURATION, Some(id), None).await.map(drop)
    }

    /// Reads the status of a stream (§8.1.2.1).
    ///
    /// # Errors
    /// See [`StreamError`].
    pub async fn status(&self, id: &str) -> Result<StreamStatus, StreamError> {
        StreamStatus::read(&self.ask("GET", STATUS, Some(id), None).await?)
    }

    /// Sets the status of a stream (§8.1.2.2). Returns the one that it has then.
    ///
    /// # Errors
    /// See [`StreamError`].
    pub async fn set_status(
        &self,
        id: &str,
        status: StreamStatus,
    ) -> Result<StreamStatus, StreamError> {
        let body = json!({ "stream_id": id, "status": status.as_str() });
        let answer = self.ask("POST", STATUS, None, Some(body)).await?;
        // The change may be noted for later (202), without a body.
        if answer.body.is_none() { Ok(status) } else { StreamStatus::read(&answer) }
    }

    /// Asks for a verification event with this `state` (§8.1.4.2), of at most 256 bytes. Compare it with
    /// [`SecurityEventReceiver::verified_state`](super::SecurityEventReceiver::verified_state) a little
    /// later.
    ///
    /// # Errors
    /// See [`StreamError`].
    pub async fn verify(&self, id: &str, state: &str) -> Result<(), StreamError> {
        let body = json!({ "stream_id": id, "state": state });
        let place = TransmitterEndpoint::Verification;
        self.ask("POST", place, None, Some(body)).await.map(drop)
    }

    /// Adds a subject to a stream whose transmitter sends events only about subjects that were added
    /// (§8.1.3.2): Keycloak by default.
    ///
    /// # Errors
    /// See [`StreamError`].
    pub async fn add_subject(&self, id: &str, subject: &Value) -> Result<(), StreamError> {
        self.change_subject(TransmitterEndpoint::AddSubject, id, subject).await
    }

    /// Removes a subject from a stream (§8.1.3.3).
    ///
    /// # Errors
    /// See [`StreamError`].
    pub async fn remove_subject(&self, id: &str, subject: &Value) -> Result<(), StreamError> {
        self.change_subject(TransmitterEndpoint::RemoveSubject, id, subject).await
    }

    async fn change_subject(
        &self,
        endpoint: TransmitterEndpoint,
        id: &str,
        subject: &Value,
    ) -> Result<(), StreamError> {
        let body = json!({ "stream_id": id, "subject": subject });
        self.ask("POST", endpoint, None, Some(body)).await.map(drop)
    }

    async fn ask(
        &self,
        method: &'static str,
        endpoint: TransmitterEndpoint,
        id: Option<&str>,
        body: Option<Value>,
    ) -> Result<JsonAnswer, StreamError> {
        let question = JsonQuestion {
            method,
            place: JsonPlace::Endpoint(endpoint),
            query: id.map(|id| ("stream_id", id.to_owned())),
            body: body.map(|body| body.to_string()),
            language: None,
        };
        Ok(self.client.ask_from_anywhere(question).await?)
    }
}

const CONFIGURATION: TransmitterEndpoint = TransmitterEndpoint::Configuration;
const STATUS: TransmitterEndpoint = TransmitterEndpoint::Status;

/// Delivery by push (RFC 8935), in requests to a transmitter.
const PUSH: &str = "urn:ietf:rfc:8935";
/// Delivery by poll (RFC 8936).
const POLL: &str = "urn:ietf:rfc:8936";

/// Wanted properties of a stream.
#[derive(Clone, Default)]
#[must_use]
pub struct StreamRequest {
    members: Map<String, Value>,
}

impl StreamRequest {
    /// Asks for delivery by push to this URL (RFC 8935).
    pub fn push(url: impl Into<String>) -> Self {
        Self::delivered(json!({ "method": PUSH, "endpoint_url": url.into() }))
    }

    /// Asks for delivery by poll (RFC 8936). The URL is in the answer.
    pub fn poll() -> Self {
        Self::delivered(json!({ "method": POLL }))
    }

    /// Keeps the delivery as it is, for [`EventStreams::update`].
    pub fn unchanged() -> Self {
        Self::default()
    }

    fn delivered(delivery: Value) -> Self {
        Self { members: [("delivery".to_owned(), delivery)].into_iter().collect() }
    }

    /// Sets the `Authorization` header of pushed events, as in
    /// [`SecurityEventReceiverBuilder::push_authorization`](super::SecurityEventReceiverBuilder::push_authorization).
    /// It is a part of the delivery: to change it, name the URL again ([`push`](Self::push)). After
    /// [`unchanged`](Self::unchanged) it has no effect.
    pub fn authorization(mut self, value: impl Into<String>) -> Self {
        if let Some(Value::Object(delivery)) = self.members.get_mut("delivery") {
            delivery.insert("authorization_header".into(), value.into().into());
        }
        self
    }

    /// Sets the types of events. Default: those that the transmitter chooses.
    pub fn events(self, events: impl IntoIterator<Item = super::SecurityEventType>) -> Self {
        self.event_uris(events.into_iter().map(super::SecurityEventType::uri))
    }

    /// Sets the types of events by their URIs.
    pub fn event_uris<S: Into<String>>(mut self, uris: impl IntoIterator<Item = S>) -> Self {
        let uris: Vec<Value> = uris.into_iter().map(|uri| uri.into().into()).collect();
        self.members.insert("events_requested".into(), uris.into());
        self
    }

    /// Sets the audiences of the events, for transmitters that leave them to the receiver, as drafts
    /// of SSF did. Default: the transmitter chooses them (SSF 1.0 §8.1.1), and some refuse a request
    /// that has them.
    pub fn audiences<S: Into<String>>(mut self, audiences: impl IntoIterator<Item = S>) -> Self {
        let audiences: Vec<Value> = audiences.into_iter().map(|one| one.into().into()).collect();
        self.members.insert("aud".into(), audiences.into());
        self
    }

    /// Sets a text that tells operators of the transmitter whose stream it is.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.members.insert("description".into(), text.into().into());
        self
    }
}

/// Hides the credential.
impl fmt::Debug for StreamRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.members.keys()).finish()
    }
}

/// A stream, as its transmitter describes it.
#[derive(Clone)]
pub struct EventStream {
    id: String,
    members: Map<String, Value>,
}

impl EventStream {
    fn read(answer: JsonAnswer) -> Result<Self, StreamError> {
        let Some(Value::Object(members)) = answer.body else { return Err(StreamError::Malformed) };
        let id = members.get("stream_id").and_then(Value::as_str).ok_or(StreamError::Malformed)?;
        Ok(Self { id: id.to_owned(), members })
    }

    /// Returns its name at the transmitter.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the URL of its events: where they are pushed to, or polled at.
    pub fn endpoint_url(&self) -> Option<&str> {
        self.members.get("delivery")?.get("endpoint_url")?.as_str()
    }

    /// Returns `true` if its events have to be polled.
    pub fn is_polled(&self) -> bool {
        self.members
            .get("delivery")
            .and_then(|delivery| delivery.get("method"))
            .is_some_and(|method| method == POLL)
    }

    /// Returns the audiences of its events (`aud`): the receiver must expect one of them.
    pub fn audiences(&self) -> Vec<&str> {
        self.texts("aud")
    }

    /// Returns the URIs of the types of events that it has.
    pub fn events_delivered(&self) -> Vec<&str> {
        self.texts("events_delivered")
    }

    /// Returns all of its members, for those of the transmitter's own.
    pub fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    fn texts(&self, name: &str) -> Vec<&str> {
        match self.members.get(name) {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }
}

/// Hides members that may be secret.
impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Status of a stream (SSF §8.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamStatus {
    /// Events are sent.
    Enabled,
    /// Events are kept for later.
    Paused,
    /// Events are neither sent nor kept.
    Disabled,
}

impl StreamStatus {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }

    fn read(answer: &JsonAnswer) -> Result<Self, StreamError> {
        let status = answer.body.as_ref().and_then(|body| body.get("status")?.as_str());
        match status {
            Some("enabled") => Ok(Self::Enabled),
            Some("paused") => Ok(Self::Paused),
            Some("disabled") => Ok(Self::Disabled),
            _ => Err(StreamError::Malformed),
        }
    }
}

/// Failure of a request about a stream. Its text has nothing that came from the transmitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The transmitter has refused it, with this status: 401 and 403 for the access token, 404 for a
    /// stream that it does not have, 409 for a second one, 429 for too many verifications.
    #[error("the transmitter refused the request with status {0}")]
    Refused(u16),
    /// The transmitter cannot be reached, or its metadata lack the endpoint.
    #[error("the transmitter cannot be asked: {0}")]
    Unavailable(&'static str),
    /// The answer is not what SSF says.
    #[error("the answer of the transmitter cannot be read")]
    Malformed,
}

impl From<JsonFailure> for StreamError {
    fn from(failure: JsonFailure) -> Self {
        match failure {
            JsonFailure::Status { status, .. } => Self::Refused(status),
            JsonFailure::Malformed => Self::Malformed,
            JsonFailure::Timeout => Self::Unavailable("timeout"),
            JsonFailure::Other(class) => Self::Unavailable(class),
        }
    }
}
