//! Audit log of authorization decisions.

use std::fmt;

use super::Requirement;
use crate::{
    claims::{Claims, VerifiedClaims},
    error::AuthError,
    log_text::Shortened,
};

/// Records every decision about a requirement.
///
/// It is called during the request, once for each requirement that a request meets or fails, after
/// the caller has been authenticated; it should return quickly. A request without a valid token is
/// refused before any decision and is not recorded.
///
/// ```
/// use jwt_verify::authorization::{AuditEvent, AuditOutcome, AuditSink};
///
/// struct Refusals(std::sync::mpsc::SyncSender<String>);
///
/// impl AuditSink for Refusals {
///     fn record(&self, event: &AuditEvent<'_>) {
///         if let AuditOutcome::Refused(error) = event.outcome {
///             let who = event.claims.subject().unwrap_or("unknown");
///             let line = format!("{who:?} {} {}: {}", event.method, event.route, error.reason());
///             let _ = self.0.try_send(line);
///         }
///     }
/// }
/// ```
pub trait AuditSink: Send + Sync + 'static {
    /// Records a decision.
    fn record(&self, event: &AuditEvent<'_>);
}

/// A decision about a requirement. It holds no token, but claims are personal data.
#[non_exhaustive]
#[derive(Clone, Copy)]
pub struct AuditEvent<'a> {
    /// Claims of the caller. Their text comes from outside: it may hold whatever the issuer allows.
    pub claims: &'a VerifiedClaims<Claims>,
    /// Method of the request.
    pub method: &'a str,
    /// Pattern of the route, such as `/posts/{id}`; empty for a path without a route.
    pub route: &'a str,
    /// Handler with the requirement; `None` for the requirement of a scope or resource, and for an
    /// [`Authorizer`](crate::authorization::Authorizer) that was called for claims as arguments.
    pub handler: Option<&'static str>,
    /// Method and name of an operation of an MCP server that has a rule, such as `tools/call search`; with
    /// the text of the template for a resource. `None` for what no rule names, and for other requests.
    pub operation: Option<&'a str>,
    /// Requirement that was checked. That of a check in a handler may be made of data of the
    /// request.
    pub requirement: &'a Requirement,
    /// Outcome of the check.
    pub outcome: AuditOutcome<'a>,
    /// Error behind the outcome; `None` if the request was allowed, or if a policy has returned its
    /// own response.
    pub error: Option<&'a AuthError>,
}

/// Outcome of a decision.
#[non_exhaustive]
#[derive(Debug, Clone, Copy)]
pub enum AuditOutcome<'a> {
    /// The request was allowed.
    Allowed,
    /// The request was refused: the caller does not meet the requirement.
    Refused(&'a AuthError),
    /// The request would have been refused, but refusals are only reported. A response of the
    /// policy itself counts as [`ForbiddenReason::Policy`](crate::ForbiddenReason::Policy).
    Reported(&'a AuthError),
    /// There is no decision, and the request was answered with an error: a policy has returned its
    /// own response, or it or an [`Authorizer`](crate::authorization::Authorizer) could not decide
    /// ([`AuthError::Unavailable`]), or the application is not set up ([`AuthError::Misconfigured`]).
    Failed,
}

impl AuditOutcome<'_> {
    /// Returns a stable name.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Refused(_) => "refused",
            Self::Reported(_) => "reported",
            Self::Failed => "failed",
        }
    }
}

/// Contains names of claims, not their values.
impl fmt::Debug for AuditEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditEvent")
            .field("claims", self.claims)
            .field("method", &self.method)
            .field("route", &self.route)
            .field("handler", &self.handler)
            .field("operation", &self.operation)
            .field("requirement", self.requirement)
            .field("outcome", &self.outcome)
            .field("error", &self.error)
            .finish()
    }
}

/// Writes decisions as `tracing` events of the target `jwt_verify::audit`: `INFO`, and `WARN` for
/// what was refused or would have been, and for failures.
///
/// The event has the fields `issuer`, `subject`, `method`, `route`, `handler`, `operation`,
/// `requirement`, `outcome` and `reason`. Issuer and subject identify a person: protect this log accordingly. They
/// are cut after 128 characters, and control characters are escaped.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct TracingAudit;

impl TracingAudit {
    /// Creates the sink.
    pub const fn new() -> Self {
        Self
    }
}

impl AuditSink for TracingAudit {
    fn record(&self, event: &AuditEvent<'_>) {
        let issuer = event.claims.issuer().map(Shortened);
        let subject = event.claims.subject().map(Shortened);
        let AuditEvent { method, route, handler, operation, requirement, outcome, .. } = event;
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
                    operation,
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
            AuditOutcome::Failed => write!(warn, event.error.map(AuthError::reason)),
        }
    }
}
