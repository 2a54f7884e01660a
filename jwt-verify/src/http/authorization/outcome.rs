//! The kind of a decision, with which it is counted.

use crate::{error::AuthError, http::step::Rejection};

/// Kind of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DecisionKind {
    Allowed,
    /// Refused; holds the kind of term that was not met.
    Refused(&'static str),
    /// There is no decision: a policy, an authorizer or the set-up has failed.
    Failed,
}

impl DecisionKind {
    pub(crate) fn of(result: &Result<(), Rejection>) -> Self {
        match result {
            Ok(()) => Self::Allowed,
            Err(Rejection::Error(error)) => Self::of_error(error),
            Err(Rejection::Response(error)) => {
                let status = error.as_response_error().status_code();
                if status.is_server_error() { Self::Failed } else { Self::Refused(POLICY) }
            }
        }
    }

    fn of_error(error: &AuthError) -> Self {
        match error {
            // Of several kinds, the first is told.
            AuthError::Forbidden(missing) => Self::Refused(match missing.code() {
                "missing_role" => "role",
                "missing_permission" => "permission",
                "missing_scope" => "scope",
                "condition_not_met" => "condition",
                _ => POLICY,
            }),
            AuthError::StepUp { .. } => Self::Refused("login"),
            AuthError::Misconfigured
            | AuthError::Unavailable { .. }
            | AuthError::KeyLookupLimited { .. } => Self::Failed,
            // The caller is authenticated: only a rule of the application answers like this.
            _ => Self::Refused(POLICY),
        }
    }

    /// Returns a stable name of the outcome, and of what was missing. `is_report_only` says that a
    /// refusal is reported, and not enforced.
    pub(crate) fn codes(self, is_report_only: bool) -> (&'static str, &'static str) {
        match self {
            Self::Allowed => ("allowed", "none"),
            Self::Refused(missing) if is_report_only => ("reported", missing),
            Self::Refused(missing) => ("refused", missing),
            Self::Failed => ("failed", "none"),
        }
    }
}

const POLICY: &str = "policy";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use actix_web::error::{ErrorInternalServerError, ErrorNotFound};

    use super::*;
    use crate::error::ForbiddenReason;

    #[test]
    fn a_decision_that_was_not_made_is_no_refusal() {
        let forbidden = |missing| Err(Rejection::from(AuthError::Forbidden(missing)));
        let login = AuthError::StepUp { max_age: None, acr_values: None };
        let unavailable = AuthError::Unavailable { retry_after: Duration::ZERO };
        for (result, codes) in [
            (Ok(()), ("allowed", "none")),
            (forbidden(ForbiddenReason::Role([].into())), ("refused", "role")),
            (forbidden(ForbiddenReason::Permission("a".into())), ("refused", "permission")),
            (forbidden(ForbiddenReason::Scope("a".into())), ("refused", "scope")),
            (forbidden(ForbiddenReason::UnmetCondition), ("refused", "condition")),
            (forbidden(ForbiddenReason::Policy), ("refused", "policy")),
            (Err(login.into()), ("refused", "login")),
            (Err(AuthError::MissingToken.into()), ("refused", "policy")),
            (Err(Rejection::Response(ErrorNotFound("none"))), ("refused", "policy")),
            (Err(Rejection::Response(ErrorInternalServerError("down"))), ("failed", "none")),
            (Err(unavailable.into()), ("failed", "none")),
            (Err(AuthError::Misconfigured.into()), ("failed", "none")),
        ] {
            assert_eq!(DecisionKind::of(&result).codes(false), codes);
            let reported = if codes.0 == "refused" { "reported" } else { codes.0 };
            assert_eq!(DecisionKind::of(&result).codes(true), (reported, codes.1));
        }
    }
}
