//! Operations that a message asks for.

use std::fmt;

/// An operation that rules are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation<'a> {
    /// `tools/call` of the tool with this name.
    Tool(&'a str),
    /// `prompts/get` of the prompt with this name, or `completion/complete` for one.
    Prompt(&'a str),
    /// `resources/read` or a subscription of the resource with this URI.
    Resource(&'a str),
    /// `completion/complete` for a resource template, as it is written, or an entry of a list of them.
    Template(&'a str),
    /// Every other method.
    Method(&'a str),
}

/// Writes the method and the name.
impl fmt::Display for Operation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tool(name) => write!(f, "tools/call {name}"),
            Self::Prompt(name) => write!(f, "prompts/get {name}"),
            Self::Resource(uri) | Self::Template(uri) => write!(f, "resources/read {uri}"),
            Self::Method(name) => f.write_str(name),
        }
    }
}
