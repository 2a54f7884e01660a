//! Security events: an identity provider tells this API that access has to end now.
//!
//! A [`SecurityEventReceiver`] takes security event tokens (RFC 8417) of one [`Transmitter`] by push
//! (RFC 8935) or by poll (RFC 8936, [`EventPoll`]). [`EventStreams`] sets up the stream. Types of events
//! have an [`Effect`] each; subjects are those of RFC 9493.
//!
//! | event | default |
//! | --- | --- |
//! | `session-revoked`, `token-claims-change`, `credential-change` (CAEP) | [`Effect::Revoke`] |
//! | `device-compliance-change` (CAEP) | [`Effect::Revoke`], unless the device complies |
//! | `assurance-level-change` (CAEP) | [`Effect::StepUp`], unless the level has risen |
//! | `account-disabled`, `account-purged`, `credential-compromise`, `sessions-revoked` (RISC) | [`Effect::Revoke`] |
//! | `account-credential-change-required` (RISC) | [`Effect::StepUp`] |
//! | `tokens-revoked` (OAuth) | [`Effect::Revoke`] |
//! | all others | acknowledged and counted |
//!
//! # How a token is checked
//!
//! The verifier of access tokens verifies it, as a kind of its own: a security event token is never
//! accepted as an access token, nor an access token as one. Then its `jti` is looked up: one that was
//! acted on is acknowledged again and changes nothing, and another token with the same `jti` is refused. All
//! events of a token are read before the first of them is acted on. The revocation is stored, the
//! hook is told, the `jti` is noted, and then the transmitter gets its acknowledgement. Each step can
//! be repeated, so an interruption between two of them leaves nothing half done: the transmitter
//! sends the token again.
//!
//! | subject | means |
//! | --- | --- |
//! | `iss_sub` | the user, if the issuer is one of [`Transmitter::subjects_of`], or else the one that the [`SubjectResolver`] finds |
//! | `jwt_id` | the token, if its issuer is one of them |
//! | `opaque` | the user with this `sub`, or the one that the [`SubjectResolver`] finds; in `session-revoked` also the session with this `sid` |
//! | `email`, `phone_number`, `account`, `did`, `uri` | the user that the [`SubjectResolver`] finds |
//! | `aliases` | each of its identifiers, up to 16 |
//! | complex | `session` is the session (`sid`) and `user` the user: the session ends if there is one, and an event of the account ends both, and one that demands another login looks at the user alone; the session `ALL` beside a user is the user, as Keycloak writes it; a subject without both means nothing here |
//! | `saml_assertion_id` | nothing |
//!
//! A subject that means nothing here is acknowledged and counted as `unresolved`.

mod builder;
mod effect;
mod event_token;
mod event_type;
mod handler;
mod poll;
mod receiver;
mod refusal;
mod seen;
mod streams;
mod subject;
mod targets;
mod transmitter;

pub use builder::SecurityEventReceiverBuilder;
pub use effect::Effect;
pub use event_token::SecurityEvent;
pub use event_type::SecurityEventType;
pub use handler::SecurityEventHandler;
pub use poll::EventPoll;
pub use receiver::SecurityEventReceiver;
pub(crate) use refusal::EventRefusal;
pub use streams::{EventStream, EventStreams, StreamError, StreamRequest, StreamStatus};
pub use subject::{SubjectIdentifier, SubjectResolver};
pub use transmitter::Transmitter;
