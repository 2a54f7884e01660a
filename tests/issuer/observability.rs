//! What those who operate an application can see.

use std::sync::OnceLock;

use jwt_verify::{
    JwksProvider, TrustedIssuer, describe_metrics,
    keys::{InvalidKeyError, KeyHealth},
};
use jwt_verify_tests::Answer;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::json;

use super::*;

fn recorder() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let handle = PrometheusBuilder::new().install_recorder().unwrap();
        describe_metrics();
        handle
    })
}

/// The sum of a metric over all lines that have these labels.
fn value(name: &str, labels: &[&str]) -> f64 {
    let text = recorder().render();
    let lines = text.lines().filter(|line| {
        line.split(['{', ' ']).next() == Some(name)
            && labels.iter().all(|label| line.contains(label))
    });
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

/// By how much metrics grow meanwhile, at least: other tests may run in the same process.
fn growth(metrics: &[(&str, &[&str])], act: impl FnOnce()) -> Vec<f64> {
    let before: Vec<f64> = metrics.iter().map(|(name, labels)| value(name, labels)).collect();
    act();
    let after = metrics.iter().map(|(name, labels)| value(name, labels));
    after.zip(before).map(|(after, before)| after - before).collect()
}

#[test]
fn verifications_fetches_and_look_ups_are_counted() {
    recorder();
    let (known, stranger) = (key("known"), key("stranger"));
    let bed = IssuerBed::new(&[&known]);
    let odd = json!({"keys": [known.jwk(), {"kty": "oct", "k": "AAAA"}, {"kty": "what"}]});
    bed.issuer.publish_json(&odd);
    let counted: [(&str, &[&str]); 9] = [
        ("jwt_verify_verifications_total", &[r#"outcome="ok""#]),
        ("jwt_verify_verifications_total", &[r#"reason="unknown_key""#]),
        ("jwt_verify_verifications_total", &[r#"reason="signature""#]),
        ("jwt_verify_verifications_total", &[r#"outcome="key_lookup_limited""#]),
        ("jwt_verify_cache_total", &[r#"level="token""#, r#"result="hit""#]),
        ("jwt_verify_cache_total", &[r#"level="keys""#, r#"result="miss""#]),
        ("jwt_verify_key_fetches_total", &[r#"outcome="ok""#]),
        ("jwt_verify_refetches_refused_total", &[]),
        ("jwt_verify_skipped_keys_total", &[r#"reason="symmetric""#]),
    ];
    let growth = growth(&counted, || {
        let token = Token::of(bed.issuer.url()).sign(&known);
        for _ in 0..3 {
            assert_eq!(bed.status_of(&token), 200);
        }
        assert_eq!(bed.status(&key("known")), 401);
        for number in 0..5 {
            let token = Token::of(bed.issuer.url()).header("kid", format!("kid-{number}"));
            let status = bed.status_of(&token.sign(&stranger));
            assert_eq!(status, if number == 0 { 401 } else { 429 });
        }
    });
    let least = [3.0, 1.0, 1.0, 4.0, 1.0, 5.0, 3.0, 4.0, 3.0];
    for ((grown, least), metric) in growth.iter().zip(least).zip(counted) {
        assert!(*grown >= least, "{metric:?}: {grown} of {least}");
    }
    let source = format!("source=\"{}\"", bed.issuer.jwks_uri());
    assert!((value("jwt_verify_keys", &[&source]) - 1.0).abs() < 0.1);
    let fetched = value("jwt_verify_keys_fetched_timestamp_seconds", &[&source]);
    assert!((fetched - 1_800_000_000.0).abs() < 1.0, "{fetched}");
    let text = recorder().render();
    assert!(
        !text.contains("kid-") && !text.contains("stranger") && !text.contains("alice"),
        "{text}"
    );
}

#[test]
fn failed_fetches_are_counted_by_class() {
    recorder();
    let known = key("k");
    let bed = IssuerBed::new(&[&known]);
    bed.issuer.answer_keys(Answer::status(404));
    let classes: [(&str, &[&str]); 2] = [
        ("jwt_verify_key_fetches_total", &[r#"outcome="not_found""#]),
        ("jwt_verify_verifications_total", &[r#"outcome="temporarily_unavailable""#]),
    ];
    let growth = growth(&classes, || assert_eq!(bed.status(&known), 503));
    assert!(growth.iter().all(|grown| *grown >= 1.0), "{growth:?}");
}

/// An auth of its own, to be asked about its health.
fn auth(issuer: &FakeIssuer, clock: &TestClock) -> JwtAuth {
    let provider = JwksProvider::builder(issuer.jwks_uri()).clock(clock.clone());
    JwtAuth::for_issuer(
        TrustedIssuer::new(issuer.url(), AUDIENCE)
            .algorithms([Algorithm::ES256])
            .keys(provider.build().unwrap()),
    )
    .clock(clock.clone())
    .build()
    .unwrap()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn only(auth: &JwtAuth) -> KeyHealth {
    let mut health = auth.health();
    assert_eq!(health.len(), 1);
    health.remove(0).1
}

#[test]
fn health_says_how_the_keys_are() {
    let known = key("k");
    let (issuer, clock) = (FakeIssuer::start(&[&known]), TestClock::new());
    issuer.publish_json(&json!({"keys": [known.jwk(), {"kty": "oct", "k": "AAAA"}]}));
    let auth = auth(&issuer, &clock);
    let cold = only(&auth);
    assert_eq!((cold.ready, cold.keys, cold.age, cold.next_refresh), (false, 0, None, None));
    block_on(auth.wait_until_ready()).unwrap();
    clock.advance(Duration::from_secs(80));
    let fresh = only(&auth);
    assert_eq!((fresh.ready, fresh.stale, fresh.keys, fresh.rejected_keys), (true, false, 1, 1));
    assert_eq!(fresh.rejected, [(InvalidKeyError::Symmetric, 1)]);
    assert_eq!(fresh.age, Some(Duration::from_secs(80)));
    assert_eq!(fresh.next_refresh, Some(Duration::from_secs(400)));
    assert_eq!(fresh.last_error, None);

    issuer.answer_keys(Answer::status(503));
    clock.advance(Duration::from_secs(520));
    let token = Token::of(issuer.url()).claim("exp", jwt_verify_tests::START + 9000).sign(&known);
    assert!(block_on(auth.verifier().verify(&token)).is_ok());
    eventually("the refresh fails", || only(&auth).last_error == Some("status"));
    let stale = only(&auth);
    assert_eq!((stale.ready, stale.stale), (true, true));
    assert!(stale.next_refresh.unwrap() <= Duration::from_secs(2));
    clock.advance(Duration::from_secs(3600));
    assert!(!only(&auth).ready);
}

/// A set of which no key can be used is not taken, and its reasons are there nevertheless.
#[test]
fn health_says_why_there_is_no_key() {
    let (issuer, clock) = (FakeIssuer::start(&[]), TestClock::new());
    issuer.publish_json(&json!({"keys": [{"kty": "AKP"}, {"kty": "RSA"}, {"kty": "AKP"}]}));
    let auth = auth(&issuer, &clock);
    assert!(block_on(auth.wait_until_ready()).is_err());
    let health = only(&auth);
    assert_eq!((health.ready, health.last_error), (false, Some("no_usable_keys")));
    let reasons = [(InvalidKeyError::Unsupported, 2), (InvalidKeyError::Malformed, 1)];
    assert_eq!((health.rejected_keys, health.rejected), (3, reasons.to_vec()));
}

#[test]
fn ready_waits_for_keys_or_for_the_news_that_there_are_none() {
    let (a, b) = (key("a"), key("b"));
    let (first, second) = (FakeIssuer::start(&[&a]), FakeIssuer::start(&[&b]));
    let clock = TestClock::new();
    let keys = |issuer: &FakeIssuer| {
        JwksProvider::builder(issuer.jwks_uri()).clock(clock.clone()).build().unwrap()
    };
    let auth = JwtAuth::for_issuer(TrustedIssuer::new(first.url(), AUDIENCE).keys(keys(&first)))
        .issuer(TrustedIssuer::new(second.url(), AUDIENCE).keys(keys(&second)))
        .build()
        .unwrap();
    second.answer_keys(Answer::status(500).after(Duration::from_millis(100)));
    let error = block_on(auth.wait_until_ready()).unwrap_err();
    assert_eq!(error.code(), "temporarily_unavailable");
    second.publish(&[&b]);
    clock.advance(Duration::from_secs(2));
    block_on(auth.wait_until_ready()).unwrap();
    block_on(auth.wait_until_ready()).unwrap();
    assert_eq!((first.key_fetches(), second.key_fetches()), (1, 2));
}

#[test]
fn health_routes_answer_without_a_token() {
    let known = key("k");
    let bed = IssuerBed::new(&[&known]);
    let live = bed.api.get("/health/live").send();
    assert_eq!((live.status, live.header("cache-control")), (200, Some("no-store")));
    let cold = bed.api.get("/health/ready").send();
    assert_eq!((cold.status, cold.header("retry-after")), (503, Some("1")));
    assert_eq!(cold.header("cache-control"), Some("no-store"));
    assert_eq!(cold.json()["reason"], "no usable key: not_fetched_yet");
    // Being asked is reason enough to fetch: an orchestrator sends no requests before it is ready.
    eventually("it is ready", || bed.api.get("/health/ready").send().status == 200);
    assert_eq!(bed.api.get("/health/ready").send().json(), json!({"status": "ready"}));
    assert_eq!(bed.issuer.key_fetches(), 1);

    let auth = auth(&bed.issuer, &bed.clock);
    let elsewhere =
        TestServer::start(move || App::new().service(auth.health_routes().path("/internal/")));
    assert_eq!(elsewhere.get("/internal/live").send().status, 200);
    assert_eq!(elsewhere.get("/internal/ready").send().status, 503);
    assert_eq!(elsewhere.get("/health/live").send().status, 404);
}

/// CCH-21: a server that is shut down while a fetch hangs comes to its end.
#[test]
fn the_end_of_a_server_does_not_wait_for_a_fetch() {
    let known = key("k");
    let bed = IssuerBed::new(&[&known]);
    bed.issuer.answer_keys(Answer::Hang);
    let open = bed.api.get("/protected").bearer(Token::of(bed.issuer.url()).sign(&known)).open();
    eventually("the fetch", || bed.issuer.key_fetches() == 1);
    bed.api.stop();
    drop(open);
    // The fetch goes on by itself until its time is over.
    assert_eq!(bed.issuer.answers(), 0);
}
