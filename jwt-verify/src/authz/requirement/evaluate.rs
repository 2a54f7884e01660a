//! Evaluation of a requirement.

use std::{borrow::Cow, time::Duration};

use super::{LoginAge, Names, PolicyRef, Requirement, Term, claim_rule::NoSuchSegment};
use crate::{
    claims::{VerifiedClaims, VerifiedToken},
    clock::Clock,
    error::AuthError,
    json::Json,
};

/// The context of an evaluation, besides the claims.
pub(crate) trait EvalContext {
    /// Returns the time since the epoch.
    fn now(&self) -> Duration;

    /// Returns a segment of the request's path.
    fn segment(&self, name: &str) -> Option<Cow<'_, str>>;

    /// Returns `true` if a segment stands for every value, as the variable of a template.
    fn is_open(&self, segment: &str) -> bool {
        let _ = segment;
        false
    }

    /// Returns the decision of a policy of the handler; `None` if it has not been called.
    fn policy(&self, policy: &PolicyRef) -> Option<bool>;

    /// The pattern of the route, for logs.
    fn route(&self) -> Option<String> {
        None
    }

    /// The name of the handler, for logs.
    fn handler(&self) -> Option<&'static str> {
        None
    }
}

/// Result of an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Evaluation<'a> {
    Met,
    Unmet,
    /// It depends on this policy.
    NeedsPolicy(&'a PolicyRef),
    /// The route lacks this path parameter, which the requirement refers to. The requirement fails,
    /// even when negated.
    MissingPathParam(&'a str),
}

impl Evaluation<'_> {
    fn of(is_met: bool) -> Self {
        if is_met { Self::Met } else { Self::Unmet }
    }

    /// Combines two results; both must be met. A result that decides alone makes a policy call
    /// unnecessary.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (missing @ Self::MissingPathParam(_), _) | (_, missing @ Self::MissingPathParam(_)) => {
                missing
            }
            (Self::Unmet, _) | (_, Self::Unmet) => Self::Unmet,
            (Self::NeedsPolicy(policy), _) | (_, Self::NeedsPolicy(policy)) => {
                Self::NeedsPolicy(policy)
            }
            (Self::Met, Self::Met) => Self::Met,
        }
    }

    /// Negates the result.
    fn not(self) -> Self {
        match self {
            Self::Met => Self::Unmet,
            Self::Unmet => Self::Met,
            Self::NeedsPolicy(_) | Self::MissingPathParam(_) => self,
        }
    }
}

impl Requirement {
    /// Evaluates the requirement for a caller. It allocates only for path segments.
    pub(crate) fn evaluate(
        &self,
        token: &VerifiedToken,
        context: &dyn EvalContext,
    ) -> Evaluation<'_> {
        let named = self.has_roles(token) && self.has_permissions(token) && self.has_scopes(token);
        let own = Evaluation::of(named && self.has_login(token, context));
        self.terms
            .iter()
            .fold(own, |evaluation, term| evaluation.and(term.evaluate(token, context)))
    }

    fn has_roles(&self, token: &VerifiedToken) -> bool {
        let held = |name: &str| token.roles().contains(name);
        has(self.roles.as_ref(), self.all_roles, held)
    }

    fn has_permissions(&self, token: &VerifiedToken) -> bool {
        let held = |name: &str| token.permissions().contains(name);
        has(self.permissions.as_ref(), self.all, held)
    }

    fn has_scopes(&self, token: &VerifiedToken) -> bool {
        let held = |name: &str| token.scopes().contains(name);
        has(self.scopes.as_ref(), self.all, held)
    }

    pub(super) fn has_login(&self, token: &VerifiedToken, context: &dyn EvalContext) -> bool {
        let claims = token.claims();
        let is_recent = |age: Duration| {
            let then = claims.find("auth_time").and_then(Json::as_f64);
            // The issuer's clock may be ahead; a later date is invalid, perhaps in milliseconds.
            let ahead = -MOST_AHEAD.as_secs_f64();
            then.is_some_and(|then| {
                let ago = context.now().as_secs_f64() - then;
                ahead <= ago && ago <= age.as_secs_f64()
            })
        };
        let fresh = || claims.find("fresh").and_then(Json::as_bool);
        let is_fresh = match self.login {
            LoginAge::AnyTime => true,
            LoginAge::Fresh => fresh() == Some(true),
            LoginAge::Within(age) => is_recent(age) && fresh() != Some(false),
        };
        let has_class = || {
            let held = claims.find_text("acr");
            has(self.acr_values.as_ref(), false, |class| held == Some(class))
        };
        is_fresh && self.max_age.is_none_or(is_recent) && has_class()
    }
}

impl Term {
    pub(super) fn evaluate(
        &self,
        token: &VerifiedToken,
        context: &dyn EvalContext,
    ) -> Evaluation<'_> {
        match self {
            Self::All(nested) => nested.evaluate_nested(token, context),
            // One is met, so "none is met" fails.
            Self::Any(alternatives) => alternatives
                .iter()
                .fold(Evaluation::Met, |none, one| {
                    none.and(one.evaluate_nested(token, context).not())
                })
                .not(),
            Self::Not(nested) => nested.evaluate_nested(token, context).not(),
            Self::Claim(rule) => match rule.is_met(token.claims(), context) {
                Ok(is_met) => Evaluation::of(is_met),
                Err(NoSuchSegment(name)) => Evaluation::MissingPathParam(name),
            },
            Self::Credential(kinds) => {
                let kind = token.kind().as_str();
                Evaluation::of(kinds.iter().any(|named| named == kind))
            }
            Self::Policy(policy) => {
                context.policy(policy).map_or(Evaluation::NeedsPolicy(policy), Evaluation::of)
            }
        }
    }
}

impl Requirement {
    /// Evaluates it as part of another requirement, where the token is an access token; see
    /// [`refresh_token`](Self::refresh_token).
    pub(super) fn evaluate_nested(
        &self,
        token: &VerifiedToken,
        context: &dyn EvalContext,
    ) -> Evaluation<'_> {
        Evaluation::of(!self.is_for_refresh).and(self.evaluate(token, context))
    }
}

/// Maximum by which the clock of the party that wrote `auth_time` may be ahead: the largest leeway.
const MOST_AHEAD: Duration = Duration::from_secs(600);

/// Returns `true` if any, or all, of the names are held. An absent list demands nothing; an empty
/// list is never met.
#[inline]
pub(super) fn has(names: Option<&Names>, all: bool, held: impl Fn(&str) -> bool) -> bool {
    names.is_none_or(|names| {
        let mut names = names.iter();
        if all {
            names.len() > 0 && names.all(|name| held(name))
        } else {
            names.any(|name| held(name))
        }
    })
}

/// A context without a request: a clock, and nothing else.
struct NoRequest<'a>(&'a dyn Clock);

impl EvalContext for NoRequest<'_> {
    fn now(&self) -> Duration {
        self.0.now()
    }

    fn segment(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }

    fn policy(&self, _: &PolicyRef) -> Option<bool> {
        None
    }
}

impl<T> VerifiedClaims<T> {
    /// Checks the caller against a requirement, for decisions inside a handler.
    ///
    /// ```
    /// use jwt_verify::{AuthError, Requirement, VerifiedClaims};
    ///
    /// async fn figures(claims: VerifiedClaims) -> Result<&'static str, AuthError> {
    ///     let is_premium = true; // as the database says
    ///     let needed = if is_premium { "read:premium" } else { "read:basic" };
    ///     claims.check(&Requirement::permissions([needed]))?;
    ///     Ok("42")
    /// }
    /// ```
    ///
    /// The age of a login is measured by the system clock, without leeway. Path segments are not
    /// known here; for a requirement that uses one, call
    /// [`VerifiedClaimsExt::check`](crate::VerifiedClaimsExt::check) of the request.
    ///
    /// Inside the middleware, [`AuthError::Forbidden`] and [`AuthError::StepUp`] that the handler
    /// returns are answered like every other refusal; see
    /// [`VerifiedClaimsExt::check`](crate::VerifiedClaimsExt::check).
    ///
    /// # Errors
    /// [`AuthError::Forbidden`] or [`AuthError::StepUp`] with the unmet part;
    /// [`AuthError::Misconfigured`] if the requirement uses a path segment, a handler's policy, or
    /// a refresh token.
    pub fn check(&self, requirement: &Requirement) -> Result<(), AuthError> {
        if requirement.is_for_refresh() {
            tracing::error!("`refresh_token()` is only supported in `#[require(refresh)]`");
            return Err(AuthError::Misconfigured);
        }
        requirement.check(self.verified(), &NoRequest(&crate::clock::SystemClock))
    }
}

impl Requirement {
    /// Checks a caller against the requirement, when all policies have been called.
    pub(crate) fn check(
        &self,
        token: &VerifiedToken,
        context: &dyn EvalContext,
    ) -> Result<(), AuthError> {
        match self.evaluate(token, context) {
            Evaluation::Met => Ok(()),
            Evaluation::Unmet => Err(self.explain(token, context)),
            Evaluation::NeedsPolicy(_) => {
                tracing::error!(
                    "a requirement has a policy that only its handler can ask: use it as the \
                     handler's `#[require]`"
                );
                Err(AuthError::Misconfigured)
            }
            Evaluation::MissingPathParam(segment) => {
                tracing::error!(
                    segment,
                    route = context.route(),
                    handler = context.handler(),
                    "a requirement compares a claim with a segment of the path that the route does \
                     not have"
                );
                Err(AuthError::Misconfigured)
            }
        }
    }
}
