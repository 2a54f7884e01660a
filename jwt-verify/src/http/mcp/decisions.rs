//! Decisions about messages: by the header fields alone, and by the body.

use std::{borrow::Cow, rc::Rc, sync::Arc};

use actix_web::{
    HttpRequest,
    http::{
        Method,
        header::{ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue},
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
            credentials,
            guard::GuardSettings,
            refusal::{MessageRefusal, RequestProblem},
            sessions::{LAST_EVENT, SESSION},
        },
        refusal::name_scopes,
        step::{Rejection, Step},
    },
    mcp_protocol::{
        Operation,
        fields::{Fields, HeaderMismatch, Revision},
        message::{Message, MessageProblem, operation_of},
        rule_table::{FoundRule, RuleTable},
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
    let fields = Fields::read(values(PROTOCOL_VERSION), values(METHOD), values(NAME))?;
    if request.method() == Method::POST { fields.complete() } else { Ok(fields) }
}

impl Decisions {
    pub(super) fn new(context: &AuthContext, settings: &Arc<GuardSettings>) -> Self {
        let demand = |requirement| Demand::of_operation(None, requirement);
        Self {
            context: context.unshared(),
            settings: settings.clone(),
            table: settings.rules.table().map(|operation, requirement| {
                Demand::of_operation(Some(operation.to_string()), requirement.clone())
            }),
            authenticated: demand(Requirement::authenticated()),
            denied: demand(!Requirement::authenticated()),
        }
    }

    /// Decides as far as it is possible without the body, which is unread then.
    pub(super) fn begin(self: &Rc<Self>, request: &HttpRequest) -> Step<(), MessageRefusal> {
        if !self.settings.origins.admit(request) {
            return Step::Ready(Err(RequestProblem::Origin.into()));
        }
        if ![Method::POST, Method::GET, Method::DELETE].contains(request.method()) {
            return Step::Ready(Err(RequestProblem::Method("GET, POST, DELETE").into()));
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
    ) -> Step<(), MessageRefusal> {
        let fields = fields_of(request);
        let has_message = request.method() == Method::POST;
        let operation = fields.as_ref().ok().filter(|_| has_message).and_then(operation_of);
        let demand = operation.map(|operation| self.demand(operation));
        let claims = match authentication.claims() {
            Ok(claims) => claims,
            Err(error) => {
                let scopes = demand.and_then(|demand| demand.scopes_to_request(request));
                name_scopes(request, scopes);
                return Step::Ready(Err(error.into()));
            }
        };
        let checked = match &fields {
            Ok(fields) => self.check_session(request, &claims, fields.revision),
            Err(mismatch) => Err((*mismatch).into()),
        };
        match (checked, demand) {
            (Err(refusal), _) => Step::Ready(Err(refusal)),
            (Ok(()), Some(demand)) => refusing(demand.decide(&self.context, request, &claims)),
            (Ok(()), None) if has_message => Step::Ready(Ok(())),
            (Ok(()), None) => refusing(self.authenticated.decide(&self.context, request, &claims)),
        }
    }

    /// Checks that a session is the caller's, where the revision has sessions.
    fn check_session(
        &self,
        request: &HttpRequest,
        claims: &VerifiedClaims,
        revision: Revision<'_>,
    ) -> Result<(), MessageRefusal> {
        if let Revision::Modern(_) = revision {
            return match *request.method() {
                Method::POST => Ok(()),
                _ => Err(RequestProblem::Method("POST").into()),
            };
        }
        let session = self.settings.sessions.inner(request.headers(), claims)?;
        if session.is_none() && request.method() == Method::DELETE {
            return Err(RequestProblem::NoSession.into());
        }
        Ok(())
    }

    /// Changes the head of an admitted request to what the server may see.
    pub(super) fn hand_on(
        &self,
        headers: &mut HeaderMap,
        claims: &VerifiedClaims,
        has_sessions: bool,
    ) -> Result<(), MessageRefusal> {
        let session =
            if has_sessions { self.settings.sessions.inner(headers, claims)? } else { None };
        headers.remove(SESSION);
        match session {
            Some(inner) => drop(headers.insert(SESSION, inner)),
            // Without a session nobody can tell whose stream it was.
            None => drop(headers.remove(LAST_EVENT)),
        }
        // Answers have to be read.
        headers.remove(ACCEPT_ENCODING);
        if !self.settings.keeps_credentials {
            credentials::remove(&self.context, headers);
        }
        Ok(())
    }

    /// Decides about a message of the body, which the header fields have decided about if they say
    /// everything.
    pub(super) async fn decide(
        &self,
        request: &HttpRequest,
        fields: &Fields<'_>,
        message: &Message<'_>,
    ) -> Result<(), MessageRefusal> {
        message.check(fields)?;
        if message.method.is_none() && !request.headers().contains_key(SESSION) {
            return Err(MessageProblem::Invalid("a response belongs to a session").into());
        }
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
    pub(super) fn claims(&self, request: &HttpRequest) -> Result<VerifiedClaims, AuthError> {
        let known = Authentication::of(request).filter(|known| known.by.is_same(&self.context));
        known.ok_or(AuthError::MissingToken)?.claims()
    }

    /// Returns the demands of all rules.
    pub(super) fn demands(&self) -> impl Iterator<Item = &Demand> {
        self.table.values()
    }

    /// Returns the rule of an operation.
    pub(super) fn find<'t: 'v, 'v>(
        &'t self,
        operation: Operation<'v>,
    ) -> Option<FoundRule<'t, 'v, Demand>> {
        self.table.find(operation)
    }

    fn demand(&self, operation: Operation<'_>) -> Cow<'_, Demand> {
        match self.find(operation) {
            Some(FoundRule::Set(demand, variables)) if variables.is_empty() => {
                Cow::Borrowed(demand)
            }
            Some(FoundRule::Set(demand, variables)) => {
                Cow::Owned(demand.with_variables(&variables))
            }
            Some(FoundRule::Authenticated) => Cow::Borrowed(&self.authenticated),
            None => Cow::Borrowed(&self.denied),
        }
    }
}

/// Turns a refused decision into a refusal.
fn refusing(decision: Step<(), Rejection>) -> Step<(), MessageRefusal> {
    match decision {
        Step::Ready(decided) => Step::Ready(decided.map_err(MessageRefusal::from)),
        Step::Pending(decision) => {
            Step::pending(async move { decision.await.map_err(MessageRefusal::from) })
        }
    }
}
