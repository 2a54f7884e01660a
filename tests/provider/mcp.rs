//! The example `mcp-server` with real clients: npm's MCP packages log in at npm's oidc-provider.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
};

use jwt_verify_tests::{Process, free_port};
use serde_json::{Value, json};

/// The provider. It ends when this is dropped.
struct Provider {
    child: Child,
    issuer: String,
}

impl Provider {
    fn start() -> Self {
        let mut child = node("mcp_provider.mjs").stdin(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        Self { child, issuer: ready["issuer"].as_str().unwrap().to_owned() }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn node(script: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(script).current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("provider"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a client has seen, and the URL of the server.
fn visit(user: &str, library: &str) -> (Value, String) {
    visit_with(&[user, library], |_| None)
}

/// The same with other arguments of the client, and one more variable of the server.
fn visit_with(
    client: &[&str],
    more: impl FnOnce(&str) -> Option<(&'static str, String)>,
) -> (Value, String) {
    let provider = Provider::start();
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let resource = format!("http://{address}/mcp");
    let mut variables = vec![
        ("BIND_ADDR", address.to_string()),
        ("JWT_ISSUER", provider.issuer.clone()),
        ("JWT_AUDIENCE", resource.clone()),
    ];
    variables.extend(more(&format!("http://{address}")));
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let server = Process::start_at("mcp-server", address, &variables);
    let output = node("mcp_client.mjs").arg(&resource).args(client).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{}", server.log());
    (serde_json::from_slice(&output.stdout).unwrap(), resource)
}

/// It finds the provider by the refusal, asks for the scope that the challenge names, is refused what
/// that does not allow, and asks again for the scope that the refusal names.
fn assert_seen(seen: &Value, resource: &str) {
    let asked = seen["asked"].as_array().unwrap();
    let first = json!({
        "scope": "notes:read",
        "resource": resource,
        "code_challenge_method": "S256",
    });
    assert_eq!(asked[0], first);
    let scopes = asked[1]["scope"].as_str().unwrap();
    assert!(scopes.split(' ').any(|scope| scope == "notes:write"), "{scopes}");
    assert_eq!(asked[1]["resource"], resource);

    let refusals = seen["refusals"].as_array().unwrap();
    let address = resource.strip_suffix("/mcp").unwrap();
    let document = format!("{address}/.well-known/oauth-protected-resource/mcp");
    for refusal in refusals {
        let challenge = refusal["challenge"].as_str().unwrap();
        assert!(challenge.contains(&format!("resource_metadata=\"{document}\"")), "{challenge}");
        assert!(refusal["message"].is_string(), "a JSON-RPC error: {refusal}");
    }
    assert_eq!(refusals[0]["status"], 401);
    assert_eq!(refusals[1]["status"], 403);
    let challenge = refusals[1]["challenge"].as_str().unwrap();
    assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
    assert!(challenge.contains("scope=\"notes:write\""), "{challenge}");

    assert_eq!(seen["toolsOfReader"], json!(["search", "whoami"]));
    assert_eq!(seen["search"], json!({ "isError": false, "text": r#"{"notes":[]}"# }));
    assert_eq!(seen["created"], json!({ "isError": false, "text": r#"{"id":1}"# }));
    assert!(seen["found"]["text"].as_str().unwrap().contains("\"first\""), "{}", seen["found"]);
    assert!(seen["export"]["statuses"].as_array().unwrap().contains(&json!(403)), "{seen}");
}

fn assert_is_no_admin(seen: &Value) {
    assert_eq!(seen["toolsOfWriter"], json!(["create_note", "search", "whoami"]));
    assert!(seen["delete_note"]["statuses"].as_array().unwrap().contains(&json!(403)), "{seen}");
    assert_eq!(seen["whoami"]["subject"], "alice");
}

#[test]
#[ignore = "needs Node.js: ./tests/run.sh"]
fn a_client_of_the_revisions_with_sessions_logs_in_and_steps_up() {
    let (seen, resource) = visit("alice", "sdk");
    assert_seen(&seen, &resource);
    assert_is_no_admin(&seen);
    assert_eq!(seen["revision"], "2025-11-25");
}

#[test]
#[ignore = "needs Node.js: ./tests/run.sh"]
fn a_client_of_the_stateless_revision_logs_in_and_steps_up() {
    let (seen, resource) = visit("alice", "client");
    assert_seen(&seen, &resource);
    assert_is_no_admin(&seen);
    assert_eq!(seen["revision"], "2026-07-28");
}

#[test]
#[ignore = "needs Node.js: ./tests/run.sh"]
fn a_user_with_the_role_may_do_more_with_the_same_scopes() {
    let (seen, resource) = visit("ada", "client");
    assert_seen(&seen, &resource);
    assert_eq!(seen["toolsOfWriter"], json!(["create_note", "delete_note", "search", "whoami"]));
    assert_eq!(seen["delete_note"]["isError"], false, "{seen}");
}

#[test]
#[ignore = "needs Node.js: ./tests/run.sh"]
fn a_client_may_bind_its_tokens_to_a_key() {
    let bound = ["alice", "client", "dpop"];
    let (seen, resource) = visit_with(&bound, |origin| Some(("JWT_DPOP_URL", origin.to_owned())));
    assert_seen(&seen, &resource);
    assert_is_no_admin(&seen);
    assert_eq!(seen["schemes"], json!(["DPoP"]));
}
