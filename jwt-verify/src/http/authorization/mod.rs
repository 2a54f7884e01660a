//! The authorization decision for an authenticated request.

pub(crate) mod admission;
#[cfg(feature = "testing")]
pub(crate) mod coverage;
#[cfg(feature = "security-events")]
pub(crate) mod demanded_login;
mod outcome;
mod path_params;
pub(crate) mod policy;

pub use policy::{IntoDecision, Policy, PolicyFuture, ask_authorizer, ask_policy, no_policy};

use std::{borrow::Cow, rc::Rc, sync::Arc, time::Duration};

use actix_web::{Error, HttpRequest};
use tokio::sync::OnceCell;

use crate::http::{
    auth::context::AuthContext,
    authentication::{demands::Demands, noted_refusal::RefusalDetails},
    authorization::{outcome::DecisionKind, path_params::segment},
    refusal::details::note,
    route_table::inner_routes::InnerRoutes,
    step::{Rejection, Step},
};
use crate::lookup::Lookup;
use crate::{
    authz::{AuditEvent, AuditOutcome, Decision, EvalContext, Evaluation, PolicyRef, Requirement},
    claims::VerifiedClaims,
    error::{AuthError, ForbiddenReason},
    explanation::Report,
    metrics::{self, Decided},
};

/// A requirement and its origin.
#[derive(Clone)]
pub(crate) enum Demand {
    Handler {
        name: &'static str,
        requirement: &'static Requirement,
        policy: AskPolicy,
    },
    Scope {
        requirement: Rc<Requirement>,
        report_only: bool,
        inner: Option<InnerRoutes>,
    },
    /// Of an operation that the body or other fields than the path name.
    #[cfg(feature = "mcp")]
    Operation {
        requirement: Rc<Requirement>,
        /// Name of the operation, if it has a rule.
        name: Option<Rc<str>>,
        /// Values of `path.name`.
        variables: Option<Rc<[Variable]>>,
    },
    /// Checked by a handler on its way.
    Check {
        handler: Option<&'static str>,
        requirement: Requirement,
    },
}

/// A name and its value, which stands for a segment of a path.
pub(crate) type Variable = (Box<str>, Box<str>);

/// Explains a requirement for an authenticated caller, and returns its outcome. Policies are not
/// asked.
pub(crate) fn explain_requirement(
    auth: &AuthContext,
    request: &HttpRequest,
    claims: &VerifiedClaims,
    requirement: &Requirement,
    report: &mut Report,
) -> Result<(), AuthError> {
    let context = RequestContext { auth, request, variables: None, handler: None, policies: &[] };
    report.requirement(requirement, claims.verified(), &context)
}

/// Calls the policy of an index.
pub(crate) type AskPolicy = fn(usize, &HttpRequest, &VerifiedClaims) -> PolicyFuture;

impl Demand {
    pub(crate) fn of_scope(
        requirement: Requirement,
        report_only: bool,
        inner: Option<InnerRoutes>,
    ) -> Self {
        Self::Scope { requirement: Rc::new(requirement), report_only, inner }
    }

    /// Requires an authenticated caller and nothing else.
    pub(crate) fn authenticated() -> Self {
        Self::of_scope(Requirement::authenticated(), false, None)
    }

    /// Requires what a rule says of an operation.
    #[cfg(feature = "mcp")]
    pub(crate) fn of_operation(name: Option<String>, requirement: Requirement) -> Self {
        let (requirement, name) = (Rc::new(requirement), name.map(Into::into));
        Self::Operation { requirement, name, variables: None }
    }

    /// Returns the same with values for the names that the requirement takes from a path.
    #[cfg(feature = "mcp")]
    pub(crate) fn with_variables(&self, variables: &[(&str, &str)]) -> Self {
        let owned = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        match self {
            Self::Operation { requirement, name, .. } => Self::Operation {
                requirement: requirement.clone(),
                name: name.clone(),
                variables: Some(owned.collect()),
            },
            other => other.clone(),
        }
    }

    /// Returns the requirement of a scope, if a later token of the request has to meet it, too.
    pub(crate) fn lasting(&self) -> Option<&Rc<Requirement>> {
        match self {
            Self::Scope { requirement, report_only: false, .. } if !requirement.is_empty() => {
                Some(requirement)
            }
            _ => None,
        }
    }

    pub(crate) fn requirement(&self) -> &Requirement {
        match self {
            Self::Handler { requirement, .. } => requirement,
            Self::Scope { requirement, .. } => requirement,
            #[cfg(feature = "mcp")]
            Self::Operation { requirement, .. } => requirement,
            Self::Check { requirement, .. } => requirement,
        }
    }

    /// Returns the requirement of the route, if a scope decides and knows its routes.
    fn inner(&self, request: &HttpRequest) -> Option<&Requirement> {
        match self {
            Self::Scope { inner, .. } => inner.as_ref()?.requirement(request),
            #[cfg(feature = "mcp")]
            Self::Operation { .. } => None,
            Self::Handler { .. } | Self::Check { .. } => None,
        }
    }

    /// Returns the scopes that a caller without a token needs, as far as they are known.
    pub(crate) fn scopes_to_request(&self, request: &HttpRequest) -> Option<Arc<str>> {
        self.requirement().scopes_to_request(self.inner(request))
    }

    fn handler(&self) -> Option<&'static str> {
        match self {
            Self::Handler { name, .. } => Some(name),
            Self::Scope { .. } => None,
            #[cfg(feature = "mcp")]
            Self::Operation { .. } => None,
            Self::Check { handler, .. } => *handler,
        }
    }

    fn operation(&self) -> Option<&str> {
        match self {
            #[cfg(feature = "mcp")]
            Self::Operation { name, .. } => name.as_deref(),
            _ => None,
        }
    }

    /// Returns what is there instead of the segments of the path.
    fn variables(&self) -> Option<&[Variable]> {
        match self {
            #[cfg(feature = "mcp")]
            Self::Operation { variables, .. } => Some(variables.as_deref().unwrap_or_default()),
            _ => None,
        }
    }

    /// Decides about a caller: first by the requirement, with the handler's policies if they
    /// matter, then by the application's authorizer.
    ///
    /// Enforces the authorizer also if only the requirement is reported: for a caller who does not meet
    /// the requirement it is asked with an empty one.
    pub(crate) fn decide(
        &self,
        auth: &AuthContext,
        request: &HttpRequest,
        claims: &VerifiedClaims,
    ) -> Step {
        let decision = self.decide_once(auth, request, claims);
        let is_reported = matches!(self, Self::Scope { report_only: true, .. });
        if !is_reported || auth.is_report_only() || auth.authorizer().is_none() {
            return decision;
        }
        let caller = (auth.clone(), claims.clone());
        decision.and_then(&caller, request, |(auth, claims), request, ()| {
            match admission::known(auth, request, claims) {
                Some(_) => Step::Ready(Ok(())),
                None => Self::authenticated().decide_once(auth, request, claims),
            }
        })
    }

    fn decide_once(
        &self,
        auth: &AuthContext,
        request: &HttpRequest,
        claims: &VerifiedClaims,
    ) -> Step {
        let context = self.context(auth, request, &[]);
        let evaluation = self.requirement().evaluate(claims.verified(), &context);
        let authorized = match (evaluation, self) {
            (Evaluation::NeedsPolicy(_), Self::Handler { .. }) => None,
            (Evaluation::Met, _) => Some(self.authorize(auth, claims)),
            (Evaluation::Unmet, _) => {
                let inner = self.inner(request);
                let verified = claims.verified();
                let error = self.requirement().explain_with_inner(inner, verified, &context);
                Some(Lookup::Ready(Err(error)))
            }
            _ => Some(Lookup::Ready(self.requirement().check(claims.verified(), &context))),
        };
        if let Some(Lookup::Ready(result)) = authorized {
            let result = result.map_err(Rejection::from);
            #[cfg(feature = "testing")]
            coverage::note(self.requirement(), request, claims.verified(), &context, &result);
            return Step::Ready(self.record_and_apply(auth, request, claims, result));
        }
        let (demand, auth) = (self.clone(), auth.clone());
        let (request, claims) = (request.clone(), claims.clone());
        Step::pending(async move {
            let mut policies = Vec::new();
            let result = match authorized {
                Some(authorized) => authorized.await.map_err(Rejection::from),
                None => demand.ask_policies(&auth, &request, &claims, &mut policies).await,
            };
            #[cfg(feature = "testing")]
            {
                let context = demand.context(&auth, &request, &policies);
                coverage::note(
                    demand.requirement(),
                    &request,
                    claims.verified(),
                    &context,
                    &result,
                );
            }
            demand.record_and_apply(&auth, &request, &claims, result)
        })
    }

    fn context<'a>(
        &'a self,
        auth: &'a AuthContext,
        request: &'a HttpRequest,
        policies: &'a [(PolicyRef, bool)],
    ) -> RequestContext<'a> {
        let (variables, handler) = (self.variables(), self.handler());
        RequestContext { auth, request, variables, handler, policies }
    }

    /// Calls the policies that matter, one after the other, and then the authorizer. `policies` gets
    /// the decisions.
    async fn ask_policies(
        &self,
        auth: &AuthContext,
        request: &HttpRequest,
        claims: &VerifiedClaims,
        policies: &mut Vec<(PolicyRef, bool)>,
    ) -> Result<(), Rejection> {
        loop {
            let context = self.context(auth, request, policies);
            let evaluation = self.requirement().evaluate(claims.verified(), &context);
            let (Evaluation::NeedsPolicy(asked), Self::Handler { policy, .. }) = (evaluation, self)
            else {
                self.requirement().check(claims.verified(), &context)?;
                break;
            };
            let decision = match policy(asked.index(), request, claims).await.map_err(own_or_answer)
            {
                Ok(decision) => decision,
                // One alternative is not met; another may be.
                Err(Rejection::Error(AuthError::Forbidden(_))) => Decision::Deny,
                // The next login must satisfy the whole requirement.
                Err(Rejection::Error(login @ AuthError::StepUp { .. })) => {
                    let login = self.requirement().explain_with(login, claims.verified(), &context);
                    policies.push((*asked, false));
                    return Err(login.into());
                }
                Err(rejection) => {
                    policies.push((*asked, false));
                    return Err(rejection);
                }
            };
            policies.push((*asked, decision == Decision::Allow));
        }
        Ok(self.authorize(auth, claims).await?)
    }

    /// Calls the application's authorizer, if there is one.
    fn authorize(
        &self,
        auth: &AuthContext,
        claims: &VerifiedClaims,
    ) -> Lookup<'static, Result<(), AuthError>> {
        match auth.authorizer() {
            Some(authorizer) => authorizer.authorize(claims, self.requirement()),
            None => Lookup::Ready(Ok(())),
        }
    }

    /// Tells the audit log of a decision.
    fn audit(
        &self,
        auth: &AuthContext,
        request: &HttpRequest,
        claims: &VerifiedClaims,
        result: &Result<(), Rejection>,
        is_report_only: bool,
    ) {
        let Some(sink) = auth.audit() else { return };
        let route = request.match_pattern().unwrap_or_default();
        let method = request.method().as_str();
        sink.record(&AuditEvent {
            claims,
            method,
            route: &route,
            handler: self.handler(),
            operation: self.operation(),
            requirement: self.requirement(),
            outcome: match result {
                Ok(()) => AuditOutcome::Allowed,
                Err(Rejection::Error(error)) if is_report_only => AuditOutcome::Reported(error),
                Err(Rejection::Error(error)) if error.is_failure() => AuditOutcome::Failed,
                Err(Rejection::Error(error)) => AuditOutcome::Refused(error),
                Err(Rejection::Response(_)) if is_report_only => {
                    AuditOutcome::Reported(&AuthError::Forbidden(ForbiddenReason::Policy))
                }
                Err(Rejection::Response(_)) => AuditOutcome::Failed,
            },
            error: match result {
                Err(Rejection::Error(error)) => Some(error),
                Ok(()) | Err(Rejection::Response(_)) => None,
            },
        });
    }

    /// Records a refusal that the handler has decided on itself.
    pub(crate) fn record_refusal(
        &self,
        auth: &AuthContext,
        request: &HttpRequest,
        claims: &VerifiedClaims,
        error: &AuthError,
    ) {
        note(error, request, || self.details(auth, request, claims, error));
        self.audit(auth, request, claims, &Err(error.clone().into()), false);
    }

    /// Describes the requirement that is not met.
    #[cold]
    fn details(
        &self,
        auth: &AuthContext,
        request: &HttpRequest,
        claims: &VerifiedClaims,
        error: &AuthError,
    ) -> RefusalDetails {
        let requirement = self.requirement();
        if !matches!(
            error,
            AuthError::Forbidden(_) | AuthError::StepUp { .. } | AuthError::Misconfigured
        ) {
            return RefusalDetails::default();
        }
        let context = self.context(auth, request, &[]);
        let segment = match requirement.evaluate(claims.verified(), &context) {
            Evaluation::MissingPathParam(segment) => Some(segment.to_owned()),
            _ => None,
        };
        // A handler may make a requirement of data of the request.
        let is_of_request = matches!(self, Self::Check { .. });
        let mapping = auth.verifier().mapping_of(claims.standard());
        let claims_read = requirement.claims_read(mapping.as_ref()).join(", ");
        RefusalDetails {
            requirement: (!requirement.is_empty() && !is_of_request)
                .then(|| requirement.to_string()),
            is_of_request,
            claims_read: Some(claims_read).filter(|names| !names.is_empty()),
            segment,
            shape: None,
        }
    }

    fn is_report_only(&self, auth: &AuthContext) -> bool {
        auth.is_report_only() || matches!(self, Self::Scope { report_only: true, .. })
    }

    /// Records the decision, and allows the request if refusals are only reported.
    fn record_and_apply(
        &self,
        auth: &AuthContext,
        request: &HttpRequest,
        claims: &VerifiedClaims,
        result: Result<(), Rejection>,
    ) -> Result<(), Rejection> {
        let is_report_only = self.is_report_only(auth);
        if result.is_ok() || auth.is_report_only() {
            admission::leave(auth, request, claims);
        }
        metrics::decision(|| {
            let (outcome, missing) = DecisionKind::of(&result).codes(is_report_only);
            Decided { route: request.match_pattern(), outcome, missing }
        });
        if result.is_ok() && auth.audit().is_none() {
            return result;
        }
        if let Err(Rejection::Error(error)) = &result
            && !is_report_only
        {
            note(error, request, || self.details(auth, request, claims, error));
        }
        self.audit(auth, request, claims, &result, is_report_only);
        match result {
            Err(refusal) if is_report_only => {
                let reason = match &refusal {
                    Rejection::Error(error) => error.reason(),
                    Rejection::Response(_) => "answered_by_policy",
                };
                tracing::warn!(
                    route = request.match_pattern().unwrap_or_default(),
                    handler = self.handler(),
                    requirement = %self.requirement(),
                    reason,
                    "would have refused a request"
                );
                Ok(())
            }
            result => result,
        }
    }
}

/// Decides about a later caller of a request that has met these demands: by each of them, or by the
/// application's authorizer alone if there are none.
pub(crate) async fn decide_again(
    auth: &AuthContext,
    request: &HttpRequest,
    claims: &VerifiedClaims,
    demands: &Demands,
) -> Result<(), AuthError> {
    let scopes = demands.scopes().into_iter();
    let scopes =
        scopes.map(|requirement| Demand::Scope { requirement, report_only: false, inner: None });
    let handler = demands.handler.get().map(|handler| Demand::Handler {
        name: handler.name,
        requirement: (handler.requirement)(),
        policy: handler.policy,
    });
    let mut demands: Vec<_> = scopes.chain(handler).collect();
    if demands.is_empty() && auth.authorizer().is_some() {
        demands.push(Demand::authenticated());
    }
    for demand in demands {
        demand.decide(auth, request, claims).get().await.map_err(|rejection| match rejection {
            Rejection::Error(error) => error,
            Rejection::Response(_) => AuthError::Forbidden(ForbiddenReason::Policy),
        })?;
    }
    Ok(())
}

/// Calls the authorizer with an empty requirement, unless it has been called for this request
/// already.
///
/// It is called when the result is awaited, not before: an argument in front may have refused by
/// then.
pub(crate) fn admit(auth: &AuthContext, request: &HttpRequest, claims: &VerifiedClaims) -> Step {
    if auth.authorizer().is_none() {
        return Step::Ready(Ok(()));
    }
    let begun = admission::known(auth, request, claims);
    let outcome = begun.unwrap_or_else(|| admission::begin(auth, request, claims, OnceCell::new()));
    if let Some(outcome) = outcome.get() {
        return Step::Ready(outcome.clone().map_err(Rejection::from));
    }
    let (auth, request, claims) = (auth.clone(), request.clone(), claims.clone());
    Step::pending(async move {
        let ask = async || {
            let decision = Demand::authenticated().decide(&auth, &request, &claims);
            decision.get().await.map_err(own)
        };
        outcome.get_or_init(ask).await.clone().map_err(Rejection::from)
    })
}

/// Without policies there are no custom responses.
fn own(refusal: Rejection) -> AuthError {
    match refusal {
        Rejection::Error(error) => error,
        Rejection::Response(_) => AuthError::Misconfigured,
    }
}

/// Answers a policy that refuses with an error of this library like every other refusal.
fn own_or_answer(error: Error) -> Rejection {
    match error.as_error::<AuthError>() {
        Some(own) => Rejection::Error(own.clone()),
        None => Rejection::Response(error),
    }
}

/// A request as the context of a requirement.
pub(crate) struct RequestContext<'a> {
    pub(crate) auth: &'a AuthContext,
    pub(crate) request: &'a HttpRequest,
    /// Values that stand for the segments of the path, if the path has none for them.
    pub(crate) variables: Option<&'a [Variable]>,
    /// The handler that the requirement belongs to; `None` for that of a scope.
    pub(crate) handler: Option<&'static str>,
    /// Decisions of the policies that have been called.
    pub(crate) policies: &'a [(PolicyRef, bool)],
}

impl EvalContext for RequestContext<'_> {
    fn now(&self) -> Duration {
        self.auth.verifier().now()
    }

    fn segment(&self, name: &str) -> Option<Cow<'_, str>> {
        let Some(variables) = self.variables else {
            return segment(self.request, name).map(Cow::Owned);
        };
        let found = variables.iter().find(|(known, _)| **known == *name);
        found.map(|(_, value)| Cow::Borrowed(&**value))
    }

    fn policy(&self, policy: &PolicyRef) -> Option<bool> {
        self.policies.iter().find(|(asked, _)| asked.is_same(policy)).map(|(_, decision)| *decision)
    }

    fn route(&self) -> Option<String> {
        self.request.match_pattern()
    }

    fn handler(&self) -> Option<&'static str> {
        self.handler
    }
}
