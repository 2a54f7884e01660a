//! The `resource-server` example as a process: its environment, its start, its log.

use std::time::Duration;

use jwt_verify_tests::{
    Answer, Authority, ConnectProxy, Process, TlsFront, eventually, free_port, resource_server,
};

use super::*;

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
    eventually("it is ready", || server.get("/health/ready", "x").status == 200);
    assert_eq!(server.get("/protected", &token).status, 200);
}

#[test]
fn a_variable_that_does_not_parse_stops_the_start() {
    for (name, value) in [("JWT_LEEWAY", "soon"), ("JWT_ALGORITHMS", "none"), ("WORKERS", "0")] {
        let variables =
            [("JWT_ISSUER", "https://issuer.example"), ("JWT_AUDIENCE", "api"), (name, value)];
        let output = resource_server(&variables).output().unwrap();
        assert!(!output.status.success());
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains(name), "{message}");
    }
}

/// The unspecified address leads to this machine, and is no loopback address.
#[test]
fn an_issuer_is_reached_by_plain_http_where_its_host_is_named() {
    let key = SigningKey::new(Algorithm::RS256, "k");
    let issuer = FakeIssuer::start(&[&key]);
    let name = issuer.url().replace("127.0.0.1", "0.0.0.0");
    let discovery = serde_json::json!({"issuer": name, "jwks_uri": format!("{name}/jwks.json")});
    issuer.answer_discovery(Answer::json(&discovery));
    let base = [("JWT_ISSUER", name.as_str()), ("JWT_AUDIENCE", AUDIENCE)];
    let (good, message) = Process::outcome("resource-server", &base);
    assert!(!good && message.contains("JWT_ALLOW_HTTP"), "{message}");

    let named = [base[0], base[1], ("JWT_ALLOW_HTTP", "keycloak,0.0.0.0")];
    let server = Process::start_with("resource-server", &named);
    assert_eq!(server.get("/protected", &Token::now(&name).sign(&key)).status, 200);
    let log = server.log();
    assert_eq!(log.matches("by plain http").count(), 1, "{log}");
}

#[test]
fn a_credential_of_fetches_is_read_again_and_not_logged() {
    const SECRET: &str = "hunter2hunter2";
    let key = SigningKey::new(Algorithm::RS256, "k");
    let file = std::env::temp_dir().join(format!("jwt-verify-credential-{}", std::process::id()));
    let path = file.to_str().unwrap();
    for (variable, field) in [
        (("JWT_JWKS_BEARER_TOKEN", SECRET), "authorization: bearer "),
        (("JWT_JWKS_BEARER_TOKEN_FILE", path), "authorization: bearer "),
        (("JWT_JWKS_HEADER", "X-API-Key: hunter2hunter2"), "x-api-key: "),
    ] {
        let issuer = FakeIssuer::start(&[&key]);
        let server = Process::start(&issuer, &[variable, ("RUST_LOG", "trace")]);
        if variable.1 == path {
            assert_eq!(server.get("/health/ready", "x").status, 503);
            assert!(server.get("/health/ready", "x").text().contains("credential"));
            std::fs::write(&file, format!("{SECRET}\n")).unwrap();
        }
        eventually("it is ready", || server.get("/health/ready", "x").status == 200);
        assert_eq!(server.get("/protected", &Token::now(issuer.url()).sign(&key)).status, 200);
        for head in issuer.heads() {
            assert!(head.to_lowercase().contains(&format!("{field}{SECRET}\r\n")), "{head}");
        }
        let log = server.log();
        assert!(log.contains("fetched the key set") && !log.contains(SECRET), "{log}");
    }
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn a_proxy_is_taken_from_the_environment_except_for_networks() {
    let key = SigningKey::new(Algorithm::RS256, "k");
    let issuer = FakeIssuer::start(&[&key]);
    let authority = Authority::new();
    let front = TlsFront::start(&authority.certify("127.0.0.1"), issuer.url());
    let uri = front.url("/jwks.json").replace("localhost", "127.0.0.1");
    let proxy = ConnectProxy::start();
    // Without a scheme, as it is often written.
    let (pem, address) = (authority.pem(), proxy.address().to_string());
    let variables = [
        ("JWT_JWKS_URI", uri.as_str()),
        ("JWT_ROOT_CERTIFICATES", &pem),
        ("JWT_PROXY", "environment"),
        ("HTTPS_PROXY", &address),
    ];
    for (exempt, tunnels) in [("10.0.0.0/8,::1/128", 1), ("10.0.0.0/8,127.0.0.0/8", 1)] {
        let variables = [&variables[..], &[("NO_PROXY", exempt)]].concat();
        let server = Process::start(&issuer, &variables);
        assert_eq!(server.get("/protected", &Token::now(issuer.url()).sign(&key)).status, 200);
        assert_eq!(proxy.heads().len(), tunnels, "{exempt}");
    }
}

#[test]
fn metrics_are_served_for_prometheus() {
    let key = SigningKey::new(Algorithm::RS256, "k");
    let issuer = FakeIssuer::start(&[&key]);
    let port = free_port();
    let address = format!("127.0.0.1:{port}");
    let server = Process::start_example("prometheus", &issuer, &[("METRICS_ADDR", &address)]);
    assert_eq!(server.get("/protected", &Token::now(issuer.url()).sign(&key)).status, 200);
    assert_eq!(server.get("/protected", "no-token-at-all").status, 401);
    let editor = Token::now(issuer.url()).claim("roles", serde_json::json!(["editor"])).sign(&key);
    assert_eq!(server.get("/admin", &editor).status, 403);
    let edit = server.request("PUT", "/posts/17").bearer(&editor);
    assert_eq!(edit.send().status, 403);
    let unknown = SigningKey::new(Algorithm::RS256, "unknown");
    assert_eq!(server.get("/protected", &Token::now(issuer.url()).sign(&unknown)).status, 401);
    let metrics = server.get_at(port, "/metrics");
    for line in [
        "jwt_verify_verifications_total{outcome=\"ok\",reason=\"ok\"} 3",
        r#"jwt_verify_authorization_decisions_total{route="/protected",outcome="allowed",missing="none"} 1"#,
        r#"jwt_verify_authorization_decisions_total{route="/admin",outcome="refused",missing="role"} 1"#,
        r#"jwt_verify_authorization_decisions_total{route="/posts/{id}",outcome="refused",missing="permission"} 1"#,
        r#"jwt_verify_verification_duration_seconds_count{path="waited"} 1"#,
        r#"jwt_verify_verification_duration_seconds_count{path="cached"} 1"#,
        r#"jwt_verify_verification_duration_seconds_bucket{path="new",le="5"} 3"#,
        "jwt_verify_key_fetches_total{outcome=\"ok\"} 2",
        "# TYPE jwt_verify_keys gauge",
    ] {
        assert!(metrics.text().contains(line), "{line} is not in {}", metrics.text());
    }
}

/// CCH-19: time goes on for a process that was stopped. What was withdrawn meanwhile is not trusted
/// for a moment.
#[test]
fn keys_grow_old_while_the_process_is_stopped() {
    let (old, new) =
        (SigningKey::new(Algorithm::RS256, "old"), SigningKey::new(Algorithm::RS256, "new"));
    let issuer = FakeIssuer::start(&[&old]);
    let server = Process::start(&issuer, &[("JWT_KEY_CACHE_TTL", "2"), ("JWT_STALE_TTL", "0")]);
    let token = |key: &SigningKey| Token::now(issuer.url()).sign(key);
    let first = token(&old);
    assert_eq!(server.get("/protected", &first).status, 200);
    issuer.publish(&[&new]);
    server.suspend(Duration::from_millis(2500));
    assert_eq!(server.get("/protected", &first).status, 401);
    assert_eq!(server.get("/protected", &token(&new)).status, 200);
}

/// TIM-02: seconds since the epoch know neither time zones nor leap seconds.
#[test]
fn the_time_zone_has_no_say_in_it() {
    let key = SigningKey::new(Algorithm::RS256, "k");
    let issuer = FakeIssuer::start(&[&key]);
    for zone in ["Pacific/Kiritimati", "right/UTC", "Nowhere/Garbage", ":\u{1b}"] {
        let server = Process::start(&issuer, &[("TZ", zone)]);
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let ends = |at: u64| Token::now(issuer.url()).claim("exp", at).sign(&key);
        assert_eq!(server.get("/protected", &ends(now + 5)).status, 200, "{zone}");
        assert_eq!(server.get("/protected", &ends(now - 65)).status, 401, "{zone}");
    }
    assert_eq!(issuer.key_fetches(), 4);
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

/// The environment says where the API is, and so turns proofs on.
#[test]
fn tokens_that_are_bound_are_taken_where_the_environment_says_so() {
    let key = SigningKey::new(Algorithm::RS256, "k");
    let issuer = FakeIssuer::start(&[&key]);
    let client = jwt_verify::testing::ProofKey::new();
    let token = Token::now(issuer.url())
        .claim("cnf", serde_json::json!({ "jkt": client.thumbprint() }))
        .sign(&key);
    let ask = |server: &Process| {
        let url = "https://api.example.com/v1/protected";
        let request = server.request("GET", "/protected");
        let request = request.header("authorization", format!("DPoP {token}"));
        request.header("dpop", client.proof("GET", url, &token).sign()).send().status
    };
    let server = Process::start(&issuer, &[("JWT_DPOP_URL", "https://api.example.com/v1")]);
    assert_eq!((ask(&server), server.get("/protected", &token).status), (200, 401));
    // Without, nobody looks for such a token.
    let server = Process::start(&issuer, &[]);
    assert_eq!((ask(&server), server.get("/protected", &token).status), (401, 401));
}
