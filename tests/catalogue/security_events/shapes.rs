//! Events as transmitters write them, and what they must not hide.

use jwt_verify::{
    Lookup, StoreUnavailable,
    security_events::{SubjectIdentifier, SubjectResolver},
};

use super::*;

/// Knows users by the names that another issuer gives them.
struct OtherNames;

impl SubjectResolver for OtherNames {
    fn resolve<'a>(
        &'a self,
        subject: &'a SubjectIdentifier,
    ) -> Lookup<'a, Result<Option<String>, StoreUnavailable>> {
        let is_known = subject.member("iss") == Some("https://org.example")
            && subject.member("sub") == Some("00u1");
        Lookup::Ready(Ok(is_known.then(user)))
    }
}

fn iss_sub() -> Value {
    json!({"format": "iss_sub", "iss": ISSUER, "sub": user()})
}

/// Sends an event about a subject to a new API. Returns the status, and those of two sessions.
fn after(subject: &Value) -> (u16, [u16; 2]) {
    let bed = EventBed::with(|events| events.subject_resolver(OtherNames));
    let sent = bed.send(&event("session-revoked").claim("sub_id", subject.clone())).status;
    (sent, [bed.status("a", "s1", START), bed.status("b", "s2", START)])
}

/// SSF-21: the session `ALL` beside a user stands for all sessions of the user.
#[test]
fn all_sessions_of_a_user_are_the_user() {
    let all = json!({"format": "opaque", "id": "ALL"});
    let of_user = json!({"format": "complex", "user": iss_sub(), "session": all});
    assert_eq!(after(&of_user), (202, [401, 401]));
    // Without a user it is a name as any other.
    assert_eq!(after(&json!({"format": "complex", "session": all})), (202, [204, 204]));
}

/// SSF-22: a user of another issuer is whom the application says, and without its word nothing.
#[test]
fn users_of_other_issuers_are_resolved() {
    let of = |issuer: &str, name: &str| json!({"format": "iss_sub", "iss": issuer, "sub": name});
    assert_eq!(after(&of("https://org.example", "00u1")), (202, [401, 401]));
    assert_eq!(after(&json!({"user": of("https://org.example", "00u1")})), (202, [401, 401]));
    for other in [
        of("https://org.example", "00u2"),
        of("https://org.example/", "00u1"),
        of("https://org.example", &user()),
        json!({"format": "complex", "session": of("https://org.example", "00u1")}),
    ] {
        assert_eq!(after(&other), (202, [204, 204]), "{other}");
    }
    let bed = EventBed::new();
    let unknown = event("session-revoked").claim("sub_id", of("https://org.example", "00u1"));
    assert_eq!((bed.send(&unknown).status, bed.store.is_empty()), (202, true));
}

/// SSF-23: parts that are `null` are not there.
#[test]
fn parts_without_a_value_are_not_there() {
    let user = json!({"user": iss_sub(), "session": null, "tenant": null});
    assert_eq!(after(&user), (202, [401, 401]));
    let bed = EventBed::new();
    let uri = format!("{CAEP}session-revoked");
    let old = event_with(&uri, &json!({ "subject": user })).claim("sub_id", Value::Null);
    assert_eq!((bed.send(&old).status, bed.status("a", "s", START)), (202, 401));
}

/// SSF-24: a subject that lacks what its format has is refused, since access would stay open in
/// silence.
#[test]
fn a_subject_that_lacks_members_is_refused() {
    for subject in [
        json!({"format": "iss_sub", "iss": ISSUER}),
        json!({"format": "iss_sub", "sub": user()}),
        json!({"format": "iss_sub", "iss": ISSUER, "sub": ""}),
        json!({"format": "iss_sub", "iss": ISSUER, "sub": 7}),
        json!({"format": "opaque"}),
        json!({"format": "jwt_id", "iss": ISSUER}),
        json!({"format": "email"}),
        json!({"format": "phone_number", "phone_number": 1}),
        json!({"format": "account"}),
        json!({"format": "did", "uri": "did:example:1"}),
        json!({"format": "uri", "url": "urn:1"}),
        json!({"format": "saml_assertion_id", "issuer": ISSUER}),
        json!({"format": "aliases", "identifiers": []}),
        json!({"format": "aliases", "identifiers": ["x", {"format": "iss_sub", "iss": ISSUER}]}),
        json!({"format": "complex", "user": {"format": "iss_sub", "iss": ISSUER}}),
        json!({"format": "complex", "user": iss_sub(), "session": {"format": "opaque"}}),
        json!({"format": "complex", "user": "x"}),
    ] {
        let bed = EventBed::new();
        let answer = bed.send(&event("session-revoked").claim("sub_id", subject.clone()));
        check_refusal(&format!("SSF-24 {subject}"), &answer, "invalid_request");
        assert!(bed.store.is_empty(), "{subject}");
    }
}

/// SSF-25: a compromise that is found late ends the logins since, and a logout does not.
#[test]
fn a_late_event_ends_what_it_has_to() {
    for (uri, later) in [
        (format!("{RISC}credential-compromise"), 401),
        (format!("{RISC}account-disabled"), 401),
        (format!("{RISC}account-purged"), 401),
        (format!("{RISC}sessions-revoked"), 204),
        (format!("{CAEP}session-revoked"), 204),
    ] {
        let bed = EventBed::new();
        let late = event_with(&uri, &json!({"event_timestamp": START - 3600}));
        assert_eq!(bed.send(&late).status, 202);
        let statuses = (bed.status("a", "s", START - 3600), bed.status("b", "s", START - 60));
        assert_eq!(statuses, (401, later), "{uri}");
    }
}

/// SSF-26: another time under the name of an event is another event.
#[test]
fn a_later_event_of_the_same_name_is_not_lost_in_silence() {
    let bed = EventBed::new();
    let first = event("session-revoked").claim("toe", START - 60);
    assert_eq!(bed.send(&first).status, 202);
    let second = first.clone().claim("toe", START - 30);
    check_refusal("SSF-26", &bed.send(&second), "invalid_request");
    assert_eq!(bed.send(&first).status, 202);
}

/// SSF-27: two receivers that differ do not take an event from each other.
#[test]
fn receivers_that_share_a_memory_act_both() {
    let seen = jwt_verify::store::MemoryCache::with_capacity(100);
    let clock = TestClock::new();
    let bed = |other: &str| {
        let store = MemoryRevocation::with_clock(clock.clone());
        let (seen, clock) = (seen.clone(), clock.clone());
        EventBed::of(clock, store.clone(), store, Some(other), |events| events.seen(seen))
    };
    let (first, second) = (bed("https://first.example"), bed("https://second.example"));
    for bed in [&first, &second] {
        assert_eq!(bed.status("a", "s", START), 204);
        assert_eq!(bed.send(&event("session-revoked")).status, 202);
        assert_eq!(bed.status("a", "s", START), 401);
    }
}

/// SSF-28: what is revoked must stay so for as long as a token lives.
#[test]
fn a_retention_below_the_lifetime_does_not_build() {
    let build = |retention: u64| {
        let transmitter = Transmitter::new(TRANSMITTER, RECEIVER).keys(keys(&key()));
        let transmitter = transmitter.algorithms([Algorithm::ES256]);
        let events = SecurityEventReceiver::builder(transmitter, MemoryRevocation::new());
        let events = events.retention(Duration::from_secs(retention)).build().unwrap();
        let issuer = TrustedIssuer::new(ISSUER, AUDIENCE).keys(keys(&key()));
        let issuer = issuer.algorithms([Algorithm::ES256]);
        let issuer = issuer.max_lifetime(Duration::from_secs(3600));
        JwtAuth::for_issuer(issuer).security_events(&events).build().map(drop)
    };
    assert!(build(3600).is_ok());
    let error = build(3599).unwrap_err().to_string();
    assert!(error.contains("retention"), "{error}");
}

fn key() -> SigningKey {
    SigningKey::new(Algorithm::ES256, "key")
}
