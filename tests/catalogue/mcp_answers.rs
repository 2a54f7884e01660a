//! Answers of an MCP server: what its caller may not use is not in them, whatever form they have.

use super::mcp_bench::{META, McpBench, OLDER, call, message};

/// A list of what Alice may call, and of two tools that she may not.
const TOOLS: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[
    {"name":"create_note","description":"one"},
    {"name":"search","description":"two"},
    {"name":"export","description":"three"},
    {"name":"whoami"}
]}}"#;

/// A form of an answer, its header fields, and its body.
type Form<'f> = (&'f str, &'static [(&'static str, &'static str)], Vec<u8>);

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
const EVENTS: &[(&str, &str)] = &[("content-type", "text/event-stream")];

/// The list as events: with these line ends, and before each line of data this.
fn events(list: &str, before: &str, ending: &str) -> String {
    let lines: Vec<String> = list.lines().map(|line| format!("{before}{line}{ending}")).collect();
    format!(": ping{ending}{ending}id: 1{ending}{}{ending}", lines.concat())
}

/// Returns the list of a modern caller, or an older one.
fn lists(bench: &McpBench) -> [String; 2] {
    let modern = bench.modern("tools/list", None).json(&message("tools/list", META));
    let older = bench.post().header("mcp-protocol-version", OLDER).json(&message("tools/list", ""));
    [modern, older].map(|request| request.send().everything())
}

#[track_caller]
fn assert_hidden(what: &str, answer: &str) {
    for hidden in ["create_note", "export", "one", "three"] {
        let quoted = format!("\"{hidden}\"");
        assert!(!answer.contains(&quoted), "MCP-23 {what}: {hidden} is in {answer}");
    }
}

/// MCP-23: of a list in any form that is read, the caller sees what it may use.
#[test]
fn lists_in_every_form() {
    let bench = McpBench::new();
    let flat = TOOLS.replace('\n', "");
    let mut forms = vec![
        ("as JSON", JSON, TOOLS.to_owned()),
        ("with a charset", &[("content-type", "Application/JSON; charset=UTF-8")], flat.clone()),
        (
            "not encoded",
            &[("content-type", "application/json"), ("content-encoding", "identity")],
            flat.clone(),
        ),
        ("in an array", JSON, format!("[{flat},{flat}]")),
        ("with escapes", JSON, flat.replace("tools", "t\\u006fols").replace("e\":", "\\u0065\":")),
        (
            "names with escapes",
            JSON,
            flat.replace("create", "cr\\u0065ate").replace("exp", "\\u0065xp"),
        ),
        ("an event at the end", EVENTS, format!("data: {flat}")),
        ("events with a mark", EVENTS, format!("\u{feff}data: {flat}\n\n")),
        ("an event of a kind", EVENTS, format!("event: other\ndata: {flat}\n\n")),
        ("an event with an array", EVENTS, format!("data: [{flat}]\n\n")),
        ("two events", EVENTS, format!("data: {flat}\n\ndata: {flat}\n\n")),
    ];
    for ending in ["\n", "\r", "\r\n"] {
        for before in ["data: ", "data:", "data:\t"] {
            forms.push(("events", EVENTS, events(TOOLS, before, ending)));
        }
    }
    for (what, fields, body) in forms {
        bench.answer(fields, body);
        for answer in lists(&bench) {
            assert!(answer.starts_with("HTTP/1.1 200"), "MCP-23 {what}: {answer}");
            assert!(
                answer.contains("search") && answer.contains("whoami"),
                "MCP-23 {what}: {answer}"
            );
            assert_hidden(what, &answer.replace("\\u0065", "e"));
        }
    }
}

/// MCP-24: a list in a form that is not read is an error, or the end of the stream.
#[test]
fn lists_that_cannot_be_read() {
    let bench = McpBench::new();
    let flat = TOOLS.replace('\n', "");
    let twice = |from: &str, to: &str| flat.replacen(from, &format!("{to}{from}"), 1);
    let forms: [Form<'_>; 18] = [
        ("a list twice", JSON, twice("\"tools\":", "\"tools\":[],").into()),
        ("a list twice, escaped", JSON, twice("\"tools\":", "\"t\\u006fols\":[],").into()),
        ("a result twice", JSON, twice("\"result\":", "\"result\":{},").into()),
        ("a name twice", JSON, twice("\"name\":\"export\"", "\"name\":\"search\",").into()),
        ("a map of tools", JSON, flat.replace('[', "{\"a\":[").replace(']', "]}").into()),
        ("cut off", JSON, flat[..flat.len() - 2].into()),
        ("two documents", JSON, flat.repeat(2).into()),
        ("with a mark", JSON, format!("\u{feff}{flat}").into()),
        ("not Unicode", JSON, [flat.as_bytes(), b"\xff"].concat()),
        ("in UTF-16", JSON, flat.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        (
            "encoded",
            &[("content-type", "application/json"), ("content-encoding", "gzip")],
            flat.clone().into(),
        ),
        (
            "events, encoded",
            &[("content-type", "text/event-stream"), ("content-encoding", "br")],
            format!("data: {flat}\n\n").into(),
        ),
        ("as text", &[("content-type", "text/plain")], flat.clone().into()),
        ("as another JSON", &[("content-type", "application/x-ndjson")], flat.clone().into()),
        ("without a type", &[], flat.clone().into()),
        (
            "an event, a list twice",
            EVENTS,
            format!("data: {}\n\n", twice("\"tools\":", "\"tools\":[],")).into(),
        ),
        ("an event, cut off", EVENTS, format!("data: {}", &flat[..flat.len() - 2]).into()),
        ("an event, not Unicode", EVENTS, [b"data: ", flat.as_bytes(), b"\xff\n\n"].concat()),
    ];
    for (what, fields, body) in forms {
        bench.answer(fields, body);
        for answer in lists(&bench) {
            assert_hidden(what, &answer);
            let is_error = answer.starts_with("HTTP/1.1 500");
            let is_stream = what.starts_with("an event");
            assert!(is_error || is_stream, "MCP-24 {what}: {answer}");
            assert!(!answer.contains("search"), "MCP-24 {what}: {answer}");
        }
    }
}

/// MCP-25: streams tell of no resource that the caller may not read.
#[test]
fn notifications_of_other_resources() {
    let bench = McpBench::new();
    let update = |uri: &str| {
        let method = "notifications/resources/updated";
        format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{{"uri":"{uri}"}}}}"#)
    };
    let (own, other) = (update("note://alice/1"), update("note://bob/1"));
    let listen = message(
        "subscriptions/listen",
        &format!(r#""notifications":{{"resourceSubscriptions":["note://alice/1"]}},{META}"#),
    );
    for stream in [
        format!("data: {other}\n\ndata: {own}\n\n"),
        format!("data: {own}\r\rdata:{other}\r\r"),
        format!("data: [{own},{other}]\n\n"),
        format!("data: {own}\n\ndata: {}\n\n", other.replace("updated", "upd\\u0061ted")),
        format!("data: {own}\n\ndata: {}\n\n", other.replace("bob", "b\\u006fb")),
        format!("data: {own}\n\ndata: {}\n\n", other.replace('{', "{\ndata: ")),
        format!("data: {own}\n\ndata: {}\n\n", other.replace("uri", "URI")),
        format!("data: {own}\n\ndata: {}\n\n", update("note://alice/../bob/1")),
        format!("data: {own}\n\ndata: {}\n\n", update("file:///etc/bob")),
        format!("data: {own}\n\ndata: {other}"),
    ] {
        bench.answer(EVENTS, stream.clone());
        let requests = [
            bench.modern("subscriptions/listen", None).json(&listen),
            bench.modern("tools/call", Some("search")).json(&call("search")),
            bench.bare("GET").bearer(bench.alice()),
        ];
        for request in requests {
            let answer = request.send().everything();
            assert!(answer.contains("note://alice/1"), "MCP-25 {stream}: {answer}");
            assert!(
                !answer.contains("bob") && !answer.contains("b\\u006fb"),
                "MCP-25 {stream}: {answer}"
            );
        }
    }
}

/// MCP-26: the server gets nothing that its caller could be taken for.
#[test]
fn credentials_are_not_handed_on() {
    let bench = McpBench::new();
    let session = "session-of-another";
    let request = bench.modern("tools/call", Some("search"));
    let request = request.header("dpop", "a.b.c").header("mcp-session-id", session);
    let response = request.json(&call("search")).send();
    assert_eq!(response.status, 200, "{}", response.everything());
    let got = bench.got();
    let token = bench.alice();
    for part in token.split('.').chain(["authorization", "dpop", session, "mcp-session-id"]) {
        assert!(
            !got.to_ascii_lowercase().contains(&part.to_ascii_lowercase()),
            "MCP-26 {part}: {got}"
        );
    }
}
