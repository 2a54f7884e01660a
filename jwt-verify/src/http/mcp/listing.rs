//! Lists and notifications, as one caller sees them.

use std::{borrow::Cow, rc::Rc, time::Duration};

use crate::{
    authz::{EvalContext, Evaluation, PolicyRef},
    claims::VerifiedClaims,
    error::AuthError,
    http::{auth::context::AuthContext, authorization::Demand, mcp::decisions::Decisions},
    mcp_protocol::{
        Operation,
        list_filter::{EntryVerdict, ListEntry},
        rule_table::FoundRule,
    },
};

/// The view of one caller.
pub(super) struct Listing {
    decisions: Rc<Decisions>,
    claims: VerifiedClaims,
    /// Rules that the authorizer of the application does not allow to this caller.
    refused: Vec<RefusedRule>,
}

struct RefusedRule {
    demand: *const Demand,
    /// False if the authorizer cannot tell now, or asks for another login.
    is_forbidden: bool,
}

impl Listing {
    /// Asks the authorizer of the application about each rule, if there is one.
    pub(super) async fn prepare(decisions: Rc<Decisions>, claims: VerifiedClaims) -> Self {
        let mut refused = Vec::new();
        if let Some(authorizer) = decisions.context.authorizer() {
            for demand in decisions.demands() {
                let decision = authorizer.authorize(&claims, demand.requirement()).await;
                if let Err(error) = decision {
                    let is_forbidden = matches!(error, AuthError::Forbidden(_));
                    refused.push(RefusedRule { demand: std::ptr::from_ref(demand), is_forbidden });
                }
            }
        }
        Self { decisions, claims, refused }
    }

    /// Decides about an entry as about its call, without a trace in logs and metrics. What is answered
    /// with 403 is left out.
    pub(super) fn decide(&self, entry: ListEntry<'_>) -> EntryVerdict {
        let operation = match entry {
            ListEntry::Tool(name) => Operation::Tool(name),
            ListEntry::Prompt(name) => Operation::Prompt(name),
            ListEntry::Resource(uri) | ListEntry::Update(uri) => Operation::Resource(uri),
            ListEntry::Template(text) => Operation::Template(text),
        };
        let Some(rule) = self.decisions.find(operation) else { return EntryVerdict::Drop };
        let FoundRule::Set(demand, variables) = rule else { return EntryVerdict::Keep };
        let refused = self.refused.iter().find(|rule| std::ptr::eq(rule.demand, demand));
        // An entry is listed unless its call is answered with 403. An update tells of the resource itself.
        let is_update = matches!(entry, ListEntry::Update(_));
        if refused.is_some_and(|rule| rule.is_forbidden || is_update) {
            return EntryVerdict::Drop;
        }
        let context = ListContext {
            auth: &self.decisions.context,
            variables: &variables,
            is_template: matches!(entry, ListEntry::Template(_)),
        };
        let (requirement, token) = (demand.requirement(), self.claims.verified());
        if requirement.evaluate(token, &context) == Evaluation::Met {
            return EntryVerdict::Keep;
        }
        match requirement.check(token, &context) {
            Ok(()) => EntryVerdict::Keep,
            Err(AuthError::StepUp { .. }) if !is_update => EntryVerdict::Keep,
            Err(AuthError::Forbidden(_)) if self.decisions.settings.lists_step_up => {
                let names = requirement.names_that_open(token, &context);
                names.map_or(EntryVerdict::Drop, |names| EntryVerdict::Mark(names.to_string()))
            }
            Err(_) => EntryVerdict::Drop,
        }
    }
}

/// Decides without a request: what a list shows is not what is asked for.
struct ListContext<'a> {
    auth: &'a AuthContext,
    variables: &'a [(&'a str, &'a str)],
    is_template: bool,
}

impl EvalContext for ListContext<'_> {
    fn now(&self) -> Duration {
        self.auth.verifier().now()
    }

    fn segment(&self, name: &str) -> Option<Cow<'_, str>> {
        let found = self.variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| Cow::Borrowed(*value))
    }

    /// A variable of a listed template has any value.
    fn is_open(&self, segment: &str) -> bool {
        self.is_template && segment.starts_with('{') && segment.ends_with('}')
    }

    fn policy(&self, _: &PolicyRef) -> Option<bool> {
        None
    }
}
