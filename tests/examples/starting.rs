//! That each of them starts.

use std::{
    collections::BTreeSet,
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
};

use jwt_verify_tests::Process;

/// Those that need nothing, with a path and what it answers without a token.
const ALONE: [(&str, &str, u16); 19] = [
    ("app-factory", "/api/profile", 401),
    ("audit-log", "/users", 401),
    ("background-jobs", "/jobs/1", 401),
    ("cors", "/api/data", 401),
    ("custom-extractor", "/invoices", 401),
    ("database", "/posts/1", 401),
    ("dpop", "/orders", 401),
    ("error-pages", "/admin", 401),
    ("key-provider", "/profile", 401),
    ("key-rotation", "/.well-known/jwks.json", 200),
    ("multi-tenant", "/acme/invoices", 401),
    ("openapi", "/docs/", 200),
    ("optional-auth", "/content", 200),
    ("quickstart", "/profile", 401),
    ("rate-limit", "/public", 200),
    ("readme", "/profile", 401),
    ("several-methods", "/api/data", 401),
    ("session-app", "/", 200),
    ("websocket", "/chat", 401),
];

const README: ([u8; 4], u16) = ([127, 0, 0, 1], 8080);

/// Those that are started elsewhere: in the suite `http` with an issuer, and below with TLS.
const ELSEWHERE: [&str; 3] = ["auth0-demo", "prometheus", "resource-server"];

/// It speaks TLS alone, so what it says when everything is in place is what can be seen without a
/// browser.
#[test]
fn the_login_demo_starts_with_nothing_set() {
    Process::start_with("auth0-demo", &[]).wait_for_output("The website is at https://localhost:");
}

#[test]
fn each_starts_with_nothing_set() {
    for (example, path, status) in ALONE {
        let server = match example {
            // What a reader pastes has its address in it, where somebody else may be.
            "readme" if TcpListener::bind(SocketAddr::from(README)).is_err() => {
                let (_, said) = Process::outcome(example, &[]);
                assert!(said.contains("AddrInUse"), "{said}");
                continue;
            }
            "readme" => Process::start_at(example, README.into(), &[]),
            // Without settings it must not start unless it is told that nothing depends on it.
            "app-factory" => Process::start_with(example, &[("APP_ENV", "development")]),
            _ => Process::start_with(example, &[]),
        };
        let response = server.request("GET", path).send();
        assert_eq!(response.status, status, "{example}: {}", response.everything());
    }
}

/// The requests that it prints are answered as it says, in their order.
#[test]
fn the_requests_that_the_example_of_bound_tokens_prints_are_answered_as_it_says() {
    let mut server = Process::start_with("dpop", &[]);
    server.wait_for_output("Ctrl-C ends it.");
    let mut expected = None;
    let mut answers = 0;
    for line in server.said().lines() {
        if let Some((_, status)) = line.strip_prefix("# ").and_then(|title| title.rsplit_once('('))
        {
            expected = status.trim_end_matches(')').parse::<u16>().ok();
        } else if line.starts_with("curl ") {
            let mut request = server.request("GET", "/orders");
            for field in line.split('\'').filter(|part| part.contains(": ")) {
                let (name, value) = field.split_once(": ").unwrap();
                request = request.header(name, value);
            }
            assert_eq!(Some(request.send().status), expected, "{line}");
            answers += 1;
        }
    }
    assert_eq!(answers, 5);
}

#[test]
fn no_example_is_left_out() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/Cargo.toml");
    let manifest = fs::read_to_string(manifest).unwrap();
    let examples = manifest.split("[[example]]").skip(1);
    let named = examples.map(|example| example.split('"').nth(1).unwrap()).collect::<BTreeSet<_>>();
    let started = ALONE.iter().map(|(example, ..)| *example).chain(ELSEWHERE);
    assert_eq!(named, started.collect());
}
