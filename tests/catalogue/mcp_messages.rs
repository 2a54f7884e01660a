//! Messages to an MCP server that the guard and the server could read in two ways, or that ask for more
//! than their caller may.

use super::mcp_bench::{
    DENIED, INVALID, META, MISMATCH, McpAttack, McpBench, NEEDS_WRITE, OLDER, PARAMS, PARSE,
    Refused, attack, call, message, mirrored, older_call,
};

/// Bodies, each with the fields of a call of `search`, which Alice may.
fn with_fields_of_search<'a>(
    bench: &McpBench,
    id: &'static str,
    rows: impl IntoIterator<Item = (&'a str, Refused)>,
) -> Vec<McpAttack> {
    let attack = |(body, refused)| {
        let request = bench.modern("tools/call", Some("search")).json(body);
        attack(id, body, request, refused)
    };
    rows.into_iter().map(attack).collect()
}

/// Bodies of an older client, which alone say what is asked for.
fn of_older_client<'a>(
    bench: &McpBench,
    id: &'static str,
    rows: impl IntoIterator<Item = (&'a str, Refused)>,
) -> Vec<McpAttack> {
    let attack = |(body, refused)| {
        let request = bench.post().header("mcp-protocol-version", OLDER).json(body);
        attack(id, body, request, refused)
    };
    rows.into_iter().map(attack).collect()
}

/// MCP-01: the fields name something harmless, and the body something else.
#[test]
fn fields_that_differ_from_the_body() {
    let bench = McpBench::new();
    let mut attacks = Vec::new();
    for (method, name, body) in [
        ("tools/call", Some("search"), call("create_note")),
        ("tools/call", Some("search"), call("export")),
        ("tools/call", Some("search"), call("Search")),
        ("tools/call", Some("search"), call("search ")),
        ("tools/call", Some("search"), call("search\\u0000")),
        (
            "tools/call",
            Some("search"),
            message("prompts/get", &format!(r#""name":"search",{META}"#)),
        ),
        (
            "tools/call",
            Some("search"),
            message("tools/call ", &format!(r#""name":"search",{META}"#)),
        ),
        ("tools/call", Some("search"), message("tools/call", META)),
        ("tools/call", Some("search"), message("tools/call", &format!(r#""uri":"search",{META}"#))),
        (
            "tools/call",
            Some("search"),
            message("tools/call", &format!(r#""name":["search"],{META}"#)),
        ),
        ("tools/call", Some("search"), message("tools/call", &format!(r#""name":null,{META}"#))),
        ("tools/list", None, call("create_note")),
        ("tools/list", None, call("search")),
        ("ping", None, call("create_note")),
        ("tools/list", Some("search"), message("tools/list", META)),
        ("notifications/cancelled", None, call("create_note")),
        (
            "resources/read",
            Some("note://alice/1"),
            message("resources/read", &format!(r#""uri":"note://bob/1",{META}"#)),
        ),
        (
            "resources/read",
            Some("note://alice/1"),
            message("resources/read", &format!(r#""uri":"note://alice/1 ",{META}"#)),
        ),
        // The revision, which decides how the rest is read.
        ("tools/call", Some("search"), call("search").replace("2026-07-28", "2025-11-25")),
        ("tools/call", Some("search"), call("search").replace(r#""2026-07-28""#, "20260728")),
    ] {
        let request = bench.modern(method, name).json(&body);
        attacks.push(attack("MCP-01", format!("{method} {name:?} {body}"), request, MISMATCH));
    }
    // A modern body that says that it is older, by the field or without one.
    for request in [bench.post(), bench.post().header("mcp-protocol-version", OLDER)] {
        attacks.push(attack("MCP-01", "older", request.json(&call("search")), MISMATCH));
    }
    // An older client that sends the fields as well.
    for (method, name, body) in [
        ("tools/call", "search", older_call("create_note")),
        ("tools/list", "search", older_call("search")),
    ] {
        let request = bench.post().header("mcp-protocol-version", OLDER);
        let request = request.header("mcp-method", method).header("mcp-name", name).json(&body);
        attacks.push(attack("MCP-01", format!("older, {method}"), request, MISMATCH));
    }
    bench.play(attacks);
}

/// MCP-02: fields that are missing, there twice, or not of their form.
#[test]
fn fields_that_say_nothing_or_two_things() {
    let bench = McpBench::new();
    let body = call("search");
    let mut attacks = Vec::new();
    for (what, fields, refused) in [
        ("no method", &[("mcp-protocol-version", "2026-07-28")][..], MISMATCH),
        ("an unknown revision", &[("mcp-protocol-version", "2099-01-01")], MISMATCH),
        ("a revision in another case", &[("mcp-protocol-version", "2025-11-25X")], MISMATCH),
        ("no revision", &[("mcp-protocol-version", "")], MISMATCH),
        (
            "two revisions",
            &[("mcp-protocol-version", "2025-11-25"), ("mcp-protocol-version", "2026-07-28")],
            MISMATCH,
        ),
        (
            "no name",
            &[("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call")],
            MISMATCH,
        ),
        (
            "an empty name",
            &[
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "tools/call"),
                ("mcp-name", ""),
            ],
            MISMATCH,
        ),
        (
            "an empty method",
            &[("mcp-protocol-version", "2026-07-28"), ("mcp-method", ""), ("mcp-name", "search")],
            MISMATCH,
        ),
        (
            "a name twice",
            &[
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "tools/call"),
                ("mcp-name", "search"),
                ("Mcp-Name", "search"),
            ],
            MISMATCH,
        ),
        (
            "two names",
            &[
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "tools/call"),
                ("mcp-name", "whoami"),
                ("mcp-name", "create_note"),
            ],
            MISMATCH,
        ),
        (
            "two methods",
            &[
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "ping"),
                ("mcp-method", "tools/call"),
                ("mcp-name", "search"),
            ],
            MISMATCH,
        ),
        (
            "a list of names",
            &[
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "tools/call"),
                ("mcp-name", "search, create_note"),
            ],
            DENIED,
        ),
        (
            "a method in another case",
            &[
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "Tools/Call"),
                ("mcp-name", "search"),
            ],
            DENIED,
        ),
    ] {
        let fields = fields.iter();
        let request =
            fields.fold(bench.post(), |request, (name, value)| request.header(name, value));
        attacks.push(attack("MCP-02", what, request.json(&body), refused));
    }
    bench.play(attacks);
}

/// MCP-03: the Base64 form of names has one spelling, and is decoded once.
#[test]
fn names_in_base64() {
    let bench = McpBench::new();
    for name in ["=?base64?Y2Fmw6k=?=", "=?base64?c2VhcmNo?="] {
        let tool = if name.contains("c2Vh") { "search" } else { "café" };
        let response = bench.modern("tools/call", Some(name)).json(&call(tool)).send();
        assert_eq!(response.status, 200, "{name}: {}", response.everything());
    }
    let mut attacks = Vec::new();
    for (what, name, tool, refused) in [
        ("without padding", "=?base64?Y2Fmw6k?=", "café", MISMATCH),
        ("too much padding", "=?base64?c2VhcmNo====?=", "search", MISMATCH),
        ("other bits at the end", "=?base64?Y2Fmw6l=?=", "café", MISMATCH),
        ("a space inside", "=?base64?c2Vh cmNo?=", "search", MISMATCH),
        ("of another alphabet", "=?base64?c2Vhcm-_?=", "search", MISMATCH),
        ("not Unicode", "=?base64?/w==?=", "search", MISMATCH),
        ("an overlong slash", "=?base64?wK8=?=", "search", MISMATCH),
        ("two forms", "=?base64?c2Vh?==?base64?cmNo?=", "search", MISMATCH),
        ("a name without a rule", "=?base64?ZXhwb3J0?=", "export", DENIED),
        ("a name for others", "=?base64?Y3JlYXRlX25vdGU=?=", "create_note", NEEDS_WRITE),
        ("the form of the form", "=?base64?PT9iYXNlNjQ/YzJWaGNtTm8/PQ==?=", "search", DENIED),
        ("in capitals", "=?BASE64?c2VhcmNo?=", "search", DENIED),
        ("not closed", "=?base64?c2VhcmNo", "search", DENIED),
        ("nothing", "=?base64??=", "", DENIED),
        ("a NUL", "=?base64?c2VhcmNoAA==?=", "search", DENIED),
        ("of a word of mail", "=?utf-8?B?c2VhcmNo?=", "search", DENIED),
        ("another name than in the body", "=?base64?c2VhcmNo?=", "create_note", MISMATCH),
        ("the name itself, which is not ASCII", "café", "café", MISMATCH),
    ] {
        let request = bench.modern("tools/call", Some(name)).json(&call(tool));
        attacks.push(attack("MCP-03", what, request, refused));
    }
    bench.play(attacks);
}

/// MCP-04: what the caller may not is refused, named by the fields or by the body.
#[test]
fn operations_that_the_caller_may_not() {
    let bench = McpBench::new();
    let mut attacks = Vec::new();
    for (method, name, member, refused) in [
        ("tools/call", "create_note", "name", NEEDS_WRITE),
        ("tools/call", "delete_note", "name", NEEDS_WRITE),
        ("tools/call", "export", "name", DENIED),
        ("tools/call", "SEARCH", "name", DENIED),
        ("tools/call", "search/", "name", DENIED),
        ("tools/call", "__proto__", "name", DENIED),
        ("tools/call", "*", "name", DENIED),
        ("tools/call", "summary", "name", DENIED),
        ("prompts/get", "audit", "name", DENIED),
        ("prompts/get", "search", "name", DENIED),
        ("resources/read", "note://bob/1", "uri", DENIED),
        ("resources/read", "file:///etc/passwd", "uri", DENIED),
        ("resources/subscribe", "note://bob/1", "uri", DENIED),
        ("resources/unsubscribe", "note://bob/1", "uri", DENIED),
        ("logging/setLevel", "", "level", DENIED),
        ("tasks/result", "", "taskId", DENIED),
        ("sampling/createMessage", "", "x", DENIED),
        ("tools/calls", "search", "name", DENIED),
        ("tools/call/", "search", "name", DENIED),
        ("", "search", "name", DENIED),
    ] {
        let params = format!(r#""{member}":"{name}""#);
        let older = bench.post().header("mcp-protocol-version", OLDER);
        let what = format!("{method} {name}");
        attacks.push(attack("MCP-04", &what, older.json(&message(method, &params)), refused));
        if !method.is_empty() {
            let body = message(method, &format!("{params},{META}"));
            let request = bench.modern(method, Some(name).filter(|name| !name.is_empty()));
            attacks.push(attack("MCP-04", what, request.json(&body), refused));
        }
    }
    // What looks like something else is still a call.
    attacks.extend(of_older_client(
        &bench,
        "MCP-04",
        [
            (r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"create_note"}}"#, NEEDS_WRITE),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"create_note","task":{"ttl":1}}}"#,
                NEEDS_WRITE,
            ),
            (
                r#"{"params":{"name":"cre\u0061te_note"},"m\u0065thod":"tools\/call","id":1,"jsonrpc":"2.0"}"#,
                NEEDS_WRITE,
            ),
        ],
    ));
    bench.play(attacks);
}

/// MCP-05: completions and subscriptions tell of what they are about.
#[test]
fn completions_and_subscriptions() {
    let bench = McpBench::new();
    let mut attacks = Vec::new();
    for (of, refused) in [
        (r#"{"type":"ref/prompt","name":"audit"}"#, DENIED),
        (r#"{"type":"ref/prompt","name":"search"}"#, DENIED),
        (r#"{"type":"ref/resource","uri":"note://bob/1"}"#, DENIED),
        (r#"{"type":"ref/resource","uri":"file:///etc/{+path}"}"#, DENIED),
        (r#"{"type":"ref/resource","uri":"file:///{+path}"}"#, DENIED),
        (r#"{"type":"ref/tool","name":"search"}"#, PARAMS),
        (r#"{"type":"ref/resource","name":"summary"}"#, PARAMS),
        (r#"{"name":"summary"}"#, PARAMS),
        (r#"{"type":"ref/prompt","name":"summary","Name":"audit"}"#, INVALID),
        (r#""summary""#, PARAMS),
    ] {
        let argument = r#""argument":{"name":"a","value":"b"}"#;
        let body = message("completion/complete", &format!(r#""ref":{of},{argument},{META}"#));
        let request = bench.modern("completion/complete", None).json(&body);
        attacks.push(attack("MCP-05", of, request, refused));
    }
    for (filter, refused) in [
        (r#"{"resourceSubscriptions":["note://bob/1"]}"#, DENIED),
        (r#"{"resourceSubscriptions":["note://alice/1","note://bob/1"]}"#, DENIED),
        (r#"{"toolsListChanged":true,"resourceSubscriptions":["file:///etc/passwd"]}"#, DENIED),
        (r#"{"ResourceSubscriptions":["note://bob/1"]}"#, DENIED),
        (r#"{"resourceSubscriptions":"note://bob/1"}"#, PARAMS),
        (r#"{"resourceSubscriptions":[["note://bob/1"]]}"#, PARAMS),
        (r#"{"resourceSubscriptions":[{"uri":"note://bob/1"}]}"#, PARAMS),
        (r#"["note://bob/1"]"#, PARAMS),
        (r#"{"tasks":["1"]}"#, DENIED),
    ] {
        let body = message("subscriptions/listen", &format!(r#""notifications":{filter},{META}"#));
        let request = bench.modern("subscriptions/listen", None).json(&body);
        attacks.push(attack("MCP-05", filter, request, refused));
    }
    bench.play(attacks);
}

/// MCP-06: a member that is there twice, at whatever depth and however it is spelled.
#[test]
fn members_that_are_there_twice() {
    let bench = McpBench::new();
    let rows = [
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"ping","params":{{"name":"search",{META}}}}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","m\u0065thod":"ping","params":{{"name":"search",{META}}}}}"#),
        format!(r#"{{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"search",{META}}}}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/call","params":{{"name":"search",{META}}}}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"search",{META}}},"params":{{"name":"create_note",{META}}}}}"#),
        call("search").replace(r#""arguments""#, r#""name":"create_note","arguments""#),
        call("search").replace(r#""arguments""#, r#""n\u0061me":"create_note","arguments""#),
        call("search").replace(r#""arguments""#, r#""name":"search","arguments""#),
        call("search").replace("{}", r#"{"a":1,"a":2}"#),
        call("search").replace("{}", r#"{"a":[{"b":{"c":1,"\u0063":1}}]}"#),
        call("search").replace(META, &format!("{META},{META}")),
        call("search").replace(META, r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol\/protocolVersion":"2025-11-25"}"#),
    ];
    bench.play(with_fields_of_search(
        &bench,
        "MCP-06",
        rows.iter().map(|row| (row.as_str(), PARSE)),
    ));
}

/// MCP-07: names that a reader without regard to case would take for others.
#[test]
fn members_in_another_case() {
    let bench = McpBench::new();
    let rows = [
        call("search").replace(r#""arguments""#, r#""Name":"create_note","arguments""#),
        call("search").replace(r#""arguments""#, r#""NAME":"create_note","arguments""#),
        call("search").replace(r#""arguments""#, r#""n\u0041me":"create_note","arguments""#),
        call("search").replace(r#""arguments""#, r#""URI":"note://bob/1","arguments""#),
        call("search").replace(r#""arguments""#, r#""_META":{},"arguments""#),
        call("search").replace(r#""id":1"#, r#""id":1,"Method":"ping""#),
        call("search").replace(r#""id":1"#, r#""id":1,"ID":2"#),
        call("search").replace(r#""id":1"#, r#""id":1,"JSONRPC":"2.0""#),
        call("search").replace(r#""id":1"#, r#""id":1,"Params":{"name":"create_note"}"#),
        call("search").replace(r#""id":1"#, r#""id":1,"param\u017f":{"name":"create_note"}"#),
        call("search").replace(r#""id":1"#, r#""id":1,"reſult":{}"#),
        call("search").replace(r#""method""#, r#""METHOD""#),
        call("search").replace(r#""name""#, r#""Name""#),
    ];
    bench.play(with_fields_of_search(
        &bench,
        "MCP-07",
        rows.iter().map(|row| (row.as_str(), INVALID)),
    ));
}

/// MCP-08: bodies that are not one JSON document in UTF-8.
#[test]
fn bodies_that_are_not_one_document() {
    let bench = McpBench::new();
    let good = call("search");
    let deep = |depth: usize| {
        good.replace("{}", &format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth)))
    };
    let mut rows: Vec<Vec<u8>> = [
        String::new(),
        " ".into(),
        format!("\u{feff}{good}"),
        format!("{good}{good}"),
        format!("{good}\n{good}"),
        format!("{good} x"),
        format!("{good}\u{0}"),
        format!("{good},"),
        format!("//\n{good}"),
        format!("/**/{good}"),
        format!("{good}\u{2028}"),
        format!(")]}}'\n{good}"),
        format!("data: {good}\n\n"),
        good.replace('"', "'"),
        good.replace("{}", "{\"a\":1,}"),
        good.replace("{}", "{\"a\":NaN}"),
        good.replace("{}", "{\"a\":01}"),
        good.replace("{}", "{\"a\":1e999}"),
        good.replace("{}", "{\"a\":\"\n\"}"),
        good.replace("{}", r#"{"a":"\ud800"}"#),
        good.replace("{}", r#"{"a":"\x41"}"#),
        good[..good.len() - 1].into(),
        deep(130),
        "[".repeat(4000),
        "{\"a\":".repeat(800),
    ]
    .into_iter()
    .map(String::into_bytes)
    .collect();
    let with_byte = |byte: &[u8]| {
        let (before, after) = good.split_once("{}").unwrap();
        [before.as_bytes(), b"{\"a\":\"", byte, b"\"}", after.as_bytes()].concat()
    };
    rows.extend([
        with_byte(b"\xff"),
        with_byte(b"\xc0\xae"),
        with_byte(b"\xed\xa0\x80"),
        good.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        good.encode_utf16().flat_map(u16::to_be_bytes).collect(),
    ]);
    bench.play(rows.into_iter().map(|body| {
        let request = bench
            .modern("tools/call", Some("search"))
            .header("content-type", "application/json")
            .header("content-length", body.len().to_string());
        let what = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        attack("MCP-08", what, request.raw_body(body), PARSE)
    }));
}

/// MCP-09: documents that are not a message of this revision.
#[test]
fn documents_that_are_not_a_message() {
    let bench = McpBench::new();
    let good = call("search");
    let long = format!("\"{}\"", "x".repeat(2000));
    let rows = [
        "1".into(),
        "null".into(),
        "\"tools/call\"".into(),
        "[]".into(),
        format!("[{good}]"),
        format!("[{good},{good}]"),
        good.replace(r#""jsonrpc":"2.0","#, ""),
        good.replace(r#""2.0""#, "2.0"),
        good.replace(r#""2.0""#, r#""1.0""#),
        good.replace(r#""2.0""#, r#""2.0 ""#),
        good.replace(r#""id":1"#, r#""id":null"#),
        good.replace(r#""id":1"#, r#""id":1.5"#),
        good.replace(r#""id":1"#, r#""id":1.0"#),
        good.replace(r#""id":1"#, r#""id":1e2"#),
        good.replace(r#""id":1"#, r#""id":true"#),
        good.replace(r#""id":1"#, r#""id":{}"#),
        good.replace(r#""id":1"#, r#""id":["#).replace(",\"method\"", "],\"method\""),
        good.replace(r#""id":1"#, &format!(r#""id":{long}"#)),
        good.replace(r#""tools/call""#, "null"),
        good.replace(r#""tools/call""#, "1"),
        good.replace(r#""tools/call""#, r#"["tools/call"]"#),
        good.replace(r#""method":"tools/call","#, ""),
        good.replace(r#""id":1"#, r#""id":1,"result":{}"#),
        good.replace(r#""id":1"#, r#""id":1,"error":{"code":1,"message":"x"}"#),
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#.into(),
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}"#.into(),
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["search"]}"#.into(),
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":null}"#.into(),
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":"search"}"#.into(),
    ];
    let modern =
        with_fields_of_search(&bench, "MCP-09", rows.iter().map(|row| (row.as_str(), INVALID)));
    bench.play(modern);
    bench.play(of_older_client(
        &bench,
        "MCP-09",
        [
            (r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#, INVALID),
            (r#"{"jsonrpc":"2.0","result":{}}"#, INVALID),
            (r#"{"jsonrpc":"2.0","id":null,"result":{}}"#, INVALID),
            (r#"{"jsonrpc":"2.0","id":1,"result":{},"params":{"name":"create_note"}}"#, INVALID),
            (r#"{"jsonrpc":"2.0","id":1,"Method":"tools/call","result":{}}"#, INVALID),
            (r#"{"jsonrpc":"2.0","id":1}"#, INVALID),
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#, PARAMS),
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}"#, PARAMS),
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":7}}"#, PARAMS),
            (r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"name":"note://alice/1"}}"#, PARAMS),
        ],
    ));
}

/// MCP-10: of a batch every message is decided before one passes, and only one revision has batches.
#[test]
fn batches() {
    let bench = McpBench::new();
    let ping = message("ping", "");
    let (search, create, export) =
        (older_call("search"), older_call("create_note"), older_call("export"));
    let batch = |messages: &[&str]| format!("[{}]", messages.join(","));
    let accepted = bench.post().json(&batch(&[&ping, &search])).send();
    assert_eq!(accepted.status, 200, "{}", accepted.everything());
    let many = vec![ping.as_str(); 33];
    let mut attacks = Vec::new();
    for (body, refused) in [
        (batch(&[&ping, &create]), NEEDS_WRITE),
        (batch(&[&create, &ping]), NEEDS_WRITE),
        (batch(&[&search, &search, &export]), DENIED),
        (batch(&[&ping, &create.replace(r#""id":1,"#, "")]), NEEDS_WRITE),
        (batch(&many), INVALID),
        ("[]".into(), INVALID),
        (format!("[{}]", batch(&[&ping])), INVALID),
        (batch(&[&ping, "null"]), INVALID),
        (batch(&[&ping, "1"]), INVALID),
        (batch(&[&ping, &search.replace("params", "Params")]), INVALID),
        (batch(&[&ping, &search.replace(r#""name""#, r#""name":"search","name""#)]), PARSE),
        (batch(&[&ping, &call("search")]), MISMATCH),
        (format!("[{ping}]{ping}"), PARSE),
    ] {
        for request in [bench.post(), bench.post().header("mcp-protocol-version", "2025-03-26")] {
            attacks.push(attack("MCP-10", &body, request.json(&body), refused));
        }
    }
    for revision in ["2024-11-05", "2025-06-18", OLDER] {
        let request = bench.post().header("mcp-protocol-version", revision);
        attacks.push(attack("MCP-10", revision, request.json(&batch(&[&ping])), INVALID));
    }
    let modern = mirrored(bench.post(), "ping", None).json(&format!("[{}]", message("ping", META)));
    attacks.push(attack("MCP-10", "modern", modern, INVALID));
    bench.play(attacks);
}

/// MCP-11: URIs that a server could resolve to another resource than the one that was decided about.
#[test]
fn resources_by_other_spellings() {
    let bench = McpBench::new();
    let read = |uri: &str| {
        let body =
            message("resources/read", &format!(r#""uri":{},{META}"#, serde_json::json!(uri)));
        let request = bench.modern("resources/read", Some(uri)).json(&body);
        let older = message("resources/read", &format!(r#""uri":{}"#, serde_json::json!(uri)));
        [request, bench.post().json(&older)]
    };
    for request in read("note://alice/1").into_iter().chain(read("file:///pub/a/b.md")) {
        assert_eq!(request.send().status, 200);
    }
    let uris = [
        "note://alice/..",
        "note://alice/.",
        "note://alice/../bob/1",
        "note://alice/%2e%2e",
        "note://alice/%2E.",
        "note://alice/..%2fbob%2f1",
        "note://alice/%252e%252e",
        "note://alice/a%2f..%2f..",
        "note://alice/..\\bob",
        "note://alice/a%5cb",
        "note://alice/1?user=bob",
        "note://alice/1#x",
        "note://alice/1%3fx",
        "note://alice/1%00",
        "note://alice/1/2",
        "note://alice/",
        "note://alice",
        "note:///1",
        "note://bob/1",
        "note://ALICE/1",
        "note://alice%20/1",
        "note://%61lice/1",
        "note://bob@alice/1",
        "NOTE://alice/1",
        "note:/alice/1",
        "file:///pub/../etc/passwd",
        "file:///pub/a/../../etc/passwd",
        "file:///pub/%2e%2e/etc/passwd",
        "file:///pub/..%5c..%5cetc",
        "file:///pub//../etc/passwd",
        "file:///pub//etc/passwd",
        "file:///pub/a//b",
        "file:///pub/%61",
        "file:///pub/a/..",
        "file:///pub/",
        "file://host/pub/a",
        "file:///PUB/a",
    ];
    let attack =
        |uri: &'static str| read(uri).map(|request| attack("MCP-11", uri, request, DENIED));
    bench.play(uris.into_iter().flat_map(attack));
}
