//! Requests to an MCP server whose message is in order, and whose HTTP is not.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jwt_verify_tests::{Authority, Identity, Request, setting};

use super::mcp_bench::{
    DENIED, MAX_BODY, MISMATCH, MODERN, McpBench, NEEDS_WRITE, OLDER, PARSE, Refused, attack, call,
    message, mirrored, older_call,
};

/// MCP-12: no credential, or one that does not count here.
#[test]
fn callers_without_a_valid_token() {
    let bench = McpBench::new();
    let body = call("search");
    let post = |request: Request| mirrored(request, "tools/call", Some("search")).json(&body);
    let expired = bench.reader("alice").claim("exp", 1).sign(&bench.bed.key);
    let other = jwt_verify_tests::SigningKey::new(jwt_verify::Algorithm::ES256, "key-1");
    let mut attacks = Vec::new();
    for (what, request) in [
        ("none", bench.bare("POST")),
        ("expired", bench.bare("POST").bearer(expired)),
        ("of another key", bench.bare("POST").bearer(bench.reader("alice").sign(&other))),
        ("not a token", bench.bare("POST").bearer("session-of-the-server")),
        ("another scheme", bench.bare("POST").header("authorization", "Basic YWxpY2U6eA==")),
        ("in the URL", {
            let path = format!("/mcp?access_token={}", bench.alice());
            bench.server.request("POST", &path)
        }),
        ("in a cookie", bench.bare("POST").header("cookie", format!("token={}", bench.alice()))),
    ] {
        attacks.push(attack("MCP-12", what, post(request), Refused::Unauthenticated));
    }
    // A message that could not be read either, which its sender does not learn.
    for (what, request) in [
        ("an older client", bench.bare("POST").json(&older_call("search"))),
        (
            "a rule that refuses",
            mirrored(bench.bare("POST"), "tools/call", Some("export")).json("x"),
        ),
        ("fields that are missing", bench.bare("POST").header("mcp-protocol-version", MODERN)),
        ("another type", bench.bare("POST").body("text/plain", "x")),
        ("a batch", bench.bare("POST").json("[]")),
        ("a session", bench.bare("POST").header("mcp-session-id", "session-of-the-server")),
    ] {
        attacks.push(attack("MCP-12", what, request, Refused::Unauthenticated));
    }
    let twice = bench.post().bearer(bench.alice());
    let response = bench.unreached("twice", || post(twice).send());
    assert_eq!(response.status, 400, "MCP-12: {}", response.everything());
    bench.play(attacks);
}

/// MCP-13: a token for another server.
#[test]
fn tokens_for_other_servers() {
    let bench = McpBench::new();
    let audience = jwt_verify_tests::AUDIENCE;
    let attacks = [
        "https://other.example/mcp".to_owned(),
        format!("{audience}.evil.example"),
        format!("{audience}x"),
        audience.to_uppercase(),
        String::new(),
    ]
    .map(|other| {
        let token = bench.reader("alice").claim("aud", other.as_str()).sign(&bench.bed.key);
        let request = mirrored(bench.bare("POST").bearer(token), "tools/call", Some("search"));
        let request = request.json(&call("search"));
        attack("MCP-13", other, request, Refused::Unauthenticated)
    });
    bench.play(attacks);
}

/// MCP-14: the page of another origin, as after DNS rebinding, with or without a token.
#[test]
fn pages_of_other_origins() {
    let bench = McpBench::new();
    let admitted = ["https://mcp.example", "https://app.example", "https://MCP.example:443"];
    // A header that a proxy may have added does not count for pages of other origins than the server's.
    let is_by_proxy = setting::header("").0 != "authorization";
    for origin in admitted.into_iter().filter(|_| !is_by_proxy) {
        let request = bench.modern("tools/call", Some("search")).header("origin", origin);
        assert_eq!(request.json(&call("search")).send().status, 200, "{origin}");
    }
    let mut attacks = Vec::new();
    for origin in [
        "null",
        "",
        "https://evil.example",
        "http://mcp.example",
        "https://mcp.example:8443",
        "https://mcp.example.evil.example",
        "https://evilmcp.example",
        "https://evil.example/https://mcp.example",
        "https://evil.example#https://mcp.example",
        "https://mcp.example@evil.example",
        "https://user@mcp.example",
        "https://mcp.example.",
        "https://mcp.example:",
        "https://mcp.example/",
        "https://mcp.example/mcp",
        "https://mcp.example https://evil.example",
        "https://mcp.example, https://evil.example",
        "https:mcp.example",
        "//mcp.example",
        "mcp.example",
        "file://",
        "https://sub.app.example",
        "https://app.example:80",
        "https://mcp.ex\u{e4}mple",
    ] {
        let request = bench.modern("tools/call", Some("search")).header("origin", origin);
        let request = request.json(&call("search"));
        attacks.push(attack("MCP-14", origin, request, Refused::Status(403)));
        let request = bench.bare("POST").header("origin", origin).json("x");
        attacks.push(attack("MCP-14", origin, request, Refused::Status(403)));
    }
    for method in ["GET", "DELETE", "PUT", "OPTIONS"] {
        let request = bench.bare(method).bearer(bench.alice()).header("origin", "null");
        attacks.push(attack("MCP-14", method, request, Refused::Status(403)));
    }
    let post = || bench.modern("tools/call", Some("search"));
    let two =
        post().header("origin", "https://mcp.example").header("origin", "https://mcp.example");
    attacks.push(attack("MCP-14", "two", two.json(&call("search")), Refused::Status(403)));
    // The name by which the page reaches the server is the attacker's.
    let rebound = post().host("evil.example").header("origin", "http://evil.example");
    attacks.push(attack("MCP-14", "rebound", rebound.json(&call("search")), Refused::Status(403)));
    let forwarded = post()
        .header("x-forwarded-host", "evil.example")
        .header("forwarded", "host=evil.example;proto=https")
        .header("origin", "https://evil.example");
    let forwarded = forwarded.json(&call("search"));
    attacks.push(attack("MCP-14", "forwarded", forwarded, Refused::Status(403)));
    bench.play(attacks);
}

/// MCP-15: other methods carry no message, whatever other fields say that they are.
#[test]
fn other_methods() {
    let bench = McpBench::new();
    let mut attacks = Vec::new();
    for method in ["PUT", "PATCH", "OPTIONS", "QUERY", "post", "PROPFIND", "TRACE"] {
        for token in [None, Some(bench.alice())] {
            let request = match token {
                Some(token) => bench.bare(method).bearer(token),
                None => bench.bare(method),
            };
            let request = mirrored(request, "tools/call", Some("search"))
                .header("x-http-method-override", "POST")
                .header("x-http-method", "POST")
                .header("x-method-override", "POST")
                .json(&call("search"));
            attacks.push(attack("MCP-15", method, request, Refused::Status(405)));
        }
    }
    bench.play(attacks);
    let head = mirrored(bench.bare("HEAD").bearer(bench.alice()), "tools/call", Some("search"));
    let response = bench.unreached("HEAD", || head.send());
    assert_eq!(response.status, 405, "MCP-15: {}", response.everything());
}

/// MCP-16: bodies of another type, or encoded, so that the server would read other bytes.
#[test]
fn bodies_of_other_types() {
    let bench = McpBench::new();
    let body = call("search");
    let length = body.len().to_string();
    let mut attacks = Vec::new();
    let types: [&[&str]; 17] = [
        &[],
        &[""],
        &["text/plain"],
        &["text/json"],
        &["application/jsonp"],
        &["application/json5"],
        &["application/json-patch+json"],
        &["application/ld+json"],
        &["application/x-www-form-urlencoded"],
        &["multipart/form-data; boundary=x"],
        &["text/event-stream"],
        &["application/json, text/plain"],
        &["application/json; charset=utf-16"],
        &["application/json; charset=iso-8859-1"],
        &["application/json; charset=utf-7; charset=utf-8"],
        &["application/json", "application/json"],
        &["application/json", "text/plain"],
    ];
    for types in types {
        let request =
            types.iter().fold(bench.modern("tools/call", Some("search")), |request, value| {
                request.header("content-type", value)
            });
        let request = request.header("content-length", &length).raw_body(&body);
        attacks.push(attack("MCP-16", types.join(" "), request, Refused::Status(415)));
    }
    for encodings in
        [&["gzip"][..], &["br"], &["deflate"], &["identity, gzip"], &["x"], &["identity", "gzip"]]
    {
        let request =
            encodings.iter().fold(bench.modern("tools/call", Some("search")), |request, value| {
                request.header("content-encoding", value)
            });
        attacks.push(attack(
            "MCP-16",
            encodings.join(" "),
            request.json(&body),
            Refused::Status(415),
        ));
    }
    bench.play(attacks);
}

/// MCP-17: a body that is too large, announced or not.
#[test]
fn bodies_that_are_too_large() {
    let bench = McpBench::new();
    let body = call("search").replace("{}", &format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_BODY)));
    let post = || bench.modern("tools/call", Some("search"));
    let chunked = |chunks: &[&[u8]]| {
        let mut coded = Vec::new();
        for chunk in chunks {
            coded.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            coded.extend_from_slice(chunk);
            coded.extend_from_slice(b"\r\n");
        }
        coded.extend_from_slice(b"0\r\n\r\n");
        let request = post().header("content-type", "application/json");
        request.header("transfer-encoding", "chunked").raw_body(coded)
    };
    let small = call("search");
    assert_eq!(chunked(&[&small.as_bytes()[..40], &small.as_bytes()[40..]]).send().status, 200);
    let pieces: Vec<&[u8]> = body.as_bytes().chunks(7).collect();
    bench.play([
        attack("MCP-17", "announced", post().json(&body), Refused::Status(413)),
        attack("MCP-17", "one chunk", chunked(&[body.as_bytes()]), Refused::Status(413)),
        attack("MCP-17", "many chunks", chunked(&pieces), Refused::Status(413)),
        attack(
            "MCP-17",
            "white space",
            post().json(&format!("{}{small}", " ".repeat(MAX_BODY))),
            Refused::Status(413),
        ),
    ]);
    // Nothing of it is awaited.
    let huge =
        post().header("content-type", "application/json").header("content-length", "4000000000");
    let response = bench.unreached("MCP-17", || huge.send_head(PROMPT)).unwrap();
    bench.check("MCP-17 a length alone", &response, Refused::Status(413));
}

/// Longer than any answer takes that waits for nothing.
const PROMPT: Duration = Duration::from_secs(20);

/// MCP-18: a caller who is refused by the head gets the answer while the body is still to come.
#[test]
fn bodies_of_refused_callers_are_not_read() {
    let bench = McpBench::new();
    let announced = |request: Request| {
        request.header("content-type", "application/json").header("content-length", "4000")
    };
    // Who may do it has to send the body.
    let waiting = announced(bench.modern("tools/call", Some("search")));
    assert!(waiting.send_head(Duration::from_millis(500)).is_none(), "the body is not awaited");
    let fields = |request| mirrored(request, "tools/call", Some("search"));
    for (what, request, refused) in [
        ("no token", announced(fields(bench.bare("POST"))), Refused::Unauthenticated),
        ("no token and no fields", announced(bench.bare("POST")), Refused::Unauthenticated),
        (
            "a bad token",
            announced(fields(bench.bare("POST").bearer("x.y.z"))),
            Refused::Unauthenticated,
        ),
        ("no rule", announced(bench.modern("tools/call", Some("export"))), DENIED),
        ("no scope", announced(bench.modern("tools/call", Some("create_note"))), NEEDS_WRITE),
        ("a method without a rule", announced(bench.modern("tasks/list", None)), DENIED),
        (
            "another's resource",
            announced(bench.modern("resources/read", Some("note://bob/1"))),
            DENIED,
        ),
        ("no name", announced(bench.modern("tools/call", None)), MISMATCH),
        ("another origin", announced(bench.post().header("origin", "null")), Refused::Status(403)),
        (
            "another method",
            announced(bench.bare("PUT").bearer(bench.alice())),
            Refused::Status(405),
        ),
        (
            "another type",
            bench.post().header("content-type", "text/plain").header("content-length", "4000"),
            Refused::Status(415),
        ),
    ] {
        for expect in [None, Some("100-continue")] {
            let request = match expect {
                Some(value) => request.clone().header("expect", value),
                None => request.clone(),
            };
            let label = format!("MCP-18 {what} {expect:?}");
            let begun = Instant::now();
            let response = bench.unreached(&label, || request.send_head(PROMPT));
            let response = response.unwrap_or_else(|| panic!("{label}: no answer"));
            bench.check(&label, &response, refused);
            assert!(begun.elapsed() < PROMPT / 2, "{label}");
        }
    }
    bench.control();
}

/// MCP-19: the same over HTTP/2.
#[test]
fn attacks_over_http_2() {
    let authority = Authority::new();
    let bench = McpBench::tls(authority.certify("localhost").asking_config(&authority));
    let mut config = (*Identity::client_config(&authority, None)).clone();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let config = Arc::new(config);
    let url = format!("https://localhost:{}/mcp", bench.server.address().port());
    let (name, value) = setting::header(&bench.alice());
    let send = |has_token: bool, fields: &[(&'static str, &str)], body: &str| {
        let fields: Vec<(&str, String)> =
            fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let (url, value, body, config) =
            (url.clone(), value.clone(), body.to_owned(), config.clone());
        actix_web::rt::System::new().block_on(async move {
            let connector = awc::Connector::new().rustls_0_23(config);
            let client = awc::Client::builder().connector(connector).finish();
            let mut request = client.post(url).insert_header(("content-type", "application/json"));
            if has_token {
                request = request.insert_header((name, value));
            }
            for (name, value) in fields {
                request = request.append_header((name, value));
            }
            let mut response = request.send_body(body).await.unwrap();
            assert_eq!(response.version(), actix_web::http::Version::HTTP_2);
            let json: serde_json::Value = response.json().await.unwrap();
            (response.status().as_u16(), json["error"]["code"].as_i64())
        })
    };
    let search =
        [("mcp-protocol-version", MODERN), ("mcp-method", "tools/call"), ("mcp-name", "search")];
    let of = |name: &'static str| [search[0], search[1], ("mcp-name", name)];
    assert_eq!(send(true, &search, &call("search")), (200, None));
    let twice = [&search[..], &[("mcp-name", "create_note")]].concat();
    let evil = [&search[..], &[("origin", "https://evil.example")]].concat();
    let encoded = [&search[..], &[("content-encoding", "gzip")]].concat();
    for (what, has_token, fields, body, status, code) in [
        ("no token", false, &search[..], call("search"), 401, 401),
        ("no scope", true, &of("create_note"), call("create_note"), 403, 403),
        ("no rule", true, &of("export"), call("export"), 403, 403),
        ("another name", true, &search, call("create_note"), 400, -32020),
        ("two names", true, &twice, call("search"), 400, -32020),
        ("an older client", true, &[], older_call("create_note"), 403, 403),
        ("two documents", true, &search, call("search").repeat(2), 400, -32700),
        ("a batch", true, &search, format!("[{}]", call("search")), 400, -32600),
        ("another origin", true, &evil, call("search"), 403, 403),
        ("encoded", true, &encoded, call("search"), 415, 415),
        ("too large", true, &search, " ".repeat(MAX_BODY + 1), 413, 413),
    ] {
        let label = format!("MCP-19 {what}");
        let answer = bench.unreached(&label, || send(has_token, fields, &body));
        assert_eq!(answer, (status, Some(code)), "{label}");
    }
}

/// MCP-20: a session belongs to the caller who began it.
#[test]
fn sessions_of_other_callers() {
    let bench = McpBench::new();
    let as_ = |subject: &str, method: &str, session: &str| {
        let token = bench.reader(subject).sign(&bench.bed.key);
        let request = bench.bare(method).bearer(token).header("mcp-protocol-version", OLDER);
        request.header("mcp-session-id", session)
    };
    let begin = |subject: &str| {
        let token = bench.reader(subject).sign(&bench.bed.key);
        let response = bench.bare("POST").bearer(token).json(&message("initialize", "")).send();
        response.header("mcp-session-id").unwrap().to_owned()
    };
    let (alices, bobs) = (begin("alice"), begin("bob"));
    assert_ne!(alices, bobs);
    let ping = message("ping", "");
    for request in [
        as_("alice", "POST", &alices).json(&ping),
        as_("alice", "GET", &alices),
        as_("alice", "DELETE", &alices),
        as_("bob", "POST", &bobs).json(&ping),
    ] {
        let response = request.send();
        assert_eq!(response.status, 200, "{}", response.everything());
    }
    let (inner, tag) = alices.rsplit_once('.').unwrap();
    let (_, other_tag) = bobs.rsplit_once('.').unwrap();
    let mut attacks = Vec::new();
    for (what, session) in [
        ("Bob's", bobs.clone()),
        ("without a tag", inner.to_owned()),
        ("an empty tag", format!("{inner}.")),
        ("Bob's tag", format!("{inner}.{other_tag}")),
        ("a shorter tag", format!("{inner}.{}", &tag[..tag.len() - 1])),
        ("a longer tag", format!("{inner}.{tag}A")),
        ("padding", format!("{inner}.{tag}=")),
        ("another session", format!("{inner}x.{tag}")),
        ("a tag in another case", format!("{inner}.{}", swapped(tag))),
        ("twice the tag", format!("{inner}.{tag}.{tag}")),
        ("a tag alone", format!(".{tag}")),
        ("nothing", String::new()),
        ("a list", format!("{alices}, {bobs}")),
    ] {
        for method in ["POST", "GET", "DELETE"] {
            let request = as_("alice", method, &session);
            let request = if method == "POST" { request.json(&ping) } else { request };
            let what = format!("{method} {what}");
            attacks.push(attack("MCP-20", what, request, Refused::Status(404)));
        }
    }
    let two = as_("alice", "POST", &alices).header("mcp-session-id", &bobs).json(&ping);
    attacks.push(attack("MCP-20", "two", two, Refused::Status(404)));
    bench.play(attacks);
}

fn swapped(text: &str) -> String {
    let swap =
        |c: char| if c.is_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
    text.chars().map(swap).collect()
}

/// MCP-21: streams and the end of sessions are for authenticated callers.
#[test]
fn streams_without_a_token() {
    let bench = McpBench::new();
    let mut attacks = Vec::new();
    for method in ["GET", "DELETE"] {
        let request = bench.bare(method);
        attacks.push(attack("MCP-21", method, request, Refused::Unauthenticated));
        let request = bench.bare(method).header("mcp-session-id", "session-of-the-server.AAAA");
        attacks.push(attack("MCP-21", method, request, Refused::Unauthenticated));
        // The revision without sessions has neither.
        let request =
            bench.bare(method).bearer(bench.alice()).header("mcp-protocol-version", MODERN);
        attacks.push(attack("MCP-21", format!("{method}, modern"), request, Refused::Status(405)));
    }
    bench.play(attacks);
}

/// MCP-22: what the parser of HTTP and the guard could see as two messages.
#[test]
fn one_request_is_one_message() {
    let bench = McpBench::new();
    let (search, create) = (call("search"), call("create_note"));
    let post =
        || bench.modern("tools/call", Some("search")).header("content-type", "application/json");
    // What stands behind the announced length is the next request, which is none.
    let longer = post().header("content-length", search.len().to_string());
    let before = format!("{search}{create}");
    let response = longer.raw_body(before).send();
    assert_eq!(response.status, 200, "{}", response.everything());
    // The announced length takes in both.
    let both = format!("{search}\r\n{create}");
    bench.play([attack(
        "MCP-22",
        "both",
        post().header("content-length", both.len().to_string()).raw_body(&both),
        PARSE,
    )]);
    for (what, request) in [
        (
            "two lengths",
            post().header("content-length", "5").header("content-length", "400").raw_body(&both),
        ),
        (
            "length and chunks",
            post()
                .header("content-length", "5")
                .header("transfer-encoding", "chunked")
                .raw_body(&both),
        ),
    ] {
        let label = format!("MCP-22 {what}");
        let response = bench.unreached(&label, || request.try_send());
        assert!(response.is_ok_and(|response| response.status == 400), "{label}");
    }
}
