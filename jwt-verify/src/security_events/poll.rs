//! Events that are fetched from a transmitter (RFC 8936).

use std::{
    fmt,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};
use tokio::sync::Notify;

use super::{
    receiver::{ReceiverInner, SecurityEventReceiver, unavailable},
    refusal::EventRefusal,
};
use crate::{
    defaults::{POLL_EVENTS, POLL_RETRY_FIRST, POLL_RETRY_MOST, POLL_WAIT},
    detached::to_the_end,
    error::ConfigError,
    jitter::random_fraction,
    jwks::{CheckedUrl, JsonClient, JsonFailure, JsonPlace, JsonQuestion},
    metrics,
    secret::Secret,
};

/// Fetches events of a stream whose delivery is by poll (RFC 8936); see
/// [`SecurityEventReceiverBuilder::poll`](super::SecurityEventReceiverBuilder::poll).
///
/// A request waits at the transmitter until there are events (long poll). Each event is acted on and
/// then acknowledged with the next request; one that is refused is reported with its code, and one
/// that could not be checked now is left there, so that it comes again.
#[derive(Clone)]
#[must_use]
pub struct EventPoll {
    url: String,
    access_token: Secret,
    max_events: usize,
    wait: Duration,
}

impl EventPoll {
    /// Polls this URL, the [`endpoint_url`](super::EventStream::endpoint_url) of the stream, with this
    /// access token.
    pub fn at(url: impl Into<String>, access_token: impl Into<Secret>) -> Self {
        let access_token = access_token.into();
        Self { url: url.into(), access_token, max_events: POLL_EVENTS, wait: POLL_WAIT }
    }

    /// Sets how many events an answer may have. Default: 50; at most 100.
    pub fn max_events(mut self, most: usize) -> Self {
        self.max_events = most;
        self
    }

    /// Sets how long a request waits for events. Default: 60 s; between 1 s and 5 min. A transmitter
    /// that answers without events is asked again a second after the request at the earliest.
    pub fn wait(mut self, longest: Duration) -> Self {
        self.wait = longest;
        self
    }

    pub(super) fn token(&self) -> &Secret {
        &self.access_token
    }

    /// Checks the settings.
    pub(super) fn prepare(self, client: JsonClient) -> Result<Poller, ConfigError> {
        if !(1..=100).contains(&self.max_events) {
            return Err(ConfigError::invalid("poll.max_events", "must be between 1 and 100"));
        }
        if !(Duration::from_secs(1)..=Duration::from_secs(300)).contains(&self.wait) {
            return Err(ConfigError::invalid("poll.wait", "must be between 1 s and 5 min"));
        }
        let url = client
            .check_url(&self.url)
            .map_err(|problem| ConfigError::invalid("poll.url", problem))?;
        Ok(Poller { client, url, max_events: self.max_events, wait: self.wait })
    }
}

/// Hides the URL, which may hold a secret and is not checked yet.
impl fmt::Debug for EventPoll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventPoll")
            .field("max_events", &self.max_events)
            .field("wait", &self.wait)
            .finish_non_exhaustive()
    }
}

/// A checked [`EventPoll`].
#[derive(Debug)]
pub(super) struct Poller {
    client: JsonClient,
    url: CheckedUrl,
    max_events: usize,
    wait: Duration,
}

/// Time between an answer and the next request, for a transmitter that sends the same over and over.
const BETWEEN: Duration = Duration::from_millis(100);

/// Time until the next request where the transmitter has more events.
const BETWEEN_OF_MANY: Duration = Duration::from_millis(10);

/// Receipts that the next request tells the transmitter.
#[derive(Debug, Default)]
struct Receipts {
    acknowledged: Vec<String>,
    refused: Map<String, Value>,
}

impl Poller {
    /// Polls until the last user of the receiver is dropped, which `ended` tells at once.
    pub(super) async fn run(self, receiver: Weak<ReceiverInner>, ended: Arc<Notify>) {
        let mut receipts = Receipts::default();
        let mut failures = 0_u32;
        while receiver.strong_count() > 0 {
            let began = Instant::now();
            let pause = {
                let asked = tokio::select! {
                    asked = self.ask(&receipts) => asked,
                    () = ended.notified() => return,
                };
                match asked {
                    Ok((sets, is_more)) => {
                        failures = 0;
                        let told = std::mem::take(&mut receipts).acknowledged;
                        let Some(receiver) = receiver.upgrade() else { return };
                        let is_empty = sets.is_empty();
                        let is_blocked =
                            receipts.act(&SecurityEventReceiver::from_inner(receiver), sets).await;
                        // One that ignores receipts sends the same again.
                        let has_progress =
                            receipts.acknowledged.iter().any(|name| !told.contains(name));
                        if is_empty {
                            // A transmitter that has waited need not be spared.
                            POLL_RETRY_FIRST.saturating_sub(began.elapsed())
                        } else if is_blocked || !has_progress {
                            POLL_RETRY_FIRST
                        } else if is_more {
                            BETWEEN_OF_MANY
                        } else {
                            BETWEEN
                        }
                    }
                    // Nothing came in the time of a request; what was acted on is told again.
                    Err(JsonFailure::Timeout) => {
                        metrics::security_event("none", "poll_timeout");
                        BETWEEN
                    }
                    Err(failure) => {
                        failures = failures.saturating_add(1);
                        note_failure(failure, failures);
                        // Receipts that it cannot read would stop the events for ever. What they are
                        // about comes again.
                        if matches!(failure, JsonFailure::Status { status: 400, .. }) {
                            receipts = Receipts::default();
                        }
                        pause_after(failure, failures)
                    }
                }
            };
            if !pause.is_zero() {
                let _ = tokio::time::timeout(pause, ended.notified()).await;
            }
        }
    }

    /// Sends the receipts and returns the events, each with its name, and whether there are more.
    async fn ask(&self, receipts: &Receipts) -> Result<(Vec<(String, String)>, bool), JsonFailure> {
        let mut body = json!({ "maxEvents": self.max_events, "returnImmediately": false });
        if let Some(members) = body.as_object_mut() {
            if !receipts.acknowledged.is_empty() {
                members.insert("ack".into(), json!(receipts.acknowledged));
            }
            if !receipts.refused.is_empty() {
                members.insert("setErrs".into(), Value::Object(receipts.refused.clone()));
            }
        }
        let question = JsonQuestion {
            method: "POST",
            place: JsonPlace::Url(self.url.clone()),
            query: None,
            body: Some(body.to_string()),
            // RFC 8936 demands it beside descriptions of errors.
            language: (!receipts.refused.is_empty()).then_some("en"),
        };
        let answer = self.client.ask(&question, self.wait).await?;
        let Some(Value::Object(mut members)) = answer.body else {
            return Err(JsonFailure::Malformed);
        };
        let is_more = members.get("moreAvailable").and_then(Value::as_bool).unwrap_or_default();
        let sets = match members.remove("sets") {
            Some(Value::Object(sets)) => sets,
            None => Map::new(),
            Some(_) => return Err(JsonFailure::Malformed),
        };
        // A transmitter that sends more than was asked for keeps the rest.
        let sets = sets.into_iter().take(self.max_events);
        let sets = sets.map(|(name, set)| {
            let set = set.as_str().unwrap_or_default().to_owned();
            (name, set)
        });
        Ok((sets.collect(), is_more))
    }
}

impl Receipts {
    /// Acts on events. Returns `true` if one of them could not be checked now.
    async fn act(&mut self, receiver: &SecurityEventReceiver, sets: Vec<(String, String)>) -> bool {
        let mut is_blocked = false;
        for (name, set) in sets {
            // A panic, such as one in a key provider of the application, does not end the polling.
            let own = receiver.clone();
            let acted = to_the_end(async move { own.receive(set.as_bytes()).await });
            let outcome = acted.await.unwrap_or_else(|| {
                let refusal = unavailable();
                receiver.note_refusal(&refusal);
                Err(refusal)
            });
            match outcome {
                Ok(()) => self.acknowledged.push(name),
                Err(EventRefusal::Later(_)) => is_blocked = true,
                Err(refusal) => {
                    let error =
                        json!({ "err": refusal.code(), "description": refusal.description() });
                    self.refused.insert(name, error);
                }
            }
        }
        is_blocked
    }
}

/// Logs that no events arrive: the first failure, and then ever more rarely.
fn note_failure(failure: JsonFailure, failures: u32) {
    let class = match failure {
        JsonFailure::Status { .. } => "status",
        JsonFailure::Malformed => "malformed",
        JsonFailure::Timeout => "timeout",
        JsonFailure::Other(class) => class,
    };
    metrics::security_event("none", "poll_failed");
    if failures.is_power_of_two() {
        tracing::warn!(class, failures, "security events could not be polled");
    }
}

/// Returns the time until the next attempt: what the transmitter asks for, or one that grows.
fn pause_after(failure: JsonFailure, failures: u32) -> Duration {
    if let JsonFailure::Status { retry_after: Some(asked), .. } = failure {
        return asked.clamp(POLL_RETRY_FIRST, POLL_RETRY_MOST);
    }
    let grown = POLL_RETRY_FIRST.saturating_mul(1 << failures.saturating_sub(1).min(6));
    grown.min(POLL_RETRY_MOST).mul_f64(0.5 + random_fraction() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_bound() {
        let failure = JsonFailure::Other("connect");
        for failures in 1..40 {
            let pause = pause_after(failure, failures);
            assert!(pause >= POLL_RETRY_FIRST / 2 && pause <= POLL_RETRY_MOST, "{pause:?}");
        }
        let asked = |seconds| {
            let retry_after = Some(Duration::from_secs(seconds));
            pause_after(JsonFailure::Status { status: 503, retry_after }, 1)
        };
        assert_eq!(asked(7), Duration::from_secs(7));
        assert_eq!(asked(0), POLL_RETRY_FIRST);
        assert_eq!(asked(86_400), POLL_RETRY_MOST);
    }
}
