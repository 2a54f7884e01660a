//! The suite of the example `resource-server`, and the proof that each of its refusals is needed: without
//! one the coverage fails and names route and term, and without a term of a requirement the suite fails.

use std::collections::BTreeSet;

use actix_web::{
    App, Error, HttpResponse,
    body::MessageBody,
    dev::{Service, ServiceResponse},
    guard,
    http::StatusCode,
    test::{TestRequest, init_service},
    web,
};
use example_resource_server as resource_server;
use jwt_verify::{
    JwtAuth, Requirement,
    routes::{AccessMatrix, RouteCheck},
    testing::{TestClaims, TestRequestExt as _, assert_authorization_covered},
};
use serde_json::json;

use super::coverage::{missing, status};

/// A grant of a caller.
#[derive(Debug, Clone, PartialEq)]
enum Grant {
    Role(&'static str),
    Permission(&'static str),
}
use Grant::{Permission, Role};

/// A request of the suite.
#[derive(Debug)]
struct Case {
    method: &'static str,
    path: &'static str,
    /// `None` without a token.
    caller: Option<&'static [Grant]>,
    expected: Expected,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Expected {
    Answer(u16),
    /// Refused by this term, and by no other.
    RefusedBy(&'static str),
}
use Expected::{Answer, RefusedBy};

const AUTHENTICATED: &str = "authenticated";

impl Case {
    fn status(&self) -> u16 {
        match self.expected {
            Answer(status) => status,
            RefusedBy(AUTHENTICATED) => 401,
            RefusedBy(_) => 403,
        }
    }
}

const fn case(
    method: &'static str,
    path: &'static str,
    caller: &'static [Grant],
    expected: Expected,
) -> Case {
    Case { method, path, caller: Some(caller), expected }
}

const fn anonymous(path: &'static str, expected: Expected) -> Case {
    Case { method: "GET", path, caller: None, expected }
}

/// One request that each term lets in, and one that it alone keeps out.
const SUITE: &[Case] = &[
    anonymous("/public", Answer(200)),
    anonymous("/content", Answer(200)),
    case("GET", "/protected", &[], Answer(200)),
    anonymous("/protected", RefusedBy(AUTHENTICATED)),
    case("GET", "/claims", &[], Answer(200)),
    anonymous("/claims", RefusedBy(AUTHENTICATED)),
    case("GET", "/admin", &[Role("admin")], Answer(200)),
    case("GET", "/admin", &[Role("editor")], RefusedBy(r#"roles = "admin""#)),
    case("GET", "/moderation", &[Role("moderator")], Answer(200)),
    case("GET", "/moderation", &[Role("editor")], RefusedBy(r#"roles = ["admin", "moderator"]"#)),
    case("GET", "/posts", &[Permission("read:posts")], Answer(200)),
    case("GET", "/posts", &[Permission("write:posts")], RefusedBy(r#"permissions = "read:posts""#)),
    case("POST", "/posts", &[Permission("write:posts")], Answer(201)),
    case(
        "POST",
        "/posts",
        &[Permission("read:posts")],
        RefusedBy(r#"permissions = "write:posts""#),
    ),
    case(
        "PUT",
        "/posts/1",
        &[Role("editor"), Permission("read:posts"), Permission("write:posts")],
        Answer(200),
    ),
    case(
        "PUT",
        "/posts/1",
        &[Role("moderator"), Permission("read:posts"), Permission("write:posts")],
        RefusedBy(r#"roles = ["editor", "admin"]"#),
    ),
    case(
        "PUT",
        "/posts/1",
        &[Role("editor"), Permission("read:posts")],
        RefusedBy(r#"permissions = ["read:posts", "write:posts"], all"#),
    ),
    case(
        "PUT",
        "/settings",
        &[Permission("read:settings"), Permission("write:settings")],
        Answer(200),
    ),
    case(
        "PUT",
        "/settings",
        &[Permission("read:settings")],
        RefusedBy(r#"permissions = ["read:settings", "write:settings"], all"#),
    ),
    case("GET", "/reports", &[Permission("read:analytics")], Answer(200)),
    case(
        "GET",
        "/reports",
        &[Permission("read:posts")],
        RefusedBy(r#"permissions = ["read:reports", "read:analytics"]"#),
    ),
];

/// Every term of the example lets in and keeps out, and so does the middleware around it.
#[actix_web::test]
async fn the_example_is_covered() {
    let (matrix, failures) = run_example("/the-suite", &SUITE.iter().collect::<Vec<_>>()).await;
    assert_eq!(failures, [""; 0]);
    assert_authorization_covered(&matrix);
}

#[actix_web::test]
async fn without_any_one_refusal_the_coverage_names_its_route_and_term() {
    let lines = committed();
    for (number, left_out) in SUITE.iter().enumerate() {
        let RefusedBy(term) = left_out.expected else { continue };
        let cases: Vec<&Case> = SUITE
            .iter()
            .enumerate()
            .filter(|(one, _)| *one != number)
            .map(|(_, one)| one)
            .collect();
        let prefix = format!("/without-{number}");
        let (matrix, failures) = run_example(&prefix, &cases).await;
        assert_eq!(failures, [""; 0]);
        let own = lines.iter().find(|line| line.is_asked_by(left_out)).unwrap();
        let here = lines.iter().filter(|line| line.is_handler_of(own));
        let methods: BTreeSet<&str> = here.map(|line| &*line.method).collect();
        let methods = methods.into_iter().collect::<Vec<_>>().join(", ");
        let (path, handler) = (&own.path, &own.handler);
        assert_eq!(
            missing(&matrix),
            [format!("{methods} {prefix}{path} ({handler}): {term}: never refused")],
            "without {left_out:?}"
        );
    }
}

#[actix_web::test]
async fn without_any_one_term_the_suite_fails_by_the_request_that_it_refuses() {
    let lines = committed();
    assert_eq!(run_model(&lines, None).await, [""; 0]);
    let mut dropped = 0;
    for line in &lines {
        for term in &line.terms {
            let refused: Vec<&Case> = SUITE
                .iter()
                .filter(|case| {
                    lines.iter().any(|one| one.is_handler_of(line) && one.is_asked_by(case))
                })
                .filter(|case| matches!(case.expected, RefusedBy(text) if text == term.text))
                .collect();
            let [refused] = &*refused else {
                panic!("no single request is refused by `{}` of {}", term.text, line.path)
            };
            // The same application, and this route without this term.
            let failures = run_model(&lines, Some((line, &term.text))).await;
            assert_eq!(
                failures,
                [failure(refused, answer_of(refused.method))],
                "{} without {}",
                line.path,
                term.text
            );
            dropped += 1;
        }
    }
    assert!(dropped >= 15, "every route with a requirement has a term");
}

/// What the terms have in them counts too: of a list with `all` every name is needed, and of another one
/// each is enough.
#[actix_web::test]
async fn each_name_of_a_list_counts() {
    let auth = auth();
    let app = init_service(App::new().service(example("/each-name", &auth))).await;
    for line in committed() {
        for (place, term) in line.terms.iter().enumerate() {
            // What meets the other terms.
            let others = line.terms.iter().enumerate().filter(|(other, _)| *other != place);
            let others: Vec<Grant> = others.flat_map(|(_, other)| other.grants.clone()).collect();
            for (at, name) in term.grants.iter().enumerate() {
                let mut grants = others.clone();
                if term.needs_all {
                    let rest = term.grants.iter().enumerate().filter(|(one, _)| *one != at);
                    grants.extend(rest.map(|(_, grant)| grant.clone()));
                } else {
                    grants.push(name.clone());
                }
                let path = format!("/each-name{}", line.path.replace("{id}", "1"));
                let request = request(&line.method, &path).to_request_as(&auth, claims(&grants));
                let is_allowed = status(&app, request).await < 300;
                assert_eq!(is_allowed, !term.needs_all, "{} {path} {grants:?}", line.method);
            }
        }
    }
}

/// A line of the committed access matrix.
#[derive(Debug)]
struct Line {
    method: String,
    path: String,
    handler: String,
    terms: Vec<Term>,
}

/// A list of names, or an authenticated caller.
#[derive(Debug)]
struct Term {
    text: String,
    grants: Vec<Grant>,
    needs_all: bool,
}

impl Line {
    fn is_handler_of(&self, other: &Self) -> bool {
        (&self.path, &self.handler) == (&other.path, &other.handler)
    }

    fn is_asked_by(&self, case: &Case) -> bool {
        let (pattern, path) = (self.path.split('/'), case.path.split('/'));
        self.method == case.method
            && pattern.clone().count() == path.clone().count()
            && pattern.zip(path).all(|(part, segment)| part == segment || part.starts_with('{'))
    }
}

impl Term {
    fn requirement(&self) -> Requirement {
        let roles = self.grants.iter().filter_map(|grant| match grant {
            Role(name) => Some(*name),
            Permission(_) => None,
        });
        let permissions = self.grants.iter().filter_map(|grant| match grant {
            Permission(name) => Some(*name),
            Role(_) => None,
        });
        let (roles, permissions): (Vec<_>, Vec<_>) = (roles.collect(), permissions.collect());
        match (&*roles, &*permissions) {
            ([], []) => Requirement::authenticated(),
            ([], _) if self.needs_all => Requirement::permissions(permissions).all(),
            ([], _) => Requirement::permissions(permissions),
            (..) => Requirement::roles(roles),
        }
    }
}

fn committed() -> Vec<Line> {
    let file = include_str!("../../examples/resource-server/resource-server.routes.txt");
    file.lines().map(line).collect()
}

fn line(text: &'static str) -> Line {
    let mut rest = text;
    let mut column = || {
        let (column, behind) = rest.split_once(' ').unwrap();
        rest = behind.trim_start();
        column.to_owned()
    };
    let (method, path, handler) = (column(), column(), column());
    Line { method, path, handler, terms: terms(rest) }
}

/// Reads the lists of names that the example has; a term of another kind needs a case here.
fn terms(requirement: &'static str) -> Vec<Term> {
    if requirement == "public" {
        return Vec::new();
    }
    if requirement == AUTHENTICATED {
        return vec![Term { text: AUTHENTICATED.to_owned(), grants: Vec::new(), needs_all: false }];
    }
    let mut terms: Vec<Term> = Vec::new();
    let mut rest = requirement;
    while !rest.is_empty() {
        if rest == "all" {
            let last = terms.last_mut().unwrap();
            assert!(last.text.starts_with("permissions"), "{requirement}");
            last.needs_all = true;
            last.text.push_str(", all");
            break;
        }
        let (kind, list) = rest.split_once(" = ").unwrap();
        let (list, behind) = match list.strip_prefix('[') {
            Some(names) => names.split_once(']').unwrap(),
            None => {
                list.split_once(',').map_or((list, ""), |(name, _)| (name, &list[name.len()..]))
            }
        };
        let names = list.split(", ").map(|name| name.trim_matches('"'));
        assert!(["roles", "permissions"].contains(&kind), "a term of another kind: {requirement}");
        let grant = |name| if kind == "roles" { Role(name) } else { Permission(name) };
        let grants = names.map(grant).collect();
        let text = rest[..rest.len() - behind.len()].to_owned();
        terms.push(Term { text, grants, needs_all: false });
        rest = behind.strip_prefix(", ").unwrap_or_default();
    }
    terms
}

fn auth() -> JwtAuth {
    JwtAuth::builder("https://issuer.example.com", "https://api.example.com").build().unwrap()
}

/// The routes of the example below a prefix of their own, since the notes of the coverage are of the process.
fn example(prefix: &str, auth: &JwtAuth) -> actix_web::Scope {
    web::scope(prefix).configure(resource_server::configure(auth))
}

/// Runs the cases with the example. Returns its matrix, and the cases that fail.
async fn run_example(prefix: &str, cases: &[&Case]) -> (AccessMatrix, Vec<String>) {
    let auth = auth();
    let app = || App::new().service(example(prefix, &auth));
    let check = RouteCheck::new()
        .ignore(format!("{prefix}/health/live"))
        .ignore(format!("{prefix}/health/ready"))
        .probe_handlers();
    let matrix = check.run(app()).await.unwrap();
    let app = init_service(app()).await;
    (matrix, run(&app, &auth, prefix, cases).await)
}

/// Runs the suite with an application of the committed requirements, one term dropped from the routes of a
/// handler. Returns the cases that fail.
async fn run_model(lines: &[Line], dropped: Option<(&Line, &str)>) -> Vec<String> {
    const PREFIX: &str = "/model";
    let auth = auth();
    let mut scope = web::scope(PREFIX);
    for line in lines {
        let is_kept = |term: &&Term| {
            !dropped.is_some_and(|(of, text)| of.is_handler_of(line) && text == term.text)
        };
        let terms: Vec<&Term> = line.terms.iter().filter(is_kept).collect();
        let was_plain = line.terms.iter().any(|term| term.text == AUTHENTICATED);
        let method = line.method.parse().unwrap();
        let resource = web::resource(line.path.clone()).guard(guard::Method(method));
        let status = StatusCode::from_u16(answer_of(&line.method)).unwrap();
        let answer = move || async move { HttpResponse::new(status) };
        // An authenticated caller is no term of its own beside others.
        scope = if line.terms.is_empty() || (was_plain && terms.is_empty()) {
            scope.service(resource.to(answer))
        } else {
            let whole = Requirement::all_of(terms.iter().map(|term| term.requirement()));
            scope.service(resource.wrap(auth.require(whole)).to(answer))
        };
    }
    let app = init_service(App::new().service(scope)).await;
    run(&app, &auth, PREFIX, &SUITE.iter().collect::<Vec<_>>()).await
}

/// The status of a request that is let in.
fn answer_of(method: &str) -> u16 {
    if method == "POST" { 201 } else { 200 }
}

/// Sends the requests of the cases. Returns those that get another status.
async fn run<S, B>(app: &S, auth: &JwtAuth, prefix: &str, cases: &[&Case]) -> Vec<String>
where
    S: Service<actix_http::Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let mut failures = Vec::new();
    for case in cases {
        let request = request(case.method, &format!("{prefix}{}", case.path));
        let request = match case.caller {
            Some(grants) => request.to_request_as(auth, claims(grants)),
            None => request.to_request(),
        };
        let found = status(app, request).await;
        if found != case.status() {
            failures.push(failure(case, found));
        }
    }
    failures
}

fn request(method: &str, path: &str) -> TestRequest {
    let request = TestRequest::with_uri(path).method(method.parse().unwrap());
    request.set_json(json!({ "title": "hello" }))
}

fn claims(grants: &[Grant]) -> TestClaims {
    grants.iter().fold(TestClaims::new(), |claims, grant| match *grant {
        Role(name) => claims.role(name),
        Permission(name) => claims.permission(name),
    })
}

fn failure(case: &Case, found: u16) -> String {
    format!("{} {} {:?}: {found}", case.method, case.path, case.caller)
}
