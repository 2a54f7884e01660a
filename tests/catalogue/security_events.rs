//! Security events that must not end access, and those that must. SSF-01 to SSF-30.

mod hooks;
mod shapes;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jwt_verify::{
    Algorithm, BoxFuture, JwtAuth, JwtAuthBuilder, Lookup, StoreUnavailable, TrustedIssuer,
    revocation::{MemoryRevocation, Revocation, RevocationKeys, RevocationStore},
    security_events::{
        Effect, SecurityEventReceiver, SecurityEventReceiverBuilder, SecurityEventType,
        SubjectIdentifier, Transmitter,
    },
};
use jwt_verify_tests::{AUDIENCE, START, SigningKey, TestClock, Token, base64url};
use serde_json::{Value, json};

use super::event_bed::{
    CAEP, EventBed, ISSUER, RECEIVER, RISC, SSF, TRANSMITTER, check_refusal, event, event_with,
    keys, user,
};

/// SSF-01: an event ends access at once, and the transmitter is told once it has.
#[test]
fn a_session_that_is_revoked_is_over() {
    let bed = EventBed::new();
    assert_eq!(bed.status("a", "s", START), 204);
    let answer = bed.send(&event("session-revoked"));
    assert_eq!((answer.status, answer.header("cache-control")), (202, Some("no-store")));
    assert_eq!(answer.text(), "");
    assert_eq!(bed.status("a", "s", START), 401);
    assert_eq!(bed.status("b", "s", START + 1), 204, "a new login");
}

/// SSF-02 to SSF-09: nothing is revoked by a token that is not verified to the end.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn an_event_that_is_not_verified_changes_nothing() {
    let bed = EventBed::new();
    let other = SigningKey::new(Algorithm::RS256, "transmitter");
    let good = event("session-revoked");
    let signed = good.sign(bed.key);
    let (head, _) = signed.rsplit_once('.').unwrap();
    let unsigned = {
        let header = json!({"alg": "none", "typ": "secevent+jwt"}).to_string();
        format!("{}.{}.", base64url(header), base64url(good.payload()))
    };
    let by_secret =
        SigningKey::from_secret(Algorithm::HS256, "transmitter", bed.key.public_pem().as_bytes());
    let past = START - 24 * 3600 - 61;
    for (id, what, token, code) in [
        (
            "SSF-02",
            "wrong audience",
            good.clone().claim("aud", "other").sign(bed.key),
            "invalid_audience",
        ),
        ("SSF-02", "no audience", good.clone().without("aud").sign(bed.key), "invalid_audience"),
        (
            "SSF-02",
            "audience of the API",
            good.clone().claim("aud", AUDIENCE).sign(bed.key),
            "invalid_audience",
        ),
        (
            "SSF-03",
            "foreign issuer",
            good.clone().claim("iss", "https://other.example").sign(bed.key),
            "invalid_issuer",
        ),
        (
            "SSF-03",
            "issuer of the API",
            good.clone().claim("iss", ISSUER).sign(bed.issuer_key),
            "invalid_issuer",
        ),
        ("SSF-03", "no issuer", good.clone().without("iss").sign(bed.key), "invalid_issuer"),
        (
            "SSF-03",
            "slash",
            good.clone().claim("iss", format!("{TRANSMITTER}/")).sign(bed.key),
            "invalid_issuer",
        ),
        ("SSF-04", "none", format!("{unsigned}AA"), "invalid_key"),
        ("SSF-04", "none, empty signature", unsigned, "invalid_key"),
        ("SSF-04", "empty signature", format!("{head}."), "invalid_key"),
        ("SSF-07", "empty segments", "..".to_owned(), "invalid_request"),
        ("SSF-04", "HS256 with the public key", good.sign(&by_secret), "invalid_key"),
        ("SSF-05", "no typ", unsealed(&good, None, bed.key), "invalid_request"),
        ("SSF-05", "JWT", unsealed(&good, Some("JWT"), bed.key), "invalid_request"),
        ("SSF-05", "access token", unsealed(&good, Some("at+jwt"), bed.key), "invalid_request"),
        ("SSF-05", "logout token", unsealed(&good, Some("logout+jwt"), bed.key), "invalid_request"),
        ("SSF-06", "other key of this name", good.sign(&other), "invalid_key"),
        ("SSF-06", "key of the API's issuer", good.sign(bed.issuer_key), "invalid_key"),
        (
            "SSF-06",
            "signature of another",
            format!("{head}.{}", base64url([7; 256])),
            "invalid_key",
        ),
        ("SSF-07", "no jti", good.clone().without("jti").sign(bed.key), "invalid_request"),
        ("SSF-07", "empty jti", good.clone().claim("jti", "").sign(bed.key), "invalid_request"),
        ("SSF-07", "no iat", good.clone().without("iat").sign(bed.key), "invalid_request"),
        ("SSF-07", "no events", good.clone().without("events").sign(bed.key), "invalid_request"),
        (
            "SSF-07",
            "empty events",
            good.clone().claim("events", json!({})).sign(bed.key),
            "invalid_request",
        ),
        (
            "SSF-07",
            "list of events",
            good.clone().claim("events", json!([{}])).sign(bed.key),
            "invalid_request",
        ),
        (
            "SSF-07",
            "event that is a text",
            good.clone()
                .claim("events", json!({format!("{CAEP}session-revoked"): "x"}))
                .sign(bed.key),
            "invalid_request",
        ),
        ("SSF-08", "too old", good.clone().claim("iat", past).sign(bed.key), "invalid_request"),
        (
            "SSF-08",
            "too old, good exp",
            good.clone().claim("iat", past).claim("exp", START + 600).sign(bed.key),
            "invalid_request",
        ),
        (
            "SSF-08",
            "from the future",
            good.clone().claim("iat", START + 61).sign(bed.key),
            "invalid_request",
        ),
        (
            "SSF-08",
            "expired",
            good.clone().claim("iat", START - 600).claim("exp", START - 300).sign(bed.key),
            "invalid_request",
        ),
        ("SSF-09", "no subject", good.clone().without("sub_id").sign(bed.key), "invalid_request"),
        (
            "SSF-09",
            "subject without format",
            good.clone().claim("sub_id", json!({"iss": ISSUER, "sub": user()})).sign(bed.key),
            "invalid_request",
        ),
        (
            "SSF-09",
            "subject that is a text",
            good.clone().claim("sub_id", user()).sign(bed.key),
            "invalid_request",
        ),
        ("SSF-07", "not a token", "x".to_owned(), "invalid_request"),
        ("SSF-07", "nothing", String::new(), "invalid_request"),
        ("SSF-07", "too long", "x".repeat(16 * 1024 + 1), "invalid_request"),
    ] {
        check_refusal(&format!("{id} {what}"), &bed.push(&token), code);
        assert!(bed.store.is_empty(), "{id} {what}");
    }
    assert_eq!(bed.status("a", "s", START), 204);
    assert_eq!(bed.send(&good).status, 202, "the same event, verified");
    assert_eq!(bed.status("a", "s", START), 401);
}

fn unsealed(token: &Token, typ: Option<&str>, key: &SigningKey) -> String {
    let mut header: Value = serde_json::from_str(&token.header_for(key)).unwrap();
    match typ {
        Some(typ) => header["typ"] = json!(typ),
        None => drop(header.as_object_mut().unwrap().remove("typ")),
    }
    jwt_verify_tests::sign(key, header.to_string(), token.payload())
}

/// SSF-10: a token of one kind is never one of the other.
#[test]
fn an_event_is_no_access_token_and_the_reverse() {
    let bed = EventBed::new();
    // One that would be good as both but for its kind.
    let key = bed.issuer_key;
    let dual = event("session-revoked").claim("iss", ISSUER).claim("sub", user());
    let dual = dual.claim("aud", AUDIENCE).claim("exp", START + 600);
    for typ in [Some("secevent+jwt"), Some("JWT"), None] {
        assert_eq!(bed.answer(&unsealed(&dual, typ, key)).status, 401, "{typ:?}");
    }
    let access = Token::of(TRANSMITTER).claim("aud", RECEIVER).claim("jti", "a");
    check_refusal("SSF-10", &bed.send(&access), "invalid_request");
    check_refusal("SSF-10", &bed.send(&access.header("typ", "secevent+jwt")), "invalid_request");
}

/// SSF-11: what is sent again is acknowledged again, and acted on once.
#[test]
fn a_retransmission_is_answered_and_changes_nothing() {
    let bed = EventBed::new();
    let first = event("session-revoked");
    let again = first.sign(bed.key);
    assert_eq!(bed.push(&again).status, 202);
    let written = bed.store.len();
    bed.clock.advance(Duration::from_secs(60));
    assert_eq!(bed.status("new", "s", START + 60), 204);
    for _ in 0..3 {
        assert_eq!(bed.push(&again).status, 202);
    }
    assert_eq!(bed.status("new", "s", START + 60), 204);
    // Another event with its name is none of the transmitter's.
    let other = first.clone().claim("events", json!({format!("{RISC}account-purged"): {}}));
    check_refusal("SSF-11", &bed.send(&other), "invalid_request");
    assert_eq!(bed.store.len(), written);
    bed.clock.advance(Duration::from_secs(24 * 3600 + 60));
    check_refusal("SSF-11", &bed.push(&again), "invalid_request");
}

/// SSF-12: each event has its effect, and none for the better has one.
#[test]
fn each_type_of_event_has_its_effect() {
    for (uri, payload, ends) in [
        (format!("{CAEP}session-revoked"), json!({}), true),
        (format!("{CAEP}credential-change"), json!({"change_type": "revoke"}), true),
        (format!("{CAEP}token-claims-change"), json!({"claims": {"role": "x"}}), true),
        (
            format!("{CAEP}device-compliance-change"),
            json!({"current_status": "not-compliant"}),
            true,
        ),
        (format!("{CAEP}device-compliance-change"), json!({"current_status": "compliant"}), false),
        (format!("{CAEP}assurance-level-change"), json!({"change_direction": "increase"}), false),
        (format!("{CAEP}session-established"), json!({}), false),
        (format!("{RISC}account-disabled"), json!({"reason": "hijacking"}), true),
        (format!("{RISC}account-purged"), json!({}), true),
        (format!("{RISC}account-enabled"), json!({}), false),
        (format!("{RISC}credential-compromise"), json!({"credential_type": "password"}), true),
        (format!("{RISC}sessions-revoked"), json!({}), true),
        (format!("{SSF}verification"), json!({"state": "x"}), false),
        (format!("{SSF}stream-updated"), json!({"status": "paused"}), false),
        ("https://events.example/of-its-own".to_owned(), json!({}), false),
    ] {
        let bed = EventBed::new();
        assert_eq!(bed.send(&event_with(&uri, &payload)).status, 202, "{uri}");
        let status = bed.status("a", "s", START);
        assert_eq!(status, if ends { 401 } else { 204 }, "{uri} {payload}");
        assert_eq!(bed.store.is_empty(), !ends, "{uri} {payload}");
    }
}

/// SSF-13: every effect can be switched off.
#[test]
fn an_effect_can_be_switched() {
    for known in SecurityEventType::ALL {
        let bed = EventBed::with(|events| events.effect(known, Effect::Ignore));
        assert_eq!(bed.send(&event_with(&known.uri(), &json!({}))).status, 202);
        assert_eq!(bed.status("a", "s", START), 204, "{known:?}");
        assert!(bed.store.is_empty());
    }
}

/// SSF-14: a weaker login has to be made anew, and the caller is told so.
#[test]
fn a_weaker_login_has_to_be_made_anew() {
    let bed = EventBed::new();
    let weaker = json!({"namespace": "NIST-AAL", "current_level": "nist-aal1", "change_direction": "decrease"});
    assert_eq!(
        bed.send(&event_with(&format!("{CAEP}assurance-level-change"), &weaker)).status,
        202
    );
    let answer = bed.answer(&bed.access("a", "s", START));
    assert_eq!(answer.status, 401);
    let challenge = answer.challenge().unwrap();
    assert!(challenge.contains(r#"error="insufficient_user_authentication""#), "{challenge}");
    let login = |login: u64| {
        let token = Token::of(ISSUER).claim("jti", "b").claim("iat", START + 5);
        let token = token.claim("auth_time", login).claim("exp", START + 600);
        bed.answer(&token.sign(bed.issuer_key)).status
    };
    assert_eq!(login(START), 401, "a refreshed token of the old login");
    assert_eq!(login(START + 1), 204);
    assert_eq!(bed.status("c", "s", START + 1), 204, "no `auth_time`: the time of issue");
}

/// SSF-14: a login that cannot be told, or that would follow its token, is none.
#[test]
fn a_login_without_a_date_is_none() {
    let bed = EventBed::new();
    let weaker = json!({"change_direction": "decrease"});
    let event = event_with(&format!("{CAEP}assurance-level-change"), &weaker);
    let status = |login: Value| {
        let token = Token::of(ISSUER).claim("jti", "b").claim("iat", START + 5);
        let token = token.claim("auth_time", login).claim("exp", START + 600);
        bed.answer(&token.sign(bed.issuer_key)).status
    };
    let dates = [
        json!("1"),
        json!("2026-01-01T00:00:00Z"),
        json!((START + 5) * 1000),
        json!({}),
        json!(-1),
    ];
    for date in &dates {
        assert_eq!(status(date.clone()), 204, "{date}: without an event it does not count");
    }
    assert_eq!(bed.send(&event).status, 202);
    for date in dates {
        assert_eq!(status(date.clone()), 401, "{date}");
    }
    assert_eq!(status(json!(START + 5)), 204);
    assert_eq!(status(json!(null)), 204, "a claim without a value is none: the time of issue");
}

/// SSF-14: a demanded login is not forgotten with the access tokens: the next ones are of the same
/// login.
#[test]
fn a_demanded_login_outlives_access_tokens() {
    let bed = EventBed::with(|events| events.retention(Duration::from_secs(60)));
    let weaker = json!({"change_direction": "decrease"});
    assert_eq!(
        bed.send(&event_with(&format!("{CAEP}assurance-level-change"), &weaker)).status,
        202
    );
    bed.clock.advance(Duration::from_secs(24 * 3600));
    let later = START + 24 * 3600;
    let login = |login: u64| {
        let token = Token::of(ISSUER).claim("jti", "b").claim("iat", later);
        let token = token.claim("auth_time", login).claim("exp", later + 60);
        bed.answer(&token.sign(bed.issuer_key)).status
    };
    assert_eq!((login(START), login(START + 1)), (401, 204));
}

/// SSF-15: an event of the account ends all of it, also where it names the session in which that was
/// found out.
#[test]
fn an_event_of_the_account_is_not_about_one_session() {
    let user = json!({"format": "iss_sub", "iss": ISSUER, "sub": user()});
    let session = json!({"format": "opaque", "id": "s1"});
    let subject = json!({"format": "complex", "user": user, "session": session});
    for (uri, other) in [
        (format!("{RISC}account-disabled"), 401),
        (format!("{RISC}account-purged"), 401),
        (format!("{RISC}credential-compromise"), 401),
        (format!("{RISC}sessions-revoked"), 401),
        (SecurityEventType::TokensRevoked.uri(), 401),
        (format!("{CAEP}session-revoked"), 204),
    ] {
        let bed = EventBed::new();
        let event = event_with(&uri, &json!({})).claim("sub_id", subject.clone());
        assert_eq!(bed.send(&event).status, 202, "{uri}");
        let statuses = (bed.status("a", "s1", START), bed.status("b", "s2", START));
        assert_eq!(statuses, (401, other), "{uri}");
    }
}

/// SSF-15: subjects of every format, and what they mean.
#[test]
fn subjects_of_every_format_are_found() {
    let session = json!({"format": "opaque", "id": "s1"});
    let iss_sub = json!({"format": "iss_sub", "iss": ISSUER, "sub": user()});
    // What ends: the token `a` of session `s1`, and the token `b` of session `s2`.
    for (subject, a, b) in [
        (iss_sub.clone(), true, true),
        (json!({"format": "opaque", "id": user()}), true, true),
        (session.clone(), true, false),
        (json!({"format": "jwt_id", "iss": ISSUER, "jti": "b"}), false, true),
        (json!({"format": "jwt_id", "iss": TRANSMITTER, "jti": "b"}), false, false),
        (json!({"format": "iss_sub", "iss": TRANSMITTER, "sub": user()}), false, false),
        (json!({"format": "iss_sub", "iss": ISSUER, "sub": "another"}), false, false),
        (json!({"format": "complex", "user": iss_sub, "session": session}), true, false),
        (json!({"user": iss_sub, "tenant": {"format": "opaque", "id": "t"}}), true, true),
        (json!({"format": "complex", "session": session}), true, false),
        (json!({"format": "complex", "device": {"format": "opaque", "id": user()}}), false, false),
        (
            json!({"format": "aliases", "identifiers": [{"format": "email", "email": "x@example.com"}, iss_sub]}),
            true,
            true,
        ),
        (json!({"format": "email", "email": "known@example.com"}), true, true),
        (json!({"format": "email", "email": "unknown@example.com"}), false, false),
        (json!({"format": "phone_number", "phone_number": "+12065550100"}), true, true),
        (json!({"format": "account", "uri": "acct:known@example.com"}), true, true),
        (json!({"format": "did", "url": "did:example:known"}), true, true),
        (json!({"format": "uri", "uri": "urn:known"}), true, true),
        (
            json!({"format": "saml_assertion_id", "issuer": ISSUER, "assertion_id": "_1"}),
            false,
            false,
        ),
        (json!({"format": "of-its-own", "x": 1}), false, false),
        (json!({"subject_type": "iss-sub", "iss": ISSUER, "sub": user()}), true, true),
    ] {
        let bed = EventBed::with(|events| events.subject_resolver(Directory));
        assert_eq!(
            bed.send(&event("session-revoked").claim("sub_id", subject.clone())).status,
            202
        );
        let over = |name, session| bed.status(name, session, START) == 401;
        assert_eq!((over("a", "s1"), over("b", "s2")), (a, b), "{subject}");
        // Older drafts have the subject in the event, with the same meaning.
        let bed = EventBed::with(|events| events.subject_resolver(Directory));
        let uri = format!("{CAEP}session-revoked");
        let old = event_with(&uri, &json!({ "subject": subject })).without("sub_id");
        assert_eq!(bed.send(&old).status, 202);
        let over = |name, session| bed.status(name, session, START) == 401;
        assert_eq!((over("a", "s1"), over("b", "s2")), (a, b), "{subject}");
    }
    let bed = EventBed::with(|events| {
        events.effect(SecurityEventType::SessionRevoked, Effect::RevokeUser)
    });
    let both = json!({"format": "complex", "user": iss_sub, "session": session});
    assert_eq!(bed.send(&event("session-revoked").claim("sub_id", both)).status, 202);
    assert_eq!(bed.status("b", "s2", START), 401, "all of the user, by a setting");
}

struct Directory;

impl jwt_verify::security_events::SubjectResolver for Directory {
    fn resolve<'a>(
        &'a self,
        subject: &'a SubjectIdentifier,
    ) -> Lookup<'a, Result<Option<String>, StoreUnavailable>> {
        let members = ["email", "phone_number", "uri", "url"];
        let is_known = members.into_iter().filter_map(|name| subject.member(name)).any(|text| {
            text == "+12065550100" || text.contains("known") && !text.contains("unknown")
        });
        Lookup::Pending(Box::pin(async move { Ok(is_known.then(user)) }))
    }
}

/// SSF-16: the time of the event counts, and never one that is yet to come.
#[test]
fn tokens_until_the_event_are_over_and_later_ones_are_not() {
    let uri = format!("{CAEP}session-revoked");
    for (stated, before, after) in [
        (json!({"event_timestamp": START - 50}), START - 50, START - 49),
        (json!({"event_timestamp": START + 50}), START, START + 1),
        (json!({"event_timestamp": (START - 50) * 1000}), START, START + 1),
        (json!({"event_timestamp": -5}), START, START + 1),
        (json!({"event_timestamp": 0}), START, START + 1),
        (json!({"event_timestamp": "x"}), START, START + 1),
        (json!({}), START, START + 1),
    ] {
        let bed = EventBed::new();
        assert_eq!(bed.send(&event_with(&uri, &stated)).status, 202);
        assert_eq!(bed.status("a", "s", before), 401, "{stated}");
        assert_eq!(bed.status("b", "s", after), 204, "{stated}");
    }
    let bed = EventBed::new();
    assert_eq!(bed.send(&event("session-revoked").claim("toe", START - 50)).status, 202);
    assert_eq!((bed.status("a", "s", START - 50), bed.status("b", "s", START)), (401, 204));
}

/// SSF-17: a request that is not one is refused before its token is read.
#[test]
fn the_form_of_the_request_is_checked() {
    let bed = EventBed::new();
    let token = event("session-revoked").sign(bed.key);
    for media_type in
        ["application/jwt", "text/plain", "application/json", "application/secevent", ""]
    {
        let request = bed.server.request("POST", "/ssf/events").body(media_type, &token);
        check_refusal(media_type, &request.send(), "invalid_request");
    }
    let get = bed.server.get("/ssf/events").send();
    assert!(get.status == 404 || get.status == 405, "{}", get.status);
    assert!(bed.store.is_empty());
    let request = bed.server.request("POST", "/ssf/events");
    assert_eq!(request.body("Application/SecEvent+JWT; charset=utf-8", &token).send().status, 202);
}

/// SSF-18: where the transmitter has a credential, it must show it.
#[test]
fn a_transmitter_shows_its_credential() {
    const CREDENTIAL: &str = "Bearer of-the-transmitter";
    let bed = EventBed::with(|events| events.push_authorization(CREDENTIAL));
    let token = event("session-revoked").sign(bed.key);
    let push =
        || bed.server.request("POST", "/ssf/events").body("application/secevent+jwt", &token);
    check_refusal("none", &push().send(), "authentication_failed");
    for wrong in ["Bearer of-the-transmitteR", "Bearer", "", "bearer of-the-transmitter"] {
        let answer = push().header("Authorization", wrong).send();
        check_refusal(wrong, &answer, "authentication_failed");
    }
    let twice = push().header("Authorization", CREDENTIAL).header("Authorization", CREDENTIAL);
    check_refusal("twice", &twice.send(), "authentication_failed");
    assert!(bed.store.is_empty());
    assert_eq!(push().header("Authorization", CREDENTIAL).send().status, 202);
}

/// SSF-19: an event that could not be acted on is not acknowledged, and works when it comes again.
#[test]
fn an_event_is_acknowledged_once_it_was_acted_on() {
    let clock = TestClock::new();
    let store = MemoryRevocation::with_clock(clock.clone());
    let is_down = Arc::new(AtomicBool::new(true));
    let failing = Failing { store: store.clone(), is_down: is_down.clone() };
    let bed = EventBed::on(clock, store, failing, |events| events);
    let token = event("session-revoked");
    let answer = bed.send(&token);
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    is_down.store(false, Ordering::SeqCst);
    assert_eq!(bed.status("a", "s", START), 204);
    assert_eq!(bed.send(&token).status, 202);
    assert_eq!(bed.status("a", "s", START), 401);
}

#[derive(Debug)]
struct Failing {
    store: MemoryRevocation,
    is_down: Arc<AtomicBool>,
}

impl RevocationStore for Failing {
    fn check<'a>(&'a self, keys: &'a RevocationKeys) -> Lookup<'a, Result<bool, StoreUnavailable>> {
        self.store.check(keys)
    }

    fn revoke<'a>(
        &'a self,
        what: &'a Revocation,
        until: Duration,
    ) -> BoxFuture<'a, Result<(), StoreUnavailable>> {
        if self.is_down.load(Ordering::SeqCst) {
            return Box::pin(async { Err(StoreUnavailable::new()) });
        }
        self.store.revoke(what, until)
    }
}

/// SSF-20: settings that would open more do not build.
#[test]
fn unsafe_settings_do_not_build() {
    let transmitter = || Transmitter::new(TRANSMITTER, RECEIVER);
    let events = |transmitter| SecurityEventReceiver::builder(transmitter, MemoryRevocation::new());
    let error = |builder: SecurityEventReceiverBuilder| builder.build().unwrap_err().to_string();
    let secret = transmitter().algorithms([Algorithm::RS256, Algorithm::HS256]);
    assert!(error(events(secret)).contains("asymmetric"));
    assert!(error(events(transmitter().algorithms([]))).contains("algorithms"));
    assert!(error(events(Transmitter::new("", RECEIVER))).contains("issuer"));
    assert!(error(events(Transmitter::new(TRANSMITTER, ""))).contains("audience"));
    assert!(error(events(transmitter().subjects_of(""))).contains("subjects_of"));
    assert!(error(events(Transmitter::new("http://signals.example", RECEIVER))).contains("https"));
    assert!(error(events(transmitter().jwks_uri("http://signals.example/k"))).contains("https"));
    let key = SigningKey::new(Algorithm::RS256, "k");
    let twice = transmitter().keys(keys(&key)).jwks_uri("https://signals.example/k");
    assert!(error(events(twice)).contains("jwks_uri"));
    assert!(error(events(transmitter()).push_authorization("short")).contains("16 bytes"));
    for age in [0, 59, 31 * 24 * 3600] {
        assert!(error(events(transmitter()).max_age(Duration::from_secs(age))).contains("max_age"));
    }
    let events = events(transmitter()).build().unwrap();
    let auth = || JwtAuth::builder(ISSUER, AUDIENCE).security_events(&events);
    let error = |auth: JwtAuthBuilder| auth.build().unwrap_err().to_string();
    assert!(error(auth().revocation(MemoryRevocation::new())).contains("store"));
    assert!(error(auth().security_events(&events)).contains("once"));
    assert!(auth().build().is_ok());
}
