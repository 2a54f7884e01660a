//! What was decided about whom.

use std::fmt;

use super::Requirement;
use crate::{
    claims::{Claims, VerifiedClaims},
    error::AuthError,
};

/// Takes note of every decision about a requirement.
///
/// It is called on the request's way, once for each requirement that a request meets or fails, after
/// the caller has been authenticated; it should not take long. A request without a good token is
/// refused before there is anything to decide and is not seen here.
///
/// ```
/// use jwt_verify::authorization::{AuditEvent, AuditOutcome, AuditSink};
///
/// struct Refusals(std::sync::mpsc::SyncSender<String>);
///
/// impl AuditSink for Refusals {
///     fn record(&self, event: &AuditEvent<'_>) {
///         if let AuditOutcome::Refused(error) = event.outcome {
///             let who = event.claims.subject().unwrap_or("nobody");
///             let line = format!("{who:?} {} {}: {}", event.method, event.route, error.reason());
///             let _ = self.0.try_send(line);
///         }
///     }
/// }
/// ```
pub trait AuditSink: Send + Sync + 'static {
    /// Takes note.
    fn record(&self, event: &AuditEvent<'_>);
}

/// A decision about a requirement. Holds no token; what it holds of the claims is about a person.
#[non_exhaustive]
#[derive(Clone, Copy)]
pub struct AuditEvent<'a> {
    /// Who asked. Text in claims comes from outside: it may hold whatever the issuer lets it.
    pub claims: &'a VerifiedClaims<Claims>,
    /// The method of the request.
    pub method: &'a str,
    /// The pattern of the route, such as `/posts/{id}`; empty for a path that no route has.
    pub route: &'a str,
    /// The handler with the requirement; `None` where it is that of a scope or resource, and where an
    /// [`Authorizer`](crate::authorization::Authorizer) was asked for claims as arguments.
    pub handler: Option<&'static str>,
    /// What was demanded.
    pub requirement: &'a Requirement,
    /// What came of it.
    pub outcome: AuditOutcome<'a>,
}

/// What came of a decision.
#[non_exhaustive]
#[derive(Debug, Clone, Copy)]
pub enum AuditOutcome<'a> {
    /// The caller may pass.
    Allowed,
    /// The caller may not pass.
    Refused(&'a AuthError),
    /// The caller may not pass, and does, since refusals are only reported. An answer of a policy's
    /// own counts as [`ForbiddenReason::Policy`](crate::ForbiddenReason::Policy).
    Reported(&'a AuthError),
    /// A policy of the handler has failed or has answered by itself.
    Failed,
}

impl AuditOutcome<'_> {
    /// A name that will not change.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Refused(_) => "refused",
            Self::Reported(_) => "reported",
            Self::Failed => "failed",
        }
    }
}

/// Shows names of claims, not their values.
impl fmt::Debug for AuditEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditEvent")
            .field("claims", self.claims)
            .field("method", &self.method)
            .field("route", &self.route)
            .field("handler", &self.handler)
            .field("requirement", self.requirement)
            .field("outcome", &self.outcome)
            .finish()
    }
}

/// Writes decisions as `tracing` events of the target `jwt_verify::audit`: `INFO`, and `WARN` for
/// what was refused or would have been.
///
/// The fields are `issuer`, `subject`, `method`, `route`, `handler`, `requirement`, `outcome` and
/// `reason`. Issuer and subject name a person: keep this log as such. They are cut after 128
/// characters, and control characters are escaped.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct TracingAudit;

impl TracingAudit {
    /// The sink.
    pub const fn new() -> Self {
        Self
    }
}

impl AuditSink for TracingAudit {
    fn record(&self, event: &AuditEvent<'_>) {
        let issuer = event.claims.issuer().map(Shortened);
        let subject = event.claims.subject().map(Shortened);
        let AuditEvent { method, route, handler, requirement, outcome, .. } = event;
        let outcome_code = outcome.code();
        macro_rules! write {
            ($level:ident, $reason:expr) => {
                tracing::$level!(
                    target: "jwt_verify::audit",
                    issuer = issuer.map(tracing::field::debug),
                    subject = subject.map(tracing::field::debug),
                    method = ?Shortened(method),
                    route,
                    handler,
                    %requirement,
                    outcome = outcome_code,
                    reason = $reason,
                    "decided about a request"
                )
            };
        }
        match outcome {
            AuditOutcome::Allowed => write!(info, None::<&str>),
            AuditOutcome::Refused(error) | AuditOutcome::Reported(error) => {
                write!(warn, Some(error.reason()));
            }
            AuditOutcome::Failed => write!(warn, None::<&str>),
        }
    }
}

/// Text from outside, as it may stand in a log.
#[derive(Clone, Copy)]
struct Shortened<'a>(&'a str);

impl fmt::Debug for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.0.char_indices().nth(128).map_or(self.0.len(), |(at, _)| at);
        let kept = self.0.get(..end).unwrap_or_default();
        write!(f, "{kept:?}{}", if end < self.0.len() { "…" } else { "" })
    }
}
