//! An MCP server under attack: the guard, and a service behind it that counts what reaches it.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use actix_web::{App, HttpRequest, HttpResponse, http::Method, web};
use jwt_verify::{
    Requirement,
    endpoints::ResourceMetadata,
    mcp::{McpGuard, Rules},
};
use jwt_verify_tests::{Request, Response, TestBed, TestServer, Token};
use serde_json::{Value, json};
use tokio_rustls::rustls::ServerConfig;

use crate::log;

const RESOURCE: &str = "https://mcp.example/mcp";
const METADATA: &str =
    r#"resource_metadata="https://mcp.example/.well-known/oauth-protected-resource/mcp""#;

pub(crate) const MODERN: &str = "2026-07-28";
/// The last revision with sessions.
pub(crate) const OLDER: &str = "2025-11-25";
/// The members by which a message says its revision.
pub(crate) const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#;
pub(crate) const MAX_BODY: usize = 4096;

/// The answer that an attack must get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// 401 with a challenge that says where the metadata is.
    Unauthenticated,
    /// 403 with a challenge that names these scopes, or none.
    Forbidden(&'static str),
    /// 400 with this code of JSON-RPC.
    Message(i32),
    /// Another status, which is the code as well, and no challenge.
    Status(u16),
}

pub(crate) const PARSE: Refused = Refused::Message(-32700);
pub(crate) const INVALID: Refused = Refused::Message(-32600);
pub(crate) const PARAMS: Refused = Refused::Message(-32602);
pub(crate) const MISMATCH: Refused = Refused::Message(-32020);
pub(crate) const DENIED: Refused = Refused::Forbidden("");
pub(crate) const NEEDS_WRITE: Refused = Refused::Forbidden("notes:write");

/// A request that must not reach the server, with the id of its row.
pub(crate) struct McpAttack {
    pub(crate) id: &'static str,
    pub(crate) what: String,
    pub(crate) request: Request,
    pub(crate) refused: Refused,
}

/// The server with an issuer, and tokens of its callers.
pub(crate) struct McpBench {
    pub(crate) bed: TestBed,
    pub(crate) server: TestServer,
    reached: Arc<AtomicUsize>,
    scripted: Arc<Scripted>,
}

/// An answer of the server: its header fields and its body.
type Answer = (Vec<(&'static str, &'static str)>, Vec<u8>);

/// What the server answers, and the head of the last request that it got.
#[derive(Default)]
struct Scripted {
    answer: Mutex<Option<Answer>>,
    got: Mutex<String>,
}

fn rules() -> Rules {
    Rules::new()
        .tool("whoami", Requirement::authenticated())
        .tool("search", Requirement::scopes(["notes:read"]))
        .tool("café", Requirement::scopes(["notes:read"]))
        .tool("create_note", Requirement::scopes(["notes:write"]))
        .tool("delete_note", Requirement::roles(["admin"]).and_scopes(["notes:write"]))
        .prompt("summary", Requirement::scopes(["notes:read"]))
        .prompt("audit", Requirement::roles(["admin"]))
        .resource("note://{user}/{id}", Requirement::claim_equals_segment("sub", "user"))
        .resource("file:///pub/{+path}", Requirement::authenticated())
        .resource("file:///etc/{+path}", Requirement::roles(["admin"]))
        .method("logging/setLevel", Requirement::roles(["operator"]))
}

/// Answers whatever arrives, with the answer of the test if it has set one.
async fn serve(
    request: HttpRequest,
    body: web::Bytes,
    reached: web::Data<AtomicUsize>,
    scripted: web::Data<Scripted>,
) -> HttpResponse {
    reached.fetch_add(1, Ordering::SeqCst);
    *scripted.got.lock().unwrap() = format!("{} {:?}", request.uri(), request.headers());
    let answer = scripted.answer.lock().unwrap().clone();
    if let Some((fields, body)) = answer {
        let mut response = HttpResponse::Ok();
        for field in fields {
            response.append_header(field);
        }
        return response.body(body);
    }
    if request.method() != Method::POST {
        return HttpResponse::Ok().content_type("text/event-stream").body(": open\n\n");
    }
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut response = HttpResponse::Ok();
    if message["method"] == "initialize" {
        response.insert_header(("mcp-session-id", "session-of-the-server"));
    }
    response.json(json!({ "jsonrpc": "2.0", "id": message["id"], "result": {} }))
}

impl McpBench {
    pub(crate) fn new() -> Self {
        Self::with(None)
    }

    /// On a server that terminates TLS and speaks HTTP/2.
    pub(crate) fn tls(config: ServerConfig) -> Self {
        Self::with(Some(config))
    }

    fn with(tls: Option<ServerConfig>) -> Self {
        log::capture();
        let bed = TestBed::new();
        let metadata = ResourceMetadata::new(RESOURCE)
            .authorization_servers(["https://issuer.example"])
            .scopes(["notes:read"]);
        let auth = bed.auth().resource_metadata(metadata).build().unwrap();
        let guard = McpGuard::builder(&auth, rules())
            .origins(["https://app.example"])
            .max_body(MAX_BODY)
            .build()
            .unwrap();
        let reached = Arc::new(AtomicUsize::new(0));
        let counter = web::Data::from(reached.clone());
        let scripted = Arc::new(Scripted::default());
        let script = web::Data::from(scripted.clone());
        let app = move || {
            let endpoint = web::scope("/mcp").wrap(guard.clone()).default_service(web::to(serve));
            App::new().app_data(counter.clone()).app_data(script.clone()).service(endpoint)
        };
        let server = TestServer::start_as(app, move |server, listener| match tls {
            Some(config) => server.listen_rustls_0_23(listener, config),
            None => server.listen(listener),
        });
        Self { bed, server, reached, scripted }
    }

    /// A caller who may search and nothing else that needs a scope or a role.
    pub(crate) fn reader(&self, subject: &str) -> Token {
        let token = self.bed.token().claim("sub", subject);
        token.claim("scope", "notes:read").claim("scopes", "notes:read")
    }

    pub(crate) fn alice(&self) -> String {
        self.reader("alice").sign(&self.bed.key)
    }

    /// A request to the endpoint without anything.
    pub(crate) fn bare(&self, method: &str) -> Request {
        let request = self.server.request(method, "/mcp");
        request.header("accept", "application/json, text/event-stream")
    }

    /// A message of Alice, without fields that mirror it.
    pub(crate) fn post(&self) -> Request {
        self.bare("POST").bearer(self.alice())
    }

    /// The same with the fields of a modern client.
    pub(crate) fn modern(&self, method: &str, name: Option<&str>) -> Request {
        mirrored(self.post(), method, name)
    }

    /// Makes the server answer everything with this from now on.
    pub(crate) fn answer(&self, fields: &[(&'static str, &'static str)], body: impl Into<Vec<u8>>) {
        *self.scripted.answer.lock().unwrap() = Some((fields.to_vec(), body.into()));
    }

    /// Returns the head of the last request that has reached the server.
    pub(crate) fn got(&self) -> String {
        self.scripted.got.lock().unwrap().clone()
    }

    /// Sends each attack. None may reach the server.
    pub(crate) fn play(&self, attacks: impl IntoIterator<Item = McpAttack>) {
        let mut count = 0;
        for attack in attacks {
            let label = format!("{} {}", attack.id, attack.what);
            let response = self.unreached(&label, || attack.request.send_and_leave());
            self.check(&label, &response, attack.refused);
            count += 1;
        }
        assert!(count > 0);
        self.control();
    }

    /// Returns what a request gets that must not reach the server.
    pub(crate) fn unreached<T>(&self, label: &str, send: impl FnOnce() -> T) -> T {
        let before = self.reached.load(Ordering::SeqCst);
        let response = send();
        assert_eq!(self.reached.load(Ordering::SeqCst), before, "{label}: it reached the server");
        response
    }

    /// Holds an answer against what it must be.
    pub(crate) fn check(&self, label: &str, response: &Response, refused: Refused) {
        let everything = response.everything();
        let (status, code) = match refused {
            Refused::Unauthenticated => (401, 401),
            Refused::Forbidden(_) => (403, 403),
            Refused::Message(code) => (400, code),
            Refused::Status(status) => (status, i32::from(status)),
        };
        assert_eq!(response.status, status, "{label}: {everything}");
        assert_eq!(response.header("content-type"), Some("application/json"), "{label}");
        assert_eq!(response.header("cache-control"), Some("no-store"), "{label}");
        assert_eq!(response.headers("mcp-session-id"), [""; 0], "{label}");
        let body = response.json();
        assert_eq!((&body["jsonrpc"], body.get("result")), (&json!("2.0"), None), "{label}");
        assert_eq!(body["error"]["code"], code, "{label}: {everything}");
        assert!(body["error"]["message"].is_string(), "{label}: {everything}");
        match refused {
            Refused::Unauthenticated => {
                let challenge = response.challenge().unwrap();
                assert!(challenge.contains(METADATA), "{label}: {challenge}");
            }
            Refused::Forbidden(scopes) => {
                let challenge = response.challenge().unwrap();
                assert!(challenge.contains(METADATA), "{label}: {challenge}");
                assert!(
                    challenge.contains(r#"error="insufficient_scope""#),
                    "{label}: {challenge}"
                );
                let named = challenge.split_once(" scope=\"").map_or("", |(_, named)| named);
                let named = named.split('"').next().unwrap_or_default();
                assert_eq!(named, scopes, "{label}: {challenge}");
            }
            Refused::Message(_) | Refused::Status(_) => {
                assert_eq!(response.headers("www-authenticate"), [""; 0], "{label}");
            }
        }
        let token = self.alice();
        let signature = token.rsplit('.').next().unwrap();
        assert!(!everything.contains(signature), "{label}: the token is in the response");
    }

    /// What Alice may do reaches the server.
    pub(crate) fn control(&self) {
        for (method, name, body) in [
            ("tools/call", Some("search"), call("search")),
            ("tools/list", None, message("tools/list", META)),
        ] {
            let before = self.reached.load(Ordering::SeqCst);
            let response = self.modern(method, name).json(&body).send();
            assert_eq!(response.status, 200, "the control: {}", response.everything());
            assert_eq!(self.reached.load(Ordering::SeqCst), before + 1);
        }
    }
}

pub(crate) fn attack(
    id: &'static str,
    what: impl Into<String>,
    request: Request,
    refused: Refused,
) -> McpAttack {
    McpAttack { id, what: what.into(), request, refused }
}

/// Adds the fields of a modern client.
pub(crate) fn mirrored(request: Request, method: &str, name: Option<&str>) -> Request {
    let request = request.header("mcp-protocol-version", MODERN).header("mcp-method", method);
    match name {
        Some(name) => request.header("mcp-name", name),
        None => request,
    }
}

/// A message with these members of its parameters.
pub(crate) fn message(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params}}}}}"#)
}

/// A modern call of a tool.
pub(crate) fn call(tool: &str) -> String {
    message("tools/call", &format!(r#""name":"{tool}","arguments":{{}},{META}"#))
}

/// A call of a tool by an older client.
pub(crate) fn older_call(tool: &str) -> String {
    message("tools/call", &format!(r#""name":"{tool}""#))
}
