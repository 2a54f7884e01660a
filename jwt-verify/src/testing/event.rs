//! Security event tokens for tests.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::{TestTransmitter, transmitter::RECEIVER};
use crate::security_events::SecurityEventType;

/// A token with one event of a [`TestTransmitter`], signed by its key. Values are not checked, so that
/// it can be invalid in any way.
#[must_use = "a token comes to be when it is signed"]
pub struct TestEvent<'t> {
    transmitter: &'t TestTransmitter,
    uri: String,
    header: Map<String, Value>,
    claims: Map<String, Value>,
    members: Map<String, Value>,
    is_signed_by_unknown_key: bool,
}

impl<'t> TestEvent<'t> {
    pub(super) fn new(transmitter: &'t TestTransmitter, uri: String, name: &str) -> Self {
        let now = transmitter.now();
        let claims = [
            ("iss", json!(transmitter.url())),
            ("aud", json!(RECEIVER)),
            ("jti", json!(name)),
            ("iat", json!(now)),
        ];
        let claims = claims.map(|(name, value)| (name.to_owned(), value));
        Self {
            transmitter,
            uri,
            header: [("typ".to_owned(), json!("secevent+jwt"))].into_iter().collect(),
            claims: claims.into_iter().collect(),
            members: [("event_timestamp".to_owned(), json!(now))].into_iter().collect(),
            is_signed_by_unknown_key: false,
        }
    }

    /// Sets the subject: a user of an issuer (`iss_sub`).
    pub fn user(self, issuer: &str, subject: &str) -> Self {
        self.subject(json!({ "format": "iss_sub", "iss": issuer, "sub": subject }))
    }

    /// Sets the subject: a session of a user.
    pub fn session(self, issuer: &str, subject: &str, session: &str) -> Self {
        let user = json!({ "format": "iss_sub", "iss": issuer, "sub": subject });
        let session = json!({ "format": "opaque", "id": session });
        self.subject(json!({ "format": "complex", "user": user, "session": session }))
    }

    /// Sets the subject: a token (`jwt_id`).
    pub fn token(self, issuer: &str, token_id: &str) -> Self {
        self.subject(json!({ "format": "jwt_id", "iss": issuer, "jti": token_id }))
    }

    /// Sets `sub_id` to any subject.
    pub fn subject(self, subject: Value) -> Self {
        self.claim("sub_id", subject)
    }

    /// Sets a member of the event.
    pub fn member(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.members.insert(name.into(), value.into());
        self
    }

    /// Sets a claim of the token.
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// Removes a claim of the token.
    pub fn without(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// Sets a header parameter.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.header.insert(name.into(), value.into());
        self
    }

    /// Removes a header parameter, such as `typ`.
    pub fn without_header(mut self, name: &str) -> Self {
        self.header.remove(name);
        self
    }

    /// Signs with a key that is not published, under the name of one that is.
    pub fn signed_by_unknown_key(mut self) -> Self {
        self.is_signed_by_unknown_key = true;
        self
    }

    /// Writes it as Keycloak 26 does: with `txn`, `initiating_entity` and the members of each type.
    /// A `session-revoked` event about a user alone is that of an administrator who ends all sessions,
    /// with the session `ALL`. Values are of the test.
    pub fn like_keycloak(self) -> Self {
        let subject = self.claims.get("sub_id").cloned().unwrap_or_default();
        let event = self.claim("txn", "test-transaction");
        match event.event_type() {
            Some(SecurityEventType::SessionRevoked) => {
                let every = json!({ "format": "opaque", "id": "ALL" });
                let subject = if subject.get("format").is_some_and(|format| format == "complex") {
                    subject
                } else {
                    json!({ "format": "complex", "user": subject, "session": every })
                };
                let event = event.subject(subject).member("initiating_entity", "user");
                event.member("reason_admin", json!({ "en": "a test" }))
            }
            Some(SecurityEventType::CredentialChange) => event
                .member("initiating_entity", "user")
                .member("change_type", "update")
                .member("credential_type", "password")
                .member("kc_credential_type", "password"),
            _ => event.member("initiating_entity", "admin"),
        }
    }

    /// Writes it as Okta does: the subject in the event and not in the token, without a session,
    /// `event_timestamp` in milliseconds, and the members of each type. Values are of the test.
    pub fn like_okta(mut self) -> Self {
        let subject = self.claims.remove("sub_id").unwrap_or_default();
        let user = subject.get("user").cloned().unwrap_or(subject);
        let milliseconds = self.transmitter.now().saturating_mul(1000);
        let event = self
            .member("event_timestamp", milliseconds)
            .member("reason_admin", json!({ "en": "a test" }));
        match event.event_type() {
            Some(SecurityEventType::SessionRevoked) => event
                .member("reason_user", json!({ "en": "a test" }))
                .member("subject", json!({ "user": user })),
            _ => event
                .member("subject", user)
                .member("initiating_entity", "user")
                .member("change_type", "revoke")
                .member("credential_type", "password"),
        }
    }

    fn event_type(&self) -> Option<SecurityEventType> {
        SecurityEventType::ALL.into_iter().find(|known| known.uri() == self.uri)
    }

    /// Returns the `jti`, under which it is polled.
    pub fn name(&self) -> String {
        self.claims.get("jti").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// Signs it.
    ///
    /// # Panics
    /// If the key cannot sign.
    #[expect(clippy::expect_used, reason = "a test cannot go on without its event")]
    pub fn sign(&self) -> String {
        let transmitter = self.transmitter;
        let key = if self.is_signed_by_unknown_key {
            transmitter.unknown_key()
        } else {
            transmitter.signing_key().expect("there is a key")
        };
        let mut header = self.header.clone();
        header.entry("alg").or_insert_with(|| json!(key.algorithm().name()));
        header.entry("kid").or_insert_with(|| json!(key.id()));
        let mut claims = self.claims.clone();
        let events: Map<String, Value> =
            [(self.uri.clone(), Value::Object(self.members.clone()))].into_iter().collect();
        claims.entry("events").or_insert(Value::Object(events));
        let encode =
            |part: Map<String, Value>| URL_SAFE_NO_PAD.encode(Value::Object(part).to_string());
        let input = format!("{}.{}", encode(header), encode(claims));
        let signature = key.sign_message(input.as_bytes()).expect("the key signs");
        format!("{input}.{signature}")
    }
}

/// Contains the type and the names of the claims, not the values.
impl fmt::Debug for TestEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestEvent")
            .field("uri", &self.uri)
            .field("claims", &self.claims.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
