//! Traces of decisions, and credentials on their way.

use std::sync::{Arc, Mutex};

use actix_web::{App, web};
use jwt_verify::{
    Secret,
    api_keys::{ApiKeys, MemoryApiKeys},
    authorization::{AuditEvent, AuditSink},
    extract::{CookieExtractor, FirstOf, QueryExtractor},
    mcp::{McpGuard, McpGuardBuilder},
};
use jwt_verify_tests::{TestBed, TestServer};
use serde_json::{Value, json};

use super::{Guarded, RESOURCE, assert_refused, echo, older_message, rules};

/// Outcome and requirement of each decision.
#[derive(Clone, Default)]
struct Records(Arc<Mutex<Vec<String>>>);

impl AuditSink for Records {
    fn record(&self, event: &AuditEvent<'_>) {
        let operation = event.operation.unwrap_or("-");
        let line = format!("{} {operation}: {}", event.outcome.code(), event.requirement);
        self.0.lock().unwrap().push(line);
    }
}

#[test]
fn each_decision_is_recorded_once() {
    let records = Records::default();
    let sink = records.clone();
    let guarded = Guarded::with(|auth| auth.audit_log(sink), |guard| guard);
    let token = guarded.token("notes:read");
    let recorded = || std::mem::take(&mut *records.0.lock().unwrap());
    assert_eq!(guarded.call("search").bearer(&token).send().status, 200);
    assert_eq!(recorded(), [r#"allowed tools/call search: scopes = "notes:read""#]);
    assert_eq!(guarded.call("create_note").bearer(&token).send().status, 403);
    assert_eq!(recorded(), [r#"refused tools/call create_note: scopes = "notes:write""#]);
    let older = |name: &str| older_message("tools/call", &json!({"name": name}));
    assert_eq!(guarded.older(&older("search")).bearer(&token).send().status, 200);
    assert_eq!(recorded(), [r#"allowed tools/call search: scopes = "notes:read""#]);
    let batch = json!([older("search"), older("create_note")]);
    assert_eq!(guarded.older(&batch).bearer(&token).send().status, 403);
    assert_eq!(
        recorded(),
        [
            r#"allowed tools/call search: scopes = "notes:read""#,
            r#"refused tools/call create_note: scopes = "notes:write""#
        ]
    );
    // No rule: refused, and recorded as well.
    assert_eq!(guarded.call("export").bearer(&token).send().status, 403);
    assert_eq!(recorded(), ["refused -: not(<authenticated>)"]);
    // Nobody.
    assert_eq!(guarded.call("search").send().status, 401);
    assert_eq!(recorded(), [""; 0]);
}

#[test]
fn nobody_is_admitted_without_a_credential() {
    let bed = TestBed::new();
    let metadata = jwt_verify::endpoints::ResourceMetadata::new(RESOURCE);
    let auth = bed.auth().resource_metadata(metadata).build().unwrap().optional();
    let guard = McpGuard::builder(&auth, rules()).build().unwrap();
    let server = TestServer::start(move || {
        App::new().service(web::resource("/mcp").wrap(guard.clone()).to(echo))
    });
    let guarded = Guarded { bed, server };
    assert_refused(&guarded.call("whoami").send(), 401, 401);
    assert_refused(&guarded.older(&older_message("ping", &json!({}))).send(), 401, 401);
    assert_refused(&guarded.server.get("/mcp").send(), 401, 401);
}

fn got(request: &jwt_verify_tests::Request) -> Value {
    let response = request.send();
    assert_eq!(response.status, 200, "{}", response.text());
    assert_eq!(response.json()["subject"], "alice");
    response.json()
}

#[test]
fn the_server_gets_no_credentials() {
    let extractor = || FirstOf::bearer().or(CookieExtractor::new("tok"));
    let guarded = Guarded::with(|auth| auth.extractor(extractor()), |guard| guard);
    let token = guarded.bed.good();
    let request = || {
        guarded
            .call("whoami")
            .header("authorization", format!("Bearer {token}"))
            .header("cookie", "a=b; tok=secret ;c=d")
            .header("dpop", "proof")
    };
    let arrived = got(&request());
    let fields = arrived["fields"].as_array().unwrap();
    assert!(!fields.contains(&json!("authorization")) && !fields.contains(&json!("dpop")));
    assert_eq!(arrived["cookies"], json!(["a=b;c=d"]));
    let kept = Guarded::with(|auth| auth.extractor(extractor()), McpGuardBuilder::keep_credentials);
    let token = kept.bed.good();
    let request = kept.call("whoami").header("authorization", format!("Bearer {token}"));
    let arrived = got(&request);
    assert!(arrived["fields"].as_array().unwrap().contains(&json!("authorization")));
}

#[test]
fn an_api_key_calls_what_its_record_grants_and_is_not_handed_on() {
    let store = MemoryApiKeys::new();
    let keys = ApiKeys::builder(Secret::new([7; 32]), store.clone()).build().unwrap();
    let key = keys.generate().unwrap();
    store.insert_now(keys.record(&key, "alice").scopes(["notes:read"]).build().unwrap());
    let guarded = Guarded::with(|auth| auth.api_keys(keys), |guard| guard);
    let call = |tool: &str| guarded.call(tool).header("x-api-key", key.expose());
    let arrived = got(&call("search"));
    assert!(!arrived["fields"].as_array().unwrap().contains(&json!("x-api-key")));
    assert_refused(&call("create_note").send(), 403, 403);
}

#[test]
fn a_token_in_the_url_is_for_servers_that_get_credentials() {
    let bed = TestBed::new();
    let metadata = jwt_verify::endpoints::ResourceMetadata::new(RESOURCE);
    let auth = bed.auth().extractor(FirstOf::bearer().or(QueryExtractor::new("t")));
    let auth = auth.resource_metadata(metadata).build().unwrap();
    assert!(McpGuard::builder(&auth, rules()).build().is_err());
    let guard = McpGuard::builder(&auth, rules()).keep_credentials().build().unwrap();
    let server = TestServer::start(move || {
        App::new().service(web::resource("/mcp").wrap(guard.clone()).to(echo))
    });
    let body = older_message("ping", &json!({})).to_string();
    let request = server.request("POST", &format!("/mcp?t={}", bed.good())).json(&body);
    let response = request.send();
    assert_eq!((response.status, response.header("cache-control")), (200, Some("private")));
}
