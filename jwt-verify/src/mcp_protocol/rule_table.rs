//! Values for operations, found by name.

use std::{borrow::Cow, collections::HashMap};

use super::{
    Operation,
    resource_template::{ResourceTemplate, TemplateVariables},
};

/// A value for each tool, prompt, method and resource that has a rule.
#[derive(Debug, Clone)]
pub(crate) struct RuleTable<T> {
    pub(super) tools: Named<T>,
    pub(super) prompts: Named<T>,
    pub(super) methods: Named<T>,
    pub(super) resources: Vec<(ResourceTemplate, T)>,
}

/// The rule of an operation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FoundRule<'t, 'v, T> {
    /// One that is set, with the variables of its resource.
    Set(&'t T, TemplateVariables<'v>),
    /// The protocol needs it: every authenticated caller may.
    Authenticated,
}

impl<T> Default for RuleTable<T> {
    fn default() -> Self {
        Self {
            tools: HashMap::new(),
            prompts: HashMap::new(),
            methods: HashMap::new(),
            resources: Vec::new(),
        }
    }
}

impl<T> RuleTable<T> {
    /// Makes another value of each.
    pub(crate) fn map<U>(&self, make: impl Fn(Operation<'_>, &T) -> U) -> RuleTable<U> {
        let resources = self.resources.iter().map(|(template, value)| {
            (template.clone(), make(Operation::Resource(template.text()), value))
        });
        RuleTable {
            tools: each(&self.tools, Operation::Tool, &make),
            prompts: each(&self.prompts, Operation::Prompt, &make),
            methods: each(&self.methods, Operation::Method, &make),
            resources: resources.collect(),
        }
    }

    /// Returns the values in any order.
    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        let named = [&self.tools, &self.prompts, &self.methods].into_iter();
        let resources = self.resources.iter().map(|(_, value)| value);
        named.flat_map(HashMap::values).chain(resources)
    }

    /// Returns the rule of an operation. `None` means that the operation is refused.
    pub(crate) fn find<'t: 'v, 'v>(
        &'t self,
        operation: Operation<'v>,
    ) -> Option<FoundRule<'t, 'v, T>> {
        let set = |found| FoundRule::Set(found, Vec::new());
        match operation {
            Operation::Tool(name) => self.tools.get(name).map(set),
            Operation::Prompt(name) => self.prompts.get(name).map(set),
            Operation::Resource(uri) => self.resources.iter().find_map(|(template, value)| {
                template.matches(uri).map(|variables| FoundRule::Set(value, variables))
            }),
            Operation::Template(text) => {
                let written = self.resources.iter().find(|(template, _)| template.text() == text);
                match written {
                    // Each variable stands for itself, which is the value of no caller.
                    Some((template, value)) => {
                        template.matches(text).map(|variables| FoundRule::Set(value, variables))
                    }
                    None => self.find(Operation::Resource(text)),
                }
            }
            Operation::Method(name) => match self.methods.get(name) {
                Some(found) => Some(set(found)),
                None => self.is_of_protocol(name).then_some(FoundRule::Authenticated),
            },
        }
    }

    /// Returns `true` for what every client needs before and between its calls.
    fn is_of_protocol(&self, method: &str) -> bool {
        match method {
            "initialize" | "ping" | "server/discover" => true,
            "tools/list" => !self.tools.is_empty(),
            "prompts/list" => !self.prompts.is_empty(),
            "resources/list" | "resources/templates/list" => !self.resources.is_empty(),
            // Each resource that it names is decided by its rule.
            "subscriptions/listen" => {
                !self.tools.is_empty() || !self.prompts.is_empty() || !self.resources.is_empty()
            }
            _ => method.starts_with("notifications/"),
        }
    }
}

type Named<T> = HashMap<Cow<'static, str>, T>;

fn each<'t, T, U>(
    named: &'t Named<T>,
    kind: fn(&'t str) -> Operation<'t>,
    make: &impl Fn(Operation<'_>, &T) -> U,
) -> Named<U> {
    named.iter().map(|(name, value)| (name.clone(), make(kind(name), value))).collect()
}
