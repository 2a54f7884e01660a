//! An issuer that answers with anything but keys.

use actix_web::http::header::HttpDate;
use jwt_verify_tests::Answer;
use serde_json::json;

use super::*;

fn text(body: &str) -> Answer {
    Answer::Full { status: 200, headers: Vec::new(), body: body.as_bytes().to_vec() }
}

fn redirect(status: u16, location: &str) -> Answer {
    Answer::status(status).with_header("location", location)
}

fn encoded(key: &SigningKey, coding: &str) -> Answer {
    Answer::json(&json!({"keys": [key.jwk()]})).with_header("content-encoding", coding)
}

/// Answers that are no key set, each with its id and the class under which it is reported.
fn faults(key: &SigningKey) -> Vec<(&'static str, Answer, &'static str)> {
    let good = json!({"keys": [key.jwk()]}).to_string();
    let cut = &good[..good.len() - 10];
    let (head, jwk) = ("HTTP/1.1 200 OK\r\n", key.jwk());
    let two = json!({"keys": [&jwk, &jwk]}).to_string();
    vec![
        ("JWK-01", Answer::status(404), "not_found"),
        ("JWK-01", Answer::status(403), "status"),
        ("JWK-01", Answer::status(500), "status"),
        ("JWK-01", Answer::status(503), "status"),
        ("JWK-02", Answer::Reset, "protocol"),
        (
            "JWK-02",
            Answer::Raw(format!("{head}content-length: {}\r\n\r\n{cut}", good.len()).into()),
            "truncated",
        ),
        ("JWK-02", Answer::Raw(b"HTTP/1.1 200 OK\r\ncontent-le".to_vec()), "protocol"),
        ("JWK-03", Answer::Hang, "timeout"),
        ("JWK-03", Answer::Raw(format!("{head}content-length: 100\r\n\r\n").into()), "truncated"),
        (
            "JWK-03",
            Answer::Drip(
                format!("{head}content-length: {}\r\n\r\n{good}", good.len()).into(),
                Duration::from_millis(50),
            ),
            "timeout",
        ),
        ("JWK-04", Answer::Endless, "too_large"),
        (
            "JWK-05",
            Answer::Raw(format!("{head}content-length: 209715200\r\n\r\n{good}").into()),
            "too_large",
        ),
        ("JWK-05", text(&format!("{good}{}", " ".repeat(10_000_000))), "too_large"),
        ("JWK-05", Answer::json(&json!({"keys": vec![&jwk; 65]})), "too_many_keys"),
        (
            "JWK-05",
            text(&format!("{{\"keys\":[{}]}}", "{},".repeat(50_000) + "{}")),
            "too_many_keys",
        ),
        ("JWK-06", encoded(key, "gzip"), "encoding"),
        ("JWK-06", encoded(key, "br"), "encoding"),
        ("JWK-06", encoded(key, "deflate, gzip"), "encoding"),
        ("JWK-07", redirect(301, "/elsewhere.json"), "redirect"),
        ("JWK-07", redirect(302, "http://127.0.0.1:1/"), "redirect"),
        ("JWK-07", redirect(307, "http://169.254.169.254/"), "redirect"),
        ("JWK-07", redirect(308, "file:///etc/passwd"), "redirect"),
        ("JWK-08", text("<html>please log in</html>"), "key_set_document"),
        ("JWK-08", text(""), "empty"),
        ("JWK-08", Answer::Raw(format!("{head}\r\n{good}").into()), "close_delimited"),
        (
            "JWK-08",
            Answer::Raw(format!("{head}connection: close\r\n\r\n").into()),
            "close_delimited",
        ),
        (
            "JWK-08",
            Answer::Raw(format!("{head}transfer-encoding: chunked\r\n\r\n0\r\n\r\n").into()),
            "empty",
        ),
        ("JWK-08", Answer::status(204), "status"),
        ("JWK-08", text("[]"), "key_set_document"),
        ("JWK-08", text("{}"), "key_set_document"),
        ("JWK-08", text(r#"{"keys":null}"#), "key_set_document"),
        ("JWK-08", text(r#"{"keys":{}}"#), "key_set_document"),
        ("JWK-08", text(&json!([[&jwk]]).to_string()), "key_set_document"),
        ("JWK-09", text(cut), "key_set_document"),
        ("JWK-09", text(&two[..two.len() * 3 / 4]), "key_set_document"),
        (
            "JWK-09",
            Answer::Raw(
                format!("{head}transfer-encoding: chunked\r\n\r\n{:x}\r\n{cut}", good.len()).into(),
            ),
            "key_set_document",
        ),
        ("JWK-11", text(r#"{"keys":[]}"#), "no_usable_keys"),
        ("JWK-11", text(r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#), "no_usable_keys"),
        ("JWK-15", Answer::status(304), "redirect"),
        ("JWK-18", Answer::Raw(b"nonsense\r\n\r\n".to_vec()), "protocol"),
    ]
}

fn impatient(provider: JwksProviderBuilder) -> JwksProviderBuilder {
    provider.fetch_timeout(Duration::from_millis(1500))
}

#[test]
fn without_keys_every_fault_is_answered_with_try_later() {
    let key = key("k");
    for (id, fault, class) in faults(&key) {
        let shown = format!("{id} {fault:.100?}");
        let issuer = FakeIssuer::start(&[&key]);
        issuer.answer_keys(fault);
        let bed = IssuerBed::with(issuer, impatient);
        let response =
            bed.api.get("/protected").bearer(Token::of(bed.issuer.url()).sign(&key)).send();
        assert_eq!(response.status, 503, "{shown}");
        assert!(response.header("retry-after").is_some(), "{shown}");
        assert!(!response.everything().contains("upstream"), "{shown}");
        assert!(!response.everything().contains("invalid_token"), "{shown}");
        let reason = bed.api.get("/health/ready").send().json()["reason"].clone();
        assert_eq!(reason, format!("no usable key: {class}"), "{shown}");
        assert_eq!(bed.issuer.all_fetches(), 1, "{shown}");
        // When it is over, it is over.
        bed.issuer.publish(&[&key]);
        bed.advance(2);
        assert_eq!((bed.status(&key), bed.issuer.all_fetches()), (200, 2), "{shown}");
    }
}

#[test]
fn with_keys_no_fault_is_noticed() {
    let known = key("k");
    let stranger = key("stranger");
    for (id, fault, _) in faults(&known) {
        let shown = format!("{id} {fault:.100?}");
        let bed = IssuerBed::with(FakeIssuer::start(&[&known]), impatient);
        assert_eq!(bed.status(&known), 200);
        bed.issuer.answer_keys(fault);
        assert_eq!((bed.status(&stranger), bed.issuer.all_fetches()), (503, 2), "{shown}");
        assert_eq!(bed.status(&known), 200, "{shown}");
        bed.advance(4000);
        assert_eq!(bed.status(&known), 200, "{shown}");
        assert!(bed.issuer.all_fetches() <= 3, "{shown}");
    }
}

/// JWK-02: nobody listens, or there is no such host.
#[test]
fn nobody_listening_is_answered_with_try_later() {
    let key = key("k");
    let issuer = FakeIssuer::start(&[&key]);
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/jwks.json", listener.local_addr().unwrap())
    };
    let clock = TestClock::new();
    for url in [closed.as_str(), "https://no-such-host.invalid/jwks.json"] {
        let api = serve(&issuer, &clock, JwksProvider::builder(url).clock(clock.clone()));
        let response = api.get("/protected").bearer(Token::of(issuer.url()).sign(&key)).send();
        assert_eq!(response.status, 503);
        assert_eq!(api.get("/health/ready").send().json()["reason"], "no usable key: connect");
    }
    assert_eq!(issuer.all_fetches(), 0);
}

/// JWK-19: for a while, but not for an hour.
#[test]
fn the_issuer_may_ask_for_a_pause() {
    let key = key("k");
    let bed = IssuerBed::new(&[&key]);
    bed.issuer.answer_keys(Answer::status(429).with_header("retry-after", "20"));
    assert_eq!(bed.status(&key), 503);
    bed.issuer.publish(&[&key]);
    bed.advance(19);
    let response = bed.api.get("/protected").bearer(Token::of(bed.issuer.url()).sign(&key)).send();
    assert_eq!((response.status, response.header("retry-after")), (503, Some("1")));
    assert_eq!(bed.issuer.key_fetches(), 1);
    bed.advance(1);
    assert_eq!(bed.status(&key), 200);

    // As a date, of the 20th second after the start.
    let bed = IssuerBed::new(&[&key]);
    let date = std::time::UNIX_EPOCH + Duration::from_secs(jwt_verify_tests::START + 20);
    let date = HttpDate::from(date).to_string();
    bed.issuer.answer_keys(Answer::status(503).with_header("retry-after", &date));
    assert_eq!(bed.status(&key), 503);
    bed.issuer.publish(&[&key]);
    bed.advance(19);
    assert_eq!((bed.status(&key), bed.issuer.key_fetches()), (503, 1));
    bed.advance(1);
    assert_eq!((bed.status(&key), bed.issuer.key_fetches()), (200, 2));

    let bed = IssuerBed::new(&[&key]);
    bed.issuer.answer_keys(Answer::status(429).with_header("retry-after", "3600"));
    assert_eq!(bed.status(&key), 503);
    bed.issuer.publish(&[&key]);
    bed.advance(60);
    assert_eq!((bed.status(&key), bed.issuer.key_fetches()), (200, 2));
}

/// JWK-18
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
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x\r\n\r\n{:x}\r\n{body}\r\n0\r\nx: y\r\n\r\n",
            body.len()
        ),
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-encoding: identity\r\ncontent-length: {length}\r\n\r\n{body}"
        ),
    ] {
        let issuer = FakeIssuer::start(&[&key]);
        issuer.answer_keys(Answer::Raw(answer.clone().into_bytes()));
        let bed = IssuerBed::with(issuer, |provider| provider);
        assert_eq!((bed.status(&key), bed.issuer.all_fetches()), (200, 1), "{answer}");
    }
}
