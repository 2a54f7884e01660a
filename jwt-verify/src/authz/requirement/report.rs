//! Requirements in explanations.

use super::{EvalContext, Evaluation, Requirement};
use crate::{claims::VerifiedToken, error::AuthError, explanation::Report};

impl Report {
    /// Adds a requirement and each of its terms, and returns the outcome.
    pub(crate) fn requirement(
        &mut self,
        requirement: &Requirement,
        token: &VerifiedToken,
        context: &dyn EvalContext,
    ) -> Result<(), AuthError> {
        let outcome = requirement.check(token, context);
        self.add("requirement", requirement.to_string(), outcome.clone(), found(&outcome));
        let terms = requirement.single_terms();
        if terms.len() > 1 || outcome.is_err() {
            for term in terms {
                let is_met = term.evaluate(token, context) == Evaluation::Met;
                self.add_term(term.to_string(), is_met);
            }
        }
        outcome
    }
}

/// Returns the smallest grants that would be enough, by the names of the requirement.
fn found(outcome: &Result<(), AuthError>) -> String {
    let missing = match outcome {
        Ok(()) => return "enough".to_owned(),
        Err(AuthError::Forbidden(missing)) => missing,
        Err(error) => return error.reason().to_owned(),
    };
    let roles = missing.roles().map(|roles| format!("missing roles {}", roles.join(", ")));
    let scope = missing.scope().map(|scope| format!("missing scopes or permissions {scope}"));
    let parts: Vec<_> = roles.into_iter().chain(scope).collect();
    if parts.is_empty() { missing.code().to_owned() } else { parts.join("; ") }
}
