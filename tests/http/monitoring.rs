//! The dashboard and the alerts in `docs/operations`: they ask for what the library counts, and each
//! alert has a section that says what to do.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use actix_web::{error, get, web};
use jwt_verify::{
    AuthError, AuthScope, Requirement, VerifiedClaims, require,
    revocation::{RedisRevocation, RevocationReplica},
    store::RedisCache,
    streams::StreamGuard,
    testing::TestIssuer,
};
use jwt_verify_tests::{IntrospectionEndpoint, Process, START, eventually, free_port};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::{Value, json};

use super::*;

/// Labels of each metric.
type Series = BTreeMap<String, BTreeSet<String>>;

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(folder(path)).unwrap()
}

fn dashboard() -> Value {
    serde_json::from_str(&read("docs/operations/dashboard.json")).unwrap()
}

/// The expressions of the dashboard.
fn expressions(dashboard: &Value) -> Vec<&str> {
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    targets.map(|target| target["expr"].as_str().unwrap()).collect()
}

/// The series of a scrape.
fn series(scrape: &str, all: &mut Series) {
    for line in scrape.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let end = line.find(['{', ' ']).unwrap();
        let labels = all.entry(line[..end].to_owned()).or_default();
        // Quoted values are every second part.
        let names = line[end..].split('"').step_by(2).filter(|part| part.ends_with('='));
        labels.extend(names.map(|name| name.trim_matches(['{', ',', '=', ' ']).to_owned()));
    }
}

/// Names of metrics in an expression, each with the labels that its selector names.
fn asked(expression: &str) -> Vec<(String, Vec<String>)> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let starts = expression.match_indices("jwt_verify_").map(|(start, _)| &expression[start..]);
    let metrics = starts.map(|text| {
        let (name, rest) = text.split_at(text.find(|c| !is_name(c)).unwrap_or(text.len()));
        let selector = rest.strip_prefix('{').and_then(|rest| rest.split('}').next());
        let parts = selector.unwrap_or_default().split('"').step_by(2);
        let labels = parts.map(|part| part.trim_matches([',', ' ', '=', '!', '~']).to_owned());
        (name.to_owned(), labels.filter(|label| !label.is_empty()).collect())
    });
    metrics.collect()
}

/// What the `prometheus` example has after requests of each kind.
fn scraped(all: &mut Series) {
    let (key, unknown) =
        (SigningKey::new(Algorithm::RS256, "k"), SigningKey::new(Algorithm::RS256, "unknown"));
    let issuer = FakeIssuer::start(&[&key]);
    issuer.publish_json(&json!({"keys": [key.jwk(), {"kty": "oct", "k": "AAAA"}]}));
    let port = free_port();
    let address = format!("127.0.0.1:{port}");
    let endpoint = IntrospectionEndpoint::start();
    let keys = issuer.jwks_uri();
    let variables = [
        ("METRICS_ADDR", address.as_str()),
        ("SSF_ISSUER", issuer.url()),
        ("SSF_AUDIENCE", "events"),
        ("SSF_JWKS_URI", &keys),
        ("JWT_INTROSPECTION_URL", endpoint.url()),
        ("JWT_INTROSPECTION_CLIENT_ID", "api"),
        ("JWT_INTROSPECTION_CLIENT_SECRET", "secret"),
    ];
    let server = Process::start_example("prometheus", &issuer, &variables);
    let token = Token::now(issuer.url()).claim("jti", "a");
    for (path, token, status) in [
        ("/protected", token.sign(&key), 200),
        ("/protected", "not-a-token".into(), 401),
        ("/protected", token.clone().claim("exp", 1).sign(&key), 401),
        ("/admin", token.sign(&key), 403),
        ("/reports", token.sign(&key), 403),
        ("/nowhere", token.sign(&key), 404),
    ] {
        assert_eq!(server.get(path, &token).status, status, "{path}");
    }
    for number in 0..4 {
        let token = token.clone().header("kid", format!("kid-{number}")).sign(&unknown);
        server.get("/protected", &token);
    }
    assert_eq!(server.request("POST", "/ssf/events").send().status, 400);
    series(server.get_at(port, "/metrics").text(), all);
}

/// The metrics of this process.
fn recorder() -> &'static PrometheusHandle {
    static HANDLE: LazyLock<PrometheusHandle> =
        LazyLock::new(|| PrometheusBuilder::new().install_recorder().unwrap());
    &HANDLE
}

/// What an application has whose copy of the revocations is out of reach.
fn scraped_without_redis(all: &mut Series) {
    let metrics = recorder();
    let url = format!("redis://127.0.0.1:{}", free_port());
    let store = RedisRevocation::new(RedisCache::builder(url).build().unwrap());
    let replica = RevocationReplica::builder(store).spawn().unwrap();
    let issuer = TestIssuer::signing_with(Algorithm::ES256);
    let verifier = issuer.verifier().revocation(replica).build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert!(runtime.block_on(verifier.verify(issuer.token().sign())).is_err());
    eventually("it is asked for in vain", || metrics.render().contains("copy_failures_total"));
    series(&metrics.render(), all);
}

/// Waits for the end of its access.
#[require]
#[get("/stream")]
async fn stream(guard: StreamGuard) -> String {
    guard.ended().await.to_string()
}

/// What an application has whose streams end.
fn scraped_with_streams(all: &mut Series) {
    let metrics = recorder();
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let server = TestServer::start(move || App::new().service(stream).wrap(auth.clone()));
    // Within the leeway, which a stream does not have.
    let token = bed.token().claim("iat", START - 60).claim("exp", START - 1).sign(&bed.key);
    assert_eq!(server.get("/stream").bearer(token).send().text(), "expired");
    series(&metrics.render(), all);
}

#[test]
fn the_dashboard_and_the_alerts_ask_for_what_the_library_counts() {
    let mut all = Series::new();
    scraped(&mut all);
    scraped_without_redis(&mut all);
    scraped_with_streams(&mut all);
    let (dashboard, alerts) = (dashboard(), read("docs/operations/alerts.yml"));
    let expressions = expressions(&dashboard);
    assert!(expressions.len() > 10);
    let mut named = BTreeSet::new();
    for text in expressions.into_iter().chain([alerts.as_str()]) {
        for (name, labels) in asked(text) {
            let has = all.get(&name).unwrap_or_else(|| panic!("{name} is not a metric: {all:#?}"));
            for label in labels {
                // These are of Prometheus.
                let is_known = ["job", "instance"].contains(&&*label) || has.contains(&label);
                assert!(is_known, "{name} has no label {label}, but {has:?}");
            }
            named.insert(name);
        }
    }
    // In turn: none is forgotten, in the dashboard or in the book.
    let book = read("docs/operations.md");
    for name in all.keys().filter(|name| name.starts_with("jwt_verify_")) {
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        let base = base.unwrap_or(name);
        assert!(named.iter().any(|named| named.starts_with(base)), "{name} is in no panel");
        assert!(book.contains(&format!("| `{base}` |")), "{base} is not in the book");
    }
}

fn breaks(_: &VerifiedClaims, way: web::Path<String>) -> Result<(), actix_web::Error> {
    Err(match way.into_inner().as_str() {
        "hidden" => error::ErrorNotFound("no such thing"),
        "down" => AuthError::Misconfigured.into(),
        _ => error::ErrorInternalServerError("the database is down"),
    })
}

#[require(policy = breaks)]
#[get("/breaks/{way}")]
async fn broken() -> &'static str {
    "never"
}

#[require(max_age = "5m")]
#[get("/login")]
async fn login() -> &'static str {
    "never"
}

/// No label has a part of the path, and what was not decided is no refusal.
#[test]
fn decisions_are_counted_by_pattern_and_outcome() {
    let metrics = recorder();
    let bed = TestBed::new();
    let auth = bed.auth().build().unwrap();
    let server = TestServer::start(move || {
        let staff = Requirement::roles(["staff"]);
        let watched = Requirement::claim_equals("watched", true);
        App::new()
            .service(AuthScope::new("/counted").require(staff).service(broken).service(login))
            .service(web::scope("/watched").wrap(auth.require(watched).report_only()))
            .wrap(auth.clone())
    });
    let staff = bed.token().roles(&["staff"]);
    for (path, token, status) in [
        ("/counted/secret-of-a-caller", bed.token(), 403),
        ("/counted/breaks/hidden", staff.clone(), 404),
        ("/counted/breaks/down", staff.clone(), 500),
        ("/counted/breaks/other", staff.clone(), 500),
        ("/counted/login", staff, 401),
        ("/watched/secret-of-a-caller", bed.token(), 404),
    ] {
        let response = server.get(path).bearer(token.sign(&bed.key)).send();
        assert_eq!(response.status, status, "{path}");
    }
    let text = metrics.render();
    assert!(!text.contains("secret-of-a-caller"), "{text}");
    for (route, outcome, missing, count) in [
        // Other tests of this process may add to these.
        ("unmatched", "refused", "role", ""),
        ("unmatched", "reported", "condition", ""),
        ("/counted/breaks/{way}", "allowed", "none", "3"),
        ("/counted/breaks/{way}", "refused", "policy", "1"),
        ("/counted/breaks/{way}", "failed", "none", "2"),
        ("/counted/login", "refused", "login", "1"),
    ] {
        let line = format!(
            "jwt_verify_authorization_decisions_total{{route=\"{route}\",outcome=\"{outcome}\",\
             missing=\"{missing}\"}} {count}"
        );
        assert!(text.contains(&line), "{line} is not in {text}");
    }
}

#[test]
fn each_alert_has_a_section_and_a_test() {
    let (alerts, book) = (read("docs/operations/alerts.yml"), read("docs/operations.md"));
    let tests = read("tests/monitoring/alerts.test.yml");
    let alerts: Vec<&str> = alerts.split("- alert: ").skip(1).collect();
    assert!(alerts.len() > 10);
    for alert in alerts {
        let name = alert.lines().next().unwrap();
        let anchor = format!("docs/operations.md#{}", name.to_lowercase());
        let url = alert.lines().find_map(|line| line.trim().strip_prefix("runbook_url: "));
        assert!(url.is_some_and(|url| url.ends_with(&anchor)), "{name} leads to {url:?}");
        assert!(book.contains(&format!("\n### {name}\n")), "{name} has no section");
        let named = format!("alertname: {name}\n");
        let cases = tests.split(&named).skip(1);
        let fires = cases.map(|case| !case.trim_start().starts_with("exp_alerts: []"));
        assert_eq!(fires.collect::<Vec<_>>(), [true, false], "{name}");
    }
}

#[test]
#[ignore = "needs promtool: ./tests/run.sh"]
fn the_alerts_fire_when_they_should() {
    for arguments in [
        ["check", "rules", "docs/operations/alerts.yml"],
        ["test", "rules", "tests/monitoring/alerts.test.yml"],
    ] {
        let output = Command::new("promtool").args(arguments).current_dir(folder("")).output();
        let output = output.unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
    }
}
