//! The `resource-server` example as a process: its environment, its start, its log.

use std::{
    io::Read as _,
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use jwt_verify_tests::{Answer, Request, Response};

use super::*;

/// The running example with its log.
struct Process {
    child: Child,
    address: SocketAddr,
}

/// Built by `cargo test --workspace`, beside the tests.
fn binary() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let path = here.ancestors().nth(2).unwrap().join("examples/resource-server");
    assert!(path.exists(), "run `cargo build --example resource-server` first");
    path
}

fn command(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(binary());
    command.env_clear().envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Process {
    fn start(issuer: &FakeIssuer, more: &[(&str, &str)]) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let bind = free.to_string();
        let mut variables = vec![
            ("JWT_ISSUER", issuer.url()),
            ("JWT_AUDIENCE", AUDIENCE),
            ("BIND_ADDR", &bind),
            ("WORKERS", "2"),
        ];
        variables.extend(more);
        let child = command(&variables).spawn().unwrap();
        let start = Instant::now();
        while TcpStream::connect(free).is_err() {
            assert!(start.elapsed() < Duration::from_secs(20), "the server does not start");
            std::thread::yield_now();
        }
        Self { child, address: free }
    }

    fn get(&self, path: &str, token: &str) -> Response {
        Request::new(self.address, "GET", path).bearer(token).send()
    }

    /// Ends it and returns everything it has printed.
    fn log(mut self) -> String {
        self.child.kill().unwrap();
        let mut log = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut log).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        log
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_starts_without_its_issuer_and_works_when_that_is_back() {
    let key = SigningKey::new(Algorithm::RS256, "k");
    let issuer = FakeIssuer::start(&[&key]);
    issuer.answer_discovery(Answer::status(503));
    let server = Process::start(&issuer, &[]);
    let token = Token::now(issuer.url()).sign(&key);
    assert_eq!(server.get("/public", "x").status, 200);
    assert_eq!(server.get("/health/ready", "x").status, 503);
    assert_eq!(server.get("/protected", &token).status, 503);

    let discovery = serde_json::json!({"issuer": issuer.url(), "jwks_uri": issuer.jwks_uri()});
    issuer.answer_discovery(Answer::json(&discovery));
    let start = Instant::now();
    while server.get("/health/ready", "x").status != 200 {
        assert!(start.elapsed() < Duration::from_secs(20), "it never gets ready");
        std::thread::yield_now();
    }
    assert_eq!(server.get("/protected", &token).status, 200);
}

#[test]
fn a_variable_that_does_not_parse_stops_the_start() {
    for (name, value) in [("JWT_LEEWAY", "soon"), ("JWT_ALGORITHMS", "none"), ("WORKERS", "0")] {
        let variables =
            [("JWT_ISSUER", "https://issuer.example"), ("JWT_AUDIENCE", "api"), (name, value)];
        let output = command(&variables).output().unwrap();
        assert!(!output.status.success());
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains(name), "{message}");
    }
}

#[test]
fn nothing_of_a_token_is_in_the_log_at_any_level() {
    let key = SigningKey::new(Algorithm::RS256, "a-kid-to-look-for");
    let issuer = FakeIssuer::start(&[&key]);
    let server = Process::start(&issuer, &[("RUST_LOG", "trace")]);
    let token = Token::now(issuer.url());
    let hostile = token.clone().claim("sub", "\u{1b}[31mred\r\ninjected: yes");
    let secrets: Vec<String> = [
        token.sign(&key),
        hostile.sign(&key),
        token.clone().header("kid", "unknown-kid\r\ninjected: yes").sign(&key),
        token.claim("exp", 1).without("iat").sign(&key),
        "opaque-token-of-somebody".into(),
    ]
    .into();
    for secret in &secrets {
        server.get("/protected", secret);
        server.get("/admin", secret);
        server.get(&format!("/protected?access_token={secret}"), secret);
    }
    let log = server.log();
    assert!(log.contains("refused a request"), "the log is not captured");
    assert!(!log.contains("injected"), "input reached the log");
    for secret in &secrets {
        for part in secret.split('.') {
            for run in part.as_bytes().windows(16).step_by(8) {
                let run = std::str::from_utf8(run).unwrap();
                assert!(
                    !log.contains(run),
                    "{run} of a token is in the log:\n{}",
                    around(&log, run)
                );
            }
        }
    }
}

fn around(log: &str, run: &str) -> String {
    log.lines().filter(|line| line.contains(run)).take(3).collect()
}
