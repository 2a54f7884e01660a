//! The scenarios of npm's `@modelcontextprotocol/conformance` for servers, with a guard and without.

use std::{path::Path, process::Command, sync::Arc};

use actix_web::{App, web};
use jwt_verify::{
    JwtAuth, TrustedIssuer, endpoints::ResourceMetadata, mcp::McpGuard, testing::TestIssuer,
};
use jwt_verify_tests::{TestServer, free_port};
use rmcp_actix_web::transport::{LocalSessionManager, StreamableHttpService};
use serde_json::{Map, Value};

use crate::everything::{Everything, rules};

fn service() -> StreamableHttpService<Everything> {
    StreamableHttpService::builder()
        .service_factory(Arc::new(|| Ok(Everything)))
        .session_manager(Arc::new(LocalSessionManager::default()))
        .build()
}

/// The checks of each scenario with their outcomes, for a caller with this token.
fn outcomes(server: &TestServer, token: &str, own: u16) -> Map<String, Value> {
    let output = Command::new("node")
        .arg("provider/conformance.mjs")
        .args([&server.address().port().to_string(), token, &own.to_string()])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A caller who may do everything sees the server as it is without a guard.
#[test]
#[ignore = "needs Node.js: ./tests/run.sh"]
fn the_guard_changes_no_outcome_of_the_conformance_suite() {
    let bare = service();
    let bare = TestServer::start(move || {
        App::new().service(web::scope("/mcp").service(bare.clone().scope()))
    });
    let without = outcomes(&bare, "", free_port());

    // What clients see is the address of the forwarder, which adds the token.
    let own = free_port();
    let resource = format!("http://127.0.0.1:{own}/mcp");
    let issuer = TestIssuer::start();
    let auth = JwtAuth::for_issuer(TrustedIssuer::new(issuer.url(), &resource))
        .resource_metadata(ResourceMetadata::new(&resource))
        .build()
        .unwrap();
    let guard = McpGuard::builder(&auth, rules()).build().unwrap();
    let service = service();
    let guarded = TestServer::start(move || {
        App::new().service(web::scope("/mcp").wrap(guard.clone()).service(service.clone().scope()))
    });
    let token = issuer.token().audience(&resource).subject("ada").sign();
    let with = outcomes(&guarded, &token, own);

    assert_eq!(with.len(), 32, "{with:#?}");
    for (scenario, checks) in &without {
        assert_eq!(with.get(scenario), Some(checks), "{scenario}");
    }
    let passed = |checks: &Value| {
        checks.as_array().unwrap().iter().all(|check| !check.as_str().unwrap().ends_with("FAILURE"))
    };
    let failed: Vec<_> = with.iter().filter(|(_, checks)| !passed(checks)).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}
