//! Decisions about messages: by the header fields alone, and by the body.

use std::{borrow::Cow, rc::Rc, sync::Arc};

use actix_web::{
    HttpRequest,
    http::{
        Method,
        header::{HeaderName, HeaderValue},
    },
};

use crate::{
    authz::Requirement,
    claims::VerifiedClaims,
    error::AuthError,
    http::{
        auth::context::AuthContext,
        authentication::{self, Authentication},
        authorization::Demand,
        mcp::{
            guard::GuardSettings,
            refusal::{Refusal, RequestProblem},
        },
        refusal::name_scopes,
        step::{Rejection, Step},
    },
    mcp_protocol::{
        Operation,
        fields::{Fields, HeaderMismatch},
        message::{Message, Problem, operation_of},
        rule_table::{Rule, RuleTable},
    },
};

/// Everything that a worker decides with.
pub(super) struct Decisions {
    pub(super) context: AuthContext,
    pub(super) settings: Arc<GuardSettings>,
    table: RuleTable<Demand>,
    authenticated: Demand,
    /// For what no rule names.
    denied: Demand,
}

/// Names of the fields that mirror a message.
const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// Returns what the header fields say of the message.
pub(super) fn fields_of(request: &HttpRequest) -> Result<Fields<'_>, HeaderMismatch> {
    let values = |name| request.headers().get_all(name).map(HeaderValue::as_bytes);
    Fields::read(values(PROTOCOL_VERSION), values(METHOD), values(NAME))
}

impl Decisions {
    pub(super) fn new(context: &AuthContext, settings: &Arc<GuardSettings>) -> Self {
        let demand = |requirement: &Requirement| Demand::of_operation(requirement.clone());
        Self {
            context: context.unshared(),
            settings: settings.clone(),
            table: settings.rules.table().map(demand),
            authenticated: demand(&Requirement::authenticated()),
            denied: demand(&!Requirement::authenticated()),
        }
    }

    /// Decides as far as it is possible without the body, which is unread then.
    pub(super) fn begin(self: &Rc<Self>, request: &HttpRequest) -> Step<(), Refusal> {
        if !self.settings.origins.admit(request) {
            return Step::Ready(Err(RequestProblem::Origin.into()));
        }
        if request.method() != Method::POST {
            return Step::Ready(Err(RequestProblem::Method("POST").into()));
        }
        let authenticated = authentication::authenticate(
            &self.context,
            request,
            false,
            authentication::warn_of_nesting,
        );
        authenticated.and_then(self, request, Self::decide_by_fields)
    }

    fn decide_by_fields(
        self: &Rc<Self>,
        request: &HttpRequest,
        authentication: &Rc<Authentication>,
    ) -> Step<(), Refusal> {
        let fields = fields_of(request);
        let operation = fields.as_ref().ok().and_then(operation_of);
        let demand = operation.map(|operation| self.demand(operation));
        let claims = match authentication.claims() {
            Ok(claims) => claims,
            Err(error) => {
                let scopes = demand.and_then(|demand| demand.scopes_to_request(request));
                name_scopes(request, scopes);
                return Step::Ready(Err(error.into()));
            }
        };
        match (fields, demand) {
            (Err(mismatch), _) => Step::Ready(Err(mismatch.into())),
            (Ok(_), Some(demand)) => refusing(demand.decide(&self.context, request, &claims)),
            (Ok(_), None) => Step::Ready(Ok(())),
        }
    }

    /// Decides about a message of the body, which the header fields have decided about if they say
    /// everything.
    pub(super) async fn decide(
        &self,
        request: &HttpRequest,
        fields: &Fields<'_>,
        message: &Message<'_>,
    ) -> Result<(), Refusal> {
        message.check(fields)?;
        let operation = message.operation()?;
        let listened = message.listened()?;
        let claims = self.claims(request)?;
        if operation_of(fields).is_none() {
            let demand = match operation {
                Some(operation) => self.demand(operation),
                None => Cow::Borrowed(&self.authenticated),
            };
            demand.decide(&self.context, request, &claims).get().await?;
        }
        for operation in listened {
            self.demand(operation).decide(&self.context, request, &claims).get().await?;
        }
        Ok(())
    }

    /// Returns the claims of a request that has been authenticated.
    fn claims(&self, request: &HttpRequest) -> Result<VerifiedClaims, AuthError> {
        let known = Authentication::of(request).filter(|known| known.by.is_same(&self.context));
        known.ok_or(AuthError::MissingToken)?.claims()
    }

    fn demand(&self, operation: Operation<'_>) -> Cow<'_, Demand> {
        match self.table.find(operation) {
            Some(Rule::Set(demand, variables)) if variables.is_empty() => Cow::Borrowed(demand),
            Some(Rule::Set(demand, variables)) => Cow::Owned(demand.with_variables(&variables)),
            Some(Rule::Authenticated) => Cow::Borrowed(&self.authenticated),
            None => Cow::Borrowed(&self.denied),
        }
    }
}

/// Turns a refused decision into a refusal.
fn refusing(decision: Step<(), Rejection>) -> Step<(), Refusal> {
    match decision {
        Step::Ready(decided) => Step::Ready(decided.map_err(Refusal::from)),
        Step::Pending(decision) => {
            Step::pending(async move { decision.await.map_err(Refusal::from) })
        }
    }
}

impl From<std::str::Utf8Error> for Refusal {
    fn from(_: std::str::Utf8Error) -> Self {
        Self::Message(Problem::Parse)
    }
}
