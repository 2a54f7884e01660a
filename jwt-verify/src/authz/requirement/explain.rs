//! Errors for a requirement that is not met.

use std::time::Duration;

use super::{
    EvalContext, Evaluation, LoginAge, Requirement, Term,
    lacking::{Caller, listed},
};
use crate::{claims::VerifiedToken, error::AuthError};

impl Requirement {
    /// Returns why it is not met: first everything that the caller lacks for good, then what another
    /// login would supply.
    pub(crate) fn explain(&self, token: &VerifiedToken, context: &dyn EvalContext) -> AuthError {
        self.explain_with_inner(None, token, context)
    }

    /// Returns why it is not met, with the names that a requirement inside of it demands too.
    pub(crate) fn explain_with_inner(
        &self,
        inner: Option<&Self>,
        token: &VerifiedToken,
        context: &dyn EvalContext,
    ) -> AuthError {
        // With a login alone the request would pass this one, and is decided about inside then.
        if self.lacking_with(None, Caller::of(token, context)).reason().is_some()
            && let Some(reason) = self.lacking_with(inner, Caller::of(token, context)).reason()
        {
            return AuthError::Forbidden(reason);
        }
        let own = self.needed_login(token, context);
        match inner {
            Some(inner) => own.and(inner.needed_login(token, context)).into(),
            None => own.into(),
        }
    }

    /// Returns the error for a policy that asks for a login, with the login that the rest of the
    /// requirement demands.
    pub(crate) fn explain_with(
        &self,
        asked: AuthError,
        token: &VerifiedToken,
        context: &dyn EvalContext,
    ) -> AuthError {
        let own = AuthError::from(self.needed_login(token, context));
        match (asked, own) {
            (
                AuthError::StepUp { max_age, acr_values },
                AuthError::StepUp { max_age: own_age, acr_values: own_classes },
            ) => AuthError::StepUp {
                max_age: shorter(max_age, own_age),
                acr_values: acr_values.or(own_classes),
            },
            (asked, _) => asked,
        }
    }

    /// Returns the login that would meet this requirement, if only the login is unmet. It also
    /// contains what the present login satisfies: the next one needs that again.
    fn needed_login<'a>(
        &'a self,
        token: &VerifiedToken,
        context: &dyn EvalContext,
    ) -> NeededLogin<'a> {
        let within = match self.login {
            LoginAge::Within(age) => Some(age),
            LoginAge::AnyTime | LoginAge::Fresh => None,
        };
        let own = NeededLogin {
            is_fresh: self.login != LoginAge::AnyTime,
            max_age: shorter(within, self.max_age),
            classes: self.acr_values.as_ref().map(|classes| classes.iter().map(|c| &**c).collect()),
        };
        let nested = |term: &'a Term| match term {
            Term::All(nested) => nested.needed_login(token, context),
            Term::Any(ways) => any_login(ways, token, context),
            Term::Not(_) | Term::Claim(_) | Term::Credential(_) | Term::Policy(_) => {
                NeededLogin::default()
            }
        };
        self.terms.iter().map(nested).fold(own, NeededLogin::and)
    }
}

/// Properties of the required login (RFC 9470 §3).
#[derive(Debug, Default)]
struct NeededLogin<'a> {
    /// True if the token must come from a login rather than a refresh.
    is_fresh: bool,
    max_age: Option<Duration>,
    /// `None` for any.
    classes: Option<Vec<&'a str>>,
}

impl NeededLogin<'_> {
    fn is_any(&self) -> bool {
        !self.is_fresh && self.max_age.is_none() && self.classes.is_none()
    }

    /// Combines two logins; both must be met. A token has one class, so it has to be in both lists.
    fn and(self, other: Self) -> Self {
        let classes = match (self.classes, other.classes) {
            (Some(own), Some(other)) => {
                Some(own.into_iter().filter(|class| other.contains(class)).collect())
            }
            (own, other) => own.or(other),
        };
        Self {
            is_fresh: self.is_fresh || other.is_fresh,
            max_age: shorter(self.max_age, other.max_age),
            classes,
        }
    }

    /// Adds the classes of an alternative, if a login recent enough for this one is recent enough
    /// for it.
    fn or_classes_of(mut self, other: Self) -> Self {
        let is_as_recent =
            other.max_age.is_none_or(|age| self.max_age.is_some_and(|own| own <= age))
                && (self.is_fresh || !other.is_fresh);
        if let (Some(classes), Some(more), true) = (&mut self.classes, other.classes, is_as_recent)
        {
            classes.extend(more);
        }
        self
    }
}

/// Returns the login for the first alternative that a login would meet, with the classes of the
/// others that it would meet too; no particular login if an alternative is met with any.
fn any_login<'a>(
    ways: &'a [Requirement],
    token: &VerifiedToken,
    context: &dyn EvalContext,
) -> NeededLogin<'a> {
    let mut needed: Option<NeededLogin<'a>> = None;
    for way in ways {
        let is_open = match way.evaluate_nested(token, context) {
            Evaluation::Met | Evaluation::NeedsPolicy(_) => true,
            Evaluation::Unmet => way.lacking_nested(Caller::of(token, context)).is_login_only(),
            Evaluation::MissingPathParam(_) => false,
        };
        if is_open {
            let login = way.needed_login(token, context);
            if login.is_any() {
                return login;
            }
            needed = Some(match needed {
                Some(first) => first.or_classes_of(login),
                None => login,
            });
        }
    }
    needed.unwrap_or_default()
}

impl From<NeededLogin<'_>> for AuthError {
    fn from(login: NeededLogin<'_>) -> Self {
        let acr_values = login.classes.map(|classes| listed(classes.into_iter()));
        Self::StepUp { max_age: login.max_age, acr_values }
    }
}

fn shorter(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}
