//! Endpoints that fail, and answers that the rules refuse.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::*;
use crate::error::InvalidTokenReason::{
    self, Audience, ClientNotAllowed, Issuer, MissingClaim, MissingExpiry, NotYetValid,
    SenderConstraint, TokenTypeClaim,
};

const LATER: AuthError = AuthError::Unavailable { retry_after: SECOND };

#[test]
fn what_is_not_an_answer_is_neither_a_pass_nor_a_refusal() {
    let html = "Content-Type: text/html\r\n";
    let typed = "Content-Type: application/json\r\n";
    let huge = format!(r#"{{"active":true,"aud":"api","x":"{}"}}"#, "x".repeat(64 * 1024));
    let cut = |length: usize| {
        let mut response = active("alice");
        response.truncate(response.len() - length);
        response
    };
    let chunked = format!(
        "HTTP/1.1 200 OK\r\n{typed}Transfer-Encoding: chunked\r\n\r\n20\r\n{{\"active\":true,\"aud\":\"api\""
    );
    for (name, response) in [
        ("500", response(500, typed, r#"{"active":true}"#)),
        ("204", response(204, typed, "")),
        ("201", response(201, typed, r#"{"active":true}"#)),
        ("404", response(404, html, "<html>")),
        ("400", response(400, typed, r#"{"error":"invalid_request"}"#)),
        ("401", response(401, typed, r#"{"error":"invalid_client"}"#)),
        ("403", response(403, typed, r#"{"error":"access_denied"}"#)),
        ("redirect", response(302, "Location: http://127.0.0.1:1/\r\n", "")),
        ("see other", response(307, "Location: /introspect\r\n", "")),
        ("html", response(200, html, "<html>log in</html>")),
        ("html as json", json("<html>log in</html>")),
        ("no type", response(200, "", r#"{"active":false}"#)),
        ("text", response(200, "Content-Type: text/json\r\n", r#"{"active":false}"#)),
        ("text", json(r#"{"active":"true"}"#)),
        ("number", json(r#"{"active":1}"#)),
        ("missing", json(r#"{"sub":"alice","aud":"api","exp":99999999999}"#)),
        ("twice", json(r#"{"active":false,"active":true,"aud":"api","exp":99999999999}"#)),
        ("list", json(r#"[{"active":true}]"#)),
        ("wrong date", json(r#"{"active":true,"aud":"api","exp":"99999999999"}"#)),
        ("empty", json("")),
        ("huge", json(&huge)),
        ("truncated", cut(5)),
        ("no body", cut(100)),
        ("chunks without end", chunked.into_bytes()),
        ("compressed", response(200, &format!("{typed}Content-Encoding: gzip\r\n"), "{}")),
        ("nothing", Vec::new()),
        ("noise", b"\0\0\0\0".to_vec()),
        (
            "not signed",
            response(200, "Content-Type: application/token-introspection+jwt\r\n", "a.b.c"),
        ),
    ] {
        let bed = Bed::new(FakeEndpoint::sending(response));
        assert_eq!(bed.ask("good-1").err(), Some(LATER), "{name}");
        assert_eq!(bed.ask("good-1").err(), Some(LATER), "{name}");
        assert_eq!(bed.endpoint.count(), 1, "{name}");
        bed.clock.advance(1);
        bed.endpoint.reply_with(|_| active("alice"));
        assert_eq!(bed.subject("good-1"), "alice", "{name}");
        assert_eq!(bed.endpoint.count(), 2, "{name}");
    }
}

#[test]
fn a_slow_endpoint_costs_no_more_than_the_time_limit() {
    let slow = FakeEndpoint::new(|_| {
        std::thread::sleep(3 * SECOND);
        active("alice")
    });
    let limit = Duration::from_millis(200);
    let bed = Bed::with(slow, |it| it.timeout(limit), |issuer| issuer);
    let begin = std::time::Instant::now();
    assert_eq!(bed.ask("good-1").err(), Some(LATER));
    assert!(begin.elapsed() < 2 * SECOND);
}

#[test]
fn an_endpoint_that_is_down_gets_a_pause() {
    let bed = Bed::new(FakeEndpoint::new(|question| match question.token() {
        "good-1" => active("alice"),
        _ => response(503, "Retry-After: 7\r\n", "x"),
    }));
    assert_eq!(bed.subject("good-1"), "alice");
    let wait = |seconds| Some(AuthError::Unavailable { retry_after: seconds * SECOND });
    for number in 0..20 {
        assert_eq!(bed.ask(&format!("other-{number}")).err(), wait(7));
    }
    assert_eq!(bed.endpoint.count(), 1 + 5);
    // Cached tokens are served to their bound.
    assert!(bed.is_ready("good-1"));
    bed.clock.advance(6);
    assert_eq!((bed.ask("other").err(), bed.endpoint.count()), (wait(1), 6));
    bed.clock.advance(1);
    assert_eq!((bed.ask("other").err(), bed.endpoint.count()), (wait(7), 7));
    bed.clock.advance(53);
    bed.endpoint.reply_with(|question| active(question.token()));
    assert_eq!(bed.subject("good-1"), "good-1");
    assert_eq!(bed.subject("other"), "other");
}

/// A caller cannot close the endpoint to others with a token whose answer cannot be read.
#[test]
fn one_token_does_not_pause_the_others() {
    let bed = Bed::new(FakeEndpoint::new(|question| match question.token() {
        "good-1" => active("alice"),
        _ => json(r#"{"active":"true"}"#),
    }));
    for number in 0..20 {
        assert_eq!(bed.ask(&format!("odd-{number}")).err(), Some(LATER));
    }
    assert_eq!(bed.subject("good-1"), "alice");
}

/// After an outage the one question that may be asked is about any token, and a caller can choose it.
#[test]
fn a_token_that_cannot_be_answered_does_not_prolong_the_pause() {
    let bed = Bed::new(FakeEndpoint::sending(response(503, "", "x")));
    for number in 0..5 {
        assert_eq!(bed.ask(&format!("other-{number}")).err(), Some(LATER));
    }
    bed.clock.advance(1);
    bed.endpoint.reply_with(|question| match question.token() {
        "good-1" => active("alice"),
        _ => response(400, "", "x"),
    });
    assert_eq!(bed.ask("odd").err(), Some(LATER));
    assert_eq!(bed.subject("good-1"), "alice");
}

/// Keys that are looked for, and never found.
#[derive(Debug)]
struct SlowKeys;

impl KeyProvider for SlowKeys {
    fn find<'a>(
        &'a self,
        _: KeyQuery<'a>,
    ) -> Lookup<'a, Result<Arc<VerificationKey>, KeyLookupError>> {
        Lookup::Pending(Box::pin(std::future::pending()))
    }
}

/// A question that is never over would hold its place, and all who wait for it.
#[test]
fn keys_for_a_signed_answer_are_waited_for_within_the_time_limit() {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let header = part(r#"{"alg":"RS256","kid":"k","typ":"token-introspection+jwt"}"#);
    let payload = part(&format!(
        r#"{{"iss":"{ISSUER}","aud":"rs","iat":{START},"token_introspection":{{"active":true}}}}"#
    ));
    let answer = format!("{header}.{payload}.{}", part(&"s".repeat(256)));
    let signed = response(200, "Content-Type: application/token-introspection+jwt\r\n", &answer);
    let limit = Duration::from_millis(200);
    let bed = Bed::with(
        FakeEndpoint::sending(signed),
        |it| it.timeout(limit),
        |issuer| issuer.keys(SlowKeys),
    );
    let answer = block_on(async {
        let asked = async { bed.introspector.introspect(b"good-1").await };
        tokio::time::timeout(5 * SECOND, asked).await
    });
    assert_eq!(answer.unwrap().err(), Some(LATER));
}

#[test]
fn nothing_listens() {
    let bed = Bed::with(
        FakeEndpoint::sending(Vec::new()),
        |_| Introspection::at("http://127.0.0.1:1/").client_secret_post("rs", "s3cret"),
        |issuer| issuer,
    );
    assert_eq!(bed.ask("good-1").err(), Some(LATER));
}

/// The answer about a token with these members besides `active`.
fn refusal(
    members: &str,
    change: impl FnOnce(TrustedIssuer) -> TrustedIssuer,
) -> Option<AuthError> {
    let body = format!(r#"{{"active":true,{members}}}"#);
    let bed = Bed::with(FakeEndpoint::sending(json(&body)), |it| it, change);
    let refused = bed.ask("token").err();
    assert_eq!((bed.ask("token").err(), bed.endpoint.count()), (refused.clone(), 1), "{members}");
    refused
}

#[test]
fn an_answer_is_held_against_the_rules_of_its_issuer() {
    let reason = |reason: InvalidTokenReason| Some(AuthError::from(reason));
    for (members, refused) in [
        (r#""aud":"api","exp":1800000100"#, None),
        (r#""aud":["x","api"],"exp":1800000100,"iss":"https://issuer.example""#, None),
        (r#""aud":"api","exp":1800000100,"token_type":"bearer""#, None),
        (r#""aud":"other","exp":1800000100"#, reason(Audience)),
        (r#""exp":1800000100,"token_type":"Bearer""#, reason(Audience)),
        (r#""aud":[],"exp":1800000100"#, reason(Audience)),
        (r#""aud":"api","exp":1800000100,"iss":"https://other.example""#, reason(Issuer)),
        (r#""aud":"api","exp":1799999000"#, Some(AuthError::ExpiredToken)),
        (r#""aud":"api""#, reason(MissingExpiry)),
        (
            r#""aud":"api","exp":1800000100,"token_type":"refresh_token""#,
            reason(TokenTypeClaim("token_type")),
        ),
        (r#""aud":"api","exp":1800000100,"typ":"Refresh""#, reason(TokenTypeClaim("typ"))),
        (r#""aud":"api","exp":1800000100,"at_hash":"x""#, reason(TokenTypeClaim("at_hash"))),
        (r#""aud":"api","exp":1800000100,"cnf":{"kid":"x"}"#, reason(SenderConstraint)),
        (r#""aud":"api","exp":1800000100,"token_type":"DPoP""#, reason(SenderConstraint)),
    ] {
        assert_eq!(refusal(members, |issuer| issuer), refused, "{members}");
    }
    let strict = |issuer: TrustedIssuer| issuer.allowed_clients(["web"]);
    let members = r#""aud":"api","exp":1800000100,"client_id":"#;
    assert_eq!(refusal(&format!(r#"{members}"web""#), strict), None);
    let refused = reason(ClientNotAllowed("client_id"));
    assert_eq!(refusal(&format!(r#"{members}"other""#), strict), refused);
}

#[test]
fn without_an_audience_a_token_type_is_needed() {
    let open = |issuer: TrustedIssuer| {
        drop(issuer);
        TrustedIssuer::without_audience(ISSUER).allowed_clients(["web"]).keys(NoKeys::default())
    };
    let members = r#""exp":1800000100,"client_id":"web""#;
    let missing = AuthError::from(MissingClaim("token_type"));
    assert_eq!(refusal(members, open), Some(missing));
    assert_eq!(refusal(&format!(r#"{members},"token_type":"Bearer""#), open), None);
    let named = format!(r#"{members},"token_type":"Bearer","aud":"x""#);
    assert_eq!(refusal(&named, open), Some(Audience.into()));
}

/// It would still be refused when it has become valid.
#[test]
fn a_token_of_the_future_is_asked_about_again() {
    let answer = r#"{"active":true,"aud":"api","exp":1800000900,"nbf":1800000100}"#;
    let bed = Bed::new(FakeEndpoint::sending(json(answer)));
    assert_eq!(bed.ask("token").err(), Some(NotYetValid.into()));
    bed.clock.advance(60);
    assert!(bed.ask("token").is_ok());
    assert_eq!(bed.endpoint.count(), 2);
}

#[test]
fn a_bound_token_stays_bound() {
    let key = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    let answer = format!(
        r#"{{"active":true,"aud":"api","exp":1800000900,"token_type":"DPoP","cnf":{{"jkt":"{key}"}}}}"#
    );
    let bed = Bed::new(FakeEndpoint::sending(json(&answer)));
    assert!(bed.ask("token").unwrap().is_bound());
}
