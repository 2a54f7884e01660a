//! Authorization of verified callers.

mod audit;
mod authorizer;
mod decision;
mod name;
mod requirement;

pub use audit::{AuditEvent, AuditOutcome, AuditSink, TracingAudit};
pub use authorizer::Authorizer;
pub use decision::Decision;
pub use name::{AccessName, name};
pub(crate) use requirement::{EvalContext, Evaluation, IncludingNames, PolicyRef};
pub use requirement::{Requirement, authorizer, function, literal};
