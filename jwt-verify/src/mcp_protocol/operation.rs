//! What a message asks the server to do.

/// An operation that rules are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation<'a> {
    /// `tools/call` of the tool with this name.
    Tool(&'a str),
    /// `prompts/get` of the prompt with this name, or `completion/complete` for one.
    Prompt(&'a str),
    /// `resources/read` or a subscription of the resource with this URI, or `completion/complete` for a
    /// template, as it is written.
    Resource(&'a str),
    /// Every other method.
    Method(&'a str),
}
