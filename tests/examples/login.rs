//! The example `auth0-demo` in a real browser, with its own provider and with npm's.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use jwt_verify_tests::{Process, drive, free_port, pictures};
use serde_json::{Value, json};

/// npm's oidc-provider. It ends when this is dropped.
struct Provider {
    child: Child,
    issuer: String,
}

impl Provider {
    fn start(website: &str) -> Self {
        let mut child = Command::new("node")
            .args([concat!(env!("CARGO_MANIFEST_DIR"), "/examples/provider.mjs"), website])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
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

/// What the browser has seen.
fn visit(website: &str, provider: &str) -> Value {
    let url = format!("{website}/");
    drive("examples/browser.mjs", &url, &pictures("auth0-demo"), &[provider])
}

fn assert_seen(seen: &Value) {
    assert_eq!(seen["problems"], json!([]));
    assert_eq!(seen["anonymous"], 401);
    assert_eq!(seen["roles"], json!(["reader"]));
    let cookie = json!([{
        "name": "__Host-session",
        "httpOnly": true,
        "secure": true,
        "sameSite": "Lax",
    }]);
    assert_eq!(seen["cookies"], cookie);
    // Who she is she may know; what she may do the API decides.
    assert_eq!(seen["aliceAsks"], json!(["200", "403", "403"]));
    assert_eq!(seen["aliceAdministers"], 403);
    assert_eq!(seen["adaAsks"], json!(["200", "200", "200"]));
    assert_eq!(seen["adaAdministers"], json!(["200"]));
    assert_eq!(seen["strangeAnswer"], 400);
    assert_eq!(seen["asksFor"], "S256");
    assert_eq!(seen["copyWhileLoggedIn"], 200);
    assert_eq!(seen["copyAfterAnotherLogin"], 401);
    assert_eq!(seen["copyAfterLogout"], 401);
    assert_eq!(seen["logoutShowsToken"], false);
    assert_eq!(seen["afterLogout"], 401);
    assert_eq!(seen["aliceStays"], 200);
}

#[test]
#[ignore = "needs Chromium and Node.js: ./tests/run.sh"]
fn with_its_own_provider() {
    let demo = Process::start_with("auth0-demo", &[]);
    let website = format!("https://localhost:{}", demo.address().port());
    let seen = visit(&website, "embedded");
    assert_seen(&seen);
    assert_eq!(seen["heading"], "Alice Archer");
    let log = demo.log();
    assert!(!log.contains("eyJ"), "a token is in the log: {log}");
}

#[test]
#[ignore = "needs Chromium and Node.js: ./tests/run.sh"]
fn with_a_real_provider() {
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let website = format!("https://localhost:{}", address.port());
    let provider = Provider::start(&website);
    let demo = Process::start_at(
        "auth0-demo",
        address,
        &[
            ("BIND_ADDR", &address.to_string()),
            ("OIDC_ISSUER", &provider.issuer),
            ("AUTH0_CLIENT_ID", "website"),
            ("AUTH0_CLIENT_SECRET", "for-tests-only"),
            ("AUTH0_API_IDENTIFIER", "https://api.example.com"),
        ],
    );
    let seen = visit(&website, "oidc-provider");
    assert_seen(&seen);
    assert_eq!(seen["heading"], "<b>alice</b>", "a name is text, whatever it says");
    let log = demo.log();
    assert!(!log.contains("eyJ") && !log.contains("for-tests-only"), "{log}");
}
