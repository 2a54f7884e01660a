//! Rules of an MCP server: which caller may do what.

use std::borrow::Cow;

use super::{resource_template::ResourceTemplate, rule_table::RuleTable};
use crate::{authz::Requirement, error::ConfigError};

/// Requirements for the tools, prompts, resources and methods of an MCP server.
///
/// Anything without a rule is refused with 403, whether the server has it or not. The rest of the
/// protocol is open to every authenticated caller: `initialize`, `ping`, `server/discover`, lists
/// of what there are rules for, notifications, and answers to the server's own requests.
///
/// ```
/// use jwt_verify::{Requirement, mcp};
///
/// let rules = mcp::Rules::new()
///     .tool("whoami", Requirement::authenticated())
///     .tool("search", Requirement::scopes(["notes:read"]))
///     .tool("delete_note", Requirement::roles(["admin"]).and_scopes(["notes:write"]))
///     .resource("note://{user}/{id}", Requirement::claim_equals_segment("sub", "user"))
///     .method("logging/setLevel", Requirement::roles(["operator"]));
/// ```
///
/// [`mcp::tools!`](macro@crate::mcp::tools) writes rules of tools in the grammar of
/// [`#[require]`](macro@crate::require). A rule that cannot work makes
/// [`McpGuardBuilder::build`](crate::mcp::McpGuardBuilder::build) fail: one that is there twice, one about
/// a refresh token, a policy of a handler, or a path segment that no template has.
#[derive(Debug, Clone, Default)]
#[must_use = "rules do nothing until they are given to a guard"]
pub struct Rules {
    table: RuleTable<Requirement>,
    /// The first mistake.
    problem: Option<&'static str>,
}

/// Methods that other rules decide about.
const BY_NAME: [&str; 7] = [
    "tools/call",
    "prompts/get",
    "resources/read",
    "resources/subscribe",
    "resources/unsubscribe",
    "completion/complete",
    "subscriptions/listen",
];

impl Rules {
    /// Creates rules that refuse every tool, prompt and resource.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets who may call a tool (`tools/call`). Names compare exactly.
    pub fn tool(mut self, name: impl Into<Cow<'static, str>>, requirement: Requirement) -> Self {
        self.check(&requirement, |_| false);
        if self.table.tools.insert(name.into(), requirement).is_some() {
            self.note("names a tool twice");
        }
        self
    }

    /// Sets who may get a prompt (`prompts/get`), and completions of its arguments.
    pub fn prompt(mut self, name: impl Into<Cow<'static, str>>, requirement: Requirement) -> Self {
        self.check(&requirement, |_| false);
        if self.table.prompts.insert(name.into(), requirement).is_some() {
            self.note("names a prompt twice");
        }
        self
    }

    /// Sets who may read a resource (`resources/read`), subscribe to it, and complete its template.
    ///
    /// The URI is literal, or a template: `{name}` stands for one segment, and `{+name}`, at the end, for
    /// the rest (RFC 6570). `path.name` in the requirement is the value of a variable. The first rule
    /// that matches decides. A value with a dot segment, two slashes, a backslash, or an escape of a slash, a
    /// backslash or a character that needs none (RFC 3986 §2.3), matches no template, so that the server
    /// cannot read it as another path.
    pub fn resource(mut self, uri: impl Into<Cow<'static, str>>, requirement: Requirement) -> Self {
        match ResourceTemplate::parse(uri.into()) {
            Ok(template) => {
                self.check(&requirement, |name| template.has_variable(name));
                let mut known = self.table.resources.iter();
                if known.any(|(known, _)| known.text() == template.text()) {
                    self.note("names a resource twice");
                }
                self.table.resources.push((template, requirement));
            }
            Err(problem) => self.note(problem),
        }
        self
    }

    /// Sets who may use another method of the protocol, such as `logging/setLevel` or `tasks/get`, or
    /// restricts one that every authenticated caller may use, such as `tools/list`.
    pub fn method(mut self, name: impl Into<Cow<'static, str>>, requirement: Requirement) -> Self {
        let name = name.into();
        self.check(&requirement, |_| false);
        if BY_NAME.contains(&&*name) {
            self.note(
                "a method that names a tool, prompt or resource is decided by the rule of that",
            );
        }
        if self.table.methods.insert(name, requirement).is_some() {
            self.note("names a method twice");
        }
        self
    }

    fn note(&mut self, problem: &'static str) {
        self.problem.get_or_insert(problem);
    }

    /// Notes what cannot be decided without a handler and its path.
    fn check(&mut self, requirement: &Requirement, is_variable: impl Fn(&str) -> bool) {
        if requirement.is_for_refresh() {
            self.note("a rule cannot require a refresh token");
        }
        if requirement.has_policy() {
            self.note("a policy belongs to a handler: use an `Authorizer` of the `JwtAuth`");
        }
        if requirement.segments().into_iter().any(|name| !is_variable(name)) {
            self.note("`path` names no variable of the resource template");
        }
    }

    /// Returns the mistake in it.
    pub(crate) fn verify(&self) -> Result<(), ConfigError> {
        match self.problem {
            Some(problem) => Err(ConfigError::invalid("mcp.rules", problem)),
            None => Ok(()),
        }
    }

    /// Returns the requirement of each operation.
    pub(crate) fn table(&self) -> &RuleTable<Requirement> {
        &self.table
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Operation, rule_table::FoundRule},
        *,
    };

    #[test]
    fn what_no_rule_names_is_refused() {
        let rules = Rules::new().tool("search", Requirement::authenticated());
        let is_found = |operation| rules.table().find(operation).is_some();
        assert!(is_found(Operation::Tool("search")));
        assert!(is_found(Operation::Method("tools/list")));
        assert!(is_found(Operation::Method("initialize")));
        for operation in [
            Operation::Tool("Search"),
            Operation::Tool("export"),
            Operation::Prompt("search"),
            Operation::Resource("search"),
            Operation::Method("search"),
            Operation::Method("tools/call"),
            Operation::Method("prompts/list"),
            Operation::Method("tasks/get"),
            Operation::Method(""),
        ] {
            assert!(!is_found(operation), "{operation:?}");
        }
    }

    #[test]
    fn rules_that_cannot_work_do_not_build() {
        let anyone = Requirement::authenticated;
        let of_path = || Requirement::claim_equals_segment("sub", "user");
        for rules in [
            Rules::new().tool("a", anyone()).tool("a", anyone()),
            Rules::new().prompt("a", anyone()).prompt("a", anyone()),
            Rules::new().resource("a:b", anyone()).resource("a:b", anyone()),
            Rules::new().resource("a", anyone()),
            Rules::new().method("tools/call", anyone()),
            Rules::new().tool("a", anyone().refresh_token()),
            Rules::new().tool("a", of_path()),
            Rules::new().resource("a:{id}", of_path()),
            Rules::new().tool("a", Requirement::policy(0, "own", None)),
            Rules::new().tool("a", anyone() & !Requirement::policy(0, "own", None)),
        ] {
            assert!(rules.verify().is_err(), "{rules:?}");
        }
        let rules = Rules::new().resource("a:{user}", of_path());
        assert!(rules.verify().is_ok());
        let variables = |operation| match rules.table().find(operation) {
            Some(FoundRule::Set(_, variables)) => variables,
            other => panic!("{other:?}"),
        };
        assert_eq!(variables(Operation::Resource("a:ann")), [("user", "ann")]);
        assert_eq!(variables(Operation::Template("a:ann")), [("user", "ann")]);
        assert_eq!(variables(Operation::Template("a:{user}")), [("user", "{user}")]);
    }
}
