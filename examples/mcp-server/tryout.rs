//! What to try: how to connect, and requests to paste.

use std::time::Duration;

use jwt_verify::testing::TestIssuer;
use serde_json::{Value, json};

use crate::setup::{READ, Setup, WRITE};

/// The revision of the protocol that the requests speak.
const REVISION: &str = "2026-07-28";

/// Prints how a client connects, and requests with tokens of the example's own issuer.
#[expect(clippy::print_stdout, reason = "how to connect is there to be copied")]
pub(crate) fn print(setup: &Setup) {
    let url = &setup.resource;
    println!("An MCP server listens at {url}. The lines for the configuration of a client:");
    match &setup.issuer {
        // The client finds the issuer by itself, and sends its user there to log in.
        None => println!("{}\n", configuration(&json!({ "type": "http", "url": url }))),
        Some(issuer) => print_requests(issuer, url),
    }
    println!("Ctrl-C ends it.");
}

fn configuration(server: &Value) -> Value {
    json!({ "mcpServers": { "notes": server } })
}

#[expect(clippy::print_stdout, reason = "the requests are there to be copied")]
fn print_requests(issuer: &TestIssuer, url: &str) {
    let token = |subject: &str, scopes: &str| {
        let token = issuer.token().audience(url).lifetime(Duration::from_secs(3600));
        token.subject(subject).scope(scopes)
    };
    let reader = token("rita", READ).sign();
    let writer = token("walt", WRITE).sign();
    let admin = token("ada", WRITE).role("admin").sign();
    let headers = json!({ "Authorization": format!("Bearer {writer}") });
    println!("{}", configuration(&json!({ "type": "http", "url": url, "headers": headers })));
    println!("The issuer of this example has no login; its tokens are good for an hour.\n");

    let print = |title: &str, token: &str, request: &str| {
        println!("# {title}\ncurl -i {url} -H 'Authorization: Bearer {token}' {request}\n");
    };
    print("a reader sees two tools (200)", &reader, &list());
    print("finds notes (200)", &reader, &call("search", &json!({ "query": "" })));
    print("and writes none (403)", &reader, &call("create_note", &json!({ "text": "a" })));
    print("a writer does (200)", &writer, &call("create_note", &json!({ "text": "a" })));
    print("and finds them too (200)", &writer, &call("search", &json!({ "query": "a" })));
    print("and is no admin (403)", &writer, &call("delete_note", &json!({ "id": 1 })));
    print("an admin deletes it (200)", &admin, &call("delete_note", &json!({ "id": 1 })));
    print("and calls nothing without a rule (403)", &admin, &call("export", &json!({})));
    println!("# no token at all (401)\ncurl -i {url} {}\n", call("whoami", &json!({})));
}

fn list() -> String {
    message("tools/list", None, &json!({ "_meta": meta() }))
}

fn call(tool: &str, arguments: &Value) -> String {
    let params = json!({ "name": tool, "arguments": arguments, "_meta": meta() });
    message("tools/call", Some(tool), &params)
}

fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": REVISION,
        "io.modelcontextprotocol/clientInfo": { "name": "curl", "version": "8" },
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

/// The header fields and the body of a request, for the command line of curl.
fn message(method: &str, name: Option<&str>, params: &Value) -> String {
    let name = name.map(|name| format!(" -H 'Mcp-Name: {name}'")).unwrap_or_default();
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    format!(
        "-H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' \
         -H 'MCP-Protocol-Version: {REVISION}' -H 'Mcp-Method: {method}'{name} -d '{body}'"
    )
}
