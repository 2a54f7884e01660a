//! The guard of MCP servers: fields, bodies, rules, and what the server gets.

mod answers;
mod decisions;

use actix_web::{App, HttpRequest, HttpResponse, http::header::HeaderName, web};
use jwt_verify::{
    AuthError, JwtAuthBuilder, Requirement, VerifiedClaims,
    endpoints::ResourceMetadata,
    extract::{Credential, TokenExtractor},
    mcp::{McpGuard, McpGuardBuilder, Rules},
};
use jwt_verify_tests::{Request, Response, TestBed, TestServer};
use serde_json::{Value, json};

const RESOURCE: &str = "https://mcp.example/mcp";
const MODERN: &str = "2026-07-28";

/// A guarded server that answers with what it got, and a caller.
struct Guarded {
    bed: TestBed,
    server: TestServer,
}

fn rules() -> Rules {
    Rules::new()
        .tool("create_note", Requirement::scopes(["notes:write"]))
        .tool("whoami", Requirement::authenticated())
        .tool("search", Requirement::scopes(["notes:read"]))
        .tool("größe", Requirement::authenticated())
        .tool("delete_note", Requirement::roles(["admin"]).and_scopes(["notes:write"]))
        .prompt("summary", Requirement::scopes(["notes:read"]))
        .resource("note://{user}/{id}", Requirement::claim_equals_segment("sub", "user"))
        .method("logging/setLevel", Requirement::roles(["operator"]))
}

impl Guarded {
    fn new() -> Self {
        Self::with(|auth| auth, |guard| guard)
    }

    fn with(
        change: impl FnOnce(JwtAuthBuilder) -> JwtAuthBuilder,
        change_guard: impl FnOnce(McpGuardBuilder) -> McpGuardBuilder,
    ) -> Self {
        let bed = TestBed::new();
        let auth = change(bed.auth().resource_metadata(ResourceMetadata::new(RESOURCE)));
        let guard = change_guard(McpGuard::builder(&auth.build().unwrap(), rules()));
        let guard = guard.build().unwrap();
        let server = TestServer::start(move || {
            App::new().service(web::resource("/mcp").wrap(guard.clone()).to(echo))
        });
        Self { bed, server }
    }

    /// One whose server answers each message like this.
    fn answering(
        change: impl FnOnce(JwtAuthBuilder) -> JwtAuthBuilder,
        change_guard: impl FnOnce(McpGuardBuilder) -> McpGuardBuilder,
        answer: fn() -> HttpResponse,
    ) -> Self {
        let bed = TestBed::new();
        let auth = change(bed.auth().resource_metadata(ResourceMetadata::new(RESOURCE)));
        let guard = change_guard(McpGuard::builder(&auth.build().unwrap(), rules()));
        let guard = guard.build().unwrap();
        let server = TestServer::start(move || {
            let endpoint = web::resource("/mcp").wrap(guard.clone());
            App::new().service(endpoint.to(move |_: web::Bytes| async move { answer() }))
        });
        Self { bed, server }
    }

    fn token(&self, scopes: &str) -> String {
        self.bed.token_with(&json!({"scope": scopes}))
    }

    /// A request as a modern client sends it, with the fields that mirror its message.
    fn modern(&self, method: &str, name: Option<&str>, body: &Value) -> Request {
        let request = self.server.request("POST", "/mcp");
        let request = request.header("mcp-protocol-version", MODERN).header("mcp-method", method);
        let request = match name {
            Some(name) => request.header("mcp-name", name),
            None => request,
        };
        request.json(&body.to_string())
    }

    fn call(&self, tool: &str) -> Request {
        self.modern("tools/call", Some(tool), &call_of(tool))
    }

    fn older(&self, body: &Value) -> Request {
        self.server.request("POST", "/mcp").json(&body.to_string())
    }
}

fn call_of(tool: &str) -> Value {
    message("tools/call", &json!({"name": tool, "arguments": {"a": [1, 2]}}))
}

/// A message of a modern client.
fn message(method: &str, params: &Value) -> Value {
    let mut params = params.clone();
    params["_meta"] = json!({"io.modelcontextprotocol/protocolVersion": MODERN});
    json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params})
}

/// A message of an older client.
fn older_message(method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params})
}

async fn echo(request: HttpRequest, claims: VerifiedClaims, body: web::Bytes) -> HttpResponse {
    let names: Vec<&str> = request.headers().keys().map(HeaderName::as_str).collect();
    HttpResponse::Ok().json(json!({
        "subject": claims.subject(),
        "body": String::from_utf8(body.to_vec()).unwrap(),
        "fields": names,
        "cookies": request.headers().get_all("cookie").map(|value| value.to_str().unwrap()).collect::<Vec<_>>(),
    }))
}

/// Asserts that a response is an error of JSON-RPC with this code, and of this status.
#[track_caller]
fn assert_refused(response: &Response, status: u16, code: i64) {
    assert_eq!(response.status, status, "{}", response.text());
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.header("cache-control"), Some("no-store"));
    let body = response.json();
    assert_eq!(body["jsonrpc"], "2.0");
    assert_eq!(body["error"]["code"], code, "{body}");
    assert!(body["error"]["message"].is_string());
}

#[test]
fn a_caller_with_the_scopes_calls_a_tool_and_the_server_gets_the_body_as_it_was() {
    let guarded = Guarded::new();
    let token = guarded.token("notes:read");
    let body = format!("  {}\n", call_of("search"));
    let response = guarded
        .server
        .request("POST", "/mcp")
        .header("mcp-protocol-version", MODERN)
        .header("mcp-method", "tools/call")
        .header("mcp-name", "search")
        .bearer(&token)
        .json(&body)
        .send();
    assert_eq!(response.status, 200, "{}", response.text());
    let got = response.json();
    assert_eq!(got["body"], body);
    assert_eq!(got["subject"], "alice");
    let fields: Vec<&str> =
        got["fields"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(!fields.contains(&"authorization") && !fields.contains(&"x-test-assertion"));
    assert!(fields.contains(&"mcp-name"));
    // The name as Base64.
    let encoded = guarded.modern("tools/call", Some("=?base64?Z3LDtsOfZQ==?="), &call_of("größe"));
    assert_eq!(encoded.bearer(&token).send().status, 200);
}

#[test]
fn a_caller_whom_the_fields_refuse_is_answered_without_the_body() {
    let guarded = Guarded::new();
    let token = guarded.token("notes:other");
    let request = || {
        let request = guarded.server.request("POST", "/mcp");
        request
            .header("mcp-protocol-version", MODERN)
            .header("mcp-method", "tools/call")
            .header("content-type", "application/json")
            .header("content-length", "1000")
    };
    // The body never comes.
    let refused = request().header("mcp-name", "search").bearer(&token).send();
    assert_refused(&refused, 403, 403);
    let challenge = refused.challenge().unwrap().to_owned();
    assert!(challenge.contains(r#"error="insufficient_scope""#), "{challenge}");
    assert!(challenge.contains(r#"scope="notes:read""#), "{challenge}");
    assert!(challenge.contains("resource_metadata="), "{challenge}");
    let body = refused.json();
    assert!(body.get("id").is_none());
    assert_eq!(body["error"]["data"]["error"], "insufficient_scope");
    assert_eq!(body["error"]["data"]["code"], "insufficient_scope");
    let anonymous = request().header("mcp-name", "search").send();
    assert_refused(&anonymous, 401, 401);
    let challenge = anonymous.challenge().unwrap();
    assert!(challenge.contains(r#"scope="notes:read""#), "{challenge}");
    assert!(challenge.contains("resource_metadata="), "{challenge}");
    let unnamed = request().header("mcp-name", "export").bearer(&token).send();
    assert_refused(&unnamed, 403, 403);
    let expired = guarded.bed.token().claim("exp", 1).sign(&guarded.bed.key);
    assert_refused(&request().header("mcp-name", "search").bearer(expired).send(), 401, 401);
    // Authenticated, and nothing else is known.
    assert_refused(&request().bearer(&token).send(), 400, -32020);
    assert_refused(&request().send(), 401, 401);
}

#[test]
fn the_body_decides_for_older_clients() {
    let guarded = Guarded::new();
    let token = guarded.token("notes:read");
    let send = |body: &Value| guarded.older(body).bearer(&token).send();
    let call = |name: &str| older_message("tools/call", &json!({"name": name}));
    assert_eq!(send(&call("search")).status, 200);
    let refused = send(&call("delete_note"));
    assert_refused(&refused, 403, 403);
    assert_eq!(refused.json()["id"], 7);
    assert!(refused.challenge().unwrap().contains(r#"scope="notes:write""#));
    assert_refused(&send(&call("export")), 403, 403);
    for (method, params, status) in [
        ("initialize", json!({}), 200),
        ("ping", json!({}), 200),
        ("notifications/initialized", json!({}), 200),
        ("tools/list", json!({}), 200),
        ("logging/setLevel", json!({"level": "info"}), 403),
        ("tasks/get", json!({"taskId": "1"}), 403),
        ("prompts/get", json!({"name": "summary"}), 200),
        ("prompts/get", json!({"name": "other"}), 403),
        ("resources/read", json!({"uri": "note://alice/7"}), 200),
        ("resources/read", json!({"uri": "note://bob/7"}), 403),
        ("resources/read", json!({"uri": "file:///etc/passwd"}), 403),
        ("resources/subscribe", json!({"uri": "note://alice/7"}), 200),
        ("resources/subscribe", json!({"uri": "note://bob/7"}), 403),
        ("completion/complete", json!({"ref": {"type": "ref/prompt", "name": "summary"}}), 200),
        ("completion/complete", json!({"ref": {"type": "ref/prompt", "name": "other"}}), 403),
    ] {
        let response = send(&older_message(method, &params));
        assert_eq!(response.status, status, "{method} {params}: {}", response.text());
    }
    assert_refused(&guarded.older(&call("search")).send(), 401, 401);
}

#[test]
fn fields_that_the_body_contradicts_are_refused() {
    let guarded = Guarded::new();
    let token = guarded.token("notes:read");
    let send = |request: Request| request.bearer(&token).send();
    let whoami = |body: &Value| send(guarded.modern("tools/call", Some("whoami"), body));
    assert_eq!(whoami(&call_of("whoami")).status, 200);
    let refused = whoami(&call_of("delete_note"));
    assert_refused(&refused, 400, -32020);
    assert_eq!(refused.json()["id"], 7);
    assert_refused(&whoami(&message("tools/list", &json!({}))), 400, -32020);
    let listed = send(guarded.modern("tools/list", None, &call_of("delete_note")));
    assert_refused(&listed, 400, -32020);
    let mut other = call_of("whoami");
    other["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2025-11-25".into();
    assert_refused(&whoami(&other), 400, -32020);
    let older = guarded.older(&call_of("whoami"));
    assert_refused(&send(older), 400, -32020);
    let twice = guarded.call("whoami").header("mcp-name", "whoami");
    assert_refused(&send(twice), 400, -32020);
}

#[test]
fn bodies_that_are_no_message_are_refused() {
    let guarded = Guarded::with(|auth| auth, |guard| guard.max_body(2000));
    let token = guarded.token("notes:read");
    let send = |content_type: &str, body: &str| {
        let request = guarded.server.request("POST", "/mcp");
        request.body(content_type, body).bearer(&token).send()
    };
    let ping = older_message("ping", &json!({})).to_string();
    assert_eq!(send("application/json; charset=utf-8", &ping).status, 200);
    for (body, code) in [
        ("", -32700),
        ("{", -32700),
        (r#"{"jsonrpc":"2.0","method":"ping","method":"ping"}"#, -32700),
        (r#"{"jsonrpc":"2.0","method":"ping"} {}"#, -32700),
        ("\u{feff}{}", -32700),
        ("1", -32600),
        (r#"{"jsonrpc":"2.0","Method":"ping","method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}"#, -32602),
    ] {
        assert_refused(&send("application/json", body), 400, code);
    }
    assert_refused(&send("text/plain", &ping), 415, 415);
    let encoded = guarded.older(&older_message("ping", &json!({})));
    let encoded = encoded.header("content-encoding", "gzip").bearer(&token).send();
    assert_refused(&encoded, 415, 415);
    let large = older_message("ping", &json!({"a": "x".repeat(2000)})).to_string();
    assert_refused(&send("application/json", &large), 413, 413);
    let chunks = format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
    let request = guarded.server.request("POST", "/mcp").header("transfer-encoding", "chunked");
    let response =
        request.bearer(&token).header("content-type", "application/json").raw_body(chunks).send();
    assert_refused(&response, 413, 413);
}

#[test]
fn pages_of_other_origins_get_nothing() {
    let guarded = Guarded::with(|auth| auth, |guard| guard.origins(["https://app.example"]));
    let token = guarded.token("");
    for (origin, status) in [
        ("https://mcp.example", 200),
        ("https://app.example", 200),
        ("https://evil.example", 403),
        ("null", 403),
    ] {
        let request = guarded.call("whoami").header("origin", origin).bearer(&token);
        let response = request.host("evil.example").send();
        assert_eq!(response.status, status, "{origin}");
    }
    let refused = guarded.call("whoami").header("origin", "https://evil.example").send();
    assert_refused(&refused, 403, 403);
    assert_eq!(refused.challenge(), None);
}

#[test]
fn other_methods_are_not_allowed() {
    let guarded = Guarded::new();
    for method in ["PUT", "PATCH", "OPTIONS", "HEAD"] {
        let request = guarded.server.request(method, "/mcp").bearer(guarded.token(""));
        let response = request.send();
        assert_eq!(response.status, 405, "{method}");
        assert!(response.header("allow").unwrap().contains("POST"));
    }
}

/// An extractor that does not say how its credential is removed.
struct Own;

impl TokenExtractor for Own {
    fn extract<'r>(
        &self,
        request: &'r HttpRequest,
    ) -> Result<Option<Credential<'r>>, jwt_verify::InvalidRequestReason> {
        let value = request.headers().get("x-own");
        Ok(value.map(|value| Credential::new(value.as_bytes())))
    }
}

#[test]
fn guards_that_would_open_something_do_not_build() {
    let bed = TestBed::new();
    let metadata = || ResourceMetadata::new(RESOURCE);
    let auth = || bed.auth().resource_metadata(metadata()).build().unwrap();
    let problem = |guard: McpGuardBuilder| guard.build().unwrap_err().to_string();
    let any = Requirement::authenticated;
    let twice = Rules::new().tool("a", any()).tool("a", any());
    assert!(problem(McpGuard::builder(&auth(), twice)).contains("mcp.rules"));
    let without = bed.auth().build().unwrap();
    assert!(problem(McpGuard::builder(&without, rules())).contains("resource_metadata"));
    let listed = McpGuard::builder(&without, rules()).origins(["https://app.example"]);
    assert!(listed.build().is_ok());
    let odd = McpGuard::builder(&auth(), rules()).origins(["https://app.example/"]);
    assert!(problem(odd).contains("mcp.origins"));
    assert!(problem(McpGuard::builder(&auth(), rules()).max_body(0)).contains("mcp.max_body"));
    let own = bed.auth().extractor(Own).resource_metadata(metadata()).build().unwrap();
    assert!(problem(McpGuard::builder(&own, rules())).contains("keep_credentials"));
    assert!(McpGuard::builder(&own, rules()).keep_credentials().build().is_ok());
}

#[test]
fn a_hook_changes_the_head_of_a_refusal_and_not_its_body() {
    let hook = |error: &AuthError, _: &HttpRequest| {
        let _ = error;
        HttpResponse::Ok().insert_header(("x-own", "1")).body("own")
    };
    let guarded = Guarded::with(|auth| auth.error_response(hook), |guard| guard);
    let refused = guarded.call("whoami").send();
    assert_eq!((refused.status, refused.header("x-own")), (401, Some("1")));
    assert_eq!(refused.json()["error"]["code"], 401);
}
