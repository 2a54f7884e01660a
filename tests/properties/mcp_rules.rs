//! A guarded MCP server lists exactly what its caller may use.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    App, HttpResponse,
    body::{BodySize, MessageBody},
    dev::{Service, ServiceResponse},
    http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE},
    test::{TestRequest, call_service, init_service, read_body},
    web,
};
use jwt_verify::{
    Algorithm, ClaimsMapping, JwkSet, JwtAuth, Requirement, TrustedIssuer, VerificationKey,
    endpoints::ResourceMetadata,
    mcp::{McpGuard, Rules},
};
use jwt_verify_tests::{AUDIENCE, START, TestClock, Token};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    ISSUER, KEY,
    challenges::{Caller, callers, mappings, requirements},
};

const MARK: &str = "io.github.jwt-verify/scopes";

/// A kind of what a server offers: its method with `list`, the member of the result, the member of an
/// entry, and the method that uses an entry.
struct Kind {
    list: &'static str,
    entries: &'static str,
    name: &'static str,
    uses: &'static str,
    offered: [&'static str; 5],
}

const KINDS: [Kind; 3] = [
    Kind {
        list: "tools/list",
        entries: "tools",
        name: "name",
        uses: "tools/call",
        offered: ["t0", "t1", "t2", "t3", "t4"],
    },
    Kind {
        list: "prompts/list",
        entries: "prompts",
        name: "name",
        uses: "prompts/get",
        // Names of tools, which their rules are not about.
        offered: ["t0", "t1", "p2", "p3", "p4"],
    },
    Kind {
        list: "resources/list",
        entries: "resources",
        name: "uri",
        uses: "resources/read",
        offered: ["r:0", "r:1", "note:alice", "note:bob", "file:a/b"],
    },
];

/// Rules of tools, prompts and resources, in that order.
type AllRules = [Vec<Option<Requirement>>; 3];

fn requirement() -> impl Strategy<Value = Requirement> {
    let login = prop_oneof![
        Just(Requirement::authenticated().fresh()),
        Just(Requirement::authenticated().max_age(Duration::from_secs(60))),
        Just(Requirement::authenticated().acr_values(["mfa"])),
    ];
    prop_oneof![
        1 => Just(Requirement::authenticated()),
        6 => requirements(true),
        1 => login.clone(),
        1 => (requirements(true), login).prop_map(|(one, other)| one & other),
    ]
}

fn rules() -> impl Strategy<Value = AllRules> {
    let some = || prop::collection::vec(prop::option::weighted(0.75, requirement()), 5);
    [some(), some(), some()]
}

fn built(all: &AllRules) -> Rules {
    let [tools, prompts, resources] = all;
    let mut rules = Rules::new();
    for (name, requirement) in KINDS[0].offered.into_iter().zip(tools) {
        rules = requirement.clone().into_iter().fold(rules, |rules, one| rules.tool(name, one));
    }
    for (name, requirement) in KINDS[1].offered.into_iter().zip(prompts) {
        rules = requirement.clone().into_iter().fold(rules, |rules, one| rules.prompt(name, one));
    }
    let own = || Requirement::claim_equals_segment("sub", "user");
    // The third is a template of the owner's, and the fourth has a URI that it matches as well.
    let uris = ["r:0", "r:1", "note:{user}", "note:bob", "file:{+path}"];
    for (index, (uri, requirement)) in uris.into_iter().zip(resources).enumerate() {
        let Some(requirement) = requirement.clone() else { continue };
        rules = rules.resource(uri, if index == 2 { requirement | own() } else { requirement });
    }
    rules
}

fn guard(all: &AllRules, mapping: ClaimsMapping, lists_step_up: bool) -> McpGuard {
    let key = VerificationKey::from_jwk(&KEY.jwk().to_string()).unwrap();
    let issuer = TrustedIssuer::new(ISSUER, AUDIENCE)
        .algorithms([Algorithm::ES256])
        .claims_mapping(mapping)
        .keys(JwkSet::new([key]));
    let auth = JwtAuth::for_issuer(issuer)
        .clock(TestClock::new())
        .resource_metadata(ResourceMetadata::new("https://mcp.example/mcp"))
        .build()
        .unwrap();
    McpGuard::builder(&auth, built(all)).list_step_up(lists_step_up).build().unwrap()
}

fn signed(caller: &Caller, login: Option<u64>, has_mfa: bool) -> String {
    let mut token = Token::of(ISSUER)
        .claim("roles", json!(caller.roles))
        .claim("permissions", json!(caller.permissions))
        .claim("scope", json!(caller.scopes))
        .claim("gold", caller.is_gold);
    if let Some(age) = login {
        token = token.claim("auth_time", START - age);
    }
    if has_mfa {
        token = token.claim("acr", "mfa");
    }
    token.sign(&KEY)
}

/// Form of the server's answers.
#[derive(Debug, Clone)]
enum Form {
    Json,
    /// Events in chunks of this many bytes.
    Events(usize),
}

/// A body in pieces.
struct Pieces(Vec<web::Bytes>);

impl MessageBody for Pieces {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<web::Bytes, Infallible>>> {
        Poll::Ready(self.0.pop().map(Ok))
    }
}

/// Offers everything to everyone.
async fn serve(body: web::Bytes, form: web::Data<Form>) -> HttpResponse {
    let message: Value = serde_json::from_slice(&body).unwrap();
    let kind = KINDS.iter().find(|kind| message["method"] == kind.list);
    let result = kind.map_or_else(
        || json!({}),
        |kind| {
            let entry =
                |name| json!({ kind.name: name, "description": "of \"t0\", {\"name\":\"t1\"}" });
            json!({ kind.entries: kind.offered.map(entry) })
        },
    );
    let answer = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result });
    match **form {
        Form::Json => HttpResponse::Ok().json(answer),
        Form::Events(size) => {
            let text = format!(": ping\r\n\r\nid: 1\r\ndata: {answer}\r\n\r\n");
            let pieces = text.as_bytes().chunks(size).map(web::Bytes::copy_from_slice);
            let pieces = pieces.rev().collect();
            HttpResponse::Ok().content_type("text/event-stream").body(Pieces(pieces))
        }
    }
}

/// Sends a message of a modern or an older client.
async fn send<S, B>(
    app: &S,
    token: &str,
    is_modern: bool,
    method: &str,
    name: Option<(&str, &str)>,
) -> ServiceResponse<B>
where
    S: Service<actix_http::Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
{
    let mut params = json!({});
    let mut request = TestRequest::post()
        .uri("/mcp")
        .insert_header((AUTHORIZATION, format!("Bearer {token}")))
        .insert_header((CONTENT_TYPE, "application/json"));
    if is_modern {
        params["_meta"] = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28" });
        request = request
            .insert_header(("mcp-protocol-version", "2026-07-28"))
            .insert_header(("mcp-method", method));
    }
    if let Some((member, name)) = name {
        params[member] = name.into();
        if is_modern {
            request = request.insert_header(("mcp-name", name));
        }
    }
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    call_service(app, request.set_payload(message.to_string()).to_request()).await
}

/// Scopes in the challenge of a refusal.
fn challenged<B>(refused: &ServiceResponse<B>) -> Option<Vec<String>> {
    let challenge = refused.headers().get(WWW_AUTHENTICATE).unwrap().to_str().unwrap();
    let (_, scopes) = challenge.split_once(" scope=\"")?;
    Some(scopes.split('"').next()?.split(' ').map(str::to_owned).collect())
}

/// Entries of a list, each with the scopes that it is marked with.
fn entries(body: &str, kind: &Kind) -> BTreeMap<String, Option<Vec<String>>> {
    let data = body.lines().find_map(|line| line.strip_prefix("data: "));
    let message: Value = data.unwrap_or(body).parse().unwrap();
    let scopes = |mark: &Value| {
        let scopes = mark.as_array()?.iter().map(|scope| scope.as_str().unwrap().to_owned());
        Some(scopes.collect())
    };
    let entries = message["result"][kind.entries].as_array().unwrap().iter();
    entries
        .map(|entry| (entry[kind.name].as_str().unwrap().to_owned(), scopes(&entry["_meta"][MARK])))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_listed_is_what_is_not_forbidden(
        all in rules(),
        caller in callers(),
        mapping in mappings(),
        login in prop::option::of(prop::sample::select(&[10, 100_000][..])),
        has_mfa in any::<bool>(),
        is_modern in any::<bool>(),
        lists_step_up in any::<bool>(),
        form in prop_oneof![Just(Form::Json), (1..200_usize).prop_map(Form::Events)],
    ) {
        let guard = guard(&all, mapping, lists_step_up);
        let token = signed(&caller, login, has_mfa);
        actix_web::rt::System::new().block_on(async {
            let endpoint = web::scope("/mcp").wrap(guard).default_service(web::to(serve));
            let app = App::new().app_data(web::Data::new(form)).service(endpoint);
            let app = init_service(app).await;
            for kind in &KINDS {
                let (mut allowed, mut step_up) = (BTreeSet::new(), BTreeMap::new());
                for name in kind.offered {
                    let named = Some((kind.name, name));
                    let used = send(&app, &token, is_modern, kind.uses, named).await;
                    match used.status().as_u16() {
                        200 | 401 => { allowed.insert(name.to_owned()); }
                        403 => {
                            // Listed as well, if what the challenge names would open it.
                            let Some(scopes) = challenged(&used) else { continue };
                            let more = caller.with(scopes.iter().map(String::as_str));
                            let more = signed(&more, login, has_mfa);
                            let again = send(&app, &more, is_modern, kind.uses, named).await;
                            if again.status() != 403 {
                                step_up.insert(name.to_owned(), scopes);
                            }
                        }
                        status => prop_assert!(false, "{} {name}: {status}", kind.uses),
                    }
                }
                let listed = send(&app, &token, is_modern, kind.list, None).await;
                if listed.status() == 403 {
                    // There are no rules of this kind.
                    prop_assert!(allowed.is_empty(), "{}", kind.list);
                    continue;
                }
                prop_assert_eq!(listed.status(), 200);
                let body = read_body(listed).await;
                let found = entries(std::str::from_utf8(&body).unwrap(), kind);
                let unmarked = found.iter().filter(|(_, mark)| mark.is_none());
                let unmarked: BTreeSet<String> = unmarked.map(|(name, _)| name.clone()).collect();
                prop_assert_eq!(&unmarked, &allowed, "{}", kind.list);
                let marked = found.into_iter().filter_map(|(name, mark)| Some((name, mark?)));
                let marked: BTreeMap<String, Vec<String>> = marked.collect();
                let expected = if lists_step_up { step_up } else { BTreeMap::new() };
                prop_assert_eq!(marked, expected, "{}", kind.list);
            }
            Ok(())
        })?;
    }
}
