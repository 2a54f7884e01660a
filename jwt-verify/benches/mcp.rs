//! A call of an MCP tool, with the guard and without.

use std::hint::black_box;

use actix_web::{
    App, HttpResponse,
    body::to_bytes,
    dev::Service as _,
    test::{TestRequest, init_service},
    web,
};
use jwt_verify::{
    JwtAuth, JwtAuthBuilder, Requirement,
    endpoints::ResourceMetadata,
    mcp::{McpGuard, Rules},
};
use serde_json::{Value, json};

/// The body of a call as a client of today sends it.
pub(crate) const CALL: &str = r#"{"jsonrpc":"2.0","id":17,"method":"tools/call","params":{"name":"search","arguments":{"query":"notes of the last meeting","limit":20,"tags":["work","2026"]},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1.0.0"},"io.modelcontextprotocol/clientCapabilities":{},"progressToken":17}}}"#;

/// A guard whose callers need a scope for `search`, and another for `create_note`.
pub(crate) fn guard(auth: JwtAuthBuilder) -> McpGuard {
    let metadata = ResourceMetadata::new("https://mcp.example/mcp");
    let auth: JwtAuth = auth.resource_metadata(metadata).build().unwrap();
    let rules = Rules::new()
        .tool("search", Requirement::roles(["editor"]))
        .tool("create_note", Requirement::scopes(["notes:write"]));
    McpGuard::builder(&auth, rules).build().unwrap()
}

/// A request to call a tool.
pub(crate) fn request(tool: &str, bearer: &str) -> TestRequest {
    TestRequest::post()
        .uri("/mcp")
        .insert_header(("content-type", "application/json"))
        .insert_header(("accept", "application/json, text/event-stream"))
        .insert_header(("user-agent", "bench"))
        .insert_header(("mcp-protocol-version", "2026-07-28"))
        .insert_header(("mcp-method", "tools/call"))
        .insert_header(("mcp-name", tool))
        .insert_header(("authorization", bearer))
        .set_payload(CALL)
}

/// Sends one call after the other to a server with this guard, or without one.
pub(crate) fn serve(guard: Option<McpGuard>, bearer: &str, calls: u64) {
    actix_web::rt::System::new().block_on(async {
        let endpoint = web::resource("/mcp").route(web::post().to(answer));
        match guard {
            Some(guard) => run(App::new().service(endpoint.wrap(guard)), bearer, calls).await,
            None => run(App::new().service(endpoint), bearer, calls).await,
        }
    });
}

async fn run<T, B>(app: App<T>, bearer: &str, calls: u64)
where
    T: actix_web::dev::ServiceFactory<
            actix_web::dev::ServiceRequest,
            Config = (),
            Response = actix_web::dev::ServiceResponse<B>,
            Error = actix_web::Error,
            InitError = (),
        > + 'static,
    B: actix_web::body::MessageBody + 'static,
    B::Error: std::fmt::Debug,
{
    let app = init_service(app).await;
    for _ in 0..calls {
        let response = app.call(request("search", bearer).to_request()).await.unwrap();
        assert!(response.status().is_success());
        let body = to_bytes(response.into_body()).await.unwrap();
        black_box(body);
    }
}

/// Reads a message as a server does, looks its tool up, and answers.
async fn answer(body: web::Bytes) -> HttpResponse {
    let message: Value = serde_json::from_slice(&body).unwrap();
    let query = message["params"]["arguments"]["query"].as_str().unwrap();
    let notes: Vec<Value> = (0..20)
        .map(|id| json!({ "id": id, "title": format!("{query} {id}"), "tags": ["work", "2026"] }))
        .collect();
    HttpResponse::Ok().json(json!({
        "jsonrpc": "2.0",
        "id": message["id"],
        "result": {
            "content": [{ "type": "text", "text": json!(notes).to_string() }],
            "structuredContent": { "notes": notes },
            "isError": false,
        },
    }))
}
