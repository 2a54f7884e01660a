//! Messages of JSON-RPC 2.0, read strictly: a server that reads less strictly must not see another one.

use super::{
    Operation,
    fields::{Fields, HeaderMismatch, Revision, is_named},
};
use crate::json::Json;

/// A message of a request's body.
#[derive(Clone, Copy)]
pub(crate) struct Message<'b> {
    /// The text of its identifier.
    pub(crate) id: Option<&'b str>,
    /// `None` for the response to a request of the server.
    pub(crate) method: Option<&'b str>,
    params: Option<Json<'b>>,
}

/// A body that is not what it should be, by the code of JSON-RPC for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MessageProblem {
    /// No JSON document, or one with a member twice.
    Parse,
    /// No message, or one that this revision does not have.
    Invalid(&'static str),
    /// Parameters without the name that decides.
    Params(&'static str),
    /// Another message than the header fields say.
    Mismatch(&'static str),
}

impl MessageProblem {
    pub(crate) const fn code(self) -> i32 {
        match self {
            Self::Parse => -32700,
            Self::Invalid(_) => -32600,
            Self::Params(_) => -32602,
            Self::Mismatch(_) => -32020,
        }
    }

    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Parse => "the body is no JSON document with unique members",
            Self::Invalid(text) | Self::Params(text) | Self::Mismatch(text) => text,
        }
    }
}

impl From<HeaderMismatch> for MessageProblem {
    fn from(HeaderMismatch(text): HeaderMismatch) -> Self {
        Self::Mismatch(text)
    }
}

/// Members that decide. A reader that ignores the case of names would take another spelling for one.
const DECIDING: [&str; 12] = [
    "jsonrpc",
    "id",
    "method",
    "params",
    "result",
    "error",
    "name",
    "uri",
    "_meta",
    "ref",
    "type",
    "notifications",
];

/// Name of the revision in `_meta`.
const VERSION: &str = "io.modelcontextprotocol/protocolVersion";

/// Bytes of an identifier, which a refusal repeats.
const LONGEST_ID: usize = 512;

/// Resources that one message listens to, each of which is decided and recorded.
const MOST_LISTENED: usize = 1024;

/// Messages of a batch.
const LARGEST_BATCH: usize = 32;

/// Returns the messages of a body, each with its form checked.
pub(crate) fn messages<'b>(
    root: Json<'b>,
    revision: Revision<'_>,
) -> Result<Vec<Message<'b>>, MessageProblem> {
    let older = matches!(revision, Revision::Older(_));
    if !root.is_array() {
        return Ok(vec![Message::read(root, older)?]);
    }
    if !revision.has_batches() {
        return Err(MessageProblem::Invalid("the body must be one message"));
    }
    // One more, so that too many are known.
    let elements: Vec<Json<'b>> = root.elements().take(LARGEST_BATCH + 1).collect();
    if elements.is_empty() || elements.len() > LARGEST_BATCH {
        return Err(MessageProblem::Invalid("a batch has 1 to 32 messages"));
    }
    elements.into_iter().map(|element| Message::read(element, older)).collect()
}

impl<'b> Message<'b> {
    fn read(value: Json<'b>, takes_responses: bool) -> Result<Self, MessageProblem> {
        if !value.is_object() {
            return Err(MessageProblem::Invalid("a message is an object"));
        }
        has_own_spelling(value)?;
        if !value.get("jsonrpc").is_some_and(|version| version.is_text("2.0")) {
            return Err(MessageProblem::Invalid("`jsonrpc` must be \"2.0\""));
        }
        let id = match value.get("id") {
            Some(id) => Some(identifier(id)?),
            None => None,
        };
        let outcomes = [value.get("result"), value.get("error")].into_iter().flatten().count();
        let params = value.get("params");
        let Some(method) = value.get("method") else {
            if !takes_responses || outcomes != 1 || id.is_none() || params.is_some() {
                return Err(MessageProblem::Invalid("a message has a method"));
            }
            return Ok(Self { id, method: None, params: None });
        };
        let method = method.as_str().ok_or(MessageProblem::Invalid("`method` must be a string"))?;
        if outcomes != 0 {
            return Err(MessageProblem::Invalid("a message with a method has no result"));
        }
        if let Some(params) = params {
            if !params.is_object() {
                return Err(MessageProblem::Invalid("`params` must be an object"));
            }
            has_own_spelling(params)?;
        }
        Ok(Self { id, method: Some(method), params })
    }

    /// Holds it against the header fields.
    pub(crate) fn check(&self, fields: &Fields<'_>) -> Result<(), MessageProblem> {
        if let Some(method) = fields.method
            && self.method != Some(method)
        {
            return Err(MessageProblem::Mismatch("`Mcp-Method` is not the method of the body"));
        }
        if let Some(name) = &fields.name
            && !self.is_called(name)
        {
            return Err(MessageProblem::Mismatch("`Mcp-Name` is not the name in the body"));
        }
        let version = self.params.and_then(|params| params.get("_meta")?.get(VERSION));
        match (fields.revision, version) {
            (Revision::Modern(expected), Some(found)) if !found.is_text(expected) => Err(
                MessageProblem::Mismatch("`MCP-Protocol-Version` is not the version in the body"),
            ),
            (Revision::Modern(_), None) if self.id.is_some() => {
                Err(MessageProblem::Params("`_meta` names no protocol version"))
            }
            (Revision::Older(_), Some(found)) => match found.as_str().map(Some).map(Revision::of) {
                Some(Revision::Older(_)) => Ok(()),
                _ => Err(MessageProblem::Mismatch(
                    "`MCP-Protocol-Version` is not the version in the body",
                )),
            },
            _ => Ok(()),
        }
    }

    /// Returns `true` if `Mcp-Name` may be this.
    fn is_called(&self, name: &str) -> bool {
        let is = |member: &str| self.param(member).is_some_and(|value| value.is_text(name));
        match self.method {
            Some("tools/call" | "prompts/get") => is("name"),
            Some("resources/read") => is("uri"),
            Some(_) => is("name") || is("uri") || is("taskId"),
            None => false,
        }
    }

    /// Returns what it asks for; `None` for a response.
    pub(crate) fn operation(&self) -> Result<Option<Operation<'b>>, MessageProblem> {
        let text = |member: &str, problem| {
            self.param(member).and_then(Json::as_str).ok_or(MessageProblem::Params(problem))
        };
        let Some(method) = self.method else { return Ok(None) };
        Ok(Some(match method {
            "tools/call" => Operation::Tool(text("name", NO_NAME)?),
            "prompts/get" => Operation::Prompt(text("name", NO_NAME)?),
            "resources/read" | "resources/subscribe" | "resources/unsubscribe" => {
                Operation::Resource(text("uri", NO_URI)?)
            }
            "completion/complete" => self.completed()?,
            _ => Operation::Method(method),
        }))
    }

    /// Returns what a completion is about.
    fn completed(&self) -> Result<Operation<'b>, MessageProblem> {
        const PROBLEM: MessageProblem =
            MessageProblem::Params("`ref` names no prompt and no resource");

        let of = self.param("ref").ok_or(PROBLEM)?;
        has_own_spelling(of)?;
        let text = |member: &str| of.get(member).and_then(Json::as_str);
        match text("type") {
            Some("ref/prompt") => text("name").map(Operation::Prompt),
            Some("ref/resource") => text("uri").map(Operation::Template),
            _ => None,
        }
        .ok_or(PROBLEM)
    }

    /// Returns what a `subscriptions/listen` wants to hear of, besides changes of lists. What is not known
    /// is a method without a name, for which there is no rule.
    pub(crate) fn listened(&self) -> Result<Vec<Operation<'b>>, MessageProblem> {
        if !self.is_listening() {
            return Ok(Vec::new());
        }
        let Some(filter) = self.param("notifications") else { return Ok(Vec::new()) };
        if !filter.is_object() {
            return Err(MessageProblem::Params("`notifications` must be an object"));
        }
        let mut listened = Vec::new();
        for (name, value) in filter.members() {
            match name {
                "toolsListChanged" | "promptsListChanged" | "resourcesListChanged" => {}
                "resourceSubscriptions" => {
                    if !value.is_array() {
                        return Err(MessageProblem::Params(NO_URI));
                    }
                    if value.elements().nth(MOST_LISTENED).is_some() {
                        return Err(MessageProblem::Params(
                            "it listens to more than 1024 resources",
                        ));
                    }
                    for uri in value.elements() {
                        let uri = uri.as_str().ok_or(MessageProblem::Params(NO_URI))?;
                        listened.push(Operation::Resource(uri));
                    }
                }
                "taskIds" => listened.push(Operation::Method("tasks/get")),
                _ => listened.push(Operation::Method("")),
            }
        }
        Ok(listened)
    }

    /// Returns `true` if its answer is a list of what a caller may do.
    pub(crate) fn is_list(&self) -> bool {
        let lists = ["tools/list", "prompts/list", "resources/list", "resources/templates/list"];
        self.method.is_some_and(|method| lists.contains(&method))
    }

    /// Returns `true` if its answer lasts.
    pub(crate) fn is_listening(&self) -> bool {
        self.method == Some("subscriptions/listen")
    }

    fn param(&self, name: &str) -> Option<Json<'b>> {
        self.params?.get(name)
    }
}

const NO_NAME: &str = "`name` must be a string";
const NO_URI: &str = "`uri` must be a string";

/// Returns what the fields say is asked for; `None` if only the body can say it.
pub(crate) fn operation_of<'f>(fields: &'f Fields<'_>) -> Option<Operation<'f>> {
    let (Revision::Modern(_), Some(method)) = (fields.revision, fields.method) else { return None };
    match (method, fields.name.as_deref()) {
        ("tools/call", Some(name)) => Some(Operation::Tool(name)),
        ("prompts/get", Some(name)) => Some(Operation::Prompt(name)),
        ("resources/read", Some(uri)) => Some(Operation::Resource(uri)),
        ("completion/complete" | "resources/subscribe" | "resources/unsubscribe", _) => None,
        (method, _) if is_named(method) => None,
        (method, _) => Some(Operation::Method(method)),
    }
}

/// Returns the text of an identifier: a string or an integer.
fn identifier(id: Json<'_>) -> Result<&str, MessageProblem> {
    let text = id.raw();
    let is_integer = id.is_number() && !text.contains(['.', 'e', 'E']);
    if (is_integer || id.is_string()) && text.len() <= LONGEST_ID {
        Ok(text)
    } else {
        Err(MessageProblem::Invalid("`id` must be a string or an integer"))
    }
}

/// Refuses members whose names differ from deciding ones in case alone.
fn has_own_spelling(object: Json<'_>) -> Result<(), MessageProblem> {
    let is_other = |name: &str| {
        DECIDING.iter().any(|known| *known != name && is_same_but_for_case(known, name))
    };
    if object.members().any(|(name, _)| is_other(name)) {
        return Err(MessageProblem::Invalid("a member differs from a known one in case"));
    }
    Ok(())
}

/// Compares without case, as a reader with the rules of Unicode does: a long s is an s.
fn is_same_but_for_case(known: &str, name: &str) -> bool {
    let folded = |character: char| match character {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    known.chars().eq(name.chars().map(folded))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::JsonText;

    const MODERN: &str = "2026-07-28";

    fn fields(revision: Revision<'static>) -> Fields<'static> {
        Fields { revision, method: None, name: None }
    }

    /// Reads one body, and decides what it asks for.
    fn asked(text: &str, fields: &Fields<'_>) -> Result<Vec<String>, MessageProblem> {
        let document = JsonText::parse(text).map_err(|_| MessageProblem::Parse)?;
        let mut asked = Vec::new();
        for message in messages(document.root(), fields.revision)? {
            message.check(fields)?;
            asked.extend(message.operation()?.map(|operation| format!("{operation:?}")));
            let listened = message.listened()?;
            asked.extend(listened.into_iter().map(|operation| format!("{operation:?}")));
        }
        Ok(asked)
    }

    fn older(text: &str) -> Result<Vec<String>, MessageProblem> {
        asked(text, &fields(Revision::Older(Some("2025-11-25"))))
    }

    fn code(outcome: Result<Vec<String>, MessageProblem>) -> i32 {
        outcome.map_or_else(MessageProblem::code, |_| 0)
    }

    #[test]
    fn a_message_says_what_it_asks_for() {
        for (method, params, expected) in [
            ("tools/call", r#"{"name":"search"}"#, r#"Tool("search")"#),
            ("tools/call", r#"{"name":"se\u0061rch","task":{}}"#, r#"Tool("search")"#),
            ("prompts/get", r#"{"name":"a"}"#, r#"Prompt("a")"#),
            ("resources/read", r#"{"uri":"a:b"}"#, r#"Resource("a:b")"#),
            ("resources/subscribe", r#"{"uri":"a:b"}"#, r#"Resource("a:b")"#),
            ("resources/unsubscribe", r#"{"uri":"a:b"}"#, r#"Resource("a:b")"#),
            (
                "completion/complete",
                r#"{"ref":{"type":"ref/prompt","name":"a"}}"#,
                r#"Prompt("a")"#,
            ),
            (
                "completion/complete",
                r#"{"ref":{"type":"ref/resource","uri":"a:{b}"}}"#,
                r#"Template("a:{b}")"#,
            ),
            ("tasks/get", r#"{"name":"search"}"#, r#"Method("tasks/get")"#),
        ] {
            let text =
                format!(r#"{{"jsonrpc":"2.0","id":1,"m\u0065thod":"{method}","params":{params}}}"#);
            assert_eq!(older(&text), Ok(vec![expected.to_owned()]), "{text}");
        }
        let listen = r#"{"jsonrpc":"2.0","id":"x","method":"subscriptions/listen","params":{
            "notifications":{"toolsListChanged":true,"resourceSubscriptions":["a:b","a:c"],"taskIds":[],
            "other":1}}}"#;
        assert_eq!(
            older(listen).unwrap(),
            [
                r#"Method("subscriptions/listen")"#,
                r#"Resource("a:b")"#,
                r#"Resource("a:c")"#,
                r#"Method("tasks/get")"#,
                r#"Method("")"#
            ]
        );
        let listening = |count: usize| {
            let uris = vec![r#""a:b""#; count].join(",");
            older(&listen.replace(r#""a:b","a:c""#, &uris))
        };
        assert!(listening(MOST_LISTENED).is_ok());
        assert_eq!(code(listening(MOST_LISTENED + 1)), -32602);
        for response in [
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}"#,
        ] {
            assert_eq!(older(response), Ok(Vec::new()));
            assert_eq!(code(asked(response, &fields(Revision::Modern(MODERN)))), -32600);
        }
    }

    #[test]
    fn a_body_of_another_form_is_refused() {
        for (text, expected) in [
            ("", -32700),
            ("{", -32700),
            ("\u{feff}{}", -32700),
            (r#"{"jsonrpc":"2.0","method":"ping"} x"#, -32700),
            (r#"{"jsonrpc":"2.0","method":"ping"}{}"#, -32700),
            (r#"{"jsonrpc":"2.0","method":"ping","method":"ping"}"#, -32700),
            (r#"{"jsonrpc":"2.0","method":"a","params":{"x":{"y":1,"\u0079":2}}}"#, -32700),
            ("1", -32600),
            ("[]", -32600),
            (r#"[{"jsonrpc":"2.0","method":"ping"}]"#, -32600),
            (r#"{"method":"ping"}"#, -32600),
            (r#"{"jsonrpc":2.0,"method":"ping"}"#, -32600),
            (r#"{"jsonrpc":"1.0","method":"ping"}"#, -32600),
            (r#"{"jsonrpc":"2.0"}"#, -32600),
            (r#"{"jsonrpc":"2.0","id":1}"#, -32600),
            (r#"{"jsonrpc":"2.0","result":{}}"#, -32600),
            (r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#, -32600),
            (r#"{"jsonrpc":"2.0","id":1,"result":{},"params":{}}"#, -32600),
            (r#"{"jsonrpc":"2.0","id":1,"result":{},"method":"ping"}"#, -32600),
            (r#"{"jsonrpc":"2.0","method":1}"#, -32600),
            (r#"{"jsonrpc":"2.0","method":null,"id":1,"result":{}}"#, -32600),
            (r#"{"jsonrpc":"2.0","method":"ping","id":null}"#, -32600),
            (r#"{"jsonrpc":"2.0","method":"ping","id":1.5}"#, -32600),
            (r#"{"jsonrpc":"2.0","method":"ping","id":1e3}"#, -32600),
            (r#"{"jsonrpc":"2.0","method":"ping","id":[1]}"#, -32600),
            (r#"{"jsonrpc":"2.0","method":"ping","params":[]}"#, -32600),
            (r#"{"jsonrpc":"2.0","method":"ping","params":"x"}"#, -32600),
            (r#"{"jsonrpc":"2.0","method":"ping","Method":"tools/call"}"#, -32600),
            (r#"{"jsonrpc":"2.0","method":"ping","param\u017f":{}}"#, -32600),
            (r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"a","NAME":"b"}}"#, -32600),
            (r#"{"jsonrpc":"2.0","method":"tools/call"}"#, -32602),
            (r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":1}}"#, -32602),
            (r#"{"jsonrpc":"2.0","method":"resources/read","params":{"name":"a:b"}}"#, -32602),
            (r#"{"jsonrpc":"2.0","method":"completion/complete","params":{"ref":{}}}"#, -32602),
        ] {
            assert_eq!(code(older(text)), expected, "{text}");
        }
        for id in ["1", "-7", "\"\"", "\"a\\u0062\"", "123456789012345678901234567890"] {
            let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
            assert!(older(&text).is_ok(), "{id}");
        }
        let long = format!(r#"{{"jsonrpc":"2.0","id":"{}","method":"ping"}}"#, "x".repeat(511));
        assert_eq!(code(older(&long)), -32600);
    }

    #[test]
    fn a_batch_is_of_one_revision_and_not_too_large() {
        let batch = |number: usize| {
            let one = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
            format!("[{}]", vec![one; number].join(","))
        };
        for (revision, accepts) in [
            (Revision::Older(None), true),
            (Revision::Older(Some("2025-03-26")), true),
            (Revision::Older(Some("2025-06-18")), false),
            (Revision::Modern(MODERN), false),
        ] {
            let outcome = asked(&batch(2), &fields(revision));
            assert_eq!(code(outcome), if accepts { 0 } else { -32600 }, "{revision:?}");
        }
        for (number, expected) in [(0, -32600), (1, 0), (32, 0), (33, -32600)] {
            assert_eq!(code(asked(&batch(number), &fields(Revision::Older(None)))), expected);
        }
        let nested = format!("[{}]", batch(1));
        assert_eq!(code(asked(&nested, &fields(Revision::Older(None)))), -32600);
    }

    #[test]
    fn the_fields_say_what_the_body_says() {
        let of = |method: &'static str, name: Option<&'static str>| Fields {
            revision: Revision::Modern(MODERN),
            method: Some(method),
            name: name.map(Into::into),
        };
        let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#;
        let call = |name: &str| {
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{name}",{meta}}}}}"#
            )
        };
        assert_eq!(code(asked(&call("a"), &of("tools/call", Some("a")))), 0);
        for (method, name) in [
            ("tools/call", Some("b")),
            ("tools/call", Some("A")),
            ("tools/list", Some("a")),
            ("Tools/call", Some("a")),
            ("ping", None),
        ] {
            assert_eq!(code(asked(&call("a"), &of(method, name))), -32020, "{method} {name:?}");
        }
        let ping = |meta: &str| {
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{{meta}}}}}"#)
        };
        let ping_field = of("ping", None);
        assert_eq!(code(asked(&ping(meta), &ping_field)), 0);
        assert_eq!(code(asked(&ping(meta), &of("ping", Some("x")))), -32020);
        assert_eq!(code(asked(&ping(""), &ping_field)), -32602);
        for other in [
            r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2025-11-25"}"#,
            r#""_meta":{"io.modelcontextprotocol/protocolVersion":1}"#,
        ] {
            assert_eq!(code(asked(&ping(other), &ping_field)), -32020);
        }
        // A client of an older revision, which has sent the fields as well.
        let of_older = |method, name: Option<&'static str>| Fields {
            revision: Revision::Older(None),
            ..of(method, name)
        };
        assert_eq!(code(asked(&ping(""), &of_older("ping", None))), 0);
        assert_eq!(code(asked(&ping(""), &of_older("tools/list", None))), -32020);
        assert_eq!(code(asked(&ping(meta), &of_older("ping", None))), -32020);
        let task = r#"{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":"7"}}"#;
        assert_eq!(code(asked(task, &of_older("tasks/get", Some("7")))), 0);
        assert_eq!(code(asked(task, &of_older("tasks/get", Some("8")))), -32020);
    }

    #[test]
    fn fields_decide_where_they_say_everything() {
        let operation = |method: &'static str, name: Option<&'static str>| {
            let revision = Revision::Modern(MODERN);
            let fields = Fields { revision, method: Some(method), name: name.map(Into::into) };
            operation_of(&fields).map(|operation| format!("{operation:?}"))
        };
        for (method, name, expected) in [
            ("tools/call", Some("a"), Some(r#"Tool("a")"#)),
            ("prompts/get", Some("a"), Some(r#"Prompt("a")"#)),
            ("resources/read", Some("a:b"), Some(r#"Resource("a:b")"#)),
            ("tools/list", None, Some(r#"Method("tools/list")"#)),
            ("completion/complete", Some("a"), None),
            ("resources/subscribe", Some("a:b"), None),
        ] {
            assert_eq!(operation(method, name).as_deref(), expected, "{method}");
        }
        let mut older = fields(Revision::Older(None));
        older.method = Some("ping");
        assert_eq!(operation_of(&older), None);
    }
}
