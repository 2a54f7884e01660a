//! Lists of an MCP server: what a caller may see keeps its bytes, and the rest is not there.

use jwt_verify::test_hooks::{filter_mcp_answer, filter_mcp_events};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{edited, edits, json};

const LISTS: [(&str, &str); 4] = [
    ("tools", "name"),
    ("prompts", "name"),
    ("resources", "uri"),
    ("resourceTemplates", "uriTemplate"),
];

/// The other half is hidden.
fn is_seen(name: &str) -> bool {
    name.chars().map(u32::from).sum::<u32>() % 2 == 0
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(&["search", "create_note", "note://a/b", "", "é", "\"\\\n"][..])
            .prop_map(str::to_owned),
        any::<String>(),
    ]
}

/// An entry, mostly with a name.
fn entry(member: &'static str) -> impl Strategy<Value = Value> {
    let object = prop::collection::hash_map(any::<String>(), json(), 0..3);
    (object, prop::option::weighted(0.9, name())).prop_map(move |(members, name)| {
        let mut members: Map<String, Value> = members.into_iter().collect();
        if let Some(name) = name {
            members.insert(member.to_owned(), name.into());
        }
        Value::Object(members)
    })
}

fn lists() -> impl Strategy<Value = Value> {
    prop::sample::select(&LISTS[..]).prop_flat_map(|(list, member)| {
        (prop::collection::vec(entry(member), 0..6), json()).prop_map(
            move |(entries, other)| json!({ "id": 1, "result": { list: entries, "other": other } }),
        )
    })
}

fn message() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => lists(),
        1 => prop::collection::vec(lists(), 0..3).prop_map(Value::Array),
        1 => name().prop_map(|uri| json!({
            "method": "notifications/resources/updated",
            "params": { "uri": uri },
        })),
        1 => json().prop_map(|params| json!({ "method": "notifications/message", "params": params })),
    ]
}

/// The message as `serde_json` would filter it. `None` if nothing of it is left.
fn expected(message: &Value) -> Option<Value> {
    if let Value::Array(messages) = message {
        let left: Vec<Value> = messages.iter().filter_map(expected).collect();
        return (messages.is_empty() || !left.is_empty()).then_some(Value::Array(left));
    }
    let mut message = message.clone();
    if message["method"] == "notifications/resources/updated" {
        return is_seen(message["params"]["uri"].as_str().unwrap()).then_some(message);
    }
    for (list, member) in LISTS {
        let entries = message.get_mut("result").and_then(|result| result.get_mut(list));
        if let Some(Value::Array(entries)) = entries {
            entries.retain(|entry| entry[member].as_str().is_some_and(is_seen));
        }
    }
    Some(message)
}

/// Text of a message with white space and line breaks of every kind where they may be.
fn spaced(message: &Value, is_pretty: bool) -> String {
    let text = if is_pretty { format!("{message:#}") } else { message.to_string() };
    // An event cannot have a line break within a string, and `serde_json` writes none.
    format!(" {text}\t")
}

/// A stream of messages as events, with the lines that may be around them.
fn stream(messages: &[(String, usize)], ending: &str) -> String {
    let mut stream = String::new();
    for (index, (text, kind)) in messages.iter().enumerate() {
        let before = ["", ": ping\n\n", "id: 7\nevent: message\n", "retry: 1\n: x\n"][kind % 4];
        let prefix = ["data: ", "data:"][index % 2];
        stream += before;
        for line in text.lines() {
            stream.extend([prefix, line, "\n"]);
        }
        stream += ["\n", "\n\n", "id: 8\n\n"][kind % 3];
    }
    stream.replace('\n', ending)
}

/// Messages of the events in a stream.
fn read(stream: &str) -> Vec<Value> {
    let lines = stream.replace("\r\n", "\n").replace('\r', "\n");
    let data = |event: &str| {
        let lines = event.lines().filter_map(|line| line.strip_prefix("data:"));
        lines.collect::<Vec<_>>().join("\n")
    };
    let events = lines.split("\n\n").map(data);
    events.filter(|data| !data.trim().is_empty()).map(|data| data.parse().unwrap()).collect()
}

fn pieces<'s>(stream: &'s [u8], places: &[prop::sample::Index]) -> Vec<&'s [u8]> {
    let mut places: Vec<usize> = places.iter().map(|at| at.index(stream.len() + 1)).collect();
    places.sort_unstable();
    let mut pieces = Vec::new();
    let mut done = 0;
    for place in places {
        pieces.push(&stream[done..place]);
        done = place;
    }
    pieces.push(&stream[done..]);
    pieces
}

proptest! {
    #[test]
    fn an_answer_is_what_a_reader_would_have_filtered(
        message in message(),
        is_pretty in any::<bool>(),
    ) {
        let text = spaced(&message, is_pretty);
        prop_assert_eq!(filter_mcp_answer(&text, |_| true).is_some(), true);
        let filtered = filter_mcp_answer(&text, is_seen);
        let filtered = filtered.map(|text| text.parse::<Value>().unwrap());
        prop_assert_eq!(filtered, expected(&message));
    }

    #[test]
    fn nothing_is_changed_where_everything_is_kept(message in lists(), is_pretty in any::<bool>()) {
        // Entries without a name are never kept.
        let mut message = message;
        for (list, member) in LISTS {
            if let Some(Value::Array(entries)) = message["result"].get_mut(list) {
                entries.retain(|entry| entry.get(member).is_some());
            }
        }
        let text = spaced(&message, is_pretty);
        prop_assert_eq!(filter_mcp_answer(&text, |_| true), Some(text));
    }

    /// Any text: either both filters refuse it, or what comes out has no entry that is hidden.
    #[test]
    fn a_damaged_answer_hides_as_much(message in message(), edits in edits()) {
        let text = edited(&message.to_string(), &edits);
        let hidden = |name: &str| !is_seen(name);
        if let Some(filtered) = filter_mcp_answer(&text, is_seen) {
            let mut found = Vec::new();
            filter_mcp_answer(&filtered, |name| { found.push(name.to_owned()); true }).unwrap();
            prop_assert!(!found.iter().any(|name| hidden(name)), "{:?} in {}", found, filtered);
            // And once more changes nothing.
            prop_assert_eq!(filter_mcp_answer(&filtered, is_seen), Some(filtered));
        }
    }

    #[test]
    fn a_stream_is_the_same_however_it_is_split(
        messages in prop::collection::vec((message(), any::<bool>(), 0..12_usize), 0..5),
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ending in prop::sample::select(&["\n", "\r", "\r\n"][..]),
        edits in edits(),
    ) {
        let texts: Vec<(String, usize)> =
            messages.iter().map(|(message, is_pretty, kind)| (spaced(message, *is_pretty), *kind)).collect();
        let stream = stream(&texts, ending);
        let (whole, is_read) = filter_mcp_events([stream.as_bytes()], usize::MAX, is_seen);
        prop_assert!(is_read);
        let wanted: Vec<Value> =
            messages.iter().filter_map(|(message, ..)| expected(message)).collect();
        prop_assert_eq!(read(std::str::from_utf8(&whole).unwrap()), wanted);
        // Damaged ones as well, and within characters.
        for stream in [edited(&stream, &edits), stream] {
            let stream = stream.as_bytes();
            let whole = filter_mcp_events([stream], 4096, is_seen);
            prop_assert_eq!(&filter_mcp_events(pieces(stream, &places), 4096, is_seen), &whole);
            prop_assert_eq!(&filter_mcp_events(stream.chunks(1), 4096, is_seen), &whole);
            let again = filter_mcp_events([&*whole.0], 4096, is_seen);
            prop_assert_eq!(&again, &(whole.0, true));
        }
    }
}
