//! That each of them starts.

use std::{
    collections::BTreeSet,
    fs,
    net::{SocketAddr, TcpListener},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::Arc,
};

use jwt_verify_tests::{Process, Request};
use tokio_rustls::rustls::{
    ClientConfig, RootCertStore, crypto,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

use crate::website::negotiate;

/// Those that need nothing, with a path and what it answers without a token.
const ALONE: [(&str, &str, u16); 22] = [
    ("api-keys", "/reports", 401),
    ("app-factory", "/api/profile", 401),
    ("audit-log", "/users", 401),
    ("background-jobs", "/jobs/1", 401),
    ("cors", "/api/data", 401),
    ("custom-extractor", "/invoices", 401),
    ("database", "/posts/1", 401),
    ("dpop", "/orders", 401),
    ("error-pages", "/admin", 401),
    ("graphql-ws", "/graphql", 400),
    ("key-provider", "/profile", 401),
    ("key-rotation", "/.well-known/jwks.json", 200),
    ("mcp-server", "/mcp", 401),
    ("multi-tenant", "/acme/invoices", 401),
    ("openapi", "/docs/", 200),
    ("optional-auth", "/content", 200),
    ("quickstart", "/profile", 401),
    ("rate-limit", "/public", 200),
    ("readme", "/reports", 401),
    ("several-methods", "/api/data", 401),
    ("session-app", "/", 200),
    ("websocket", "/chat", 401),
];

const README: ([u8; 4], u16) = ([127, 0, 0, 1], 8080);

/// Those that are started elsewhere: in the suite `http` with an issuer, and below with TLS.
const ELSEWHERE: [&str; 4] = ["auth0-demo", "mutual-tls", "prometheus", "resource-server"];

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
    let requests = printed(&mut server, "GET", "/orders");
    assert_eq!(requests.len(), 5);
    for Printed { line, request, expected } in requests {
        assert_eq!(request.send().status, expected, "{line}");
    }
}

/// The same for the MCP server, which also lists what each caller may call, and no more.
#[test]
fn the_requests_that_the_mcp_server_prints_are_answered_as_it_says() {
    let mut server = Process::start_with("mcp-server", &[]);
    let requests = printed(&mut server, "POST", "/mcp");
    assert_eq!(requests.len(), 9);
    for Printed { line, request, expected } in requests {
        let response = request.send();
        assert_eq!(response.status, expected, "{line}");
        let text = response.everything();
        if line.contains("tools/list") {
            let is_listed = |tool: &str| text.contains(&format!("\"name\":\"{tool}\""));
            assert!(is_listed("whoami") && is_listed("search"), "{text}");
            assert!(!["create_note", "delete_note", "export"].into_iter().any(is_listed), "{text}");
        }
        assert!(expected != 200 || !text.contains("\"isError\":true"), "{line}: {text}");
    }
}

/// The same over TLS, with the certificates that it has written down. WEA-14: others on the machine can
/// neither read the keys nor put something else in their place, and they go with the process. EXA-05: it
/// offers no HTTP/2.
#[test]
fn the_requests_that_the_example_of_certificates_prints_are_answered_as_it_says() {
    let mut server = Process::start_with("mutual-tls", &[]);
    let requests = printed(&mut server, "GET", "/orders");
    assert_eq!(requests.len(), 4);
    let folder = requests[0].line.split("--cacert ").nth(1).unwrap().split_whitespace().next();
    let folder = Path::new(folder.unwrap()).parent().unwrap().to_owned();
    let name = folder.file_name().unwrap().to_str().unwrap();
    let random = name.strip_prefix("mutual-tls-").unwrap();
    assert!(random.len() == 32 && !random.starts_with("0000"), "{name}");
    assert_eq!(folder.parent(), Some(&*std::env::temp_dir()));
    let mode = fs::metadata(&folder).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "{mode:o}");
    for Printed { line, request, expected } in requests {
        let option = |name: &str| {
            let path = Path::new(line.split(name).nth(1)?.split_whitespace().next()?);
            assert!(path.starts_with(&folder), "{line}");
            Some(fs::read(path).unwrap())
        };
        let config = client_config(&option("--cacert ").unwrap(), option("--cert ").as_deref());
        let spoken = negotiate(&server, (*config).clone(), &["h2", "http/1.1"]).unwrap();
        assert_eq!(spoken.as_deref(), Some(&b"http/1.1"[..]));
        assert_eq!(request.send_tls(config).0.status, expected, "{line}");
    }
    server.end();
    assert!(!folder.exists());
}

/// A request that an example prints, and how it says that it is answered.
struct Printed {
    line: String,
    request: Request,
    expected: u16,
}

fn printed(server: &mut Process, method: &str, path: &str) -> Vec<Printed> {
    server.wait_for_output("Ctrl-C ends it.");
    let said = server.said();
    let mut lines = said.lines();
    let mut requests = Vec::new();
    while let Some(title) = lines.next() {
        let Some((_, status)) = title.strip_prefix("# ").and_then(|title| title.rsplit_once('('))
        else {
            continue;
        };
        let line = lines.next().unwrap();
        let mut request = server.request(method, path);
        for quoted in line.split('\'').skip(1).step_by(2) {
            request = match quoted.split_once(": ") {
                // Comes with the body.
                Some(("Content-Type", _)) => request,
                Some((name, value)) => request.header(name, value),
                None => request.json(quoted),
            };
        }
        let expected = status.trim_end_matches(')').parse().unwrap();
        requests.push(Printed { line: line.to_owned(), request, expected });
    }
    requests
}

/// What a client uses that trusts an authority, and shows a certificate if it has one.
fn client_config(authority: &[u8], shows: Option<&[u8]>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority).unwrap()).unwrap();
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    Arc::new(match shows {
        None => config.with_no_client_auth(),
        Some(pem) => {
            let certificate = CertificateDer::from_pem_slice(pem).unwrap();
            let key = PrivateKeyDer::from_pem_slice(pem).unwrap();
            config.with_client_auth_cert(vec![certificate], key).unwrap()
        }
    })
}

#[test]
fn no_example_is_left_out() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut named = BTreeSet::new();
    for package in fs::read_dir(folder).unwrap() {
        let manifest = fs::read_to_string(package.unwrap().path().join("Cargo.toml")).unwrap();
        let examples = manifest.split("[[example]]").skip(1);
        named.extend(examples.map(|example| example.split('"').nth(1).unwrap().to_owned()));
    }
    let started = ALONE.iter().map(|(example, ..)| *example).chain(ELSEWHERE);
    assert_eq!(named, started.map(str::to_owned).collect());
}
