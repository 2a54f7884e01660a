//! The example `mcp-server`, with the variables that set it up.

use std::net::SocketAddr;

use jwt_verify::{
    Algorithm, SystemClock,
    testing::{ProofKey, TestToken},
};
use jwt_verify_tests::{Process, Request, Response, free_port};
use serde_json::{Value, json};

use super::ISSUER;

/// The server, and its URL, which tokens are for.
struct Server {
    process: Process,
    resource: String,
}

impl Server {
    fn start(more: impl FnOnce(&str) -> Vec<(&'static str, String)>) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let resource = format!("http://{address}/mcp");
        let mut variables = vec![
            ("BIND_ADDR", address.to_string()),
            ("JWT_ISSUER", ISSUER.url().to_owned()),
            ("JWT_AUDIENCE", resource.clone()),
        ];
        variables.extend(more(&format!("http://{address}")));
        let variables: Vec<_> =
            variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Self { process: Process::start_at("mcp-server", address, &variables), resource }
    }

    fn token(&self, subject: &str, scopes: &str) -> TestToken<'static> {
        ISSUER.token().audience(&self.resource).subject(subject).scope(scopes)
    }

    /// A call as a client of the stateless revision sends it.
    fn call(&self, tool: &str, arguments: &Value) -> Request {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let params = json!({ "name": tool, "arguments": arguments, "_meta": meta });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        self.process
            .request("POST", "/mcp")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", tool)
            .json(&body.to_string())
    }

    fn status(&self, tool: &str, token: TestToken<'_>) -> u16 {
        self.call(tool, &json!({ "id": 1 })).bearer(token.sign()).send().status
    }
}

/// The result of a call, from a whole answer or from a stream of events.
fn result(response: &Response) -> Value {
    let text = response.text();
    let data = || text.lines().filter_map(|line| line.strip_prefix("data:")).next_back();
    let json = if text.starts_with('{') { text } else { data().unwrap() };
    serde_json::from_str::<Value>(json).unwrap()["result"]["structuredContent"].clone()
}

#[test]
fn the_mcp_server_lets_in_by_role_and_scope() {
    let server = Server::start(|_| Vec::new());
    for (tool, scopes, roles, expected) in [
        ("whoami", "", &[][..], 200),
        ("search", "", &[], 403),
        ("search", "notes:read", &[], 200),
        ("search", "notes:write", &[], 200),
        ("create_note", "notes:read", &["admin"], 403),
        ("create_note", "notes:write", &[], 200),
        ("delete_note", "notes:write", &[], 403),
        ("delete_note", "notes:read", &["admin"], 403),
        ("delete_note", "notes:write", &["admin"], 200),
        ("export", "notes:read notes:write", &["admin"], 403),
        ("no_such_tool", "notes:read notes:write", &["admin"], 403),
    ] {
        let token = server.token("ada", scopes);
        let token = roles.iter().fold(token, |token, role| token.role(*role));
        assert_eq!(server.status(tool, token), expected, "{tool} with {scopes:?}, {roles:?}");
    }
    assert_eq!(server.call("whoami", &json!({})).send().status, 401);
    let for_another = ISSUER.token().scope("notes:read");
    assert_eq!(server.status("search", for_another), 401, "a token for another resource");

    let response = server.call("whoami", &json!({})).bearer(server.token("ada", "a b").sign());
    let expected = json!({ "subject": "ada", "scopes": ["a", "b"], "roles": [] });
    assert_eq!(result(&response.send()), expected);
}

#[test]
fn the_mcp_server_says_where_tokens_come_from() {
    let server = Server::start(|_| Vec::new());
    let refused = server.process.request("POST", "/mcp").json("{}").send();
    assert_eq!(refused.status, 401);
    let challenge = refused.challenge().unwrap();
    let origin = server.resource.strip_suffix("/mcp").unwrap();
    let document = format!("{origin}/.well-known/oauth-protected-resource/mcp");
    assert!(challenge.contains(&format!("resource_metadata=\"{document}\"")), "{challenge}");
    assert!(challenge.contains("scope=\"notes:read\""), "{challenge}");
    for path in ["", "/mcp"] {
        let path = format!("/.well-known/oauth-protected-resource{path}");
        let request = server.process.request("GET", &path).header("origin", "https://app.example");
        let response = request.send();
        assert_eq!(response.header("access-control-allow-origin"), Some("*"), "{path}");
        let document = response.json();
        assert_eq!(document["resource"], server.resource.as_str());
        assert_eq!(document["authorization_servers"], json!([ISSUER.url()]));
        assert_eq!(document["scopes_supported"], json!(["notes:read", "notes:write"]));
    }
    let page = server.call("whoami", &json!({})).bearer(server.token("ada", "").sign());
    assert_eq!(page.clone().header("origin", "https://evil.example").send().status, 403);
    assert_eq!(page.header("origin", origin).send().status, 200);
}

#[test]
fn the_mcp_server_takes_bound_tokens_with_their_proofs() {
    let server = Server::start(|origin| vec![("JWT_DPOP_URL", origin.to_owned())]);
    let key = ProofKey::with_clock(Algorithm::ES256, SystemClock::new());
    let token = server.token("ada", "notes:read").bound_to(&key).sign();
    let search = server.call("search", &json!({}));
    let proof = key.proof("POST", &server.resource, &token).sign();
    let proved = search.clone().header("authorization", format!("DPoP {token}"));
    assert_eq!(proved.clone().header("dpop", &proof).send().status, 200);
    assert_eq!(proved.header("dpop", &proof).send().status, 401, "a proof works once");
    assert_eq!(search.bearer(&token).send().status, 401);
}

/// Half a setting is a mistake, and no reason for an issuer of its own.
#[test]
fn the_mcp_server_does_not_start_with_half_a_setting() {
    for (name, named) in [("JWT_AUDIENCE", "JWT_ISSUER"), ("JWT_ISSUER", "JWT_AUDIENCE")] {
        let variables = [("BIND_ADDR", "127.0.0.1:0"), (name, ISSUER.url())];
        let (is_good, said) = Process::outcome("mcp-server", &variables);
        assert!(!is_good && said.contains(named), "{said}");
    }
}
