//! The explanation of a verification: every check with its outcome.

mod difference;
mod remedy;

use std::{borrow::Cow, fmt};

use serde::Serialize;

pub(crate) use self::{
    difference::{audience_difference, issuer_difference},
    remedy::remedy,
};
use crate::error::AuthError;

/// The outcome of a verification as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// The token is accepted.
    Accepted,
    /// The token is refused (400, 401 or 403).
    Refused,
    /// Nothing can be said at the moment, since keys or a store cannot be reached (429 or 503).
    Undecided,
}

/// The outcome of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CheckStatus {
    /// The token passes the check.
    Passed,
    /// The token fails the check.
    Failed,
    /// An earlier failure leaves nothing to check.
    NotReached,
}

/// One check of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    name: &'static str,
    status: CheckStatus,
    expected: Cow<'static, str>,
    found: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'static str>,
}

impl Check {
    /// Returns the name of the check, such as `audience`. It is stable.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the outcome.
    pub fn status(&self) -> CheckStatus {
        self.status
    }

    /// Returns what passes.
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// Returns what the token has, if the check was reached.
    pub fn found(&self) -> Option<&str> {
        self.found.as_deref()
    }

    /// Returns the setting, or the action at the issuer, that mends a failure.
    pub fn remedy(&self) -> Option<&'static str> {
        self.remedy
    }
}

/// Every check of a token in the order of the pipeline: what was expected, what was found, and what
/// mends a failure.
///
/// It is for developers and operators. Do not send it to callers: it tells an attacker which checks
/// a forged token passes. It grants nothing; there is no way from it to
/// [`VerifiedClaims`](crate::VerifiedClaims).
///
/// By default it has names of claims and kinds of values, but no value of a token, and none of the
/// configuration that a token could repeat. `Display` is a text of one line for each check, headed
/// by the [`headline`](Self::headline); `Serialize` is
/// `{"verdict","reason","checks":[{"name","status","expected","found"}]}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    verdict: Verdict,
    reason: Option<&'static str>,
    checks: Vec<Check>,
}

impl Explanation {
    /// Returns the outcome, which is that of the verification itself.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Returns the reason of a token that is not accepted, as [`AuthError::reason`] names it.
    pub fn reason(&self) -> Option<&'static str> {
        self.reason
    }

    /// Returns the checks in the order in which they are made.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// Returns the check that the operator should look at first: the first one that failed. While
    /// there are no keys, it is the one that would fail with them.
    pub fn first_failure(&self) -> Option<&Check> {
        let mut failed = self.checks.iter().filter(|check| check.status == CheckStatus::Failed);
        let first = failed.next()?;
        let is_preliminary = first.name == "key" && self.reason == Some("unknown_key");
        Some(failed.next().filter(|_| is_preliminary).unwrap_or(first))
    }

    /// Returns the explanation in one line.
    pub fn headline(&self) -> String {
        let reason = self.reason.unwrap_or_default();
        let verdict = match self.verdict {
            Verdict::Accepted => return "accepted: every check passed".to_owned(),
            Verdict::Refused => "refused",
            Verdict::Undecided => "undecided",
        };
        let Some(check) = self.first_failure() else { return format!("{verdict}: {reason}") };
        let found = check.found.as_deref().unwrap_or("nothing");
        format!("{verdict}: {}: expected {}; found {found}", check.name, check.expected)
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.headline())?;
        for check in &self.checks {
            let mark = match check.status {
                CheckStatus::Passed => "passed",
                CheckStatus::Failed => "FAILED",
                CheckStatus::NotReached => "-",
            };
            write!(f, "  {mark:<6}  {:<17}  {}", check.name, check.expected)?;
            match (&check.found, check.status) {
                (Some(found), CheckStatus::Failed) => writeln!(f, "; found {found}")?,
                _ => writeln!(f)?,
            }
            if let Some(remedy) = check.remedy {
                writeln!(f, "{:27}  -> {remedy}", "")?;
            }
        }
        Ok(())
    }
}

/// An explanation in the making.
pub(crate) struct Report {
    checks: Vec<Check>,
    /// True if values of the token are shown.
    pub(crate) shows_values: bool,
}

impl Report {
    pub(crate) fn new(shows_values: bool) -> Self {
        Self { checks: Vec::new(), shows_values }
    }

    /// Adds the outcome of a check.
    pub(crate) fn add(
        &mut self,
        name: &'static str,
        expected: impl Into<Cow<'static, str>>,
        outcome: Result<(), AuthError>,
        found: impl Into<String>,
    ) {
        let (status, remedy) = match outcome {
            Ok(()) => (CheckStatus::Passed, None),
            Err(error) => (CheckStatus::Failed, remedy(name, &error)),
        };
        let found = Some(found.into());
        self.checks.push(Check { name, status, expected: expected.into(), found, remedy });
    }

    /// Adds a term of a requirement. One that is not met need not be a failure: of alternatives one
    /// is enough.
    pub(crate) fn add_term(&mut self, term: String, is_met: bool) {
        let (status, found) =
            if is_met { (CheckStatus::Passed, "met") } else { (CheckStatus::Failed, "not met") };
        let (name, found) = ("term", Some(found.to_owned()));
        self.checks.push(Check { name, status, expected: term.into(), found, remedy: None });
    }

    /// Adds a check that an earlier failure leaves nothing to do for.
    pub(crate) fn skip(&mut self, name: &'static str, expected: impl Into<Cow<'static, str>>) {
        let (status, expected) = (CheckStatus::NotReached, expected.into());
        self.checks.push(Check { name, status, expected, found: None, remedy: None });
    }

    /// Returns `true` if this check has been told.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.checks.iter().any(|check| check.name == name)
    }

    /// Returns `true` if no check has failed so far.
    pub(crate) fn passes(&self) -> bool {
        self.checks.iter().all(|check| check.status == CheckStatus::Passed)
    }

    /// Returns a value of the token, escaped and marked as such, if values are shown.
    pub(crate) fn value(&self, value: &str) -> String {
        if !self.shows_values {
            return String::new();
        }
        let (end, more) = match value.char_indices().nth(MAX_VALUE) {
            Some((end, _)) => (end, "…"),
            None => (value.len(), ""),
        };
        format!(" (value: \"{}\"{more})", value[..end].escape_debug())
    }

    /// Returns the explanation of this outcome.
    pub(crate) fn finish(self, outcome: &Result<(), AuthError>) -> Explanation {
        let reason = outcome.as_ref().err().map(AuthError::reason);
        let verdict = match outcome {
            Ok(()) => Verdict::Accepted,
            Err(
                AuthError::Unavailable { .. }
                | AuthError::KeyLookupLimited { .. }
                | AuthError::Misconfigured,
            ) => Verdict::Undecided,
            Err(_) => Verdict::Refused,
        };
        Explanation { verdict, reason, checks: self.checks }
    }
}

/// Characters of a value that are shown.
const MAX_VALUE: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::InvalidTokenReason;

    fn refused() -> Report {
        let mut report = Report::new(true);
        report.add("form", "three segments", Ok(()), "three segments");
        let error = Err(InvalidTokenReason::Audience.into());
        report.add("audience", "an audience of this API", error, "another name");
        report.skip("revocation", "not revoked");
        report
    }

    #[test]
    fn the_text_begins_with_the_first_failure_and_names_the_remedy() {
        let explanation = refused().finish(&Err(InvalidTokenReason::Audience.into()));
        let text = explanation.to_string();
        let first = "refused: audience: expected an audience of this API; found another name";
        assert_eq!(text.lines().next(), Some(first));
        assert!(text.contains("FAILED  audience") && text.contains("JWT_AUDIENCE"), "{text}");
        assert!(text.contains("  -       revocation"), "{text}");
    }

    #[test]
    fn the_serialized_form_has_the_documented_members() {
        let explanation = refused().finish(&Err(InvalidTokenReason::Audience.into()));
        let json = serde_json::to_value(&explanation).unwrap();
        assert_eq!(json["verdict"], "refused");
        assert_eq!(json["reason"], "audience");
        assert_eq!(json["checks"][1]["name"], "audience");
        assert_eq!(json["checks"][1]["status"], "failed");
        assert_eq!(json["checks"][2]["status"], "not_reached");
        assert!(json["checks"][2]["found"].is_null());
        let good = serde_json::to_value(Report::new(false).finish(&Ok(()))).unwrap();
        assert_eq!(good["verdict"], "accepted");
        assert!(good["reason"].is_null());
    }

    #[test]
    fn values_are_hidden_or_marked_and_escaped() {
        assert_eq!(Report::new(false).value("secret"), "");
        assert_eq!(Report::new(true).value("a\n\u{1b}[31m"), r#" (value: "a\n\u{1b}[31m")"#);
        assert!(Report::new(true).value(&"é".repeat(200)).ends_with("é\"…)"));
    }
}
