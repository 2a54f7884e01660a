//! The events of a verified security event token (RFC 8417 §2.2).

use std::time::Duration;

use serde_json::{Map, Value};

use super::{
    event_type::{EventKind, SecurityEventType},
    subject::SubjectIdentifier,
};
use crate::{claims::VerifiedClaims, digest::sha256_text};

/// One event of a verified token.
#[derive(Debug, Clone, Copy)]
pub struct SecurityEvent<'a> {
    uri: &'a str,
    payload: &'a Map<String, Value>,
    claims: &'a VerifiedClaims,
}

impl<'a> SecurityEvent<'a> {
    /// Returns the URI of the type.
    pub fn uri(&self) -> &'a str {
        self.uri
    }

    /// Returns the type, if it is one that the library knows.
    pub fn event_type(&self) -> Option<SecurityEventType> {
        match self.kind() {
            EventKind::Known(known) => Some(known),
            _ => None,
        }
    }

    /// Returns the members of the event. They may be personal data.
    pub fn payload(&self) -> &'a Map<String, Value> {
        self.payload
    }

    /// Returns the claims of the token that holds the event.
    pub fn token(&self) -> &'a VerifiedClaims {
        self.claims
    }

    /// Returns the time of the event since the epoch: `event_timestamp` of the event, else `toe` of
    /// the token, and at most the `iat` of the token.
    pub fn time(&self) -> Duration {
        let issued = self.claims.issued_at().map(crate::claims::NumericDate::since_epoch);
        let issued = issued.unwrap_or_default();
        let stated = self.payload.get("event_timestamp").or_else(|| self.claims.get("toe"));
        let stated = stated.and_then(Value::as_f64).filter(|seconds| *seconds > 0.0);
        // Texts of older drafts are in milliseconds, and then far ahead.
        stated
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .map_or(issued, |stated| stated.min(issued))
    }

    /// Returns the time until which tokens are revoked: that of the event, or `iat` of the token where
    /// logins since the event are not better than those before.
    pub(super) fn revoked_until(&self) -> Duration {
        let issued = self.claims.issued_at().map(crate::claims::NumericDate::since_epoch);
        match self.event_type() {
            Some(
                SecurityEventType::CredentialCompromise
                | SecurityEventType::AccountDisabled
                | SecurityEventType::AccountPurged,
            ) => issued.unwrap_or_default(),
            _ => self.time(),
        }
    }

    pub(super) fn kind(&self) -> EventKind {
        EventKind::of(self.uri)
    }

    /// Returns the subject: that of the token (`sub_id`), that of the event as older drafts have it,
    /// or `sub` of the token.
    pub(super) fn subject(&self) -> Option<EventSubject> {
        let stated = [self.claims.get("sub_id"), self.payload.get("subject")];
        if let Some(subject) = stated.into_iter().flatten().find(|subject| !subject.is_null()) {
            return EventSubject::read(subject);
        }
        let (issuer, subject) = (self.claims.issuer()?, self.claims.subject()?);
        Some(EventSubject::Simple(SubjectIdentifier::of_claims(issuer, subject)))
    }

    /// Returns `true` if the event tells of a change for the better, which ends nothing.
    pub(super) fn is_improvement(&self) -> bool {
        let is = |name, value| self.payload.get(name).and_then(Value::as_str) == Some(value);
        match self.event_type() {
            Some(SecurityEventType::AssuranceLevelChange) => is("change_direction", "increase"),
            Some(SecurityEventType::DeviceComplianceChange) => is("current_status", "compliant"),
            _ => false,
        }
    }
}

/// The subject of an event.
#[derive(Debug)]
pub(super) enum EventSubject {
    Simple(SubjectIdentifier),
    /// Each member identifies a part (SSF §3.3).
    Complex {
        user: Option<SubjectIdentifier>,
        session: Option<SubjectIdentifier>,
    },
}

impl EventSubject {
    fn read(value: &Value) -> Option<Self> {
        let members = value.as_object()?;
        let simple = SubjectIdentifier::read(value).filter(|known| known.format() != "complex");
        if let Some(simple) = simple {
            return Some(Self::Simple(simple));
        }
        // Older drafts have no format here.
        let is_complex = match members.get("format") {
            Some(format) => format == "complex",
            None => members.keys().any(|name| COMPLEX_MEMBERS.contains(&&**name)),
        };
        // Some write the parts that a subject does not have as `null`.
        let part = |name| match members.get(name) {
            None | Some(Value::Null) => Some(None),
            Some(part) => SubjectIdentifier::read(part).map(Some),
        };
        let (user, session) = (part("user")?, part("session")?);
        is_complex.then_some(Self::Complex { user, session })
    }
}

/// Members of a complex subject (SSF §3.3).
const COMPLEX_MEMBERS: [&str; 7] =
    ["user", "device", "session", "application", "tenant", "org_unit", "group"];

/// Returns the events of a token; `None` if one of them is not an object.
pub(super) fn events(claims: &VerifiedClaims) -> Option<Vec<SecurityEvent<'_>>> {
    let all = claims.get("events")?.as_object()?;
    all.iter()
        .map(|(uri, payload)| Some(SecurityEvent { uri, payload: payload.as_object()?, claims }))
        .collect()
}

/// Returns a hash of what a token says, which is the same when it is sent again with another
/// signature.
pub(super) fn content_digest(claims: &VerifiedClaims) -> String {
    let parts = [claims.get("events"), claims.get("sub_id"), claims.get("toe")];
    let mut text: String =
        parts.map(|part| part.map_or_else(String::new, Value::to_string)).join("\n");
    text.push('\n');
    text.push_str(claims.subject().unwrap_or_default());
    sha256_text(text.as_bytes())
}
