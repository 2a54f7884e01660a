//! Whether an authenticated request may go on.

use std::{borrow::Cow, future::Future, pin::Pin, rc::Rc, time::Duration};

use actix_web::{Error, HttpRequest};

use super::{admission, auth::JwtAuth, policy::PolicyFuture, segments::segment};
use crate::{
    AuditEvent, AuditOutcome, AuthError, Decision, Missing, Requirement, VerifiedClaims,
    authz::{Policy, Surroundings, Truth},
};

/// What is demanded, and by whom.
#[derive(Clone)]
pub(super) enum Demand {
    Handler { name: &'static str, requirement: &'static Requirement, policy: AskPolicy },
    Scope { requirement: Rc<Requirement>, report_only: bool },
}

/// Asks the policy of a number.
pub(super) type AskPolicy = fn(usize, &HttpRequest, &VerifiedClaims) -> PolicyFuture;

/// Why a request does not go on.
#[derive(Debug)]
pub(super) enum Refusal {
    Error(AuthError),
    /// A policy has an answer of its own.
    Answer(Error),
}

impl From<AuthError> for Refusal {
    fn from(error: AuthError) -> Self {
        Self::Error(error)
    }
}

/// The outcome, or what it has to be waited for with.
pub(super) enum Judgement<T = ()> {
    Now(Result<T, Refusal>),
    Later(Pin<Box<dyn Future<Output = Result<T, Refusal>>>>),
}

impl<T: 'static> Judgement<T> {
    pub(super) fn now(result: Result<T, AuthError>) -> Self {
        Self::Now(result.map_err(Refusal::from))
    }

    pub(super) fn map<U: 'static>(self, make: impl FnOnce(T) -> U + 'static) -> Judgement<U> {
        match self {
            Self::Now(result) => Judgement::Now(result.map(make)),
            Self::Later(future) => {
                Judgement::Later(Box::pin(async move { future.await.map(make) }))
            }
        }
    }

    /// Makes something to wait for of it.
    pub(super) fn later(self) -> Self {
        match self {
            Self::Now(result) => Self::Later(Box::pin(std::future::ready(result))),
            later @ Self::Later(_) => later,
        }
    }
}

impl Demand {
    pub(super) fn of_scope(requirement: Requirement, report_only: bool) -> Self {
        Self::Scope { requirement: Rc::new(requirement), report_only }
    }

    /// Nothing but a caller who is known.
    pub(super) fn authenticated() -> Self {
        Self::of_scope(Requirement::authenticated(), false)
    }

    pub(super) fn requirement(&self) -> &Requirement {
        match self {
            Self::Handler { requirement, .. } => requirement,
            Self::Scope { requirement, .. } => requirement,
        }
    }

    fn handler(&self) -> Option<&'static str> {
        match self {
            Self::Handler { name, .. } => Some(name),
            Self::Scope { .. } => None,
        }
    }

    /// Decides about a caller: first the requirement, with the handler's policies where they matter,
    /// then the application's authorizer.
    pub(super) fn decide(
        &self,
        auth: &JwtAuth,
        request: &HttpRequest,
        claims: &VerifiedClaims,
    ) -> Judgement {
        let met = self.judge_now(auth, request, claims);
        if let Some(Err(error)) = met {
            return Judgement::Now(self.conclude(auth, request, claims, Err(error.into())));
        }
        let later = if met.is_none() {
            None
        } else {
            match self.authorize_now(auth, claims) {
                Ok(None) => {
                    return Judgement::Now(self.conclude(auth, request, claims, Ok(())));
                }
                Ok(later) => later,
                Err(error) => {
                    return Judgement::Now(self.conclude(auth, request, claims, Err(error.into())));
                }
            }
        };
        let (demand, auth) = (self.clone(), auth.clone());
        let (request, claims) = (request.clone(), claims.clone());
        Judgement::Later(Box::pin(async move {
            let outcome = match later {
                Some(authorizer) => authorizer.await.map_err(Refusal::from),
                None => demand.decide_with_policies(&auth, &request, &claims).await,
            };
            demand.conclude(&auth, &request, &claims, outcome)
        }))
    }

    /// The requirement alone, unless a policy has to be asked.
    fn judge_now(
        &self,
        auth: &JwtAuth,
        request: &HttpRequest,
        claims: &VerifiedClaims,
    ) -> Option<Result<(), AuthError>> {
        let scene = Scene { auth, request, policies: &[] };
        match (self.requirement().judge(claims.verified(), &scene), self) {
            (Truth::Met, _) => Some(Ok(())),
            (Truth::Undecided(_), Self::Handler { .. }) => None,
            _ => Some(self.requirement().check(claims.verified(), &scene)),
        }
    }

    async fn decide_with_policies(
        &self,
        auth: &JwtAuth,
        request: &HttpRequest,
        claims: &VerifiedClaims,
    ) -> Result<(), Refusal> {
        let mut policies: Vec<(Policy, bool)> = Vec::new();
        loop {
            let scene = Scene { auth, request, policies: &policies };
            let truth = self.requirement().judge(claims.verified(), &scene);
            let (Truth::Undecided(asked), Self::Handler { policy, .. }) = (truth, self) else {
                self.requirement().check(claims.verified(), &scene)?;
                break;
            };
            let decision = match policy(asked.index(), request, claims).await.map_err(own_or_answer)
            {
                Ok(decision) => decision,
                // One way that is closed; another may be open.
                Err(Refusal::Error(AuthError::Forbidden(_))) => Decision::Deny,
                // Another login has to be good for everything that is demanded.
                Err(Refusal::Error(asked @ AuthError::StepUp { .. })) => {
                    let asked = self.requirement().explain_with(asked, claims.verified(), &scene);
                    return Err(asked.into());
                }
                Err(refusal) => return Err(refusal),
            };
            policies.push((*asked, decision == Decision::Allow));
        }
        match self.authorize_now(auth, claims)? {
            Some(later) => Ok(later.await?),
            None => Ok(()),
        }
    }

    fn authorize_now(
        &self,
        auth: &JwtAuth,
        claims: &VerifiedClaims,
    ) -> Result<Option<crate::AuthorizationFuture>, AuthError> {
        let Some(authorizer) = auth.authorizer() else { return Ok(None) };
        authorizer.authorize(claims, self.requirement())?;
        Ok(authorizer.authorize_later(claims, self.requirement()))
    }

    fn is_report_only(&self, auth: &JwtAuth) -> bool {
        auth.is_report_only() || matches!(self, Self::Scope { report_only: true, .. })
    }

    /// Leaves a trace of the decision, and lets pass where refusals are only reported.
    fn conclude(
        &self,
        auth: &JwtAuth,
        request: &HttpRequest,
        claims: &VerifiedClaims,
        result: Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let is_report_only = self.is_report_only(auth);
        if result.is_ok() || is_report_only {
            admission::leave(auth, request, claims);
        }
        if result.is_ok() && auth.audit().is_none() {
            return result;
        }
        let route = request.match_pattern().unwrap_or_default();
        let method = request.method().as_str();
        if let Some(sink) = auth.audit() {
            sink.record(&AuditEvent {
                claims,
                method,
                route: &route,
                handler: self.handler(),
                requirement: self.requirement(),
                outcome: match &result {
                    Ok(()) => AuditOutcome::Allowed,
                    Err(Refusal::Error(error)) if is_report_only => AuditOutcome::Reported(error),
                    Err(Refusal::Error(error)) => AuditOutcome::Refused(error),
                    Err(Refusal::Answer(_)) if is_report_only => {
                        AuditOutcome::Reported(&AuthError::Forbidden(Missing::Policy))
                    }
                    Err(Refusal::Answer(_)) => AuditOutcome::Failed,
                },
            });
        }
        match result {
            Err(refusal) if is_report_only => {
                let reason = match &refusal {
                    Refusal::Error(error) => error.reason(),
                    Refusal::Answer(_) => "answered_by_policy",
                };
                tracing::warn!(
                    route,
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

/// A policy that refuses with an error of this library is answered like every other refusal.
fn own_or_answer(error: Error) -> Refusal {
    match error.as_error::<AuthError>() {
        Some(own) => Refusal::Error(own.clone()),
        None => Refusal::Answer(error),
    }
}

/// A request, as a requirement sees it.
pub(super) struct Scene<'a> {
    pub(super) auth: &'a JwtAuth,
    pub(super) request: &'a HttpRequest,
    /// What the policies have decided that were asked.
    pub(super) policies: &'a [(Policy, bool)],
}

impl Surroundings for Scene<'_> {
    fn now(&self) -> Duration {
        self.auth.verifier().now()
    }

    fn segment(&self, name: &str) -> Option<Cow<'_, str>> {
        segment(self.request, name).map(Cow::Owned)
    }

    fn policy(&self, policy: &Policy) -> Option<bool> {
        self.policies.iter().find(|(asked, _)| asked.is_same(policy)).map(|(_, decision)| *decision)
    }
}
