//! Answers of a server: lists, streams, sessions.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{HttpResponse, web::Bytes};
use futures_core::Stream;
use jwt_verify::{
    AuthError, ForbiddenReason, Requirement, VerifiedClaims, authorization::Authorizer,
};
use jwt_verify_tests::Response;
use serde_json::{Value, json};

use super::{Guarded, MODERN, assert_refused, message, older_message};

const TOOLS: &str = r#"{"jsonrpc":"2.0","id":7,"result":{"tools":[ {"name":"whoami"}, {"name":"search","x":1}, {"name":"create_note"}, {"name":"delete_note"}, {"name":"export"}, {"title":"x"} ],"ttlMs":1,"cacheScope":"public"}}"#;

fn json_answer(body: &'static str) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(body)
}

fn tools() -> HttpResponse {
    json_answer(TOOLS)
}

fn list(guarded: &Guarded) -> jwt_verify_tests::Request {
    guarded.modern("tools/list", None, &message("tools/list", &json!({})))
}

fn names(response: &Response) -> Vec<String> {
    let tools = response.json()["result"]["tools"].clone();
    let name = |tool: &Value| tool["name"].as_str().unwrap().to_owned();
    tools.as_array().unwrap().iter().map(name).collect()
}

#[test]
fn a_list_has_what_the_caller_may_call_and_every_other_byte_stays() {
    let guarded = Guarded::answering(|auth| auth, |guard| guard, tools);
    let reader = list(&guarded).bearer(guarded.token("notes:read")).send();
    assert_eq!(
        reader.text(),
        r#"{"jsonrpc":"2.0","id":7,"result":{"tools":[ {"name":"whoami"}, {"name":"search","x":1} ],"ttlMs":1,"cacheScope":"private"}}"#
    );
    assert_eq!(reader.header("content-length"), Some(&*reader.text().len().to_string()));
    let nobody = list(&guarded).bearer(guarded.token("")).send();
    assert_eq!(names(&nobody), ["whoami"]);
    let admin = guarded.bed.token_with(&json!({"scope": "notes:write", "roles": ["admin"]}));
    assert_eq!(
        names(&list(&guarded).bearer(admin).send()),
        ["whoami", "create_note", "delete_note"]
    );
    // An older client, and a batch.
    let older = older_message("tools/list", &json!({}));
    let reader = || guarded.token("notes:read");
    assert_eq!(names(&guarded.older(&older).bearer(reader()).send()), ["whoami", "search"]);
    let batch = guarded.older(&json!([older])).bearer(reader()).send();
    assert_eq!(names(&batch), ["whoami", "search"]);
    // What a session has, which may be the answer to any request.
    let got = guarded.server.get("/mcp").bearer(reader()).send();
    assert_eq!(names(&got), ["whoami", "search"]);
    // The answer to another request is not touched.
    let called = guarded.call("whoami").bearer(guarded.token("")).send();
    assert_eq!(called.text(), TOOLS);
}

#[test]
fn a_template_is_listed_for_those_who_could_read_a_resource_of_it() {
    fn templates() -> HttpResponse {
        let uris =
            ["note://{user}/{id}", "note://{owner}/{+n}", "note://alice/{n}", "note://bob/{n}"];
        let others = ["file:///{+path}", "note://{user}", "note://"];
        let entry = |uri: &&str| json!({"uriTemplate": uri, "name": "x"});
        let all: Vec<Value> = uris.iter().chain(&others).map(entry).collect();
        HttpResponse::Ok()
            .json(json!({"jsonrpc": "2.0", "id": 7, "result": {"resourceTemplates": all}}))
    }
    let guarded = Guarded::answering(|auth| auth, |guard| guard, templates);
    let body = older_message("resources/templates/list", &json!({}));
    let listed = |token: String| {
        let listed = guarded.older(&body).bearer(token).send().json();
        let entries = listed["result"]["resourceTemplates"].as_array().unwrap().clone();
        entries
            .iter()
            .map(|entry| entry["uriTemplate"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        listed(guarded.bed.good()),
        ["note://{user}/{id}", "note://{owner}/{+n}", "note://alice/{n}"]
    );
    let machine = guarded.bed.token().without("sub").sign(&guarded.bed.key);
    assert_eq!(listed(machine), [""; 0]);
    // Completions would tell of others.
    let of = json!({"ref": {"type": "ref/resource", "uri": "note://{user}/{id}"}});
    let complete = guarded.older(&older_message("completion/complete", &of));
    assert_refused(&complete.bearer(guarded.bed.good()).send(), 403, 403);
}

#[test]
fn a_list_shows_what_more_scopes_would_open_where_that_is_set() {
    let guarded = Guarded::answering(|auth| auth, |guard| guard.list_step_up(true), tools);
    let listed = list(&guarded).bearer(guarded.token("notes:read")).send();
    // A role is not opened by a scope.
    assert_eq!(names(&listed), ["whoami", "search", "create_note"]);
    let tools = &listed.json()["result"]["tools"];
    assert_eq!(tools[1].get("_meta"), None);
    assert_eq!(tools[2]["_meta"]["io.github.jwt-verify/scopes"], json!(["notes:write"]));
}

#[test]
fn a_list_in_a_stream_is_filtered_event_by_event() {
    fn events() -> HttpResponse {
        let body = format!(": hello\r\n\r\nid: 1\r\ndata: {TOOLS}\r\n\r\n");
        HttpResponse::Ok().content_type("text/event-stream; charset=utf-8").body(body)
    }
    let guarded = Guarded::answering(|auth| auth, |guard| guard, events);
    let token = guarded.token("notes:read");
    let listed = list(&guarded).bearer(&token).send();
    let text = unchunked(listed.text());
    assert!(text.starts_with(": hello\r\n\r\nid: 1\r\ndata: {"), "{text}");
    assert!(text.contains("search") && !text.contains("create_note") && !text.contains("export"));
    // The answer to a call means something else.
    let called = guarded.call("whoami").bearer(&token).send();
    assert!(unchunked(called.text()).contains("export"));
    // A stream of the session may have the answer to any request.
    let resumed = guarded.server.get("/mcp").bearer(&token).send();
    assert!(!unchunked(resumed.text()).contains("export"));
}

#[test]
fn a_list_that_cannot_be_read_is_not_handed_on() {
    let answers: [fn() -> HttpResponse; 8] = [
        || {
            let mut response = HttpResponse::Ok();
            response.insert_header(("content-encoding", "gzip"));
            response.content_type("application/json").body(TOOLS)
        },
        || HttpResponse::Ok().content_type("text/plain").body(TOOLS),
        || HttpResponse::Ok().body(TOOLS),
        || json_answer("{\"result\":{\"tools\":[],\"tools\":[{\"name\":\"export\"}]}}"),
        || json_answer("{\"result\":{\"tools\":[]}} x"),
        || json_answer("\u{feff}{\"result\":{\"tools\":[{\"name\":\"export\"}]}}"),
        || HttpResponse::Ok().content_type("application/json").body(" ".repeat((16 << 20) + 1)),
        || {
            let mut response = HttpResponse::Ok();
            response.insert_header(("content-encoding", "gzip"));
            response.content_type("text/event-stream").body("data: {}\n\n")
        },
    ];
    for answer in answers {
        let guarded = Guarded::answering(|auth| auth, |guard| guard, answer);
        let listed = list(&guarded).bearer(guarded.token("")).send();
        assert_refused(&listed, 500, 500);
        assert_eq!(listed.json()["id"], 7);
    }
    // An error of the server is no list.
    let guarded = Guarded::answering(
        |auth| auth,
        |guard| guard,
        || HttpResponse::NotAcceptable().body("Accept"),
    );
    let listed = list(&guarded).bearer(guarded.token("")).send();
    assert_eq!((listed.status, listed.text()), (406, "Accept"));
}

/// Refuses `search` to everybody.
struct NoSearch;

impl Authorizer for NoSearch {
    fn authorize(
        &self,
        _: &VerifiedClaims,
        requirement: &Requirement,
    ) -> jwt_verify::Lookup<'static, Result<(), AuthError>> {
        let is_refused = requirement.to_string().contains("notes:read");
        let decision =
            if is_refused { Err(AuthError::Forbidden(ForbiddenReason::Policy)) } else { Ok(()) };
        jwt_verify::Lookup::Pending(Box::pin(async move { decision }))
    }
}

#[test]
fn the_authorizer_decides_about_lists_too() {
    let guarded = Guarded::answering(
        |auth| auth.authorizer(NoSearch),
        |guard| guard.list_step_up(true),
        tools,
    );
    let token = guarded.token("notes:read notes:write");
    assert_eq!(names(&list(&guarded).bearer(&token).send()), ["whoami", "create_note"]);
    assert_refused(&guarded.call("search").bearer(&token).send(), 403, 403);
    assert_eq!(guarded.call("whoami").bearer(&token).send().status, 200);
}

#[test]
fn reports_refuse_nothing_and_hide_nothing_and_authenticate() {
    let guarded = {
        let bed = jwt_verify_tests::TestBed::new();
        let metadata = jwt_verify::endpoints::ResourceMetadata::new(super::RESOURCE);
        let auth = bed.auth().resource_metadata(metadata).build().unwrap().report_only();
        let guard = super::McpGuard::builder(&auth, super::rules()).build().unwrap();
        let server = jwt_verify_tests::TestServer::start(move || {
            let endpoint = actix_web::web::resource("/mcp").wrap(guard.clone());
            actix_web::App::new().service(endpoint.to(|| async { tools() }))
        });
        Guarded { bed, server }
    };
    let token = guarded.token("");
    assert_eq!(list(&guarded).bearer(&token).send().text(), TOOLS);
    for tool in ["search", "export"] {
        assert_eq!(guarded.call(tool).bearer(&token).send().status, 200);
        assert_refused(&guarded.call(tool).send(), 401, 401);
    }
    let other = guarded.modern("tools/call", Some("whoami"), &super::call_of("export"));
    assert_refused(&other.bearer(&token).send(), 400, -32020);
}

fn updates() -> HttpResponse {
    let update = |uri: &str| {
        let notification = json!({"jsonrpc": "2.0", "method": "notifications/resources/updated",
            "params": {"uri": uri}});
        format!("data: {notification}\n\n")
    };
    let body = update("note://alice/1") + &update("note://bob/1") + &update("file:///x");
    let body = Silence(Some(body.into()));
    HttpResponse::Ok().content_type("text/event-stream").streaming(body)
}

/// One chunk, and then nothing for ever.
struct Silence(Option<Bytes>);

impl Stream for Silence {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.take().map_or(Poll::Pending, |bytes| Poll::Ready(Some(Ok(bytes))))
    }
}

#[test]
fn a_listening_stream_has_what_the_caller_may_read_and_ends_with_the_token() {
    let listen =
        |filter: &Value| message("subscriptions/listen", &json!({"notifications": filter}));
    let filter = json!({"toolsListChanged": true, "resourceSubscriptions": ["note://alice/1"]});
    let guarded = Guarded::answering(|auth| auth, |guard| guard, updates);
    let token = guarded.bed.good();
    let requests = [
        guarded.modern("subscriptions/listen", None, &listen(&filter)).bearer(&token),
        guarded.server.get("/mcp").bearer(&token),
    ];
    let streams = requests.map(|request| std::thread::spawn(move || request.send()));
    std::thread::sleep(Duration::from_millis(300));
    assert!(streams.iter().all(|stream| !stream.is_finished()));
    guarded.bed.clock.advance(Duration::from_secs(600));
    for stream in streams {
        let text = unchunked(stream.join().unwrap().text());
        assert!(text.contains("note://alice/1"), "{text}");
        assert!(!text.contains("note://bob") && !text.contains("file:///x"), "{text}");
    }
    let other = json!({"resourceSubscriptions": ["note://alice/1", "note://bob/1"]});
    let refused = guarded.modern("subscriptions/listen", None, &listen(&other));
    let fresh = guarded.bed.token().claim("exp", jwt_verify_tests::START + 9999);
    assert_refused(&refused.bearer(fresh.sign(&guarded.bed.key)).send(), 403, 403);
}

/// Cannot tell now who may read a resource.
struct OutOfReach;

impl Authorizer for OutOfReach {
    fn authorize(
        &self,
        _: &VerifiedClaims,
        requirement: &Requirement,
    ) -> jwt_verify::Lookup<'static, Result<(), AuthError>> {
        let is_about_resources = requirement.to_string().contains("path.user");
        let retry_after = Duration::from_secs(1);
        jwt_verify::Lookup::Ready(if is_about_resources {
            Err(AuthError::Unavailable { retry_after })
        } else {
            Ok(())
        })
    }
}

fn one_update() -> HttpResponse {
    let notification = r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"note://alice/1"}}"#;
    HttpResponse::Ok().content_type("text/event-stream").body(format!("data: {notification}\n\n"))
}

#[test]
fn an_authorizer_that_cannot_tell_lets_no_update_through() {
    for (is_out_of_reach, expected) in [(false, true), (true, false)] {
        let guarded = Guarded::answering(
            |auth| if is_out_of_reach { auth.authorizer(OutOfReach) } else { auth },
            |guard| guard,
            one_update,
        );
        let stream = guarded.server.get("/mcp").bearer(guarded.bed.good()).send();
        assert_eq!(stream.text().contains("note://alice/1"), expected);
    }
}

fn session() -> HttpResponse {
    HttpResponse::Ok().insert_header(("mcp-session-id", "s.1")).json(json!({}))
}

#[test]
fn a_session_belongs_to_its_caller() {
    let guarded = Guarded::answering(|auth| auth, |guard| guard, session);
    let of = |subject: &str| guarded.bed.token().claim("sub", subject).sign(&guarded.bed.key);
    let (alice, bob) = (of("alice"), of("bob"));
    let initialize = older_message("initialize", &json!({}));
    let begun = guarded.older(&initialize).bearer(&alice).send();
    let session = begun.header("mcp-session-id").unwrap().to_owned();
    assert!(session.starts_with("s.1.") && session.len() > 40, "{session}");
    let ping = older_message("ping", &json!({}));
    let send = |method: &str, token: &str, session: &str| {
        let request = match method {
            "POST" => guarded.older(&ping),
            _ => guarded.server.request(method, "/mcp"),
        };
        request.header("mcp-session-id", session).bearer(token).send()
    };
    for method in ["POST", "GET", "DELETE"] {
        assert_eq!(send(method, &alice, &session).status, 200, "{method}");
        assert_refused(&send(method, &bob, &session), 404, 404);
        assert_refused(&send(method, &alice, "s.1"), 404, 404);
        assert_refused(&send(method, "x", &session), 401, 401);
    }
    assert_refused(&guarded.server.request("DELETE", "/mcp").bearer(&alice).send(), 400, 400);
    // Answers to the server's own requests belong to a session.
    let answer = json!({"jsonrpc": "2.0", "id": 1, "result": {}});
    assert_refused(&guarded.older(&answer).bearer(&alice).send(), 400, -32600);
    let answered = guarded.older(&answer).header("mcp-session-id", &session).bearer(&alice);
    assert_eq!(answered.send().status, 200);
    // The revision without sessions has none.
    let modern = guarded.call("whoami").header("mcp-session-id", "x").bearer(&alice).send();
    assert_eq!((modern.status, modern.header("mcp-session-id")), (200, None));
    for method in ["GET", "DELETE"] {
        let request = guarded.server.request(method, "/mcp").bearer(&alice);
        let response = request.header("mcp-protocol-version", MODERN).send();
        assert_refused(&response, 405, 405);
        assert_eq!(response.header("allow"), Some("POST"));
    }
}

#[test]
fn a_server_gets_its_own_sessions_and_no_stream_of_another() {
    let guarded = Guarded::new();
    let alice = guarded.bed.good();
    let got = |request: jwt_verify_tests::Request| {
        let response = request
            .header("last-event-id", "7")
            .header("accept-encoding", "gzip")
            .bearer(&alice)
            .send();
        assert_eq!(response.status, 200, "{}", response.text());
        response.json()["fields"].as_array().unwrap().clone()
    };
    let ping = guarded.older(&older_message("ping", &json!({})));
    for fields in [got(ping), got(guarded.call("whoami")), got(guarded.server.get("/mcp"))] {
        assert!(!fields.contains(&json!("last-event-id")), "{fields:?}");
        assert!(!fields.contains(&json!("accept-encoding")), "{fields:?}");
    }
    let modern = guarded.call("whoami").header("mcp-session-id", "x");
    assert!(!got(modern).contains(&json!("mcp-session-id")));
}

/// Takes the chunks of a body out of their coding (RFC 9112 §7.1).
fn unchunked(mut body: &str) -> String {
    let mut text = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            break;
        }
        text += &rest[..size];
        body = &rest[size + 2..];
    }
    text
}
