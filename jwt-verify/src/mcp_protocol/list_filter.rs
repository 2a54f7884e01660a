//! Lists of tools, prompts and resources, of which a caller sees some entries.

use std::ops::Range;

use super::splice::{Edit, Edits};
use crate::json::{Json, JsonDocument};

/// An entry of an answer that a decision is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListEntry<'a> {
    /// The tool with this name.
    Tool(&'a str),
    /// The prompt with this name.
    Prompt(&'a str),
    /// The resource with this URI.
    Resource(&'a str),
    /// The resource template, as it is written.
    Template(&'a str),
    /// A notification that the resource with this URI has changed.
    Update(&'a str),
}

/// The decision about an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EntryVerdict {
    Keep,
    Drop,
    /// Keeps it, and says in its `_meta` which scopes it needs. A notification is dropped.
    Mark(String),
}

/// The answer is not a JSON-RPC message that every reader reads alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unreadable;

/// Decides about each entry.
pub(crate) type Decide<'d> = dyn FnMut(ListEntry<'_>) -> EntryVerdict + 'd;

/// Member of an entry's `_meta` with the scopes that it needs.
const SCOPES: &str = "io.github.jwt-verify/scopes";

/// The changes that an answer needs.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// These, in order; none if all of it is kept.
    Edits(Vec<Edit>),
    /// Nothing of it is left.
    Dropped,
}

/// Cuts entries out of an answer: one message, or an array of them. All other bytes stay as they are.
pub(crate) fn filter_answer(text: String, decide: &mut Decide<'_>) -> Result<String, Unreadable> {
    let document = JsonDocument::parse(text).map_err(|_| Unreadable)?;
    let Change::Edits(edits) = changes(&document, true, decide)? else { return Err(Unreadable) };
    let text = document.into_text();
    if edits.is_empty() {
        return Ok(text);
    }
    let mut out = Vec::with_capacity(text.len());
    Edits::new(&edits).write(text.as_bytes(), 0, &mut out);
    String::from_utf8(out).map_err(|_| Unreadable)
}

/// Finds out what has to be changed in an answer. Without `has_lists` it does not answer a request for a
/// list, and members of its result mean something else.
pub(super) fn changes(
    document: &JsonDocument,
    has_lists: bool,
    decide: &mut Decide<'_>,
) -> Result<Change, Unreadable> {
    let (root, mut edits) = (document.root(), Vec::new());
    if root.is_array() {
        let count = root.elements().count();
        let mut kept = 0;
        cut_elements(root, &mut edits, |message, edits| {
            let is_kept = message_changes(message, has_lists, edits, decide)?;
            kept += usize::from(is_kept);
            Ok(is_kept)
        })?;
        return Ok(if kept == 0 && count > 0 { Change::Dropped } else { Change::Edits(edits) });
    }
    let is_kept = message_changes(root, has_lists, &mut edits, decide)?;
    Ok(if is_kept { Change::Edits(edits) } else { Change::Dropped })
}

/// Collects the changes inside of a message. Returns `false` if the message as a whole is dropped.
fn message_changes<'a>(
    message: Json<'a>,
    has_lists: bool,
    edits: &mut Vec<Edit>,
    decide: &mut Decide<'_>,
) -> Result<bool, Unreadable> {
    if !message.is_object() {
        return Err(Unreadable);
    }
    if message.get("method").is_some_and(|method| method.is_text("notifications/resources/updated"))
    {
        let uri = message.get("params").and_then(|params| params.get("uri"));
        let uri = uri.and_then(Json::as_str);
        return Ok(uri.is_some_and(|uri| decide(ListEntry::Update(uri)) == EntryVerdict::Keep));
    }
    let Some(result) = message.get("result").filter(|_| has_lists) else { return Ok(true) };
    // In document order, as edits have to be.
    for (name, list) in result.members() {
        let (member, entry): (_, fn(&'a str) -> ListEntry<'a>) = match name {
            "tools" => ("name", ListEntry::Tool),
            "prompts" => ("name", ListEntry::Prompt),
            "resources" => ("uri", ListEntry::Resource),
            "resourceTemplates" => ("uriTemplate", ListEntry::Template),
            // A list that others see differently is for nobody else.
            "cacheScope" if list.is_text("public") => {
                edits.push(Edit { range: list.span(), with: r#""private""#.into() });
                continue;
            }
            _ => continue,
        };
        if list.is_null() {
            continue;
        }
        if !list.is_array() {
            return Err(Unreadable);
        }
        cut_elements(list, edits, |element, edits| {
            let Some(name) = element.get(member).and_then(Json::as_str) else { return Ok(false) };
            match decide(entry(name)) {
                EntryVerdict::Keep => {}
                EntryVerdict::Drop => return Ok(false),
                EntryVerdict::Mark(scopes) => edits.push(mark(element, &scopes)),
            }
            Ok(true)
        })?;
    }
    Ok(true)
}

/// Cuts elements that are not kept out of an array, each with one of the commas beside it.
fn cut_elements<'a>(
    list: Json<'a>,
    edits: &mut Vec<Edit>,
    mut is_kept: impl FnMut(Json<'a>, &mut Vec<Edit>) -> Result<bool, Unreadable>,
) -> Result<(), Unreadable> {
    let mut elements = list.elements().peekable();
    // The end of the element before, once there is one that stays.
    let (mut previous_end, mut has_kept) = (0, false);
    while let Some(element) = elements.next() {
        let Range { start, end } = element.span();
        let inside = edits.len();
        if is_kept(element, edits)? {
            has_kept = true;
        } else {
            // Nothing is changed within what is cut out.
            edits.truncate(inside);
            let next = elements.peek().map(|next| next.span().start);
            let range = if has_kept { previous_end..end } else { start..next.unwrap_or(end) };
            edits.push(Edit::cut(range));
        }
        previous_end = end;
    }
    Ok(())
}

/// Says in an entry's `_meta` which scopes it needs.
fn mark(entry: Json<'_>, scopes: &str) -> Edit {
    let scopes: Vec<&str> = scopes.split_ascii_whitespace().collect();
    let scopes = serde_json::Value::from(scopes).to_string();
    // An entry has a name at least, so that more members follow.
    let Some(meta) = entry.get("_meta") else {
        let inside = entry.span().start + 1;
        return Edit::insert(inside, format!(r#""_meta":{{"{SCOPES}":{scopes}}},"#));
    };
    if let Some(old) = meta.get(SCOPES) {
        return Edit { range: old.span(), with: scopes.into() };
    }
    if !meta.is_object() {
        return Edit { range: meta.span(), with: format!(r#"{{"{SCOPES}":{scopes}}}"#).into() };
    }
    let comma = if meta.entries().next().is_some() { "," } else { "" };
    Edit::insert(meta.span().start + 1, format!(r#""{SCOPES}":{scopes}{comma}"#))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keeps what is named `a…`, marks `m…`, and drops the rest.
    fn decide(entry: ListEntry<'_>) -> EntryVerdict {
        let (ListEntry::Tool(name)
        | ListEntry::Prompt(name)
        | ListEntry::Resource(name)
        | ListEntry::Template(name)
        | ListEntry::Update(name)) = entry;
        match name.chars().next() {
            Some('a') => EntryVerdict::Keep,
            Some('m') => EntryVerdict::Mark("notes:read notes:\"write".into()),
            _ => EntryVerdict::Drop,
        }
    }

    fn filtered(text: &str) -> Result<String, Unreadable> {
        filter_answer(text.to_owned(), &mut decide)
    }

    fn tools(list: &str) -> String {
        format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"tools":{list},"nextCursor":"x"}}}}"#)
    }

    #[test]
    fn entries_are_cut_out_with_one_comma() {
        for (list, expected) in [
            ("[]", "[]"),
            ("null", "null"),
            ("[ ]", "[ ]"),
            (r#"[{"name":"a"}]"#, r#"[{"name":"a"}]"#),
            (r#"[ {"name":"x"} ]"#, "[  ]"),
            (r#"[{"name":"x"},{"name":"y"}]"#, "[]"),
            (r#"[{"name":"x"} , {"name":"a"} ]"#, r#"[{"name":"a"} ]"#),
            (r#"[{"name":"a"} , {"name":"x"} ]"#, r#"[{"name":"a"} ]"#),
            (
                r#"[ {"name":"a1"},{"name":"x"} , {"name":"a2"}]"#,
                r#"[ {"name":"a1"} , {"name":"a2"}]"#,
            ),
            (
                r#"[{"name":"x"},{"name":"a1"},{"name":"y"},{"name":"z"},{"name":"a2"},{"name":"x"}]"#,
                r#"[{"name":"a1"},{"name":"a2"}]"#,
            ),
            // A name is what a reader reads.
            (r#"[{"n\u0061me":"\u0061"},{"name":"\u0078"}]"#, r#"[{"n\u0061me":"\u0061"}]"#),
            // Without a readable name.
            (r#"[{},{"name":1},{"Name":"a"},"a",null,["a"],{"title":"a"}]"#, "[]"),
            // Names elsewhere mean nothing.
            (
                r#"[{"x":{"name":"a"},"name":"x"},{"x":[{"name":"x"}],"name":"a"}]"#,
                r#"[{"x":[{"name":"x"}],"name":"a"}]"#,
            ),
        ] {
            assert_eq!(filtered(&tools(list)), Ok(tools(expected)), "{list}");
        }
    }

    #[test]
    fn each_list_has_its_own_names() {
        let text = |keys: &str, uris: &str, templates: &str| {
            format!(
                r#"{{"result":{{"prompts":[{keys}],"resources":[{uris}],"resourceTemplates":[{templates}]}}}}"#
            )
        };
        assert_eq!(
            filtered(&text(
                r#"{"name":"x"},{"name":"a"}"#,
                r#"{"name":"a","uri":"x"},{"name":"x","uri":"a"}"#,
                r#"{"uri":"a"},{"uriTemplate":"a"}"#,
            )),
            Ok(text(r#"{"name":"a"}"#, r#"{"name":"x","uri":"a"}"#, r#"{"uriTemplate":"a"}"#))
        );
    }

    #[test]
    fn what_is_not_a_list_stays() {
        for text in [
            " {\"jsonrpc\" : \"2.0\", \"id\":1, \"result\": { \"content\" : [ {\"name\":\"x\"} ] } }\r\n",
            r#"{"error":{"code":-1,"data":{"tools":[{"name":"x"}]}}}"#,
            r#"{"method":"notifications/tools/list_changed"}"#,
            r#"{"method":"x","params":{"tools":[{"name":"x"}]}}"#,
            r#"{"result":[{"tools":[{"name":"x"}]}]}"#,
            "[]",
            "{}",
        ] {
            assert_eq!(filtered(text), Ok(text.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_list_is_for_no_cache_of_others() {
        let text = |scope: &str| {
            format!(r#"{{"result":{{"cacheScope":{scope},"tools":[{{"name":"a"}}],"ttlMs":1}}}}"#)
        };
        assert_eq!(filtered(&text(r#""p\u0075blic""#)), Ok(text(r#""private""#)));
        for other in [r#""private""#, "1", "null"] {
            assert_eq!(filtered(&text(other)), Ok(text(other)));
        }
    }

    #[test]
    fn an_answer_to_another_request_has_no_lists() {
        let update = r#"{"method":"notifications/resources/updated","params":{"uri":"x"}}"#;
        for (text, expected) in [
            (r#"{"result":{"tools":{"x":1},"cacheScope":"public"}}"#, Change::Edits(Vec::new())),
            (r#"{"result":{"tools":[{"name":"x"}]}}"#, Change::Edits(Vec::new())),
            (update, Change::Dropped),
        ] {
            let document = JsonDocument::parse(text.to_owned()).unwrap();
            assert_eq!(changes(&document, false, &mut decide), Ok(expected), "{text}");
        }
    }

    #[test]
    fn answers_that_could_be_read_otherwise_are_refused() {
        for text in [
            "",
            "x",
            "1",
            "\"x\"",
            "null",
            "[1]",
            "[[]]",
            "{}{}",
            "\u{feff}{}",
            r#"{"result":{"tools":[]},"result":{"tools":[{"name":"x"}]}}"#,
            r#"{"result":{"tools":[],"t\u006fols":[{"name":"x"}]}}"#,
            r#"{"result":{"tools":[{"name":"a","name":"x"}]}}"#,
            r#"{"result":{"tools":{"x":{}}}}"#,
            r#"{"result":{"tools":"x"}}"#,
            r#"{"method":"notifications/resources/updated","params":{"uri":"x"}}"#,
        ] {
            assert_eq!(filtered(text), Err(Unreadable), "{text}");
        }
    }

    #[test]
    fn arrays_of_messages_are_filtered_one_by_one() {
        let update = |uri: &str| {
            format!(r#"{{"method":"notifications/resources/updated","params":{{"uri":"{uri}"}}}}"#)
        };
        let text = format!(
            "[ {}, {}, {}, {} ]",
            update("x"),
            tools(r#"[{"name":"x"}]"#),
            update("a"),
            update("m")
        );
        assert_eq!(filtered(&text), Ok(format!("[ {}, {} ]", tools("[]"), update("a"))));
        for text in
            [update("x"), format!("[{0},{0}]", update("x")), update("x").replace("uri", "u")]
        {
            let document = JsonDocument::parse(text).unwrap();
            assert_eq!(changes(&document, true, &mut decide), Ok(Change::Dropped));
        }
    }

    #[test]
    fn a_mark_is_a_member_of_meta() {
        let mark = r#""io.github.jwt-verify/scopes":["notes:read","notes:\"write"]"#;
        for (entry, expected) in [
            (r#"{"name":"m"}"#, format!(r#"{{"_meta":{{{mark}}},"name":"m"}}"#)),
            (r#"{"name":"m","_meta":{}}"#, format!(r#"{{"name":"m","_meta":{{{mark}}}}}"#)),
            (r#"{"name":"m","_meta":null}"#, format!(r#"{{"name":"m","_meta":{{{mark}}}}}"#)),
            (
                r#"{ "name":"m", "_m\u0065ta" : { "x":1 } }"#,
                format!(r#"{{ "name":"m", "_m\u0065ta" : {{{mark}, "x":1 }} }}"#),
            ),
            (
                r#"{"name":"m","_meta":{"y":0,"io.github.jwt-verify/scopes" : "forged","x":1}}"#,
                r#"{"name":"m","_meta":{"y":0,"io.github.jwt-verify/scopes" : ["notes:read","notes:\"write"],"x":1}}"#.into(),
            ),
        ] {
            let (list, expected) = (format!("[{entry}]"), format!("[{expected}]"));
            assert_eq!(filtered(&tools(&list)), Ok(tools(&expected)), "{entry}");
        }
    }
}
