//! An issuer that answers with anything but keys.

use jwt_verify_tests::Answer;
use serde_json::json;

use super::*;

fn text(body: &str) -> Answer {
    Answer::Full { status: 200, headers: Vec::new(), body: body.as_bytes().to_vec() }
}

/// Answers that are no key set, with the class under which they are reported.
fn faults(key: &SigningKey) -> Vec<(Answer, &'static str)> {
    let good = json!({"keys": [key.jwk()]}).to_string();
    let cut = &good[..good.len() - 10];
    let head = "HTTP/1.1 200 OK\r\n";
    vec![
        (Answer::status(404), "not_found"),
        (Answer::status(403), "status"),
        (Answer::status(500), "status"),
        (Answer::status(204), "status"),
        (Answer::status(304), "redirect"),
        (Answer::status(302).with_header("location", "/elsewhere.json"), "redirect"),
        (Answer::status(307).with_header("location", "http://169.254.169.254/"), "redirect"),
        (text("<html>please log in</html>"), "key_set_document"),
        (text(""), "empty"),
        (text("[]"), "key_set_document"),
        (text("{}"), "key_set_document"),
        (text(r#"{"keys":null}"#), "key_set_document"),
        (text(r#"{"keys":{}}"#), "key_set_document"),
        (text(r#"{"keys":[]}"#), "no_usable_keys"),
        (text(r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#), "no_usable_keys"),
        (text(cut), "key_set_document"),
        (Answer::json(&json!({"keys": vec![key.jwk(); 65]})), "too_many_keys"),
        (text(&format!("{good}{}", " ".repeat(300_000))), "too_large"),
        (
            Answer::Raw(format!("{head}content-length: {}\r\n\r\n{cut}", good.len()).into()),
            "truncated",
        ),
        (Answer::Raw(format!("{head}content-length: 999999999\r\n\r\n{good}").into()), "too_large"),
        (
            Answer::Raw(
                format!("{head}transfer-encoding: chunked\r\n\r\n{:x}\r\n{cut}", good.len()).into(),
            ),
            "key_set_document",
        ),
        (Answer::Raw(b"nonsense\r\n\r\n".to_vec()), "protocol"),
        (
            Answer::json(&json!({"keys": [key.jwk()]})).with_header("content-encoding", "gzip"),
            "encoding",
        ),
        (Answer::Endless, "too_large"),
        (Answer::Reset, "protocol"),
        (Answer::Hang, "timeout"),
        (
            Answer::Drip(
                format!("{head}content-length: {}\r\n\r\n{good}", good.len()).into(),
                Duration::from_millis(50),
            ),
            "timeout",
        ),
    ]
}

fn impatient(provider: JwksProviderBuilder) -> JwksProviderBuilder {
    provider.fetch_timeout(Duration::from_millis(1500))
}

#[test]
fn without_keys_every_fault_is_answered_with_try_later() {
    let key = key("k");
    for (fault, class) in faults(&key) {
        let shown = format!("{fault:.100?}");
        let issuer = FakeIssuer::start(&[&key]);
        issuer.answer_keys(fault);
        let world = World::with(issuer, impatient);
        let response =
            world.api.get("/protected").bearer(Token::of(world.issuer.url()).sign(&key)).send();
        assert_eq!(response.status, 503, "{shown}");
        assert!(response.header("retry-after").is_some(), "{shown}");
        assert!(!response.everything().contains("upstream"), "{shown}");
        let reason = world.api.get("/health/ready").send().json()["reason"].clone();
        assert_eq!(reason, format!("no usable key: {class}"), "{shown}");
        assert_eq!(world.issuer.fetches("/elsewhere.json"), 0);
        // When it is over, it is over.
        world.issuer.publish(&[&key]);
        world.advance(2);
        assert_eq!(world.status(&key), 200, "{shown}");
    }
}

#[test]
fn with_keys_no_fault_is_noticed() {
    let known = key("k");
    let stranger = key("stranger");
    for (fault, _) in faults(&known) {
        let shown = format!("{fault:.100?}");
        let world = World::with(FakeIssuer::start(&[&known]), impatient);
        assert_eq!(world.status(&known), 200);
        world.issuer.answer_keys(fault);
        assert_eq!(world.status(&stranger), 503, "{shown}");
        assert_eq!(world.status(&known), 200, "{shown}");
        world.advance(4000);
        assert_eq!(world.status(&known), 200, "{shown}");
    }
}

#[test]
fn nobody_listening_is_answered_with_try_later() {
    let key = key("k");
    let issuer = FakeIssuer::start(&[&key]);
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/jwks.json", listener.local_addr().unwrap())
    };
    let clock = ManualClock::new();
    let api = serve(&issuer, &clock, JwksProvider::new(closed).clock(clock.clone()));
    let response = api.get("/protected").bearer(Token::of(issuer.url()).sign(&key)).send();
    assert_eq!(response.status, 503);
    assert_eq!(api.get("/health/ready").send().json()["reason"], "no usable key: connect");
}

#[test]
fn the_issuer_may_ask_for_a_pause() {
    let key = key("k");
    let world = World::new(&[&key]);
    world.issuer.answer_keys(Answer::status(429).with_header("retry-after", "20"));
    assert_eq!(world.status(&key), 503);
    world.issuer.publish(&[&key]);
    world.advance(19);
    let response =
        world.api.get("/protected").bearer(Token::of(world.issuer.url()).sign(&key)).send();
    assert_eq!((response.status, response.header("retry-after")), (503, Some("1")));
    assert_eq!(world.issuer.key_fetches(), 1);
    world.advance(1);
    assert_eq!(world.status(&key), 200);
}

#[test]
fn odd_but_correct_http_is_understood() {
    let key = key("k");
    let body = json!({"keys": [key.jwk()]}).to_string();
    let (first, second) = body.split_at(20);
    let length = body.len();
    for answer in [
        format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{first}\r\n{:x};x=y\r\n{second}\r\n0\r\n\r\n",
            first.len(),
            second.len()
        ),
        format!("HTTP/1.0 200 OK\r\n\r\n{body}"),
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-encoding: identity\r\ncontent-length: {length}\r\n\r\n{body}"
        ),
    ] {
        let issuer = FakeIssuer::start(&[&key]);
        issuer.answer_keys(Answer::Raw(answer.clone().into_bytes()));
        let world = World::with(issuer, |provider| provider);
        assert_eq!(world.status(&key), 200, "{answer}");
    }
}
