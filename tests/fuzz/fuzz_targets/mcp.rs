//! Messages to and from an MCP server: what the guard decides about is what a reader reads that is less
//! strict, and what a caller must not see is not in what comes out, however the stream is split.
#![no_main]

use jwt_verify::test_hooks::{filter_mcp_answer, filter_mcp_events, read_mcp_body};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// The other half is hidden.
fn is_seen(name: &str) -> bool {
    name.len() % 2 == 0
}

/// Returns a member as a reader finds it who takes the last one and does not mind the case.
fn member<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let members = value.as_object()?.iter();
    members.filter(|(known, _)| known.eq_ignore_ascii_case(name)).last().map(|(_, value)| value)
}

/// Returns what such a reader would do.
fn read(message: &Value) -> Option<(&'static str, String)> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let method = text(member(message, "method"))?;
    let param = |name: &str| text(member(member(message, "params")?, name));
    Some(match &*method {
        "tools/call" => ("tool", param("name")?),
        "prompts/get" => ("prompt", param("name")?),
        "resources/read" => ("resource", param("uri")?),
        _ => return None,
    })
}

fn requests(fields: [Option<&str>; 3], body: &str) {
    let Some(decided) = read_mcp_body(fields, body) else { return };
    let value: Value = serde_json::from_str(body).expect("accepted, so JSON");
    let messages = value.as_array().map_or(std::slice::from_ref(&value), Vec::as_slice);
    for done in messages.iter().filter_map(read) {
        assert!(decided.contains(&done), "{done:?} was not decided about");
    }
}

const LISTS: [(&str, &str); 4] = [
    ("tools", "name"),
    ("prompts", "name"),
    ("resources", "uri"),
    ("resourceTemplates", "uriTemplate"),
];

fn answers(text: &str) {
    let Some(seen) = filter_mcp_answer(text, is_seen) else { return };
    let value: Value = serde_json::from_str(&seen).expect("what comes out is JSON");
    let messages = value.as_array().map_or(std::slice::from_ref(&value), Vec::as_slice);
    for message in messages {
        for (list, name) in LISTS {
            for entry in message["result"][list].as_array().into_iter().flatten() {
                assert!(entry[name].as_str().is_some_and(is_seen));
            }
        }
    }
    assert_eq!(filter_mcp_answer(&seen, is_seen), Some(seen), "once more changes nothing");
}

fn events(stream: &[u8], size: usize) {
    const MAX_EVENT: usize = 1024;

    let whole = filter_mcp_events([stream], MAX_EVENT, is_seen);
    assert_eq!(filter_mcp_events(stream.chunks(size), MAX_EVENT, is_seen), whole);
    // Events that end the stream are not in what comes out.
    let again = filter_mcp_events([&*whole.0], MAX_EVENT, is_seen);
    assert_eq!(again, (whole.0, true), "once more changes nothing");
}

fuzz_target!(|input: &[u8]| {
    let Some((size, stream)) = input.split_first() else { return };
    events(stream, usize::from(*size % 16) + 1);
    let Ok(text) = std::str::from_utf8(stream) else { return };
    let mut lines = text.splitn(4, '\n');
    let mut field = || lines.next().filter(|line| !line.is_empty());
    let fields = [field(), field(), field()];
    let body = lines.next().unwrap_or_default();
    requests(fields, body);
    answers(body);
});
